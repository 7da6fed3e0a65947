"""A row of a pack in words (规则释义): what it asks, with its numbers, Chinese and English.

The same words for the command line and for the consolidated text, made from the row that runs: a sentence written by
hand beside it would say something else after the next amendment.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from states.plan import LABELS, STATE_LABELS
from states.rules import CHECKS
from states.rules.wording import (
    ROLE_NAMES,
    STAGE_NAMES,
    UNIT_NAMES,
    documents_named,
    fact_named,
    stage_named,
    value_named,
)
from states.student_status import STATUSES
from states.vocabulary import GROUNDS, STEPS

Words = tuple[str, str]
Row = Mapping[str, Any]

_FACTS: Final[dict[str, Words]] = {
    "ground": ("理由", "ground"), "stage": ("学段", "stage"), "status": ("学籍状态", "status"),
    "season": ("学期", "term"), "programme": ("学校或计划类别", "programme"),
    "town": ("转入城区学校", "school of the town"),
    "same_bureau": ("同一主管教育局", "one bureau"), "same_province": ("同一省", "one province"),
    "same_city": ("同一市", "one city"), "same_school": ("同一学校", "one school"),
    "special_education": ("特殊教育学生", "special education"), "compulsory": ("义务教育阶段", "compulsory stage"),
    "graduating": ("毕业年级", "graduating grade"), "starting": ("起始年级", "first grade of the stage"),
    "newcomer": ("尚未建立学籍", "not on the register yet"), "has_number": ("已有学籍号", "has a number"),
    "about_bureau": ("以教育局名义办理", "made at the bureau itself"),
    "duplicate": ("有未决重复学籍", "undecided duplicate"), "city_school": ("市直属学校", "school of the city's own"),
}  # fmt: skip
_VALUES: Final[dict[str, Words]] = {"autumn": ("第一学期", "first term"), "spring": ("第二学期", "second term")}
_PARAMETERS: Final[dict[str, Words]] = {
    "allowed": ("须为", "must be"), "at_least": ("至少（月）", "at least (months)"),
    "at_most": ("至多（月）", "at most (months)"), "cap": ("班额上限", "class size"), "codes": ("理由", "reasons"),
    "fact": ("事实", "fact"), "freeze": ("冻结期", "freeze"), "from_day": ("自", "from"),
    "instead": ("应选", "instead"),
    "kinds": ("材料", "papers"), "region": ("学期按", "terms of"), "to_day": ("至", "to"),
}  # fmt: skip


TABLE_NAMES: Final[dict[str, Words]] = {
    "also": ("材料", "Papers"), "check": ("校验", "Check"), "document": ("文件", "Files"), "freeze": ("停办", "Freeze"),
    "ground": ("理由", "Ground"), "kept": ("由系统保证", "Kept by the service"), "limit": ("期限", "Limit"),
    "parameter": ("取舍", "Choice"),
    "reason": ("不予通过", "Refusal"), "route": ("流程", "Route"), "step": ("环节", "Step"),
    "window": ("窗口", "Window"), "wipe": ("清理", "Wipe"),
}  # fmt: skip
"""What a row of each table is to its reader."""


def row_words(table: str, name: str, row: Row, papers: Mapping[str, Any]) -> list[Words]:
    """What a compiled row says, a line each: what it asks with its numbers, when, on which events, its exceptions.

    `papers` are the pack's named sets. A table that is read by people only gives its `because`.
    """
    lines = _TABLES.get(table, _nothing)(name, row, papers)
    if row.get("when"):
        lines.append(_joined(("仅当", "only where"), condition_words(row["when"])))
    if row.get("on"):
        events = [LABELS.get(event, (event, event)) for event in row["on"]]
        lines.append(_joined(("办理时校验：", "asked on: "), _listed(events)))
    if row.get("at") and table != "also":
        lines.append(_joined(("仅在环节：", "only in: "), _listed(map(state_words, _list(row["at"])))))
    for inner, waiver in row.get("except", {}).items():
        rule = waiver.get("rule", inner)
        lines.append(_joined((f"例外 {rule}：", f"except {rule}: "), condition_words(waiver["when"])))
    return lines


def condition_words(when: Row) -> Words:
    """A condition: every part of it must hold."""
    parts = []
    for fact, wanted in when.items():
        name, values = _fact(fact), _listed([_value(fact, one) for one in _list(wanted)], "或", " or ")
        parts.append((f"{name[0]}为“{values[0]}”", f"{name[1]} is “{values[1]}”"))
    return _listed(parts, "，且", " and ")


def state_words(state: str) -> Words:
    """A state by what lists call it."""
    return STEPS.get(state) or STATE_LABELS.get(state, (state, state))


# --- Tables ---


def _kept(name: str, row: Row, papers: Row) -> list[Words]:
    return [(f"由系统保证，见测试 {row['shown']}", f"kept by the service itself; shown by {row['shown']}")]


def _nothing(name: str, row: Row, papers: Row) -> list[Words]:
    return []


def _check(name: str, row: Row, papers: Row) -> list[Words]:
    lines = [check_words(row["does"])]
    given = dict(row.get("with", {}))
    fact = str(given.pop("fact", "status"))
    for parameter, value in given.items():
        label = _PARAMETERS.get(parameter, (parameter, parameter))
        words = _joined((f"{label[0]}：", f"{label[1]}: "), _parameter(parameter, value, fact))
        if parameter in ("allowed", "at_least", "at_most"):
            words = _joined(_quoted(_fact(fact)), words)
        lines.append(words)
    if "fact" in row.get("with", {}) and len(given.keys() & {"allowed", "at_least", "at_most"}) == 0:
        lines.append(_joined(("事实：", "fact: "), _fact(fact)))
    return lines


def _quoted(words: Words) -> Words:
    return f"“{words[0]}”", f"“{words[1]}”"


def check_words(does: str) -> Words:
    """What a Python check asks, in the words of its own docstring: "中文 / English (rule)."."""
    text = (CHECKS[does].__doc__ or does).strip().splitlines()[0].partition(" (")[0].rstrip(".").replace("`", "")
    zh, slash, en = text.partition(" / ")
    return (zh, en) if slash else (text, text)


def _parameter(name: str, value: Any, fact: str) -> Words:
    if isinstance(value, dict):  # stored with its keys sorted; people read stages from the first to the last
        stages = sorted(value, key=lambda stage: list(STAGE_NAMES).index(stage) if stage in STAGE_NAMES else -1)
        return _listed(
            [(f"{stage_named(key)[0]} {value[key]}", f"{stage_named(key)[1]} {value[key]}") for key in stages]
        )
    if name == "instead":
        return GROUNDS.get(value, (value, value))
    if name == "kinds":
        return documents_named(value)
    return _listed([_value(fact, one) if name == "allowed" else (str(one), str(one)) for one in _list(value)])


def _ground(name: str, row: Row, papers: Row) -> list[Words]:
    return [GROUNDS.get(name, (name, name)), *_needs(row, papers)]


def _also(name: str, row: Row, papers: Row) -> list[Words]:
    lines = _needs(row, papers)
    if "at" in row:
        by = UNIT_NAMES.get(row.get("by", ""), ("", ""))
        at = state_words(row["at"])
        lines.append(
            (f"由{by[0] or '申请单位'}在“{at[0]}”环节上传", f"uploaded by {by[1] or 'the applicant'} in: {at[1]}")
        )
    return lines


def _needs(row: Row, papers: Row) -> list[Words]:
    found = [papers_words(papers.get(need, [need])) for need in row.get("needs", ())]
    before = ("可附材料：", "may be added: ") if row.get("optional") else ("材料：", "papers: ")
    return [_joined(before, words) for words in found]


def papers_words(papers: Any) -> Words:
    """A set of papers: all of a list, any of `one_of`."""
    if isinstance(papers, dict):
        return _listed([documents_named(_list(one)) for one in papers["one_of"]], " 或 ", " or ")
    return documents_named(papers)


def _limit(name: str, row: Row, papers: Row) -> list[Words]:
    states = _listed(map(state_words, row["steps"]))
    number = row.get("working_days", row.get("calendar_days"))
    days = (
        (f"{number} 个工作日", f"{number} working days")
        if "working_days" in row
        else (f"{number} 日", f"{number} days")
    )
    shared = (" 合计", " together") if row.get("shared") else ("", "")
    return [(f"{states[0]}：{days[0]}{shared[0]}", f"{states[1]}: {days[1]}{shared[1]}")]


def _route(name: str, row: Row, papers: Row) -> list[Words]:
    starter = UNIT_NAMES.get(row["starter"], (row["starter"],) * 2)
    steps = _listed(map(state_words, row["steps"]), " → ", " → ")
    return [(f"{starter[0]}发起", f"started by {starter[1]}"), steps]


def _step(name: str, row: Row, papers: Row) -> list[Words]:
    role = ROLE_NAMES.get(row["role"], (row["role"],) * 2)
    holders = _listed([UNIT_NAMES.get(unit, (unit, unit)) for unit in row["holders"]])
    silence = {
        "escalate": ("逾期提醒并督办", "silence reminds and escalates"),
        "expire": ("逾期终止", "silence ends it"),
    }
    return [(f"{row['label']}：{holders[0]}{role[0]}", f"{row['label_en']}: {role[1]} of {holders[1]}"),
            silence[row["silence"]]]  # fmt: skip


def _window(name: str, row: Row, papers: Row) -> list[Words]:
    lines = []
    for span in row["spans"]:
        season = _VALUES[span["season"]]
        if "solar" in span:
            first, last = span["solar"]
            days = (f"{first} 至 {last}", f"{first} to {last}")
        elif "lunar" in span:
            first, last = span["lunar"]
            days = (f"农历正月{first}日至{last}日", f"days {first} to {last} of the first lunar month")
        else:
            anchor = _ANCHORS[span["anchor"]]
            first, last = span["days"]
            days = (f"{anchor[0]} {first:+d} 至 {last:+d} 日", f"{anchor[1]} {first:+d} to {last:+d} days")
        lines.append((f"{season[0]}：{days[0]}", f"{season[1]}: {days[1]}"))
    return lines


_ANCHORS: Final[dict[str, Words]] = {
    "term_starts": ("开学", "start of term"), "term_ends": ("学期结束", "end of term"),
    "holiday_starts": ("放假", "start of the holiday"),
}  # fmt: skip


def _freeze(name: str, row: Row, papers: Row) -> list[Words]:
    return [(f"{row['solar'][0]} 至 {row['solar'][1]} 停办", f"closed from {row['solar'][0]} to {row['solar'][1]}")]


def _wipe(name: str, row: Row, papers: Row) -> list[Words]:
    return [(f"毕业年级未办结的，{row['day']} 0 时清理", f"a graduate's open request ends on {row['day']} at 00:00")]


def _reason(name: str, row: Row, papers: Row) -> list[Words]:
    units = _listed([UNIT_NAMES.get(unit, (unit, unit)) for unit in row["units"]])
    return [(f"不予通过的理由：{row['label']}{f'（{units[0]}）' if units[0] else ''}",
             f"a reason for refusing: {row['label_en']}{f' ({units[1]})' if units[1] else ''}")]  # fmt: skip


def _document(name: str, row: Row, papers: Row) -> list[Words]:
    lines: list[Words] = []
    if "largest_bytes" in row:
        lines.append(
            (f"单个文件不超过 {row['largest_bytes']} 字节", f"one file has at most {row['largest_bytes']} bytes")
        )
    if "types" in row:
        lines.append((f"文件类型：{'、'.join(row['types'])}", f"types: {', '.join(row['types'])}"))
    if "blocks" in row:
        events = _listed([LABELS.get(event, (event, event)) for event in row["blocks"]])
        lines.append(_joined(("材料不全不得：", "a missing paper stops: "), events))
    return lines


_ZH, _EN = 0, 1


def _parameter_row(name: str, row: Row, papers: Row) -> list[Words]:
    taken, other = (_halves(row.get(key)) for key in ("value", "other_reading"))
    return [(f"取“{taken[0]}”" + (f"，不取“{other[0]}”" if other[0] else ""),
             f"taken: “{taken[1]}”" + (f", not: “{other[1]}”" if other[1] else ""))]  # fmt: skip


def _halves(value: Any) -> Words:
    if value is None:
        return "", ""
    if isinstance(value, list):
        return "、".join(map(str, value)), ", ".join(map(str, value))
    zh, slash, en = str(value).rpartition(" / ")
    return (zh, en) if slash else (en, en)


_TABLES: Final[dict[str, Callable[[str, Row, Row], list[Words]]]] = {
    "check": _check, "ground": _ground, "also": _also, "limit": _limit, "route": _route, "step": _step,
    "window": _window, "freeze": _freeze, "wipe": _wipe, "reason": _reason, "document": _document,
    "parameter": _parameter_row, "kept": _kept,
}  # fmt: skip


def other_reading(row: Row) -> Words | None:
    """How else the text could be read, where it could."""
    found = row.get("other_reading")
    if found is None:
        return None
    if isinstance(found, dict):
        text = json.dumps(found, ensure_ascii=False)
        return text, text
    return _halves(found)


# --- Words ---


def _fact(fact: str) -> Words:
    return _FACTS.get(fact) or fact_named(fact.removeprefix("data."))


def _value(fact: str, value: Any) -> Words:
    if value in GROUNDS and fact == "ground":
        return GROUNDS[value]
    if isinstance(value, str) and value in STATUSES and fact == "status":
        return STATUSES[value].label, STATUSES[value].label_en
    if isinstance(value, str) and fact == "stage":
        return stage_named(value)
    if isinstance(value, str) and value in _VALUES:
        return _VALUES[value]
    return value_named(fact.removeprefix("data."), value)


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _listed(words: Iterable[Words], zh: str = "、", en: str = ", ") -> Words:
    pairs = list(words)
    return zh.join(pair[_ZH] for pair in pairs), en.join(pair[_EN] for pair in pairs)


def _joined(first: Words, then: Words) -> Words:
    return first[_ZH] + then[_ZH], first[_EN] + (" " if not first[_EN].endswith(" ") else "") + then[_EN]
