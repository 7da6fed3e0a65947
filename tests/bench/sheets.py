"""Goals 11 and 12: a roster of 100,000 pupils in, a list of 100,000 students out, each against the bare minimum.

Every side is a process of its own, so that its memory is its own; sides take turns within one run. What the import
wrote is taken out of its tables as bytes, and the floor reads the same workbook and copies those very bytes into
tables without any index or key; a second figure has the tables with them.
"""

from __future__ import annotations

import contextlib
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from random import Random

import openpyxl
from python_calamine import CalamineWorkbook
from rustpy_xlsxwriter import FastExcel

from states.identity import make_identity_number
from tests import postgres
from tests.bench import world
from tests.bench.goal import Goal, Note, Parts, Size
from tests.bench.sides import ROOT, dispose
from workflow_service.check import check
from workflow_service.demo.organizations import schools
from workflow_service.export import export
from workflow_service.generate.people import person_name, phone
from workflow_service.roster.headings import BY_KEY, GRADES
from workflow_service.roster.importer import import_workbook
from workflow_service.schooling import stages_of

ROWS = 100_000
ROUNDS = 3
COUNTIES = 120
"""Counties in which the pupils were first registered, as in a province: the first six digits of a number."""
TABLES = ("student", "student_number", "enrolment", "guardian", "history", "likeness_block", "identity_finding")
"""What an import writes for each pupil. The classes are there before."""
PEER_SQL = """
SELECT o.code, o.name, s.name, s.former_name, s.sex, s.birth_date, s.identity_type, '********', '********',
    c.first_grade, c.sequence, e.valid_from, s.status, s.special_education
FROM student s JOIN enrolment e ON e.student_id = s.id AND e.ended_at IS NULL
JOIN organization o ON o.id = e.school_id JOIN school_class c ON c.id = e.class_id
ORDER BY o.path, e.class_id, s.id"""


def pupils(count: int) -> Iterator[dict[str, str]]:
    """Rows of a roster, by heading; nobody's number is another's."""
    random = Random(11)
    places = [(school, stage, grade) for school in schools() for stage in stages_of(school.schooling)
              for grade in range(stage.first_grade, stage.last_grade + 1)]  # fmt: skip
    taken: set[str] = set()
    for n in range(count):
        school, stage, grade = places[n % len(places)]
        born = date(2026 - 6 - grade, 1 + random.randrange(12), 1 + random.randrange(28))
        sex = random.choice("12")
        while True:
            sequence = random.randrange(500) * 2 + (sex == "1")
            number = make_identity_number(f"9{random.randrange(COUNTIES):05}", born, sequence)
            if number not in taken:
                break
        taken.add(number)
        row = {
            "school_code": school.code, "school_name": school.name, "name": person_name(random, sex),
            "former_name": "", "sex": "男" if sex == "1" else "女", "birth_date": f"{born:%Y%m%d}",
            "identity_type": "居民身份证", "identity_number": number, "student_number": f"G{number}",
            "grade": GRADES[grade], "class_name": f"{n // len(places) % 40 + 1}班",
            "entered": f"{2026 - (grade - stage.first_grade)}09", "status": "", "special_education": "否",
            "guardian1_name": person_name(random, "1"), "guardian1_relation": "父亲", "guardian1_phone": phone(random),
        }  # fmt: skip
        yield {BY_KEY[key].title: value for key, value in row.items()}


def imported(place: Path, folder: Path, size: Size, note: Note) -> list[Goal]:
    """Goal 11: `import_workbook` against reading with calamine and COPY of as many bytes."""
    book, data, rows = folder / "roster.xlsx", folder / "sheets", size.of(ROWS)
    FastExcel(book).sheet("学生名册", pupils(rows)).save()
    dispose(world.make(place, "sheets", data))
    note(f"a first import of {rows} rows, to know what is to be copied …")
    world.copy(place, "sheets_in", "sheets")
    _side("import", place, "sheets_in", data, book)
    length = _taken_out(place, "sheets_in", folder)
    _assert_sound(place, "sheets_in", data, rows)
    _with_classes(place, folder)
    found: dict[str, list[dict[str, float]]] = {"import": [], "floor": [], "keyed": []}
    for _ in range(ROUNDS):
        for side in found:
            world.copy(place, "sheets_side", {"import": "sheets"}.get(side, "sheets_classes"))
            found[side].append(_side(side, place, "sheets_side", data, book))
    for side, what in (("import", "import"), ("floor", "calamine and COPY"), ("keyed", "the same, into keyed tables")):
        note(f"{what}: {_said(found[side], rows)}")
    note(f"{length / rows:.0f} bytes a row are copied")
    return [
        Goal("11", "of calamine and COPY of as many bytes into bare tables, 100,000 rows imported",
             _ratio(found, "import", "floor"), 0.5, large=True),
        Goal("11b", "MB at most while importing", _peak(found["import"]), 300, at_most=True, large=True),
        Goal("11c", "of the same into the tables with their indexes and keys", _ratio(found, "import", "keyed"), 0.5,
             large=True),
    ]  # fmt: skip


def exported(place: Path, folder: Path, size: Size, note: Note) -> list[Goal]:
    """Goal 12: `export` against openpyxl, write-only, of the same columns of the same rows."""
    book, data, rows = folder / "roster.xlsx", folder / "sheets", size.of(ROWS)
    found: dict[str, list[dict[str, float]]] = {"export": [], "openpyxl": []}
    for turn in range(ROUNDS):
        for side in found:
            target = folder / f"{side}{turn}.xlsx"
            found[side].append(_side(side, place, "sheets_in", data, target))
            read = CalamineWorkbook.from_path(str(target)).get_sheet_by_index(0)
            assert read.height == rows + 1, f"{side}: {read.height} rows"
            target.unlink()
    assert book.exists()
    for side in found:
        note(f"{side}: {_said(found[side], rows)}")
    return [
        Goal("12", "times openpyxl write-only, 100,000 rows exported", _ratio(found, "export", "openpyxl"), 6,
             large=True),
        Goal("12b", "MB at most while exporting", _peak(found["export"]), 150, at_most=True, large=True),
    ]  # fmt: skip


def _side(what: str, place: Path, database: str, data: Path, file: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.bench.sheets", what, str(place), database, str(data), str(file)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    answer: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return answer


def _ratio(found: dict[str, list[dict[str, float]]], ours: str, theirs: str) -> float:
    """How many times faster ours is: the median over the rounds."""
    pairs = zip(found[ours], found[theirs], strict=True)
    return statistics.median(their["seconds"] / our["seconds"] for our, their in pairs)


def _peak(runs: list[dict[str, float]]) -> float:
    return max(run["megabytes"] for run in runs)


def _said(runs: list[dict[str, float]], rows: int) -> str:
    seconds = statistics.median(run["seconds"] for run in runs)
    return f"{rows / seconds:.0f} rows/s, {seconds:.2f} s, {_peak(runs):.0f} MB"


def _taken_out(place: Path, database: str, folder: Path) -> int:
    """What the import wrote, as COPY gives it, in a file a table; how many bytes."""
    with postgres.connect(place, database) as connection, connection.cursor() as cursor:
        for table in (*TABLES, "school_class"):
            with cursor.copy(f"COPY {table} TO STDOUT (FORMAT binary)") as copy, _bytes(folder, table).open("wb") as to:
                for piece in copy:
                    to.write(piece)
    return sum(_bytes(folder, table).stat().st_size for table in TABLES)


def _bytes(folder: Path, table: str) -> Path:
    return folder / f"{table}.copy"


def _with_classes(place: Path, folder: Path) -> None:
    """The database that the floor copies into: the classes are there, and tables without keys beside the others."""
    world.copy(place, "sheets_classes", "sheets")
    with postgres.connect(place, "sheets_classes") as connection:
        _copy(connection, "school_class", "school_class", folder)
        for table in TABLES:
            connection.execute(f"CREATE TABLE bare_{table} (LIKE {table})")


def _copy(connection: postgres.psycopg.Connection[object], table: str, source: str, folder: Path) -> None:
    statement = f"COPY {table} FROM STDIN (FORMAT binary)"
    with _bytes(folder, source).open("rb") as file, connection.cursor() as cursor, cursor.copy(statement) as copy:
        while piece := file.read(1 << 18):
            copy.write(piece)


def _assert_sound(place: Path, database: str, data: Path, rows: int) -> None:
    """All are there, and the service's own invariants hold."""
    with postgres.connect(place, database) as connection:
        for table in ("student", "student_number", "enrolment", "history", "guardian"):
            [(count,)] = connection.execute(f"SELECT count(*) FROM {table}").fetchall()
            assert count >= rows, f"{count} rows in {table}"
    checked = world.open_on(place, database, data)
    assert check(checked.service) == []
    dispose(checked)


# --- What a side does, in its own process.


def _import(place: Path, database: str, data: Path, file: Path) -> Callable[[], None]:
    made = world.open_on(place, database, data)

    def work() -> None:
        report = import_workbook(made.service, file, None)
        assert report.written, [str(error) for error in report.errors[:5]]

    return work


def _floor(place: Path, database: str, data: Path, file: Path, prefix: str = "bare_") -> Callable[[], None]:
    def work() -> None:
        sheet = CalamineWorkbook.from_path(str(file)).get_sheet_by_index(0)
        assert sum(1 for _ in sheet.iter_rows()) == sheet.height
        with postgres.connect(place, database) as connection, connection.transaction():
            for table in TABLES:
                _copy(connection, f"{prefix}{table}", table, file.parent)

    return work


def _keyed(place: Path, database: str, data: Path, file: Path) -> Callable[[], None]:
    return _floor(place, database, data, file, "")


def _export(place: Path, database: str, data: Path, file: Path) -> Callable[[], None]:
    made = world.open_on(place, database, data)
    return lambda: str(export(made.service, file, None)) and None


def _openpyxl(place: Path, database: str, data: Path, file: Path) -> Callable[[], None]:
    def work() -> None:
        book = openpyxl.Workbook(write_only=True)
        sheet = book.create_sheet("学生名册")
        sheet.append([f"c{n}" for n in range(14)])
        with (
            postgres.connect(place, database) as connection,
            connection.transaction(),
            connection.cursor("rows") as cursor,
        ):
            cursor.itersize = 2_000
            for row in cursor.execute(PEER_SQL):
                sheet.append(row)
        book.save(file)

    return work


SIDES = {"import": _import, "floor": _floor, "keyed": _keyed, "export": _export, "openpyxl": _openpyxl}


def _peak_memory() -> float:
    """MB that this process held at most. The kernel's `ru_maxrss` would count what the parent had held."""
    with contextlib.closing(open("/proc/self/status")) as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM"))


def main() -> None:
    what, place, database, data, file = sys.argv[1:]
    work = SIDES[what](Path(place), database, Path(data), Path(file))
    started = time.perf_counter()
    work()
    print(json.dumps({"seconds": time.perf_counter() - started, "megabytes": _peak_memory()}))


PARTS: Parts = {(11,): imported, (12,): exported}

if __name__ == "__main__":
    main()
