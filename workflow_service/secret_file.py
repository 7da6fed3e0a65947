"""Secrets of a demo or a development folder: made once, kept beside the data that they encrypt."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

NAME = "secrets.json"
SECRETS = ("SECRET_KEY", "FIELD_KEYS", "HASH_KEYS")


def kept_secrets(data: Path, random_bytes: Callable[[int], bytes] = os.urandom) -> dict[str, str]:
    """SECRET_KEY, FIELD_KEYS and HASH_KEYS of this data folder, as they would stand in the environment.

    The first call makes them (file mode 0600). Web and scheduler start at the same moment: the one that comes
    second uses the first one's, or each would write what the other cannot read. Raises OSError where the
    folder cannot be written, ValueError where the file is not what this function wrote.
    """
    path = data / NAME
    if not path.exists():
        data.mkdir(parents=True, exist_ok=True)
        _write_once(path, random_bytes)
    secrets = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(secrets, dict) or not all(isinstance(secrets.get(name), str) for name in SECRETS):
        raise ValueError(f"{NAME} does not hold the secrets")
    return {name: secrets[name] for name in SECRETS}


def _write_once(path: Path, random_bytes: Callable[[int], bytes]) -> None:
    def key() -> str:
        return base64.b64encode(random_bytes(32)).decode()

    made = {"SECRET_KEY": key(), "FIELD_KEYS": f"k1:{key()}", "HASH_KEYS": f"h1:{key()}"}
    draft = path.with_name(f".{NAME}.{random_bytes(8).hex()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with open(descriptor, "w", encoding="utf-8") as file:
            json.dump(made, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        # A link appears whole or not at all, and never replaces the file of whoever was faster.
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()
