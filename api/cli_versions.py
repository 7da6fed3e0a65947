"""`policy diff`, `replay`, `publish`: what a version changes, whom it would have met, how it comes into force."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import date, datetime
from difflib import unified_diff
from pathlib import Path

import click

from api.cli_wiring import built_service, signed_in
from api.policy_words import difference_line
from states.definition import Definition
from states.pack_diff import differences
from states.replay import FATES, OUTCOMES
from workflow_service.actors import Actor
from workflow_service.models.columns import from_micros
from workflow_service.pack_files import PackFile, find_packs
from workflow_service.pack_versions import Version, find_versions
from workflow_service.publication import (
    YEAR,
    Candidate,
    check_may_publish,
    examine,
    proposal_of,
    proposal_to_sign,
    propose,
    sign,
)
from workflow_service.replay import Report
from workflow_service.replay import replay as replayed
from workflow_service.service import Service


@click.command()
@click.argument("before")
@click.argument("after")
@click.option("--kind", help="This kind of request only, e.g. transfer.")
@click.option("--json", "as_json", is_flag=True, help="A list of objects, without the text.")
def diff(before: str, after: str, kind: str | None, as_json: bool) -> None:
    """Compare two packs by rule: stricter, looser, different, added, removed, wording.

    A pack is named by its id as it ships (nenjiang-k12, nenjiang-k12/transfer), by a file or its folder, or as it was
    stored with its version (nenjiang-k12@1). The difference of the two texts follows beneath: what no rule compares is
    seen there.

    \b
    Example:
      workflow-service policy diff national-k12 beijing-k12
      workflow-service policy diff nenjiang-k12@1 drafts/nenjiang-k12/transfer.toml
    """
    old, new = (find_versions(name, kind, built_service) for name in (before, after))
    kinds = [one for one in dict.fromkeys([*old, *new]) if (one in old and one in new) or (len(old) > 1 < len(new))]
    if not kinds:
        raise click.ClickException(f"{before} has {', '.join(old)}; {after} has {', '.join(new)}: none is in both")
    if as_json:
        found = [asdict(one) for each in kinds if each in old and each in new
                 for one in differences(old[each].definition, new[each].definition)]  # fmt: skip
        click.echo(json.dumps(found, ensure_ascii=False, indent=2))
        return
    for each in kinds:
        for line in _diff_lines(old.get(each), new.get(each), each, len(kinds) > 1):
            click.echo(line)


def _diff_lines(old: Version | None, new: Version | None, kind: str, several: bool) -> Iterator[str]:
    if old is None or new is None:
        yield f"{'新增 added' if old is None else '取消 removed'}  {kind}"
        return
    if several:
        yield f"== {kind}"
    yield from map(difference_line, differences(old.definition, new.definition))
    yield ""
    texts = (old.text, new.text) if old.text and new.text else (old.consolidated, new.consolidated)
    a, b = (text.splitlines() for text in texts)
    yield from unified_diff(a, b, f"a/{old.name}", f"b/{new.name}", lineterm="")


@click.command()
@click.argument("pack")
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), required=True, help="Decisions from this legal day on.")
@click.option("--file", "file", type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="Replay under this draft; default the pack as it ships.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="One object per kind instead of words.")
def replay(pack: str, since: datetime, file: Path | None, as_json: bool) -> None:
    """Judge past decisions again under another version of their pack, on the facts as they were judged then.

    What turns from yes to no or from no to yes is grouped by the rules that refuse now (+) or no longer (−), with the
    request with the smallest number as example. What was refused when it was submitted or decided is judged again too,
    the last time by the same rules. Open requests that would lapse, get stuck, change holder or move their
    due date stand apart. Families who never applied because the old rule said no cannot be seen.

    \b
    Example:
      workflow-service policy replay nenjiang-k12 --since 2026-08-01 --file drafts/nenjiang-k12/transfer.toml
      workflow-service policy replay nenjiang-k12/transfer --since 2026-08-01
    """
    service = built_service()
    shelf, files = find_packs(str(file) if file else pack)
    for one in _named(files, pack):
        report = replayed(service, shelf.definition(one.file), since.date(), _progress)
        if as_json:
            click.echo(json.dumps({"file": one.name, **report.as_json()}, ensure_ascii=False))
            continue
        click.echo(f"{one.name} {since.date()}：")
        for line in report_lines(report):
            click.echo(f"  {line}")


def _named(files: Iterable[PackFile], pack: str) -> list[PackFile]:
    """Those of the files that are the pack's, or its kind's: `pack` or `pack/kind`."""
    found = [one for one in files if one.name == pack or one.file.startswith(f"{pack}/")]
    if not found:
        raise click.ClickException(f"{', '.join(one.name for one in files)} is not of {pack}")
    return found


def _progress(done: int, total: int) -> None:
    click.echo(f"[{done}/{total}] judged again", err=True)


def report_lines(report: Report) -> Iterator[str]:
    """A replay in words, the largest groups first."""
    counts = "，".join(f"{zh} {en} {report.counts[outcome]}" for outcome, (zh, en) in OUTCOMES.items())
    yield f"裁决 decisions {report.judged}（当时不通过 refused then {report.refused}）：{counts}"
    for (outcome, rules), group in sorted(report.groups.items(), key=lambda item: -item[1].count):
        zh, en = OUTCOMES[outcome]
        yield f"{zh} {en}  {rules or '—'}  {group.count} 件；例 e.g. {group.example}：{group.why}"
    yield f"在办 open {report.open_requests}"
    for fate, group in report.open.items():
        zh, en = FATES[fate]
        yield f"{zh} {en}  {group.count} 件；例 e.g. {group.example}：{group.why}"


@click.command()
@click.argument("pack")
@click.argument("file")
@click.option("--as", "username", required=True, help="Who proposes or signs: an account.")
@click.option("--password", prompt=True, hide_input=True, help="That account's password; asked for where not given.")
@click.option("--sign", "signing", is_flag=True, help="Sign what another person proposed, and so publish it.")
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="Replay decisions from this day on; default a year.")
def publish(pack: str, file: str, username: str, password: str, signing: bool, since: datetime | None) -> None:
    """Publish a version of a pack: one person proposes it, another one signs the very same text.

    FILE is the draft, or `shipped`. The gate: the linter finds nothing, every case is signed and comes out, no mutant
    survives, and the day it comes into force is not past. Difference and replay are shown, and kept with the proposal.

    \b
    Example:
      workflow-service policy publish nenjiang-k12/transfer drafts/nenjiang-k12/transfer.toml --as county1
      workflow-service policy publish nenjiang-k12/transfer drafts/nenjiang-k12/transfer.toml --as admin --sign
    """
    service = built_service()
    actor = signed_in(service, username, password)
    check_may_publish(service, actor, pack.partition("/")[0])
    shelf, files = find_packs(pack if file == "shipped" else file)
    wanted = _named(files, pack)
    if len(wanted) != 1:
        raise click.ClickException(f"name one kind: {', '.join(one.name for one in wanted)}")
    _in_turn(service, actor, shelf.definition(wanted[0].file), signing)
    start = since.date() if since else service.clocks.now().date() - YEAR
    candidate = examine(service, shelf, wanted[0], start, lambda line: click.echo(line, err=True))
    for line in _candidate_lines(candidate, start):
        click.echo(line)
    click.echo(_signed(service, actor, candidate) if signing else _proposed(service, actor, candidate))


def _in_turn(service: Service, actor: Actor, definition: Definition, signing: bool) -> None:
    """Refuse at once what the gate would be held up for in vain: it takes its time."""
    if signing:
        proposal_to_sign(service, actor, definition)
    elif known := proposal_of(service, definition):
        at = f"{from_micros(known.proposed_at):%Y-%m-%d %H:%M}"
        raise click.ClickException(f"已于 {at} 提出，由另一人加 --sign 签发 / proposed; another person adds --sign")


def _signed(service: Service, actor: Actor, candidate: Candidate) -> str:
    sign(service, actor, candidate)
    return (f"已发布 published：{candidate.one.name} v{candidate.definition.version}，"
            f"{candidate.definition.valid_from} 起施行 in force from that day")  # fmt: skip


def _proposed(service: Service, actor: Actor, candidate: Candidate) -> str:
    propose(service, actor, candidate)
    return "已提出，须由另一人用 --sign 签发 / proposed; another person publishes it with --sign"


def _candidate_lines(candidate: Candidate, since: date) -> Iterator[str]:
    definition, before = candidate.definition, candidate.before
    yield f"{candidate.one.name} v{definition.version}，sha256 {definition.sha256[:16]}"
    yield f"与 v{before.version} 相比 compared with v{before.version}：" if before else "首次发布 the first version"
    yield from _indented(map(difference_line, candidate.difference))
    yield f"自 {since} 重放 replayed："
    yield from _indented(report_lines(candidate.report))


def _indented(lines: Iterable[str]) -> Iterator[str]:
    return (f"  {line}" for line in lines)
