"""Ids (编号): 64-bit positive integers made in the application, never by the database.

    63              22       12        0
    | 41 bits of ms | bucket | 12 bits |
    | since 2020    | 10 bit | in turn |

The bucket is the subject's (the student's), so that a student's requests, history, documents and
deadlines can live on one shard. In JSON an id is a string: JavaScript loses digits beyond 2**53.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from datetime import UTC, datetime

BUCKETS = 1024
MAX_ID = 2**63 - 1

_BUCKET_BITS = 10
_TURN_BITS = 12
_TURNS = 1 << _TURN_BITS
_TIME_SHIFT = _BUCKET_BITS + _TURN_BITS
_TIME_LIMIT = 1 << 41
_EPOCH_MS = int(datetime(2020, 1, 1, tzinfo=UTC).timestamp() * 1000)
_DECIMAL = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)


class IdMaker:
    """Makes ids; one per process, safe to share between threads.

    `clock_ms` gives Unix milliseconds of real time (never legal time: a later TODAY must not
    move ids); `random_bits(k)` gives k random bits: `secrets.randbits` in service, a seeded
    `random.Random(…).getrandbits` in a rehearsal. A seeded source must not be shared by forked
    workers: they would draw the same turns.
    """

    def __init__(self, clock_ms: Callable[[], int], random_bits: Callable[[int], int]) -> None:
        self._clock_ms = clock_ms
        self._random_bits = random_bits
        self._lock = threading.Lock()
        self._ms = -1
        self._turn = 0
        self._left = 0

    def new(self, bucket: int) -> int:
        """A new id in `bucket` (0 … 1023). ValueError for any other bucket."""
        if not 0 <= bucket < BUCKETS:
            raise ValueError(f"bucket {bucket} is not within 0 … {BUCKETS - 1}")
        with self._lock:
            ms = self._clock_ms() - _EPOCH_MS
            if not 0 <= ms < _TIME_LIMIT:
                raise ValueError("the clock is outside 2020 … 2089: an id cannot hold this time")
            if ms > self._ms:
                self._begin(ms)
            elif self._left == 0:
                # All turns of this millisecond are used, or the clock was set back: going on in
                # the next one keeps ids unique, where waiting would stop a bulk import.
                self._begin(self._ms + 1)
            self._left -= 1
            self._turn = (self._turn + 1) % _TURNS
            return self._ms << _TIME_SHIFT | bucket << _TURN_BITS | self._turn

    def reserve(self, count: int) -> tuple[int, int]:
        """Slots for `count` rows of one statement that makes its ids itself: (milliseconds, first turn).

        Row n takes slot turn + n: its time is ms + (slot >> 12), its turn slot & 4095, whatever its bucket.
        """
        with self._lock:
            ms = max(self._clock_ms() - _EPOCH_MS, self._ms + 1)
            turn = self._random_bits(_TURN_BITS)
            self._ms, self._left = ms + ((turn + count) >> _TURN_BITS), 0
            return ms, turn

    def bucket_for_new_subject(self) -> int:
        """A bucket for a subject that has none yet; drawn at random, so that buckets fill evenly."""
        return self._random_bits(_BUCKET_BITS)

    def new_subject(self) -> int:
        """An id for a new subject (a student, a school), in a bucket drawn at random."""
        return self.new(self.bucket_for_new_subject())

    def draw(self, count: int) -> int:
        """A number 0 … count - 1 from the same source, for what must not be guessed from the one before."""
        return self._random_bits(40) % count

    def _begin(self, ms: int) -> None:
        # A random first turn makes it unlikely that two processes draw the same id in one
        # millisecond and bucket; the primary key refuses the rest.
        self._ms, self._turn, self._left = ms, self._random_bits(_TURN_BITS), _TURNS


def bucket_of(id_: int) -> int:
    """The bucket (0 … 1023) that an id carries."""
    return id_ >> _TURN_BITS & (BUCKETS - 1)


def made_at_ms(id_: int) -> int:
    """Unix milliseconds at which an id was made (real time, UTC)."""
    return (id_ >> _TIME_SHIFT) + _EPOCH_MS


def parse_id(text: str) -> int | None:
    """The id in a path or in JSON, or None for whatever cannot be one: the caller answers 404."""
    if _DECIMAL.fullmatch(text) is None:
        return None
    id_ = int(text)
    return id_ if id_ <= MAX_ID else None
