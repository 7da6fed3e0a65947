"""The connections of the hot path, without SQLAlchemy's bookkeeping for each time one is taken out and put back.

They are made by the engine, so that they are set up as all others; that bookkeeping costs a tenth of a transition.
"""

from __future__ import annotations

import threading
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Engine, event
from sqlalchemy.exc import TimeoutError as PoolTimeout

MOST = (
    12  # A transition holds one for a millisecond: more connections than cores buy nothing but waiting in the server.
)
WAIT = 2.0  # seconds; then whoever asks is told to come again.


class _Lines:
    """The open connections of one engine: the one used last is taken first, for its memory is warm."""

    def __init__(self, engine: Engine) -> None:
        self._idle: list[Any] = []
        self._free = threading.BoundedSemaphore(MOST)
        event.listen(engine, "engine_disposed", lambda _engine: self.close())

    def take(self, engine: Engine) -> Any:
        if not self._free.acquire(timeout=WAIT):
            raise PoolTimeout(f"all {MOST} connections of the hot path are in use")
        try:
            return self._idle.pop()
        except IndexError:
            return self._make(engine)

    def _make(self, engine: Engine) -> Any:
        try:
            made = engine.raw_connection()
            driver = made.driver_connection
            made.detach()
        except BaseException:
            self._free.release()
            raise
        return driver

    def put_back(self, driver: Any) -> None:
        self._idle.append(driver)
        self._free.release()

    def throw_away(self, driver: Any) -> None:
        """A lost one, and all that wait: after a failover they are as dead as it is, and each would fail one more."""
        driver.close()
        self._free.release()
        self.close()

    def close(self) -> None:
        while self._idle:
            try:
                self._idle.pop().close()
            except IndexError:  # Another thread took the last one.
                return


_MADE: WeakKeyDictionary[Engine, _Lines] = WeakKeyDictionary()
_MAKING = threading.Lock()


def _lines(engine: Engine) -> _Lines:
    found = _MADE.get(engine)
    if found is None:
        with _MAKING:
            found = _MADE.get(engine) or _Lines(engine)
            _MADE[engine] = found
    return found


class _InHand(threading.local):
    """The connections that this thread has taken, by engine."""

    def __init__(self) -> None:
        self.drivers: dict[Engine, Any] = {}


_IN_HAND = _InHand()


class driver_of:
    """The driver's own connection in AUTOCOMMIT. Within another one on the same engine and thread it is that one's.

    One that was lost is thrown away where that is noticed; whoever asks next within the outer one has another.
    """

    __slots__ = ("drivers", "engine", "mine")

    def __init__(self, engine: Engine) -> None:
        self.engine, self.drivers = engine, _IN_HAND.drivers

    def __enter__(self) -> Any:
        driver = self.drivers.get(self.engine)
        self.mine = driver is None
        if driver is None:
            driver = self.drivers[self.engine] = _lines(self.engine).take(self.engine)
        return driver

    def __exit__(self, *_error: object) -> None:
        driver = self.drivers.get(self.engine)
        if driver is None:  # It was lost further in.
            return
        if getattr(driver, "closed", False):
            del self.drivers[self.engine]
            _lines(self.engine).throw_away(driver)
        elif self.mine:
            del self.drivers[self.engine]
            _lines(self.engine).put_back(driver)
