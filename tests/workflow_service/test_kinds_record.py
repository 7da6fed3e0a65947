"""Kinds of the record and the archive, on both engines: what a completion writes, and what is refused."""

from datetime import date
from typing import Any

import pytest
from sqlalchemy import insert, select

from states.identity import make_identity_number
from tests.workflow_service.test_kinds import sound
from tests.workflow_service.world import Pupil, World
from workflow_service import db
from workflow_service.errors import Blocked, Forbidden, Invalid
from workflow_service.models import (
    AccessLog,
    DataHistory,
    DuplicatePair,
    Guardian,
    Judgement,
    NumberHistory,
    ReleasedData,
    Request,
    Student,
    StudentNumber,
)
from workflow_service.requests import amend_request
from workflow_service.status_records import record_view
from workflow_service.students import NewStudent, register


def rows(world: World, table: type, **where: object) -> list:
    with db.reading(world.service.engine) as connection:
        query = select(table.__table__).where(*(getattr(table, name) == value for name, value in where.items()))
        return list(connection.execute(query))


def refused(world: World, request: int, event: str, username: str, **more: object) -> list[str]:
    """The rules that say no."""
    with pytest.raises(Blocked) as found:
        world.fire(request, event, username, **more)
    return sorted(reason.cite.rule for reason in found.value.reasons)


def number(world: World, born: date = date(2017, 5, 1), sex: int = 1) -> str:
    """A good identity number that nobody has; odd sequences are boys'."""
    return make_identity_number("990102", born, 2 * next(world.sequence) + 500 + sex % 2 - 1 + (sex == 1))


def test_key_data_change_after_the_duplicate_check_and_nothing_lies_in_clear(world: World) -> None:
    pupil = world.student("201", 3)
    new = number(world)
    draft = world.start("school201", "key_data_change", pupil, ground="changed_by_police",
                        data={"new_name": "林大满", "new_identity_number": new})  # fmt: skip
    done = world.complete(draft)
    assert (done.state, done.route) == (
        "completed",
        ["awaiting_duplicate_check", "awaiting_principal", "awaiting_bureau"],
    )
    student = world.student_row(pupil.id)
    assert (student.name, student.former_name) == ("林大满", "林小满")
    assert world.service.cipher.decrypt(student.identity_number, "student.identity_number") == new
    stored = str(rows(world, Request, id=draft)) + str(rows(world, Judgement, request_id=draft))
    assert new not in stored
    assert "林大满" not in stored
    [kept] = rows(world, DataHistory, student_id=pupil.id)
    assert new.encode() not in kept.before
    sound(world)


def test_a_wrong_or_a_taken_identity_number_is_refused(world: World) -> None:
    pupil, other = world.student("201", 3), world.student("202", 3, name="王一")
    wrong = world.start("school201", "key_data_change", pupil, ground="entered_wrongly",
                        data={"new_identity_number": "990101201705010010"})  # fmt: skip
    assert "SYS-32" in refused(world, wrong, "submit", "school201")
    world.fire(wrong, "recall", "school201")
    taken = world.start("school201", "key_data_change", pupil, ground="entered_wrongly",
                        data={"new_identity_number": other.number[1:]})  # fmt: skip
    assert "NUM-06" in refused(world, taken, "submit", "school201")


def test_a_temporary_number_becomes_formal_with_the_identity_number(world: World) -> None:
    pupil = world.student("201", 3)
    with db.begin(world.service.engine) as connection:
        temporary = "L" + "990101" + "20170501" + "0042"
        hash_ = world.service.hashes.of("student_number", temporary)
        connection.execute(Student.__table__.update().where(Student.id == pupil.id).values(
            student_number=world.service.cipher.encrypt(temporary, "student.student_number"),
            student_number_hash=hash_, identity_number=None, identity_hash=None))  # fmt: skip
        connection.execute(StudentNumber.__table__.update().where(StudentNumber.student_id == pupil.id)
                           .values(number_hash=hash_))  # fmt: skip
    new = number(world)
    done = world.complete(world.start("school201", "key_data_change", pupil, ground="identity_number_obtained",
                                      data={"new_identity_number": new}))  # fmt: skip
    assert done.state == "completed"
    student = world.student_row(pupil.id)
    assert world.service.cipher.decrypt(student.student_number, "student.student_number") == "G" + new
    assert len(rows(world, NumberHistory, student_id=pupil.id)) == 1
    sound(world)


def test_basic_data_by_the_school_itself_and_on_the_guardians_word(world: World) -> None:
    pupil = world.student("201", 3)
    done = world.complete(world.start("school201", "basic_data_change", pupil, ground="by_school",
                                      data={"ethnicity": "汉族", "home_phone": "13800001111"}))  # fmt: skip
    assert done.route == ["awaiting_principal", "awaiting_entry"]  # county 2: TR-11
    profile = world.student_row(pupil.id).profile
    assert profile["ethnicity"] == "汉族"
    assert "13800001111" not in str(profile)
    done = world.complete(world.start("school201", "basic_data_change", pupil, ground="by_guardian",
                                      data={"guardian_name": "林父", "guardian_relation": "父亲",
                                            "guardian_phone": "13900002222"}))  # fmt: skip
    assert done.route == ["awaiting_principal", "awaiting_bureau"]
    [guardian] = rows(world, Guardian, student_id=pupil.id)
    assert world.service.cipher.decrypt(guardian.name, "guardian.name") == "林父"
    assert guardian.relation == "51"
    sound(world)


@pytest.mark.parametrize(("stored", "told"), [("51", "父亲"), ("父亲", "父亲"), ("51", "51")])
def test_a_changed_father_takes_the_place_of_the_one_of_the_roster(world: World, stored: str, told: str) -> None:
    """The roster brought codes, requests of earlier days words: in neither way does a father stand twice."""
    pupil = world.student("201", 3)
    with db.begin(world.service.engine) as connection:
        connection.execute(insert(Guardian).values(
            id=world.service.ids.new(0), student_id=pupil.id, relation=stored,
            name=world.service.cipher.encrypt("原父", "guardian.name")))  # fmt: skip
    world.complete(world.start("school201", "basic_data_change", pupil, ground="by_guardian",
                               data={"guardian_name": "林父", "guardian_relation": told,
                                     "guardian_phone": "13900002222"}))  # fmt: skip
    [guardian] = rows(world, Guardian, student_id=pupil.id)
    assert world.service.cipher.decrypt(guardian.name, "guardian.name") == "林父"
    assert guardian.relation == "51"


def guardians(world: World, pupil: Pupil) -> list[dict[str, str | None]]:
    """Each guardian of a record, opened."""
    opened = []
    for row in rows(world, Guardian, student_id=pupil.id):
        found: dict[str, str | None] = {"relation": row.relation}
        for column in ("name", "phone", "birth_date", "identity_number", "education", "occupation"):
            stored = getattr(row, column)
            found[column] = stored and world.service.cipher.decrypt(stored, f"guardian.{column}")
        opened.append(found)
    return opened


def change(world: World, pupil: Pupil, **facts: str) -> Any:
    """Basic data on a guardian's word, a day later."""
    world.at += 86_400_000_000
    given = {f"guardian_{name}": value for name, value in facts.items()}
    return world.complete(world.start("school201", "basic_data_change", pupil, ground="by_guardian", data=given))


def test_what_is_known_of_a_guardian_stands_in_his_own_row_and_stays_where_nothing_is_given(world: World) -> None:
    pupil = world.student("201", 3)
    father = {"name": "林父", "relation": "父亲", "phone": "13900002222", "birth_date": "1985-03-04",
              "identity_number": "990101198503040017", "education": "本科", "occupation": "农民"}  # fmt: skip
    change(world, pupil, **father)
    change(world, pupil, name="林母", relation="母亲", birth_date="1987-01-02", occupation="教师")
    change(world, pupil, relation="父亲", name="林大父", occupation="司机")
    known = guardians(world, pupil)
    assert known[0] == {**father, "relation": "51", "name": "林大父", "occupation": "司机"}
    assert (known[1]["birth_date"], known[1]["occupation"], known[1]["phone"]) == ("1987-01-02", "教师", None)
    assert not [name for name in world.student_row(pupil.id).profile if name.startswith("guardian")]
    shown = record_view(world.service, world.actor("school201"), pupil.id)["guardians"][0]
    assert (shown["birth_date"], shown["occupation"], shown["phone"]) == ("1985-03-04", "司机", "139****2222")
    assert shown["identity_number"] != father["identity_number"]
    [row] = [row for row in rows(world, Guardian, student_id=pupil.id) if row.relation == "51"]
    assert b"1985-03-04" not in row.birth_date
    sound(world)


def test_other_guardians_are_told_apart_by_their_names(world: World) -> None:
    pupil = world.student("201", 3)
    change(world, pupil, name="姑姑", phone="13900002222")
    change(world, pupil, education="本科")
    change(world, pupil, name="舅舅", relation="其他监护人", phone="13900003333")
    change(world, pupil, name="姑姑", phone="13900004444")
    found = [(one["name"], one["phone"], one["education"]) for one in guardians(world, pupil)]
    assert found == [("姑姑", "13900004444", "本科"), ("舅舅", "13900003333", None)]
    with pytest.raises(Blocked, match="哪一位监护人"):
        change(world, pupil, education="专科")


def test_a_reversal_gives_the_guardian_back_who_was_there_and_takes_away_who_was_not(world: World) -> None:
    pupil = world.student("201", 3)
    brought = change(world, pupil, name="林父", relation="父亲", phone="13900002222")
    first = guardians(world, pupil)
    changed = change(world, pupil, name="张三", relation="父亲", phone="13900009999", education="本科")
    for done, before in ((changed, first), (brought, [])):
        world.at += 86_400_000_000
        why = {"reverses": done.number, "why_wrong": "看错"}
        world.complete(world.start("school201", "reversal", pupil, data=why))
        assert guardians(world, pupil) == before
    sound(world)


def test_a_reversal_of_basic_data_leaves_a_photograph_that_came_since(world: World) -> None:
    pupil = world.student("201", 3)
    data = {"ethnicity": "汉族"}
    done = world.complete(world.start("school201", "basic_data_change", pupil, ground="by_school", data=data))
    world.school_class("201", 3, sequence=2)
    world.at += 86_400_000_000
    moved = world.start("school201", "class_change", pupil, data={"class_name": "2班"})
    world.upload(moved, "school201", "photo")
    world.complete(moved)
    photo = world.student_row(pupil.id).profile["photo"]
    world.at += 86_400_000_000
    why = {"reverses": done.number, "why_wrong": "看错"}
    world.complete(world.start("school201", "reversal", pupil, data=why))
    assert world.student_row(pupil.id).profile == {"photo": photo}
    sound(world)


def test_a_result_is_entered_corrected_and_withdrawn(world: World) -> None:
    pupil = world.student("201", 3)
    given = {"entry_section": "result", "entry_of": "语文", "entry_term": "2026春", "entry_value": "92"}
    world.complete(world.start("school201", "results_change", pupil, ground="new_entry", data=given))
    [entry] = world.entries(pupil.id)
    assert (entry.section, entry.data["entry_value"]) == ("result", "92")
    world.complete(world.start("school201", "results_change", pupil, ground="correction",
                               data={**given, "entry_value": "95", "entry_number": str(entry.id)}))  # fmt: skip
    old, new = world.entries(pupil.id)
    assert old.ended_at is not None
    assert str(old.valid_to) == str(old.valid_from)
    assert (new.data["entry_value"], new.ended_at) == ("95", None)
    draft = world.start("school201", "results_change", pupil, ground="withdrawal", data={"entry_number": str(old.id)})
    assert refused(world, draft, "submit", "school201") == ["WS-92"]
    world.fire(draft, "recall", "school201")
    world.complete(world.start("school201", "results_change", pupil, ground="withdrawal",
                               data={"entry_number": str(new.id)}))  # fmt: skip
    assert all(entry.ended_at is not None for entry in world.entries(pupil.id))
    sound(world)


def test_hardship_is_recognized_once_and_ends(world: World) -> None:
    pupil = world.student("201", 3)
    world.complete(world.start("school201", "hardship_recognition", pupil, ground="family_hardship",
                               data={"hardship_level": "general"}))  # fmt: skip
    [entry] = world.entries(pupil.id)
    assert (entry.section, entry.ended_at, entry.data["hardship_level"]) == ("hardship", None, "general")
    again = world.start("school201", "hardship_recognition", pupil, ground="family_hardship",
                        data={"hardship_level": "severe"})  # fmt: skip
    assert "WS-95" in refused(world, again, "submit", "school201")
    world.fire(again, "recall", "school201")
    world.complete(world.start("school201", "hardship_end", pupil, ground="no_longer_in_hardship"))
    [entry] = world.entries(pupil.id)
    assert entry.ended_at is not None
    sound(world)


def test_an_objection_needs_its_answer(world: World) -> None:
    pupil = world.student("201", 3)
    draft = world.start("school201", "objection", pupil, ground="about_record",
                        data={"objects_to": "出生日期", "objection": "与户口簿不符"})  # fmt: skip
    world.upload_all(draft, "school201")
    world.fire(draft, "submit", "school201")
    assert refused(world, draft, "approve", "school201.principal") == ["WS-100"]
    world.fire(draft, "approve", "school201.principal", data={"objection_outcome": "upheld", "answer": "将予更正"})
    assert world.request(draft).state == "completed"
    [entry] = world.entries(pupil.id)
    assert (entry.section, entry.data["answer"]) == ("objection", "将予更正")
    above = world.start("school201", "objection", pupil, ground="about_decision",
                        data={"objects_to": "不予通过", "objection": "理由不成立"})  # fmt: skip
    done = world.complete(above, data={"objection_outcome": "not_upheld", "answer": "维持"})
    assert done.route == ["awaiting_bureau"]
    sound(world)


def test_reading_the_archive_is_decided_and_logged(world: World) -> None:
    pupil = world.student("201", 3)
    draft = world.start("school201", "archive_access", pupil,
                        data={"reader": "林父", "reader_is": "guardian", "access_purpose": "核对成绩",
                              "copies_wanted": True})  # fmt: skip
    world.upload_all(draft, "school201")
    world.fire(draft, "submit", "school201")
    assert refused(world, draft, "approve", "school201.principal") == ["WS-103"]
    world.fire(draft, "approve", "school201.principal", data={"copies_permitted": False})
    [logged] = rows(world, AccessLog, action="archive_access")
    assert (logged.object_id, logged.purpose) == (pupil.id, "核对成绩")
    sound(world)


def test_data_are_given_out_without_names_and_without_small_groups(world: World) -> None:
    for _ in range(11):
        world.student("201", 3, name=f"学生{next(world.sequence)}")
    world.student("201", 4, name="独一")
    with pytest.raises((Blocked, Forbidden)):
        world.start("school201", "data_release", data={})
    draft = world.start("county2", "data_release",
                        data={"recipient": "统计局", "release_purpose": "统计", "approving_government": "县政府",
                              "approval_number": "2026-1", "release_grade": True})  # fmt: skip
    world.complete(draft)
    [found] = rows(world, ReleasedData, request_id=draft)
    assert found.content.splitlines()[0] == "region,entered_year,grade,pupils"
    assert (found.group_count, found.pupils, found.withheld) == (1, 11, 1)
    assert "学生" not in found.content
    assert "独一" not in found.content
    sound(world)


def test_archives_go_after_their_time_and_status_archives_never(world: World) -> None:
    listed = {"archive_list": "2010 年转学材料 30 件", "destruction_witnesses": "张三、李四"}
    papers = {**listed, "archive_kind": "process_papers"}
    draft = world.start(
        "school201",
        "archive_destruction",
        data={**papers, "archive_kind": "status_archive", "archive_closed_on": "2010-09-01"},
    )
    assert refused(world, draft, "submit", "school201") == ["N13-11"]
    world.fire(draft, "recall", "school201")
    young = world.start("school201", "archive_destruction",
                        data={**papers, "archive_closed_on": "2020-09-01"})  # fmt: skip
    assert refused(world, young, "submit", "school201") == ["WS-105"]
    world.fire(young, "recall", "school201")
    old = world.start("school201", "archive_destruction",
                      data={**papers, "archive_closed_on": "2010-09-01"})  # fmt: skip
    assert world.complete(old).state == "completed"
    sound(world)


def test_a_problem_is_marked_and_proved_away(world: World) -> None:
    pupil = world.student("201", 3)
    marked = world.complete(world.start("school201", "problem_record", pupil, ground="problem_found",
                                        data={"problem_kind": "identity_number_not_found"}))  # fmt: skip
    assert marked.route == ["awaiting_principal"]
    assert world.student_row(pupil.id).problem == "identity_number_not_found"
    world.complete(world.start("school201", "problem_record", pupil, ground="proof"))
    assert world.student_row(pupil.id).problem is None
    assert [entry.section for entry in world.entries(pupil.id)] == ["proof"]
    sound(world)


def test_a_double_of_two_schools_is_removed_with_both_and_stands_again_after_a_reversal(world: World) -> None:
    first = world.student("201", 3)
    second = double(world, "202", first)
    [pair] = rows(world, DuplicatePair)
    assert pair.state == "open"
    draft = world.start("school202", "problem_record", second, ground="removal")
    world.upload(draft, "school202", "ministry_decision")
    done = world.complete(draft)
    assert done.route == ["awaiting_principal", "awaiting_agreement"]
    removed = world.student_row(second.id)
    assert (removed.status, removed.problem) == ("other", "removed")
    assert removed.student_number is not None
    assert world.student_row(first.id).problem is None
    assert rows(world, DuplicatePair)[0].state == "decided"
    sound(world)

    back = world.start("school202", "reversal", second, data={"reverses": done.number, "why_wrong": "误删"})
    world.complete(back)
    assert world.student_row(second.id).status == "attending"
    assert world.enrolment(second.id).school_id == world.organization("202").id
    assert rows(world, DuplicatePair)[0].state == "open"
    assert world.student_row(first.id).problem is not None
    sound(world)


def test_a_formal_number_is_not_removed_at_will(world: World) -> None:
    first = world.student("201", 3)
    second = double(world, "201", first)
    draft = world.start("school201", "problem_record", second, ground="removal")
    world.upload_all(draft, "school201")
    world.fire(draft, "submit", "school201")
    assert refused(world, draft, "approve", "school201.principal") == ["NUM-05"]


def double(world: World, code: str, of: Pupil) -> Pupil:
    """Another record of the same person, with a formal number of its own: the identity number is the same."""
    number = "G" + make_identity_number("990103", date(2017, 5, 1), next(world.sequence))
    new = NewStudent(
        name=of.name, sex="1", birth_date=date(2017, 5, 1), identity_type="1", identity_number=of.number[1:],
        student_number=number, status="attending", school_id=world.organization(code).id,
        class_id=world.school_class(code, 3), stage="primary", valid_from=date(2023, 9, 1),
    )  # fmt: skip
    with db.begin(world.service.engine) as connection:
        [id_] = register(connection, world.service, [new], None)
    return Pupil(id_, of.name, number, 3)


def test_a_double_across_counties_needs_both_bureaus_and_the_police(world: World) -> None:
    first = world.student("201", 3)
    second = double(world, "401", first)
    draft = world.start("school401", "problem_record", second, ground="proof")
    world.upload_all(draft, "school401")
    world.fire(draft, "submit", "school401")
    world.fire(draft, "approve", "school401.principal")
    world.fire(draft, "approve", "county4", data={"police_verified": False})
    world.upload_all(draft, "school201")
    world.fire(draft, "approve", "school201.principal")
    assert refused(world, draft, "approve", "county2") == ["SYS-33"]


def test_what_the_bureau_answered_is_not_the_schools_to_correct(world: World) -> None:
    first = world.student("201", 3)
    draft = world.start("school401", "problem_record", double(world, "401", first), ground="proof")
    world.upload_all(draft, "school401")
    world.fire(draft, "submit", "school401")
    world.fire(draft, "approve", "school401.principal")
    world.fire(draft, "approve", "county4", data={"police_verified": False})
    world.fire(draft, "return", "school201.principal", comment="请写明理由")
    school, version = world.actor("school401"), world.request(draft).version
    for value in (True, None):
        with pytest.raises(Invalid, match="主管教育局") as found:
            amend_request(world.service, draft, school, version, {"data": {"police_verified": value}})
        assert [error["field"] for error in found.value.errors] == ["data.police_verified"]
    amend_request(world.service, draft, school, version, {"data": {"police_verified": False, "why_wrong": "重复"}})
    assert world.request(draft).data["police_verified"] is False
    sound(world)


def test_a_transfer_is_reversed_with_the_school_that_was_left(world: World) -> None:
    pupil = world.student("202", 3)
    home = world.enrolment(pupil.id)
    world.school_class("201", 3)
    moved = world.draft("school201", pupil, "201", ground="return_to_registered_home",
                        data={"guardian_register_in_catchment": True, "student_register": "with_guardian"})  # fmt: skip
    done = world.complete(moved, data={"arrived_on": "2026-08-24"})
    assert world.enrolment(pupil.id).school_id == world.organization("201").id
    world.go(2026, 9, 10)
    back = world.start("school201", "reversal", pupil, data={"reverses": done.number, "why_wrong": "学生没有转学"})
    undone = world.complete(back)
    assert undone.route == ["awaiting_principal", "awaiting_agreement", "awaiting_bureau"]
    now = world.enrolment(pupil.id)
    assert (now.school_id, now.class_id, str(now.valid_from)) == (home.school_id, home.class_id, "2026-08-24")
    assert world.seats(home.class_id) == (1, 0)
    assert world.seats(world.school_class("201", 3)) == (0, 0)
    sound(world)

    again = world.start("school202", "reversal", pupil, data={"reverses": done.number, "why_wrong": "再来"})
    assert "WS-109" in refused(world, again, "submit", "school202")


def test_what_was_built_on_it_is_reversed_first_and_entries_go_on(world: World) -> None:
    pupil = world.student("201", 3)
    home = world.enrolment(pupil.id).class_id
    away = world.complete(world.start("school201", "suspension", pupil, ground="illness", data={"until": "2027-07-31"}))
    world.go(2027, 2, 26)
    back = world.complete(world.start("school201", "resumption", pupil, ground="recovered"))
    early = world.start("school201", "reversal", pupil, data={"reverses": away.number, "why_wrong": "未休学"})
    with pytest.raises(Blocked) as found:
        world.fire(early, "submit", "school201")
    assert back.number in found.value.reasons[0].no.message
    world.fire(early, "recall", "school201")

    world.go(2027, 3, 1)
    world.complete(world.start("school201", "reversal", pupil, data={"reverses": back.number, "why_wrong": "未复学"}))
    assert world.student_row(pupil.id).status == "suspended"
    assert world.seats(home) == (0, 0)
    assert [entry.section for entry in world.entries(pupil.id) if entry.ended_at is None] == ["suspension"]
    sound(world)
    world.complete(world.start("school201", "reversal", pupil, data={"reverses": away.number, "why_wrong": "未休学"}))
    assert world.student_row(pupil.id).status == "attending"
    assert world.seats(home) == (1, 0)
    assert [entry for entry in world.entries(pupil.id) if entry.ended_at is None] == []
    sound(world)


def test_changed_key_data_come_back_and_a_death_is_undone(world: World) -> None:
    pupil = world.student("201", 3)
    renamed = world.complete(world.start("school201", "key_data_change", pupil, ground="changed_by_police",
                                         data={"new_name": "林大满"}))  # fmt: skip
    world.complete(world.start("school201", "reversal", pupil, data={"reverses": renamed.number, "why_wrong": "看错"}))
    student = world.student_row(pupil.id)
    assert (student.name, student.former_name) == ("林小满", None)
    assert len(rows(world, DataHistory, student_id=pupil.id)) == 2
    gone = world.complete(world.start("school201", "death_report", pupil, data={"died_on": "2026-08-20"}))
    assert world.student_row(pupil.id).status == "deceased"
    world.complete(world.start("school201", "reversal", pupil, data={"reverses": gone.number, "why_wrong": "误报"}))
    assert world.student_row(pupil.id).status == "attending"
    assert world.seats(world.enrolment(pupil.id).class_id) == (1, 0)
    sound(world)


def test_an_answer_is_not_made_undone(world: World) -> None:
    pupil = world.student("201", 3)
    done = world.complete(world.start("school201", "objection", pupil, ground="about_record",
                                      data={"objects_to": "姓名", "objection": "错字"}),
                          data={"objection_outcome": "upheld", "answer": "更正"})  # fmt: skip
    draft = world.start("school201", "reversal", pupil, data={"reverses": done.number, "why_wrong": "不服"})
    assert refused(world, draft, "submit", "school201") == ["WS-109"]
