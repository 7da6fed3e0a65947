"""The oracle (一致性检查): proves the invariants on what is stored, and lists whatever breaks one.

Run nightly, and at the end of every test that could break something: after any fault it finds nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import Connection, text

from states.definition import WAITING
from states.place import UNLIMITED, most_taken
from states.plan import Cell, Plan
from states.rules.procedure import four_eyes
from workflow_service.documents.store import Damaged, NotKept
from workflow_service.facts import gather
from workflow_service.models.columns import from_micros
from workflow_service.sql.check import DOCUMENTS, FACELESS, HELD_CLASSES, INVARIANTS, KEPT, OWN, TRANSITIONS
from workflow_service.sql.check_duplicates import PAIRS

if TYPE_CHECKING:
    from workflow_service.service import Service

CODES = {
    "K1": "回放等于现状 / replay equals what is stored",
    "K2": "留痕无缺号，哈希链相符 / trails have no gap and their hashes hold",
    "K3": "一名学生一个当前学籍 / one current enrolment per student",
    "K4": "一名学生一件在办业务 / one open request per subject and lock group",
    "K5": "编号唯一，登记一一对应 / numbers unique, registry one to one",
    "K6": "名额与实数相符 / places are what is counted, and within the cap",
    "K7": "每次流转有一条消息 / every transition has its message",
    "K8": "每个期限恰有一次唤醒 / every open clock has one wake",
    "K9": "材料与文件相符 / every document has its file",
    "K10": "一个幂等键一个结果 / one result per key",
    "K11": "分桶正确 / every row lies in its bucket",
    "K12": "查重与学籍相符 / pairs of doubles and the records agree",
    "K13": "计数与清单相符 / every counter equals its list",
    "K14": "本人不审核本人提交的业务 / nobody decides what they submitted",
}
OUTSIDE = ("create", "amend", "add_document", "remove_document", "reroute")
"""Events that are not the machine's: they leave the state as it is."""
ORPHAN_AGE = timedelta(hours=24)

Progress = Callable[[int, int, str], None]


class Finding(NamedTuple):
    """What breaks an invariant: its code, the object's id (or the file's name), and what is wrong."""

    code: str
    object: str
    message: str


def _silent(_done: int, _total: int, _title: str) -> None:
    """For whoever does not look at the progress."""


def check(service: Service, progress: Progress = _silent) -> list[Finding]:
    """Every finding, [] when all invariants hold; `progress(done, total, title)` before each part.

    All is read in one snapshot, so that it may run while others work.
    """
    with _snapshot(service) as connection:
        return findings(service, connection, progress)


def findings(service: Service, connection: Connection, progress: Progress = _silent) -> list[Finding]:
    """`check` on what one connection sees."""
    special, queries = (_transitions, _four_eyes, _caps, _documents), (*INVARIANTS, *PAIRS)
    total = len(queries) + len(special)
    found: list[Finding] = []
    for done, invariant in enumerate(queries):
        progress(done, total, f"{invariant.code} {invariant.title}")
        rows = connection.exec_driver_sql(_escaped(connection, invariant.text(connection.dialect.name)))
        found += [Finding(invariant.code, str(id_), message) for id_, message in rows]
    for done, part in enumerate(special, start=len(queries)):
        progress(done, total, (part.__doc__ or "").split(":")[0])
        found += part(service, connection)
    progress(total, total, "done")
    return found


@contextmanager
def _snapshot(service: Service) -> Iterator[Connection]:
    with service.engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        with connection.begin():
            yield connection.execution_options(stream_results=True)


def _escaped(connection: Connection, sql: str) -> str:
    return sql.replace("%", "%%") if connection.dialect.name == "postgresql" else sql


def _transitions(service: Service, connection: Connection) -> Iterator[Finding]:
    """K1 every step is one that the request's plan knows: pack, route, state and event lead to the stored target."""
    for pack, origin, rule, route, before, event, after, example in connection.execute(text(TRANSITIONS)):
        plan = service.packs.plan(pack, origin, rule, tuple(json.loads(route)))
        if not _fits(plan, before, event, after):
            yield Finding("K1", str(example), f"{event} does not lead from {before} to {after} under its pack")


def _fits(plan: Plan, before: str, event: str, after: str) -> bool:
    if event in OUTSIDE:
        return before == after
    cell: Cell | None = plan.by_event.get((before, event))
    if cell is None:
        return False
    if cell.target == "returned_from":
        return after in plan.states
    if after == WAITING and before != WAITING:  # A note or a reminder meanwhile leaves it there.
        return cell.target == "completed" and WAITING in plan.cells
    return after == (cell.target or before) or (cell.several and after == before)


def _four_eyes(service: Service, connection: Connection) -> Iterator[Finding]:
    """K14 nobody decided what they submitted or submitted again, in any step for which the packs ask somebody else.

    A pack may leave a step to whoever filed the request: it enters what was allowed (录入), or confirms the arrival.
    """
    for pack, origin, rule, route, state, event, example in connection.execute(text(OWN)):
        cell = service.packs.plan(pack, origin, rule, tuple(json.loads(route))).by_event.get((state, event))
        if cell is not None and _asks_another(cell):
            yield Finding("K14", str(example), f"{event} in {state} by the person who submitted it")


def _asks_another(cell: Cell) -> bool:
    """Whether it is refused in every case to whoever submitted; one with conditions cannot be told from the trail."""
    return any(getattr(bound.ask, "func", None) is four_eyes and not bound.when and not bound.waivers
               for bound in cell.checks)  # fmt: skip


def _caps(service: Service, connection: Connection) -> Iterator[Finding]:
    """K6 no place is held beyond the cap: the last one to hold a place found one free by its own pack's rule."""
    last = {row[0]: row[1:] for row in connection.execute(text(HELD_CLASSES))}
    for class_id, (*taken, request_id) in last.items():
        _, plan, facts = gather(service, request_id, None)
        for what, most, count in zip(("class", "stage"), most_taken(plan, facts), taken, strict=True):
            if most != UNLIMITED and count > most + 1:
                yield Finding("K6", str(class_id), f"{count} places taken of {most + 1} in its {what}")


def _documents(service: Service, connection: Connection) -> Iterator[Finding]:
    """K9 every document has its file, of its hash and size, no file is older than a day without a document, and the
    photograph that a record names is a document of that student.
    """
    for request_id, sha256, size in connection.execute(text(DOCUMENTS)):
        try:
            with service.store.open(sha256) as file:
                kept = file.seek(0, 2)
        except NotKept:
            yield Finding("K9", str(request_id), f"no file of SHA-256 {sha256}")
        except Damaged:
            yield Finding("K9", str(request_id), f"the file of SHA-256 {sha256} was altered")
        else:
            if kept != size:
                yield Finding("K9", str(request_id), f"the file of SHA-256 {sha256} has {kept} bytes, not {size}")
    for (student_id,) in connection.execute(text(FACELESS)):
        yield Finding("K9", str(student_id), "the record names a photograph that no document of the student is")
    young = from_micros(service.clocks.real()).astimezone(UTC) - ORPHAN_AGE
    for stored, since in service.store.iter_all():
        if since < young and connection.execute(text(KEPT), {"sha256": stored.sha256}).first() is None:
            yield Finding("K9", stored.sha256, "a file without a document, older than a day")


__all__ = ["CODES", "Finding", "check", "findings"]
