"""What admission does (入学注册的效力): numbers for who has none, other admissions ended, doubles looked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from states.kinds import KINDS
from workflow_service.codes import code_pupils
from workflow_service.completion import FOLLOW_UPS, Completing, Effect, effect
from workflow_service.duplicates import noticed
from workflow_service.facts import Row
from workflow_service.numbering import rows_for
from workflow_service.sql import Write

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from workflow_service.actors import Actor
    from workflow_service.service import Service

REGISTERING: Final = tuple(name for name, kind in KINDS.items() if kind.numbers)
"""Kinds whose completion puts a newcomer onto the register."""

END_OTHER_ADMISSIONS: Final = Write(
    "ended_admissions",
    """
UPDATE register_entry SET valid_to = CASE WHEN valid_from > :effective THEN valid_from ELSE :effective END,
    ended_at = :at, end_request_id = :id
WHERE student_id = :student_id AND section = 'admission' AND school_id <> :kept_school_id
    AND ended_at IS NULL{moved}""",
)


@effect(*REGISTERING)
def registered(completing: Completing) -> Effect:
    """A number for who has none, in the statement that completes the request (N13-03, BJ-09).

    It is a temporary one (L, NUM-03): the formal one follows the national duplicate check.
    """
    if completing.facts.has_number:
        return Effect()
    rows = rows_for(
        completing.service, None, completing.row["student_id"], completing.row["destination_school_id"]
    )  # fmt: skip
    if rows is None:
        return Effect()
    return Effect(columns=rows.columns, writes=rows.writes, values=rows.values, details=rows.details)


@effect("duplicate_admission")
def attends_here(completing: Completing) -> Effect:
    """Every other school's admission ends: the record goes where the pupil is (籍随人走, SYS-36)."""
    kept = completing.row["destination_school_id"]
    return Effect(
        writes=(END_OTHER_ADMISSIONS,), values={"kept_school_id": kept}, details={"admitted_by": str(kept)}
    )  # fmt: skip


def _onto_the_register(connection: Connection, service: Service, row: Row, actor: Actor | None) -> None:
    """Who came onto the register is compared with everybody on it (NUM-08), and gets a pupil code (SY-04)."""
    noticed(connection, service, [row["student_id"]], actor)
    code_pupils(service, connection, [row["student_id"]])


FOLLOW_UPS.update(dict.fromkeys(REGISTERING, _onto_the_register))
