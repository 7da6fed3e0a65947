"""A file is kept whole under its hash or not at all, whatever happens while it comes in."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from random import Random

import pytest

from workflow_service.documents.content import Unacceptable
from workflow_service.documents.store import Damaged, FolderStore, NotKept, Stored, StoreFull

LIMIT = 2 * 1024 * 1024
SCAN = Random(1).randbytes(300_000)
"""The same in every process: pytest's workers must agree on the names of the tests that carry its hash."""
NAME = sha256(SCAN).hexdigest()


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "documents")


def files(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def kept_file(root: Path) -> Path:
    return root / "documents" / NAME[:2] / NAME[2:4] / NAME


def test_what_was_put_is_read_back(store: FolderStore, tmp_path: Path) -> None:
    assert not store.exists(NAME)
    assert store.put(BytesIO(SCAN), LIMIT) == Stored(NAME, len(SCAN))
    assert store.exists(NAME)
    with store.open(NAME) as file:
        assert file.read() == SCAN
    assert files(tmp_path) == [f"documents/{NAME[:2]}/{NAME[2:4]}/{NAME}"]


def test_the_same_file_twice_is_one_file_and_is_not_written_again(store: FolderStore, tmp_path: Path) -> None:
    store.put(BytesIO(SCAN), LIMIT)
    before = kept_file(tmp_path).stat()
    assert store.put(BytesIO(SCAN), LIMIT) == Stored(NAME, len(SCAN))
    after = kept_file(tmp_path).stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    assert len(files(tmp_path)) == 1


def test_the_same_file_from_many_at_once_is_one_file(store: FolderStore, tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        stored = set(pool.map(lambda _: store.put(BytesIO(SCAN), LIMIT), range(32)))
    assert stored == {Stored(NAME, len(SCAN))}
    assert len(files(tmp_path)) == 1


def test_a_kept_file_cannot_be_written_and_is_its_owners_only(store: FolderStore, tmp_path: Path) -> None:
    store.put(BytesIO(SCAN), LIMIT)
    assert stat.S_IMODE(kept_file(tmp_path).stat().st_mode) == 0o400
    assert stat.S_IMODE(kept_file(tmp_path).parent.stat().st_mode) == 0o700


def test_one_byte_over_the_limit_is_refused_and_leaves_nothing(store: FolderStore, tmp_path: Path) -> None:
    assert store.put(BytesIO(SCAN), len(SCAN)).size == len(SCAN)
    other = os.urandom(200_000)
    with pytest.raises(Unacceptable) as refused:
        store.put(BytesIO(other), len(other) - 1)
    assert refused.value.status == 413
    assert len(files(tmp_path)) == 1


@pytest.mark.parametrize("cut_at", [0, 1, len(SCAN) // 2, len(SCAN) - 1])
def test_a_connection_that_breaks_leaves_nothing(store: FolderStore, tmp_path: Path, cut_at: int) -> None:
    class Broken(BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            chunk = super().read(size)
            if not chunk:
                raise ConnectionResetError
            return chunk

    with pytest.raises(ConnectionResetError):
        store.put(Broken(SCAN[:cut_at]), LIMIT)
    assert files(tmp_path) == []


@pytest.mark.parametrize("change", ["flip", "cut", "grow", "empty"])
def test_a_file_altered_on_disk_is_not_delivered(store: FolderStore, tmp_path: Path, change: str) -> None:
    store.put(BytesIO(SCAN), LIMIT)
    altered = {"flip": b"\0" + SCAN[1:], "cut": SCAN[:-1], "grow": SCAN + b"\0", "empty": b""}[change]
    kept_file(tmp_path).chmod(0o600)
    kept_file(tmp_path).write_bytes(altered)
    with pytest.raises(Damaged, match=NAME):
        store.open(NAME)
    # Whoever uploads the same file again must not believe that it is safe.
    with pytest.raises(Damaged, match=NAME):
        store.put(BytesIO(SCAN), LIMIT)
    assert kept_file(tmp_path).read_bytes() == altered


def test_a_file_that_is_not_there_is_told_apart_from_a_damaged_one(store: FolderStore) -> None:
    with pytest.raises(NotKept):
        store.open(NAME)


@pytest.mark.parametrize("name", ["", "../../etc/passwd", NAME.upper(), NAME[:-1], NAME + "\n", "incoming"])
def test_only_a_hash_is_a_name(store: FolderStore, name: str) -> None:
    for ask in (store.open, store.exists):
        with pytest.raises(ValueError, match="64 hex digits"):
            ask(name)


def test_a_writer_killed_in_the_middle_leaves_no_visible_file_and_is_swept(store: FolderStore, tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path\n"
        "from workflow_service.documents.store import FolderStore\n"
        "class Slow:\n"
        "    given = 0\n"
        "    def read(self, size):\n"
        "        self.given += 1\n"
        "        if self.given > 2: print('half', flush=True); sys.stdin.read()\n"
        "        return b'x' * size\n"
        "FolderStore(Path(sys.argv[1])).put(Slow(), 10**9)"
    )
    argv = [sys.executable, "-c", code, str(tmp_path / "documents")]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"half\n"
        writer.send_signal(signal.SIGKILL)
        writer.wait()
    assert list(store.iter_all()) == []
    (left,) = files(tmp_path)
    assert left.startswith("documents/incoming/")
    now = datetime.now(UTC)
    assert store.sweep_temp(now - timedelta(hours=24)) == 0
    assert store.sweep_temp(now + timedelta(seconds=5)) == 1
    assert files(tmp_path) == []


def test_every_kept_file_is_listed_and_nothing_else(store: FolderStore, tmp_path: Path) -> None:
    put = {store.put(BytesIO(content), LIMIT) for content in (SCAN, b"", b"x", b"yy")}
    (tmp_path / "documents" / "incoming" / "part").write_bytes(b"x")
    (tmp_path / "documents" / "lost+found").mkdir()
    kept_file(tmp_path).with_name("stray.txt").write_bytes(b"x")
    listed = dict(store.iter_all())
    assert set(listed) == put
    assert all(abs(since - datetime.now(UTC)) < timedelta(minutes=1) for since in listed.values())


def test_a_probe_leaves_nothing_and_notices_a_folder_that_is_gone(store: FolderStore, tmp_path: Path) -> None:
    store.probe()
    assert files(tmp_path) == []
    shutil.rmtree(tmp_path / "documents")
    with pytest.raises(FileNotFoundError):
        store.probe()


@pytest.fixture
def small_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A disk of one megabyte; where nothing may be mounted, writes that fail as on a full disk."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        monkeypatch.setattr("workflow_service.documents.store.os.write", full_after(1_000_000))
        yield disk
        return
    try:
        yield disk
    finally:
        subprocess.run(["umount", str(disk)], check=True, capture_output=True)


def full_after(room: int) -> Callable[[int, memoryview], int]:
    """os.write on a disk that has `room` bytes left: it takes what fits and then refuses."""
    real, left = os.write, [room]

    def write(descriptor: int, content: memoryview) -> int:
        if not left[0]:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written = real(descriptor, content[: left[0]])
        left[0] -= written
        return written

    return write


def refused_for_room(store: FolderStore, root: Path) -> None:
    small = store.put(BytesIO(b"fits"), LIMIT)
    with pytest.raises(StoreFull) as full:
        store.put(BytesIO(os.urandom(LIMIT)), LIMIT)
    assert full.value.status == 507
    assert [each for each, _ in store.iter_all()] == [small]
    assert not any("incoming" in name for name in files(root))
    with store.open(small.sha256) as file:
        assert file.read() == b"fits"


def test_a_full_disk_refuses_the_upload_and_leaves_nothing(small_disk: Path) -> None:
    store = FolderStore(small_disk)
    refused_for_room(store, small_disk)


def test_a_write_that_takes_less_than_it_was_given_goes_on(store: FolderStore, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write
    monkeypatch.setattr("workflow_service.documents.store.os.write", lambda fd, content: real(fd, content[:1000]))
    assert store.put(BytesIO(SCAN), LIMIT) == Stored(NAME, len(SCAN))


def test_a_disk_that_fills_in_the_middle_of_a_write_is_full(
    store: FolderStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workflow_service.documents.store.os.write", full_after(1_000_001))
    refused_for_room(store, tmp_path)


def test_another_disk_error_is_not_called_full(store: FolderStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(descriptor: int, content: memoryview) -> int:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr("workflow_service.documents.store.os.write", broken)
    with pytest.raises(OSError, match="Input/output error"):
        store.put(BytesIO(SCAN), LIMIT)
