"""A whole answer in one write: its head and its body go to the socket together.

Through ASGI they are two messages, and on uvloop two writes: a system call more for us, and often a wake-up more for
whoever waits. The server's side of a connection offers this in the scope; without it an answer goes the usual way.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TypeAlias

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

WHOLE = "opsgraph.whole"  # the scope's: a Whole
Header: TypeAlias = tuple[bytes, bytes]
Whole: TypeAlias = Callable[[int, Sequence[Header], bytes], Awaitable[None]]
"""Sends an answer: status, headers (its length among them, and `connection: close` where it is the last), body."""
_LAST = (b"connection", b"close")


def offer(cycle: RequestResponseCycle) -> None:
    """Lets whoever answers this request do so in one write. An answer to HEAD has no body and goes the usual way."""
    if cycle.scope["method"] != "HEAD":
        cycle.scope[WHOLE] = partial(_send, cycle)  # type: ignore[literal-required] # ours besides uvicorn's


async def _send(cycle: RequestResponseCycle, status: int, headers: Sequence[Header], body: bytes) -> None:
    if cycle.flow.write_paused and not cycle.disconnected:
        await cycle.flow.drain()
    cycle.scope.pop(WHOLE, None)  # type: ignore[misc] # it knows the cycle, which knows the scope
    if cycle.disconnected:
        return
    if _LAST in headers:
        cycle.keep_alive = False
    elif not cycle.keep_alive:
        headers = [*headers, _LAST]
    lines = [b"%b: %b\r\n" % header for header in (*cycle.default_headers, *headers)]
    cycle.waiting_for_100_continue = False
    cycle.response_started = cycle.response_complete = True
    cycle.transport.write(b"".join([STATUS_LINE[status], *lines, b"\r\n", body]))
    cycle.message_event.set()
    if not cycle.keep_alive:
        cycle.transport.close()
    cycle.on_response()
