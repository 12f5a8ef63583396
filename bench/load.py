"""The load generator, a program of its own: one JSON order per line in, one JSON result per line out.

*Closed loop*: `connections` ask again as soon as they are answered, for `seconds`. *Open loop*: a request every
1/`rate` seconds whatever becomes of the others; its time counts from when it was due, one that is not answered
within `timeout` counts with all of it. Latencies in milliseconds.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import deque
from collections.abc import Iterator
from itertools import count, cycle
from typing import Any

import uvloop

_MOST = 256  # connections of an open loop


class Connection(asyncio.Protocol):
    """One kept connection: a request out, an answer in."""

    def __init__(self, driver: Closed | Open) -> None:
        self._driver = driver
        self._buffer = bytearray()
        self._needed = 0  # bytes of the answer under way, 0 before its head is read, -1 where it comes in chunks
        self.started = 0.0
        self.closed = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.WriteTransport = transport  # type: ignore[assignment] # of a TCP connection

    def ask(self, request: bytes, started: float) -> None:
        """Sends a request whose time counts from `started`."""
        self.started = started
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer
        buffer += data
        if self._needed == 0:
            end = buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            self._needed = _length(bytes(buffer[:end]).lower(), end + 4)
        if self._needed > 0:
            if len(buffer) < self._needed:
                return
        elif not buffer.endswith(b"0\r\n\r\n"):
            return
        good = buffer.startswith(b"HTTP/1.1 200") and buffer.find(b'"errors":') < 0
        self._buffer, self._needed = bytearray(), 0
        self._driver.answered(self, good)

    def connection_lost(self, error: Exception | None) -> None:
        self.closed = True
        self._driver.lost(self)

    def close(self) -> None:
        """Hangs up."""
        self._transport.close()


def _length(head: bytes, start: int) -> int:
    place = head.find(b"content-length:")
    if place < 0:
        return -1
    end = head.find(b"\r\n", place)
    return start + int(head[place + 15 : end if end > 0 else len(head)])


class Closed:
    """A closed loop."""

    def __init__(self, requests: Iterator[bytes], seconds: float) -> None:
        self._requests, self._seconds = requests, seconds
        self.times: list[float] = []
        self.failed = self._open = 0
        self.done = asyncio.get_running_loop().create_future()

    async def run(self, port: int, connections: int) -> float:
        """Runs until the time is over and everything is answered; gives the seconds it took."""
        loop = asyncio.get_running_loop()
        made = [
            (await loop.create_connection(lambda: Connection(self), "127.0.0.1", port))[1] for _ in range(connections)
        ]
        began = time.perf_counter()
        self._until = began + self._seconds
        self._open = connections
        for connection in made:
            connection.ask(next(self._requests), time.perf_counter())
        async with asyncio.timeout(self._seconds + 60):
            await self.done
        took = time.perf_counter() - began
        for connection in made:
            connection.close()
        return took

    def answered(self, connection: Connection, good: bool) -> None:
        """Counts an answer and asks again."""
        now = time.perf_counter()
        self.times.append(now - connection.started)
        self.failed += not good
        if now < self._until:
            connection.ask(next(self._requests), now)
            return
        self._open -= 1
        self._end()

    def lost(self, connection: Connection) -> None:
        """A connection that the server closed in the middle: a failure."""
        if not self.done.done():
            self.failed += 1
            self._open -= 1
            self._end()

    def _end(self) -> None:
        if self._open <= 0 and not self.done.done():
            self.done.set_result(None)


class Open:
    """An open loop: requests are due at fixed times and wait where no connection is free."""

    def __init__(self, requests: Iterator[bytes], rate: float, seconds: float, timeout: float) -> None:
        self._requests, self._rate, self._seconds, self._timeout = requests, rate, seconds, timeout
        self.times: list[float] = []
        self.failed = self.late = 0
        self._idle: list[Connection] = []
        self._waiting: deque[float] = deque()

    async def run(self, port: int, connections: int) -> float:
        """Sends everything that is due, then waits for the rest until it is too late for it."""
        loop = asyncio.get_running_loop()
        for _ in range(min(connections, _MOST)):
            self._idle.append((await loop.create_connection(lambda: Connection(self), "127.0.0.1", port))[1])
        every, began, total = list(self._idle), time.perf_counter(), int(self._rate * self._seconds)
        for number in range(total):
            due = began + number / self._rate
            wait = due - time.perf_counter()
            if wait > 0.0005:
                await asyncio.sleep(wait)
            self._send(due)
            if number % 64 == 0:
                await asyncio.sleep(0)
        over = time.perf_counter() + self._timeout
        while len(self.times) < total and time.perf_counter() < over:  # noqa: ASYNC110 - answers are counted elsewhere
            await asyncio.sleep(0.002)
        took = time.perf_counter() - began
        self.late += total - len(self.times)
        self.times += [self._timeout] * (total - len(self.times))
        for connection in every:
            connection.close()
        return took

    def _send(self, due: float) -> None:
        if self._idle:
            self._idle.pop().ask(next(self._requests), due)
        else:
            self._waiting.append(due)

    def answered(self, connection: Connection, good: bool) -> None:
        """Counts an answer and gives the connection the request that waits longest."""
        took = time.perf_counter() - connection.started
        self.late += took >= self._timeout
        self.times.append(min(took, self._timeout))
        self.failed += not good
        if self._waiting:
            connection.ask(next(self._requests), self._waiting.popleft())
        else:
            self._idle.append(connection)

    def lost(self, connection: Connection) -> None:
        """A connection that the server closed: what it carried is late."""
        if connection in self._idle:
            self._idle.remove(connection)


def requests(order: dict[str, Any]) -> Iterator[bytes]:
    """The requests of an order, round and round; with `unseen` each has a document that was never sent before."""
    head = (
        f"POST /graphql HTTP/1.1\r\nhost: 127.0.0.1:{order['port']}\r\nauthorization: Bearer {order['token']}\r\n"
        "content-type: application/json\r\naccept: application/json\r\ncontent-length: "
    )
    if "paths" in order:  # of the upstreams: to see what they can bear
        yield from cycle([f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n".encode() for path in order["paths"]])
    unseen: str | None = order.get("unseen")
    if unseen is not None:
        for number, body in zip(count(), cycle(order["bodies"])):
            content = body.replace(unseen, f"{unseen}{order['salt']}x{number}").encode()
            yield f"{head}{len(content)}\r\n\r\n".encode() + content
    made = [f"{head}{len(body.encode())}\r\n\r\n".encode() + body.encode() for body in order["bodies"]]
    yield from cycle(made)


async def carry_out(order: dict[str, Any]) -> dict[str, float]:
    """Runs one order."""
    used = time.process_time()
    driver: Closed | Open
    if "rate" in order:
        driver = Open(requests(order), order["rate"], order["seconds"], order["timeout"])
    else:
        driver = Closed(requests(order), order["seconds"])
    took = await driver.run(order["port"], order["connections"])
    times = sorted(driver.times)
    return {
        "count": len(times),
        "failed": driver.failed,
        "late": driver.late if isinstance(driver, Open) else 0,
        "seconds": took,
        "p50": _at(times, 0.50),
        "p99": _at(times, 0.99),
        "cpu": time.process_time() - used,
    }


def _at(times: list[float], share: float) -> float:
    return times[min(len(times) - 1, int(len(times) * share))] * 1000 if times else 0.0


def main() -> None:
    """`python -m bench.load`: orders on standard input until it ends."""
    print("ready", flush=True)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        for line in sys.stdin:
            print(json.dumps(runner.run(carry_out(json.loads(line)))), flush=True)


if __name__ == "__main__":
    main()
