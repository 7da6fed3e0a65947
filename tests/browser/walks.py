"""The walks of every kind of request (业务种类) in the browser: about whom, from which ground, who brings what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from tests.workflow_service.test_kinds_admission import graduate
from tests.workflow_service.test_kinds_higher_education import CERTIFICATE, RECHECKED
from tests.workflow_service.test_kinds_record import double
from tests.workflow_service.test_kinds_schools import FOUNDING
from tests.workflow_service.world import Pupil, World
from workflow_service.newcomers import Person

EARLIER: Final = "the number of the request before"
"""As the value of a fact: which request it was is known only when it was made."""


@dataclass(frozen=True)
class Walk:
    """A kind from form to completion.

    `facts` are typed into the form, `brings` beside the decision that asks for them; `on` is the day (None: the same
    as before); `done` is what the page then says, and `record` what the student's own page does.
    `papers` are laid instead of those that are missing; `by_hand`: the applicant's are chosen on the page.
    """

    kind: str
    ground: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    brings: dict[str, Any] = field(default_factory=dict)
    grade: int | None = None
    on: date | None = None
    papers: tuple[str, ...] = ()
    by_hand: bool = False
    done: str = ""
    record: str = ""


@dataclass(frozen=True)
class Journey:
    """Walks about one subject, one after the other.

    The subject is a student of grade `grade` at school `of`; or `person`, whom the first form describes; or whoever
    `found` lays out; or with `about` an organization. `named`: the form asks for name and whole number.
    `classes` are the further ones that there must be, (school, grade, stage, sequence).
    """

    walks: tuple[Walk, ...]
    by: str = "school201"
    of: str = "201"
    grade: int = 3
    stage: str = "primary"
    person: dict[str, str] | None = None
    found: Callable[[World], Pupil] | None = None
    about: str = ""
    named: bool = False
    classes: tuple[tuple[str, int, str, int], ...] = ()


def _born(name: str, day: str = "2020-05-01") -> dict[str, str]:
    return {"person.name": name, "person.sex": "1", "person.birth_date": day, "guardian1.relation": "母亲",
            "guardian1.name": "林母"}  # fmt: skip


def _admitted_twice(world: World) -> Pupil:
    """Somebody whom school 401 enters and school 402 has on its list as well."""
    world.school_class("401", 1)
    first = world.start("school401", "enrolment", person=Person("两校生", "1", date(2020, 5, 1)), grade=1,
                        ground="catchment_admission", data={"reported_on": "2026-09-01"})  # fmt: skip
    waiting = int(world.request(first).student_id)
    world.admit(waiting, "402")
    return Pupil(waiting, "两校生", "", 1)


def _among_fifty(world: World) -> Pupil:
    """One of fifty, so that the two in a hundred who may repeat a grade are one."""
    for _ in range(49):
        world.student("405", 11, stage="senior")
    found: Pupil = world.student("405", 11, stage="senior", name="重读生")
    return found


def _double(world: World) -> Pupil:
    return double(world, "202", world.student("201", 3, name="双籍生"))


def _leaver(world: World) -> Pupil:
    found: Pupil = graduate(world, "101")
    world.admit(found.id, "104")
    return found


def _pupils_enough_to_hide_among(world: World) -> Pupil:
    for number in range(11):
        last: Pupil = world.student("202", 5, name=f"学生{number}")
    return last


UNTIL: Final = {"until": "2027-07-31"}
JUNE: Final = date(2027, 6, 20)
MARK: Final = {"entry_section": "result", "entry_of": "语文", "entry_term": "2026春", "entry_value": "92"}
ARCHIVE: Final = {"archive_list": "2010 年转学材料 30 件", "destruction_witnesses": "张三、李四",
                  "archive_kind": "process_papers", "archive_closed_on": "2010-09-01"}  # fmt: skip
GRADUATING: Final = {name: value for name, value in CERTIFICATE.items() if name != "certificate_on"}
ANSWER: Final = {"objection_outcome": "upheld", "answer": "经核，申诉成立，已更正。"}

JOURNEYS: Final[dict[str, Journey]] = {
    # Admission.
    "a newcomer of the catchment": Journey(
        (Walk("enrolment", "catchment_admission", {"guardian_register_in_catchment": True, "reported_on": "2026-08-24"},
              grade=1, by_hand=True, done="编入"),),
        person=_born("新生甲"), classes=(("201", 1, "primary", 1),),
    ),
    "late to school in Beijing, then placed": Journey(
        (Walk("registration_deferral", "cannot_report_in_time", {"until": "2026-12-31"}, on=date(2026, 9, 8)),
         Walk("class_placement", "placement_of_newcomers", {"reported_on": "2026-09-14"}, grade=1,
              on=date(2026, 9, 15))),
        "school301", person=_born("迟到生"), classes=(("301", 1, "primary", 1),),
    ),
    "too ill to begin": Journey(
        (Walk("entry_postponement", "health", {"until": "2027-08-31"}, on=date(2026, 9, 8)),),
        "school301", person=_born("缓学生"), classes=(("301", 1, "primary", 1),),
    ),
    "left out of the list": Journey(
        (Walk("omitted_pupil_entry", "omitted_for_special_reason", {"omission_cause": "转入时未报送"},
              {"entered_on": "2023-09-01"}, grade=3, on=date(2026, 10, 12)),),
        person=_born("漏录生", "2017-05-01"), classes=(("201", 3, "primary", 1),),
    ),
    "in class without a record": Journey(
        (Walk("missing_record_creation", "without_record", {"attends_since": "2026-09-01", "record_elsewhere": False},
              grade=2, on=date(2026, 10, 12)),),
        "school401", person=_born("无籍生"), classes=(("401", 2, "primary", 1),),
    ),
    "admitted by two schools": Journey(
        (Walk("duplicate_admission", "admitted_twice", {"attends_here": True}, on=date(2026, 9, 3)),),
        "school402", found=_admitted_twice,
    ),
    # From school to school.
    "home again": Journey(
        (Walk("transfer", "return_to_registered_home",
              {"student_register": "with_guardian", "guardian_register_in_catchment": True},
              {"arrived_on": "2026-08-24"}, grade=3, done="学籍已转入本校"),
         Walk("reversal", facts={"reverses": EARLIER, "why_wrong": "学生没有转学"}, on=date(2026, 9, 10))),
        of="202", named=True, classes=(("201", 3, "primary", 1),),
    ),
    "a guest who returns": Journey(
        (Walk("guest_attendance", "other", {"until": "2026-12-31"}, grade=3),
         Walk("guest_attendance", "guest_returned", grade=3)),
        "school202", named=True, classes=(("202", 3, "primary", 1),),
    ),
    "in from another province": Journey(
        (Walk("transfer_from_outside", "from_outside", {"outside_school": "外省某小学"}, {"arrived_on": "2026-09-03"},
              grade=2, on=date(2026, 9, 3)),),
        "school101", person=_born("外来生", "2018-05-01"), classes=(("101", 2, "primary", 1),),
    ),
    "out to another province": Journey(
        (Walk("transfer_to_outside", "to_outside", {"outside_school": "外省某小学"},
              {"other_side_received_on": "2026-09-03"}, on=date(2026, 9, 3)),),
        "school101", of="101",
    ),
    # In school and away.
    "ill for two years": Journey(
        (Walk("suspension", "illness", UNTIL, by_hand=True, done="学籍状态变为“休学”",
              record="期满日期：2027年7月31日"),
         Walk("suspension_extension", "still_ill", {"until": "2028-07-20", "effective_on": "2027-07-20"},
              on=date(2027, 7, 20)),
         Walk("resumption", "recovered", on=date(2028, 2, 24), done="学籍状态变为“在读”")),
    ),
    "halted": Journey((Walk("halt", "other", {"ground_text": "求职", **UNTIL}),), "school205", "205", 10, "senior"),
    "in the army": Journey(
        (Walk("record_retention", "enlistment", UNTIL), Walk("resumption", "retained_record")),
        "school205", "205", 10, "senior",
    ),
    "left": Journey((Walk("leaving", "own_wish"),), "school205", "205", 10, "senior"),
    "expelled": Journey((Walk("expulsion", "grave_breach", {"sanctioned_on": "2026-08-20"}),), "school205", "205", 10,
                        "senior"),
    "at work and back": Journey(
        (Walk("dropout_report", facts={"absent_since": "2026-07-01", "family_contacted": True, "dropout_cause": "work",
              "migrant_child": True, "township_told_on": "2026-08-20", "home_county": "嫩江县"}),
         Walk("dropout_return", "other")),
    ),
    "missing and found": Journey(
        (Walk("missing_report", facts={"last_seen_on": "2026-08-20"}), Walk("dropout_return", "found")),
    ),
    "abroad": Journey(
        (Walk("going_abroad", "other", {"country": "法国"}), Walk("return_from_abroad", grade=2)),
        classes=(("201", 2, "primary", 1),),
    ),
    "dead, and it was a mistake": Journey(
        (Walk("death_report", facts={"died_on": "2026-08-20"}),
         Walk("reversal", facts={"reverses": EARLIER, "why_wrong": "误报"})),
    ),
    "another class": Journey((Walk("class_change", facts={"class_name": "2班"}),),
                             classes=(("201", 3, "primary", 2),)),
    "one grade up": Journey((Walk("skip_grade", grade=4),), classes=(("201", 4, "primary", 1),)),
    "one grade down": Journey((Walk("repeat_grade", grade=10),), "school405", found=_among_fifty,
                              classes=(("405", 10, "senior", 1),)),
    # Promotion and the end of a stage.
    "into the next grade": Journey((Walk("promotion", on=date(2027, 7, 10)),), "school202", "202"),
    "on to junior school": Journey(
        (Walk("stage_promotion", "unified_admission", {"entered_on": "2026-09-01"}, grade=7,
              on=date(2026, 9, 3)),),
        "school104", found=_leaver, named=True, classes=(("104", 7, "junior", 1),),
    ),
    "graduated, and undone": Journey((Walk("graduation", on=JUNE), Walk("graduation_undo")), "school202", "202", 6),
    "finished without diploma": Journey(
        (Walk("finishing_without_diploma", facts={"all_courses_passed": False}, on=JUNE),), "school205", "205", 12,
        "senior",
    ),
    "left with a record": Journey(
        (Walk("leaving_with_record", facts={"entered_on": "2023-09-01"}, on=JUNE),), "school205", "205", 12, "senior",
    ),
    "graduated early": Journey(
        (Walk("early_graduation", facts={"all_courses_passed": True}, on=JUNE),), "school205", "205", 12, "senior",
    ),
    # Higher education.
    "a new student": Journey(
        (Walk("enrolment", facts={"reported_on": "2026-08-20", **RECHECKED}, grade=1),), "school10001",
        person=_born("顾念", "2008-03-04"), classes=(("10001", 1, "higher", 1),),
    ),
    "a year at the university": Journey(
        (Walk("annual_registration", facts={"conditions_met": True}),), "school10001", "10001", 2, "higher",
    ),
    "a credential and its erratum": Journey(
        (Walk("graduation", facts={"all_courses_passed": True, **GRADUATING}, on=JUNE),
         Walk("credential_registration", facts={"face_match_failed": False, **CERTIFICATE}),
         Walk("erratum", facts={"error_by": "school", "major": "统计学"})),
        "school10001", "10001", 4, "higher",
    ),
    # The record and the archive.
    "renamed": Journey(
        (Walk("key_data_change", "changed_by_police", {"new_name": "林大满"}, {"duplicate_excluded": True}),),
    ),
    "another telephone": Journey(
        (Walk("basic_data_change", "by_school", {"ethnicity": "汉族", "home_phone": "13800001111"}),
         Walk("basic_data_change", "by_guardian", {"guardian_name": "林父", "guardian_relation": "父亲",
              "guardian_phone": "13900002222"})),
    ),
    "a mark": Journey((Walk("results_change", "new_entry", MARK),)),
    "a problem, proved away": Journey(
        (Walk("problem_record", "problem_found", {"problem_kind": "identity_number_not_found"}),
         Walk("problem_record", "proof")),
    ),
    "a double, removed": Journey(
        (Walk("problem_record", "removal", papers=("ministry_decision",)),), "school202", found=_double,
    ),
    "hardship": Journey(
        (Walk("hardship_recognition", "family_hardship", {"hardship_level": "general"}),
         Walk("hardship_end", "no_longer_in_hardship")),
    ),
    "an objection": Journey(
        (Walk("objection", "about_record", {"objects_to": "成绩", "objection": "成绩录入有误。"}, ANSWER,
              done="已生效", record="申诉成立"),
         Walk("objection", "about_decision", {"objects_to": "不予通过", "objection": "理由不成立"}, ANSWER)),
    ),
    "the archive is read": Journey(
        (Walk("archive_access", facts={"reader": "林父", "reader_is": "guardian", "access_purpose": "核对成绩",
              "copies_wanted": True}, brings={"copies_permitted": False}),),
    ),
    # The school itself.
    "a total": Journey(
        (Walk("quota_change", facts={"for_stage": "primary", "plans_total": 300, "quota": 300}, done="已生效"),),
        about="201",
    ),
    "a total that the city files": Journey(
        (Walk("quota_change", "quota_by_plan", {"for_stage": "primary", "plans_total": 240, "quota": 240}),),
        "school302", about="302",
    ),
    "old papers": Journey((Walk("archive_destruction", facts=ARCHIVE),), about="201"),
    "figures for the statistics": Journey(
        (Walk("data_release", facts={"recipient": "统计局", "release_purpose": "统计", "approving_government": "县政府",
              "approval_number": "2026-1", "release_grade": True}),),
        "county2", found=_pupils_enough_to_hide_among, about="county2",
    ),
    "a school is founded": Journey(
        (Walk("organization_change", "founding", FOUNDING, done="新建示例新城小学"),), "county3", about="county3",
    ),
    "a school gets another stage": Journey(
        (Walk("organization_change", "school_data", {"years_junior": 3}),),
        "county3", about="301",
    ),
    "a school is renamed": Journey(
        (Walk("organization_change", "school_data", {"school_name": "示例新名小学", "run_by": "private"},
              done="学校名称为示例新名小学"),),
        "county3", about="302",
    ),
    "a school is merged": Journey(
        (Walk("organization_change", "merging", {"successor_code": "302"},
              done="在籍学生、班级和在办业务都转到接收学校"),),
        "county3", about="303",
    ),
    "a school is closed": Journey(
        (Walk("organization_change", "closing", {"archive_unit": "县档案馆"}, done="档案由县档案馆保管"),),
        "county4", about="403",
    ),
}  # fmt: skip
