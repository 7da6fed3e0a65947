"""Passwords and tokens (密码与令牌): argon2id for what people remember, SHA-256 for what machines draw."""

from __future__ import annotations

import hashlib
import secrets
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

_LONGEST = 1024


@dataclass(frozen=True, slots=True)
class Profile:
    """What one hash costs: memory in KiB, passes over it, lanes."""

    memory_kib: int
    passes: int
    lanes: int


STANDARD = Profile(memory_kib=19 * 1024, passes=2, lanes=1)
"""About 34 ms on a small server; argon2-cffi's own default costs 175 ms, a login storm's worth of CPU."""

CHEAP = Profile(memory_kib=8, passes=1, lanes=1)
"""For tests and for loading demo accounts in bulk; never for real people."""


class DamagedHash(Exception):
    """A stored password hash is not one: the row was altered or cut. Not a wrong password."""


class Passwords:
    """Hashes and verifies passwords with one cost profile; safe to share between threads."""

    def __init__(self, profile: Profile = STANDARD) -> None:
        self._hasher = PasswordHasher(
            time_cost=profile.passes, memory_cost=profile.memory_kib, parallelism=profile.lanes, type=Type.ID
        )
        # Verified for names that do not exist. Made here and not at the first miss, which would
        # otherwise take twice as long as all others.
        self._nobody = self.hash(secrets.token_urlsafe())

    def hash(self, plain: str) -> str:
        """The text to store (argon2id with its parameters and salt). ValueError above 1,024 characters."""
        if len(plain) > _LONGEST:
            raise ValueError(f"a password has at most {_LONGEST} characters")
        return self._hasher.hash(_octets(plain))

    def verify(self, stored: str | None, plain: str) -> bool:
        """Whether `plain` is the password; `stored` is None for a user that does not exist.

        Both cases do the same work, so that the time of the answer does not tell which names exist.
        DamagedHash if `stored` is not an argon2 hash.
        """
        try:
            self._hasher.verify(self._nobody if stored is None else stored, _octets(plain[:_LONGEST]))
        except VerifyMismatchError:
            return False
        except (InvalidHashError, VerificationError) as error:
            raise DamagedHash("the stored password hash cannot be read") from error
        return stored is not None and len(plain) <= _LONGEST

    def outdated(self, stored: str) -> bool:
        """Whether to hash anew after a good sign-in, because the cost profile has changed since."""
        return self._hasher.check_needs_rehash(stored)


def new_token(random_bytes: Callable[[int], bytes] = secrets.token_bytes) -> tuple[str, bytes]:
    """A bearer token of 256 bits: the plain text, shown once, and the 32-byte hash to store."""
    plain = random_bytes(32).hex()
    return plain, token_hash(plain)


def token_hash(plain: str) -> bytes:
    """The 32 bytes under which a token is stored and looked up; a stolen table signs nobody in."""
    return hashlib.sha256(_octets(plain)).digest()


def _octets(plain: str) -> bytes:
    """NFKC, so that a password typed full-width by an input method (ａｂｃ) is the same password.

    Lone surrogates, which JSON can carry, must be a wrong password and not a crash.
    """
    return unicodedata.normalize("NFKC", plain).encode("utf-8", "surrogatepass")
