"""Statements prepared by libpq itself, and texts kept packed."""

from __future__ import annotations

import zlib
from datetime import date

import psycopg
import pytest
from psycopg import errors

from states.judged import facts_text, judged_values
from tests.conftest import Database
from tests.states.definitions import good_facts
from tests.workflow_service.world import World
from workflow_service.models.columns import dumps
from workflow_service.models.packed import packed, unpacked
from workflow_service.sql import driver_of, query
from workflow_service.sql.wire import rows_of

KINDS = "SELECT CAST($1 AS bigint), $2::text, $3::boolean, $4::text, $5::bytea, $6::date"


@pytest.fixture
def connection(postgresql_database: Database) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(postgresql_database.url.replace("+psycopg", ""), autocommit=True)


def test_values_of_every_type_come_back_as_they_were_sent(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    sent = [2**62, "学籍 'x' \\ %s", True, None, b"\x00\xff\\", date(2026, 9, 1)]
    with connection:
        assert rows_of(connection, KINDS, sent) == [tuple(sent)]
        assert rows_of(connection, KINDS, [-1, "", False, "x", b"", date(1, 1, 1)])[0][0] == -1
        with pytest.raises(KeyError):
            rows_of(connection, "SELECT $1::text", [object()])


def test_what_was_deallocated_is_prepared_again(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    with connection:
        assert rows_of(connection, "SELECT $1::int", [1]) == [(1,)]
        connection.execute("DEALLOCATE ALL")
        assert rows_of(connection, "SELECT $1::int", [2]) == [(2,)]


def test_an_error_of_the_server_is_psycopgs_own(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    with connection:
        with pytest.raises(errors.DivisionByZero):
            rows_of(connection, "SELECT 1 / $1::int", [0])
        with pytest.raises(errors.UndefinedTable):
            rows_of(connection, "SELECT * FROM nothing", [])
        assert rows_of(connection, "SELECT 1 / $1::int", [1]) == [(1,)]


def test_a_lost_connection_is_known_as_lost(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    with pytest.raises(errors.OperationalError), connection:
        rows_of(connection, "SELECT pg_terminate_backend(pg_backend_pid())", [])
    assert connection.closed


def test_within_one_transition_there_is_one_connection_and_a_lost_one_is_replaced(world: World) -> None:
    engine, one = world.service.hot, query("SELECT 1")
    with driver_of(engine) as outer:
        with driver_of(engine) as inner:
            assert inner is outer
        if engine.dialect.name == "postgresql":
            outer.close()
            assert one.one(engine, {}) == (1,)
            with driver_of(engine) as other:
                assert other is not outer
    with driver_of(engine) as later:
        assert not getattr(later, "closed", False)


def test_the_facts_of_a_decision_are_kept_in_a_quarter_of_a_kilobyte() -> None:
    text = facts_text(good_facts(comment="同意"))
    assert dumps(judged_values(good_facts(comment="同意"))) == text
    assert unpacked(packed(text)) == text
    assert len(packed(text)) < len(text.encode()) / 5


@pytest.mark.parametrize("text", ["", "{}", "中文" * 3000])
def test_any_text_is_unpacked_as_it_was(text: str) -> None:
    assert unpacked(packed(text)) == text


def test_a_damaged_text_is_refused() -> None:
    with pytest.raises(zlib.error):
        unpacked(packed(facts_text(good_facts()))[:-4])
    with pytest.raises(KeyError):
        unpacked(b"\x07" + packed("{}")[1:])
