"""Code tables: strict data, crosswalks that agree with the status machine, and §9 read against it line by line."""

from __future__ import annotations

from datetime import date

import pytest

from states.kinds import KINDS
from states.student_status import RESUMED_CODE, STATUSES, status_plan
from workflow_service.code_tables import (
    CodeTableFault,
    code_table,
    code_tables,
    crosswalk_of,
    crosswalks,
    effects,
    exported_status,
    table_of,
)
from workflow_service.division_codes import divisions
from workflow_service.roster.headings import IDENTITY_TYPES, RELATIONS, SEX

SIZES = {
    "jyt1001-xjydlb": 35, "jyt1001-xjydyy": 49, "jyt1001-xsdqzt": 16, "jyt1001-xsbdlb": 18, "jyt1001-xtxyy": 6,
    "jyt1001-xslb": 27, "jjt10-xslb": 6, "gbt2261-1": 4, "gbt3304": 58, "gbt4761": 84, "national-form-sfzjlx": 7,
    "jyt1001-gatqw": 16,
}  # fmt: skip

PLAN = status_plan()
TYPES = crosswalks()["event-xjydlb"]
EFFECTS = effects()

TABLE = """
scheme = "x"
title = "例"
title_en = "example"
standard = "x"
version = "1"
valid_from = 2026-01-01
source = "x"
basis = "read"
rows = [["1", "甲", "a"], ["2", "乙", "b", "1"]]
"""


def events_of(type_: str) -> list[str]:
    return [event for event, code, _ in TYPES.rows if code == type_]


def before(event: str) -> set[str]:
    return {status for status, name in PLAN if name == event}


def after(event: str) -> set[str]:
    return {target for (_, name), target in PLAN.items() if name == event}


# --- The tables


def test_every_scheme_is_there_whole() -> None:
    assert {table.scheme: len(table.codes) for table in code_tables() if table.scheme != "gbt2260"} == SIZES
    divided = code_table("gbt2260")
    assert divided is not None
    assert {code: row.zh for code, row in divided.codes.items()} == divisions()
    assert (divided.codes["110101"].parent, divided.codes["110100"].parent) == ("110100", "110000")


def test_every_row_has_both_languages_and_a_parent_that_exists() -> None:
    for table in code_tables():
        for code in table.codes.values():
            assert code.zh
            assert code.en or table.scheme == "gbt2260", (table.scheme, code)
            assert code.parent is None or code.parent in table.codes, (table.scheme, code)


def test_what_was_not_read_says_why() -> None:
    for table in [*code_tables(), *crosswalks().values()]:
        assert (table.basis == "read") == (table.because == ""), table


def test_there_are_fifty_six_nationalities() -> None:
    table = code_table("gbt3304")
    assert table is not None
    peoples = [code for code in table.codes.values() if code.zh.endswith("族")]
    assert [code.code for code in peoples] == [f"{n:02d}" for n in range(1, 57)]
    assert len({code.zh for code in peoples}) == 56
    assert [(table.codes[code].zh, table.codes[code].en) for code in ("02", "05", "56")] == [
        ("蒙古族", "Mongol"), ("维吾尔族", "Uygur"), ("基诺族", "Jino"),
    ]  # fmt: skip


def test_a_version_is_found_by_the_day() -> None:
    table = code_table("jyt1001-xsdqzt", date(2026, 9, 1))
    assert table is code_table("jyt1001-xsdqzt")
    assert code_table("jyt1001-xsdqzt", date(2012, 3, 14)) is None
    assert code_table("unknown") is None


@pytest.mark.parametrize(
    ("column", "scheme"), [(SEX, "gbt2261-1"), (RELATIONS, "gbt4761"), (IDENTITY_TYPES, "national-form-sfzjlx")]
)
def test_the_codes_of_the_roster_are_those_of_the_tables(column: dict[str, str], scheme: str) -> None:
    table = code_table(scheme)
    assert table is not None
    # 97 is 其他亲属 in GB/T 4761; the roster says it of a guardian (其他监护人).
    assert {code: table.codes[code].zh for code in column if code != "97"} == {
        code: label for code, label in column.items() if code != "97"
    }
    assert set(column) <= set(table.codes)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (('"2", "乙"', '"1", "乙"'), "stands twice"),
        (('"b", "1"', '"b", "9"'), "before its parent"),
        (('"甲", "a"', '"甲"'), "is no"),
        (('"甲", "a"', '"甲", ""'), "is no"),
        (('"甲", "a"', '"甲", 1'), "is no"),
        (("2026-01-01", '"2026-01-01"'), "is no day"),
        (("2026-01-01", "2026-01-01T00:00:00"), "is no day"),
        (('basis = "read"', 'basis = "inferred"'), "do not fit"),
        (('basis = "read"', 'basis = "guessed"\nbecause = "x"'), "do not fit"),
        (('title = "例"', 'title = ""'), "do not fit"),
        (('title = "例"', ""), "expected"),
        (('title = "例"', 'title = "例"\nname = "x"'), "expected"),
        (("rows = [", "rows_from = 'division_codes'\nrows = ["), "either rows or rows_from"),
        (('version = "1"', "version = "), "x: "),
    ],
)
def test_a_table_that_is_wrong_says_where(change: tuple[str, str], message: str) -> None:
    assert len(table_of("x", TABLE).codes) == 2
    with pytest.raises(CodeTableFault, match=message) as fault:
        table_of("x", TABLE.replace(*change))
    assert str(fault.value).startswith("x: ")


CROSSWALK = """
id = "x"
from = "status"
to = "jyt1001-xsdqzt"
title = "例"
title_en = "example"
source = "x"
basis = "decided"
because = "x"
rows = [["attending", "01"]]
"""


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (('"01"', '"77"'), "77 is not in its table"),
        (('"attending"', '"attends"'), "attends is not in its table"),
        (("jyt1001-xsdqzt", "jyt1001-x"), "no table"),
        (('id = "x"', 'id = "y"'), "its id is y"),
        (('[["attending", "01"]]', '[["attending", "01"], ["attending", "01"]]'), "twice"),
    ],
)
def test_a_crosswalk_to_what_is_not_there_is_refused(change: tuple[str, str], message: str) -> None:
    assert crosswalk_of("x", CROSSWALK).codes("attending") == ("01",)
    with pytest.raises(CodeTableFault, match=message):
        crosswalk_of("x", CROSSWALK.replace(*change))


# --- Crosswalks and the status machine


def test_the_status_crosswalk_is_what_the_machine_says() -> None:
    assert {name: exported_status(name) for name in STATUSES} == {
        name: status.code for name, status in STATUSES.items()
    }


def test_an_export_writes_05_until_the_term_after_a_resumption() -> None:
    assert exported_status("attending", resumed=True) == RESUMED_CODE == "05"
    assert exported_status("suspended", resumed=True) == "02"
    assert exported_status("pending_registration", resumed=True) is None


def test_every_event_that_is_a_change_of_status_has_its_code() -> None:
    """升级、升学、毕业 and what comes before the register are no 异动 (§4.2); everything else is one."""
    no_change = {
        "enrolment", "registration_deferral", "entry_postponement", "omitted_pupil_entry", "missing_record_creation",
        "class_placement", "guest_attendance", "promotion", "stage_promotion", "graduation", "graduation_undo",
    }  # fmt: skip
    assert {event for _, event in PLAN} == {event for event, _, _ in TYPES.rows} | no_change


def test_every_kind_that_has_an_event_is_found_in_one_of_the_crosswalks() -> None:
    counted = {event for event, _, _ in crosswalks()["event-xsbdlb"].rows}
    named = {event for event, _, _ in TYPES.rows}
    events = {event for kind in KINDS.values() for event in (kind.events or {}).values()}
    assert events - counted - named == {"registration_deferral", "entry_postponement", "graduation_undo"}


def test_a_word_with_two_codes_says_when_each_is_meant() -> None:
    for crosswalk in crosswalks().values():
        for word in {from_ for from_, _, _ in crosswalk.rows}:
            rows = [row for row in crosswalk.rows if row[0] == word]
            assert len(rows) == 1 or all(when for _, _, when in rows), (crosswalk.id, word)


def test_the_first_digit_of_the_count_says_whether_a_school_gains_or_loses() -> None:
    for event, code, _ in crosswalks()["event-xsbdlb"].rows:
        ways = {
            (source == "attending", target == "attending") for (source, name), target in PLAN.items() if name == event
        }
        if code[0] == "1" and event != "transfer":
            assert (False, True) in ways, event
        if code[0] == "2" and event != "transfer":
            assert all(not attends for _, attends in ways), event
        if code[0] == "3":
            assert (True, True) in ways, event


# --- §9: the type → result table, and what needs what before it

OURS = {
    # type: (what it does, statuses before, statuses after), of the types for which a request exists
    "01": ({"attending"}, {"abroad_state_sent"}),
    "02": ({"attending"}, {"attending"}),
    "04": ({"attending"}, {"attending"}),
    "08": ({"abroad", "abroad_state_sent"}, {"attending"}),
    "11": ({"attending", "suspended"}, {"suspended"}),
    "12": ({"suspended", "halted"}, {"attending"}),
    "13": ({"attending"}, {"halted"}),
    "14": ({"pending_registration"}, {"admission_reserved"}),
    "15": ({"admission_reserved"}, {"attending"}),
    "16": ({"admission_reserved"}, {"left"}),
    "17": ({"record_retained"}, {"attending"}),
    "18": ({"record_retained"}, {"left"}),
    "19": ({"attending"}, {"record_retained"}),
    "29": ({"attending"}, {"attending"}),
}
NOT_OURS = {
    "03": "降级: 义务教育不降级，转学须平级（SYS-10）；合同没有此种业务",
    "05": "试读: 合同没有此种业务",
    "06": "延长年限: 由休学和留级表示",
    "07": "试读通过: 合同没有此种业务",
    "23": "转专业", "24": "专升本", "25": "本转专", "26": "转系: 专业不在学籍状态机内",
    "64": "国内访学", "65": "国内访学后返校: 合同没有此种业务",
}  # fmt: skip
"""Types of the product's table for which this service has no request, and why."""


def test_every_type_of_the_product_is_ours_or_is_said_not_to_be() -> None:
    assert {type_ for type_ in EFFECTS if not events_of(type_)} == set(NOT_OURS)


@pytest.mark.parametrize("type_", OURS)
def test_a_type_leads_from_and_to_these_statuses(type_: str) -> None:
    events = events_of(type_)
    assert (set().union(*map(before, events)), set().union(*map(after, events))) == OURS[type_]


@pytest.mark.parametrize("type_", [type_ for type_ in EFFECTS if events_of(type_)])
def test_the_result_is_the_one_of_the_product_s_table(type_: str) -> None:
    effect = EFFECTS[type_]
    for event in events_of(type_):
        if (event, type_) == ("transfer", "21"):
            continue  # Inside this installation only the enrolment ends; the student attends at the other school.
        for status in after(event):
            resumed = type_ in ("08", "12")
            assert exported_status(status, resumed=resumed) == effect.state, event
            assert STATUSES[status].in_school == effect.in_school, event
            if not effect.kept:
                assert STATUSES[status].final or status == "transferred_out", event


WIDER = {"08": {"abroad"}}
"""Statuses from which we allow a type beside those of the table: whoever went abroad at own expense comes back too."""


@pytest.mark.parametrize("type_", [t for t, effect in EFFECTS.items() if effect.needs and events_of(t)])
def test_what_needs_something_before_it_fits_only_the_status_that_this_has_left(type_: str) -> None:
    left_behind = {status for needed in EFFECTS[type_].needs for event in events_of(needed) for status in after(event)}
    fits = {status for event in events_of(type_) for status in before(event)}
    assert fits - left_behind == WIDER.get(type_, set())
    assert left_behind <= fits


@pytest.mark.parametrize(
    ("type_", "needs"),
    [("07", "05"), ("08", "01"), ("12", "11 13"), ("15", "14"), ("16", "14"), ("17", "19"), ("18", "19"), ("65", "64")],
)
def test_the_preconditions_are_those_of_section_nine(type_: str, needs: str) -> None:
    assert EFFECTS[type_].needs == tuple(needs.split())
    assert {t for t, effect in EFFECTS.items() if effect.needs} == {"07", "08", "12", "15", "16", "17", "18", "65"}
