"""Personal data at rest (个人信息加密): encrypted columns, keyed hashes to search them, masks to show them.

Identity numbers, student numbers, phones, addresses and guardians are stored as ciphertext; equality is
found by a keyed hash beside it. A stolen table shows neither without the keys, which live elsewhere.
"""

from __future__ import annotations

import hmac
import os
import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_FORMAT = b"\x01"
_NONCE = 12
_HASH_BYTES = 16
_NOT_IN_A_PHONE = re.compile(r"[\s()\-]")
_PHONE_PREFIX = re.compile(r"^(?:\+|00)86")
_IDENTITY_SHAPE = re.compile(r"[0-9]{17}[0-9X]")

Kind = Literal["student_number", "identity_number", "phone", "likeness"]


class Undecryptable(Exception):
    """A ciphertext cannot be read: its key is not in FIELD_KEYS, it was altered, or it is another column's."""


class FieldCipher:
    """AES-256-GCM for one text column at a time.

    `keys` maps key ids to 32-byte keys; the first one writes, all of them read, so that a key is rotated
    by putting a new one in front and rewriting rows at leisure. `column` ("student.identity_number") is
    authenticated with the text: a ciphertext that is copied into another column does not open.

    Stored bytes: version 1 · length of key id (1) · key id · nonce (12) · ciphertext and tag (+16).
    """

    def __init__(self, keys: Mapping[str, bytes], random_bytes: Callable[[int], bytes] = os.urandom) -> None:
        self._ciphers = {key_id: AESGCM(key) for key_id, key in keys.items()}
        self._writing = next(iter(keys))
        self._head = _head(self._writing)
        self._random_bytes = random_bytes

    def encrypt(self, text: str, column: str) -> bytes:
        """The bytes to store; two calls never give the same ones."""
        head, nonce = self._head, self._random_bytes(_NONCE)
        plain = text.encode("utf-8", "surrogatepass")
        return head + nonce + self._ciphers[self._writing].encrypt(nonce, plain, head + column.encode())

    def decrypt(self, stored: bytes, column: str) -> str:
        """The text; Undecryptable, which names column and key id but never the text, where it does not open."""
        key_id = self.key_id(stored)
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise Undecryptable(f"{column}: key {key_id!r} is not in FIELD_KEYS")
        head = _head(key_id)
        nonce, sealed = stored[len(head) : len(head) + _NONCE], stored[len(head) + _NONCE :]
        try:
            return cipher.decrypt(nonce, sealed, head + column.encode()).decode("utf-8", "surrogatepass")
        except (InvalidTag, ValueError) as error:
            raise Undecryptable(f"{column}: altered, cut, or written for another column (key {key_id!r})") from error

    def key_id(self, stored: bytes) -> str:
        """The id of the key that wrote these bytes."""
        if len(stored) < 2 or stored[:1] != _FORMAT or len(stored) < 2 + stored[1] + _NONCE:
            raise Undecryptable("these bytes are no ciphertext of this service")
        return stored[2 : 2 + stored[1]].decode("ascii", "replace")

    def outdated(self, stored: bytes) -> bool:
        """Whether a rotation still has to rewrite these bytes."""
        return self.key_id(stored) != self._writing


class KeyedHash:
    """HMAC-SHA256, cut to 16 bytes, of a normalised text: finds equal numbers without showing them.

    Hashes differ between kinds, so that a G-number and the identity number inside it cannot be matched
    by somebody who has the tables only. The first key writes; `candidates` also asks the older ones.
    """

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        # Set up once: an import asks for seventeen hashes a pupil.
        self._macs = tuple(hmac.new(key, digestmod="sha256") for key in keys.values())

    def of(self, kind: Kind, text: str) -> bytes:
        """The 16 bytes that stand in the column beside the ciphertext."""
        return _keyed(self._macs[0], kind, normalise(kind, text))

    def candidates(self, kind: Kind, text: str) -> tuple[bytes, ...]:
        """The hashes to look for, one per key, while rows written under an older key are still there."""
        plain = normalise(kind, text)
        return tuple(_keyed(mac, kind, plain) for mac in self._macs)

    def nearly_equal(self, identity_number: str) -> tuple[bytes, bytes, bytes] | None:
        """Hashes over pairs of blocks: (region + birth, region + sequence, birth + sequence).

        Two numbers that share one of them differ in one block at most: suspects of a double record, to be
        narrowed by name. The check digit is left out: every altered block changes it. None where the text
        is not an 18-digit identity number.
        """
        plain = normalise("identity_number", identity_number)
        if _IDENTITY_SHAPE.fullmatch(plain) is None:
            return None
        region, birth, sequence = plain[:6], plain[6:14], plain[14:17]
        return (
            _keyed(self._macs[0], "region+birth", region + birth),
            _keyed(self._macs[0], "region+sequence", region + sequence),
            _keyed(self._macs[0], "birth+sequence", birth + sequence),
        )


def normalise(kind: Kind, text: str) -> str:
    """One spelling of a number: full-width digits narrowed, x written X, blanks outside and in a phone dropped."""
    # Plain ASCII is its own NFKC: nine of ten texts, which need not be looked through.
    plain = (text if text.isascii() else unicodedata.normalize("NFKC", text)).strip().upper()
    if kind != "phone":
        return plain
    return _PHONE_PREFIX.sub("", _NOT_IN_A_PHONE.sub("", plain))


def mask_number(number: str) -> str:
    """An identity or student number for a page: first character and last four (G**************4512).

    Region and birth date stay hidden: together with a name they would give away where a child lives.
    """
    return _mask(number, 1, 4)


def mask_phone(phone: str) -> str:
    """A phone for a page: 138****5678."""
    return _mask(phone, 3, 4)


def mask_name(name: str) -> str:
    """A name for a public page: the first character only (张**)."""
    return _mask(name, 1, 0)


def _mask(text: str, first: int, last: int) -> str:
    # A text that is too short to hide anything is hidden whole, or the mask would show all of it.
    if len(text) <= first + last:
        return "*" * len(text)
    return text[:first] + "*" * (len(text) - first - last) + text[len(text) - last :]


def _head(key_id: str) -> bytes:
    return _FORMAT + bytes([len(key_id)]) + key_id.encode("ascii")


def _keyed(key: hmac.HMAC, kind: str, plain: str) -> bytes:
    mac = key.copy()
    mac.update(f"{kind}\0{plain}".encode("utf-8", "surrogatepass"))
    return mac.digest()[:_HASH_BYTES]
