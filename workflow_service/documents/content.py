"""What an uploaded file really is: judged by its content and by opening it, never by name or by the client's word.

Photographs and scans only: JPG, PNG (SYS-09) and PDF. Whatever a program inside the file could do to the reader
(scripts, launchers, attachments, a password) is refused; re-encoding and virus scanning are not done here.
"""

from __future__ import annotations

import hashlib
import logging
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from time import thread_time
from typing import Literal, Protocol

from PIL import Image
from pypdf import PdfReader
from pypdf.errors import PyPdfError
from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject, PdfObject, StreamObject

MediaType = Literal["image/jpeg", "image/png", "application/pdf"]

ALL_KINDS: frozenset[MediaType] = frozenset({"image/jpeg", "image/png", "application/pdf"})

_SIGNATURES: dict[bytes, MediaType] = {
    b"\xff\xd8\xff": "image/jpeg",
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"%PDF-": "application/pdf",
}
_PNG_END = b"IEND\xaeB`\x82"
_NAMES: dict[MediaType, str] = {"image/jpeg": "JPG", "image/png": "PNG", "application/pdf": "PDF"}

# An A3 scan at 600 dpi is 70 megapixels in black and white, a phone's photograph 12 to 50; 40 megapixels are
# at most 160 MB once decoded. Pillow's own limit (89) stays as it is and is asked first.
_MOST_PIXELS = 40_000_000
_MOST_PDF_OBJECTS = 20_000
_MOST_PDF_SEARCH = 50_000_000  # bytes unpacked times objects inside: some 3 s at worst, 200 objects in 250 kB
_MOST_PDF_SECONDS = 3.0

_ACTIVE_KEYS = frozenset({"/JS", "/JavaScript", "/EF", "/EmbeddedFiles", "/RichMediaContent", "/XFA"})
_ACTIVE_VALUES = frozenset(
    {"/JavaScript", "/Launch", "/EmbeddedFile", "/ImportData", "/SubmitForm", "/GoToE", "/GoToR", "/RichMedia"}
    | {"/Rendition", "/FileAttachment", "/Movie", "/Screen", "/3D"}
)
# Also looked for in the bytes themselves: an older revision that pypdf skips may be what another reader shows.
_ACTIVE_BYTES = (b"/JavaScript", b"/Launch", b"/EmbeddedFile", b"/RichMedia")

# What the two parsers raise on hostile bytes; anything else is a defect of ours and has to be seen.
_PARSE_FAILURES = (
    *(OSError, EOFError, SyntaxError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError),
    *(RecursionError, NotImplementedError, AssertionError, struct.error, zlib.error, PyPdfError),
)

# Each hostile file would otherwise write lines of its own choice into the log.
logging.getLogger("pypdf").setLevel(logging.CRITICAL)


class Readable(Protocol):
    """An upload as it comes in: a file, a request's stream, or anything else that gives at most `size` bytes."""

    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Inspected:
    """What a good file is. `width` and `height` in pixels for images, `pages` for PDF, else None."""

    media_type: MediaType
    width: int | None
    height: int | None
    pages: int | None
    size: int
    sha256: str


class Unacceptable(Exception):
    """A file that is not taken in: 413 too large, 415 a kind that is not accepted, 422 empty or damaged."""

    def __init__(self, status: Literal[413, 415, 422], code: str, message_zh: str, message_en: str) -> None:
        super().__init__(f"{code}: {message_en}")
        self.status = status
        self.code = code
        self.message_zh = message_zh
        self.message_en = message_en


def inspect(source: bytes | Path | Readable, limit_bytes: int, accepted: frozenset[MediaType] = ALL_KINDS) -> Inspected:
    """What `source` is; Unacceptable, with the reason in both languages, where it is not taken in.

    `limit_bytes` and `accepted` come from the pack (SYS-09: 2 MB). At most limit + 1 bytes are read, whatever
    length the client has announced.
    """
    data = _read(source, limit_bytes)
    if len(data) > limit_bytes:
        raise too_large(limit_bytes)
    if not data:
        raise Unacceptable(422, "document_empty", "文件是空的（0 字节）。", "The file is empty (0 bytes).")
    media_type = next((kind for mark, kind in _SIGNATURES.items() if data.startswith(mark)), None)
    if media_type is None or media_type not in accepted:
        raise _kind_refused(accepted)
    width = height = pages = None
    if media_type == "application/pdf":
        pages = _open_pdf(data)
    else:
        width, height = _open_image(data, media_type)
    return Inspected(media_type, width, height, pages, len(data), hashlib.sha256(data).hexdigest())


def too_large(limit_bytes: int) -> Unacceptable:
    """The refusal of a file above the pack's limit."""
    megabytes = f"{limit_bytes / 1_048_576:.3g} MB"
    return Unacceptable(
        413, "document_too_large", f"文件超过上限 {megabytes}。", f"The file is larger than the limit of {megabytes}."
    )


def _read(source: bytes | Path | Readable, limit_bytes: int) -> bytes:
    if isinstance(source, bytes):
        return source
    if isinstance(source, Path):
        with source.open("rb") as file:
            return _read(file, limit_bytes)
    # A socket may hand over less than asked for: going on until the end or the limit.
    read = bytearray()
    while len(read) <= limit_bytes and (chunk := source.read(limit_bytes + 1 - len(read))):
        read += chunk
    return bytes(read)


class _BoundedReader(PdfReader):
    """pypdf with a bound on packed objects, which it unpacks and searches whole, once for every object inside.

    Without it 72 kB of packed blanks cost five seconds and a few such streams a gigabyte.
    """

    def __init__(self, stream: BytesIO, strict: bool) -> None:
        self._unpacked: dict[int, int] = {}
        super().__init__(stream, strict=strict)

    def _get_object_from_stream(self, indirect_reference: IndirectObject) -> PdfObject:
        number = self.xref_objStm[indirect_reference.idnum][0]
        if number not in self._unpacked:
            holder = self.get_object(number)
            if not isinstance(holder, StreamObject):
                raise ValueError("packed objects outside a stream")
            self._unpacked[number] = len(holder.get_data()) * int(holder.get("/N", 0))
            if sum(self._unpacked.values()) > _MOST_PDF_SEARCH:
                raise ValueError("more packed objects than a scan has")
        return super()._get_object_from_stream(indirect_reference)


def _open_image(data: bytes, media_type: MediaType) -> tuple[int, int]:
    formats = [media_type.removeprefix("image/").upper()]
    with _damaged(media_type):
        try:
            with Image.open(BytesIO(data), formats=formats) as image:
                width, height = image.size
                if width * height > _MOST_PIXELS:
                    raise _too_many_pixels()
                image.verify()
            if media_type == "image/png" and _PNG_END not in data:
                raise ValueError("the end of the file is missing")
            # verify() checks what it can without decoding and leaves the image unusable; only load() finds a cut end.
            with Image.open(BytesIO(data), formats=formats) as image:
                image.load()
        except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
            raise _too_many_pixels() from error
    return width, height


def _open_pdf(data: bytes) -> int:
    with _damaged("application/pdf"):
        # pypdf mends a file that was cut off by guessing; a cut file has lost pages, so it is refused before.
        if b"%%EOF" not in data[-1024:]:
            raise ValueError("the end of the file is missing")
        reader = _BoundedReader(BytesIO(data), strict=False)
        if reader.is_encrypted:
            raise Unacceptable(
                415,
                "document_encrypted",
                "PDF 设有密码或权限保护，请去除后再上传。",
                "The PDF is protected by a password; remove the protection first.",
            )
        if any(mark in data for mark in _ACTIVE_BYTES) or any(map(_is_active, _dictionaries(reader.trailer))):
            raise Unacceptable(
                415,
                "document_active",
                "PDF 中含有脚本、附件或可执行动作，请打印为普通 PDF 或图片后再上传。",
                "The PDF contains scripts, attachments or actions; print it to a plain PDF or an image first.",
            )
        pages = sum(1 for _ in reader.pages)
        if not pages:
            raise ValueError("no pages")
    return pages


def _dictionaries(root: DictionaryObject) -> Iterator[DictionaryObject]:
    """Every dictionary that can be reached from the trailer, each once; streams are not decoded."""
    seen: set[tuple[int, int]] = set()
    waiting: list[object] = [root]
    deadline = thread_time() + _MOST_PDF_SECONDS
    while waiting:
        found = waiting.pop()
        if len(seen) > _MOST_PDF_OBJECTS or thread_time() > deadline:
            raise ValueError("more objects than a scan has")
        if isinstance(found, IndirectObject):
            if (found.idnum, found.generation) not in seen:
                seen.add((found.idnum, found.generation))
                waiting.append(found.get_object())
        elif isinstance(found, DictionaryObject):
            yield found
            waiting.extend(found.raw_get(key) for key in found)
        elif isinstance(found, ArrayObject):
            waiting.extend(list.__iter__(found))


def _is_active(found: DictionaryObject) -> bool:
    if not _ACTIVE_KEYS.isdisjoint(found):
        return True
    return any(str(found.get(key)) in _ACTIVE_VALUES for key in ("/S", "/Type", "/Subtype"))


@contextmanager
def _damaged(media_type: MediaType) -> Iterator[None]:
    """Whatever a parser stumbles over means: this file is not whole."""
    try:
        yield
    except _PARSE_FAILURES as error:
        name = _NAMES[media_type]
        raise Unacceptable(
            422,
            "document_damaged",
            f"文件不完整或已损坏，不能作为 {name} 打开，请重新扫描或导出后再上传。",
            f"The file is cut off or damaged and cannot be opened as {name}; scan or export it again.",
        ) from error


def _too_many_pixels() -> Unacceptable:
    most = _MOST_PIXELS // 1_000_000
    return Unacceptable(
        413,
        "document_too_many_pixels",
        f"图片像素过大（上限 {most} 百万像素），请缩小后再上传。",
        f"The image has more than {most} megapixels; make it smaller first.",
    )


def _kind_refused(accepted: frozenset[MediaType]) -> Unacceptable:
    names = [_NAMES[kind] for kind in _NAMES if kind in accepted]
    return Unacceptable(
        415,
        "document_kind",
        f"只接受 {'、'.join(names)} 文件；按内容判断，这个文件不是（改文件扩展名没有用）。",
        f"Only {', '.join(names)} files are accepted; by its content this is none of them, whatever its name says.",
    )
