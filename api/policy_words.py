"""Rules and reasons as the command line prints them (规则说明): Chinese first, English beneath."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from itertools import groupby
from typing import Any

from states.cases.exercise import Exercised, Stated, exercised, stated
from states.cases.shelf import Shelf
from states.catalogue import Entry, answering
from states.decide import explain
from states.definition import Citation
from states.facts import Facts
from states.joint_cure import joint_cure
from states.kinds import KINDS
from states.pack_diff import WORDS, Difference
from states.pack_rules import ListedRule, listed_rules, scenarios
from states.plan import STATE_LABELS, Plan
from states.rule_words import other_reading, row_words
from states.rules.wording import UNIT_NAMES, day_named, end_named
from states.trace import ANSWERS, Traced, dated, trace
from states.verdict import Cure, Reason

BASES = {"read": "有原文", "inferred": "推定", "decided": "本系统约定", "unseen": "未见原文"}
"""How a rule is founded, as it is shown wherever it is named; only what was read needs no mark."""
BASES_BOTH = {
    "read": (BASES["read"], "read"), "inferred": (BASES["inferred"], "inferred"),
    "decided": (BASES["decided"], "decided here"), "unseen": (BASES["unseen"], "text not seen"),
}  # fmt: skip


def listed(shelf: Shelf, file: str) -> Iterator[dict[str, Any]]:
    """Every rule of a pack; `stated_by` is the pack whose file it stands in.

    `scenario` is what shows it at work: a case that this very row refuses or lets by, else what names it (a case, a
    step, a number), else a case of another row of its rule. `not_software` says why there is none.
    """
    definition, cases = shelf.definition(file), shelf.case_text(file)
    at_work, named = exercised(shelf, file), scenarios(cases)
    rules = list(listed_rules(definition))
    of_rule: dict[str, dict[str, None]] = defaultdict(dict)
    for rule in rules:
        of_rule[rule.cite.rule] |= dict.fromkeys((*at_work[rule.row].no, *at_work[rule.row].yes))
    for rule in rules:
        found = (*at_work[rule.row].no, *at_work[rule.row].yes) or ((rule.shown,) if rule.shown else ())
        found = found or named.get(rule.id) or named.get(rule.cite.rule) or tuple(of_rule[rule.cite.rule])
        if rule.kind == "step" and not found and cases:
            found = (f"路线 {rule.id}",)  # Steps stand in the table of routes by their names, not by a rule's id.
        yield {
            "pack": definition.pack, "of": definition.kind, "version": definition.version, "rule": rule.cite.rule,
            "id": rule.id, "kind": rule.kind, "article": rule.cite.article, "basis": rule.cite.basis,
            "stated_by": rule.cite.pack,
            "scenario": found[0] if found and rule.software else None,
            "scenarios": list(found) if rule.software else [],
            "refuses": at_work[rule.row].no, "lets_by": at_work[rule.row].yes,
            "not_software": rule.because if not rule.software or not found else None,
            "because": rule.because, "value": rule.value, "other_reading": rule.other_reading,
        }  # fmt: skip


def unanswered(catalogue: Iterable[Entry], rules: Iterable[ListedRule]) -> Iterator[dict[str, Any]]:
    """The rules of the catalogue that no pack answers for, in the form of `listed`: each is a gap."""
    known = {entry.id: entry for entry in catalogue}
    for id_, found in answering(rules, known).items():
        if not found:
            yield {
                "pack": None, "of": None, "version": None, "rule": id_, "id": id_, "kind": "missing",
                "article": known[id_].section, "basis": None, "stated_by": None, "scenario": None, "scenarios": [],
                "refuses": [], "lets_by": [], "not_software": None, "because": known[id_].text,
                "value": None, "other_reading": None,
            }  # fmt: skip


def rule_lines(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """The list for people: under each pack a line for the rule and one for what shows it, or why nothing does."""
    pack = None
    for row in rows:
        if (row["pack"], row["of"]) != pack:
            pack = row["pack"], row["of"]
            title = f"{row['pack']} {KINDS[row['of']].label} v{row['version']}" if row["of"] else "没有规则包回答的条目"
            yield title
        name = row["rule"] if row["id"] == row["rule"] else f"{row['rule']} [{row['id']}]"
        yield f"  {name}  {row['article']}  〔{BASES[row['basis']]}〕"
        if row["kind"] != "parameter" and row["not_software"]:
            yield f"      不由软件执行：{row['not_software']}"
        elif row["kind"] == "parameter":
            yield f"      取“{_zh(row['value'])}”，不取“{_zh(row['other_reading'])}”：{row['because']}"
        else:
            more = f"，另 {len(row['scenarios']) - 1} 例" if len(row["scenarios"]) > 1 else ""
            yield f"      见：{row['scenario'] or '—'}{more}"


def _zh(text: Any) -> str:
    """The Chinese half of a text that is written "中文 / English"."""
    return "、".join(map(str, text)) if isinstance(text, list) else str(text).rsplit(" / ", 1)[0]


def difference_line(difference: Difference) -> str:
    """One difference: the word, the rule, what of it, before and after."""
    zh, en = WORDS[difference.word]
    where = " ".join(part for part in (f"[{difference.table}]", difference.id, difference.what) if part)
    if difference.before is None and difference.after is None:
        return f"{zh} {en}  {where}"
    return f"{zh} {en}  {where}：{_short(difference.before)} → {_short(difference.after)}"


def _short(value: Any) -> str:
    return "—" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def explained(plan: Plan, facts: Facts, event: str | None, everything: bool) -> Iterator[str]:
    """What is allowed, every reason why not, what clears it, by whom and until when; with `everything` each rule."""
    label = plan.definition.steps[facts.state].label if plan.step(facts.state) else STATE_LABELS[facts.state][0]
    packs = " ← ".join(f"{d.pack} v{d.version}" for d in (plan.definition, plan.origin))
    yield f"{label}（{facts.state}）  {packs}  {_cited(plan.route.cite)}"
    told: dict[tuple[tuple[str, str], ...], str] = {}
    for verdict in explain(plan, facts):
        if event not in (None, verdict.event):
            continue
        yield f"{'可以' if verdict.allowed else '不可'} {verdict.event}  {verdict.label} / {verdict.label_en}"
        same = tuple((reason.cite.rule, reason.no.message) for reason in verdict.blocked_by)
        if same in told:
            yield f"  原因同“{told[same]}” / for the same reasons"
        elif same:
            told[same] = verdict.label
            for number, reason in enumerate(dated(plan, facts, verdict.blocked_by), 1):
                yield from _reason_lines(number, reason)
            yield f"  {_together(plan, facts, verdict.event)}"
        if everything:
            for traced in trace(plan.by_event[facts.state, verdict.event], facts):
                yield f"  · {traced_line(traced)}"


def _reason_lines(number: int, reason: Reason) -> Iterator[str]:
    yield f"  {number}. {reason.no.message}"
    yield f"     {reason.no.message_en}"
    yield f"     依据 {_cited(reason.cite)}"
    for kind, rule in reason.no.other_kinds:
        yield f"     可改办：{KINDS[kind].label}（{rule}） / instead: {KINDS[kind].label_en}"
    if not reason.no.cures:
        yield "     没有办法可以补救 / nothing clears it"
    for count, cure in enumerate(reason.no.cures):
        yield f"     {'办法' if not count else '或者'}：{cure_words(cure)} / {cure.text_en}"


def cure_words(cure: Cure) -> str:
    """Who does what, and until when; for waiting, from when."""
    if cure.do == "wait":
        return cure.text
    who = UNIT_NAMES.get(cure.who, (cure.who, ""))[0]
    return f"{who}：{cure.text}{f'（{end_named(cure.until)} 前）' if cure.until else ''}"


def rule_explained(shelf: Shelf, rule: str, language: str = "zh") -> Iterator[str]:
    """Everything that is known of a rule: where it stands, how it is founded, what it asks, what shows it at work."""
    side = 1 if language == "en" else 0
    for file, rows in groupby(stated(shelf, rule), key=lambda one: one.file):
        yield file.removesuffix(".toml")
        found = {} if file.endswith("/frame.toml") else exercised(shelf, file)
        for one in rows:
            yield from (f"  {line}" for line in _stated_lines(one, side))
            if shown := found.get(one.place):
                yield from (f"  {line}" for line in _exercised_lines(shown, side))


def _stated_lines(one: Stated, side: int) -> Iterator[str]:
    colon = "：" if side == 0 else ": "
    yield f"[{one.table}] {one.cite.rule if one.id == one.cite.rule else f'{one.cite.rule} [{one.id}]'}"
    yield f"  {('依据', 'Source')[side]}{colon}{one.cite.article}〔{BASES_BOTH[one.cite.basis][side]}〕"
    for words in row_words(one.table, one.id, one.row, one.papers):
        yield f"  {words[side]}"
    if one.row.get("because"):
        yield f"  {('说明', 'Because')[side]}{colon}{one.row['because']}"
    reading = other_reading(one.row)
    if reading and one.table != "parameter":
        yield f"  {('另解', 'Other reading')[side]}{colon}{reading[side]}"
    for file, own in one.replaced:
        yield f"  {('被替换', 'Replaced by')[side]}{colon}{file.removesuffix('.toml')} {own}"


def _exercised_lines(cases: Exercised, side: int) -> Iterator[str]:
    for label, names in ((("情形，说“不”：", "Cases that it refuses: "), cases.no),
                         (("情形，通过：", "Cases that it lets by: "), cases.yes)):  # fmt: skip
        if names:
            more = ("；另 {} 例", "; {} more")[side].format(len(names) - 3) if len(names) > 3 else ""
            yield f"{label[side]}{'；'.join(names[:3])}{more}"


def _cited(cite: Citation) -> str:
    mark = "" if cite.basis == "read" else f" ※{BASES[cite.basis]}"
    return f"{cite.rule} {cite.article}{mark}"


def _together(plan: Plan, facts: Facts, event: str) -> str:
    joint = joint_cure(plan, facts, event)
    if joint.dead_end:
        return "即使全部办妥也不能办理 / not even all of it together helps"
    if joint.until is None:
        return "全部办妥即可办理 / possible as soon as all of it is done"
    return f"全部办妥后最早 {day_named(joint.until)} 可以办理 / possible from {day_named(joint.until)}, all of it done"


def traced_line(traced: Traced) -> str:
    """One rule's answer and what it looked at."""
    saw = ", ".join(f"{name}={_plain(value)}" for name, value in traced.saw.items())
    return f"{_cited(traced.cite)}：{ANSWERS[traced.answer][0]}（{saw or '—'}）"


def _plain(value: Any) -> str:
    if isinstance(value, frozenset):
        return "{" + " ".join(sorted(map(str, value))) + "}"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    return value.isoformat() if isinstance(value, date) else str(value)
