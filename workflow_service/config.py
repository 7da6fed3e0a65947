"""Settings (配置), read once from the environment and refused with one clear line where they cannot be used.

`WORKFLOW_ENV` says what this installation is:

- `production` (the default: forgetting it must not open a service with generated secrets): SECRET_KEY,
  FIELD_KEYS and HASH_KEYS have to be given and strong, TODAY is refused.
- `development` and `demo`: secrets that are not given are made once and kept in the data folder.

A message never repeats a value: it may hold a password or a key, and it ends up in a log.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Literal, cast, get_args
from urllib.parse import SplitResult, unquote, urlsplit

from workflow_service.secret_file import NAME as SECRET_FILE
from workflow_service.secret_file import SECRETS, kept_secrets

Environment = Literal["production", "development", "demo"]

VARIABLES: Mapping[str, str] = {
    "WORKFLOW_ENV": "production (default), development or demo",
    "DATA": "folder for everything the service writes; default var",
    "DATABASE_URL": "sqlite:///… or postgresql://…; default: SQLite in the data folder",
    "DATABASE_OWNER_URL": "the role that migrates (PostgreSQL); default: DATABASE_URL",
    "DOCUMENT_STORE_URL": "a folder, as a path or file:///…; default: documents in the data folder",
    "SECRET_KEY": "signs sessions and links; at least 32 random characters",
    "FIELD_KEYS": "encrypt personal data: id:base64 of 32 bytes, comma between, the first one writes",
    "HASH_KEYS": "find personal data: the same form as FIELD_KEYS, other keys",
    "PUBLIC_URL": "the address that papers and links carry; default http://127.0.0.1:8000",
    "LOG_LEVEL": "DEBUG, INFO (default), WARNING or ERROR",
    "TODAY": "legal date to start from, YYYY-MM-DD; refused in production",
}
"""Every variable that the service reads, and what it means."""

LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
_KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,32}")
_MAKE_KEY = "openssl rand -base64 32"
_HOW_TO_MAKE = {
    "SECRET_KEY": "openssl rand -base64 48",
    "FIELD_KEYS": f'echo "k1:$({_MAKE_KEY})"',
    "HASH_KEYS": f'echo "h1:$({_MAKE_KEY})"',
}
# Words that a copied example carries and that 32 random characters as good as never do.
_EXAMPLES = ("change", "secret", "example", "password", "default", "please", "workflow", "demo-2026")


class BadSetting(Exception):
    """A variable is missing, weak or wrong. The text is one line that names it and says how to mend it."""

    def __init__(self, variable: str, text: str) -> None:
        super().__init__(f"{variable} {text}")
        self.variable = variable


@dataclass(frozen=True, slots=True)
class Settings:
    """What the environment asks for. Secrets and addresses with passwords stay out of its repr."""

    environment: Environment
    data: Path
    database_url: str = field(repr=False)
    database_owner_url: str = field(repr=False)
    document_folder: Path
    secret_key: str = field(repr=False)
    field_keys: Mapping[str, bytes] = field(repr=False)
    hash_keys: Mapping[str, bytes] = field(repr=False)
    public_url: str
    log_level: str
    today: date | None

    @property
    def production(self) -> bool:
        """Whether real people's data may be in here."""
        return self.environment == "production"


def load(environ: Mapping[str, str]) -> Settings:
    """The settings in `environ`; an empty variable counts as not given.

    Raises BadSetting for the first variable that cannot be used. In development and demo this makes the data
    folder and, once, the secrets in it (0600).
    """
    given = {name: environ[name].strip() for name in VARIABLES if environ.get(name, "").strip()}
    environment = _environment(given.get("WORKFLOW_ENV", "production"))
    data = Path(given.get("DATA", "var")).expanduser().absolute()
    today = _today(given.get("TODAY"), environment)
    secrets = _secrets(given, environment, data)
    field_keys, hash_keys = (_keys(name, secrets[name], environment) for name in ("FIELD_KEYS", "HASH_KEYS"))
    if set(field_keys.values()) & set(hash_keys.values()):
        raise BadSetting("HASH_KEYS", f"shares a key with FIELD_KEYS; make another one with: {_MAKE_KEY}")
    database_url = _database_url("DATABASE_URL", given.get("DATABASE_URL", f"sqlite:///{data / 'service.sqlite3'}"))
    return Settings(
        environment=environment,
        data=data,
        database_url=database_url,
        database_owner_url=_database_url("DATABASE_OWNER_URL", given.get("DATABASE_OWNER_URL", database_url)),
        document_folder=_document_folder(given.get("DOCUMENT_STORE_URL", str(data / "documents"))),
        secret_key=_secret_key(secrets["SECRET_KEY"], environment),
        field_keys=field_keys,
        hash_keys=hash_keys,
        public_url=_public_url(given.get("PUBLIC_URL", "http://127.0.0.1:8000")),
        log_level=_log_level(given.get("LOG_LEVEL", "INFO")),
        today=today,
    )


def _environment(text: str) -> Environment:
    if text not in get_args(Environment):
        raise BadSetting("WORKFLOW_ENV", f"must be one of {', '.join(get_args(Environment))}")
    return cast(Environment, text)


def _today(text: str | None, environment: Environment) -> date | None:
    if text is None:
        return None
    if environment == "production":
        raise BadSetting("TODAY", "is refused in production, where legal time is the real time; unset it")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadSetting("TODAY", "must be a date that exists, written 2026-09-01") from None


def _secrets(given: Mapping[str, str], environment: Environment, data: Path) -> Mapping[str, str]:
    """The three secrets, given or (outside production) kept in the data folder."""
    missing = [name for name in SECRETS if name not in given]
    if not missing:
        return given
    if environment == "production":
        raise BadSetting(missing[0], f"is missing, production needs it; make one with: {_HOW_TO_MAKE[missing[0]]}")
    try:
        return {**kept_secrets(data), **given}
    except OSError as error:
        raise BadSetting("DATA", f"is a folder in which secrets cannot be kept: {error.strerror}") from error
    except ValueError as error:
        raise BadSetting("DATA", f"holds a damaged {SECRET_FILE}; restore it, or start with a fresh folder") from error


def _secret_key(text: str, environment: Environment) -> str:
    if environment == "production":
        guessable = any(word in text.lower() for word in _EXAMPLES)
        if len(text) < 32 or len(set(text)) < 12 or guessable:
            raise BadSetting("SECRET_KEY", f"is weak; make one with: {_HOW_TO_MAKE['SECRET_KEY']}")
    return text


def _keys(variable: str, text: str, environment: Environment) -> Mapping[str, bytes]:
    """`id:base64,id:base64` as ids and 32-byte keys, the writing one first."""
    keys: dict[str, bytes] = {}
    for part in text.split(","):
        key_id, colon, encoded = part.strip().partition(":")
        if not colon or _KEY_ID.fullmatch(key_id) is None:
            raise BadSetting(variable, "must read id:base64,id:base64 with ids of letters, digits, - and _")
        if key_id in keys:
            raise BadSetting(variable, f"has two keys with the id {key_id}; every key needs its own")
        key = _decoded(encoded)
        if key is None or len(key) != 32:
            raise BadSetting(variable, f"key {key_id} is not base64 of 32 bytes; make one with: {_MAKE_KEY}")
        if environment == "production" and len(set(key)) < 12:
            raise BadSetting(variable, f"key {key_id} is weak; make one with: {_MAKE_KEY}")
        keys[key_id] = key
    if len(set(keys.values())) < len(keys):
        raise BadSetting(variable, f"has one key under two ids; make another one with: {_MAKE_KEY}")
    return MappingProxyType(keys)


def _decoded(text: str) -> bytes | None:
    try:
        return base64.b64decode(text.strip(), altchars=b"-_" if set("-_") & set(text) else None, validate=True)
    except (binascii.Error, ValueError):
        return None


def _database_url(variable: str, text: str) -> str:
    """SQLAlchemy's spelling: `postgresql://` means another driver from one of its versions to the next."""
    scheme, _, rest = text.partition("://")
    if scheme == "sqlite":
        if not rest.startswith("/") or rest.strip("/") in ("", ":memory:"):
            raise BadSetting(variable, "must name a file (sqlite:///var/service.sqlite3): web and scheduler share it")
        return text
    if scheme in ("postgres", "postgresql", "postgresql+psycopg") and (parts := _split(text)) and parts.path.strip("/"):
        return f"postgresql+psycopg://{rest}"
    raise BadSetting(variable, "must read sqlite:///file or postgresql://user:password@host/database")


def _document_folder(text: str) -> Path:
    scheme, slashes, rest = text.partition("://")
    if not slashes:
        return Path(text).expanduser().absolute()
    if scheme == "s3":
        raise BadSetting("DOCUMENT_STORE_URL", "s3:// is not available in this version; name a folder")
    if scheme != "file" or not rest.startswith("/"):
        raise BadSetting("DOCUMENT_STORE_URL", "must be a folder, as a path or as file:///srv/documents")
    return Path(unquote(rest))


def _public_url(text: str) -> str:
    parts = _split(text)
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise BadSetting("PUBLIC_URL", "must be an address such as https://xueji.example.cn")
    return text.rstrip("/")


def _split(text: str) -> SplitResult | None:
    try:
        return urlsplit(text)
    except ValueError:
        return None


def _log_level(text: str) -> str:
    if text.upper() not in LOG_LEVELS:
        raise BadSetting("LOG_LEVEL", f"must be one of {', '.join(LOG_LEVELS)}")
    return text.upper()
