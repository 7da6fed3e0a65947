"""Passwords are slow to guess and equally slow for names that do not exist."""

from __future__ import annotations

import hashlib

import pytest
from argon2 import PasswordHasher, extract_parameters

from workflow_service.passwords import CHEAP, STANDARD, DamagedHash, Passwords, new_token, token_hash


@pytest.fixture(scope="module")
def passwords() -> Passwords:
    return Passwords(CHEAP)


def test_the_right_password_is_accepted_and_a_wrong_one_is_not(passwords: Passwords) -> None:
    stored = passwords.hash("demo-2026")
    assert passwords.verify(stored, "demo-2026")
    assert not passwords.verify(stored, "demo-2027")
    assert not passwords.verify(stored, "")


def test_two_people_with_one_password_have_different_hashes(passwords: Passwords) -> None:
    assert passwords.hash("demo-2026") != passwords.hash("demo-2026")


def test_the_standard_profile_is_argon2id_with_19_mib_two_passes_one_lane() -> None:
    parameters = extract_parameters(Passwords(STANDARD).hash("x"))
    assert (parameters.memory_cost, parameters.time_cost, parameters.parallelism) == (19_456, 2, 1)
    assert parameters.type.name == "ID"


def test_a_name_that_does_not_exist_costs_the_same_hash_call(
    passwords: Passwords, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = passwords.hash("demo-2026")
    verified: list[str] = []
    real = PasswordHasher.verify

    def counted(self: PasswordHasher, hash: str | bytes, password: str | bytes) -> bool:
        verified.append(str(hash))
        return real(self, hash, password)

    monkeypatch.setattr(PasswordHasher, "verify", counted)
    assert not passwords.verify(None, "demo-2026")
    assert not passwords.verify(stored, "wrong")
    nobody, somebody = (extract_parameters(each) for each in verified)
    assert nobody == somebody


def test_a_full_width_password_is_the_same_password(passwords: Passwords) -> None:
    assert passwords.verify(passwords.hash("demo-2026"), "ｄｅｍｏ－２０２６")


@pytest.mark.parametrize("plain", ["x" * 2_000, "\ud800", "\x00", "密码" * 500_000])
def test_a_strange_password_is_wrong_and_not_a_crash(passwords: Passwords, plain: str) -> None:
    assert not passwords.verify(passwords.hash("demo-2026"), plain)


def test_a_password_beyond_the_limit_is_not_cut_to_fit(passwords: Passwords) -> None:
    stored = passwords.hash("x" * 1024)
    assert passwords.verify(stored, "x" * 1024)
    assert not passwords.verify(stored, "x" * 1025)
    with pytest.raises(ValueError, match="1024"):
        passwords.hash("x" * 1025)


def test_a_damaged_hash_is_an_alarm_and_not_a_wrong_password(passwords: Passwords) -> None:
    # Cut by 22: a shorter cut is, one time in four, the proper form of a shorter hash.
    for damaged in ("", "demo-2026", passwords.hash("demo-2026")[:-22]):
        with pytest.raises(DamagedHash):
            passwords.verify(damaged, "demo-2026")


def test_a_hash_of_another_profile_is_outdated_but_still_good(passwords: Passwords) -> None:
    stored = passwords.hash("demo-2026")
    assert not passwords.outdated(stored)
    assert Passwords(STANDARD).outdated(stored)
    assert Passwords(STANDARD).verify(stored, "demo-2026")


def test_a_token_is_looked_up_by_its_hash_and_never_repeats() -> None:
    plain, stored = new_token()
    assert stored == token_hash(plain) == hashlib.sha256(plain.encode()).digest()
    assert len(plain) == 64
    assert new_token()[0] != plain
    assert token_hash("\ud800") != stored
