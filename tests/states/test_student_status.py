"""The statuses of a student: codes, what needs what before it, and that the table and the class are one."""

from dataclasses import dataclass

import pytest
from statemachine.exceptions import TransitionNotAllowed

from states.rules.student import WAYS_BACK
from states.student_status import STATUSES, StudentStatus, status_plan
from states.vocabulary import STATUSES as WORDS

PLAN = status_plan()
EVENTS = sorted({event for _, event in PLAN})


@dataclass
class Holder:
    state: str


@pytest.mark.parametrize("status", STATUSES)
def test_the_table_and_the_engine_agree_for_every_event(status: str) -> None:
    for event in EVENTS:
        holder = Holder(status)
        machine = StudentStatus(holder)
        if (status, event) in PLAN:
            machine.send(event)
            assert holder.state == PLAN[status, event]
        else:
            with pytest.raises(TransitionNotAllowed):
                machine.send(event)
            assert holder.state == status


def test_every_status_of_the_contract_has_its_code() -> None:
    codes = {name: status.code for name, status in STATUSES.items() if status.code}
    assert codes == {
        "attending": "01",
        "suspended": "02",
        "left": "03",
        "halted": "04",
        "record_retained": "04",
        "dropped_out": "06",
        "graduated": "07",
        "finished_without_diploma": "08",
        "left_with_record": "09",
        "transferred_out": "10",
        "deceased": "11",
        "admission_reserved": "12",
        "abroad_state_sent": "13",
        "abroad": "99",
        "expelled": "14",
        "missing": "15",
        "other": "99",
    }
    assert set(STATUSES) == set(WORDS)
    assert set(STATUSES) - set(codes) == {"pending_registration", "registration_deferred", "entry_postponed"}
    assert [name for name, status in STATUSES.items() if status.in_school] == ["attending"]


def test_a_transfer_keeps_the_student_attending_and_nobody_else_may_transfer() -> None:
    assert {status: target for (status, event), target in PLAN.items() if event == "transfer"} == {
        "attending": "attending"
    }


@pytest.mark.parametrize(
    ("event", "needs"),
    [
        ("resumption", {"suspended", "halted"}),  # 12 needs 11 or 13
        ("admission_restoration", {"admission_reserved"}),  # 15 needs 14
        ("admission_cancellation", {"admission_reserved"}),  # 16 needs 14
        ("record_restoration", {"record_retained"}),  # 17 needs 19
        ("record_cancellation", {"record_retained"}),  # 18 needs 19
        ("return_from_abroad", {"abroad", "abroad_state_sent"}),
        ("graduation", {"attending"}),  # SYS-48
    ],
)
def test_what_an_event_needs_before_it(event: str, needs: set[str]) -> None:
    assert {status for status, name in PLAN if name == event} == needs


def test_a_final_status_is_left_by_nothing_and_every_other_can_end() -> None:
    finals = {name for name, status in STATUSES.items() if status.final}
    assert finals == {"deceased", "expelled", "left", "left_with_record", "finished_without_diploma"}
    assert not any(status in finals for status, _ in PLAN)
    assert {status for status, event in PLAN if event == "death_report"} == set(STATUSES) - finals


def test_every_way_back_that_a_refusal_names_exists() -> None:
    for status in WAYS_BACK:
        assert any(source == status and target == "attending" for (source, _), target in PLAN.items())
