"""Ids: unique, positive, 64-bit, and they carry their bucket."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow_service.ids import BUCKETS, MAX_ID, IdMaker, bucket_of, made_at_ms, parse_id

NOW = 1_795_500_000_000  # 2026-11-24 in Unix milliseconds


def maker(*times: int) -> IdMaker:
    """A maker whose clock gives the times in turn and then stands still."""
    left = list(times)
    return IdMaker(lambda: left.pop(0) if len(left) > 1 else left[0], random.Random(7).getrandbits)


@given(st.integers(0, BUCKETS - 1), st.integers(NOW, NOW + 60 * 365 * 86_400_000))
def test_an_id_is_positive_fits_64_bits_and_gives_back_bucket_and_time(bucket: int, ms: int) -> None:
    made = maker(ms).new(bucket)
    assert 0 < made <= MAX_ID
    assert bucket_of(made) == bucket
    assert made_at_ms(made) == ms


def test_a_standing_clock_never_repeats_an_id_even_beyond_4096_in_one_millisecond() -> None:
    ids = maker(NOW)
    assert len({ids.new(5) for _ in range(20_000)}) == 20_000


def test_a_clock_that_is_set_back_never_repeats_an_id() -> None:
    ids = maker(NOW, NOW + 1, NOW - 5_000)
    assert len({ids.new(5) for _ in range(20_000)}) == 20_000


def test_threads_that_share_a_maker_never_draw_the_same_id() -> None:
    ids = maker(NOW)
    with ThreadPoolExecutor(8) as pool:
        drawn = list(pool.map(lambda _: ids.new(3), range(16_000)))
    assert len(set(drawn)) == len(drawn)


def test_one_seed_makes_the_same_ids_again() -> None:
    assert [maker(NOW).new(1) for _ in range(3)] == [maker(NOW).new(1) for _ in range(3)]


def test_new_subjects_spread_over_the_buckets() -> None:
    ids = maker(NOW)
    buckets = {bucket_of(ids.new_subject()) for _ in range(20_000)}
    assert buckets == set(range(BUCKETS))


@pytest.mark.parametrize("bucket", [-1, BUCKETS])
def test_a_bucket_that_does_not_exist_is_refused(bucket: int) -> None:
    with pytest.raises(ValueError, match="bucket"):
        maker(NOW).new(bucket)


@pytest.mark.parametrize("ms", [0, 4_000_000_000_000])
def test_a_clock_that_an_id_cannot_hold_is_refused(ms: int) -> None:
    with pytest.raises(ValueError, match="clock"):
        maker(ms).new(1)


def test_an_id_in_a_path_is_read_back() -> None:
    made = maker(NOW).new(900)
    assert parse_id(str(made)) == made


@pytest.mark.parametrize(
    "text", ["", "0", "-1", "+1", " 1", "01", "1.0", "1e3", "abc", "٣", "９", str(2**63), "9" * 40]
)
def test_what_cannot_be_an_id_is_none(text: str) -> None:
    assert parse_id(text) is None
