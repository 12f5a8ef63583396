"""The load, a process of its own: an open loop of reads and, beside it, one of orders.

A line of JSON in (`Load`), a line of JSON out (`Times`). A time counts from when its request was due.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import aiohttp
import msgspec
import uvloop

from bench.kills.orders import Order
from bench.writes.program import Accepted

_GIVEN_UP = 30.0


class Load(msgspec.Struct, frozen=True):
    """`reads` are GraphQL requests, asked one after another, so many a second; every order is sent once."""

    port: int
    token: str
    seconds: float
    reads: tuple[str, ...]
    read_rate: float
    orders: tuple[Order, ...] = ()
    order_rate: float = 1.0


class Times(msgspec.Struct, frozen=True):
    """Milliseconds of each request in the order in which they were due; what failed is only counted."""

    reads: tuple[float, ...]
    orders: tuple[float, ...]
    accepted: tuple[Accepted, ...]
    failed: int


async def carry_out(load: Load) -> Times:
    """Both loops, side by side."""
    headers = {"authorization": f"Bearer {load.token}", "content-type": "application/json"}
    connector, wait = aiohttp.TCPConnector(limit=0), aiohttp.ClientTimeout(total=_GIVEN_UP)
    async with aiohttp.ClientSession(connector=connector, headers=headers, timeout=wait) as session:
        url = f"http://127.0.0.1:{load.port}"
        bodies = [load.reads[number % len(load.reads)] for number in range(int(load.read_rate * load.seconds))]
        orders = [msgspec.json.encode(order) for order in load.orders]
        reads, sent = await asyncio.gather(
            _loop([_request(session, f"{url}/graphql", body.encode()) for body in bodies], load.read_rate),
            _loop([_request(session, f"{url}/orders", body) for body in orders], load.order_rate),
        )
    good = [(took, body) for took, body in reads if body is not None and b'"errors"' not in body]
    accepted = [(took, body) for took, body in sent if body is not None]
    return Times(
        reads=tuple(took for took, _ in good),
        orders=tuple(took for took, _ in accepted),
        accepted=tuple(msgspec.json.decode(body, type=Accepted) for _, body in accepted),
        failed=len(reads) - len(good) + len(sent) - len(accepted),
    )


Ask = Callable[[float], Coroutine[Any, Any, tuple[float, bytes | None]]]


async def _loop(asks: Sequence[Ask], rate: float) -> list[tuple[float, bytes | None]]:
    began, tasks = time.monotonic(), []
    for number, ask in enumerate(asks):
        due = began + number / rate
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        tasks.append(asyncio.create_task(ask(due)))
    return await asyncio.gather(*tasks)


def _request(session: aiohttp.ClientSession, url: str, body: bytes) -> Ask:
    async def ask(due: float) -> tuple[float, bytes | None]:
        try:
            async with session.post(url, data=body) as answer:
                content: bytes | None = await answer.read()
                if answer.status != 200:
                    content = None
        except (aiohttp.ClientError, TimeoutError):
            content = None
        return (time.monotonic() - due) * 1000, content

    return ask


def main() -> None:
    """Entry of the process."""
    load = msgspec.json.decode(sys.stdin.readline(), type=Load)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        times = runner.run(carry_out(load))
    print(msgspec.json.encode(times).decode(), flush=True)


if __name__ == "__main__":
    main()
