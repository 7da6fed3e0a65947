"""The other tables of a case file (环节、上传、理由、数字), as the pack has them: compared with what a person wrote."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any, Final

from states.calendar import legal_day
from states.cases.judge import NONE, ROUTES, instant, satisfying
from states.cases.model_calendar import MODEL_CALENDAR
from states.cases.table import CASE_TABLES, SIGNED, UNSIGNED, Block, Table, case_rows
from states.definition import Definition, Route
from states.facts import Facts
from states.plan import fits
from states.windows import windows_in

YEARS: Final = (2026, 2027)
"""The years whose windows stand in the table of numbers: their lunar dates are known."""


def flow_rows(definition: Definition) -> list[tuple[str, ...]]:
    """The rows of 路线: every step of the route that fits; where no condition tells routes apart, 全部."""
    rows: list[tuple[str, ...]] = []
    for name, facts in _situations(definition):
        for route in definition.routes:
            if fits(tuple(route.when.items()), facts):
                rows += [_flow_row(definition, name, route, state, facts) for state in route.steps]
    return rows


def _situations(definition: Definition) -> Iterator[tuple[str, Facts]]:
    """Where the schools lie; for routes that ask something else, each by its own condition."""
    start = instant("2026-09-03")
    asked = {fact for route in definition.routes for fact in route.when}
    if asked <= {"same_bureau", "same_province"} and asked:
        for name, (same_bureau, same_province) in ROUTES.items():
            yield name, Facts(now=start, calendar=MODEL_CALENDAR, same_bureau=same_bureau, same_province=same_province)
        return
    for route in definition.routes:
        words = "; ".join(f"{fact}={' '.join(map(_word, values))}" for fact, values in route.when.items())
        yield words or "全部", Facts(now=start, calendar=MODEL_CALENDAR).patched(satisfying(route.when))


def _word(value: Any) -> str:
    return {True: "是", False: "否", None: "空"}[value] if isinstance(value, bool | None) else str(value)


def _flow_row(definition: Definition, name: str, route: Route, state: str, facts: Facts) -> tuple[str, ...]:
    step = definition.steps[state]
    days, rule = f"{step.working_days}", step.limit.rule
    for shared in definition.shared_limits:
        if state in shared.steps and fits(tuple(shared.when.items()), facts):
            days, rule = f"{days}，合计 {shared.working_days}", f"{rule} {shared.cite.rule}"
    return (name, route.cite.rule, route.starter, state, " ".join(step.holders), step.role, " ".join(step.events), days,
            step.silence, rule)  # fmt: skip


def refusal_rows(definition: Definition) -> list[tuple[str, ...]]:
    """The rows of 拒绝: of the steps that some route goes through."""
    used = {state for route in definition.routes for state in route.steps}
    rows: list[tuple[str, ...]] = []
    for state, step in definition.steps.items():
        if "reject" in step.events and state in used:
            codes = [r.code for r in definition.reasons if not r.units or set(r.units) & set(step.holders)]
            rows.append((state, " ".join(codes)))
    return rows


def number_rows(definition: Definition) -> list[tuple[str, ...]]:
    """The rows of 数字; of the parameters only those of this very pack that a program reads."""
    wipe = definition.graduating_wipe
    rows: list[tuple[str, ...]] = [
        ("有效期自", definition.valid_from),
        ("退回补正（工作日）", f"{definition.returned_days} {definition.returned_limit.rule}"),
        ("草稿保留（日）", f"{definition.draft_days} {definition.draft_limit.rule}"),
        ("单个文件上限（字节，SYS-09）", f"{definition.document_limit}"),
        ("文件类型（SYS-09）", " ".join(definition.document_types)),
        ("材料不全不得", f"{' '.join(definition.papers_block)} {definition.missing_papers.rule}"),
        ("毕业年级未办结业务清理", " ".join((wipe[1], wipe[0].rule)) if wipe else NONE),
        ("填写的事实", " ".join(definition.facts)),
    ]
    if definition.valid_to:
        rows.insert(1, ("有效期至", definition.valid_to))
    optional = (need for need in definition.requirements if need.optional)
    rows += [(f"可附材料 {need.cite.rule}", " 或 ".join(map("＋".join, need.any_of))) for need in optional]
    rows += [(f"随办理填写 {step.state}", " ".join(step.brings)) for step in definition.steps.values() if step.brings]
    rows += [(f"冻结期 {freeze.id}", f"{freeze.first} 至 {freeze.last}") for freeze in definition.freezes]
    for rule in definition.windows:
        for year in YEARS:
            for window in windows_in(rule, MODEL_CALENDAR, year):
                last = legal_day(window.closes) - timedelta(days=1)
                rows.append((f"受理窗口 {rule.id} {year} {window.season}", f"{legal_day(window.opens)} 至 {last}"))
    rows += [
        (f"参数 {name}", _plain(row["value"])) for name, row in definition.parameters.items()
        if "shown" in row and row["pack"] == definition.pack
    ]  # fmt: skip
    return rows


def _plain(value: Any) -> str:
    return " ".join(map(_word, value)) if isinstance(value, list) else _word(value)


def upload_rows(definition: Definition) -> list[tuple[str, ...]]:
    """The rows of 上传: the papers that the applicant does not bring with the draft."""
    starters = sorted({route.starter for route in definition.routes})
    usual = "destination_school" if "destination_school" in starters else starters[0]
    return [
        (f"{' 或 '.join('＋'.join(bundle) for bundle in r.any_of)}", r.cite.rule, r.at, r.by, r.side)
        for r in definition.requirements
        if (r.at, r.by, r.side) != ("draft", usual, "destination")
    ]


RENDERED: Final[Mapping[str, Callable[[Definition], list[tuple[str, ...]]]]] = {
    "上传": upload_rows,
    "路线": flow_rows,
    "拒绝": refusal_rows,
    "数字": number_rows,
}


TITLES: Final = {
    "上传": "上传：不由申请学校随件提交的材料。", "路线": "流程：每条流程的每个环节。",
    "拒绝": "不予通过：各环节可用的理由。", "数字": "其他数字。",
}  # fmt: skip


def with_tables(definition: Definition, blocks: Iterable[Block], signed: str = UNSIGNED) -> list[Block]:
    """The file with these tables as the pack has them now, those that were not there yet at its end.

    A row that no person wrote is marked `？`: the pack cannot say of itself that it is right. `signed` (who and when)
    takes the place of a mark that stood there already, so that nobody signs what he has not seen.
    """
    found: list[Block] = []
    missing = dict(RENDERED)
    for block in blocks:
        if isinstance(block, Table) and block.name in RENDERED:
            missing.pop(block.name, None)
            block = _table(definition, block.name, block, signed)
        found.append(block)
    for name in missing:
        if RENDERED[name](definition):
            found += ["", f"## {TITLES[name]}", "", _table(definition, name, Table(name, (), ()), signed)]
    return found


def _table(definition: Definition, name: str, before: Table, signed: str) -> Table:
    columns = CASE_TABLES[name][:-1]
    said = {tuple(row[column] for column in columns): row.get(SIGNED, "") for _, row in before.rows}
    marks = {**said, **{row: signed for row, mark in said.items() if mark == UNSIGNED}}
    rows = [{**dict(zip(columns, row, strict=True)), SIGNED: marks.get(row, UNSIGNED)}
            for row in RENDERED[name](definition)]  # fmt: skip
    shown = CASE_TABLES[name] if any(row[SIGNED] for row in rows) else columns
    return Table(name, shown, tuple(enumerate(rows)))


def rows_of(text: str, table: str) -> list[tuple[str, ...]]:
    """The rows of a table as a person wrote them, without who signed them."""
    return [tuple(row.values())[:-1] for name, _, row in case_rows(text) if name == table]


def differing(definition: Definition, text: str) -> Iterator[tuple[str, tuple[str, ...], str]]:
    """(table, row, how) of every row that is not as it should be.

    缺 where only the pack has it, 多 where only a person has, 未签 where the pack wrote it and nobody has read it.
    """
    for name, _, cells in case_rows(text):
        if name in RENDERED and cells[SIGNED] == UNSIGNED:
            yield name, tuple(cells.values())[:-1], "未签"
    for table, rows in RENDERED.items():
        found, said = rows(definition), rows_of(text, table)
        yield from ((table, row, "缺") for row in found if row not in said)
        yield from ((table, row, "多") for row in said if row not in found)
        if found != said and sorted(found) == sorted(said):
            yield table, (), "次序"
