"""Numbers: what is built is read back part by part, and what fails says where, never what."""

from __future__ import annotations

import re
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from states.identity import make_identity_number
from states.number_format import BadNumber, Format, Part
from states.numbers import (
    FORMATS,
    class_code,
    formal_number,
    number_kind,
    pupil_code,
    student_number_faults,
    student_number_format,
    temporary_number,
    unidentified_number,
)

TODAY = date(2026, 9, 1)
births = st.dates(date(1990, 1, 1), TODAY)
regions = st.integers(100000, 999999).map(str)

LENGTHS = {
    "student_number_g": 19, "student_number_l": 19, "student_number_j": 19,  # NUM-01
    "class_code": 17, "class_code_grade_first": 12, "pupil_code": 20,  # SY-03, SY-04
    "auxiliary_fujian_primary": 13, "auxiliary_fujian_secondary": 11, "auxiliary_beijing_cmis": 16,  # NUM-09, NUM-10
    "certificate_higher": 18, "certificate_self_study": 17, "certificate_vocational_hunan": 12,  # HE14-16, -17, V10-16
    "certificate_school": 20,
}  # fmt: skip


def codes(format_: Format, text: str) -> list[str]:
    return [fault.code for fault in format_.faults(text)]


def some_number(format_: Format) -> st.SearchStrategy[str]:
    """Numbers of a format, whatever its parts are."""

    def value(part: Part) -> st.SearchStrategy[object]:
        if part.shape == "date":
            return births
        if part.domain:
            return st.sampled_from(sorted(part.domain))
        return st.integers(0, 10**part.width - 1)

    parts = {part.name: value(part) for part in format_.parts if part.check is None}
    return st.fixed_dictionaries(parts).map(lambda values: format_.build(**values))  # type: ignore[arg-type]


def test_every_format_has_the_length_that_its_rule_gives_it() -> None:
    assert {id_: row.length for id_, row in FORMATS.items()} == LENGTHS


def test_what_was_not_read_says_why() -> None:
    for row in FORMATS.values():
        assert (row.basis == "read") == (row.because == ""), row.id


@pytest.mark.parametrize("row", FORMATS.values(), ids=FORMATS)
@given(data=st.data())
def test_a_built_number_is_good_and_gives_back_its_parts(row: Format, data: st.DataObject) -> None:
    number = data.draw(some_number(row))
    parts = row.parse(number)
    assert "".join(parts.values()) == number
    assert row.build(**parts) == number


@pytest.mark.parametrize("row", FORMATS.values(), ids=FORMATS)
@given(data=st.data())
def test_a_wrong_character_names_its_part_and_never_the_number(row: Format, data: st.DataObject) -> None:
    number = data.draw(some_number(row))
    at = data.draw(st.integers(0, row.length - 1))
    wrong = f"{number[:at]}*{number[at + 1 :]}"
    part = next(part for part, start, _ in row._cut(number) if start <= at < start + part.width)
    faults = row.faults(wrong)
    assert f"number_{part.name}" in [fault.code for fault in faults]
    assert wrong not in "".join(fault.message_zh + fault.message_en for fault in faults)


def test_a_fault_says_where_in_both_languages() -> None:
    [fault] = FORMATS["certificate_higher"].faults("102848202605000123")
    assert fault.code == "number_type"
    assert fault.message_zh == "第6位（办学类型）应为 1（普通）、5（成人）、6（自考）、7（网络）。"
    assert fault.message_en == ("character 6 (type): one of 1 (regular), 5 (adult), 6 (self-study), 7 (online).")
    [fault] = FORMATS["certificate_higher"].faults("10284120260500012")
    assert fault.message_zh == "高等教育学历证书编号应为18位，现为17位。"


def test_all_parts_at_fault_are_named_at_once() -> None:
    assert codes(FORMATS["certificate_higher"], "1028A220260x123456") == [
        "number_school",
        "number_type",
        "number_level",
    ]


def test_a_certificate_is_numbered_from_its_parts() -> None:
    assert FORMATS["certificate_higher"].build(school="10284", type="1", year=2026, level="05", serial=123) == (
        "102841202605000123"
    )
    assert FORMATS["certificate_vocational_hunan"].build(school="430101", year=26, serial=7) == "430101260007"


def test_a_value_that_does_not_fit_is_refused_and_a_part_too_many_or_too_few_is_an_error() -> None:
    row = FORMATS["certificate_vocational_hunan"]
    with pytest.raises(BadNumber, match="第9至12位（流水号）应为4位"):
        row.build(school="430101", year=26, serial=10000)
    with pytest.raises(BadNumber, match="第1至6位"):
        row.build(school="43010", year=26, serial=1)
    with pytest.raises(BadNumber):
        row.build(school="43010A", year=26, serial=1)
    with pytest.raises(TypeError):
        row.build(school="430101", year=26)
    with pytest.raises(TypeError):
        row.build(school="430101", year=26, serial=1, check=1)
    with pytest.raises(BadNumber):
        row.parse("43010126000")


@given(regions, births, st.integers(0, 999))
def test_a_formal_number_is_g_and_the_identity_number(region: str, born: date, sequence: int) -> None:
    identity = make_identity_number(region, born, sequence)
    assert formal_number(identity) == "G" + identity
    assert student_number_faults(formal_number(identity), TODAY) == ()


def test_no_formal_number_comes_from_a_bad_identity_number() -> None:
    good = make_identity_number("990101", date(2017, 5, 1), 1)
    for wrong in (good[:-1] + ("1" if good[-1] != "1" else "2"), good[:-1], good + "0", "990101201702300010", ""):
        with pytest.raises(BadNumber):
            formal_number(wrong)


@given(regions, births, st.integers(0, 9999))
def test_a_temporary_number_is_l_region_birth_and_four_random_digits(region: str, born: date, tail: int) -> None:
    number = temporary_number(region, born, tail)
    assert number == f"L{region}{born:%Y%m%d}{tail:04d}"
    assert student_number_faults(number, TODAY) == ()
    assert number_kind(number) == "L"


@given(regions, births, st.integers(0, 999))
def test_a_number_without_identity_number_is_built_like_one(region: str, born: date, sequence: int) -> None:
    number = unidentified_number(region, born, sequence)
    assert number == "J" + make_identity_number(region, born, sequence)
    assert student_number_faults(number, TODAY) == ()


def test_only_the_formal_number_is_held_to_its_check_digit() -> None:
    good = make_identity_number("990101", date(2017, 5, 1), 1)
    wrong = good[:-1] + ("1" if good[-1] != "1" else "2")
    assert codes(student_number_format("G"), "G" + wrong) == ["number_check"]
    assert codes(student_number_format("J"), "J" + wrong) == []


def test_a_random_tail_or_sequence_out_of_its_width_is_refused() -> None:
    with pytest.raises(BadNumber):
        temporary_number("990101", date(2017, 5, 1), 10000)
    with pytest.raises(BadNumber):
        unidentified_number("990101", date(2017, 5, 1), 1000)


@pytest.mark.parametrize("text", ["", "G", "X" + "1" * 18, "L" + "1" * 17])
def test_what_is_no_student_number_has_no_kind(text: str) -> None:
    assert number_kind(text) is None


def test_a_class_code_is_school_entry_year_and_sequence() -> None:
    assert class_code("2142000101", 2026, 3) == "21420001012026003"
    assert class_code("101", 2026, 3, widths={"school": 3}) == "1012026003"
    assert class_code("210114", 1, 12, "class_code_grade_first") == "001210114012"
    with pytest.raises(BadNumber):  # Filled with zeros it would name another school.
        class_code("101", 2026, 3)
    with pytest.raises(ValueError, match="no part"):
        class_code("101", 2026, 3, widths={"pupil": 3})


def test_a_pupil_code_is_the_class_code_and_a_sequence() -> None:
    assert pupil_code("21420001012026003", 7) == "21420001012026003007"
    assert pupil_code(class_code("101", 2026, 3, widths={"school": 3}), 41) == "1012026003041"
    with pytest.raises(BadNumber):
        pupil_code("21420001012026003", 1000)


def test_widths_can_be_set_but_not_to_nothing() -> None:
    assert FORMATS["class_code"].resized(sequence=2).length == 16
    with pytest.raises(ValueError, match="widths"):
        FORMATS["class_code"].resized(sequence=0)


def test_every_format_names_a_rule_of_the_catalogue_form() -> None:
    for row in FORMATS.values():
        assert re.fullmatch(r"(NUM|SY|HE14|V10|WS)-\d\d", row.rule), row.id
