"""The writes of a transition (状态流转的写入), composed once per shape and kept."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from workflow_service.completion import Shape
from workflow_service.sql import Transaction, Write, transaction

_MOVING = """
UPDATE request SET state = :state, version = :new_version, open = :open, final = :final, data = :data,
    holder_id = :holder_id, holder_path = :holder_path, holder_role = :holder_role, approvals = :approvals,
    state_since = :state_since, due_at = :due_at, clock = :clock, paused = :paused, days_left = :days_left,
    shared_used = :shared_used, provisional = :provisional, returned_from = :returned_from, wake_at = :wake_at,
    wake_event = :wake_event, wipe_at = :wipe_at, escalated = false, completed_at = :completed_at, chain = :chain{more}
WHERE id = :id AND bucket = :bucket AND version = :version{guard} RETURNING id"""
MOVED = Write("moved", _MOVING.replace("{more}", ""))
# Submitting also fixes what was worked out anew until then: packs, route, units, class, and the window that was open.
SUBMITTED = Write(
    "moved",
    _MOVING.replace(
        "{more}",
        """,
    submitted_at = :at, intake = :intake, pack_id = :pack_id, origin_pack_id = :origin_pack_id, units = :units,
    route = :route, route_rule = :route_rule, class_id = :class_id""",
    ),
)

# An event that stays changes nothing but the trail, a note's facts, and who still has to approve.
STAYED = Write(
    "moved",
    """
UPDATE request SET version = :new_version, approvals = :approvals, data = :data, holder_id = :holder_id,
    holder_path = :holder_path, holder_role = :holder_role, chain = :chain
WHERE id = :id AND bucket = :bucket AND version = :version{guard} RETURNING id""",
)

HISTORY = Write(
    "history_row",
    """
INSERT INTO history (object_id, seq, id, bucket, object_type, at, recorded_at, event, from_state, to_state, account_id,
    person_id, organization_id, payload, hash)
SELECT :id, :new_version, :history_id, :bucket, 'request', :at, :recorded_at, :event, :from_state, :state, :account_id,
    :person_id, :organization_id, :payload, :chain{drawn}""",
)

COMMENT = Write(
    "comment_row",
    """
INSERT INTO history_comment (history_id, comment, salt) SELECT :history_id, :comment, :salt{drawn}""",
)

OUTBOX = Write(
    "outbox_row",
    """
INSERT INTO outbox (id, bucket, topic, object_id, seq, body, created_at, attempts)
SELECT :outbox_id, :bucket, :topic, :id, :new_version, :body, :recorded_at, 0{drawn}""",
)

KEY = Write(
    "key_row",
    """
INSERT INTO request_key (account_id, route, key, body_hash, object_id, created_at)
SELECT :account_id, :key_route, :key, :key_body, :id, :recorded_at{drawn}""",
)

# IS TRUE keeps the duties out of the index condition: PostgreSQL might else skip through another index, duty by duty.
CLOSE_HOLDS = Write(
    "closed_holds",
    """
UPDATE request_party SET to_at = :at WHERE request_id = :id AND bucket = :bucket AND to_at IS NULL
    AND (duty IN ('hold', 'escalated')) IS TRUE{moved}""",
)

CLOSE_OWN_HOLD = Write(
    "closed_hold",
    """
UPDATE request_party SET to_at = :at WHERE request_id = :id AND bucket = :bucket AND to_at IS NULL
    AND duty = 'hold' AND organization_id = :organization_id{moved}""",
)


def hold(index: int) -> Write:
    """The row that says whose turn it is now."""
    return Write(
        f"hold_{index}",
        f"""
INSERT INTO request_party (request_id, organization_id, duty, opened, bucket, path, role, due_at, from_at)
SELECT :id, :hold_{index}_id, 'hold', :new_version, :bucket, :hold_{index}_path, :hold_{index}_role, :due_at,
    :at{{drawn}}""",
    )


def party(index: int) -> Write:
    """A unit that has a part in the request from submit on."""
    return Write(
        f"party_{index}",
        f"""
INSERT INTO request_party (request_id, organization_id, duty, opened, bucket, path, from_at)
SELECT :id, :party_{index}_id, :party_{index}_duty, :new_version, :bucket, :party_{index}_path,
    :at{{drawn}}""",
    )


HOLD_CLASS = Write("held_class", "UPDATE school_class SET held = held + 1 WHERE id = :class_id{moved}")
HOLD_STAGE = Write(
    "held_stage",
    """
UPDATE school_stage SET held = held + 1 WHERE school_id = :destination_school_id AND stage = :class_stage{moved}""",
)
HOLD_ROW = Write(
    "hold_row",
    """
INSERT INTO place_hold (request_id, class_id, held_at) SELECT :id, :class_id, :at{drawn}""",
)

FREE_CLASS = Write("freed_class", "UPDATE school_class SET held = held - 1 WHERE id = :class_id{moved}")
FREE_STAGE = Write(
    "freed_stage",
    """
UPDATE school_stage SET held = held - 1 WHERE school_id = :destination_school_id AND stage = :class_stage{moved}""",
)
FREE_ROW = Write(
    "freed_row",
    """
UPDATE place_hold SET released_at = :at, outcome = :place_outcome WHERE request_id = :id
    AND released_at IS NULL{moved}""",
)

# One row is written once in a statement, or PostgreSQL keeps only one of two changes: so differences, not steps.
FILL_CLASS = Write(
    "filled_class",
    """
UPDATE school_class SET held = held + :class_held, attending = attending + :class_attending
WHERE id = :class_id{moved}""",
)
FILL_STAGE = Write(
    "filled_stage",
    """
UPDATE school_stage SET held = held + :stage_held, attending = attending + :stage_attending
WHERE school_id = :destination_school_id AND stage = :class_stage{moved}""",
)
LEAVE_CLASS = Write(
    "left_class",
    """
UPDATE school_class SET attending = attending - 1 WHERE id = :enrolled_class_id{moved}""",
)
LEAVE_STAGE = Write(
    "left_stage",
    """
UPDATE school_stage SET attending = attending - 1 WHERE school_id = :enrolled_school_id AND stage = :stage{moved}""",
)
END_ENROLMENT = Write(
    "ended",
    """
UPDATE enrolment SET valid_to = :ended_on, ended_at = :at, end_reason = :event_reason, end_request_id = :id
WHERE id = :enrolment_id AND ended_at IS NULL{moved} RETURNING id""",
)
_NEW_ENROLMENT = """
INSERT INTO enrolment (id, bucket, student_id, school_id, class_id, stage, valid_from, recorded_at, start_reason,
    start_request_id)
SELECT :new_enrolment_id, :bucket, :student_id, :destination_school_id, :class_id, :class_stage, :effective, :at,
    :event_reason, :id"""
# It draws from `ended`, or PostgreSQL might insert before it updates and meet the index of one current enrolment.
NEW_ENROLMENT = Write("new_enrolment", _NEW_ENROLMENT + "{ended}")
FIRST_ENROLMENT = Write("new_enrolment", _NEW_ENROLMENT + "{drawn}")
OPEN_ENTRY = Write(
    "opened_entry",
    """
INSERT INTO register_entry (id, bucket, student_id, section, school_id, valid_from, recorded_at, request_id, data)
SELECT :entry_id, :bucket, :student_id, :entry_section, :entry_school_id, :effective, :at, :id, :entry_data{drawn}""",
)
STUDENT_HISTORY = Write(
    "student_history",
    """
INSERT INTO history (object_id, seq, id, bucket, object_type, at, recorded_at, event, from_state, to_state, account_id,
    person_id, organization_id, payload, hash)
SELECT :student_id, :new_student_version, :student_history_id, :bucket, 'student', :at, :recorded_at, :student_event,
    :status, :status_after, :account_id, :person_id, :organization_id, :student_payload, :new_student_chain{drawn}""",
)
JUDGEMENT = Write(
    "judgement_row",
    """
INSERT INTO judgement (history_id, bucket, request_id, at, event, pack_id, facts)
SELECT :history_id, :bucket, :id, :at, :event, :pack_id, :facts{drawn}""",
)


def close_entries(index: int) -> Write:
    """The end of what lasts in one section of the record."""
    return Write(
        f"closed_entries_{index}",
        f"""
UPDATE register_entry SET valid_to = CASE WHEN valid_from > :effective THEN valid_from ELSE :effective END,
    ended_at = :at, end_request_id = :id
WHERE student_id = :student_id AND section = :close_{index} AND ended_at IS NULL{{moved}}""",  # noqa: S608
    )


def student_row(columns: tuple[str, ...]) -> Write:
    """The student's version and chain, and the columns that change."""
    more = "".join(f", {column} = :student_{column}" for column in columns)
    return Write(
        "student_row",
        f"""
UPDATE student SET version = :new_student_version, chain = :new_student_chain{more} WHERE id = :student_id
    AND version = :student_version{{moved}}""",  # noqa: S608 - our own column names
    )


def completion(shape: Shape) -> Iterator[Write]:
    """The writes of a completion, in an order that SQLite can run one by one."""
    if shape.fills:
        yield from (FILL_CLASS, FILL_STAGE)
    if shape.frees:
        yield FREE_ROW
    if shape.leaves_class:
        yield LEAVE_CLASS
    if shape.leaves_stage:
        yield LEAVE_STAGE
    if shape.ends:
        yield END_ENROLMENT
    if shape.starts:
        yield NEW_ENROLMENT if shape.ends else FIRST_ENROLMENT
    yield from (close_entries(index) for index in range(shape.closes))
    if shape.opens:
        yield OPEN_ENTRY
    if shape.student is not None:
        yield from (student_row(shape.student), STUDENT_HISTORY)
    yield from shape.extra


HOLDING = (HOLD_CLASS, HOLD_STAGE, HOLD_ROW)
RELEASING = (FREE_CLASS, FREE_STAGE, FREE_ROW)


@cache
def statements(
    *, moved: bool, place: str, person: bool, holds: int, parties: int, closes: str, comment: bool, key: bool,
    student: bool = True, completes: Shape | None = None, judged: bool = False,
) -> Transaction:  # fmt: skip
    """The transition of one shape. `place`: hold, release or ""; `person`: a grant stands behind it; `closes`: all, own
    or ""; `student`: it has one; `completes`: what its completion writes."""
    tables, where, exclusive = ["request r"], _GUARD, ["r"]
    shared: list[str] = []
    if student:
        tables.append("student s")
        where += _STUDENT
        (exclusive if completes and completes.student is not None else shared).append("s")
    if person:
        tables.append("role_grant g")
        where += " AND g.id = :grant_id AND g.version = :grant_version AND g.revoked_at IS NULL"
        shared.append("g")
    if place == "hold":
        tables += ["school_class c", "school_stage t"]
        where += _PLACE_LEFT
        exclusive += ["c", "t"]
    for table, condition in completes.guards if completes else ():
        tables.append(table)
        where += f" AND {condition}"
        exclusive.append(table.split()[-1])
    lock = f"FOR UPDATE OF {', '.join(exclusive)}" + (f" FOR SHARE OF {', '.join(shared)}" if shared else "")
    writes = [STAYED if not moved else SUBMITTED if parties else MOVED, HISTORY, OUTBOX]
    writes += [JUDGEMENT] if judged else []
    writes += [COMMENT] if comment else []
    writes += [KEY] if key else []
    writes += {"all": [CLOSE_HOLDS], "own": [CLOSE_OWN_HOLD], "": []}[closes]
    writes += [hold(index) for index in range(holds)] + [party(index) for index in range(parties)]
    writes += {"hold": HOLDING, "release": RELEASING}.get(place, ())
    writes += completion(completes) if completes else ()
    guard = f"SELECT r.id FROM {', '.join(tables)} WHERE {where}"  # noqa: S608
    return transaction(guard, lock, tuple(writes), _locks(place, completes))


_GUARD = "r.id = :id AND r.bucket = :bucket AND r.version = :version"
_STUDENT = " AND s.id = :student_id AND s.version = :student_version"
# Two students who change places between two schools would wait for each other, did not all take classes and stages in
# one order: by id, classes first, as a hold takes its one of each.
_CLASSES = "SELECT c.id FROM school_class c WHERE c.id IN ({ids}) AND {before} ORDER BY c.id FOR UPDATE"
_STAGES = """
SELECT t.school_id FROM school_stage t WHERE ({these}) AND {before} ORDER BY t.school_id, t.stage FOR UPDATE"""
_THERE = "t.school_id = :destination_school_id AND t.stage = :class_stage"
_HERE = "t.school_id = :enrolled_school_id AND t.stage = :stage"


def _locks(place: str, completes: Shape | None) -> tuple[tuple[str, str], ...]:
    """The rows of classes and stages that are locked, in order, before anything is written."""
    there = place == "release" or bool(completes and completes.fills)
    classes = [":class_id"] if there else []
    stages = [_THERE] if there else []
    if completes and completes.leaves_class:
        classes.append(":enrolled_class_id")
    if completes and completes.leaves_stage:
        stages.append(_HERE)
    locks = [("classes", _CLASSES.replace("{ids}", ", ".join(classes)))] if classes else []
    return (*locks, *([("stages", _STAGES.replace("{these}", " OR ".join(stages)))] if stages else ()))


# The decision stands as long as no more than these are taken: the rule gives the numbers, the lock compares.
_PLACE_LEFT = (
    " AND c.id = :class_id AND c.attending + c.held <= :class_most"
    " AND t.school_id = :destination_school_id AND t.stage = :class_stage AND t.attending + t.held <= :stage_most"
)
