"""A whole answer in one write: its head and its body go to the socket together.

Through ASGI they are two messages, and on uvloop two writes: a system call more for us, and often a wake-up more for
whoever waits. The server's side of a connection offers this in the scope; without it an answer goes the usual way.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import TypeAlias

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

WHOLE = "opsgraph.whole"  # the scope's: a Whole
Header: TypeAlias = tuple[bytes, bytes]
Whole: TypeAlias = Callable[[int, bytes, bytes, bool], Awaitable[None]]
"""Sends an answer: status, lines of its headers (its length among them), body, and whether it is the last."""
LAST = (b"connection", b"close")


def lines(headers: Iterable[Header]) -> bytes:
    """Headers as they are sent."""
    return b"".join([b"%b: %b\r\n" % header for header in headers])


_LAST = lines([LAST])


def offer(cycle: RequestResponseCycle) -> None:
    """Lets whoever answers this request do so in one write. An answer to HEAD has no body and goes the usual way."""
    if cycle.scope["method"] != "HEAD":
        cycle.scope[WHOLE] = partial(_send, cycle)  # type: ignore[literal-required] # ours besides uvicorn's


async def _send(cycle: RequestResponseCycle, status: int, head: bytes, body: bytes, last: bool) -> None:
    if cycle.flow.write_paused and not cycle.disconnected:
        await cycle.flow.drain()
    cycle.scope.pop(WHOLE, None)  # type: ignore[misc] # it knows the cycle, which knows the scope
    if cycle.disconnected:
        return
    if last or not cycle.keep_alive:
        cycle.keep_alive, head = False, head + _LAST
    cycle.waiting_for_100_continue = False
    cycle.response_started = cycle.response_complete = True
    cycle.transport.write(b"".join([STATUS_LINE[status], lines(cycle.default_headers), head, b"\r\n", body]))
    cycle.message_event.set()
    if not cycle.keep_alive:
        cycle.transport.close()
    cycle.on_response()
