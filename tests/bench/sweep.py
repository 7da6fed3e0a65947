"""Goal 6: the sweep against one statement that somebody wrote by hand for the same rows and the same chain."""

from __future__ import annotations

import random
import statistics
import time
from pathlib import Path

import psycopg

from tests import postgres
from tests.bench import world
from tests.bench.goal import Goal, Note, Parts, Size
from tests.bench.sides import dispose
from workflow_service.service import Service
from workflow_service.sweeps import expire_due

ROWS = 1_000_000

BY_HAND = """
WITH due AS (
    SELECT id, bucket, kind, number, version, state, chain, class_id, clock::json ->> 'rule' AS rule,
        row_number() OVER (ORDER BY wake_at, id) AS n
    FROM request WHERE wake_event = 'expire' AND wake_at <= %(now)s
), hashed AS (
    SELECT d.*, sha256(d.chain || convert_to(d.payload, 'UTF8')) AS hash,
        ((%(ms)s + (d.n >> 12)) << 22) | (d.bucket::bigint << 12) | (d.n & 4095) AS row_id
    FROM (SELECT due.*, '{"v":1,"o":"' || id || '","s":' || version + 1 || ',"e":"expire","f":"' || state
        || '","t":"expired","at":' || %(now)s::bigint || ',"by":"","org":"","d":{"rule":"' || rule
        || '","place":"release","class":"' || class_id || '"}}' AS payload FROM due) d
), moved AS (
    UPDATE request r SET state = 'expired', version = r.version + 1, open = false, final = true, holder_id = NULL,
        holder_path = NULL, holder_role = NULL, approvals = '[]', state_since = %(now)s, due_at = NULL, clock = NULL,
        paused = '[]', days_left = NULL, provisional = false, returned_from = NULL, wake_at = NULL, wake_event = NULL,
        wipe_at = NULL, escalated = false, completed_at = %(now)s, chain = h.hash
    FROM hashed h WHERE r.id = h.id RETURNING 1
), trail AS (
    INSERT INTO history (object_id, seq, id, bucket, object_type, at, recorded_at, event, from_state, to_state, payload,
        hash)
    SELECT id, version + 1, row_id, bucket, 'request', %(now)s, %(real)s, 'expire', state, 'expired', payload, hash
    FROM hashed
), messages AS (
    INSERT INTO outbox (id, bucket, topic, object_id, seq, body, created_at, attempts)
    SELECT row_id, bucket, kind || '.expire', id, version + 1, '{"request":"' || id || '","number":"' || number
        || '","event":"expire","from":"' || state || '","to":"expired","version":' || version + 1 || '}', %(real)s, 0
    FROM hashed
), closed AS (
    UPDATE request_party p SET to_at = %(now)s FROM hashed h WHERE p.request_id = h.id AND p.to_at IS NULL
        AND p.duty IN ('hold', 'escalated')
), freed AS (
    UPDATE place_hold p SET released_at = %(now)s, outcome = 'released' FROM hashed h
    WHERE p.request_id = h.id AND p.released_at IS NULL RETURNING p.class_id
), classes AS (
    UPDATE school_class c SET held = held - f.n FROM (SELECT class_id, count(*) AS n FROM freed GROUP BY class_id) f
    WHERE c.id = f.class_id
), stages AS (
    UPDATE school_stage s SET held = s.held - f.n FROM (
        SELECT c.school_id, c.stage, count(*) AS n FROM freed JOIN school_class c ON c.id = freed.class_id GROUP BY 1, 2
    ) f WHERE s.school_id = f.school_id AND s.stage = f.stage
)
SELECT count(*) FROM moved
"""


def by_hand(url: str, now: int, ms: int) -> tuple[int, float]:
    """(rows, seconds) of the statement."""
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        started = time.perf_counter()
        row = connection.execute(BY_HAND, {"now": now, "ms": ms, "real": now}).fetchone()
        assert row is not None
        return row[0], time.perf_counter() - started


def by_sweep(service: Service, now: int) -> tuple[int, float]:
    """(rows, seconds) of the product's sweep, batch by batch until nothing is due."""
    started, rows = time.perf_counter(), 0
    while count := expire_due(service, now):
        rows += count
    return rows, time.perf_counter() - started


LEFT = """
SELECT count(*) FILTER (WHERE r.state = 'expired' AND r.chain = h.hash AND o.id IS NOT NULL
    AND h.hash = sha256(b.hash || convert_to(h.payload, 'UTF8')))
FROM request r JOIN history h ON h.object_id = r.id AND h.seq = r.version AND h.event = 'expire'
    JOIN history b ON b.object_id = r.id AND b.seq = r.version - 1
    JOIN outbox o ON o.object_id = r.id AND o.seq = r.version
"""
"""Expired requests whose row, trail, chain and message all stand: what a counted expiry must have left."""


def against_one_statement(place: Path, folder: Path, size: Size, note: Note) -> list[Goal]:
    """Goal 6: by turns on copies of one database."""
    rows = size.of(ROWS)
    note(f"making {rows} overdue requests …")
    made = world.make(place, "overdue", folder / "overdue")
    now = world.overdue(made, rows, postgres.url(place, "overdue", postgres.OWNER))
    dispose(made)
    ratios = []
    for number in range(3 if size.share == 1 else 5):
        seconds: dict[str, float] = {}
        for side in random.Random(number).sample(["ours", "hand"], 2):
            world.copy(place, "swept", "overdue")
            seconds[side] = swept(place, folder, side, now, rows)
        ratios.append(seconds["hand"] / seconds["ours"])
        note(f"sweep {number + 1}: {rows / seconds['ours']:.0f}/s against {rows / seconds['hand']:.0f}/s")
    text = f"sweep of {rows} by one statement written by hand"
    return [Goal("6", text, statistics.median(ratios), 0.8, large=True)]


def swept(place: Path, folder: Path, side: str, now: int, rows: int) -> float:
    """Seconds for all rows; a row that was not counted, or that was and is not there, ends the run."""
    if side == "hand":
        url = postgres.url(place, "swept", postgres.SERVICE)
        count, seconds = by_hand(url, now, (int(time.time()) - 1_577_836_800) * 1000)
    else:
        made = world.open_on(place, "swept", folder / "overdue")
        count, seconds = by_sweep(made.service, now)
        dispose(made)
    with psycopg.connect(host=str(place), dbname="swept", user=postgres.SUPERUSER) as connection:
        [(there,)] = connection.execute(LEFT).fetchall()
    assert count == there == rows, f"{side}: counted {count}, found {there} of {rows}"
    return seconds


PARTS: Parts = {(6,): against_one_statement}
