"""The papers of a request as they are shown (材料): what is asked for, what lies there, what is missing."""

from __future__ import annotations

from typing import Any, NamedTuple

from states.definition import Requirement
from states.facts import Facts
from states.plan import Plan, fits
from states.vocabulary import DOCUMENT_KINDS
from workflow_service.models.columns import iso


def document_view(row: Any) -> dict[str, Any]:
    """One file; `row` has the columns of `request_document`."""
    label, label_en = DOCUMENT_KINDS.get(row.kind, (row.kind, row.kind))
    return {
        "id": str(row.id), "kind": row.kind, "label": label, "label_en": label_en, "name": row.name,
        "media_type": row.media_type, "size": row.size, "sha256": row.sha256, "uploaded_at": iso(row.uploaded_at),
        "organization_id": str(row.organization_id),
    }  # fmt: skip


class File(NamedTuple):
    """The columns of a document that are shown; `uploaded_at` in microseconds."""

    id: int
    kind: str
    name: str
    media_type: str
    size: int
    sha256: str
    uploaded_at: int
    organization_id: int


def requirement_views(plan: Plan, facts: Facts, files: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Every requirement that applies, with its alternatives; what is missing is the nearest bundle's."""
    shown = [
        _requirement_view(requirement, files)
        for requirement in plan.requirements
        if fits(tuple((key, frozenset(values)) for key, values in requirement.when.items()), facts)
    ]
    asked = {kind for each in shown for bundle in each["any_of"] for kind in bundle}
    other = [file for file in files if file["kind"] not in asked]
    if other:
        shown.append(
            {
                "requirement": "other", "any_of": [], "required": False, "present": True, "missing": [], "rule": None,
                "article": None, "basis": None, "by": None, "at": None, "kinds": {}, "files": other,
            }
        )  # fmt: skip
    return shown


def _requirement_view(requirement: Requirement, files: list[dict[str, Any]]) -> dict[str, Any]:
    present = {file["kind"] for file in files}
    missing = min(([kind for kind in bundle if kind not in present] for bundle in requirement.any_of), key=len)
    kinds = [kind for bundle in requirement.any_of for kind in bundle]
    return {
        "requirement": requirement.id, "any_of": [list(bundle) for bundle in requirement.any_of],
        "required": not requirement.optional,
        "present": not missing, "missing": missing, "rule": requirement.cite.rule, "article": requirement.cite.article,
        "basis": requirement.cite.basis, "by": requirement.by, "at": requirement.at,
        "kinds": {kind: dict(zip(("label", "label_en"), DOCUMENT_KINDS.get(kind, (kind, kind)), strict=True))
                  for kind in kinds},
        "files": [file for file in files if file["kind"] in kinds],
    }  # fmt: skip
