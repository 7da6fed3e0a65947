"""One process of the load: requests go out when the schedule says so, whatever became of those before (open loop).

A latency counts from the scheduled instant, so that a service which stalls, or a client which is late, cannot hide the
requests that would have come meanwhile. `python -m tests.load.client PORT FILE`, FILE as `Work`; each line on stdin is
a phase, `{"seconds": 30, "rates": {"box": 150.0, …}}`, and each is answered by a line with what was seen.
"""

from __future__ import annotations

import base64
import json
import pickle
import random
import re
import select
import socket
import sys
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from pathlib import Path

TRANSITION = "transition"
PATIENCE = 10.0
"""Seconds after which a client gives up."""
MOST = 1500
"""Connections of this process; who would need more is not sent, and counted."""
ADDRESSES = 200
"""Loopback addresses that the clients come from, since limits go by address."""
_PROBLEM = re.compile(rb"urn:workflow-service:problem:([a-z-]+)")


@dataclass
class Draft:
    """A request to be led through its steps: (event, token, comment) each."""

    request_id: int
    steps: list[tuple[str, str, str | None]]
    done: int = 0

    def bytes(self) -> bytes:
        """The next step as it goes over the wire; sent again it has the same key, so that it cannot happen twice."""
        event, token, comment = self.steps[self.done]
        body = json.dumps({"event": event} if comment is None else {"event": event, "comment": comment}).encode()
        version = self.done + 1
        head = (
            f"POST /api/v1/requests/{self.request_id}/events HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            f"Authorization: Bearer {token}\r\nIdempotency-Key: {self.request_id}-{version}\r\n"
            f'If-Match: "{version}"\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n'
        )
        return head.encode() + body


@dataclass
class Work:
    """What a process sends: for each class of reading the requests byte for byte, and the drafts of its own."""

    reads: dict[str, list[bytes]]
    drafts: list[Draft]
    seed: int


@dataclass
class Seen:
    """What became of the requests of one class: (second, latency) of the answered, latency of the refused, the rest."""

    answered: list[tuple[int, float]] = field(default_factory=list)
    shed: list[tuple[int, float]] = field(default_factory=list)
    how: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    unsent: int = 0


@dataclass
class Phase:
    """What a process saw in a phase. `late`: seconds by which requests went out behind their schedule, every tenth."""

    seen: dict[str, Seen]
    late: list[float] = field(default_factory=list)
    done: list[tuple[int, int, str]] = field(default_factory=list)
    """(request, version after it, event) of every transition that was answered 200."""


@dataclass(eq=False)
class Connection:
    socket: socket.socket
    kind: str = ""
    due: float = 0.0
    draft: Draft | None = None
    sending: bytes = b""
    received: bytearray = field(default_factory=bytearray)


class Client:
    def __init__(self, port: int, work: Work) -> None:
        self._port, self._work, self._random = port, work, random.Random(work.seed)
        self._poll = select.epoll()
        self._connections: dict[int, Connection] = {}
        self._idle: list[Connection] = []
        self._busy: dict[Connection, None] = {}  # in the order of sending
        self._opened = work.seed * 1000
        self._ready: list[deque[Draft]] = [deque() for _ in range(5)]
        self._turn = 0
        self._ready[0].extend(work.drafts)

    def phase(self, seconds: float, rates: dict[str, float]) -> Phase:
        """Send at these rates per second for so long; returns when the last answer is there or given up."""
        schedule = sorted(self._schedule(seconds, rates))
        self._seen = Phase({kind: Seen() for kind in rates})
        self._start = time.perf_counter() + 0.05
        position = looked = 0
        while position < len(schedule) or self._busy:
            now = time.perf_counter() - self._start
            while position < len(schedule) and schedule[position][0] <= now:
                due, kind = schedule[position]
                position += 1
                if position % 10 == 0:
                    self._seen.late.append(time.perf_counter() - self._start - due)
                self._send(kind, due)
                if position % 32 == 0:
                    break  # Answers are read between, also when the schedule is behind.
            now = time.perf_counter() - self._start
            wait = min(0.25, max(0.0, schedule[position][0] - now)) if position < len(schedule) else 0.25
            for number, event in self._poll.poll(wait):
                self._happened(self._connections[number], event)
            if (now := time.perf_counter() - self._start) > looked + 0.25:
                looked = now
                self._give_up(now)
        return self._seen

    def _schedule(self, seconds: float, rates: dict[str, float]) -> list[tuple[float, str]]:
        """Arrivals as many independent people make them."""
        found = []
        for kind, rate in rates.items():
            at = self._random.expovariate(rate) if rate else seconds
            while at < seconds:
                found.append((at, kind))
                at += self._random.expovariate(rate)
        return found

    def _send(self, kind: str, due: float) -> None:
        seen, draft = self._seen.seen[kind], None
        if kind == TRANSITION:
            draft = self._next_draft()
            if draft is None:
                seen.unsent += 1
                return
            content = draft.bytes()
        else:
            content = self._random.choice(self._work.reads[kind])
        connection = self._free()
        if connection is None:
            seen.unsent += 1
            if draft is not None:
                self._ready[draft.done].appendleft(draft)
            return
        connection.kind, connection.due, connection.draft = kind, due, draft
        self._busy[connection] = None
        try:
            connection.socket.send(content)
        except BlockingIOError:  # It is still connecting.
            connection.sending = content
            self._poll.modify(connection.socket, select.EPOLLOUT)
        except OSError as error:
            self._end(connection, f"{type(error).__name__}")

    def _next_draft(self) -> Draft | None:
        """One whose next step is due, of each step in turn."""
        for _ in self._ready:
            self._turn = (self._turn + 1) % len(self._ready)
            if self._ready[self._turn]:
                return self._ready[self._turn].popleft()
        return None

    def _free(self) -> Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if connection.socket.fileno() >= 0:
                return connection
        if len(self._connections) >= MOST:
            return None
        new = socket.socket()
        new.setblocking(False)
        new.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        new.setsockopt(socket.IPPROTO_IP, getattr(socket, "IP_BIND_ADDRESS_NO_PORT", 24), 1)
        self._opened += 1
        new.bind((f"127.0.1.{1 + self._opened % ADDRESSES}", 0))
        new.connect_ex(("127.0.0.1", self._port))
        connection = Connection(new)
        self._connections[new.fileno()] = connection
        self._poll.register(new, select.EPOLLIN)
        return connection

    def _happened(self, connection: Connection, event: int) -> None:
        if connection.sending and event & select.EPOLLOUT and not event & select.EPOLLERR:
            try:
                connection.socket.send(connection.sending)
            except OSError as error:
                self._end(connection, type(error).__name__)
                return
            connection.sending = b""
            self._poll.modify(connection.socket, select.EPOLLIN)
            return
        try:
            data = connection.socket.recv(262_144)
        except BlockingIOError:
            return
        except OSError as error:
            self._end(connection, type(error).__name__)
            return
        if not data:
            self._end(connection, "closed")
            return
        connection.received += data
        whole = _whole(connection.received)
        if whole is not None:
            self._answered(connection, *whole)

    def _answered(self, connection: Connection, head: bytes, body: bytes) -> None:
        kind, status = connection.kind, int(head[9:12])
        seen, second = self._seen.seen[kind], int(connection.due)
        latency = time.perf_counter() - self._start - connection.due
        draft = connection.draft
        if 200 <= status < 300:
            seen.answered.append((second, latency))
            if draft is not None:
                self._seen.done.append((draft.request_id, draft.done + 2, draft.steps[draft.done][0]))
                draft.done += 1
                if draft.done < len(draft.steps):
                    self._ready[draft.done].append(draft)
        else:
            problem = _PROBLEM.search(body)
            what = f"{status} {problem[1].decode() if problem else ''}".strip()
            if status in (429, 503) and b"\r\nretry-after:" in head.lower():
                seen.shed.append((second, latency))
                seen.how[what] += 1
            else:
                seen.errors[what + ("" if len(seen.errors) > 3 else f" {body[:300].decode(errors='replace')}")] += 1
            if draft is not None and status in (429, 502, 503, 504):
                self._ready[draft.done].append(draft)
        connection.received.clear()
        connection.draft = None
        del self._busy[connection]
        if b"\r\nconnection: close" in head.lower():
            self._close(connection)
        else:
            self._idle.append(connection)

    def _end(self, connection: Connection, why: str) -> None:
        """A connection that is lost; an idle one may be, the request of another has failed."""
        if connection in self._busy:
            del self._busy[connection]
            self._seen.seen[connection.kind].errors[why] += 1
            if connection.draft is not None:  # Whether it happened the key will tell.
                self._ready[connection.draft.done].append(connection.draft)
        self._close(connection)

    def _give_up(self, now: float) -> None:
        while self._busy and (first := next(iter(self._busy))).due < now - PATIENCE:
            self._end(first, f"no answer in {PATIENCE:g} s")

    def _close(self, connection: Connection) -> None:
        number = connection.socket.fileno()
        if number >= 0:
            self._poll.unregister(connection.socket)
            del self._connections[number]
            connection.socket.close()


def _whole(received: bytearray) -> tuple[bytes, bytes] | None:
    """Head and body of an answer, once it is all there."""
    end = received.find(b"\r\n\r\n")
    if end < 0:
        return None
    head = bytes(received[:end])
    lower = head.lower()
    at = lower.find(b"\r\ncontent-length:")
    if at >= 0:
        if len(received) - end - 4 < int(lower[at + 17 :].split(b"\r\n", 1)[0]):
            return None
    elif b"\r\ntransfer-encoding: chunked" in lower and not received.endswith(b"0\r\n\r\n"):
        return None
    return head, bytes(received[end + 4 :])


def main() -> None:
    client = Client(int(sys.argv[1]), pickle.loads(Path(sys.argv[2]).read_bytes()))
    print("ready", flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        seen = client.phase(asked["seconds"], asked["rates"])
        print(base64.b64encode(pickle.dumps(seen)).decode(), flush=True)


if __name__ == "__main__":
    from tests.load import client

    client.main()  # The classes of what is answered must not be those of `__main__`.
