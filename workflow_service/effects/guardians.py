"""A guardian that a request names (监护人, SY-08): whom it means, what becomes of the row, and what it was before.

What is not given stays as it is stored. The row as it was is kept with the student's other data, so that a reversal
gives it back; a guardian whom the request brought goes with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sqlalchemy import Connection, select

from workflow_service.errors import Blocked
from workflow_service.models import Guardian
from workflow_service.roster.headings import RELATIONS, relation_code
from workflow_service.sealed import SEALED, unseal
from workflow_service.sql import Write

if TYPE_CHECKING:
    from workflow_service.completion import Completing
    from workflow_service.service import Service

RELATION: Final = "guardian_relation"
FACTS: Final = {
    "guardian_name": "name", "guardian_phone": "phone", "guardian_birth_date": "birth_date",
    "guardian_identity_number": "identity_number", "guardian_education": "education",
    "guardian_occupation": "occupation",
}  # fmt: skip
"""The facts that say something of a guardian, and the encrypted columns that keep them."""
OTHER: Final = "97"
"""The relation of any other guardian: there may be several, and who gives no relation is one."""
_COLUMNS: Final = ("relation", *FACTS.values(), "phone_hash")

_BROUGHT = Write(
    "new_guardian",
    f"""
INSERT INTO guardian (id, student_id, {", ".join(_COLUMNS)})
SELECT :guardian_id, :student_id, {", ".join(f":guardian_{column}" for column in _COLUMNS)}{{drawn}}""",
)
_CHANGED = Write(
    "changed_guardian",
    f"""
UPDATE guardian SET {", ".join(f"{column} = :guardian_{column}" for column in _COLUMNS)}
WHERE id = :guardian_id AND student_id = :student_id{{moved}}""",  # noqa: S608 - our own column names
)
_GONE = Write(
    "gone_guardian", "DELETE FROM guardian WHERE id = :guardian_id AND student_id = :student_id{moved}"
)  # fmt: skip


class Written(NamedTuple):
    """What is written of a guardian; `before`: the row as it was, its id alone where there was none, {} for nobody."""

    writes: tuple[Write, ...] = ()
    values: Mapping[str, Any] = {}
    before: Mapping[str, Any] = {}


def guardian_named(completing: Completing, connection: Connection) -> Written:
    """The guardian whom a request names, changed or new. Raises Blocked where it does not say who is meant."""
    service, data, row = completing.service, completing.data, completing.row
    given = {column: text for fact, column in FACTS.items() if (text := _text(service, fact, data.get(fact)))}
    relation = relation_code(data.get(RELATION) or "")
    if not given and not relation:
        return Written()
    found = _meant(service, _rows(connection, Guardian.student_id == row["student_id"]), relation, given.get("name"))
    if found is None and "name" not in given:
        raise Blocked("没有写明是哪一位监护人：请填写监护人姓名 / which guardian is meant: give the name")
    before = found or {"id": service.ids.new(row["bucket"])}
    after = {"relation": OTHER, **dict.fromkeys(_COLUMNS[1:]), **before}
    after |= {column: service.cipher.encrypt(text, f"guardian.{column}") for column, text in given.items()}
    if relation:
        after["relation"] = relation
    if "phone" in given:
        after["phone_hash"] = service.hashes.of("phone", given["phone"])
    return Written((_CHANGED if found else _BROUGHT,), _values(after), before)


def guardian_as_before(connection: Connection, kept: Mapping[str, Any]) -> Written:
    """The inverse of `guardian_named`, from the row that was kept; `before` is the row as it is now."""
    now = _rows(connection, Guardian.id == kept["id"])
    if not now:
        return Written()
    if len(kept) == 1:
        return Written((_GONE,), {"guardian_id": kept["id"]}, now[0])
    return Written((_CHANGED,), _values(kept), now[0])


def _meant(service: Service, known: list[dict[str, Any]], relation: str, name: str | None) -> dict[str, Any] | None:
    """A father or a grandmother is one; of other guardians there may be several, whom their names tell apart."""
    same = (relation, RELATIONS.get(relation, relation))  # Requests of earlier days stored words.
    among = [row for row in known if row["relation"] in same] if relation else known
    if relation in RELATIONS and relation != OTHER:
        return next(iter(among), None)
    if name is None:
        return among[0] if len(among) == 1 else None
    return next((row for row in among if service.cipher.decrypt(row["name"], "guardian.name") == name), None)


def _rows(connection: Connection, whose: Any) -> list[dict[str, Any]]:
    columns = (Guardian.__table__.c[column] for column in ("id", *_COLUMNS))
    return [dict(row._mapping) for row in connection.execute(select(*columns).where(whose).order_by(Guardian.id))]


def _values(row: Mapping[str, Any]) -> dict[str, Any]:
    return {f"guardian_{column}": row[column] for column in ("id", *_COLUMNS)}


def _text(service: Service, fact: str, stored: Any) -> str | None:
    return unseal(service, fact, stored) if fact in SEALED else stored
