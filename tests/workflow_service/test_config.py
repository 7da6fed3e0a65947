"""A setting that cannot be used stops the start with one line that names it and tells how to mend it."""

from __future__ import annotations

import base64
import os
import stat
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import pytest

from workflow_service.config import VARIABLES, BadSetting, Settings, load
from workflow_service.secret_file import NAME, kept_secrets


def key(start: int) -> str:
    return base64.b64encode(bytes(range(start, start + 32))).decode()


STRONG = {
    "SECRET_KEY": "tT0z8kQ2vW5xY7bN1mR4cL9pJ3hG6dF0aS8eU2iO",
    "FIELD_KEYS": f"k1:{key(0)}",
    "HASH_KEYS": f"h1:{key(100)}",
}


def refused(environ: Mapping[str, str]) -> str:
    """The one line that stops the start; no secret of the environment is in it."""
    with pytest.raises(BadSetting) as stopped:
        load(environ)
    line = str(stopped.value)
    assert "\n" not in line
    assert line.startswith(stopped.value.variable)
    for name in ("SECRET_KEY", "FIELD_KEYS", "HASH_KEYS"):
        assert len(environ.get(name, "")) < 8 or environ[name] not in line
    assert "topsecret" not in line
    return line


def demo(tmp_path: Path, **given: str) -> dict[str, str]:
    return {"WORKFLOW_ENV": "demo", "DATA": str(tmp_path / "data"), **given}


def test_production_with_three_strong_secrets_starts_and_is_the_default(tmp_path: Path) -> None:
    settings = load({"DATA": str(tmp_path), **STRONG})
    assert settings.production
    assert settings.database_url == settings.database_owner_url == f"sqlite:///{tmp_path}/service.sqlite3"
    assert settings.document_folder == tmp_path / "documents"
    assert settings.field_keys == {"k1": bytes(range(32))}
    assert (settings.public_url, settings.log_level, settings.today) == ("http://127.0.0.1:8000", "INFO", None)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", STRONG)
@pytest.mark.parametrize("empty", [None, "", "  "])
def test_a_missing_secret_stops_production(name: str, empty: str | None) -> None:
    environ = {**STRONG, name: empty} if empty is not None else {k: v for k, v in STRONG.items() if k != name}
    line = refused(environ)
    assert line.startswith(f"{name} is missing")
    assert "openssl" in line


@pytest.mark.parametrize(
    ("name", "weak"),
    [
        ("SECRET_KEY", "short"),
        ("SECRET_KEY", "a" * 64),
        ("SECRET_KEY", "abc123" * 10),
        ("SECRET_KEY", "please-CHANGE-me-0123456789-abcdefghij"),
        ("FIELD_KEYS", "k1:" + base64.b64encode(b"\0" * 32).decode()),
        ("HASH_KEYS", "h1:" + base64.b64encode(b"password" * 4).decode()),
    ],
)
def test_a_weak_secret_stops_production(name: str, weak: str) -> None:
    assert "is weak" in refused({**STRONG, name: weak})


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ("nonsense", "id:base64"),
        (":" + key(0), "id:base64"),
        ("k 1:" + key(0), "id:base64"),
        ("k1:***", "32 bytes"),
        ("k1:" + base64.b64encode(b"0123456789abcdef").decode(), "32 bytes"),
        (f"k1:{key(0)},", "id:base64"),
        (f"k1:{key(0)},k1:{key(1)}", "two keys"),
        (f"k1:{key(0)},k2:{key(0)}", "two ids"),
        (f"k1:{key(100)}", "shares a key"),
    ],
)
def test_keys_that_cannot_be_used_are_refused_in_every_environment(tmp_path: Path, keys: str, says: str) -> None:
    assert says in refused({**STRONG, "FIELD_KEYS": keys})
    assert says in refused(demo(tmp_path, **{**STRONG, "FIELD_KEYS": keys}))


def test_the_first_key_writes_and_the_others_read() -> None:
    settings = load({**STRONG, "FIELD_KEYS": f"k2:{key(50)}, k1:{key(0)}"})
    assert list(settings.field_keys) == ["k2", "k1"]


def test_a_demo_makes_its_secrets_once_for_its_owner_only(tmp_path: Path) -> None:
    first, second = load(demo(tmp_path)), load(demo(tmp_path))
    assert first == second
    assert stat.S_IMODE((tmp_path / "data" / NAME).stat().st_mode) == 0o600
    assert os.listdir(tmp_path / "data") == [NAME]
    assert load(demo(tmp_path / "other")).secret_key != first.secret_key


def test_what_a_demo_made_is_strong_enough_for_production(tmp_path: Path) -> None:
    assert load(kept_secrets(tmp_path)).production


def test_web_and_scheduler_that_start_together_agree_on_the_secrets(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        drawn = list(pool.map(lambda _: kept_secrets(tmp_path)["SECRET_KEY"], range(64)))
    assert len(set(drawn)) == 1


def test_a_secret_that_is_given_wins_over_the_kept_one(tmp_path: Path) -> None:
    load(demo(tmp_path))
    assert load(demo(tmp_path, SECRET_KEY="mine")).secret_key == "mine"


@pytest.mark.parametrize("damage", ["", "[]", '{"SECRET_KEY": 1}', '{"SECRET_KEY": "x"}', "\x00"])
def test_a_damaged_secret_file_stops_the_start_and_is_not_replaced(tmp_path: Path, damage: str) -> None:
    load(demo(tmp_path))
    kept = tmp_path / "data" / NAME
    kept.write_text(damage)
    assert NAME in refused(demo(tmp_path))
    assert kept.read_text() == damage


def test_a_data_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    assert refused(demo(tmp_path)).startswith("DATA ")


def test_today_moves_legal_time_but_never_in_production(tmp_path: Path) -> None:
    assert load(demo(tmp_path, TODAY="2026-09-01")).today == date(2026, 9, 1)
    assert "refused in production" in refused({**STRONG, "TODAY": "2026-09-01"})
    for wrong in ("yesterday", "2026-02-30", "01.09.2026"):
        assert refused(demo(tmp_path, TODAY=wrong)).startswith("TODAY must be a date")


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("sqlite:///var/x.sqlite3", "sqlite:///var/x.sqlite3"),
        ("postgresql://u:p@db/school", "postgresql+psycopg://u:p@db/school"),
        ("postgres://u:p@db:5433/school", "postgresql+psycopg://u:p@db:5433/school"),
        ("postgresql+psycopg://u@/school?host=/run/pg", "postgresql+psycopg://u@/school?host=/run/pg"),
    ],
)
def test_a_database_address_is_brought_to_one_driver(given: str, used: str) -> None:
    assert load({**STRONG, "DATABASE_URL": given}).database_url == used


@pytest.mark.parametrize(
    "wrong",
    [
        "mysql://u:topsecret@db/x",
        "postgresql+psycopg2://u@db/x",
        "postgresql://u:topsecret@db",
        "postgresql://[u:topsecret@db/x",
        "service.db",
        "sqlite://",
        "sqlite:///",
        "sqlite:///:memory:",
    ],
)
def test_another_database_is_refused_without_showing_its_password(wrong: str) -> None:
    assert refused({**STRONG, "DATABASE_URL": wrong}).startswith("DATABASE_URL must")
    assert refused({**STRONG, "DATABASE_OWNER_URL": wrong}).startswith("DATABASE_OWNER_URL must")


def test_the_document_store_is_a_folder_and_s3_says_that_it_is_not_there_yet(tmp_path: Path) -> None:
    assert load({**STRONG, "DOCUMENT_STORE_URL": "file:///srv/my%20documents"}).document_folder == Path(
        "/srv/my documents"
    )
    assert load({**STRONG, "DOCUMENT_STORE_URL": str(tmp_path)}).document_folder == tmp_path
    assert "not available in this version" in refused({**STRONG, "DOCUMENT_STORE_URL": "s3://bucket/x"})
    assert "must be a folder" in refused({**STRONG, "DOCUMENT_STORE_URL": "ftp://host/x"})


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("WORKFLOW_ENV", "prod"),
        ("LOG_LEVEL", "LOUD"),
        ("PUBLIC_URL", "xueji.example.cn"),
        ("PUBLIC_URL", "ftp://xueji.example.cn"),
        ("PUBLIC_URL", "https://"),
        ("PUBLIC_URL", "https://[broken"),
    ],
)
def test_other_wrong_values_are_refused_by_name(name: str, wrong: str) -> None:
    assert refused({**STRONG, name: wrong}).startswith(f"{name} must be")


def test_small_liberties_are_taken_as_meant() -> None:
    settings = load({**STRONG, "LOG_LEVEL": "debug", "PUBLIC_URL": "https://xueji.example.cn/"})
    assert (settings.log_level, settings.public_url) == ("DEBUG", "https://xueji.example.cn")


def test_secrets_and_passwords_stay_out_of_the_repr() -> None:
    environ = {**STRONG, "DATABASE_URL": "postgresql://u:topsecret@db/school"}
    shown = repr(load(environ))
    assert "topsecret" not in shown
    assert STRONG["SECRET_KEY"] not in shown
    assert repr(bytes(range(32))) not in shown


def test_every_variable_is_described() -> None:
    assert all(VARIABLES.values())
    assert isinstance(load(STRONG), Settings)
