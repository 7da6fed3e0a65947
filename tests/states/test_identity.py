"""Identity and student numbers: every way to get one wrong has its own clear answer."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from states.identity import (
    birth_date,
    check_digit,
    identity_faults,
    lengthened,
    make_identity_number,
    normalise,
    sex_of,
)
from states.numbers import student_number_faults

TODAY = date(2026, 9, 1)
GIRL = make_identity_number("990101", date(2016, 7, 28), 452)

dates = st.dates(date(1900, 1, 1), TODAY)
sequences = st.integers(0, 999)


def codes(value: object, **stated: object) -> list[str]:
    return [fault.code for fault in identity_faults(value, TODAY, **stated)]  # type: ignore[arg-type]


def test_the_check_digit_is_the_one_that_the_standard_prints() -> None:
    # The two examples of GB 11643-1999, appendix A.
    assert check_digit("11010519491231002") == "X"
    assert check_digit("44052418800101001") == "4"


@given(dates, sequences)
def test_a_made_number_is_good_and_gives_back_date_and_sex(born: date, sequence: int) -> None:
    number = make_identity_number("990101", born, sequence)
    assert identity_faults(number, TODAY, birth=born, sex="male" if sequence % 2 else "female") == ()
    assert birth_date(number) == birth_date("G" + number) == born
    assert student_number_faults("G" + number, TODAY) == ()


@given(dates, sequences, st.integers(0, 17), st.integers(1, 9))
def test_every_single_wrong_digit_is_found(born: date, sequence: int, at: int, shift: int) -> None:
    number = make_identity_number("990101", born, sequence)
    digit = "0123456789X".index(number[at])
    wrong = number[:at] + str((digit + shift) % 10) + number[at + 1 :]
    if wrong != number:
        assert codes(wrong)


@given(dates, sequences, st.integers(0, 15))
def test_every_swap_of_neighbours_is_found(born: date, sequence: int, at: int) -> None:
    number = make_identity_number("990101", born, sequence)
    swapped = number[:at] + number[at + 1] + number[at] + number[at + 2 :]
    if swapped != number:
        assert codes(swapped)


@pytest.mark.parametrize("region", ["110118", "440309", "133100", "460400", "810000", "990101"])
def test_regions_that_real_cards_carry_are_not_judged(region: str) -> None:
    assert codes(make_identity_number(region, "20120229", 1)) == []


def test_the_last_day_counts_and_tomorrow_is_in_the_future() -> None:
    assert codes(make_identity_number("990101", TODAY, 1)) == []
    assert codes(make_identity_number("990101", date(2026, 9, 2), 1)) == ["number_birth_future"]


@pytest.mark.parametrize("born", ["20150229", "20161301", "20160000", "18991231", "00000101"])
def test_a_birth_date_that_does_not_exist_is_refused(born: str) -> None:
    assert codes(make_identity_number("990101", born, 1)) == ["number_birth_date"]


def test_what_the_row_states_must_agree_with_the_number() -> None:
    assert codes(GIRL, birth=date(2016, 7, 28), sex="female") == []
    assert codes(GIRL, birth=date(2016, 7, 29), sex="male") == ["number_birth_differs", "identity_number_sex"]
    assert sex_of(GIRL) == sex_of("G" + GIRL) == "female"


@pytest.mark.parametrize(
    "value", [1.101011990030712e17, 110101199003071200, True, "1.101011990030712e17", "1.10101E+17", "990101.0"]
)
def test_a_number_that_a_spreadsheet_has_rounded_is_refused_with_the_way_to_mend_it(value: object) -> None:
    (fault,) = identity_faults(value, TODAY)
    assert fault.code == "number_not_text"
    assert "文本" in fault.message_zh
    assert "text" in fault.message_en
    assert [each.code for each in student_number_faults(value, TODAY)] == ["number_not_text"]


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (None, "number_missing"),
        ("", "number_missing"),
        ("   ", "number_missing"),
        ("990101900728451", "number_length"),
        (GIRL + "0", "number_length"),
        ("9901012016 728452", "number_length"),
        ("9901012016 7284520", "number_characters"),
        ("X" + GIRL[1:], "number_characters"),
        ("<script>alert(1)</", "number_characters"),
        ("٩٩٠١٠١٢٠١٦٠٧٢٨٤٥٢٠", "number_characters"),
        (GIRL[:-1] + ("1" if GIRL[-1] == "0" else "0"), "number_check_digit"),
    ],
)
def test_each_fault_has_its_own_code(value: object, code: str) -> None:
    (fault,) = identity_faults(value, TODAY)
    assert fault.code == code


def test_full_width_digits_blanks_outside_and_a_small_x_are_read() -> None:
    wide = "".join(chr(ord(character) + 0xFEE0) for character in GIRL)
    assert normalise(f" {wide} ") == GIRL
    assert codes(f" {wide} ") == []
    assert codes("11010519491231002x") == []


def test_no_message_repeats_the_number() -> None:
    for value in (GIRL[:-1] + "?", GIRL + "1", make_identity_number("990101", "20991231", 1)):
        for fault in identity_faults(value, TODAY):
            assert value not in fault.message_zh + fault.message_en


@pytest.mark.parametrize("letter", ["G", "L", "J", "g", "Ｇ"])
def test_a_student_number_starts_with_g_l_or_j(letter: str) -> None:
    assert student_number_faults(letter + GIRL, TODAY) == ()


def test_a_student_number_is_refused_with_each_reason() -> None:
    assert [f.code for f in student_number_faults("A" + GIRL, TODAY)] == ["student_number_letter"]
    assert [f.code for f in student_number_faults(GIRL, TODAY)] == ["number_length"]
    assert [f.code for f in student_number_faults("G" + GIRL[:-2] + " 1", TODAY)] == ["number_characters"]
    assert [f.code for f in student_number_faults("G" + "9" * 18, TODAY)] == ["number_birth_date", "number_check_digit"]


def test_only_a_g_number_is_held_to_the_check_digit() -> None:
    wrong = GIRL[:-1] + ("1" if GIRL[-1] == "0" else "0")
    assert [f.code for f in student_number_faults("G" + wrong, TODAY)] == ["number_check_digit"]
    assert student_number_faults("L" + wrong, TODAY) == ()
    assert student_number_faults("J" + wrong, TODAY) == ()


@given(dates, sequences)
def test_fifteen_digits_become_the_eighteen_of_the_same_person(born: date, sequence: int) -> None:
    number = make_identity_number("990101", born, sequence)
    if born.year < 2000:
        assert lengthened(number[:6] + number[8:17]) == number
    assert lengthened(number) is None


def test_the_example_of_the_standard_is_lengthened() -> None:
    assert lengthened("110105491231002") == "11010519491231002X"
    assert lengthened("11010549123100X") is None
    assert lengthened("١١٠١٠٥٤٩١٢٣١٠٠٢") is None
