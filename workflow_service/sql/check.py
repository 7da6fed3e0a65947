"""The invariants as queries (不变量): each gives (object, message) for what breaks it, and nothing when all is well.

Set-based and streamed: no table is loaded. The codes are those of `workflow_service.check.CODES`.
"""

from __future__ import annotations

from typing import NamedTuple

from states.kinds import KINDS
from workflow_service.sql.counters import UNEQUAL

MARKS = {
    "postgresql": {
        "{none}": "CAST('' AS bytea)",
        "{hash}": "sha256(COALESCE(h.hash_before, CAST('' AS bytea)) || convert_to(h.payload, 'UTF8'))",
        "{school}": "CAST(h.payload AS json) -> 'd' ->> 'school'",
        "{class}": "CAST(h.payload AS json) -> 'd' ->> 'class'",
        "{status}": "CAST(h.payload AS json) -> 'd' ->> 'status'",
    },
    "sqlite": {
        "{none}": "x''",
        "{hash}": "chain_hash(COALESCE(h.hash_before, x''), h.payload)",
        "{school}": "json_extract(h.payload, '$.d.school')",
        "{class}": "json_extract(h.payload, '$.d.class')",
        "{status}": "json_extract(h.payload, '$.d.status')",
    },
}


class Invariant(NamedTuple):
    """One query: the code it belongs to, what it looks at, and its text with marks."""

    code: str
    title: str
    sql: str

    def text(self, dialect: str) -> str:
        """The query for one engine."""
        sql = self.sql
        for mark, replacement in MARKS[dialect].items():
            sql = sql.replace(mark, replacement)
        return sql


# After its version the payload says what the columns say, letter by letter: a changed column leaves the hashed text.
_TRAIL = """
SELECT h.object_id, 'seq ' || CAST(h.seq AS TEXT) || [message] FROM (
    SELECT object_id, seq, event, from_state, to_state, payload, hash, lag(seq) OVER trail AS seq_before,
        lag(to_state) OVER trail AS state_before, lag(hash) OVER trail AS hash_before,
        '"o":"' || CAST(object_id AS TEXT) || '","s":' || CAST(seq AS TEXT) || ',"e":"' || event || '","f":'
            || COALESCE('"' || from_state || '"', 'null') || ',"t":"' || to_state || '","at":' || CAST(at AS TEXT)
            || ',"by":"' || COALESCE(CAST(account_id AS TEXT), '') || '","org":"'
            || COALESCE(CAST(organization_id AS TEXT), '') || '","d":{' AS expected
    FROM history WINDOW trail AS (PARTITION BY object_id ORDER BY seq)
) h WHERE [broken]"""


def _trail(message: str, broken: str) -> str:
    return _TRAIL.replace("[message]", message).replace("[broken]", broken)


_TWICE = """
SELECT object_id, event || ' fired ' || CAST(count(*) AS TEXT) || ' times in one stay' FROM (
    SELECT object_id, event, account_id,
        sum(CASE WHEN from_state IS NULL OR from_state <> to_state OR event = 'recompute_clock' THEN 1 ELSE 0 END)
            OVER (PARTITION BY object_id ORDER BY seq) AS stay
    FROM history WHERE object_type = 'request'
) h WHERE account_id IS NULL AND event IN ('expire', 'remind', 'escalate', 'take_effect')
GROUP BY object_id, event, stay HAVING count(*) > 1"""

_ENDS = """
SELECT o.id, CASE WHEN h.seq IS NULL THEN 'no history row of version ' || CAST(o.version AS TEXT)
    WHEN h.to_state <> o.[state] THEN 'stored ' || o.[state] || ', replayed ' || h.to_state
    ELSE 'the stored chain is not that of the last row' END
FROM [table] o LEFT JOIN history h ON h.object_id = o.id AND h.seq = o.version
WHERE h.seq IS NULL OR h.to_state <> o.[state] OR h.hash <> o.chain
UNION ALL SELECT o.id, 'history goes on after version ' || CAST(o.version AS TEXT)
FROM [table] o JOIN history h ON h.object_id = o.id AND h.seq = o.version + 1"""


def _ends(table: str, state: str) -> str:
    return _ENDS.replace("[table]", table).replace("[state]", state)


def _bucket(table: str, id_: str, bucket: str, carries: str) -> str:
    return f"""
SELECT {id_}, 'row of [table] lies in bucket ' || CAST({bucket} AS TEXT) FROM {table}
WHERE {bucket} <> (({carries} >> 12) & 1023)""".replace("[table]", table)  # noqa: S608 - our own names


BUCKETS = (
    ("request", "id", "bucket", "subject_id"),
    ("request", "id", "bucket", "id"),
    ("student", "id", "bucket", "id"),
    ("history", "object_id", "bucket", "object_id"),
    ("history", "object_id", "bucket", "id"),
    ("outbox", "object_id", "bucket", "object_id"),
    ("outbox", "object_id", "bucket", "id"),
    ("request_party", "request_id", "bucket", "request_id"),
    ("request_document", "request_id", "bucket", "id"),
    ("refused_judgement", "request_id", "bucket", "request_id"),
    ("enrolment", "student_id", "bucket", "student_id"),
)

_HOLDING = ", ".join(f"'{name}'" for name, kind in KINDS.items() if kind.place and not kind.stays_held)
_STAYING = ", ".join(f"'{name}'" for name, kind in KINDS.items() if kind.stays_held)

INVARIANTS = (
    Invariant("K2", "trails without gaps", _trail(
        "' follows ' || COALESCE(CAST(h.seq_before AS TEXT), 'nothing')", "h.seq <> COALESCE(h.seq_before, 0) + 1")),
    Invariant("K2", "chains of hashes", _trail("': the hash is not that of its text'", "h.hash <> {hash}")),
    Invariant("K1", "columns against what was hashed", _trail(
        "': the columns say other than the payload'",
        "substr(h.payload, 8, length(h.expected)) <> h.expected")),
    Invariant("K1", "each event begins where the last one ended", _trail(
        "' begins in ' || COALESCE(h.from_state, 'nothing') || ', after ' || COALESCE(h.state_before, 'nothing')",
        "COALESCE(h.from_state, '') <> COALESCE(h.state_before, '')")),
    Invariant("K1", "requests are what their trails say", _ends("request", "state")),
    Invariant("K1", "students are what their trails say", _ends("student", "status")),
    Invariant("K1", "trails have their object", """
SELECT h.object_id, 'a trail without its ' || h.object_type FROM history h
    LEFT JOIN request r ON r.id = h.object_id AND h.object_type = 'request'
    LEFT JOIN student s ON s.id = h.object_id AND h.object_type = 'student'
WHERE h.seq = 1 AND r.id IS NULL AND s.id IS NULL"""),
    Invariant("K1", "holders, parties and judged packs are there", """
SELECT p.request_id, 'a party without its request or its organization' FROM request_party p
    LEFT JOIN request r ON r.id = p.request_id LEFT JOIN organization o ON o.id = p.organization_id
WHERE r.id IS NULL OR o.id IS NULL
UNION ALL SELECT r.id, 'its holder is no organization' FROM request r LEFT JOIN organization o ON o.id = r.holder_id
WHERE r.holder_id IS NOT NULL AND o.id IS NULL
UNION ALL SELECT j.request_id, 'judged by a pack that is not there' FROM judgement j
    LEFT JOIN pack_version v ON v.id = j.pack_id WHERE v.id IS NULL"""),
    Invariant("K1", "since when a state lasts", """
SELECT r.id, 'state_since is not when the state was entered' FROM request r WHERE r.state_since <> COALESCE(
    (SELECT h.at FROM history h WHERE h.object_id = r.id AND (h.from_state IS NULL OR h.from_state <> h.to_state)
        ORDER BY h.seq DESC LIMIT 1), -1)"""),
    Invariant("K1", "open and final follow from the state", """
SELECT r.id, 'open, final or completed_at do not belong to ' || r.state FROM request r
WHERE r.final <> (r.state IN ('completed', 'rejected', 'recalled', 'expired'))
    OR r.open <> (r.state NOT IN ('draft', 'completed', 'rejected', 'recalled', 'expired'))
    OR r.final <> (r.completed_at IS NOT NULL)"""),
    Invariant("K3", "one current enrolment, or none with a reason", """
SELECT s.id, 'status ' || s.status || ' with ' || CAST(count(e.id) AS TEXT) || ' current enrolments'
FROM student s LEFT JOIN enrolment e ON e.student_id = s.id AND e.ended_at IS NULL
GROUP BY s.id, s.status HAVING count(e.id) > 1 OR (count(e.id) = 0 AND (s.status IN ('attending', 'suspended')
    OR NOT EXISTS (SELECT 1 FROM enrolment x WHERE x.student_id = s.id AND x.end_reason IS NOT NULL)
        AND NOT EXISTS (SELECT 1 FROM register_entry n WHERE n.student_id = s.id AND n.section = 'admission')))"""),
    Invariant("K3", "an enrolment ends with its reason", """
SELECT student_id, 'an enrolment ended without a reason, or has one and goes on' FROM enrolment
WHERE (ended_at IS NULL) <> (end_reason IS NULL) OR (ended_at IS NULL) <> (valid_to IS NULL)
    OR valid_to < valid_from"""),
    Invariant("K3", "enrolments are what the trail says", """
SELECT s.id, 'the current enrolment is not that of the trail' FROM student s
    JOIN enrolment e ON e.student_id = s.id AND e.ended_at IS NULL
    JOIN history h ON h.object_id = s.id AND h.seq = (SELECT max(x.seq) FROM history x
        WHERE x.object_id = s.id AND x.payload LIKE '%"school":"%')
WHERE {school} <> CAST(e.school_id AS TEXT) OR {class} <> CAST(e.class_id AS TEXT)"""),
    Invariant("K4", "one open request per subject and lock group", """
SELECT subject_id, CAST(count(*) AS TEXT) || ' open requests of group ' || lock_group FROM request
WHERE open AND lock_group IS NOT NULL GROUP BY subject_id, lock_group HAVING count(*) > 1"""),
    Invariant("K5", "numbers and their registry, one to one", """
SELECT s.id, 'its number is not in the registry under it' FROM student s
    LEFT JOIN student_number n ON n.student_id = s.id
WHERE s.student_number_hash IS NOT NULL AND (n.student_id IS NULL OR n.number_hash <> s.student_number_hash)
UNION ALL SELECT n.student_id, 'the registry names it with a number that it does not have' FROM student_number n
    LEFT JOIN student s ON s.id = n.student_id WHERE s.student_number_hash IS NULL"""),
    Invariant("K5", "numbers are unique", """
SELECT min(id), CAST(count(*) AS TEXT) || ' students with one number' FROM student
WHERE student_number_hash IS NOT NULL GROUP BY student_number_hash HAVING count(*) > 1
UNION ALL SELECT min(id), CAST(count(*) AS TEXT) || ' requests with one number' FROM request GROUP BY number
HAVING count(*) > 1"""),
    Invariant("K6", "places of classes", """
SELECT c.id, 'attending ' || CAST(c.attending AS TEXT) || ', counted ' || CAST(COALESCE(a.n, 0) AS TEXT)
    || '; held ' || CAST(c.held AS TEXT) || ', counted ' || CAST(COALESCE(h.n, 0) AS TEXT)
FROM school_class c
    LEFT JOIN (SELECT e.class_id, count(*) AS n FROM enrolment e JOIN student s ON s.id = e.student_id
        WHERE e.ended_at IS NULL AND s.status = 'attending' GROUP BY e.class_id) a ON a.class_id = c.id
    LEFT JOIN (SELECT class_id, count(*) AS n FROM place_hold WHERE released_at IS NULL GROUP BY class_id) h
        ON h.class_id = c.id
WHERE c.attending <> COALESCE(a.n, 0) OR c.held <> COALESCE(h.n, 0)"""),
    Invariant("K6", "places of stages", """
SELECT t.school_id, t.stage || ': attending ' || CAST(t.attending AS TEXT) || ', counted '
    || CAST(COALESCE(a.n, 0) AS TEXT) || '; held ' || CAST(t.held AS TEXT) || ', counted '
    || CAST(COALESCE(h.n, 0) AS TEXT)
FROM school_stage t
    LEFT JOIN (SELECT e.school_id, e.stage, count(*) AS n FROM enrolment e JOIN student s ON s.id = e.student_id
        WHERE e.ended_at IS NULL AND s.status = 'attending' GROUP BY e.school_id, e.stage) a
        ON a.school_id = t.school_id AND a.stage = t.stage
    LEFT JOIN (SELECT c.school_id, c.stage, count(*) AS n FROM place_hold p JOIN school_class c ON c.id = p.class_id
        WHERE p.released_at IS NULL GROUP BY c.school_id, c.stage) h
        ON h.school_id = t.school_id AND h.stage = t.stage
WHERE t.attending <> COALESCE(a.n, 0) OR t.held <> COALESCE(h.n, 0)"""),
    Invariant("K6", "a place is held while a request is open", """
SELECT r.id, CASE WHEN r.open THEN 'open, but no place is held' ELSE 'not open, but a place is held' END
FROM request r LEFT JOIN place_hold p ON p.request_id = r.id AND p.released_at IS NULL
WHERE r.kind IN ([holding]) AND (r.open <> (p.request_id IS NOT NULL) OR p.class_id <> r.class_id)
""".replace("[holding]", _HOLDING)),
    Invariant("K6", "a place stays held only while its entry lasts", """
SELECT r.id, 'completed, its entry has ended or is not there, but a place is held'
FROM request r JOIN place_hold p ON p.request_id = r.id AND p.released_at IS NULL
WHERE r.kind IN ([staying]) AND NOT r.open AND NOT EXISTS (
    SELECT 1 FROM register_entry n WHERE n.request_id = r.id AND n.ended_at IS NULL)
""".replace("[staying]", _STAYING)),
    # Old messages are deleted (`workflow_service.sweeps.cleaning`); a day less, for clocks that do not agree.
    Invariant("K7", "every transition has its message", """
SELECT h.object_id, h.event || ' of seq ' || CAST(h.seq AS TEXT) || ' has no outbox row' FROM history h
    LEFT JOIN outbox o ON o.object_id = h.object_id AND o.seq = h.seq
WHERE h.object_type = 'request' AND h.event NOT IN ('create', 'amend', 'add_document', 'remove_document')
    AND o.id IS NULL
    AND h.recorded_at >= (SELECT COALESCE(max(delivered_at), 0) FROM outbox) - 29 * CAST(86400000000 AS BIGINT)"""),
    Invariant("K7", "every message has its transition", """
SELECT o.object_id, 'outbox seq ' || CAST(o.seq AS TEXT) || CASE WHEN h.seq IS NULL THEN ' has no transition'
    ELSE ' says other than its transition' END
FROM outbox o LEFT JOIN history h ON h.object_id = o.object_id AND h.seq = o.seq
WHERE h.seq IS NULL OR o.body NOT LIKE '%"event":"' || h.event || '","from":"' || h.from_state || '","to":"'
    || h.to_state || '"%'"""),
    Invariant("K7", "delivered messages have their position", """
SELECT object_id, 'outbox seq ' || CAST(seq AS TEXT) || ' is delivered without a position, or the reverse' FROM outbox
WHERE (position IS NULL) <> (delivered_at IS NULL)"""),
    Invariant("K8", "whoever waits is woken once", """
SELECT r.id, 'in ' || r.state || ' nothing wakes it, or something wakes it that has ended' FROM request r
WHERE (r.wake_at IS NULL) <> (r.wake_event IS NULL)
    OR r.final AND (r.wake_at IS NOT NULL OR r.wipe_at IS NOT NULL OR r.due_at IS NOT NULL)
    OR NOT r.final AND r.wake_at IS NULL AND NOT r.escalated
    OR r.open AND (r.due_at IS NULL OR r.clock IS NULL)"""),
    Invariant("K8", "no deadline fires twice", _TWICE),
    Invariant("K8", "an open request has its holder", """
SELECT r.id, 'holder and parties disagree' FROM request r
    LEFT JOIN (SELECT request_id, count(*) AS n FROM request_party WHERE duty = 'hold' AND to_at IS NULL
        GROUP BY request_id) p ON p.request_id = r.id
WHERE r.open <> (COALESCE(p.n, 0) > 0) OR r.final <> (r.holder_id IS NULL) OR r.open AND NOT EXISTS (
    SELECT 1 FROM request_party h WHERE h.request_id = r.id AND h.duty = 'hold' AND h.to_at IS NULL
        AND h.organization_id = r.holder_id)"""),
    Invariant("K10", "a key has one whole result", """
SELECT k.object_id, 'the key of ' || k.route || ' has half an answer, or none of its object' FROM request_key k
WHERE (k.status IS NULL) <> (k.answer IS NULL)
    OR NOT EXISTS (SELECT 1 FROM request r WHERE r.id = k.object_id)
        AND NOT EXISTS (SELECT 1 FROM request_document d WHERE d.id = k.object_id)
        AND NOT EXISTS (SELECT 1 FROM duplicate_pair d WHERE d.id = k.object_id)
        AND NOT EXISTS (SELECT 1 FROM batch b WHERE b.id = k.object_id)
        AND NOT EXISTS (SELECT 1 FROM organization o WHERE o.id = k.object_id)
        AND NOT EXISTS (SELECT 1 FROM outage o WHERE o.id = k.object_id)"""),
    *(Invariant("K11", f"buckets of {table}", _bucket(table, id_, bucket, carries))
      for table, id_, bucket, carries in BUCKETS),
    Invariant("K13", "counters and their lists", UNEQUAL),
)  # fmt: skip

TRANSITIONS = """
SELECT r.pack_id, r.origin_pack_id, r.route_rule, r.route, h.from_state, h.event, h.to_state, min(h.object_id)
FROM history h JOIN request r ON r.id = h.object_id WHERE h.object_type = 'request' AND h.from_state IS NOT NULL
GROUP BY r.pack_id, r.origin_pack_id, r.route_rule, r.route, h.from_state, h.event, h.to_state"""

# By persons: two accounts are no two people. Which of these steps ask for somebody else is written in the packs.
OWN = """
SELECT r.pack_id, r.origin_pack_id, r.route_rule, r.route, h.from_state, h.event, min(h.object_id)
FROM history h JOIN request r ON r.id = h.object_id
WHERE h.object_type = 'request' AND h.event IN ('approve', 'file', 'return', 'reject') AND EXISTS (
    SELECT 1 FROM history f WHERE f.object_id = h.object_id AND f.seq < h.seq AND f.person_id = h.person_id
        AND f.event IN ('submit', 'resubmit'))
GROUP BY r.pack_id, r.origin_pack_id, r.route_rule, r.route, h.from_state, h.event"""

# Whoever came in after a hold did not ask its cap: only where nothing but holds and releases followed, it must stand.
HELD_CLASSES = """
SELECT c.id, c.attending + c.held, t.attending + t.held, p.request_id FROM school_class c
    JOIN school_stage t ON t.school_id = c.school_id AND t.stage = c.stage
    JOIN place_hold p ON p.class_id = c.id AND p.released_at IS NULL
WHERE NOT EXISTS (SELECT 1 FROM enrolment e WHERE e.class_id = c.id AND e.ended_at IS NULL
    AND e.recorded_at > p.held_at)
ORDER BY c.id, p.held_at"""

DOCUMENTS = "SELECT request_id, sha256, size FROM request_document"
KEPT = "SELECT 1 FROM request_document WHERE sha256 = :sha256"
FACELESS = """
SELECT s.id FROM student s WHERE s.profile LIKE '%"photo":"%' AND NOT EXISTS (
    SELECT 1 FROM request r JOIN request_document d ON d.request_id = r.id AND d.removed_at IS NULL
    WHERE r.student_id = s.id AND d.kind = 'photo' AND s.profile LIKE '%"photo":"' || d.sha256 || '"%')"""
