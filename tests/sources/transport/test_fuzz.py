"""Answers that chance has bent: an answer or a typed error, in time, and never one that belongs to another question."""

import asyncio
import gzip
import random
from typing import Any

import pytest

from sources.errors import SourceError
from sources.ports import Call, Reply
from sources.transport import KINDS, Transport
from tests.fakes.sick import SickServer, response, says

SEEDS = (
    response(200, b'{"a": 1}', etag='"x"'),
    response(200, gzip.compress(b'{"a": 1}' * 20), content_encoding="gzip"),
    response(200, gzip.compress(b'{"a": 1}' * 20), content_encoding="deflate"),
    b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n8;a=b\r\n{123456}\r\n0\r\nx: y\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nConnection: close\r\n\r\nuntil the end",
    b"HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n",
)
PIECES = (
    b"\r\n",
    b"\n",
    b"\r",
    b"\0",
    b" ",
    b":",
    b"0",
    b"-1",
    b"ffffffff",
    b"content-length: 3\r\n",
    b"\r\n\r\n",
    b"\xff",
)
LINES = (
    b"transfer-encoding: chunked\r\n",
    b"HTTP/1.1 200 OK\r\n",
    b"content-encoding: gzip\r\n",
    b"connection: close\r\n",
)


def bent(chance: random.Random) -> bytes:
    """An answer with up to three faults."""
    raw = chance.choice(SEEDS)
    for _ in range(chance.randrange(4)):
        at = chance.randrange(len(raw) + 1)
        match chance.randrange(5):
            case 0:
                raw = raw[:at] + chance.choice(PIECES + LINES) + raw[at:]
            case 1:
                raw = raw[:at] + raw[at + chance.randrange(1, 6) :]
            case 2:
                raw = raw[:at] + chance.randbytes(1) + raw[at + 1 :]
            case 3:
                raw = raw[:at]
            case _:
                raw += chance.choice(SEEDS)[:at]
    return raw


def dripping(raw: bytes, chance: random.Random) -> Any:
    """Sends it in pieces of any size, then hangs up."""

    async def fault(writer: asyncio.StreamWriter) -> None:
        start = 0
        while start < len(raw) and not writer.transport.is_closing():
            stop = start + chance.randrange(1, 40)
            writer.write(raw[start:stop])
            start = stop
            await asyncio.sleep(0)
        writer.close()

    return fault


async def put(transport: Transport, server: SickServer) -> Reply | SourceError:
    try:
        return await transport.send(Call("GET", server.url))
    except SourceError as error:
        return error


def check(ended: Reply | SourceError, raw: bytes) -> None:
    if isinstance(ended, SourceError):
        assert (ended.sick, ended.unsent, ended.source) == (True, False, "billing"), raw


@pytest.mark.usefixtures("complaints")
async def test_chance_makes_an_answer_or_a_typed_error() -> None:
    chance = random.Random(11)
    async with SickServer() as server, Transport("billing", timeout=2.0, max_bytes=1_000) as transport:
        for _ in range(600):
            raw = bent(chance)
            server.fault = dripping(raw, chance)
            check(await put(transport, server), raw)


async def test_where_both_clients_see_an_answer_they_see_the_same() -> None:
    chance = random.Random(12)
    both = 0
    async with SickServer() as server:
        for _ in range(300):
            raw, ended = bent(chance), []
            for kind in KINDS:
                server.fault = says(raw, then_closes=True)
                async with Transport("billing", kind=kind, timeout=2.0, max_bytes=1_000) as transport:
                    ended.append(await put(transport, server))
                    check(ended[-1], raw)
            ours, theirs = ended
            if isinstance(ours, Reply) and isinstance(theirs, Reply):
                both += 1
                assert (ours.status, ours.body, ours.headers) == (theirs.status, theirs.body, theirs.headers), raw
    assert both > 60


@pytest.mark.usefixtures("complaints")
async def test_an_answer_is_never_anothers() -> None:
    """Questions side by side, cancelled, late, answered late or twice: each answer names the question it is for."""
    chance = random.Random(13)

    async with SickServer() as server, Transport("billing", timeout=2.0, connections=4) as transport:

        async def echoes(writer: asyncio.StreamWriter) -> None:
            path = server.questions[-1].split()[1]
            await asyncio.sleep(chance.choice((0, 0, 0.001, 0.02)))
            writer.write(response(200, path) + chance.choice((b"", b"", response(200, b"/other"), b"HTTP/1.1 2")))
            if chance.random() < 0.1:
                writer.close()

        async def one(number: int) -> None:
            call = Call("GET", f"{server.url}/{number}", timeout=chance.choice((2.0, 0.01)))
            asking = asyncio.create_task(transport.send(call))
            if chance.random() < 0.2:
                asyncio.get_running_loop().call_later(chance.random() * 0.01, asking.cancel)
            (ended,) = await asyncio.gather(asking, return_exceptions=True)
            if isinstance(ended, Reply):
                answered.append(number)
                assert ended.body == b"/%d" % number

        server.fault = echoes
        answered: list[int] = []
        for start in range(0, 400, 20):
            await asyncio.gather(*(one(number) for number in range(start, start + 20)))
        assert len(answered) > 100
        server.fault = says(response(201))
        replies = await asyncio.gather(*(transport.send(Call("GET", server.url)) for _ in range(8)))
        assert [each.status for each in replies] == [201] * 8
