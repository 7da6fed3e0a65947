"""`policy cases`, `fmt`, `mutants`: what a pack makes of its cases, and what its cases would not notice (情形)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path

import click

from api.policy_words import traced_line
from states.cases.gate import Outcome, noticed, outcomes, sound, tables_wrong
from states.cases.mutants import mutants
from states.cases.propose import proposals
from states.cases.rendered import differing, with_tables
from states.cases.shelf import Shelf
from states.cases.table import CASES, SIGNED, UNSIGNED, CaseError, read_blocks, with_cases, written
from workflow_service.case_workbook import read_workbook, rows_in, write_workbook
from workflow_service.pack_files import PackFile, find_packs

SHOWN = ("no", "pending", "waived")
"""Answers that a failing row is explained by; what held or does not apply explains nothing."""


@click.command()
@click.argument("pack")
@click.argument("kind", required=False)
@click.option("--xlsx", type=click.Path(dir_okay=False, path_type=Path), help="Write the rows into this workbook.")
@click.option("--from", "source", type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="Read the rows from this workbook and write them into the case files.")  # fmt: skip
@click.option(
    "--by",
    help="Who says so; it is noted beside every result that --from changes, and beside the rows that "
    "--tables had marked ？ before.",
)
@click.option(
    "--tables",
    is_flag=True,
    help="Write the tables of steps, papers, refusals and numbers anew; what that "
    "changes is marked ？ until somebody signs it with --by.",
)
@click.option("--propose", is_flag=True, help="Add rows at every edge, their result left open for a person.")
def cases(
    pack: str, kind: str | None, xlsx: Path | None, source: Path | None, by: str | None, tables: bool, propose: bool
) -> None:
    """Judge the cases beside a pack: which come out as a person said, which do not, which nobody has signed.

    A pack is named by its id, or a draft by its file or folder. In the workbook an empty 规则 is a row that nobody has
    judged, 无 is one that nothing refuses.

    \b
    Example:
      workflow-service policy cases nenjiang-k12
      workflow-service policy cases nenjiang-k12 transfer --propose --xlsx cases.xlsx
      workflow-service policy cases nenjiang-k12 transfer --from cases.xlsx --by 张老师
      workflow-service policy cases nenjiang-k12 transfer --tables --by 张老师
    """
    shelf, files = find_packs(pack, kind)
    if source:
        shelf = _take_in(shelf, files, source, by)
    if tables:
        shelf = _tables(shelf, files, by)
    if propose:
        shelf = _propose(shelf, files)
    if xlsx:
        write_workbook(xlsx, {one.path.stem: shelf.case_text(one.file) for one in files})
        click.echo(f"{xlsx}: {len(files)} sheet(s)", err=True)
    bad = sum([_report(shelf, one) for one in files])
    if bad:
        raise click.ClickException(f"{bad} row(s) do not come out as they should, or are not signed")


def _report(shelf: Shelf, one: PackFile) -> int:
    """Print what came of one pack's cases; how many are not as they should be."""
    found = list(outcomes(shelf, one.file))
    differing = tables_wrong(shelf, one.file)
    for outcome in found:
        for line in _outcome_lines(one, outcome):
            click.echo(line)
    for line in differing:
        click.echo(f"表格不符 differs  {one.cases.name} {line}")
    count = {state: sum(outcome.state == state for outcome in found) for state in ("passed", "failed", "unsigned")}
    click.echo(f"{one.name}：{count['passed']} 行相符 passed，{count['failed']} 行不符 failed，"
               f"{count['unsigned']} 行未签 unsigned，{len(differing)} 行表格不符 tables")  # fmt: skip
    return count["failed"] + count["unsigned"] + len(differing)


def _outcome_lines(one: PackFile, outcome: Outcome) -> Iterator[str]:
    where = f"{one.cases.name}:{outcome.case.line} {outcome.case.cells[CASES]}"
    if outcome.state == "unsigned":
        yield f"未签 unsigned  {where}"
    if outcome.state != "failed":
        return
    yield f"不符 failed  {where}"
    if outcome.until:
        yield (f"     预期 expected：{'、'.join(outcome.expected) or '无'} {outcome.case.cells['何时']}"
               f"　实得 got：{'、'.join(outcome.got) or '无'} {outcome.until}")  # fmt: skip
    yield f"     {outcome.wrong}"
    yield from (f"     · {traced_line(traced)}" for traced in outcome.traced if traced.answer in SHOWN)


def _take_in(shelf: Shelf, files: list[PackFile], source: Path, by: str | None) -> Shelf:
    """Rewrite the case files from a workbook; nothing is written where anything cannot be read."""
    sheets = read_workbook(source)
    texts: dict[str, str] = {}
    for one in files:
        if one.path.stem not in sheets:
            raise click.ClickException(f"{source.name} has no sheet {one.path.stem}; it has {', '.join(sheets)}")
        old = {row[CASES]: row for row in rows_in(shelf.case_text(one.file))}
        rows = [_signed(row, old.get(row[CASES], {}), by) for row in sheets[one.path.stem]]
        texts[f"{one.name}.cases.md"] = written(with_cases(read_blocks(shelf.case_text(one.file)), rows))
    changed = shelf.with_files({}, texts)
    for one in files:
        unread = [o for o in outcomes(changed, one.file) if o.state == "failed" and not o.until]
        if unread:
            raise click.ClickException("\n".join(f"{source.name}: {outcome.wrong}" for outcome in unread))
    for one in files:
        one.cases.write_text(texts[f"{one.name}.cases.md"], encoding="utf-8")
        click.echo(f"{one.cases}: {len(changed.rows(one.file))} row(s)", err=True)
    return changed


def _signed(row: dict[str, str], old: Mapping[str, str], by: str | None) -> dict[str, str]:
    """The row with who judged it, where its result is another one than before."""
    result = ("规则", "何时")
    same = bool(old) and all(row.get(key, "") == old.get(key, "") for key in result)
    if same or row["规则"] == UNSIGNED:
        return row
    if not by:
        raise click.ClickException(f"the result of “{row[CASES]}” is new or changed: say with --by whose word it is")
    return {**row, SIGNED: _today(by)}


def _today(by: str) -> str:
    """Who signs and when: a matter of the real calendar, whatever day a demo stands at."""
    return f"{by} {date.today()}"  # noqa: DTZ011


def _tables(shelf: Shelf, files: list[PackFile], by: str | None) -> Shelf:
    """Write what the packs say of steps and numbers into the case files; what that changes is for a person to read."""
    texts = {}
    for one in files:
        for table, row, how in differing(shelf.definition(one.file), shelf.case_text(one.file)):
            done = "改写 rewritten" if how != "未签" else "签认 signed" if by else "未签 unsigned"
            click.echo(f"{done}  {one.cases.name} {table} {how} {' | '.join(row)}".rstrip())
        blocks = read_blocks(shelf.case_text(one.file)) or [f"# {shelf.definition(one.file).title}：情形"]
        texts[f"{one.name}.cases.md"] = written(
            with_tables(shelf.definition(one.file), blocks, _today(by) if by else UNSIGNED)
        )
        one.cases.write_text(texts[f"{one.name}.cases.md"], encoding="utf-8")
    return shelf.with_files({}, texts)


def _propose(shelf: Shelf, files: list[PackFile]) -> Shelf:
    texts = {}
    for one in files:
        rows = proposals(shelf, one.file)
        click.echo(f"{one.name}: {len(rows)} row(s) proposed", err=True)
        text = written(with_cases(read_blocks(shelf.case_text(one.file)), rows, add=True))
        texts[f"{one.name}.cases.md"] = text
        one.cases.write_text(text, encoding="utf-8")
    return shelf.with_files({}, texts)


@click.command()
@click.argument("pack")
@click.argument("kind", required=False)
@click.option("--check", is_flag=True, help="Change nothing; only say which files are not aligned.")
def fmt(pack: str, kind: str | None, check: bool) -> None:
    """Align the case tables beside a pack; no cell changes.

    \b
    Example:
      workflow-service policy fmt nenjiang-k12
      workflow-service policy fmt drafts/my-county --check
    """
    shelf, files = find_packs(pack, kind)
    changed = []
    for one in files:
        text = shelf.case_text(one.file)
        aligned = written(read_blocks(text))
        if aligned != text:
            changed.append(str(one.cases))
            if not check:
                one.cases.write_text(aligned, encoding="utf-8")
    for name in changed:
        click.echo(name)
    if check and changed:
        raise click.ClickException(f"{len(changed)} file(s) are not aligned")


@click.command("mutants")
@click.argument("pack")
@click.argument("kind", required=False)
def list_mutants(pack: str, kind: str | None) -> None:
    """Change every number, paper, exception and date of a pack by one edit, and list what no case would notice.

    A frame that several kinds share is named in full, common/frame; the cases of those kinds must notice its changes.

    \b
    Example:
      workflow-service policy mutants nenjiang-k12
      workflow-service policy mutants drafts/my-county/transfer.toml
    """
    shelf, files = find_packs(pack, kind)
    alive = 0
    for one in files:
        if one.path.stem != "frame" and not sound(shelf, one.file):
            raise click.ClickException(
                f"{one.name}: its own cases fail, or there are none; `policy cases {pack}` says which"
            )
        survived = list(_survivors(shelf, one))
        for line in survived:
            click.echo(f"存活 survives  {line}")
        alive += len(survived)
    if alive:
        raise click.ClickException(f"{alive} mutant(s) survive: nothing would notice such a change")


def _survivors(shelf: Shelf, one: PackFile) -> Iterator[str]:
    excused = shelf.excused(one.file)
    all_ = list(mutants(shelf.chain(one.file)))
    for number, mutant in enumerate(all_, 1):
        if (mutant.where, mutant.edit) not in excused and noticed(shelf, mutant) is None:
            yield f"{one.name}: {mutant.where}: {mutant.edit}"
        if number % 50 == 0 or number == len(all_):
            click.echo(f"[{number}/{len(all_)}] {one.name}", err=True)


__all__ = ["CaseError", "cases", "fmt", "list_mutants"]
