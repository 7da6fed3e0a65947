"""The sweep against one statement that somebody wrote by hand for the same rows and the same chain."""

from __future__ import annotations

import time

import psycopg

from workflow_service.service import Service
from workflow_service.sweeps import expire_due

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
