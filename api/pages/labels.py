"""What codes are called on a page (名称): one vocabulary of status tags, kinds, roles and papers for all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from api.pages.language import day, t
from states.asked import Answers, Asked
from states.definition import WAITING
from states.kinds import GROUPS, LASTING, SECTIONS
from states.kinds import KINDS as KIND_TABLE
from states.plan import STATE_LABELS
from states.rules.wording import UNIT_NAMES, grade_named, stage_named
from states.student_status import STATUSES as STATUS_TABLE
from states.vocabulary import DATA_FACTS, DOCUMENT_KINDS, GROUNDS, PROGRAMMES, STEPS

Pair = tuple[str, str]

KINDS: dict[str, Pair] = {name: (kind.label, kind.label_en) for name, kind in KIND_TABLE.items()}
KINDS_BY_GROUP: dict[str, tuple[str, ...]] = {
    group: tuple(name for name, kind in KIND_TABLE.items() if kind.group == group) for group in GROUPS
}
STATUSES: dict[str, Pair] = {
    code: (status.label, status.label_en[:1].upper() + status.label_en[1:]) for code, status in STATUS_TABLE.items()
}
STATES: dict[str, Pair] = {**STATE_LABELS, **STEPS}
ROLES: dict[str, Pair] = {
    "registrar": ("学籍管理员", "Registrar"), "principal": ("校长", "Principal"), "teacher": ("教师", "Teacher"),
    "viewer": ("只读查询", "Viewer"), "network": ("网络管理员", "Network administrator"),
    "class_teacher": ("班主任", "Class teacher"), "doctor": ("校医", "School doctor"),
    "admin": ("系统管理员", "System administrator"), "security": ("安全管理员", "Security officer"),
    "auditor": ("审计员", "Auditor"),
}  # fmt: skip
HISTORY: dict[str, Pair] = {
    **KINDS,  # a student's trail names the kind of request that changed it
    "create": ("建立草稿", "Draft started"), "amend": ("修改", "Corrected"), "submit": ("提交", "Submitted"),
    "resubmit": ("重新提交", "Resubmitted"), "approve": ("同意", "Approved"), "file": ("备案", "Filed"),
    "return": ("退回补正", "Returned for correction"), "reject": ("不予通过", "Refused"),
    "recall": ("撤回", "Recalled"),
    "remind": ("催办", "Reminded"), "confirm_arrival": ("确认接收", "Arrival confirmed"), "note": ("备注", "Note"),
    "take_effect": ("生效", "Took effect"), "expire": ("过期", "Expired"), "escalate": ("超期督办", "Escalated"),
    "reroute": ("学校合并，改由接收学校办理", "Rerouted to the successor school"),
    "recompute_clock": ("重算期限", "Clock recomputed"), "add_document": ("上传材料", "Paper uploaded"),
    "remove_document": ("移除材料", "Paper removed"), "imported": ("名册导入", "Imported from the roster"),
    "transferred": ("转入", "Transferred"), "paper": ("打印文书", "Paper issued"),
    "merged": ("并入另一份学籍", "Merged into another record"), "merge_undone": ("撤销合并", "Merge undone"),
    "admitted": ("录取登记", "Admitted"), "numbered": ("编发学籍号", "Student number given"),
    "coded": ("编发学生编码", "Pupil code given"),
}  # fmt: skip
IDENTITY_TYPES: dict[str, Pair] = {
    "1": ("居民身份证", "Resident identity card"),
    "6": ("香港特区护照/身份证明", "Hong Kong passport or identity document"),
    "7": ("澳门特区护照/身份证明", "Macao passport or identity document"),
    "8": ("台湾居民来往大陆通行证", "Mainland travel permit of Taiwan residents"),
    "9": ("境外永久居住证", "Permanent residence abroad"), "A": ("护照", "Passport"), "Z": ("其他", "Other"),
}  # fmt: skip
RELATIONS: dict[str, Pair] = {
    "父亲": ("父亲", "Father"), "母亲": ("母亲", "Mother"), "祖父": ("祖父", "Father’s father"),
    "祖母": ("祖母", "Father’s mother"), "外祖父": ("外祖父", "Mother’s father"),
    "外祖母": ("外祖母", "Mother’s mother"), "其他监护人": ("其他监护人", "Another guardian"),
}  # fmt: skip
BASES: dict[str, Pair] = {
    "read": ("有原文", "Text read"), "inferred": ("推定", "Inferred"), "decided": ("本系统约定", "Decided here"),
    "unseen": ("未见原文", "Text not seen"),
}  # fmt: skip
BOXES: dict[str, Pair] = {
    "todo": ("待我办", "To do"), "waiting": ("等待对方", "Waiting for others"), "mine": ("我方发起", "Started by us"),
    "done": ("已办结", "Finished"),
}  # fmt: skip


def label(table: dict[str, Pair], code: str | None) -> str:
    """A code's name in this language; an unknown code is shown as it is."""
    pair = table.get(code or "")
    return t(*pair) if pair else code or ""


def state(code: str) -> str:
    """A state as people call it."""
    return label(STATES, code)


def grade(number: int | None) -> str:
    """A grade counted from primary 1 to senior 12; in a narrow column its number would else begin the next line."""
    zh, en = grade_named(number)
    return t(zh, en.replace("grade ", "grade\N{NO-BREAK SPACE}"))


def fact_value(name: str, value: Any) -> str:
    """The value of a fact in words."""
    if isinstance(value, bool):
        return t("是", "Yes") if value else t("否", "No")
    kind = DATA_FACTS.get(name)
    if kind and kind.type == "date":
        return day(str(value))
    choices = {code: (zh, en) for code, zh, en in kind.choices} if kind else {}
    return label(choices, value) if value in choices else str(value)


def need_named(asked: Asked) -> str:
    """Beside a fact's name: whether it must be given (必填、选填), and with which other answers."""
    if asked.needed is None:
        return t("选填", "optional")
    text = t("必填", "required")
    if asked.needed:
        text += t("（{a}时）", " (where {a})", a=_answers(asked.needed))
    if asked.unless:
        text += t("（{a}的除外）", " (unless {a})", a=t("或", " or ").join(map(_answers, asked.unless)))
    return text


def _answers(answers: Answers) -> str:
    """Answers to facts of a form, as one would read them out: `“送教上门”为“是”`."""
    either = t("或", " or ")
    return t("且", " and ").join(
        t("“{f}”为“{v}”", "“{f}” is “{v}”", f=label(FACTS, name), v=either.join(
            fact_value(name, one) for one in values if one is not None))
        for name, values in answers.items()
    )  # fmt: skip


def shown_with(asked: Asked) -> str:
    """For the script that shows a fact only when it matters: `student_register=independent,attached`."""
    return ";".join(f"{name}={','.join(str(v).lower() for v in values)}" for name, values in asked.when.items())


TAGS = {"completed": ("green", "check"), "rejected": ("red", "cross"), "recalled": ("", "undo"),
"expired": ("dark", "clock"),
        "returned": ("orange", "undo"), "draft": ("", "pen")}  # fmt: skip


def tag_look(code: str) -> Pair:
    """Colour and icon of a state's tag; whatever waits for somebody is blue."""
    return TAGS.get(code, ("blue", "dots"))


@dataclass(frozen=True)
class Remaining:
    """How long there is still (剩余时间): in words, with the colour and icon of its urgency."""

    text: str
    look: str
    icon: str


def remaining(row: Mapping[str, Any]) -> Remaining | None:
    """The working days left of a request or a list row; None where nothing is due."""
    group, days = row.get("due_group"), row.get("remaining_working_days")
    if group is None or days is None:
        return None
    if row["state"] == WAITING:
        return Remaining(t("到时自动生效", "Takes effect by itself"), "blue", "clock")
    left = t("剩 {n} 个工作日", "{n} workday left" if days == 1 else "{n} workdays left", n=days)
    late = t("已逾期 {n} 个工作日", "{n} workday overdue" if days == -1 else "{n} workdays overdue", n=-days)
    texts = {"overdue": late if days else t("已逾期", "Overdue"), "today": t("今天到期", "Due today")}
    looks = {"overdue": ("red", "alert"), "today": ("red", "clock"), "soon": ("orange", "clock")}
    return Remaining(texts.get(group, left), *looks.get(group, ("blue", "clock")))


FACTS: dict[str, Pair] = {name: (kind.label, kind.label_en) for name, kind in DATA_FACTS.items()}
TEMPLATE_GLOBALS: dict[str, Any] = {
    "label": label, "remaining": remaining, "state_named": state, "grade_named": grade, "fact_value": fact_value,
    "tag_look": tag_look, "need_named": need_named, "shown_with": shown_with,
    "stage_named": lambda code: t(*stage_named(code)), "KINDS": KINDS, "STATUSES": STATUSES, "ROLES": ROLES,
    "HISTORY": HISTORY, "BASES": BASES, "BOXES": BOXES, "GROUNDS": GROUNDS,
    "DOCUMENT_KINDS": DOCUMENT_KINDS,
    "IDENTITY_TYPES": IDENTITY_TYPES, "RELATIONS": RELATIONS,
    "GROUPS": GROUPS, "SECTIONS": SECTIONS, "LASTING": LASTING, "KINDS_BY_GROUP": KINDS_BY_GROUP,
    "holds_place": lambda kind: KIND_TABLE[kind].place,
    "UNIT_NAMES": UNIT_NAMES, "STEPS": STEPS, "STATE_LABELS": STATE_LABELS, "STATES": STATES, "WAITING": WAITING,
    "FACTS": FACTS, "PROGRAMMES": PROGRAMMES,
}  # fmt: skip
