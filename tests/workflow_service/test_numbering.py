"""Numbers are given once, never twice, and change only upwards; L and J have every right of G."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from sqlalchemy import Connection, delete, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from states.identity import make_identity_number
from states.numbers import student_number_faults
from tests.workflow_service.test_transitions import D0
from tests.workflow_service.world import Pupil, World
from workflow_service.boxes import Wanted, list_requests, student_matches
from workflow_service.check import check
from workflow_service.db import begin, reading
from workflow_service.duplicates.trail import MERGED
from workflow_service.errors import Blocked, Invalid
from workflow_service.ids import IdMaker
from workflow_service.models import (
    DuplicatePair,
    History,
    NumberHistory,
    NumberSweep,
    Organization,
    Student,
    StudentNumber,
)
from workflow_service.numbering import (
    NumberRows,
    give_number,
    next_number,
    number_rows,
    region_of,
    rows_for,
    student_of_number,
    usable,
    wanted_kind,
)
from workflow_service.sql import Write, transaction
from workflow_service.students import NewStudent, register
from workflow_service.sweeps import catch_up, check_month_end, number_month_end, numbers
from workflow_service.views.students import WantedStudents, list_students

BORN = date(2017, 5, 1)
CARD = make_identity_number("990101", BORN, 77)
OTHER_CARD = make_identity_number("990177", BORN, 342)


def pupil(world: World, number: str, identity: str | None = None, name: str = "林小满", sex: str = "1") -> Pupil:
    """A pupil of school 202 in grade 3 with this number."""
    new = NewStudent(
        name=name, sex=sex, birth_date=BORN, identity_type="1" if identity else "Z", identity_number=identity,
        student_number=number, status="attending", school_id=world.organization("202").id,
        class_id=world.school_class("202", 3), stage="primary", valid_from=date(2023, 9, 1),
    )  # fmt: skip
    with begin(world.service.engine) as connection:
        [id_] = register(connection, world.service, [new], None)
    return Pupil(id_, name, number, 3)


def choose(world: World, **more: Any) -> str:
    asked = {"identity_number": CARD, "region": "231183", "birth_date": BORN, "checked": True, **more}
    return next_number(world.service, None, **asked)


def give(world: World, who: Pupil, *, checked: bool) -> str | None:
    with begin(world.service.engine) as connection:
        return give_number(
            connection,
            world.service,
            who.id,
            world.organization("202").id,
            actor=world.actor("county2"),
            checked=checked,
        )


def number_of(world: World, who: Pupil) -> str:
    return world.service.cipher.decrypt(world.student_row(who.id).student_number, "student.student_number")


def history_of(world: World, who: Pupil) -> list[str]:
    with reading(world.service.engine) as connection:
        rows = connection.execute(
            select(NumberHistory.number).where(NumberHistory.student_id == who.id).order_by(NumberHistory.id)
        ).scalars()
        return [world.service.cipher.decrypt(row, "student.student_number") for row in rows]


def identify(world: World, who: Pupil, card: str) -> None:
    """The child gets a resident card, as a key data change would enter it."""
    with begin(world.service.engine) as connection:
        connection.execute(
            update(Student).where(Student.id == who.id).values(
                identity_type="1", identity_hash=world.service.hashes.of("identity_number", card),
                identity_number=world.service.cipher.encrypt(card, "student.identity_number"),
            )
        )  # fmt: skip


def write_rows(connection: Connection, who: Pupil, rows: NumberRows) -> None:
    """The writes as a completed request would run them, one by one."""
    values = {**rows.values, "id": None, "bucket": 0, "student_id": who.id, "recorded_at": 0}
    for write in rows.writes:
        connection.execute(text(write.text(single=False)), values)


# --- Which number


def test_everybody_gets_l_before_the_duplicate_check(world: World) -> None:
    for card in (CARD, None):
        number = choose(world, identity_number=card, checked=False)
        assert number.startswith("L23118320170501")
        assert student_number_faults(number, date(2026, 9, 1)) == ()


def test_after_the_check_a_good_identity_number_makes_g(world: World) -> None:
    assert choose(world) == "G" + CARD
    assert choose(world, sex="1") == "G" + CARD


@pytest.mark.parametrize(
    "more",
    [
        {"identity_number": None},
        {"identity_number": CARD[:-1] + ("0" if CARD[-1] != "0" else "1")},
        {"identity_number": "HK1234567", "identity_type": "6"},
        {"identity_type": "A"},
        {"birth_date": date(2017, 5, 2)},
        {"sex": "2"},
    ],
)
def test_without_a_usable_identity_number_it_is_j(world: World, more: dict[str, Any]) -> None:
    number = choose(world, **more)
    assert number[0] == "J"
    assert student_number_faults(number, date(2026, 9, 1)) == ()


def test_the_sequence_of_j_agrees_with_the_sex(world: World) -> None:
    for sex, odd in (("1", 1), ("2", 0)):
        numbers = {choose(world, identity_number=None, sex=sex) for _ in range(20)}
        assert {int(number[17]) % 2 for number in numbers} == {odd}


def test_an_identity_number_is_usable_only_where_it_agrees_with_the_record(world: World) -> None:
    assert usable(world.service, CARD, "1", BORN, "1")
    assert not usable(world.service, CARD, "1", BORN, "2")
    assert not usable(world.service, CARD, "Z", BORN)
    assert not usable(world.service, None, "1", BORN)


@pytest.mark.parametrize(
    ("current", "checked", "good", "wanted"),
    [
        (None, False, True, "L"), (None, False, False, "L"), (None, True, True, "G"), (None, True, False, "J"),
        ("L", False, True, None), ("L", True, True, "G"), ("L", True, False, "J"),
        ("J", False, True, None), ("J", True, False, None), ("J", True, True, "G"),
        ("G", True, True, None), ("G", True, False, None), ("G", False, False, None),
    ],
)  # fmt: skip
def test_a_number_changes_only_upwards(current: str | None, checked: bool, good: bool, wanted: str | None) -> None:
    whole = None if current is None else f"{current}231183201705010010"
    assert wanted_kind(whole, checked=checked, good=good) == wanted


def test_the_region_is_the_school_s_or_the_nearest_bureau_s(world: World) -> None:
    school = world.organization("202")
    with begin(world.service.engine) as connection:
        own = region_of(connection, school.id)
        connection.execute(update(Organization).where(Organization.id == school.id).values(division_code="231183"))
        assert region_of(connection, school.id) == "231183"
        connection.execute(update(Organization).where(Organization.id == school.id).values(division_code=""))
        assert region_of(connection, school.id) == own == world.organization("county2").division_code
        connection.execute(update(Organization).values(division_code=""))
        with pytest.raises(Blocked, match="行政区划"):
            region_of(connection, school.id)


# --- None twice


def test_a_number_that_somebody_has_or_had_is_never_given_again(world: World) -> None:
    one = pupil(world, "L231183201705010000", CARD)
    pupil(world, "L231183201705010001", name="陈一")
    assert give(world, one, checked=True) == "G" + CARD
    # A source that always draws 0 begins with the number that was `one`'s, and goes on past the other child's.
    world.service.ids = IdMaker(lambda: 1_800_000_000_000, lambda bits: 0)
    assert choose(world, checked=False) == "L231183201705010002"


def test_the_last_free_number_is_found_and_then_there_is_none(world: World) -> None:
    who, service = pupil(world, "L231183201705010000"), world.service
    free = make_identity_number("231183", BORN, 501)
    spent = ["J" + make_identity_number("231183", BORN, odd) for odd in range(1, 1000, 2)]
    with begin(service.engine) as connection:
        connection.execute(insert(NumberHistory), [
            {"id": service.ids.new(0), "bucket": 0, "student_id": who.id, "number": b"", "request_id": None,
             "number_hash": service.hashes.of("student_number", number), "recorded_at": 0}
            for number in spent if number != "J" + free
        ])  # fmt: skip
    assert choose(world, identity_number=None, sex="1") == "J" + free
    pupil(world, "J" + free, name="陈一")
    with pytest.raises(Blocked, match="编满"):
        choose(world, identity_number=None, sex="1")
    assert choose(world, identity_number=None, sex="2")[0] == "J"


def test_a_g_number_of_somebody_else_is_a_duplicate_and_not_given(world: World) -> None:
    pupil(world, "G" + CARD, CARD)
    other = pupil(world, "L231183201705010001", CARD, name="陈一")
    with pytest.raises(Blocked) as blocked:
        give(world, other, checked=True)
    assert [reason.cite.rule for reason in blocked.value.reasons] == ["NUM-12"]
    assert CARD not in str(blocked.value)
    assert number_of(world, other) == other.number


def test_the_registry_refuses_the_second_of_two_who_were_given_one_number(world: World) -> None:
    one, two = pupil(world, "L231183201705010000", CARD), pupil(world, "L231183201705010001", CARD, name="陈一")
    late = number_rows(world.service, None, two.id, "G" + CARD)
    assert give(world, one, checked=True) == "G" + CARD
    with pytest.raises(IntegrityError), begin(world.service.engine) as connection:
        write_rows(connection, two, late)
    assert number_of(world, two) == two.number


# --- Upwards, with history


def test_l_becomes_g_and_is_remembered(world: World) -> None:
    who = pupil(world, "L231183201705010000", CARD)
    assert give(world, who, checked=False) is None
    assert give(world, who, checked=True) == number_of(world, who) == "G" + CARD
    assert history_of(world, who) == ["L231183201705010000"]
    assert give(world, who, checked=True) is None
    with reading(world.service.engine) as connection:
        for number in ("L231183201705010000", "G" + CARD):
            assert student_of_number(world.service, connection, number) == who.id
        assert student_of_number(world.service, connection, "L231183201705019999") is None
    assert check(world.service) == []


def test_l_becomes_j_and_j_becomes_g_once_there_is_a_card(world: World) -> None:
    who = pupil(world, "L231183201705010000")
    j = give(world, who, checked=True)
    assert j is not None
    assert j[0] == "J"
    identify(world, who, CARD)
    assert give(world, who, checked=True) == "G" + CARD
    assert history_of(world, who) == ["L231183201705010000", j]
    assert check(world.service) == []


def test_a_g_number_stays_when_the_identity_number_changes(world: World) -> None:
    who = pupil(world, "G" + CARD, CARD)
    identify(world, who, make_identity_number("990102", BORN, 77))
    assert give(world, who, checked=True) is None
    assert number_of(world, who) == "G" + CARD


def test_the_trail_says_what_kind_of_number_was_given_by_whom_and_never_the_number(world: World) -> None:
    who = pupil(world, "L231183201705010000", CARD)
    give(world, who, checked=True)
    with reading(world.service.engine) as connection:
        row = connection.execute(select(History.__table__).where(History.object_id == who.id, History.seq == 2)).one()
    assert (row.event, row.from_state, row.to_state) == ("numbered", "attending", "attending")
    assert row.account_id == world.actor("county2").account_id
    assert json.loads(row.payload)["d"] == {"status": "attending", "number": "G", "number_before": "L"}


def test_who_has_no_number_yet_gets_the_first_one(world: World) -> None:
    who = pupil(world, "L231183201705010000", CARD)
    with begin(world.service.engine) as connection:
        connection.execute(delete(StudentNumber))
        connection.execute(update(Student).values(student_number=None, student_number_hash=None))
    number = give(world, who, checked=False)
    assert number is not None
    assert number.startswith("L" + world.organization("202").division_code)
    assert history_of(world, who) == []
    assert check(world.service) == []


def test_rows_for_a_request_write_nothing_by_themselves(world: World) -> None:
    who = pupil(world, "L231183201705010000", CARD)
    rows = rows_for(world.service, None, who.id, world.organization("202").id, checked=True)
    assert rows is not None
    assert rows.number == "G" + CARD
    assert [write.name for write in rows.writes] == ["renumbered", "old_number"]
    assert number_of(world, who) == who.number
    assert rows_for(world.service, None, who.id, world.organization("202").id) is None


GUARD = "SELECT s.id FROM student s WHERE s.id = :student_id AND s.version = :student_version"
MOVED = Write(
    "moved",
    """
UPDATE student SET version = version + 1, student_number = :student_number, student_number_hash = :student_number_hash
WHERE id = :student_id{guard} RETURNING id""",
)


@pytest.mark.parametrize("first", [True, False])
def test_the_writes_belong_to_the_one_statement_that_completes_a_request(world: World, first: bool) -> None:
    who = pupil(world, "L231183201705010000", CARD)
    if first:
        with begin(world.service.engine) as connection:
            connection.execute(delete(StudentNumber))
            connection.execute(update(Student).values(student_number=None, student_number_hash=None))
    rows = rows_for(world.service, None, who.id, world.organization("202").id, checked=True)
    assert rows is not None
    statement = transaction(GUARD, "FOR UPDATE OF s", (MOVED, *rows.writes))
    values = {
        **rows.values, **rows.columns, "id": 7, "bucket": 0, "student_id": who.id, "student_version": 1,
        "recorded_at": 1,
    }  # fmt: skip
    assert not statement.run(world.service.hot, {**values, "student_version": 2})
    assert statement.run(world.service.hot, values)
    assert number_of(world, who) == "G" + CARD
    assert history_of(world, who) == ([] if first else [who.number])
    assert "K5" not in {finding.code for finding in check(world.service)}


# --- After the check of a month's end


def month_end(world: World, month: int = 8, day: int = 31) -> int:
    """The legal instant at which a month's check has just been done."""
    world.go(2026, month, day, 12)
    now = world.service.clocks.legal()
    check_month_end(world.service, now)
    return now


def test_the_months_end_gives_formal_numbers_after_the_check_and_not_before(world: World) -> None:
    one, two = pupil(world, "L231183201705010000", CARD), pupil(world, "L231183201705010001", name="陈一")
    formal = pupil(world, f"G{OTHER_CARD}", OTHER_CARD, name="何二", sex="2")
    world.go(2026, 8, 31, 12)
    assert number_month_end(world.service, world.service.clocks.legal()) == 0  # the check is still to come
    assert number_month_end(world.service, month_end(world)) == 2
    assert number_of(world, one) == "G" + CARD
    assert (number_of(world, two)[0], number_of(world, formal)) == ("J", formal.number)
    assert (history_of(world, one), history_of(world, two)) == ([one.number], [two.number])
    assert number_month_end(world.service, world.service.clocks.legal()) == 0
    with reading(world.service.engine) as connection:
        trail = connection.execute(
            select(History.event, History.account_id).where(History.object_id == one.id, History.seq == 2)
        ).one()
        sweep = connection.execute(select(NumberSweep.given, NumberSweep.finished_at)).one()
    assert (trail.event, trail.account_id) == ("numbered", None)
    assert (sweep.given, sweep.finished_at) == (2, world.service.clocks.legal())
    assert check(world.service) == []


def test_who_comes_after_the_check_waits_for_the_next_one(world: World) -> None:
    now = month_end(world)
    who = pupil(world, "L231183201705010000", CARD)
    assert number_month_end(world.service, now) == 0
    world.go(2026, 9, 29)
    assert catch_up(world.service).numbered == 0
    assert number_of(world, who) == who.number
    world.go(2026, 9, 30)
    assert catch_up(world.service).numbered == 1
    assert number_of(world, who) == "G" + CARD


def test_an_open_pair_or_another_problem_record_keeps_the_number(world: World) -> None:
    one, two = pupil(world, "L231183201705010000", CARD), pupil(world, "L231183201705010001", CARD)
    wrong, gone = pupil(world, "L231183201705010002", name="陈一"), pupil(world, "L231183201705010003", name="何二")
    with begin(world.service.engine) as connection:
        # The pair alone must keep him: its mark on the student may be another problem's.
        connection.execute(update(Student).where(Student.id.in_([one.id, two.id])).values(problem=None))
        connection.execute(update(Student).where(Student.id == wrong.id).values(problem="identity_number_wrong"))
        connection.execute(update(Student).where(Student.id == gone.id).values(problem=MERGED))
    assert number_month_end(world.service, month_end(world)) == 0
    assert [number_of(world, who) for who in (one, two, wrong, gone)] == [
        who.number for who in (one, two, wrong, gone)
    ]  # fmt: skip


def test_a_number_that_is_another_s_stops_nobody_else(world: World, caplog: pytest.LogCaptureFixture) -> None:
    first = pupil(world, "L231183201705010000", CARD)
    pupil(world, "G" + CARD, name="陈一")
    last = pupil(world, f"L23118320170501{4:04}", OTHER_CARD, name="何二", sex="2")
    with begin(world.service.engine) as connection:  # settled: two people, and nobody corrected the number
        connection.execute(update(DuplicatePair).values(state="decided", outcome="proof", decided_at=1))
        connection.execute(update(Student).values(problem=None))
    assert number_month_end(world.service, month_end(world), 1) == 1
    assert (number_of(world, first), number_of(world, last)) == (first.number, "G" + OTHER_CARD)
    assert str(first.id) in caplog.text
    assert CARD not in caplog.text


class Killed(BaseException):
    """The process is gone."""


def test_a_run_that_is_killed_half_way_is_finished_by_another(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    several = [
        pupil(world, f"L23118320170501{turn:04}", name=name) for turn, name in enumerate(["甲一", "乙二", "丙三"])
    ]
    now, given = month_end(world), []

    def dies(*args: Any, **more: Any) -> str | None:
        if len(given) == 2:
            raise Killed
        given.append(give_number(*args, **more))
        return given[-1]

    monkeypatch.setattr(numbers, "give_number", dies)
    with pytest.raises(Killed):
        number_month_end(world.service, now, 2)
    monkeypatch.undo()
    assert number_month_end(world.service, now, 2) == 1
    assert [number_of(world, who)[0] for who in several] == ["J"] * 3
    assert [history_of(world, who) for who in several] == [[who.number] for who in several]
    assert check(world.service) == []


def test_two_processes_give_each_number_once(world: World) -> None:
    several = [
        pupil(world, f"L23118320170501{turn:04}", name=name) for turn, name in enumerate(["甲一", "乙二", "丙三"])
    ]
    now = month_end(world)
    with ThreadPoolExecutor(2) as two:
        done = list(two.map(lambda size: number_month_end(world.service, now, size), (1, 3)))
    assert sum(done) == 3
    assert [len(history_of(world, who)) for who in several] == [1, 1, 1]
    assert check(world.service) == []


def test_a_pair_that_is_found_meanwhile_is_not_overlooked(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    who = pupil(world, "L231183201705010000", CARD)
    now = month_end(world)

    def late(connection: Connection, service: Any, student_id: int, *args: Any, **more: Any) -> str | None:
        connection.execute(update(Student).where(Student.id == student_id).values(version=Student.version + 1))
        return give_number(connection, service, student_id, *args, **more)

    monkeypatch.setattr(numbers, "give_number", late)
    assert number_month_end(world.service, now) == 0
    assert number_of(world, who) == who.number


def test_the_pack_says_after_which_months_numbers_are_given(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    who = pupil(world, "L231183201705010000", CARD)
    shipped = world.service.packs.definition

    def spring(pack_id: int) -> Any:
        found = shipped(pack_id)
        return replace(found, parameters={**found.parameters, "NUM-02-months": {"value": [2, 3, 4, 5, 6, 7]}})

    monkeypatch.setattr(world.service.packs, "definition", spring)
    assert number_month_end(world.service, month_end(world)) == 0
    monkeypatch.undo()
    assert number_month_end(world.service, month_end(world)) == 1
    assert number_of(world, who) == "G" + CARD


# --- Found by a number that he had


def renumbered(world: World) -> Pupil:
    """A pupil whose L became G."""
    who = pupil(world, "L231183201705010000", CARD)
    assert give(world, who, checked=True) == "G" + CARD
    return who


@pytest.mark.parametrize("typed", ["L231183201705010000", " l231183201705010000 ", "G" + CARD])
def test_a_student_is_found_by_the_number_he_has_and_by_the_one_he_had(world: World, typed: str) -> None:
    who = renumbered(world)
    pupil(world, "L231183201705010001", name="陈一")
    for username in ("school202", "county2"):
        found, _ = list_students(world.service, world.actor(username), WantedStudents(q=typed), 10)
        assert [row["id"] for row in found] == [str(who.id)]
    assert list_students(world.service, world.actor("school201"), WantedStudents(q=typed), 10) == ([], None)


def test_a_part_of_an_old_number_finds_nobody(world: World) -> None:
    renumbered(world)
    for typed in ("L2311832017050100", "23118320170501"):
        assert list_students(world.service, world.actor("county2"), WantedStudents(q=typed), 10) == ([], None)


def test_the_search_by_number_asks_indexes_only(world: World) -> None:
    query = select(Student.id).where(student_matches(world.service, "L231183201705010000"))
    explain = "EXPLAIN QUERY PLAN" if world.service.engine.dialect.name == "sqlite" else "EXPLAIN"
    with world.service.engine.begin() as connection:
        if explain == "EXPLAIN":  # so few rows are read whole, unless no index would help at all
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        sql = query.compile(connection, compile_kwargs={"render_postcompile": True})
        given = sql.params if sql.positiontup is None else tuple(sql.params[key] for key in sql.positiontup)
        plan = [str(row[-1]) for row in connection.exec_driver_sql(f"{explain} {sql}", given)]
    assert not [step for step in plan if "Seq Scan" in step or step.startswith(("SCAN student", "SCAN number_h"))]


def test_requests_are_found_by_the_old_number_of_their_student(world: World) -> None:
    world.school_class("201", 3)
    who = renumbered(world)
    request = world.draft("school201", who, "201", ground="moved_house")
    world.fire(request, "submit", "school201")
    rows, _ = list_requests(world.service, world.actor("school201"), Wanted(q="L231183201705010000"), 10)
    assert [row.id for row in rows] == [request]


def test_a_transfer_may_name_the_student_by_an_old_number_but_not_by_another_s(world: World) -> None:
    world.school_class("201", 3)
    who, other = renumbered(world), pupil(world, "L231183201705010001", name="陈一")
    request = world.draft("school201", who, "201", ground="moved_house")  # named by the L number, see `Pupil.number`
    assert world.request(request).student_id == who.id
    with pytest.raises(Invalid):
        world.draft("school201", Pupil(who.id, who.name, other.number, 3), "201", ground="moved_house")


# --- The rights of a number (NUM-03, NUM-04)


@pytest.mark.parametrize("letter", ["G", "L", "J"])
def test_a_pupil_with_any_kind_of_number_is_transferred_alike(world: World, letter: str) -> None:
    number = {"G": "G" + CARD, "L": "L231183201705010000", "J": "J" + make_identity_number("231183", BORN, 3)}[letter]
    who = pupil(world, number, CARD if letter == "G" else None)
    world.school_class("201", 3)
    request_id = world.draft(
        "school201", who, "201", ground="return_to_registered_home",
        data={"guardian_register_in_catchment": True, "student_register": "with_guardian"},
    )  # fmt: skip
    world.upload(request_id, "school201", *D0)
    for event, username in (
        ("submit", "school201"), ("approve", "school201.principal"), ("approve", "school202.principal"),
        ("approve", "county2"), ("confirm_arrival", "school201"),
    ):  # fmt: skip
        world.fire(request_id, event, username)
    assert world.request(request_id).state == "completed"
    assert world.enrolment(who.id).school_id == world.organization("201").id
    assert number_of(world, who) == number  # NUM-12: a transfer never changes it.


def test_a_number_that_became_formal_meanwhile_is_still_the_pupil_s_own(world: World) -> None:
    world.school_class("201", 3)
    who = pupil(world, "L99010120170501" + "1234", CARD)
    request = world.draft("school201", who, "201", ground="moved_house")
    world.fire(request, "submit", "school201")
    assert give(world, who, checked=True) == f"G{CARD}"
    world.fire(request, "return", "school201.principal", comment="请补材料")
    world.fire(request, "resubmit", "school201")
    assert world.request(request).state == "awaiting_destination_principal"
