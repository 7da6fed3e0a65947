"""Personal data opens with its key and in its column only, and is found without being opened."""

from __future__ import annotations

import hmac
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from states.identity import make_identity_number
from workflow_service.crypto import (
    FieldCipher,
    KeyedHash,
    Undecryptable,
    mask_name,
    mask_number,
    mask_phone,
)

OLD, NEW = bytes(range(32)), bytes(range(32, 64))
COLUMN = "student.identity_number"
CANARY = "990101201607284517"


@given(st.text(st.characters(), max_size=200))
def test_any_text_comes_back_as_it_was(text: str) -> None:
    cipher = FieldCipher({"k1": OLD})
    assert cipher.decrypt(cipher.encrypt(text, COLUMN), COLUMN) == text


def test_the_same_text_never_gives_the_same_bytes_and_never_shows() -> None:
    cipher = FieldCipher({"k1": OLD})
    stored = [cipher.encrypt(CANARY, COLUMN) for _ in range(100)]
    assert len(set(stored)) == 100
    assert not any(CANARY.encode() in each for each in stored)


def test_a_ciphertext_moved_to_another_column_does_not_open() -> None:
    cipher = FieldCipher({"k1": OLD})
    with pytest.raises(Undecryptable, match=r"student\.phone"):
        cipher.decrypt(cipher.encrypt(CANARY, COLUMN), "student.phone")


def test_one_flipped_bit_anywhere_is_found() -> None:
    cipher = FieldCipher({"k1": OLD})
    stored = cipher.encrypt(CANARY, COLUMN)
    for at in range(len(stored)):
        altered = bytearray(stored)
        altered[at] ^= 1
        with pytest.raises(Undecryptable):
            cipher.decrypt(bytes(altered), COLUMN)


def test_cut_or_foreign_bytes_are_an_error_that_does_not_show_them() -> None:
    cipher = FieldCipher({"k1": OLD})
    stored = cipher.encrypt(CANARY, COLUMN)
    for cut in (*(stored[:length] for length in range(len(stored))), CANARY.encode()):
        with pytest.raises(Undecryptable) as refused:
            cipher.decrypt(cut, COLUMN)
        assert CANARY not in str(refused.value)


def test_after_a_rotation_old_rows_open_and_new_rows_use_the_new_key() -> None:
    old = FieldCipher({"k1": OLD}).encrypt(CANARY, COLUMN)
    rotated = FieldCipher({"k2": NEW, "k1": OLD})
    assert rotated.decrypt(old, COLUMN) == CANARY
    assert rotated.outdated(old)
    rewritten = rotated.encrypt(CANARY, COLUMN)
    assert rotated.key_id(rewritten) == "k2"
    assert not rotated.outdated(rewritten)
    with pytest.raises(Undecryptable, match="'k2' is not in FIELD_KEYS"):
        FieldCipher({"k1": OLD}).decrypt(rewritten, COLUMN)


def test_two_keys_under_one_id_do_not_open_each_other() -> None:
    with pytest.raises(Undecryptable):
        FieldCipher({"k1": NEW}).decrypt(FieldCipher({"k1": OLD}).encrypt(CANARY, COLUMN), COLUMN)


def test_spellings_of_one_number_have_one_hash() -> None:
    keyed = KeyedHash({"h1": OLD})
    spellings = [
        "99010120160728451X",
        "99010120160728451x",
        " 99010120160728451X ",
        "９９０１０１２０１６０７２８４５１Ｘ",
    ]
    assert len({keyed.of("identity_number", each) for each in spellings}) == 1
    phones = ["13800138000", "138 0013 8000", "138-0013-8000", "+8613800138000", "0086 138 0013 8000"]
    assert len({keyed.of("phone", each) for each in phones}) == 1


@pytest.mark.parametrize("key", [OLD, OLD * 2, OLD * 3])
def test_a_hash_is_the_standards_hmac(key: bytes) -> None:
    whole = hmac.digest(key, f"student_number\0G{CANARY}".encode(), "sha256")
    assert KeyedHash({"h1": key}).of("student_number", f"g{CANARY} ") == whole[:16]


def test_hashes_differ_between_kinds_numbers_and_keys() -> None:
    keyed, other = KeyedHash({"h1": OLD}), KeyedHash({"h1": NEW})
    hashes = {
        keyed.of("identity_number", CANARY),
        keyed.of("student_number", CANARY),
        keyed.of("identity_number", CANARY[:-1] + "X"),
        other.of("identity_number", CANARY),
    }
    assert len(hashes) == 4
    assert {len(each) for each in hashes} == {16}


def test_a_search_during_rotation_also_looks_for_the_old_hash() -> None:
    old = KeyedHash({"h1": OLD}).of("student_number", "G" + CANARY)
    rotated = KeyedHash({"h2": NEW, "h1": OLD})
    assert rotated.candidates("student_number", "g" + CANARY) == (rotated.of("student_number", "G" + CANARY), old)


def test_a_lone_surrogate_is_hashed_and_not_a_crash() -> None:
    assert KeyedHash({"h1": OLD}).of("student_number", "\ud800")


def test_numbers_that_differ_in_one_block_share_exactly_one_hash() -> None:
    keyed = KeyedHash({"h1": OLD})
    number = make_identity_number("990101", "20160728", 451)
    changed = [
        make_identity_number("990102", "20160728", 451),
        make_identity_number("990101", "20160827", 451),
        make_identity_number("990101", "20160728", 453),
    ]
    own = keyed.nearly_equal(number)
    assert own is not None
    for each in changed:
        shared = set(own) & set(keyed.nearly_equal(each) or ())
        assert len(shared) == 1
    for one, two in combinations(changed, 2):
        assert not set(keyed.nearly_equal(one) or ()) & set(keyed.nearly_equal(two) or ())
    assert keyed.nearly_equal("12345") is None


def test_masks_show_neither_birth_date_nor_region() -> None:
    assert mask_number("990101201607284517") == "9*************4517"
    assert mask_number("G990101201607284517") == "G**************4517"
    assert mask_phone("13800138000") == "138****8000"
    assert mask_name("欧阳·娜娜") == "欧****"
    assert (mask_number("12345"), mask_number(""), mask_name("张")) == ("*****", "", "*")
