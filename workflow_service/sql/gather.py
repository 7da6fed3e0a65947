"""The one read of a transition: everything a rule may look at, in one row; and the same with what a request is shown
beside it, for after every event it is answered whole.
"""

from __future__ import annotations

from workflow_service.sql import Query, query, raw

COLUMNS = (
    "id", "bucket", "number", "kind", "state", "version", "open", "final", "subject_id", "lock_group", "student_id",
    "named", "named_hash", "pack_id", "origin_pack_id", "route_rule", "route", "units", "starter", "applicant_id",
    "origin_school_id", "destination_school_id", "class_id", "grade", "ground", "data", "approvals", "returned_from",
    "days_left", "shared_used", "clock", "paused", "due_at", "state_since", "submitted_at", "wake_at", "wake_event",
    "wipe_at", "chain",
    "student_name", "number_hash", "status", "problem", "special_education", "student_version", "student_chain",
    "birth_date",
    "enrolment_id", "enrolled_school_id", "enrolled_class_id", "stage", "enrolled_on", "first_grade", "last_grade",
    "entered_year", "programme",
    "destination_code", "town", "destination_stages", "origin_code",
    "class_name", "class_attending", "class_held", "class_entered_year", "class_first_grade", "class_last_grade",
    "class_stage", "class_programme",
    "stage_attending", "stage_held", "quota", "documents", "other_number", "holds_place", "own", "grants",
    "entries", "had_number", "batch_id",
)  # fmt: skip

# Who lets a school enter an omitted pupil (受理, TR-10) has decided nothing of what is entered then, and reviews it.
# After a return the same step is decided again by whoever decided it, but never for a second unit (两省同一环节).
_FACTS = """
SELECT r.id, r.bucket, r.number, r.kind, r.state, r.version, r.open, r.final, r.subject_id, r.lock_group, r.student_id,
       r.named, r.named_hash, r.pack_id, r.origin_pack_id, r.route_rule, r.route, r.units, r.starter, r.applicant_id,
       r.origin_school_id, r.destination_school_id, r.class_id, r.grade, r.ground, r.data, r.approvals, r.returned_from,
       r.days_left, r.shared_used, r.clock, r.paused, r.due_at, r.state_since, r.submitted_at, r.wake_at,
       r.wake_event, r.wipe_at, r.chain,
       s.name, s.student_number_hash, s.status, s.problem, s.special_education, s.version, s.chain, s.birth_date,
       e.id, e.school_id, e.class_id, e.stage, e.valid_from, oc.first_grade, oc.last_grade, oc.entered_year,
       oc.programme,
       d.code, d.town, d.stages, o.code,
       c.name, c.attending, c.held, c.entered_year, c.first_grade, c.last_grade, c.stage, c.programme,
       t.attending, t.held, t.quota,
       (SELECT {list}(kind, ',') FROM request_document m WHERE m.request_id = r.id AND m.removed_at IS NULL),
       (SELECT x.number FROM request x WHERE x.subject_id = r.subject_id AND x.lock_group = r.lock_group AND x.open
           AND x.id <> r.id),
       EXISTS (SELECT 1 FROM place_hold p WHERE p.request_id = r.id AND p.released_at IS NULL),
       EXISTS (SELECT 1 FROM history h WHERE h.object_id = r.id AND h.person_id = :person
           AND (h.event IN ('submit', 'resubmit')
               OR (h.event IN ('approve', 'file') AND h.from_state <> 'awaiting_bureau_consent'
                   AND (h.from_state <> r.state OR h.organization_id <> :organization)))),
       (SELECT {list}(g.id || ':' || g.version || ':' || g.role, ',') FROM role_grant g
           WHERE g.account_id = :account AND g.revoked_at IS NULL),
       (SELECT {list}(n.section || ':' || CAST(n.valid_from AS TEXT) || ':' || COALESCE(CAST(n.valid_to AS TEXT), ''),
           ',') FROM register_entry n WHERE n.student_id = r.student_id),
       EXISTS (SELECT 1 FROM number_history y WHERE y.student_id = r.student_id AND y.number_hash = r.named_hash),
       r.batch_id{more}
FROM request r
LEFT JOIN student s ON s.id = r.student_id
LEFT JOIN enrolment e ON e.student_id = s.id AND e.ended_at IS NULL
LEFT JOIN school_class oc ON oc.id = e.class_id
JOIN organization d ON d.id = r.destination_school_id
JOIN organization o ON o.id = r.origin_school_id
LEFT JOIN school_class c ON c.id = r.class_id
LEFT JOIN school_stage t ON t.school_id = r.destination_school_id AND t.stage = c.stage
WHERE r.id = :id
"""
GATHER = query(_FACTS.replace("{more}", ""))

# Each part is one text of JSON: the database writes it and orjson reads it faster than four statements are sent.
_BESIDE = """r.number, r.intake, r.provisional, r.created_at, r.submitted_at, r.completed_at, r.escalated,
    (SELECT CAST({all}({array}(o.id, o.code, o.name)) AS TEXT) FROM organization o WHERE o.id {among}),
    (SELECT CAST({all}({array}(p.opened, p.organization_id, p.role, o.code, o.name)) AS TEXT)
        FROM request_party p JOIN organization o ON o.id = p.organization_id
        WHERE p.request_id = r.id AND p.duty = 'hold' AND p.to_at IS NULL),
    (SELECT CAST({all}({array}(h.seq, h.at, h.recorded_at, h.event, h.from_state, h.to_state, {details}, a.name,
            o.name, o.id, c.comment)) AS TEXT)
        FROM history h
        LEFT JOIN account a ON a.id = h.account_id
        LEFT JOIN organization o ON o.id = h.organization_id
        LEFT JOIN history_comment c ON c.history_id = h.id
        WHERE h.object_id = r.id),
    (SELECT CAST({all}({array}(m.id, m.kind, m.name, m.media_type, m.size, m.sha256, m.uploaded_at, m.organization_id))
            AS TEXT)
        FROM request_document m WHERE m.request_id = r.id AND m.removed_at IS NULL)"""
_PLAYING = "SELECT r.applicant_id UNION ALL SELECT {unit} FROM json_each(r.units{cast}) u"
_DIALECTS = {
    "sqlite": {"{all}": "json_group_array", "{array}": "json_array", "{details}": "json_extract(h.payload, '$.d')",
               "{list}": "group_concat", "{many}": "IN (SELECT value FROM json_each(:ids))",
               "{playing}": f"IN ({_PLAYING})", "{unit}": "json_extract(u.value, '$[0]')", "{cast}": ""},
    "postgresql": {"{all}": "json_agg", "{array}": "json_build_array", "{details}": "CAST(h.payload AS json) -> 'd'",
                   "{list}": "string_agg", "{many}": "= ANY(CAST(:ids AS bigint[]))",
                   # An array and no join: the planner takes it for ten rows, and not for a reason to read the table.
                   "{playing}": f"= ANY(ARRAY({_PLAYING}))", "{unit}": "CAST(u.value ->> 0 AS BIGINT)",
                   "{cast}": "::json"},
}  # fmt: skip


def _in(dialect: str, sql: str) -> str:
    for mark, text in _DIALECTS[dialect].items():
        sql = sql.replace(mark, text)
    return sql


def _both(sql: str) -> Query:
    return Query(_in("sqlite", sql), raw(_in("postgresql", sql)))


BESIDE = _both(f"SELECT {_BESIDE} FROM request r WHERE r.id = :id".replace("{among}", "{many}"))  # noqa: S608
"""What a draft is shown with: who takes part (`ids`) is worked out anew at every look."""
SHOWN = _both(_FACTS.replace("{more}", f",\n    {_BESIDE}".replace("{among}", "{playing}")))
"""`GATHER` with what a submitted request is shown with; who takes part in it is fixed."""
