"""Publishing a pack: the gate holds, one person proposes and another one signs, and what is published never changes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import select

from states.cases.shelf import Shelf
from states.pack_diff import differences
from tests.conftest import Database
from tests.workflow_service.world import World, make_world
from workflow_service.db import reading
from workflow_service.errors import Forbidden
from workflow_service.models import PackVersion, PolicyProposal
from workflow_service.pack_files import PackFile, find_packs
from workflow_service.packs import shipped_cases, shipped_texts
from workflow_service.publication import Candidate, GateShut, examine, newest, propose, sign
from workflow_service.replay import Report

NAME = "nenjiang-k12/transfer"
EDITS = (("version = 1", "version = 2"), ("from = 2025-01-03", "from = 2026-09-01"), ("primary = 55", "primary = 50"))
CASES = (("有效期自 | 2025-01-03", "有效期自 | 2026-09-01"), ("class_size=54", "class_size=49"),
         ("class_size=55", "class_size=50"))  # fmt: skip


def drafted(tmp_path: Path, edits: tuple[tuple[str, str], ...] = EDITS, cases: tuple[tuple[str, str], ...] = CASES
            ) -> tuple[Shelf, PackFile]:  # fmt: skip
    folder = tmp_path / "nenjiang-k12"
    folder.mkdir(exist_ok=True)
    text, table = shipped_texts()[f"{NAME}.toml"], shipped_cases()[f"{NAME}.cases.md"]
    for old, new in edits:
        assert old in text
        text = text.replace(old, new, 1)
    for old, new in cases:
        assert old in table
        table = table.replace(old, new, 1)
    (folder / "transfer.toml").write_text(text)
    (folder / "transfer.cases.md").write_text(table)
    shelf, [one] = find_packs(str(folder / "transfer.toml"))
    return shelf, one


@pytest.fixture
def candidate(world: World, tmp_path: Path) -> Candidate:
    """A pack as if it had passed the gate, which has a test of its own."""
    shelf, one = drafted(tmp_path)
    definition, before = shelf.definition(one.file), newest(world.service, "nenjiang-k12", "transfer")
    assert before
    return Candidate(one, shelf, definition, before, tuple(differences(before, definition)), Report())


def shut(world: World, tmp_path: Path, *edits: tuple[str, str], cases: tuple[tuple[str, str], ...] = CASES) -> str:
    with pytest.raises(GateShut) as refused:
        examine(world.service, *drafted(tmp_path, (*EDITS, *edits), cases))
    return str(refused.value)


def test_one_proposes_another_signs_and_the_version_is_in_force_on_its_day(world: World, candidate: Candidate) -> None:
    service = world.service
    assert [(d.word, d.id, d.before, d.after) for d in candidate.difference if d.table == "check"] == [
        ("stricter", "NJ-07", 55, 50)
    ]
    with pytest.raises(GateShut, match="nobody has proposed"):
        sign(service, world.actor("admin"), candidate)
    propose(service, world.actor("county1"), candidate)
    with pytest.raises(GateShut, match="proposed already"):
        propose(service, world.actor("admin"), candidate)
    with pytest.raises(Forbidden, match="another person"):
        sign(service, world.actor("county1"), candidate)
    version = sign(service, world.actor("admin"), candidate)
    with pytest.raises(GateShut, match="signed already"):
        sign(service, world.actor("admin"), candidate)
    assert service.packs.in_force("nenjiang-k12", "transfer", date(2026, 8, 31)) != version
    assert service.packs.in_force("nenjiang-k12", "transfer", date(2026, 9, 1)) == version
    with reading(service.engine) as connection:
        stored = connection.execute(select(PackVersion.__table__).where(PackVersion.id == version)).one()
        proposal = connection.execute(select(PolicyProposal.__table__)).one()
    assert (stored.sha256, stored.published_by) == (candidate.definition.sha256, world.actor("admin").account_id)
    assert proposal.text == candidate.shelf.texts[f"{NAME}.toml"]
    assert "class_size=49" in proposal.cases
    assert (proposal.signed_by, proposal.proposed_by) == (stored.published_by, world.actor("county1").account_id)


def test_the_same_person_with_another_account_is_the_same_person(world: World, candidate: Candidate) -> None:
    from workflow_service.db import begin
    from workflow_service.grants import create_account

    first = world.actor("county1")
    with begin(world.service.engine) as connection:
        create_account(connection, world.service, username="county1.second", name=first.name, password_hash="x",
                       organization_id=first.organization_id, roles=("registrar",),
                       person_id=first.person_id)  # fmt: skip
    propose(world.service, first, candidate)
    with pytest.raises(Forbidden):
        sign(world.service, world.actor("county1.second"), candidate)


@pytest.mark.parametrize("who", ["county2", "school101", "county1.viewer", "auditor"])
def test_only_who_has_to_do_with_a_pack_publishes_it(world: World, candidate: Candidate, who: str) -> None:
    with pytest.raises(Forbidden):
        propose(world.service, world.actor(who), candidate)


@pytest.fixture
def world_on_sqlite(sqlite_database: Database, tmp_path: Path) -> Iterator[World]:
    """The gate asks the database next to nothing: once is enough."""
    world = make_world(sqlite_database.url, sqlite_database.owner_url, tmp_path / "data")
    yield world
    world.service.engine.dispose()
    world.service.hot.dispose()


def test_the_gate_names_everything_that_stands_in_the_way(world_on_sqlite: World, tmp_path: Path) -> None:
    world = world_on_sqlite
    assert "P004" in shut(world, tmp_path, ('starter = "origin_school"', 'starter = "origin_schol"'))
    past = shut(world, tmp_path, ("version = 2", "version = 1"), ("from = 2026-09-01", "from = 2026-08-23"))
    assert "in_force.from lies in the past" in past
    assert "version must be greater than 1" in past
    assert "有效期自" in past
    assert "NJ-07 instead of 无" in shut(world, tmp_path, cases=CASES[:1])
    unsigned = ("| class_size=49 | | | |", "| class_size=49 | | ？ | |")
    assert "未签 unsigned" in shut(world, tmp_path, cases=(*CASES, unsigned))
    without = ("| 初中班额 59 人 | | | | 8 → 8 | | | class_size=59 | | | |\n", "")
    alive = shut(world, tmp_path, cases=(*CASES, without))
    assert alive == "存活变异 surviving mutant: nenjiang-k12/transfer.toml: check.NJ-07.with.cap.junior: one less"
