"""One connection of a client through the proxy, and the upstream's connection that belongs to it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable
from random import Random

from gateway.enterprise.faults import answers
from gateway.enterprise.faults.fault import Fault, Kind
from gateway.enterprise.faults.wire import (
    HEAD_BYTES,
    BadMessage,
    Head,
    Write,
    nowhere,
    pass_answer,
    pass_body,
    read_head,
    request_length,
)

_RESET = struct.pack("ii", 1, 0)  # linger for no time at all: closing sends a reset
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Passage:
    """Takes requests one after another; `meet` tells the fault of each. No upgrades: an answer 101 ends it."""

    def __init__(
        self, client: Streams, upstream: tuple[str, int], meet: Callable[[Head], Fault], random: Random
    ) -> None:
        self._reader, self._writer = client
        self._address, self._meet, self._random = upstream, meet, random
        self._upstream: Streams | None = None

    async def run(self) -> None:
        """Until one side closes. What breaks on one side breaks on the other."""
        try:
            while (head := await read_head(self._reader)) is not None:
                if not await self._answer(head, self._meet(head)):
                    break
        except BadMessage as error:
            with contextlib.suppress(OSError):
                await self._write(_refusal(str(error)))
        except (OSError, asyncio.IncompleteReadError):
            self.reset()
        finally:
            await self._end()

    def reset(self) -> None:
        """Closes the client's connection the hard way."""
        # After a reset that the client sent there is no socket left to set anything on.
        with contextlib.suppress(OSError, AttributeError):
            self._writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._writer.transport.abort()

    async def _answer(self, head: Head, fault: Fault) -> bool:
        """One request; gives whether another may follow."""
        kind = fault.kind
        if kind is Kind.FLAKY and self._random.random() < 0.5:
            kind = Kind.DEAD
        if kind in (Kind.DOWN, Kind.DEAD):
            self.reset()
            return False
        if kind is Kind.HANG:
            return await self._swallow()
        if kind in (Kind.OFF, Kind.LATENCY, Kind.SLOW_DRIP, Kind.LATE):
            return await self._forward(head, await self._delayed(fault))
        # Its own answer. A client that waits for `100 Continue` has not sent its body, and never will.
        waits = "expect" in head.headers
        if not waits:
            await pass_body(self._reader, request_length(head), nowhere)
        if kind is Kind.TRUNCATED:
            await self._write(answers.truncated())
            return False
        if kind is Kind.HUGE:
            return await self._pour()
        closes = waits or head.closes
        await self._write(answers.of(fault, self._random, closes=closes, head=head.method == "HEAD"))
        return not closes

    async def _delayed(self, fault: Fault) -> Write:
        """Waits before the request where the fault says so; gives how its answer is written."""
        if fault.kind is Kind.LATENCY:
            await asyncio.sleep(max(0.0, fault.seconds + self._random.uniform(-fault.jitter, fault.jitter)))
        if fault.kind is Kind.SLOW_DRIP:
            return self._dripping(fault.seconds)
        return self._late(fault.seconds) if fault.kind is Kind.LATE else self._write

    async def _forward(self, head: Head, write: Write) -> bool:
        reader, writer = await self._opened()

        async def send(piece: bytes) -> None:
            writer.write(piece)
            await writer.drain()

        await send(head.raw)
        length = request_length(head)
        # The body goes beside the answer: `100 Continue` comes before it, a refusal may come in the middle of it.
        sending = asyncio.create_task(pass_body(self._reader, length, send)) if length else None
        try:
            kept = await pass_answer(reader, head.method, write)
        finally:
            sent = sending is None or sending.done()
            if sending is not None:
                sending.cancel()
                await asyncio.gather(sending, return_exceptions=True)
        return kept and sent and not head.closes

    async def _opened(self) -> Streams:
        if self._upstream is not None and self._upstream[0].at_eof():
            await self._leave()
        if self._upstream is None:
            self._upstream = await asyncio.open_connection(*self._address, limit=HEAD_BYTES)
        return self._upstream

    async def _write(self, piece: bytes) -> None:
        if self._writer.transport.is_closing():  # some loops answer a write to what is closed with a RuntimeError
            raise ConnectionResetError("the client has gone")
        self._writer.write(piece)
        await self._writer.drain()

    def _dripping(self, pause: float) -> Write:
        async def drip(piece: bytes) -> None:
            for byte in piece:
                await self._write(bytes((byte,)))
                await asyncio.sleep(pause)

        return drip

    def _late(self, seconds: float) -> Write:
        due = asyncio.get_running_loop().time() + seconds

        async def write(piece: bytes) -> None:
            await asyncio.sleep(max(0.0, due - asyncio.get_running_loop().time()))
            await self._write(piece)

        return write

    async def _swallow(self) -> bool:
        """Takes whatever comes until the client has had enough."""
        while await self._reader.read(HEAD_BYTES):
            pass
        return False

    async def _pour(self) -> bool:
        for piece in answers.huge():
            await self._write(piece)
            await asyncio.sleep(0)  # one client's flood leaves room for the others
        return False

    async def _leave(self) -> None:
        if self._upstream is not None:
            _, writer = self._upstream
            self._upstream = None
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _end(self) -> None:
        self._writer.close()
        await self._leave()


def _refusal(why: str) -> bytes:
    return answers.message("400 Bad Request", "text/plain", why.encode(), closes=True, head=False)
