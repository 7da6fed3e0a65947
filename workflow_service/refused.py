"""Refusals (未通过的裁决): the facts on which a decision was refused, kept so that a looser pack can be replayed.

A decision that succeeds leaves its facts in the statement that writes it; a refusal writes nothing else, so its facts
have a transaction of their own. Kept like the others, without an end; no more than `MOST` for one request.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from typing import TYPE_CHECKING, Final

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from states.decide import COMING_IN
from states.facts import Facts
from states.plan import APPROVING
from states.verdict import Reason
from workflow_service.db import run_tx
from workflow_service.facts import Row
from workflow_service.models.packed import packed

if TYPE_CHECKING:
    from workflow_service.service import Service

log = logging.getLogger(__name__)

KEPT: Final = frozenset((*COMING_IN, *APPROVING))
"""The events whose refusals are kept: those that a rule of a pack can let through or not."""
MOST: Final = 20
"""Rows of one request: whoever tries for ever leaves no more; what was refused first stays."""


def keep(service: Service, row: Row, facts: Facts, event: str, at: int, reasons: Collection[Reason]) -> None:
    """Keep a refusal at legal time `at`, microseconds, in the place of an older one by the same rules.

    Whoever was refused is answered whatever becomes of this: an error is logged and goes no further.
    """
    if event not in KEPT or not reasons:
        return
    try:
        values = {
            "id": service.ids.new(row["bucket"]), "bucket": row["bucket"], "request_id": row["id"], "event": event,
            "rules": " ".join(sorted({reason.cite.rule for reason in reasons})), "at": at, "pack_id": row["pack_id"],
            "origin_pack_id": row["origin_pack_id"], "route_rule": row["route_rule"], "facts": packed(facts),
            "most": MOST,
        }  # fmt: skip
        run_tx(service.engine, lambda connection: connection.execute(_KEEP, values))
    except (SQLAlchemyError, TypeError):
        log.exception("the facts of a refusal of request %s were not kept", row["id"])


_KEEP: Final = text("""
INSERT INTO refused_judgement (id, bucket, request_id, event, rules, at, pack_id, origin_pack_id, route_rule, facts)
SELECT :id, :bucket, :request_id, :event, :rules, :at, :pack_id, :origin_pack_id, :route_rule, :facts
WHERE (SELECT count(*) FROM refused_judgement f
    WHERE f.request_id = :request_id AND (f.event <> :event OR f.rules <> :rules)) < :most
ON CONFLICT (request_id, event, rules) DO UPDATE SET at = excluded.at, pack_id = excluded.pack_id,
    origin_pack_id = excluded.origin_pack_id, route_rule = excluded.route_rule, facts = excluded.facts""")
