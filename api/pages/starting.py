"""What the asker may start, as the pages offer it (可办业务): the choice of kinds, and what all forms share."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from api.endpoint import service
from api.errors import Problem
from api.pages.frame import offers_here, page
from api.pages.labels import KINDS_BY_GROUP
from api.pages.language import pick
from api.pages.session import actor
from states.definition import Definition
from states.kinds import GROUPS, KINDS
from states.vocabulary import DATA_FACTS
from workflow_service.errors import NotFound
from workflow_service.offers import Offer
from workflow_service.views.organizations import find_organization, organization_view


def offered() -> dict[str, Offer]:
    """The kinds that the asker may start, asked once per page. Raises a 403 for whoever starts nothing at all."""
    if "registrar" not in actor().roles or not (actor().kind == "school" or actor().supervises):
        raise Problem(403, "forbidden", "只有学籍管理员可以新建申请 / Only a registrar starts a request.")
    return offers_here(actor())


def offer_of(kind: str) -> Offer:
    """The offer of one kind. Raises NotFound for what is no kind, a 403 for one that the asker cannot start."""
    if kind not in KINDS:
        raise NotFound
    found = offered().get(kind)
    if found is None:
        raise Problem(403, "forbidden", "您的岗位不发起此类业务 / Your post does not start this kind of request.")
    return found


def choice() -> Response:
    """Every kind that may be started, by group; `?q=` looks for a name, in either language."""
    found, q = offered(), request.args.get("q", "").strip()[:60]
    groups = [
        (group, [found[name] for name in KINDS_BY_GROUP[group] if name in found and _fits(found[name], q)])
        for group in GROUPS
    ]
    return page(
        "request_kinds.html", area="new_request", groups=[(group, rows) for group, rows in groups if rows], q=q,
        any_kind=bool(found), pack_line=pack_line, KIND_TABLE=KINDS, batches=actor().kind == "school",
    )  # fmt: skip


def pack_line(offer: Offer) -> Any:
    """The rules that a kind follows, without its own name behind them: that stands above it."""
    title, title_en = offer.definition.title.partition("（")[0], offer.definition.title_en.partition(", ")[0]
    return pick({"title": title, "title_en": title_en}, "title")


def _fits(offer: Offer, q: str) -> bool:
    kind = KINDS[offer.kind]
    return not q or q.casefold() in f"{kind.label} {kind.label_en} {offer.kind}".casefold()


def organization_of(organization_id: int) -> dict[str, Any]:
    """An organization as the forms show it. Raises NotFound."""
    row = find_organization(service(), actor(), organization_id)
    return organization_view(service(), actor(), row)


def facts_known() -> dict[str, Any]:
    """Every fact's type, label and choices, for the inputs."""
    return dict(DATA_FACTS)


def wrong_fields(problem: Problem | None) -> dict[str, dict[str, Any]]:
    """The refusals by field, so that each stands beside its field."""
    errors = problem.members.get("errors", ()) if problem else ()
    return {("student.student_number" if e["field"] == "student" else e["field"]): e for e in errors}


def papers_by_ground(definition: Definition) -> dict[str, list[dict[str, Any]]]:
    """The papers that each ground needs, "" for every ground; `depends` where only some answers need one."""
    found: dict[str, list[dict[str, Any]]] = {"": [], **{ground.name: [] for ground in definition.grounds}}
    for row in definition.requirements:
        paper = {"any_of": row.any_of, "depends": bool(set(row.when) - {"ground"}), "optional": row.optional}
        for ground in row.when.get("ground", ("",)):
            found.setdefault(str(ground), []).append(paper)
    return found
