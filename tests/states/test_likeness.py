"""Why two records may be one person: what a typing mistake leaves alike, and twins, who never are."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from states.identity import make_identity_number
from states.likeness import Person, keys_of, likeness, shape_of, suspected, twins, usable, weight

BORN = date(2017, 5, 1)
NUMBER = make_identity_number("990101", BORN, 31)
LIN = Person("林小满", "lin xiao man", "2", BORN, NUMBER)
STRANGER = Person("周明远", "zhou ming yuan", "1", date(2016, 3, 9), make_identity_number("990402", "20160309", 118))


def codes(first: Person, second: Person) -> list[str]:
    assert likeness(first, second) == likeness(second, first)
    return [reason.code for reason in likeness(first, second)]


def typed(number: str, at: int, digit: str) -> str:
    return number[:at] + digit + number[at + 1 :]


def test_two_strangers_have_nothing_in_common() -> None:
    assert likeness(LIN, STRANGER) == ()
    assert not keys_of(LIN) & keys_of(STRANGER)


def test_the_same_number_is_certain_whatever_the_names() -> None:
    other = replace(STRANGER, identity_number=NUMBER)
    [reason] = likeness(LIN, other)
    assert (reason.code, reason.strength, reason.message, reason.message_en) == (
        "same_number", 100, "证件号码相同", "The same identity number",
    )  # fmt: skip
    assert suspected((reason,))


def test_one_wrong_digit_is_named_by_its_place_and_never_shown() -> None:
    other = replace(STRANGER, identity_number=typed(NUMBER, 15, "7"))
    [reason] = likeness(LIN, other)
    assert (reason.code, reason.positions, suspected((reason,))) == ("one_digit_off", (16,), True)
    assert "第 16 位" in reason.message
    assert NUMBER[15] not in reason.message.replace("16", "")


def test_two_neighbouring_digits_swapped_are_found() -> None:
    other = replace(LIN, identity_number=NUMBER[:3] + NUMBER[4] + NUMBER[3] + NUMBER[5:], name="周明远", sound="zhou")
    assert codes(LIN, other) == ["digits_swapped"]
    assert likeness(LIN, other)[0].positions == (4, 5)


def test_fifteen_digits_are_the_same_number_as_eighteen() -> None:
    old = replace(STRANGER, identity_number=NUMBER[:6] + NUMBER[8:17])
    assert codes(LIN, old) == ["fifteen_digits"]
    assert suspected(likeness(LIN, old))
    assert keys_of(LIN) & keys_of(old)


def test_a_renewed_permit_is_the_same_permit() -> None:
    first = replace(LIN, identity_number="H0123456701", name="陈安")
    assert codes(first, replace(STRANGER, identity_number="H0123456702")) == ["permit_renewed"]


@pytest.mark.parametrize(
    ("other", "code"),
    [
        (replace(LIN), "same_name"),
        (replace(LIN, name="林晓曼"), "same_sound"),
        (replace(LIN, name="林少满", sound="lin shao man"), "similar_shape"),
        (replace(LIN, name="周知秋", sound="zhou zhi qiu", former_name="林小满"), "former_name"),
    ],
)
def test_a_name_with_the_same_birth_date_counts_where_a_number_is_missing(other: Person, code: str) -> None:
    other = replace(other, identity_number=None)
    assert codes(LIN, other) == [code, "no_usable_number"]
    assert suspected(likeness(LIN, other))
    assert keys_of(LIN) & keys_of(other)


def test_two_good_numbers_are_two_people_until_a_guardian_says_otherwise() -> None:
    other = replace(LIN, identity_number=make_identity_number("990402", BORN, 506))
    assert codes(LIN, other) == ["same_name"]
    assert not suspected(likeness(LIN, other))
    assert suspected(likeness(replace(LIN, guardians=frozenset("m")), replace(other, guardians=frozenset("mn"))))


def test_another_birth_date_or_another_sex_leaves_a_name_without_weight() -> None:
    assert likeness(replace(LIN, identity_number=None), replace(LIN, birth_date=date(2017, 5, 2))) == ()
    assert likeness(replace(LIN, identity_number=None), replace(LIN, name="林晓曼", sex="1")) == ()


SISTER = replace(LIN, name="林小秋", sound="lin xiao qiu", identity_number=make_identity_number("990101", BORN, 33))


@pytest.mark.parametrize("guardians", [frozenset(), frozenset({"mother"})])
def test_twins_are_never_each_others_duplicate(guardians: frozenset[str]) -> None:
    elder, younger = replace(LIN, guardians=guardians), replace(SISTER, guardians=guardians)
    assert twins(elder, younger)
    assert likeness(elder, younger) == ()
    mistyped = replace(younger, identity_number=typed(NUMBER, 16, "3"))
    assert likeness(elder, mistyped) == ()


def test_twins_without_numbers_are_known_by_their_guardian() -> None:
    elder, younger = (replace(p, identity_number=None, guardians=frozenset("m")) for p in (LIN, SISTER))
    assert likeness(elder, younger) == ()
    assert suspected(likeness(elder, replace(younger, name="林晓满", sound=LIN.sound)))


def test_one_number_for_both_twins_is_a_mistake_somebody_has_to_look_at() -> None:
    assert codes(replace(LIN, guardians=frozenset("m")), replace(SISTER, identity_number=NUMBER)) == ["same_number"]


def test_reasons_add_up_to_certain_at_most() -> None:
    reasons = likeness(replace(LIN, guardians=frozenset("m")), replace(LIN, guardians=frozenset("m")))
    assert [reason.code for reason in reasons] == ["same_number", "same_name", "shared_guardian"]
    assert weight(reasons) == 100


def test_every_reason_is_said_in_both_languages() -> None:
    for reason in likeness(LIN, replace(LIN, identity_number=typed(NUMBER, 0, "8"), guardians=frozenset())):
        assert reason.message
        assert reason.message_en.isascii()


def test_a_shape_stands_for_every_character_that_looks_like_it() -> None:
    assert shape_of("林伟己") == shape_of("林玮巳") == shape_of("林炜已")
    assert shape_of("林𬭎") == "林𬭎"


numbers = st.builds(
    make_identity_number,
    st.integers(110000, 999999).map(str),
    st.dates(date(2005, 1, 1), date(2022, 12, 31)),
    st.integers(0, 999),
)


@given(numbers, st.integers(0, 17), st.sampled_from("0123456789"))
def test_whatever_one_digit_was_mistyped_the_two_share_a_key(number: str, at: int, digit: str) -> None:
    wrong = typed(number, at, digit)
    first, second = replace(LIN, identity_number=number), replace(STRANGER, identity_number=wrong)
    assert keys_of(first) & keys_of(second)
    assert codes(first, second) == (["same_number"] if wrong == number else ["one_digit_off"])
    assert usable(wrong) == (wrong == number)


@given(numbers, st.integers(0, 16))
def test_whatever_two_neighbours_were_swapped_the_two_share_a_key(number: str, at: int) -> None:
    wrong = number[:at] + number[at + 1] + number[at] + number[at + 2 :]
    if wrong[17] == number[17] or at == 16:  # an X that left the last place is no digit any more
        first, second = replace(LIN, identity_number=number), replace(STRANGER, identity_number=wrong)
        if "X" not in wrong[:17]:
            assert keys_of(first) & keys_of(second)
            assert codes(first, second) == (["same_number"] if wrong == number else ["digits_swapped"])
