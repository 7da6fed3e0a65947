"""The kinds of request (业务种类): what each is about and what its completion does. How it is decided is the packs'.

A county may change steps, papers, checks and time; it cannot change what a suspension is. So subject, lock group and
effect stand here, once, and `workflow_service.transitions` writes what this table says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final, Literal

from states.student_status import status_plan

SECTIONS: Final[dict[str, tuple[str, str]]] = {
    "admission": ("录取", "Admission"),
    "suspension": ("休学", "Suspension"),
    "halt": ("停学", "Halt"),
    "retention": ("保留学籍", "Record retained"),
    "dropout": ("流失", "Dropout"),
    "abroad": ("出国（境）", "Abroad"),
    "missing": ("下落不明", "Missing"),
    "away": ("其他离校", "Away"),
    "guest": ("借读", "Guest attendance"),
    "hardship": ("贫困生认定", "Hardship recognized"),
    "promotion": ("升级", "Promotion"),
    "skip": ("跳级", "Grade skipped"),
    "repeat": ("留级", "Grade repeated"),
    "result": ("成绩", "Result"),
    "evaluation": ("综合素质评价", "Evaluation"),
    "award": ("奖励", "Award"),
    "sanction": ("处分", "Sanction"),
    "annual_registration": ("学年注册", "Annual registration"),
    "credential": ("学历证书", "Credential"),
    "credential_registration": ("学历注册", "Credential registration"),
    "objection": ("申诉", "Objection"),
    "archive_access": ("档案查阅", "Archive viewed"),
    "proof": ("佐证", "Proof of a problem record"),
}
"""Sections of dated entries in a student's record (学籍事项)."""

LASTING: Final = frozenset({
    "admission", "suspension", "halt", "retention", "dropout", "abroad", "missing", "away", "guest", "hardship",
})  # fmt: skip
"""Those that last until something ends them (有起止的); the others happened on a day, and stand."""

Group = Literal["admission", "transfer", "attendance", "stage_end", "record", "school"]
GROUPS: Final[dict[Group, tuple[str, str]]] = {
    "admission": ("入学注册", "Admission"),
    "transfer": ("转学", "Transfer"),
    "attendance": ("在校与离校", "Attendance"),
    "stage_end": ("升级与毕业", "Promotion and graduation"),
    "record": ("学籍信息与档案", "Record and archive"),
    "school": ("学校事项", "The school itself"),
}


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of request.

    `subject`: a student, or an organization. `sides`: between two schools (a destination and an origin), or one
    school's. `lock`: requests of one group exclude each other for one subject (2002); None locks nobody.
    `events`: the event of the status machine by ground, "" for every other ground; None leaves the status alone.
    `enrolment`: what completion does with it: keep, enter (start one, or move into the request's class), end.
    `place`: a place in that class is held from submit. `opens`, `closes`: sections of the record's dated entries.
    `newcomer`: its student may not be on the register yet. `numbers`: completion gives a number to who has none.
    `batch`: schools file it for many students at once. `past`: for students who have left the school as well.
    `undone_by`: the ground with which a request of this kind ends what it opens (借读结束), and holds no place.
    `stays_held`: the place is held on after the completion, until the entry that it opened ends.
    """

    label: str
    label_en: str
    group: Group
    subject: Literal["student", "organization"] = "student"
    sides: Literal["one", "two"] = "one"
    lock: str | None = None
    events: Mapping[str, str] | None = None
    enrolment: Literal["keep", "enter", "end"] = "keep"
    place: bool = False
    opens: str | None = None
    closes: tuple[str, ...] = ()
    newcomer: bool = False
    numbers: bool = False
    batch: bool = False
    past: bool = False
    undone_by: str | None = None
    stays_held: bool = False


_STATUS: Final = "status"
_ABSENCES: Final = ("suspension", "halt", "retention", "dropout", "abroad", "missing", "away")

KINDS: Final[dict[str, Kind]] = {
    # Admission.
    "enrolment": Kind("入学注册", "Enrolment", "admission", lock=_STATUS, enrolment="enter", place=True,
                      events={"": "enrolment", "reserved_admission": "admission_restoration"}, closes=("admission",),
                      newcomer=True, numbers=True, batch=True),
    "registration_deferral": Kind("延期注册", "Registration deferral", "admission", lock=_STATUS,
                                  events={"": "registration_deferral", "admission_reserved": "admission_reservation"},
                                  newcomer=True),
    "entry_postponement": Kind("缓学", "Entry postponement", "admission", lock=_STATUS,
                               events={"": "entry_postponement"}, newcomer=True),
    "omitted_pupil_entry": Kind("补录", "Entry of an omitted pupil", "admission", lock=_STATUS, enrolment="enter",
                                place=True, events={"": "omitted_pupil_entry"}, closes=("admission",), newcomer=True,
                                numbers=True),
    "missing_record_creation": Kind("补建学籍", "Creation of a missing record", "admission", lock=_STATUS,
                                    enrolment="enter", place=True, events={"": "missing_record_creation"},
                                    closes=("admission",), newcomer=True, numbers=True),
    "class_placement": Kind("分班", "Class placement", "admission", lock=_STATUS, enrolment="enter", place=True,
                            events={"": "class_placement"}, closes=("admission",), numbers=True, batch=True),
    "duplicate_admission": Kind("重复招生处理", "Duplicate admission", "admission", lock="admission"),
    # Transfer.
    "transfer": Kind("转学", "Transfer", "transfer", sides="two", lock=_STATUS, enrolment="enter", place=True,
                     events={"": "transfer"}),
    "transfer_from_outside": Kind("外地转入", "Transfer from outside", "transfer", lock=_STATUS, enrolment="enter",
                                  place=True, events={"": "transfer_from_outside"}, newcomer=True, numbers=True),
    "transfer_to_outside": Kind("转往外地", "Transfer to outside", "transfer", lock=_STATUS, enrolment="end",
                                events={"": "transfer_to_outside"}),
    "guest_attendance": Kind("借读", "Guest attendance", "transfer", sides="two", lock="guest", opens="guest",
                             closes=("guest",), place=True, undone_by="guest_returned", stays_held=True),
    # In school and away.
    "class_change": Kind("调班", "Class change", "attendance", lock=_STATUS, enrolment="enter", place=True,
                         events={"": "class_change"}, batch=True),
    "suspension": Kind("休学", "Suspension", "attendance", lock=_STATUS, events={"": "suspension"},
                       opens="suspension"),
    "suspension_extension": Kind("续休", "Suspension extension", "attendance", lock=_STATUS,
                                 events={"": "suspension_extension"}, opens="suspension", closes=("suspension",)),
    "resumption": Kind("复学", "Resumption", "attendance", lock=_STATUS, enrolment="enter", place=True,
                       events={"": "resumption", "retained_record": "record_restoration",
                               "back_from_elsewhere": "record_reactivation"}, closes=_ABSENCES),
    "halt": Kind("停学", "Halt", "attendance", lock=_STATUS, opens="halt",
                 events={"": "halt", "left_otherwise": "leaving_otherwise"}),
    "record_retention": Kind("保留学籍", "Record retention", "attendance", lock=_STATUS,
                             events={"": "record_retention"}, opens="retention"),
    "leaving": Kind("退学", "Leaving", "attendance", lock=_STATUS, enrolment="end", closes=_ABSENCES,
                    events={"": "leaving", "retention_ended": "record_cancellation",
                            "admission_given_up": "admission_cancellation"}),
    "dropout_report": Kind("流失（辍学）报告", "Dropout report", "attendance", lock=_STATUS,
                           events={"": "dropout_report"}, opens="dropout", closes=("suspension",)),
    "dropout_return": Kind("流失返校", "Return after dropout", "attendance", lock=_STATUS, enrolment="enter",
                           place=True, events={"": "dropout_return", "found": "missing_return"}, closes=_ABSENCES),
    "going_abroad": Kind("出国（境）", "Going abroad", "attendance", lock=_STATUS, opens="abroad",
                         events={"": "going_abroad", "state_sent": "going_abroad_state_sent"}),
    "return_from_abroad": Kind("回国复学", "Return from abroad", "attendance", lock=_STATUS, enrolment="enter",
                               place=True, events={"": "return_from_abroad"}, closes=("abroad",)),
    "missing_report": Kind("失踪报告", "Missing report", "attendance", lock=_STATUS, events={"": "missing_report"},
                           opens="missing", closes=("suspension", "dropout")),
    "death_report": Kind("死亡注销", "Death report", "attendance", lock="end", enrolment="end",
                         events={"": "death_report"}, closes=_ABSENCES),
    "expulsion": Kind("开除学籍", "Expulsion", "attendance", lock="end", enrolment="end",
                      events={"": "expulsion"}, closes=_ABSENCES),
    "skip_grade": Kind("跳级", "Skipping a grade", "attendance", lock=_STATUS, enrolment="enter", place=True,
                       events={"": "skip_grade"}, opens="skip"),
    "repeat_grade": Kind("留级", "Repeating a grade", "attendance", lock=_STATUS, enrolment="enter", place=True,
                         events={"": "repeat_grade"}, opens="repeat"),
    # Promotion and the end of a stage.
    "promotion": Kind("升级", "Promotion", "stage_end", lock=_STATUS, events={"": "promotion"}, opens="promotion",
                      batch=True),
    "stage_promotion": Kind("升学", "Stage promotion", "stage_end", lock=_STATUS, enrolment="enter", place=True,
                            events={"": "stage_promotion"}, closes=("admission",), batch=True),
    "graduation": Kind("毕业", "Graduation", "stage_end", lock=_STATUS, enrolment="end", events={"": "graduation"},
                       opens="credential", batch=True),
    "finishing_without_diploma": Kind("结业", "Finishing without diploma", "stage_end", lock=_STATUS,
                                      enrolment="end", events={"": "finishing_without_diploma"}, opens="credential",
                                      batch=True),
    "leaving_with_record": Kind("肄业", "Leaving with a record of study", "stage_end", lock=_STATUS, enrolment="end",
                                events={"": "leaving_with_record"}, opens="credential", closes=_ABSENCES),
    "early_graduation": Kind("提前毕业", "Early graduation", "stage_end", lock=_STATUS, enrolment="end",
                             events={"": "early_graduation"}, opens="credential"),
    "graduation_undo": Kind("毕业回退", "Undoing a graduation", "stage_end", lock=_STATUS, enrolment="enter",
                            place=True, events={"": "graduation_undo"}, closes=("credential",), past=True),
    "annual_registration": Kind("学年注册", "Annual registration", "stage_end", lock="registration",
                                opens="annual_registration", batch=True),
    "credential_registration": Kind("学历注册", "Credential registration", "stage_end", lock="credential",
                                    opens="credential_registration", past=True, batch=True),
    "erratum": Kind("勘误", "Erratum", "stage_end", lock="credential", opens="credential_registration",
                    closes=("credential_registration",), past=True),
    # The record and the archive.
    "key_data_change": Kind("关键信息变更", "Key data change", "record", lock="data"),
    "basic_data_change": Kind("基础信息变更", "Basic data change", "record", lock="basic"),
    "results_change": Kind("成绩与评价变更", "Results change", "record", lock="results", past=True),
    "problem_record": Kind("问题学籍处理", "Problem record", "record", lock="problem", past=True),
    "hardship_recognition": Kind("贫困生认定", "Hardship recognition", "record", lock="hardship", opens="hardship"),
    "hardship_end": Kind("贫困生取消", "End of hardship", "record", lock="hardship", closes=("hardship",)),
    "objection": Kind("申诉", "Objection", "record", lock="objection", opens="objection", past=True),
    "archive_access": Kind("档案查阅", "Archive access", "record", opens="archive_access", past=True),
    "reversal": Kind("撤销更正", "Reversal", "record", lock=_STATUS, past=True),
    # The school itself.
    "quota_change": Kind("学籍总量变更", "Quota change", "school", "organization", lock="quota"),
    "organization_change": Kind("学校变更", "School change", "school", "organization", lock="organization"),
    "data_release": Kind("对外提供数据", "Data release", "school", "organization"),
    "archive_destruction": Kind("档案销毁", "Archive destruction", "school", "organization", lock="archive"),
}  # fmt: skip
"""Every kind of the contract, in the order in which people look for them."""


def status_event(kind: str, ground: str | None) -> str | None:
    """The event of the status machine that a completed request is, None where it leaves the status alone."""
    events = KINDS[kind].events
    if events is None:
        return None
    return events.get(ground or "", events[""])


def status_after(kind: str, ground: str | None, status: str) -> str | None:
    """The status that completion gives, the same where it stays; None where the status does not allow it (§9)."""
    event = status_event(kind, ground)
    return status if event is None else status_plan().get((status, event))


def statuses_before(kind: str, ground: str | None) -> tuple[str, ...]:
    """The statuses from which a request of this kind may be completed (异动前提, §9); () where any will do."""
    event = status_event(kind, ground)
    return () if event is None else _before(event)


@cache
def _before(event: str) -> tuple[str, ...]:
    return tuple(before for before, name in status_plan() if name == event)
