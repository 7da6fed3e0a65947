"""Statements prepared by libpq itself, and texts kept packed."""

from __future__ import annotations

import zlib
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import errors
from sqlalchemy import text

from states.judged import facts_text, judged_values, news, values_in
from tests.conftest import Database
from tests.states.definitions import good_facts
from tests.workflow_service.world import World
from workflow_service.db import begin
from workflow_service.models import packed as packing
from workflow_service.models.columns import dumps
from workflow_service.models.packed import PackedFacts, packed, unpacked
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


def test_after_a_loss_no_dead_connection_is_taken_from_the_engines_own_pool(world: World) -> None:
    engine, one = world.service.hot, query("SELECT 1")
    if engine.dialect.name == "postgresql":
        with engine.connect() as pooled, driver_of(engine) as driver:
            lost = [pooled.connection.driver_connection.info.backend_pid, driver.info.backend_pid]
        with begin(world.service.engine) as connection:
            for pid in lost:
                connection.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
    assert one.one(engine, {}) == (1,), "a read is asked once more, on a connection that lives"


@pytest.mark.parametrize("more", [{}, {"town": True, "comment": "同意", "sibling": "seated"}, {"comment": "…"}])
def test_the_facts_of_a_decision_are_kept_in_a_quarter_of_a_kilobyte(more: dict[str, Any]) -> None:
    facts = good_facts(**more)
    assert dumps(judged_values(facts)) == facts_text(facts)
    assert unpacked(packed(facts)) == facts_text(facts)
    assert len(packed(facts)) < 250
    assert PackedFacts().process_bind_param(facts_text(facts), None) == packed(facts)


def test_facts_that_the_first_version_kept_whole_are_still_read() -> None:
    text = facts_text(good_facts())
    typical = (Path(packing.__file__).parent / "typical_facts.json").read_bytes().strip()
    compressor = zlib.compressobj(6, zlib.DEFLATED, -12, 5, zlib.Z_DEFAULT_STRATEGY, typical)
    assert unpacked(b"\x01" + compressor.compress(text.encode()) + compressor.flush()) == text


def test_a_fact_that_typical_facts_do_not_name_is_always_written() -> None:
    facts = good_facts()
    whole = judged_values(facts)
    assert news(facts, values_in(whole)) == {}
    assert news(facts, values_in({name: whole[name] for name in whole if name != "town"})) == {"town": whole["town"]}


def test_a_damaged_text_is_refused() -> None:
    with pytest.raises(zlib.error):
        unpacked(packed(good_facts())[:-4])
    with pytest.raises(KeyError):
        unpacked(b"\x07" + packed(good_facts())[1:])
