"""Pack files with their cases (规则包文件): those that ship, and drafts beside them in a folder of somebody's own."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from states.cases.shelf import Shelf
from workflow_service.packs import shipped_cases, shipped_texts


class NoSuchPack(ValueError):
    """Neither a pack that ships nor a file."""


@dataclass(frozen=True, slots=True)
class PackFile:
    """One pack's file for one kind: its name on the shelf ("nenjiang-k12/transfer.toml") and where it lies."""

    file: str
    path: Path

    @property
    def cases(self) -> Path:
        """The case file beside it."""
        return self.path.with_suffix(".cases.md")

    @property
    def name(self) -> str:
        """The pack and the kind: "nenjiang-k12/transfer"."""
        return self.file.removesuffix(".toml")


def shipped_shelf() -> Shelf:
    """Every pack that ships, with its cases."""
    return Shelf(shipped_texts(), shipped_cases())


def find_packs(name: str, kind: str | None = None) -> tuple[Shelf, list[PackFile]]:
    """The shelf and the files that `name` means: a shipped pack, "pack/kind", a draft's file or its folder.

    A draft stands on the shelf in the place of the shipped pack of its name. Raises `NoSuchPack`.
    """
    shelf = shipped_shelf()
    path = Path(name)
    if path.is_file() or path.is_dir():
        return _drafts(shelf, path, kind)
    pack, _, named = name.partition("/")
    kind = kind or named or None
    frame = f"{pack}/{kind}.toml"  # a frame is no kind of its own, and is meant only where it is named
    found = shelf.files(pack, kind) or [file for file in shelf.texts if file == frame]
    if not found:
        shipped = sorted({file.partition("/")[0] for file in shelf.files()})
        known = ", ".join(_kinds(shelf, pack)) if pack in shipped else ", ".join(shipped)
        raise NoSuchPack(f"{name}{f' for {kind}' if kind else ''} is neither a file nor one of: {known}")
    folder = Path(str(resources.files("states"))) / "policies"
    return shelf, [PackFile(file, folder / file) for file in found]


def _kinds(shelf: Shelf, pack: str) -> list[str]:
    return [file.partition("/")[2].removesuffix(".toml") for file in shelf.files(pack)]


def _drafts(shelf: Shelf, path: Path, kind: str | None) -> tuple[Shelf, list[PackFile]]:
    tomls = [path] if path.is_file() else sorted(path.glob("*.toml"))
    drafts = [PackFile(f"{one.absolute().parent.name}/{one.name}", one) for one in tomls]
    texts = {one.file: one.path.read_text(encoding="utf-8") for one in drafts}
    cases = {f"{one.name}.cases.md": one.cases.read_text(encoding="utf-8") if one.cases.exists() else ""
             for one in drafts}  # fmt: skip
    wanted = [one for one in drafts if one.path.name != "frame.toml" and kind in (None, one.path.stem)]
    if not wanted:
        raise NoSuchPack(f"{path} holds no pack{f' for {kind}' if kind else ''}")
    return shelf.with_files(texts, cases), wanted
