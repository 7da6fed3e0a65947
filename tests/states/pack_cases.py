"""The case tables of the shipped packs, judged by the product itself (`states.cases`)."""

from __future__ import annotations

from collections.abc import Iterator

from states.cases import judge, rendered
from states.cases.judge import Case, Judged, forget, instant, plan_for, refusing, wrong
from states.cases.rendered import RENDERED
from states.definition import Definition
from tests.states.definitions import POLICIES, shipped

__all__ = ["RENDERED", "Case", "Judged", "cases", "forget", "instant", "judged", "plan_for", "refusing", "rows_of",
           "text_of", "wrong"]  # fmt: skip


def text_of(pack: str, kind: str = "transfer") -> str:
    return (POLICIES / pack / f"{kind}.cases.md").read_text("utf-8")


def cases(pack: str, kind: str = "transfer") -> Iterator[Case]:
    return judge.cases_in(pack, text_of(pack, kind))


def judged(case: Case, definition: Definition) -> Judged:
    return judge.judged(case, definition, shipped())


def rows_of(pack: str, table: str, kind: str = "transfer") -> list[tuple[str, ...]]:
    return rendered.rows_of(text_of(pack, kind), table)
