"""The sweeps' writes (到期处理的写入): one batch of rows that fell due, and everything that follows from it, set-based.

On PostgreSQL one statement over a FOR UPDATE SKIP LOCKED batch, so that any number of processes share the work; on
SQLite the same writes one by one over a temporary table, in BEGIN IMMEDIATE. The payload of a history row is built
here in the very format of `workflow_service.history.Trail.link`; `workflow-service check` compares them.

Ids are the application's (`workflow_service.ids`): a reserved block gives `:ms` and `:turn`, and row n of the batch
takes slot `:turn + n`, whose upper part counts milliseconds on and whose lower twelve bits are the turn.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Engine

from workflow_service.sql import driver_of, for_postgresql

_MARKS = {
    "postgresql": {
        "{json}": "CAST(to_json(CAST(", "{/json}": " AS TEXT)) AS TEXT)",
        "{rule}": "CAST(r.clock AS json) ->> 'rule'",
        "{hash}": "sha256(l.chain || convert_to(l.payload, 'UTF8'))",
        "{later}": "GREATEST", "{earlier}": "LEAST",
        # A row that moved between this statement's snapshot and its lock is left for the next round: the statement
        # would see the new request, but of its parties and places only the old ones, and leave the new ones open.
        "{unmoved}": "AND r.version = (SELECT seen.version FROM request seen WHERE seen.id = r.id)",
        "{locked}": "FOR UPDATE OF r SKIP LOCKED",
        "{unit}": "CAST(CAST(b.units AS json) -> '", "{/unit}": "' ->> 0 AS BIGINT)",
    },
    "sqlite": {
        "{json}": "json_quote(CAST(", "{/json}": " AS TEXT))",
        "{rule}": "json_extract(r.clock, '$.rule')",
        "{hash}": "chain_hash(l.chain, l.payload)",
        "{later}": "MAX", "{earlier}": "MIN",
        "{unmoved}": "",
        "{locked}": "",
        "{unit}": "json_extract(b.units, '$.", "{/unit}": "[0]')",
    },
}  # fmt: skip


def _in(dialect: str, sql: str) -> str:
    for mark, text in _MARKS[dialect].items():
        sql = sql.replace(mark, text)
    return sql


@dataclass(frozen=True, slots=True)
class Sweep:
    """A probe (is there work?), a batch and the writes that draw from it, in both dialects."""

    probe: dict[str, str]
    batch: str
    writes: tuple[str, ...]
    single: str

    def run(self, engine: Engine, parameters: dict[str, Any]) -> int:
        """How many rows of the batch were written: all of them with everything that follows, or none."""
        with driver_of(engine) as driver:
            if driver.execute(self.probe[engine.dialect.name], parameters).fetchone() is None:
                return 0  # The usual answer, without a write lock.
            if engine.dialect.name == "sqlite":
                return self._one_by_one(driver, parameters)
            return int(driver.execute(self.single, parameters).fetchone()[0])

    def _one_by_one(self, driver: Any, parameters: dict[str, Any]) -> int:
        driver.execute("BEGIN IMMEDIATE")
        try:
            driver.execute("DROP TABLE IF EXISTS temp.batch")
            driver.execute(f"CREATE TEMP TABLE batch AS {self.batch}", parameters)
            for write in self.writes:
                driver.execute(write, parameters)
            count = int(driver.execute("SELECT count(*) FROM batch").fetchone()[0])
            driver.execute("COMMIT")
        except BaseException:
            if driver.in_transaction:
                driver.execute("ROLLBACK")
            raise
        return count


_DUE = """
SELECT r.id, r.bucket, r.kind, r.number, r.version, r.state, r.chain, r.units, r.due_at, r.wake_event,
    r.destination_school_id, [reason] AS rule, [since] AS fell_due
FROM request r WHERE [where] {unmoved} ORDER BY [order] LIMIT :limit {locked}"""

# The event never stands before the one it follows: a note of a second ago must not seem to come after the end.
_NUMBERED = """
SELECT d.*, p.class_id AS held_class, c.stage AS held_stage, [to] AS to_state, d.version + 1 AS seq,
    {later}(:now, (SELECT h.at FROM history h WHERE h.object_id = d.id AND h.seq = d.version)) AS at,
    :turn + row_number() OVER (ORDER BY d.fell_due, d.id) - 1 AS slot
FROM due d LEFT JOIN place_hold p ON p.request_id = d.id AND p.released_at IS NULL
    LEFT JOIN school_class c ON c.id = p.class_id"""

_LINKED = """
SELECT n.*, '{"v":' || CAST(:payload_version AS TEXT) || ',"o":"' || CAST(n.id AS TEXT) || '","s":'
    || CAST(n.seq AS TEXT) || ',"e":"[event]","f":"' || n.state || '","t":"' || n.to_state || '","at":'
    || CAST(n.at AS TEXT) || ',"by":"","org":"","d":{' || [details] || '}}' AS payload,
    ((:ms + (n.slot >> 12)) << 22) | (CAST(n.bucket AS BIGINT) << 12) | (n.slot & 4095) AS row_id
FROM numbered n"""

_DETAILS = """'"rule":' || {json}n.rule{/json}
    || CASE WHEN n.held_class IS NULL THEN ''
        ELSE ',"place":"release","class":"' || CAST(n.held_class AS TEXT) || '"' END"""

_HISTORY = """
INSERT INTO history (object_id, seq, id, bucket, object_type, at, recorded_at, event, from_state, to_state, payload,
    hash)
SELECT b.id, b.seq, b.row_id, b.bucket, 'request', b.at, :recorded_at, '[event]', b.state, b.to_state, b.payload, b.hash
FROM batch b"""

_OUTBOX = """
INSERT INTO outbox (id, bucket, topic, object_id, seq, body, created_at, attempts)
SELECT b.row_id, b.bucket, b.kind || '.[event]', b.id, b.seq,
    '{"request":"' || CAST(b.id AS TEXT) || '","number":' || {json}b.number{/json} || ',"event":"[event]","from":"'
    || b.state || '","to":"' || b.to_state || '","version":' || CAST(b.seq AS TEXT) || '}', :recorded_at, 0
FROM batch b"""

_ENDED = """
UPDATE request SET state = 'expired', version = b.seq, open = :no, final = :yes, holder_id = NULL, holder_path = NULL,
    holder_role = NULL, approvals = '[]', state_since = b.at, due_at = NULL, clock = NULL, paused = '[]',
    days_left = NULL, provisional = :no, returned_from = NULL, wake_at = NULL, wake_event = NULL, wipe_at = NULL,
    escalated = :no, completed_at = b.at, chain = b.hash
FROM batch b WHERE request.id = b.id"""

# IS TRUE keeps the duties out of the index condition: by them the planner would skip through the key twice per request,
# or walk the index of paths, and read seven times the pages.
_CLOSED = """
UPDATE request_party SET to_at = b.at FROM batch b WHERE request_party.request_id = b.id
    AND request_party.to_at IS NULL AND (request_party.duty IN ('hold', 'escalated')) IS TRUE"""

_FREED = """
UPDATE place_hold SET released_at = b.at, outcome = 'released' FROM batch b
WHERE b.held_class IS NOT NULL AND place_hold.request_id = b.id AND place_hold.released_at IS NULL"""

_FREED_CLASS = """
UPDATE school_class SET held = school_class.held - x.freed
FROM (SELECT held_class, count(*) AS freed FROM batch WHERE held_class IS NOT NULL GROUP BY held_class) x
WHERE school_class.id = x.held_class"""

_FREED_STAGE = """
UPDATE school_stage SET held = school_stage.held - x.freed
FROM (SELECT destination_school_id AS school_id, held_stage, count(*) AS freed FROM batch
    WHERE held_class IS NOT NULL GROUP BY destination_school_id, held_stage) x
WHERE school_stage.school_id = x.school_id AND school_stage.stage = x.held_stage"""

_REMINDED = """
UPDATE request SET version = b.seq, wake_at = b.due_at, wake_event = 'escalate', chain = b.hash
FROM batch b WHERE request.id = b.id"""

# An office without anybody is shown to the bureau at once; an end that was due anyway stays due.
_ESCALATED = """
UPDATE request SET version = b.seq, escalated = :yes, chain = b.hash,
    wake_at = CASE WHEN b.wake_event = 'expire' THEN request.wake_at END,
    wake_event = CASE WHEN b.wake_event = 'expire' THEN request.wake_event END
FROM batch b WHERE request.id = b.id"""

_TOLD = """
INSERT INTO request_party (request_id, organization_id, duty, opened, bucket, path, role, due_at, from_at)
SELECT DISTINCT b.id, above.id, 'escalated', b.seq, b.bucket, above.path, 'registrar', b.due_at, b.at
FROM batch b JOIN request_party h ON h.request_id = b.id AND h.duty = 'hold' AND h.to_at IS NULL
    JOIN organization o ON o.id = h.organization_id
    JOIN organization above ON above.kind IN ('bureau', 'holder')
        AND above.id = CASE WHEN o.kind <> 'school' THEN o.parent_id
        WHEN {unit}destination_school{/unit} = o.id THEN {unit}destination_bureau{/unit}
        WHEN {unit}school{/unit} = o.id THEN {unit}bureau{/unit}
        WHEN {unit}other_school{/unit} = o.id THEN {unit}other_bureau{/unit}
        ELSE {unit}origin_bureau{/unit} END"""

_WAKE = "r.wake_event = '[event]' AND r.wake_at <= :now"
# What only waits for its effective day waits for nobody: the bureau above has nothing to hurry.
_EMPTY_OFFICE = """r.open AND NOT r.escalated AND r.wake_event <> 'take_effect' AND r.id IN (
    SELECT h.request_id FROM organization o JOIN request_party h ON h.organization_id = o.id
    WHERE h.duty = 'hold' AND h.to_at IS NULL AND (o.registrars = 0 AND h.role = 'registrar'
        OR o.principals = 0 AND h.role = 'principal'))"""


def _sweep(due: dict[str, str], texts: dict[str, str], writes: dict[str, str]) -> Sweep:
    """Compose a sweep; `due` fills the batch's SELECT, `texts` the rest, `writes` are named, the first is counted."""

    def filled(sql: str, dialect: str) -> str:
        for name, text in {**due, **texts}.items():
            sql = sql.replace(f"[{name}]", text)
        return _in(dialect, sql)

    probe = "SELECT 1 FROM request r WHERE [where] LIMIT 1"
    batch = "SELECT l.*, {hash} AS hash FROM linked l"
    parts = {"due": _DUE, "numbered": _NUMBERED, "linked": _LINKED}
    ctes = [f"{name} AS ({filled(sql, 'sqlite')})" for name, sql in parts.items()]
    first = next(iter(writes))
    single = [f"{name} AS ({filled(sql, 'postgresql')})" for name, sql in {**parts, "batch": batch}.items()]
    for name, sql in writes.items():
        returning = " RETURNING 1" if name == first else ""
        single.append(f"{name} AS ({filled(sql, 'postgresql')}{returning})")
    return Sweep(
        {"sqlite": filled(probe, "sqlite"), "postgresql": for_postgresql(filled(probe, "postgresql"))},
        f"WITH {', '.join(ctes)} {filled(batch, 'sqlite')}",
        tuple(filled(sql, "sqlite") for sql in writes.values()),
        for_postgresql(f"WITH {', '.join(single)} SELECT count(*) FROM {first}"),  # noqa: S608 - our own names
    )


_TRACE = {"history_row": _HISTORY, "outbox_row": _OUTBOX}


@cache
def expiry(wipe: bool) -> Sweep:
    """Rows whose silence ended them, or (wipe) whose graduating student's time is over (SYS-46)."""
    reason = ":rule" if wipe else "COALESCE({rule}, :rule)"
    column = "r.wipe_at" if wipe else "r.wake_at"
    where = "r.wipe_at <= :now" if wipe else _WAKE.replace("[event]", "expire")
    return _sweep(
        {"where": where, "since": column, "order": column, "reason": reason},
        {"event": "expire", "to": "'expired'", "details": _DETAILS},
        {"moved": _ENDED, **_TRACE, "closed": _CLOSED, "freed": _FREED, "freed_class": _FREED_CLASS,
         "freed_stage": _FREED_STAGE},
    )  # fmt: skip


@cache
def reminder() -> Sweep:
    """Rows whose holder is reminded before the step is due (催办)."""
    return _sweep(
        {"where": _WAKE.replace("[event]", "remind"), "since": "r.wake_at", "order": "r.wake_at", "reason": "NULL"},
        {"event": "remind", "to": "d.state", "details": "''"},
        {"moved": _REMINDED, **_TRACE},
    )


@cache
def escalation(empty_office: bool) -> Sweep:
    """Rows whose holder let the step run out, or whose office has nobody: the bureau above is told (升级督办)."""
    where = _EMPTY_OFFICE if empty_office else _WAKE.replace("[event]", "escalate")
    details = """'"because":"empty_office"'""" if empty_office else "''"
    return _sweep(
        {"where": where, "since": "r.state_since" if empty_office else "r.wake_at",
         "order": "r.id" if empty_office else "r.wake_at", "reason": "NULL"},
        {"event": "escalate", "to": "d.state", "details": details},
        {"moved": _ESCALATED, **_TRACE, "told": _TOLD},
    )  # fmt: skip
