"""Sends requests that are ready, byte for byte, over connections that are kept: so little work that the server is what
is measured. `python -m tests.bench.loader PORT FILE`; FILE holds a list of requests for each connection.
"""

from __future__ import annotations

import pickle
import selectors
import socket
import sys
import time
from pathlib import Path

from tests.bench.turns import serve


class Connection:
    """One client: it sends its next request when the answer to the last one is there."""

    def __init__(self, port: int, requests: list[bytes]) -> None:
        self._port, self._requests, self._next = port, requests, 0
        self._received = bytearray()
        self.socket = self._connect()

    def _connect(self) -> socket.socket:
        found = socket.create_connection(("127.0.0.1", self._port), timeout=30)
        found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return found

    def revive(self) -> None:
        """Connect anew where the server has ended a connection that was idle too long."""
        self.socket.setblocking(False)
        try:
            ended = self.socket.recv(1, socket.MSG_PEEK) == b""
        except BlockingIOError:
            ended = False
        except OSError:
            ended = True
        if ended:
            self.socket.close()
            self.socket = self._connect()
        self.socket.setblocking(True)

    def send(self) -> bool:
        """Send the next request, if there is one."""
        if self._next == len(self._requests):
            return False
        self.socket.sendall(self._requests[self._next])
        self._next += 1
        return True

    def done(self) -> bool:
        """Take in what is there; whether the answer is whole. Anything but 200 ends the run."""
        data = self.socket.recv(65_536)
        self._received += data
        head, found, body = bytes(self._received).partition(b"\r\n\r\n")
        if data and not found:
            return False
        lower = head.lower()
        at = lower.find(b"\r\ncontent-length:")
        length = int(lower[at + 17 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if data and len(body) < length:
            return False
        if not lower.startswith(b"http/1.1 200") or at < 0:
            raise RuntimeError(bytes(self._received).decode(errors="replace"))
        if b"\r\nconnection: close" in lower:
            self.socket.close()
            self.socket = self._connect()
        self._received.clear()
        return True


def main() -> None:
    port, file = int(sys.argv[1]), Path(sys.argv[2])
    connections = [Connection(port, requests) for requests in pickle.loads(file.read_bytes())]

    def turn(seconds: float) -> int:
        count, until = 0, time.perf_counter() + seconds
        with selectors.DefaultSelector() as selector:
            for one in connections:
                one.revive()
                if one.send():
                    selector.register(one.socket, selectors.EVENT_READ, one)
            while selector.get_map():
                for key, _ in selector.select():
                    one = key.data
                    if not one.done():
                        continue
                    count += 1
                    if one.socket is not key.fileobj or time.perf_counter() >= until or not one.send():
                        selector.unregister(key.fileobj)
        return count

    serve(turn)


if __name__ == "__main__":
    main()
