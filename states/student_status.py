"""The statuses of a student (学生当前状态, JY/T 1001 §4.2.42): the class body is the diagram.

Events carry the names of the kinds of request (and of the few changes that have no kind of their own), so that a
completed request asks `status_plan()[status, kind]` and nobody writes a status from a second place. A final status is
undone only by a later `reversal`, which is a decision about the record and not a step of this machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from statemachine import State, StateChart


class StudentStatus(StateChart[Any]):
    """学生当前状态: from admission to the end of schooling; what each change needs before it is in regulations §9."""

    allow_event_without_transition = False
    catch_errors_as_events = False
    atomic_configuration_update = True
    enable_self_transition_entries = False

    # Before the register (注册之前).
    pending_registration = State("待注册", initial=True)
    registration_deferred = State("延期注册")
    entry_postponed = State("缓学")
    admission_reserved = State("保留入学资格")

    # On the register (有学籍).
    attending = State("在读")
    suspended = State("休学")
    halted = State("停学")
    record_retained = State("保留学籍")
    dropped_out = State("流失")
    abroad = State("出国")
    abroad_state_sent = State("公派出国")
    missing = State("下落不明")
    other = State("其他离校")

    # Has gone on, and may come back: to the next stage, or from elsewhere.
    graduated = State("毕业")
    transferred_out = State("转学（转出）")

    # Ended (终态).
    finished_without_diploma = State("结业", final=True)
    left_with_record = State("肄业", final=True)
    left = State("退学", final=True)
    expelled = State("开除", final=True)
    deceased = State("死亡", final=True)

    # Registration (注册).
    enrolment = pending_registration.to(attending) | registration_deferred.to(attending) | entry_postponed.to(attending)
    registration_deferral = pending_registration.to(registration_deferred)  # BJ-10
    entry_postponement = pending_registration.to(entry_postponed) | entry_postponed.to(
        entry_postponed
    )  # BJ-12: asked again
    omitted_pupil_entry = pending_registration.to(attending)  # TR-10
    missing_record_creation = pending_registration.to(attending)  # SYS-52
    admission_reservation = pending_registration.to(admission_reserved)  # 14
    admission_restoration = admission_reserved.to(attending)  # 15 needs 14
    admission_cancellation = admission_reserved.to(left)  # 16 needs 14

    # In school (在校): the school, class or grade changes and the student goes on attending.
    transfer = attending.to(attending)  # 21 and 22 in one: inside this installation only the enrolment ends
    class_placement = (  # BJ-09: placing a reported newcomer registers him
        attending.to(attending) | pending_registration.to(attending) | registration_deferred.to(attending)
    )
    class_change = attending.to(attending)  # 29
    guest_attendance = attending.to(attending)
    promotion = attending.to(attending)  # SYS-44
    skip_grade = attending.to(attending)  # 04
    repeat_grade = attending.to(attending)  # 02, 03

    # Across the border of this installation (跨系统转学).
    transfer_to_outside = attending.to(transferred_out)  # 21
    transfer_from_outside = pending_registration.to(attending) | transferred_out.to(attending)  # 22

    # Away for a time (暂离).
    suspension = attending.to(suspended)  # 11
    suspension_extension = suspended.to(suspended)
    halt = attending.to(halted)  # 13
    resumption = suspended.to(attending) | halted.to(attending)  # 12 needs 11 or 13
    record_retention = attending.to(record_retained)  # 19
    record_restoration = record_retained.to(attending)  # 17 needs 19
    record_cancellation = record_retained.to(left)  # 18 needs 19
    going_abroad = attending.to(abroad)
    going_abroad_state_sent = attending.to(abroad_state_sent)  # 01
    return_from_abroad = abroad.to(attending) | abroad_state_sent.to(attending)  # 08
    dropout_report = attending.to(dropped_out) | suspended.to(dropped_out)  # N13-26: the record stays
    dropout_return = dropped_out.to(attending)
    missing_report = attending.to(missing) | suspended.to(missing) | dropped_out.to(missing)
    missing_return = missing.to(attending)
    leaving_otherwise = attending.to(other)
    record_reactivation = other.to(attending)  # 启用学籍

    # The end of a stage (毕业): only who attends takes part (SYS-48).
    graduation = attending.to(graduated)
    early_graduation = attending.to(graduated)  # 61
    graduation_undo = graduated.to(attending)  # SYS-50
    stage_promotion = graduated.to(attending)
    finishing_without_diploma = attending.to(finished_without_diploma)  # 62
    leaving_with_record = attending.to(left_with_record) | suspended.to(left_with_record)  # 63

    # The end (离校). That nobody leaves or is expelled in the compulsory stage is a rule of the packs (N25-16, X-02).
    leaving = attending.to(left) | suspended.to(left) | halted.to(left) | abroad.to(left)  # 31
    expulsion = attending.to(expelled) | suspended.to(expelled) | halted.to(expelled)  # 42
    death_report = deceased.from_(  # 51
        pending_registration,
        registration_deferred,
        entry_postponed,
        admission_reserved,
        attending,
        suspended,
        halted,
        record_retained,
        dropped_out,
        abroad,
        abroad_state_sent,
        missing,
        other,
        graduated,
        transferred_out,
    )


@dataclass(frozen=True, slots=True)
class Status:
    """A status with its JY/T 1001 code (None before the register), its names, and whether the student is in school.

    `final`: nothing but a `reversal` leads out of it.
    """

    code: str | None
    label: str
    label_en: str
    in_school: bool
    final: bool


RESUMED_CODE = "05"
"""What an export writes instead of 01 until the term after a resumption (复学)."""

_CODES = {
    "pending_registration": (None, "awaiting registration"),
    "registration_deferred": (None, "registration deferred"),
    "entry_postponed": (None, "entry postponed"),
    "attending": ("01", "attending"),
    "suspended": ("02", "suspended"),
    "left": ("03", "left"),
    "halted": ("04", "halted"),
    "record_retained": ("04", "record retained"),
    "dropped_out": ("06", "dropped out"),
    "graduated": ("07", "graduated"),
    "finished_without_diploma": ("08", "finished without diploma"),
    "left_with_record": ("09", "left with a record of study"),
    "transferred_out": ("10", "transferred out"),
    "deceased": ("11", "deceased"),
    "admission_reserved": ("12", "admission reserved"),
    "abroad_state_sent": ("13", "abroad, sent by the state"),
    "abroad": ("99", "abroad"),
    "expelled": ("14", "expelled"),
    "missing": ("15", "missing"),
    "other": ("99", "away for another reason"),
}

STATUSES: dict[str, Status] = {
    state.id: Status(*_CODES[state.id][:1], str(state.name), _CODES[state.id][1], state.id == "attending", state.final)
    for state in StudentStatus.states
}


@cache
def status_plan() -> dict[tuple[str, str], str]:
    """`{(status, event): status afterwards}`, compiled once from the class; what is not in it does not fit."""
    return {
        (state.id, event): transition.target.id
        for state in StudentStatus.states
        for transition in state.transitions
        for event in transition.event.split()
    }
