"""Rules as data (规则包): what is in force, who may start what, over which steps, with article and basis."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import select

from states.definition import Citation, Definition
from states.kinds import KINDS
from states.pack_rules import listed_rules
from workflow_service.actors import Actor
from workflow_service.db import reading
from workflow_service.errors import NotFound
from workflow_service.models import Organization, PackVersion
from workflow_service.offers import Offer, offers
from workflow_service.routing import ancestors, policy_of
from workflow_service.service import Service


def policy_of_organization(service: Service, organization_id: int) -> str:
    """The pack that an organization follows."""
    with reading(service.engine) as connection:
        columns = Organization.__table__.c
        row = connection.execute(select(*columns).where(Organization.id == organization_id)).one()
        return policy_of(ancestors(connection, row))


def policies_view(service: Service) -> list[dict[str, Any]]:
    """Every stored version, newest first within its pack."""
    query = select(*_COLUMNS).order_by(PackVersion.pack, PackVersion.kind, PackVersion.version.desc())
    with reading(service.engine) as connection:
        return [_row_view(service, row) for row in connection.execute(query).all()]


def policy_view(service: Service, pack: str, version: int | None = None, kind: str | None = None) -> dict[str, Any]:
    """One pack's newest version for a kind (or the version named) as it runs. Raises NotFound.

    Without a kind it is the transfer's, and where the pack has none, the first one's by name.
    """
    query = select(*_COLUMNS).where(PackVersion.pack == pack).order_by(PackVersion.kind, PackVersion.version.desc())
    with reading(service.engine) as connection:
        rows = connection.execute(query).all()
    kinds = list(dict.fromkeys(row.kind for row in rows))
    kind = kind or ("transfer" if "transfer" in kinds else next(iter(kinds), None))
    row = next((row for row in rows if row.kind == kind and version in (None, row.version)), None)
    if row is None:
        raise NotFound
    definition = service.packs.definition(row.id)
    rules = {rule.id: rule for rule in listed_rules(definition)}
    return {
        **_row_view(service, row),
        "kinds": kinds,
        "steps": [
            {"state": step.state, "label": step.label, "label_en": step.label_en, "holders": list(step.holders),
             "role": step.role, "events": list(step.events), "approve_label": step.approve_label,
             "working_days": step.working_days, "silence": step.silence, **_cited(step.limit)}
            for step in definition.steps.values()
        ],
        "windows": [{"id": w.id, "article": w.article, "basis": w.basis} for w in definition.windows],
        "requirements": [
            {"requirement": r.id, "any_of": [list(bundle) for bundle in r.any_of], "at": r.at, "by": r.by,
             "side": r.side, "optional": r.optional, "when": _when(r.when), **_cited(r.cite)}
            for r in definition.requirements
        ],
        "checks": [
            {"id": check.id, "does": check.does, "on": list(check.on), "at": list(check.at), "side": check.side,
             "when": _when(check.when), **_cited(check.cite)} for check in definition.checks
        ],
        "reasons": [{"code": r.code, "label": r.label, "label_en": r.label_en, "units": list(r.units),
                     **_cited(rules[r.code].cite)} for r in definition.reasons],
        "rules": [{"id": rule.id, "kind": rule.kind, "software": rule.software, "because": rule.because,
                   "other_reading": rule.other_reading, **_cited(rule.cite)} for rule in rules.values()],
        "sources": {name: dict(source) for name, source in definition.sources.items()},
        "returned_working_days": definition.returned_days, "draft_days": definition.draft_days,
        "document_limit": definition.document_limit, "document_types": list(definition.document_types),
        "content": json.loads(definition.canonical),
    }  # fmt: skip


def may_start(service: Service, actor: Actor) -> list[dict[str, Any]]:
    """The kinds that the asker may start now, with the units of theirs that may start each."""
    return [_offer_view(offer) for offer in offers(service, actor)]


def _offer_view(offer: Offer) -> dict[str, Any]:
    kind = KINDS[offer.kind]
    return {**_kind_view(offer.definition), "starters": list(offer.starters), "label": kind.label,
            "label_en": kind.label_en, "group": kind.group, "subject": kind.subject, "sides": kind.sides}  # fmt: skip


def _kind_view(definition: Definition) -> dict[str, Any]:
    return {
        "kind": definition.kind, "title": definition.title, "title_en": definition.title_en, "policy": definition.pack,
        "starters": sorted({route.starter for route in definition.routes}),
        "grounds": [{"ground": g.name, "label": g.label, "label_en": g.label_en, **_cited(g.cite)}
                    for g in definition.grounds],
        "facts": list(definition.facts),
    }  # fmt: skip


_COLUMNS = (
    PackVersion.id, PackVersion.pack, PackVersion.kind, PackVersion.version, PackVersion.sha256,
    PackVersion.valid_from, PackVersion.valid_to,
)  # fmt: skip


def _row_view(service: Service, row: Any) -> dict[str, Any]:
    definition = service.packs.definition(row.id)
    return {
        "id": row.pack, "version": row.version, "sha256": row.sha256, "valid_from": row.valid_from.isoformat(),
        "valid_to": row.valid_to.isoformat() if row.valid_to else None, "may_start": _kind_view(definition),
        "routes": [
            {"route": list(route.steps), "starter": route.starter, "when": _when(route.when), **_cited(route.cite)}
            for route in definition.routes
        ],
        "kind": row.kind, "title": definition.title, "title_en": definition.title_en,
    }  # fmt: skip


def _cited(cite: Citation) -> dict[str, str]:
    return {"rule": cite.rule, "article": cite.article, "basis": cite.basis, "pack": cite.pack}


def _when(condition: Any) -> dict[str, list[Any]]:
    return {key: list(values) for key, values in condition.items()}
