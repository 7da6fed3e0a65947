"""Where the bytes of documents are kept (文件存储): each under its SHA-256, written once, never overwritten.

The file comes first, is forced to disk, and only then may a row name it: a crash leaves a file without a row,
which is swept later, never a row without its file.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, Protocol

from workflow_service.documents.content import Readable, too_large

_CHUNK = 64 * 1024
_SHA256 = re.compile(r"[0-9a-f]{64}")
_FULL = (errno.ENOSPC, errno.EDQUOT)


class StoreFull(Exception):
    """There is no room for this file (507). Nothing of it is left behind."""

    status = 507
    code = "document_store_full"
    message_zh = "服务器存储空间不足，文件没有保存，请联系系统管理员。"
    message_en = "The server has no room left; the file was not saved. Please tell the system administrator."


class Damaged(Exception):
    """A kept file is not what its name says: altered on disk. It is not delivered; somebody has to look."""


class NotKept(Exception):
    """There is no file of this SHA-256."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A file that is on disk: its SHA-256 (64 hex digits, lower case) and its size in bytes."""

    sha256: str
    size: int


class DocumentStore(Protocol):
    """What the service asks of any store."""

    def put(self, stream: Readable, limit_bytes: int) -> Stored: ...

    def open(self, sha256: str) -> BinaryIO: ...

    def exists(self, sha256: str) -> bool: ...

    def sweep_temp(self, older_than: datetime) -> int: ...

    def iter_all(self) -> Iterator[tuple[Stored, datetime]]: ...

    def probe(self) -> None: ...


class FolderStore:
    """A folder: `ab/cd/abcd…` for what is kept, `incoming/` for what is still being written.

    Safe for any number of processes on one file system. Names are made here, never taken from a client.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._incoming = root / "incoming"
        self._incoming.mkdir(mode=0o700, parents=True, exist_ok=True)

    def put(self, stream: Readable, limit_bytes: int) -> Stored:
        """Keeps what `stream` gives, in chunks, and returns when it is safe on disk.

        A file that is kept already is checked and kept as it is. Raises Unacceptable (413) above `limit_bytes`,
        StoreFull, Damaged, and whatever the stream raises; the part that was written is removed in every case.
        """
        with self._part() as part:
            stored = _write(part, stream, limit_bytes)
            if self.exists(stored.sha256):
                self.open(stored.sha256).close()
            else:
                # Two uploads of the same file may both come here; each renames the same content.
                final = self._path(stored.sha256)
                self._make_folders(final.parent)
                part.rename(final)
            # Also for a file that was there: its writer may not have come this far before it was killed.
            _sync_folder(self._path(stored.sha256).parent)
        return stored

    def open(self, sha256: str) -> BinaryIO:
        """The file, at its first byte, after all of it was checked against its name.

        Raises NotKept, or Damaged: a damaged file must not have been half delivered before anybody knows.
        """
        try:
            file = self._path(sha256).open("rb")
        except FileNotFoundError as error:
            raise NotKept(sha256) from error
        try:
            if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
                raise Damaged(sha256)
            file.seek(0)
        except BaseException:
            file.close()
            raise
        return file

    def exists(self, sha256: str) -> bool:
        """Whether a file of this name is kept; `open` tells whether it is whole."""
        return self._path(sha256).is_file()

    def sweep_temp(self, older_than: datetime) -> int:
        """Removes what writers that were killed have left behind, and returns how many; `older_than` is real time."""
        swept = 0
        for part in self._incoming.iterdir():
            # A writer may finish between the listing and here: then its part is gone, which is well.
            with suppress(FileNotFoundError):
                if part.stat().st_mtime < older_than.timestamp():
                    part.unlink()
                    swept += 1
        return swept

    def iter_all(self) -> Iterator[tuple[Stored, datetime]]:
        """Every file that is kept, by name, with the real time (UTC) since when; contents are not read."""
        for path in sorted(self._root.glob("??/??/*")):
            if _SHA256.fullmatch(path.name):
                state = path.stat()
                yield Stored(path.name, state.st_size), datetime.fromtimestamp(state.st_mtime, UTC)

    def probe(self) -> None:
        """Writes and removes a few bytes; StoreFull or OSError where no upload would succeed now."""
        with self._part() as part:
            _write(part, BytesIO(b"probe"), _CHUNK)

    def _path(self, sha256: str) -> Path:
        if _SHA256.fullmatch(sha256) is None:
            raise ValueError("a kept file is named by 64 hex digits")
        return self._root / sha256[:2] / sha256[2:4] / sha256

    @contextmanager
    def _part(self) -> Iterator[Path]:
        """A name for a file in the making; whatever stands there in the end is removed, also after an error."""
        part = self._incoming / secrets.token_hex(16)
        try:
            yield part
        except OSError as error:
            if error.errno in _FULL:
                raise StoreFull(f"no room below {self._root}") from error
            raise
        finally:
            part.unlink(missing_ok=True)

    def _make_folders(self, folder: Path) -> None:
        for each in (folder.parent, folder):
            each.mkdir(mode=0o700, exist_ok=True)
            # A folder of which only the inside is on disk would be lost with all it holds.
            _sync_folder(each.parent)


def _write(part: Path, stream: Readable, limit_bytes: int) -> Stored:
    running, size = hashlib.sha256(), 0
    with _new_file(part) as descriptor:
        while chunk := stream.read(_CHUNK):
            size += len(chunk)
            if size > limit_bytes:
                raise too_large(limit_bytes)
            running.update(chunk)
            _write_all(descriptor, chunk)
        os.fsync(descriptor)
    return Stored(running.hexdigest(), size)


@contextmanager
def _new_file(part: Path) -> Iterator[int]:
    # Read-only for everybody, its owner included: nothing here is ever written a second time.
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _write_all(descriptor: int, content: bytes) -> None:
    left = memoryview(content)
    while left:
        # A write may take less than it was given, at the end of a disk above all.
        left = left[os.write(descriptor, left) :]


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
