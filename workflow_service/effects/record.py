"""What changes of the record do (学籍信息变更的效力): key data, basic data, results, problem records, access."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Connection, select

from workflow_service.actors import Actor
from workflow_service.before_image import KEEP, KEY_COLUMNS, keeping, student_columns
from workflow_service.completion import FOLLOW_UPS, Completing, Effect, effect
from workflow_service.db import reading
from workflow_service.duplicates import recheck
from workflow_service.duplicates.trail import PROBLEMS, cleared, open_pairs
from workflow_service.effects.guardians import FACTS, RELATION, guardian_named
from workflow_service.models import DuplicatePair, Student
from workflow_service.models.columns import dumps
from workflow_service.named_facts import named_entry, person_after
from workflow_service.names import normal_name, search_text
from workflow_service.numbering import NumberRows, next_number, number_rows, region_of, usable, wanted_kind
from workflow_service.other_side import other_of, pair_of
from workflow_service.sql import Write

if TYPE_CHECKING:
    from workflow_service.facts import Row
    from workflow_service.service import Service

REMOVED: Final = "removed"
"""The problem of a record that was removed (删除): it is marked and ended, and keeps its number and history (TR-09)."""
LEFT: Final = "other"
"""The status of a removed record (其他离校): its person goes on in another one, or never was here."""
NO_DATA: Final = ("effective_on", "text")

FORGET = Write("forgotten", "DELETE FROM likeness_block WHERE student_id = :student_id{moved}")
# Filled anew by the follow-up; until then nobody is compared with what is no longer so.

OPEN = Write(
    "given_entry",
    """
INSERT INTO register_entry (id, bucket, student_id, section, school_id, valid_from, recorded_at, request_id, data)
SELECT :given_entry_id, :bucket, :student_id, :given_section, :given_school_id, :given_from, :at, :id,
    :given_data{drawn}""",
)
END_NAMED = Write(
    "ended_named",
    """
UPDATE register_entry SET valid_to = CASE WHEN valid_from > :named_to THEN valid_from ELSE :named_to END,
    ended_at = :at, end_request_id = :id WHERE id = :named_entry_id AND ended_at IS NULL{moved}""",
)
SETTLE = Write(
    "settled_pair",
    """
UPDATE duplicate_pair SET state = 'decided', outcome = :pair_outcome, decided_at = :at, request_id = :id,
    subject_id = CASE WHEN :pair_outcome = 'proof' THEN NULL WHEN first_id = :student_id THEN second_id
        ELSE first_id END,
    version = version + 1
WHERE (first_id = :student_id OR second_id = :student_id) AND state = 'open'
    AND (id = :pair_id OR :pair_outcome = 'merge'){moved}""",
)
LOG = Write(
    "access_row",
    """
INSERT INTO access_log (id, at, recorded_at, account_id, action, object_id, purpose, detail)
SELECT :access_id, :at, :recorded_at, :account_id, :access_action, :access_object, :access_purpose,
    :access_detail{drawn}""",
)


@effect("key_data_change")
def key_data(completing: Completing) -> Effect:
    """The controlled fields, the number that follows from them, the data as they were (SYS-20, NUM-04, NUM-06)."""
    with reading(completing.service.engine) as connection:
        return changed_key_data(completing, connection)


def changed_key_data(completing: Completing, connection: Connection) -> Effect:
    """The effect of new key data; a legal rename keeps the old name as a former one (SY-06), a typing error not."""
    service, row = completing.service, completing.row
    before = student_columns(connection, row["student_id"], KEY_COLUMNS)
    person, identity_type = person_after(service, connection, {**row, "data": completing.data})
    name, number = normal_name(person.name), person.identity_number
    columns: dict[str, Any] = {
        "name": name, "pinyin": search_text(name), "sex": person.sex, "identity_type": identity_type,
        "birth_date": bound_day(completing, person.birth_date), "former_name": before["former_name"],
        "identity_number": service.cipher.encrypt(number, "student.identity_number") if number else None,
        "identity_hash": service.hashes.of("identity_number", number) if number else None,
    }  # fmt: skip
    if name != before["name"] and row["ground"] == "changed_by_police":
        columns["former_name"] = before["name"]
    given = sorted(fact for fact in completing.data if fact.startswith("new_"))
    writes, values, details = [KEEP, FORGET], keeping(completing, before), {"fields": given}
    numbered = _number_after(completing, connection, number, identity_type, person.birth_date, person.sex)
    if numbered is not None:
        columns |= numbered.columns
        writes += numbered.writes
        values |= numbered.values
        details |= numbered.details
    return Effect(columns=columns, writes=tuple(writes), values=values, details=details)


def _number_after(
    completing: Completing, connection: Connection, identity: str | None, kind: str, born: date, sex: str
) -> NumberRows | None:
    """L or J becomes G once there is a good identity number; G stays even where it is another one now (NUM-02)."""
    service, row = completing.service, completing.row
    good = usable(service, identity, kind, born, sex)
    stored = student_columns(connection, row["student_id"], ("student_number",))["student_number"]
    current = None if stored is None else service.cipher.decrypt(stored, "student.student_number")
    if current is None or not good or wanted_kind(current, checked=True, good=good) is None:
        return None
    number = next_number(
        service, connection, identity_number=identity, identity_type=kind, birth_date=born, sex=sex, checked=True,
        region=region_of(connection, row["destination_school_id"]),
    )  # fmt: skip
    return number_rows(service, connection, row["student_id"], number)


@effect("basic_data_change")
def basic_data(completing: Completing) -> Effect:
    """What no rule protects: the profile, and a guardian; addresses and phones stay sealed (SYS-21, SY-08)."""
    with reading(completing.service.engine) as connection:
        before = student_columns(connection, completing.row["student_id"], ("profile",))
        guardian = guardian_named(completing, connection)
    given = completing.data
    # Earlier versions kept what was given of a guardian in the profile; what is given anew is no longer true there.
    profile = {name: value for name, value in before["profile"].items() if name not in FACTS or name not in given}
    profile |= {name: value for name, value in given.items() if name not in (*FACTS, RELATION, *NO_DATA)}
    return Effect(
        columns={"profile": dumps(profile)}, writes=(KEEP, *guardian.writes),
        values={**keeping(completing, before, guardian.before), **guardian.values}, details={"fields": sorted(given)},
    )  # fmt: skip


@effect("results_change")
def results(completing: Completing) -> Effect:
    """An entry of results, evaluation, awards or sanctions: opened, corrected by a new one, or withdrawn (SCH-06)."""
    ground, data = completing.row["ground"], completing.data
    with reading(completing.service.engine) as connection:
        old = None if ground == "new_entry" else named_entry(connection, {**completing.row, "data": data})
    writes: list[Write] = []
    values: dict[str, Any] = {}
    if old is not None:
        # What was wrong was never so; what is withdrawn was so until today.
        ends = old.valid_from if ground == "correction" else completing.effective
        writes.append(END_NAMED)
        values |= {"named_entry_id": old.id, "named_to": bound_day(completing, ends)}
    section = data.get("entry_section") or (old.section if old is not None else None)
    if ground != "withdrawal":
        content: dict[str, Any] = {
            name: data[name] for name in ("entry_of", "entry_term", "entry_value") if name in data
        }
        start = old.valid_from if old is not None else completing.effective
        writes.append(OPEN)
        values |= given_entry(completing, str(section), start, content)
    return Effect(writes=tuple(writes), values=values, details={"section": section, "what": ground})


@effect("problem_record")
def problem(completing: Completing) -> Effect:
    """A problem is marked, proved away, corrected, or its record is ended (SYS-31); no number is ever deleted."""
    with reading(completing.service.engine) as connection:
        return _PROBLEM[completing.row["ground"]](completing, connection)


def _marked(completing: Completing, _connection: Connection) -> Effect:
    found = completing.data["problem_kind"]
    return Effect(columns={"problem": found}, details={"problem": found, "problem_before": None})


def _proved(completing: Completing, connection: Connection) -> Effect:
    row, pair = completing.row, pair_of(connection, completing.row)
    left = [one for one in open_pairs(connection, row["student_id"]) if pair is None or one.id != pair.id]
    after = PROBLEMS[left[0].kind] if left else None
    values = given_entry(completing, "proof", completing.effective, {"problem": row["problem"]})
    values |= {"pair_id": pair.id if pair is not None else 0, "pair_outcome": "proof"}
    return Effect(columns={"problem": after}, writes=(OPEN, SETTLE), values=values,
                  details={"problem": after, "problem_before": row["problem"], "what": "proof"})  # fmt: skip


def _corrected(completing: Completing, connection: Connection) -> Effect:
    """New key data. A problem that a pair makes stays until the check after it finds the pair gone (SYS-35)."""
    new = changed_key_data(completing, connection)
    before = completing.row["problem"]
    pairs = open_pairs(connection, completing.row["student_id"])
    after = PROBLEMS[pairs[0].kind] if pairs else None
    return Effect(columns={**new.columns, "problem": after}, writes=new.writes, values=new.values,
                  details={**new.details, "problem": after, "problem_before": before})  # fmt: skip


def _removed(completing: Completing, _connection: Connection) -> Effect:
    details = {"problem": REMOVED, "problem_before": completing.row["problem"]}
    ends = "end" if completing.row["enrolment_id"] is not None else "keep"
    return Effect(columns={"problem": REMOVED}, writes=(SETTLE, FORGET), status=LEFT, enrolment=ends, details=details,
                  values={"pair_id": 0, "pair_outcome": "merge"})  # fmt: skip


_PROBLEM = {"problem_found": _marked, "proof": _proved, "correction": _corrected, "removal": _removed}


@effect("archive_access")
def archive_read(completing: Completing) -> Effect:
    """Who reads, as what and for which purpose stands in the access log beside the dated entry."""
    data = completing.data
    return Effect(writes=(LOG,), values=logged(
        completing, "archive_access", completing.row["student_id"], data.get("access_purpose"),
        f"{data.get('reader_is', '')} {completing.row['number']}"))  # fmt: skip


def logged(completing: Completing, action: str, about: int, purpose: str | None, detail: str) -> dict[str, Any]:
    """The parameters of `LOG`."""
    return {"access_id": completing.service.ids.new(completing.row["bucket"]), "access_action": action,
            "access_object": about, "access_purpose": purpose, "access_detail": detail.strip()}  # fmt: skip


def given_entry(completing: Completing, section: str, start: date, data: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of `OPEN`: an entry of a section that the request names, not its kind."""
    return {
        "given_entry_id": completing.service.ids.new(completing.row["bucket"]), "given_section": section,
        "given_school_id": completing.row["destination_school_id"], "given_from": bound_day(completing, start),
        "given_data": dumps(dict(data)),
    }  # fmt: skip


def bound_day(completing: Completing, day: date | str) -> date | str:
    """A day as the driver takes it."""
    day = date.fromisoformat(day) if isinstance(day, str) else day
    return day.isoformat() if completing.service.engine.dialect.name == "sqlite" else day


def _again(connection: Connection, service: Service, row: Row, actor: Actor | None) -> None:
    """The duplicate check after a change (SYS-35): blocks anew, pairs judged anew; who was somebody's suspected double
    and is no longer is told so.
    """
    problem_now = connection.execute(select(Student.problem).where(Student.id == row["student_id"])).scalar()
    if problem_now != REMOVED:
        recheck(connection, service, row["student_id"], actor, row["id"])
    settled = select(DuplicatePair.__table__).where(
        DuplicatePair.request_id == row["id"], DuplicatePair.state == "decided", DuplicatePair.outcome != "change"
    )
    for pair in connection.execute(settled).all():
        other = other_of(pair, row["student_id"])
        details = {"pair": str(pair.id), "outcome": pair.outcome}
        cleared(connection, service, other, "duplicate_settled", details, actor)


FOLLOW_UPS["key_data_change"] = FOLLOW_UPS["problem_record"] = _again
