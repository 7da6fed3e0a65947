"""Doubles on the register: found when somebody comes in, settled by the units concerned, merged and undone."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from sqlalchemy import delete, func, insert, select, update

from states.identity import make_identity_number
from states.likeness import Person
from tests.conftest import Database
from tests.workflow_service.test_check import owning, plant
from tests.workflow_service.world import TODAY, World
from workflow_service import db
from workflow_service.check import check
from workflow_service.duplicates import Decision, decide, duplicates_of, like, recheck, remaining, undo
from workflow_service.duplicates.people import sound_of
from workflow_service.errors import Blocked, Forbidden, Invalid, NotFound, Stale
from workflow_service.grants import revoke_role
from workflow_service.models import (
    DuplicatePair,
    DuplicateSweep,
    DuplicateWord,
    Enrolment,
    History,
    IdentityFinding,
    LikenessBlock,
    Student,
    StudentMerge,
)
from workflow_service.models.columns import from_micros, to_micros
from workflow_service.students import NewGuardian, NewStudent, register
from workflow_service.sweeps import catch_up, check_month_end

BORN = date(2017, 5, 1)
GOOD = make_identity_number("990101", BORN, 701)
TYPED = GOOD[:15] + str((int(GOOD[15]) + 1) % 10) + GOOD[16:]


def record(world: World, code: str, name: str = "林小满", number: str | None = GOOD, **more: Any) -> int:
    """A record on the register; its student number is its own whatever the identity number says."""
    stage = more.pop("stage", "primary")
    new = NewStudent(
        name=name, sex=more.pop("sex", "1"), birth_date=more.pop("birth_date", BORN), identity_type="1",
        identity_number=number, student_number=f"L99010120170501{next(world.sequence):04d}", status="attending",
        school_id=world.organization(code).id, class_id=world.school_class(code, 3, stage), stage=stage,
        valid_from=date(2023, 9, 1), **more,
    )  # fmt: skip
    with db.begin(world.service.engine) as connection:
        return register(connection, world.service, [new], None)[0]


def pair(world: World, number: int = 0) -> Any:
    with db.reading(world.service.engine) as connection:
        return connection.execute(select(DuplicatePair.__table__).order_by(DuplicatePair.id)).all()[number]


def pairs(world: World) -> int:
    with db.reading(world.service.engine) as connection:
        return connection.execute(select(func.count()).select_from(DuplicatePair)).scalar_one()


def say(world: World, who: str, outcome: str, student_id: int | None = None, **more: Any) -> None:
    decision = Decision(outcome, student_id, more.pop("comment", "户口簿原件核对无误"), **more)
    decide(world.service, world.actor(who), pair(world).id, decision, pair(world).version)


def events(world: World, student_id: int) -> list[str]:
    with db.reading(world.service.engine) as connection:
        query = select(History.event).where(History.object_id == student_id).order_by(History.seq)
        return list(connection.execute(query).scalars())


def test_the_same_number_is_queued_when_the_second_comes_in(world: World) -> None:
    first, second = record(world, "201"), record(world, "201", "周明远")
    found = pair(world)
    assert (found.first_id, found.second_id, found.kind, found.state) == (first, second, "same_number", "open")
    assert [reason["code"] for reason in found.reasons] == ["same_number"]
    assert {world.student_row(id_).problem for id_ in (first, second)} == {"duplicate_with_identity_number"}
    assert events(world, second) == ["imported", "duplicate_suspected"]
    with db.reading(world.service.engine) as connection:
        [one] = duplicates_of(connection, first)
        assert (one.student_id, one.pair_id) == (second, found.id)
    assert check(world.service) == []


def test_one_digit_off_is_found_by_its_blocks_and_no_digit_is_stored(world: World) -> None:
    record(world, "201")
    record(world, "202", "林晓曼", TYPED)
    found = pair(world)
    assert (found.kind, found.strength) == ("near_number", 100)
    assert [reason["code"] for reason in found.reasons] == ["one_digit_off", "same_sound", "no_usable_number"]
    assert found.reasons[0]["positions"] == [16]
    assert GOOD not in str(found.reasons)


def test_plain_children_twins_and_namesakes_with_good_numbers_are_left_alone(world: World) -> None:
    mother = (NewGuardian("母亲", "孟兰", "13800001111"),)
    record(world, "201", "孟知春", make_identity_number("990101", BORN, 40), guardians=mother)
    record(world, "201", "孟知秋", make_identity_number("990101", BORN, 42), guardians=mother)
    record(world, "202", "孟知秋", make_identity_number("990402", BORN, 118))
    world.student("201")
    world.student("202")
    assert pairs(world) == 0
    assert check(world.service) == []


def test_a_name_alone_tells_where_a_number_is_missing_or_a_guardian_is_the_same(world: World) -> None:
    record(world, "201", "孟知秋", None)
    record(world, "202", "孟之秋", make_identity_number("990101", BORN, 42))
    assert pair(world).kind == "same_name"
    mother = (NewGuardian("母亲", "孟兰", "13800001111"),)
    record(world, "301", "单小龙", make_identity_number("990101", BORN, 50), guardians=mother)
    record(world, "302", "单小龙", make_identity_number("990402", BORN, 118), guardians=mother)
    assert [reason["code"] for reason in pair(world, 1).reasons] == ["same_name", "shared_guardian"]


def test_an_open_pair_blocks_a_transfer_until_it_is_settled(world: World) -> None:
    pupil = world.student("202", name="林小满")
    second = record(world, "201", "周明远", pupil.number[1:])
    draft = world.draft("school201", pupil, "201", ground="moved_house", data={"handed_over_on": "2026-08-01"})
    with pytest.raises(Blocked) as blocked:
        world.fire(draft, "submit", "school201")
    assert "SYS-06" in {reason.cite.rule for reason in blocked.value.reasons}
    for who in ("school201", "school202"):
        say(world, who, "proof")
    assert world.student_row(pupil.id).problem is None
    assert world.student_row(second).problem is None
    world.fire(draft, "submit", "school201")


def test_one_school_decides_alone_and_proof_keeps_both(world: World) -> None:
    first, second = record(world, "201"), record(world, "201", "周明远", TYPED)
    with pytest.raises(Forbidden):
        say(world, "county2", "proof")
    with pytest.raises(NotFound):
        say(world, "school202", "proof")
    with pytest.raises(Blocked) as blocked:
        say(world, "school201", "proof", comment=" ")
    assert [reason.cite.rule for reason in blocked.value.reasons] == ["SYS-31"]
    say(world, "school201", "proof")
    assert (pair(world).state, pair(world).outcome) == ("decided", "proof")
    assert events(world, second) == ["imported", "duplicate_suspected", "duplicate_settled"]
    with db.reading(world.service.engine) as connection:
        assert duplicates_of(connection, first) == []
    assert check(world.service) == []
    with pytest.raises(Blocked):
        say(world, "school201", "proof")


def test_two_schools_agree_and_an_older_version_is_refused(world: World) -> None:
    record(world, "201")
    second = record(world, "202", "周明远")
    say(world, "school201", "merge", second)
    assert pair(world).state == "open"
    with pytest.raises(Stale):
        decide(world.service, world.actor("school202"), pair(world).id, Decision("merge", second, "同一人"), 1)
    say(world, "school202", "merge", second)
    assert (pair(world).state, pair(world).subject_id) == ("decided", second)


def test_whoever_disagrees_leaves_it_to_the_bureau_of_both(world: World) -> None:
    first, second = record(world, "201"), record(world, "202")
    say(world, "school201", "merge", first)
    with pytest.raises(Forbidden):
        say(world, "county2", "merge", second)
    say(world, "school202", "proof")
    assert pair(world).state == "open"
    say(world, "county2", "merge", second)
    assert (pair(world).outcome, pair(world).subject_id) == ("merge", second)
    assert check(world.service) == []


def test_across_counties_the_bureaus_ask_the_police_and_agree_too(world: World) -> None:
    record(world, "201")
    second = record(world, "401")
    for who in ("school201", "school401"):
        say(world, who, "merge", second)
    with pytest.raises(Blocked) as blocked:
        say(world, "county2", "merge", second)
    assert [reason.cite.rule for reason in blocked.value.reasons] == ["SYS-33"]
    say(world, "county2", "merge", second, verified=True)
    assert pair(world).state == "open"
    say(world, "county4", "merge", second, verified=True)
    assert pair(world).state == "decided"


def test_across_provinces_the_guardian_chooses(world: World) -> None:
    record(world, "201")
    record(world, "901")
    with pytest.raises(Blocked) as blocked:
        say(world, "school201", "proof")
    assert [reason.cite.rule for reason in blocked.value.reasons] == ["SYS-34"]
    say(world, "school201", "proof", guardian_agrees=True)


def test_where_a_school_has_no_registrar_its_bureau_speaks_for_it(world: World) -> None:
    record(world, "201")
    record(world, "202")
    with db.begin(world.service.engine) as connection:
        revoke_role(connection, world.service, world.actor("school202").account_id, "registrar")
    say(world, "school201", "proof")
    say(world, "county2", "proof")
    assert pair(world).state == "decided"


@pytest.mark.parametrize(("outcome", "who"), [("vanish", None), ("proof", "first"), ("merge", None), ("merge", "x")])
def test_a_word_that_means_nothing_is_refused(world: World, outcome: str, who: str | None) -> None:
    first = record(world, "201")
    record(world, "201")
    with pytest.raises(Invalid):
        say(world, "school201", outcome, {"first": first, "x": 5}.get(who or ""))


def test_a_merged_record_gives_up_its_place_and_points_to_the_one_that_remains(world: World) -> None:
    kept, gone = record(world, "201"), record(world, "202", "周明远")
    third = record(world, "203", "陈安", TYPED)
    assert pairs(world) == 3
    room = world.school_class("202", 3)
    assert world.seats(room) == (1, 0)
    say(world, "school201", "merge", kept)
    say(world, "school202", "merge", kept)
    row = world.student_row(gone)
    assert (row.status, row.problem, world.seats(room)) == ("other", "merged", (0, 0))
    with db.reading(world.service.engine) as connection:
        assert remaining(connection, gone) == remaining(connection, kept) == kept
        blocks = select(func.count()).select_from(LikenessBlock).where(LikenessBlock.student_id == gone)
        assert connection.execute(blocks).scalar_one() == 0
        # What asked about the merged record is settled with it; what asks about the other two is still open.
        assert [found.student_id for found in duplicates_of(connection, third)] == [kept]
    assert events(world, gone)[-1] == "merged"
    assert check(world.service) == []


def test_undoing_a_merge_gives_everything_back_and_asks_again(world: World) -> None:
    kept, gone = record(world, "201"), record(world, "202", "周明远")
    third = record(world, "203", "陈安", TYPED)
    for who in ("school201", "school202"):
        say(world, who, "merge", kept)
    world.go(2026, 8, 26)
    version = pair(world).version
    with pytest.raises(Forbidden):
        undo(world.service, world.actor("school201"), pair(world).id, "误合并", version)
    with pytest.raises(Invalid):
        undo(world.service, world.actor("county2"), pair(world).id, " ", version)
    undo(world.service, world.actor("county2"), pair(world).id, "两个孩子，误合并", version)
    row = world.student_row(gone)
    assert (row.status, row.problem) == ("attending", "duplicate_with_identity_number")
    assert world.seats(world.school_class("202", 3)) == (1, 0)
    assert world.enrolment(gone).start_reason == "merge_undone"
    assert (pair(world).state, pair(world).outcome, pair(world).round) == ("open", None, 2)
    with db.reading(world.service.engine) as connection:
        assert remaining(connection, gone) == gone
        assert {found.student_id for found in duplicates_of(connection, third)} == {kept, gone}
        words = list(connection.execute(select(DuplicateWord.outcome).order_by(DuplicateWord.id)).scalars())
        assert sorted(words) == ["merge", "merge", "undo"]
        assert connection.execute(select(StudentMerge.undone_at)).scalar_one() is not None
    assert check(world.service) == []
    with pytest.raises(Blocked):
        undo(world.service, world.actor("county2"), pair(world).id, "再次", pair(world).version)


def test_where_today_is_moved_a_merge_and_its_undoing_are_known_on_their_legal_day(world: World) -> None:
    world.go(2026, 12, 1)
    world.service.clocks.offset = to_micros(TODAY) - world.at
    kept, gone = record(world, "201"), record(world, "202", "周明远")
    for who in ("school201", "school202"):
        say(world, who, "merge", kept)
    undo(world.service, world.actor("county2"), pair(world).id, "两个孩子，误合并", pair(world).version)
    query = select(Enrolment.recorded_at, Enrolment.ended_at).where(Enrolment.student_id == gone)
    with db.reading(world.service.engine) as connection:
        told = [at for row in connection.execute(query) for at in row if at is not None]
    assert len(told) == 3
    assert {from_micros(at).date() for at in told} == {TODAY.date()}


def test_a_record_with_open_business_is_not_merged(world: World) -> None:
    pupil = world.student("202")
    world.school_class("201", 3)
    draft = world.draft("school201", pupil, "201", ground="moved_house", data={"handed_over_on": "2026-08-01"})
    world.fire(draft, "submit", "school201")
    kept = record(world, "202", "周明远", pupil.number[1:])
    with pytest.raises(Blocked) as blocked:
        say(world, "school202", "merge", kept)
    assert [reason.cite.rule for reason in blocked.value.reasons] == ["DUP-03"]


def test_a_record_that_was_merged_is_decided_no_more(world: World) -> None:
    kept, gone = record(world, "201"), record(world, "202", "周明远")
    for who in ("school201", "school202"):
        say(world, who, "merge", kept)
    with db.begin(world.service.engine) as connection:  # As a search that ran beside the merge would leave it.
        connection.execute(update(DuplicatePair).values(state="open", outcome=None, subject_id=None, decided_at=None))
    with pytest.raises(Blocked) as blocked:
        say(world, "school202", "merge", gone)
    assert [reason.cite.rule for reason in blocked.value.reasons] == ["DUP-05"]


def correct(world: World, student_id: int, number: str) -> int:
    """A change of key data, as its request would write it; what the check after it says."""
    service = world.service
    with db.begin(service.engine) as connection:
        connection.execute(
            update(Student)
            .where(Student.id == student_id)
            .values(identity_number=service.cipher.encrypt(number, "student.identity_number"),
                    identity_hash=service.hashes.of("identity_number", number))
        )  # fmt: skip
        return recheck(connection, service, student_id, None, 77)


def test_a_change_stays_open_until_the_data_are_other_ones(world: World) -> None:
    record(world, "201")
    second = record(world, "201", "周明远", TYPED)
    say(world, "school201", "change", second)
    assert (pair(world).state, pair(world).outcome, pair(world).subject_id) == ("open", "change", second)
    assert correct(world, second, GOOD) == 1  # worse than before: it is the same number now
    assert (pair(world).state, pair(world).outcome, pair(world).kind) == ("open", None, "same_number")
    say(world, "school201", "change", second)
    assert correct(world, second, make_identity_number("990402", BORN, 118)) == 0
    assert (pair(world).state, pair(world).outcome, pair(world).request_id) == ("decided", "change", 77)
    assert world.student_row(second).problem is None
    assert check(world.service) == []


def test_a_pair_that_was_proved_is_opened_again_only_when_it_is_more_alike(world: World) -> None:
    record(world, "201")
    second = record(world, "201", "周明远", TYPED)
    say(world, "school201", "proof")
    with db.begin(world.service.engine) as connection:
        assert recheck(connection, world.service, second, None) == 0
    assert pair(world).state == "decided"
    assert correct(world, second, GOOD) == 1
    assert (pair(world).state, world.student_row(second).problem) == ("open", "duplicate_with_identity_number")


def test_somebody_can_be_looked_up_before_he_is_registered(world: World) -> None:
    known = record(world, "201")
    person = Person("林晓曼", sound_of("林晓曼"), "1", BORN, TYPED)
    with db.reading(world.service.engine) as connection:
        [found] = like(connection, world.service, person)
        assert (found.student_id, found.pair_id) == (known, None)
        assert like(connection, world.service, person, besides=known) == []


def test_the_months_end_finds_what_no_registration_saw_once(world: World) -> None:
    first, second = record(world, "201"), record(world, "202", "周明远")
    with db.begin(world.service.engine) as connection:  # as if both had come in before there were blocks
        for table in (DuplicatePair, LikenessBlock):
            connection.execute(delete(table))
        connection.execute(update(Student).values(problem=None))
    assert check_month_end(world.service, world.service.clocks.legal(), 1) == 1
    assert (pair(world).first_id, pair(world).second_id, pair(world).found_by) == (first, second, "month_end")
    assert check_month_end(world.service, world.service.clocks.legal(), 1) == 0
    world.go(2026, 8, 30, 23, 59)
    assert catch_up(world.service).doubles == 0
    world.go(2026, 8, 31)
    assert catch_up(world.service).doubles == 0
    with db.reading(world.service.engine) as connection:
        rows = connection.execute(select(DuplicateSweep.month_end, DuplicateSweep.found, DuplicateSweep.finished_at))
        found = {row.month_end: (row.found, row.finished_at is not None) for row in rows}
    assert found == {date(2026, 7, 31): (1, True), date(2026, 8, 31): (0, True)}
    assert check(world.service) == []


def test_a_batch_that_another_process_holds_is_left_to_it(world: World) -> None:
    for _ in range(3):
        record(world, "201", number=None, birth_date=date(2016, 1, next(world.sequence)))
    with db.begin(world.service.engine) as connection:
        row = {"month_end": date(2026, 7, 31), "after_id": 2**62, "found": 0, "started_at": 1}
        connection.execute(insert(DuplicateSweep), row)
    assert check_month_end(world.service, world.service.clocks.legal()) == 0


def test_what_is_wrong_with_a_number_is_kept_beside_it(world: World) -> None:
    wrong = record(world, "201", "错小码", TYPED, sex="2", birth_date=date(2017, 5, 2))
    with db.reading(world.service.engine) as connection:
        query = select(IdentityFinding.code).where(IdentityFinding.student_id == wrong)
        codes = sorted(connection.execute(query).scalars())
    assert codes == ["identity_number_sex", "number_birth_differs", "number_check_digit"]


FAULTS = (
    "UPDATE student SET problem = NULL WHERE name = '林小满'",
    "UPDATE duplicate_pair SET state = 'decided', decided_at = 1",
    "UPDATE student SET problem = NULL WHERE problem = 'merged'",
    "UPDATE student_merge SET undone_at = 1",
)


def test_check_tells_when_pairs_and_records_disagree(world: World, database_url: Database) -> None:
    kept = record(world, "201", "陈安", make_identity_number("990402", BORN, 118))
    record(world, "201", "孟兰", make_identity_number("990402", BORN, 118))
    say(world, "school201", "merge", kept)
    record(world, "201")
    record(world, "202", "周明远")
    assert check(world.service) == []
    with owning(database_url) as connection:
        assert [{finding.code for finding in plant(world, connection, fault)} >= {"K12"} for fault in FAULTS] == [
            True
        ] * 4
