"""What the completion of a kind does, in words (办结的效力): read from the table of kinds, for every kind alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup, escape

from api.pages.labels import FACTS, STATUSES, fact_value, grade, label
from api.pages.labels import KINDS as KIND_LABELS
from api.pages.language import day, t, zh
from states.kinds import KINDS, SECTIONS, Kind, status_event
from states.student_status import STATUSES as STATUS_TABLE
from states.student_status import status_plan

Request = Mapping[str, Any]


def effects(view: Request) -> list[str]:
    """One sentence for each thing that changes when this request is completed."""
    kind = KINDS[view["kind"]]
    if kind.sides == "two" and kind.enrolment == "enter":
        return [_moves(view)]
    found = [_place(view, kind), _status(view, kind), _left(view, kind), *_entries(kind), _written(view),
             _school(view)]  # fmt: skip
    if kind.numbers:
        found.append(t("尚无学籍号的，由系统编发。", "Who has no student number yet is given one."))
    if kind.lock == "end":
        found.append(t("该生其他在办业务一并终止。", "All other open requests of the student end."))
    if view["kind"] == "data_release":
        found.append(
            t("申请单位可以取走一次脱敏数据。", "The applicant can fetch the data once; nobody is named in them.")
        )
    said = [text for text in found if text]
    day_ = view["data"].get("effective_on")
    if said and day_:
        said.append(t("自 {d} 起生效。", "In effect from {d}.", d=day(day_)))
    return said or [t("申请内容生效，记入流转记录。", "What is asked takes effect and is kept in the trail.")]


def _moves(view: Request) -> str:
    return t(
        "学籍由{a}转至{b}（{g}{c}）；{a}在册减 1，{b}在册加 1；回执送{a}。",
        "The enrolment moves from {a} to {b} ({g} {c}): one fewer, one more; {a} gets the receipt.",
        a=_name(view["origin_school"]), b=_name(view["destination_school"]), g=grade(view["grade"]),
        c=zh(view.get("class")),
    )  # fmt: skip


def _place(view: Request, kind: Kind) -> str:
    if kind.enrolment != "enter":
        return ""
    return t("编入{s} {g} {c}，占用的学位转为在读。", "Joins {s}, {g} {c}; the place that was held is taken.",
             s=_name(view["destination_school"]), g=grade(view["grade"]) if view["grade"] else "",
             c=zh(view.get("class")))  # fmt: skip


def status_targets(view: Request) -> set[str]:
    """The statuses that completion may give; empty where the status is left alone or stays what it was."""
    event = status_event(view["kind"], view["ground"])
    changes = {(before, after) for (before, name), after in status_plan().items() if name == event}
    return set() if all(before == after for before, after in changes) else {after for _, after in changes}


def _status(view: Request, kind: Kind) -> str:
    names = t("或", " or ").join(label(STATUSES, code) for code in sorted(status_targets(view)))
    return t("学籍状态变为“{s}”。", "The status becomes “{s}”.", s=names) if names else ""


def _left(view: Request, kind: Kind) -> str:
    if kind.enrolment == "end":
        return t("在{s}的学籍终止，在册减 1。", "The enrolment at {s} ends: one fewer.",
                 s=_name(view["destination_school"]))  # fmt: skip
    targets = status_targets(view)
    if kind.enrolment == "keep" and targets and not any(STATUS_TABLE[code].in_school for code in targets):
        return t("学籍保留在{s}，班级座位空出。", "The record stays at {s}; the place in the class is free.",
                 s=_name(view["destination_school"]))  # fmt: skip
    return ""


def _entries(kind: Kind) -> list[str]:
    names = [label(SECTIONS, section) for section in kind.closes if section != kind.opens]
    found = []
    if names:
        found.append(t("“{s}”事项如有在列的，就此结束。", "An entry under {s}, if there is one, ends.",
                       s=t("”“", ", ").join(names)))  # fmt: skip
    if kind.opens:
        found.append(t("学籍记入“{s}”事项。", "An entry “{s}” is made in the record.", s=label(SECTIONS, kind.opens)))
    return found


def _written(view: Request) -> str:
    """Which data of the record are replaced: their names only, what they become stands beside."""
    names = [
        label(FACTS, name) for name, value in view["data"].items() if name.startswith("new_") and value is not None
    ]
    return t("学籍中写入：{f}。", "Written into the record: {f}.", f=t("、", ", ").join(names)) if names else ""


def _school(view: Request) -> Markup | str:
    """What a change of a school does (学校新建、变更、合并、撤销): to the school, its pupils, classes and requests."""
    if view["kind"] != "organization_change":
        return ""
    data, school = view["data"], _name(view["destination_school"])
    if view["ground"] == "founding":
        return t("新建{n}，由{s}主管。", "{n} is founded, under {s}.", n=zh(data.get("school_name") or "—"), s=school)
    if view["ground"] == "school_data":
        given = escape(t("；", "; ")).join(
            escape(t("{f}为{v}", "{f}: {v}", f=label(FACTS, name), v=zh(fact_value(name, value))))
            for name, value in data.items() if name != "effective_on" and value is not None
        )  # fmt: skip
        return t("{s}的信息变更：{g}；原信息留存。", "The data of {s} change – {g}; what they were is kept.",
                 s=school, g=given)  # fmt: skip
    return _closed(view, school)


def _closed(view: Request, school: Markup) -> Markup | str:
    if successor := view["data"].get("successor_code"):
        return t("{s}不再办理业务；在籍学生、班级和在办业务都转到接收学校（{c}）。",
                 "{s} takes no more requests; its pupils, classes and open requests go to its successor ({c}).",
                 s=school, c=successor)  # fmt: skip
    return t("{s}撤销，不再办理业务；档案由{u}保管。",
             "{s} is closed and takes no more requests; {u} keeps its archives.",
             s=school, u=zh(view["data"].get("archive_unit") or "—"))  # fmt: skip


def held_back(view: Request) -> str:
    """What a submission keeps others from doing meanwhile: a place that is held, business that excludes each other."""
    kind = KINDS[view["kind"]]
    place = t("同时占用学位一个。", "A place is held.") if kind.place else ""
    if view["kind"] == "transfer":
        return t("同时占用学位一个，该生不能再办其他转学。",
                 "A place is held, and no other transfer of this student can be submitted.")  # fmt: skip
    texts = {
        "status": t("办结前，该生不能再办其他变动学籍的业务。",
                    "Until it ends, nothing else that changes this student’s status can be submitted."),
        None: "",
    }  # fmt: skip
    lock = texts.get(
        kind.lock, t("办结前，不能再办同类业务。", "Until it ends, no other of its sort can be submitted.")
    )
    return t("{a}{b}", "{a} {b}", a=place, b=lock).strip() if place else lock


def ending(view: Request) -> str:
    """What an end without completion sets free again."""
    if KINDS[view["kind"]].place:
        return t("本件终结，占用的学位释放", "The request ends, its place is free again")
    return t("本件终结，不产生效力", "The request ends without effect")


def in_past(view: Request) -> str:
    """What a completed request has done."""
    if KINDS[view["kind"]].sides == "two" and KINDS[view["kind"]].enrolment == "enter":
        return t("学籍已转入{b}。", "The enrolment has moved to {b}.", b=_name(view["destination_school"]))
    return t("已生效：", "Done: ") + Markup(" ").join(effects(view))


def kind_named(view: Request) -> str:
    """What the request is called."""
    return label(KIND_LABELS, view["kind"])


def _name(organization: Mapping[str, Any]) -> Markup:
    return zh(organization["name"])
