"""The soak's load, a process of its own: an open loop of asks, and what became of each.

One JSON order on standard input; when everything is answered or given up, the outcomes are in the order's file, as a
JSON list, and `done` is on standard output.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import msgspec
import uvloop

from bench.resilience.asks import Known, Outcome, asks, read

_GIVEN_UP = 30.0


class Order(msgspec.Struct, frozen=True):
    """What is to be asked: `rate` a second, for `seconds`; what became of it goes to `file`."""

    port: int
    token: str
    sick: str
    known: Known
    rate: float
    seconds: float
    file: str


async def carry_out(order: Order) -> list[Outcome]:
    """Asks when it is time to, whatever becomes of the asks before."""
    headers = {"authorization": f"Bearer {order.token}", "content-type": "application/json"}
    url = f"http://127.0.0.1:{order.port}/graphql"
    connector, wait = aiohttp.TCPConnector(limit=0), aiohttp.ClientTimeout(total=_GIVEN_UP)
    async with aiohttp.ClientSession(connector=connector, headers=headers, timeout=wait) as session:
        bodies = asks(order.sick, order.known)
        return await asyncio.gather(*[task async for task in _due(session, url, bodies, order)])


async def _due(
    session: aiohttp.ClientSession, url: str, bodies: Iterator[tuple[str, str]], order: Order
) -> AsyncIterator[asyncio.Task[Outcome]]:
    began = time.monotonic()
    for number in range(int(order.rate * order.seconds)):
        due = began + number / order.rate
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        kind, body = next(bodies)
        yield asyncio.create_task(_ask(session, url, kind, body, due))


async def _ask(session: aiohttp.ClientSession, url: str, kind: str, body: str, due: float) -> Outcome:
    """Its time counts from when it was due."""
    try:
        async with session.post(url, data=body) as answer:
            content, status = await answer.read(), answer.status
    except (aiohttp.ClientError, TimeoutError):
        content, status = b"", 0
    return read(kind, due, (time.monotonic() - due) * 1000, status, content)


def main() -> None:
    """Entry of the process."""
    order = msgspec.json.decode(sys.stdin.readline(), type=Order)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        outcomes = runner.run(carry_out(order))
    Path(order.file).write_bytes(msgspec.json.encode(outcomes))
    print("done", flush=True)


if __name__ == "__main__":
    main()
