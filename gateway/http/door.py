"""The door: refuses a request where its bytes arrive, unparsed, so that a refusal costs next to nothing.

Only a whole request in the plainest form is refused here; everything else takes the usual way and is refused there.
"""

from __future__ import annotations

from collections import deque
from typing import Protocol

import msgspec

from gateway.http.admission import CODE, MESSAGE, Admission

_CR = 13
# A head with one of these frames its body, or goes on, in another way than the few lines below know.
_FRAMING = frozenset({b"transfer-encoding", b"expect", b"upgrade", b"trailer", b"te"})
_A_SECOND = 1_500  # refusals: what comes beyond them is not even read for a while
_IN_TIME = 0.01  # seconds by which the loop may be late
_WELCOME = 64  # connections that are read again at once when nobody is refused any longer: not all, or it starts anew


class Pausable(Protocol):
    """A connection that can be left unread."""

    def pause(self) -> None:
        """Reads no more."""

    def resume(self) -> None:
        """Reads on."""


class Door:
    """Refuses whole requests to `path`, by constant answers; leaves connections unread where there are too many.

    Bytes that nobody reads cost nothing: what is spent on refusing is bounded, however much is asked.
    """

    def __init__(self, admission: Admission, path: str, retry_after: int) -> None:
        self._admission = admission
        self._line = f"POST {path} HTTP/1.1\r\n".encode()
        self._answers = [_refusal(retry_after + extra) for extra in range(3)]
        self._turn, self._left = 0, float(_A_SECOND) * 0.01
        self._paused: deque[Pausable] = deque()

    def refusal(self, request: bytes) -> bytes | None:
        """The answer for a request that is refused; None for one that has to be read."""
        admission = self._admission
        if not admission.pressed or not request.startswith(self._line):
            return None
        caller = plain(request)
        if caller is None or not admission.turns_away(caller, admission.under_way, admission.turn):
            return None
        self._turn = (self._turn + 1) % 3
        return self._answers[self._turn]

    def refused(self, connection: Pausable) -> None:
        """Counts a refusal; beyond what is meant to be spent on them the connection waits for its turn."""
        self._left -= 1
        if self._left < 0:
            connection.pause()
            self._paused.append(connection)

    def tick(self, passed: float, worked: float) -> None:
        """Time goes on: there is room for more refusals, first for those who wait. `passed` are the seconds since the
        last tick, `worked` those of them that this process had a processor: a share of these is for refusals, unless
        the loop is in time, which means that nobody else needs them."""
        seconds = worked if self._admission.delay > _IN_TIME else passed
        self._left = min(self._left + seconds * _A_SECOND, _A_SECOND * 0.1)
        turns = int(self._left) if self._admission.pressed else max(int(self._left), _WELCOME)
        for _ in range(min(turns, len(self._paused))):
            self._paused.popleft().resume()


def plain(request: bytes) -> bytes | None:
    """Who asks, of a request that is whole and framed by one length only; None where that is not certain."""
    caller, length, start = b"", b"", request.find(b"\n") + 1
    while True:
        stop = request.find(b"\n", start)
        line = request[start : stop - 1]
        if stop <= start or request[stop - 1] != _CR or b"\r" in line:
            return None  # cut off, or lines that end in another way: not everybody reads them alike
        start = stop + 1
        if not line:
            break
        name, _, value = line.partition(b":")
        name = name.lower()
        if name == b"content-length":
            if length:
                return None
            length = value.strip(b" ")
        elif name == b"authorization":
            caller = value.strip(b" ")
        elif name in _FRAMING or not name.strip() == name != b"" or (name == b"connection" and _ends(value)):
            return None
    if not length.isdigit() or len(length) > 9 or start + int(length) != len(request):
        return None
    return caller


def _ends(connection: bytes) -> bool:
    """Whether a connection is meant for more than further requests."""
    return connection.strip(b" ").lower() != b"keep-alive"


def _refusal(seconds: int) -> bytes:
    """A whole answer. It names no correlation id: nothing has been looked at that one could be quoted for."""
    error = {
        "message": MESSAGE,
        "extensions": {
            "code": CODE,
            "retryable": True,
            "retryAfterMs": seconds * 1000,
            "docs": f"docs/errors.md#{CODE.lower()}",
        },
    }
    body = msgspec.json.encode({"errors": [error]})
    head = (
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json; charset=utf-8\r\n"
        f"content-length: {len(body)}\r\nretry-after: {seconds}\r\ncache-control: no-store\r\n\r\n"
    )
    return head.encode() + body
