"""A flood, from a program of its own: requests at a fixed rate whatever becomes of them, as one JSON order a line.

A request is due every 1/`rate` seconds and goes to a connection that waits for nothing; where none does it is `unsent`,
as it is for a client whose pool is used up. An answer counts as good when it is 200 without errors and came within
`timeout` of when it was due. Latencies are of good answers, in milliseconds.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter, deque
from collections.abc import Iterator
from typing import Any

import uvloop

from bench.load import requests
from bench.processes import processor

_STEP = 0.001  # seconds between looks what is due
_SETTLE = 1.0  # seconds for connections to be taken, and for what was asked in time to be answered


class Line(asyncio.Protocol):
    """One kept connection."""

    def __init__(self, flood: Flood) -> None:
        self._flood, self._buffer = flood, bytearray()
        self.due = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.Transport = transport  # type: ignore[assignment] # of a TCP connection

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer
        buffer += data
        end = buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        place = buffer.find(b"content-length:")
        if len(buffer) < end + 4 + int(buffer[place + 15 : buffer.find(b"\r\n", place)]):
            return
        good = buffer.startswith(b"HTTP/1.1 200") and buffer.find(b'"errors":') < 0
        kind = "good" if good else "refused" if buffer.startswith(b"HTTP/1.1 503") else "failed"
        self._buffer = bytearray()
        self._flood.answered(self, kind)

    def connection_lost(self, error: Exception | None) -> None:
        self._flood.lost(self)


class Flood:
    """An open loop over `lines` connections."""

    def __init__(self, asked: Iterator[bytes], rate: float, seconds: float, timeout: float) -> None:
        self._asked, self._rate, self._seconds, self._timeout = asked, rate, seconds, timeout
        self._idle: deque[Line] = deque()
        self._waiting: set[Line] = set()
        self._over = False
        self.counts: Counter[str] = Counter()
        self.times: list[float] = []

    async def run(self, port: int, lines: int, pid: int) -> tuple[float, float]:
        """Sends what is due for its seconds; gives how many it took, and of the process `pid` its processor time."""
        loop = asyncio.get_running_loop()
        for _ in range(lines):
            self._idle.append((await loop.create_connection(lambda: Line(self), "127.0.0.1", port))[1])
        await asyncio.sleep(_SETTLE)
        every, used, began, sent = list(self._idle), processor(pid), time.perf_counter(), 0
        while (now := time.perf_counter()) < began + self._seconds:
            sent = self._send(began, sent, int((now - began) * self._rate))
            await asyncio.sleep(_STEP)
        took, used = time.perf_counter() - began, processor(pid) - used
        self._over = True
        await asyncio.sleep(_SETTLE)
        self.counts["lost"] += len(self._waiting)
        for line in every:
            line.transport.abort()
        return took, used

    def _send(self, began: float, sent: int, due: int) -> int:
        for number in range(sent, due):
            if not self._idle:
                self.counts["unsent"] += due - number
                return due
            line = self._idle.popleft()
            line.due = began + number / self._rate
            self._waiting.add(line)
            line.transport.write(next(self._asked))
        return due

    def answered(self, line: Line, kind: str) -> None:
        """Counts an answer; the line is free again."""
        took = time.perf_counter() - line.due
        self._waiting.discard(line)
        self._idle.append(line)
        if kind == "good" and took > self._timeout:
            kind = "late"
        if self._over and kind == "good":
            kind = "afterwards"  # it was asked in time, and says nothing about what is answered in a second
        self.counts[kind] += 1
        if kind == "good":
            self.times.append(took)

    def lost(self, line: Line) -> None:
        """The server hung up."""
        if line in self._waiting:
            self._waiting.discard(line)
            self.counts["failed"] += 1
        if line in self._idle:
            self._idle.remove(line)


async def carry_out(order: dict[str, Any]) -> dict[str, float]:
    """Runs one order: counts, the seconds it took, latencies and the processor time of the server."""
    flood = Flood(requests(order), order["rate"], order["seconds"], order["timeout"])
    took, used = await flood.run(order["port"], order["lines"], order["pid"])
    times = sorted(flood.times)
    kinds = ("good", "refused", "late", "unsent", "failed", "lost", "afterwards")
    return {
        **{kind: flood.counts[kind] for kind in kinds},
        "seconds": took,
        "p50": _at(times, 0.5),
        "p99": _at(times, 0.99),
        "cpu": used,
    }


def _at(times: list[float], share: float) -> float:
    return times[min(len(times) - 1, int(len(times) * share))] * 1000 if times else 0.0


def main() -> None:
    """`python -m bench.flood`: orders on standard input until it ends."""
    print("ready", flush=True)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        for line in sys.stdin:
            print(json.dumps(runner.run(carry_out(json.loads(line)))), flush=True)


if __name__ == "__main__":
    main()
