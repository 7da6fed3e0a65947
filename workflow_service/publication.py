"""Publishing a pack (规则发布): a gate, a proposal with what it changes, and the signature of a second person.

A published version is a row that never changes. Who proposes has seen the difference and the replay; who signs is
another person, and holds the same text: a proposal is found again by the hash of the compiled pack.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from states.cases.gate import outcomes, survivors, tables_wrong
from states.cases.mutants import mutants
from states.cases.shelf import Shelf
from states.cases.table import CASES
from states.definition import Definition
from states.kinds import KINDS
from states.pack_diff import Difference, differences
from states.pack_linter import lint_pack, lint_pair
from workflow_service.actors import Actor
from workflow_service.db import begin, reading
from workflow_service.errors import Forbidden, ServiceError
from workflow_service.models import Account, PackVersion, PolicyProposal
from workflow_service.pack_files import PackFile
from workflow_service.replay import Report, replay
from workflow_service.schools import is_bureau_registrar
from workflow_service.service import Service
from workflow_service.views.policies import policy_of_organization

YEAR = timedelta(days=365)
"""How far back a proposal is replayed where nobody says otherwise."""
Said = Callable[[str], None]
SIGNED = "这一版已签发 / it is signed already"


@dataclass
class GateShut(ServiceError):
    """The pack may not be published: everything that stands in the way."""

    findings: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join(self.findings)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A pack that passed the gate, with what it would change."""

    one: PackFile
    shelf: Shelf
    definition: Definition
    before: Definition | None
    difference: tuple[Difference, ...]
    report: Report


def newest(service: Service, pack: str, kind: str) -> Definition | None:
    """The newest stored version of a pack for a kind, None where there is none."""
    query = select(PackVersion.id).where(PackVersion.pack == pack, PackVersion.kind == kind)
    with reading(service.engine) as connection:
        found = connection.execute(query.order_by(PackVersion.version.desc()).limit(1)).scalar()
    return None if found is None else service.packs.definition(found)


def examine(service: Service, shelf: Shelf, one: PackFile, since: date | None = None,
            say: Said = lambda line: None) -> Candidate:  # fmt: skip
    """Hold a pack to the gate, then compare it with the newest stored version and replay it.

    Raises `GateShut` with everything in the way, `PackError`, `CaseError`. `say` is told how far it is.
    """
    today = service.clocks.now().date()
    findings = list(_lint(shelf, one.file, today))
    if findings:
        raise GateShut(tuple(findings))
    definition = shelf.definition(one.file)
    before = newest(service, definition.pack, definition.kind)
    findings = [*_dates(definition, before, today), *_cases(shelf, one)]
    if findings:
        raise GateShut(tuple(findings))
    alive = list(_mutants(shelf, one.file, say))
    if alive:
        raise GateShut(tuple(alive))
    say("replaying …")
    report = replay(service, definition, since or today - YEAR, lambda done, total: say(f"[{done}/{total}] replayed"))
    difference = tuple(differences(before, definition)) if before else ()
    return Candidate(one, shelf, definition, before, difference, report)


def _lint(shelf: Shelf, file: str, today: date) -> Iterator[str]:
    """What the linter finds in this file, by itself and beside every other pack of its kind."""
    found = lint_pack(shelf.texts[file], file, shelf.texts.__getitem__, today)
    kind = file.rpartition("/")[2].removesuffix(".toml")
    if not any(one.severity == "error" for one in found) and KINDS[kind].sides == "two":
        own = shelf.chain(file)
        for other in shelf.files(kind=kind):
            found += [*lint_pair(own, shelf.chain(other)), *lint_pair(shelf.chain(other), own)]
    yield from dict.fromkeys(str(one) for one in found if one.file == file and one.severity in ("error", "warning"))


def _dates(definition: Definition, before: Definition | None, today: date) -> Iterator[str]:
    if date.fromisoformat(definition.valid_from) < today:
        yield f"施行日期 {definition.valid_from} 已过（今天 {today}） / in_force.from lies in the past"
    if before and definition.version <= before.version:
        yield (f"版本 {definition.version} 不大于已发布的 {before.version} / version must be greater than "
               f"{before.version}")  # fmt: skip


def _cases(shelf: Shelf, one: PackFile) -> Iterator[str]:
    for outcome in outcomes(shelf, one.file):
        if outcome.state != "passed":
            words = "未签 unsigned" if outcome.state == "unsigned" else f"不符 failed: {outcome.wrong}"
            yield f"{one.cases.name}:{outcome.case.line} {outcome.case.cells[CASES]} {words}"
    for line in tables_wrong(shelf, one.file):
        yield f"{one.cases.name} {line}"


def _mutants(shelf: Shelf, file: str, say: Said) -> Iterator[str]:
    all_ = list(mutants(shelf.chain(file)))
    for start in range(0, len(all_), 50):
        yield from (
            f"存活变异 surviving mutant: {mutant}" for mutant in survivors(shelf, file, all_[start : start + 50])
        )
        say(f"[{min(start + 50, len(all_))}/{len(all_)}] mutants")


# --- Two persons ---


def check_may_publish(service: Service, actor: Actor, pack: str) -> None:
    """Whoever is the system's administrator, or a registrar of a bureau that follows the pack. Raises Forbidden."""
    if "admin" in actor.roles:
        return
    if not is_bureau_registrar(actor) or policy_of_organization(service, actor.organization_id) != pack:
        raise Forbidden(f"您不能发布 {pack} 的规则 / only its bureau's registrar or an administrator publishes {pack}")


def proposal_of(service: Service, definition: Definition) -> Any:
    """The proposal of exactly this text, None where nobody made one."""
    with reading(service.engine) as connection:
        return connection.execute(
            select(PolicyProposal.__table__).where(
                PolicyProposal.pack == definition.pack, PolicyProposal.kind == definition.kind,
                PolicyProposal.version == definition.version, PolicyProposal.sha256 == definition.sha256,
            )
        ).one_or_none()  # fmt: skip


def propose(service: Service, actor: Actor, candidate: Candidate) -> int:
    """Store a proposal; returns its id. Raises Forbidden, GateShut where it is proposed already."""
    definition = candidate.definition
    check_may_publish(service, actor, definition.pack)
    row = {
        "id": service.ids.new_subject(), "pack": definition.pack, "kind": definition.kind,
        "version": definition.version, "sha256": definition.sha256, "content": definition.canonical,
        "text": candidate.shelf.texts[candidate.one.file], "cases": candidate.shelf.case_text(candidate.one.file),
        "difference": [asdict(one) for one in candidate.difference], "replay": candidate.report.as_json(),
        "proposed_by": actor.account_id, "proposed_at": service.clocks.real(), "signed_by": None, "signed_at": None,
    }  # fmt: skip
    try:
        with begin(service.engine) as connection:
            connection.execute(insert(PolicyProposal), row)
    except IntegrityError as error:
        raise GateShut(("这一版已有人提出 / this very text is proposed already",)) from error
    return int(str(row["id"]))


def proposal_to_sign(service: Service, actor: Actor, definition: Definition) -> Any:
    """The proposal of this very text that somebody else made. Raises Forbidden, GateShut where there is none."""
    check_may_publish(service, actor, definition.pack)
    proposal = proposal_of(service, definition)
    if proposal is None:
        raise GateShut(("没有这一版的提案 / nobody has proposed this text",))
    if proposal.signed_by is not None:
        raise GateShut((SIGNED,))
    if _person(service, proposal.proposed_by) == actor.person_id:
        raise Forbidden(
            "提出人不能自己签发，须由另一人签发 / whoever proposed it does not sign it; another person does"
        )
    return proposal


def sign(service: Service, actor: Actor, candidate: Candidate) -> int:
    """Sign the proposal of this very text, and so publish it; returns the id of the version.

    Raises Forbidden (the same person, or nobody who may), GateShut (no proposal, signed already, number taken).
    """
    definition = candidate.definition
    proposal = proposal_to_sign(service, actor, definition)
    version = {
        "id": service.ids.new_subject(), "pack": definition.pack, "kind": definition.kind,
        "version": definition.version, "sha256": definition.sha256, "content": definition.canonical,
        "valid_from": date.fromisoformat(definition.valid_from),
        "valid_to": date.fromisoformat(definition.valid_to) if definition.valid_to else None,
        "published_at": service.clocks.real(), "published_by": actor.account_id,
    }  # fmt: skip
    try:
        with begin(service.engine) as connection:
            signed = connection.execute(
                update(PolicyProposal)
                .where(PolicyProposal.id == proposal.id, PolicyProposal.signed_by.is_(None))
                .values(signed_by=actor.account_id, signed_at=service.clocks.real())
            )
            if signed.rowcount != 1:
                raise GateShut((SIGNED,))
            connection.execute(insert(PackVersion), version)
    except IntegrityError as error:
        raise GateShut(
            (f"版本 {definition.version} 已存在 / version {definition.version} is stored already",)
        ) from error
    return int(str(version["id"]))


def _person(service: Service, account_id: int) -> int:
    with reading(service.engine) as connection:
        return int(connection.execute(select(Account.person_id).where(Account.id == account_id)).scalar_one())
