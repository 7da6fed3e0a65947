"""Diagrams (流程图) for readers, drawn from the classes themselves: Mermaid text with Chinese labels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from statemachine import StateChart

from states.decide import expires_in_silence
from states.machine import STAYING
from states.plan import STATE_LABELS, Plan
from states.rules.wording import named_all
from states.student_status import STATUSES, StudentStatus

Edge = tuple[str, str, str]
"""From, to, label."""

STATUS_EVENT_LABELS = {
    "enrolment": "注册",
    "registration_deferral": "延期注册",
    "entry_postponement": "缓学",
    "omitted_pupil_entry": "补录",
    "missing_record_creation": "补建",
    "admission_reservation": "保留入学资格",
    "admission_restoration": "恢复入学资格",
    "admission_cancellation": "取消入学资格",
    "transfer": "转学",
    "class_placement": "分班",
    "class_change": "调班",
    "guest_attendance": "借读",
    "promotion": "升级",
    "skip_grade": "跳级",
    "repeat_grade": "留级",
    "transfer_to_outside": "转出",
    "transfer_from_outside": "转入",
    "suspension": "休学",
    "suspension_extension": "续休",
    "halt": "停学",
    "resumption": "复学",
    "record_retention": "保留学籍",
    "record_restoration": "恢复学籍",
    "record_cancellation": "取消学籍",
    "going_abroad": "出国",
    "going_abroad_state_sent": "公派留学",
    "return_from_abroad": "回国复学",
    "dropout_report": "流失申报",
    "dropout_return": "返校",
    "missing_report": "下落不明申报",
    "missing_return": "返校",
    "leaving_otherwise": "其他离校",
    "record_reactivation": "启用学籍",
    "graduation": "毕业",
    "early_graduation": "提前毕业",
    "graduation_undo": "毕业回退",
    "stage_promotion": "升学",
    "finishing_without_diploma": "结业",
    "leaving_with_record": "肄业",
    "leaving": "退学",
    "expulsion": "开除",
    "death_report": "死亡登记",
}


def route_diagram(plan: Plan) -> str:
    """The machine of one route; what leaves a state as it is, and a wipe of an official's step, are left out."""
    labels = {}
    for state in plan.machine.states:
        step = plan.step(state.id)
        who = f"（{named_all(step.holders, step.role)[0]}）" if step else ""
        labels[state.id] = f"{step.label if step else STATE_LABELS[state.id][0]}{who}"
    return _mermaid(plan.machine, labels, _route_edges(plan))


def status_diagram() -> str:
    """The statuses of a student; events that lead the same way share one arrow."""
    labels = {
        name: f"{status.label} {status.code}" if status.code else status.label for name, status in STATUSES.items()
    }
    return _mermaid(
        StudentStatus,
        labels,
        ((source, target, STATUS_EVENT_LABELS[event]) for source, target, event in _edges(StudentStatus)),
    )


def _route_edges(plan: Plan) -> Iterator[Edge]:
    for source, target, event in _edges(plan.machine):
        if event in STAYING or (event == "expire" and not expires_in_silence(plan, source)):
            continue
        cell = plan.by_event[source, event]
        if cell.several and source == target:
            yield source, target, f"{cell.label}（一方）"
        else:
            yield source, target, f"{cell.label}（全部）" if cell.several else cell.label


def _edges(machine: type[StateChart[Any]]) -> Iterator[Edge]:
    for state in machine.states:
        for transition in state.transitions:
            for event in transition.event.split():
                yield state.id, transition.target.id, event


def _mermaid(machine: type[StateChart[Any]], labels: dict[str, str], edges: Iterable[Edge]) -> str:
    lines = ["stateDiagram-v2"]
    lines += [f'    state "{label}" as {name}' for name, label in labels.items()]
    lines += [f"    [*] --> {state.id}" for state in machine.states if state.initial]
    arrows: dict[tuple[str, str], list[str]] = {}
    for source, target, label in edges:
        arrows.setdefault((source, target), []).append(label)
    lines += [
        f"    {source} --> {target}: {' / '.join(dict.fromkeys(found))}" for (source, target), found in arrows.items()
    ]
    lines += [f"    {state.id} --> [*]" for state in machine.states if state.final]
    return "\n".join(lines) + "\n"
