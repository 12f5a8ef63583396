"""Answers over real sockets: in one write, with all that an answer by the usual way has, and in the order of asking."""

import asyncio
from typing import Any

import pytest

from gateway.engine.engine import Response
from gateway.http import whole
from gateway.http.protocol import BoundedProtocol
from tests.gateway.http.edge import QUESTION, TOKEN, Engine, head, listening


class Counting(BoundedProtocol):
    """Keeps what each write has."""

    writes: list[bytes]

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.transport = Watched(transport, self.writes)  # type: ignore[assignment]


class Watched:
    """A transport that notes what is written to it."""

    def __init__(self, transport: asyncio.Transport, writes: list[bytes]) -> None:
        self._transport, self._writes = transport, writes

    def write(self, written: bytes) -> None:
        self._writes.append(written)
        self._transport.write(written)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


async def exchanged(raw: bytes, protocol: type[Counting], engine: Engine | None = None) -> bytes:
    """Everything the server says to what is sent at once; it ends the connection after the last answer."""
    async with listening(engine or Engine(), protocol) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(raw)
        try:
            return await asyncio.wait_for(reader.read(), 5)
        finally:
            writer.close()


@pytest.fixture
def protocol() -> type[Counting]:
    return type("Counting", (Counting,), {"writes": []})


def last(body: bytes = QUESTION, method: bytes = b"POST") -> bytes:
    """A question after which the connection ends."""
    return head().replace(b"\r\n", b"\r\nconnection: close\r\n", 1).replace(b"POST", method, 1) + body


async def test_an_answer_is_one_write(protocol: type[Counting]) -> None:
    said = await exchanged(last(), protocol)
    assert protocol.writes == [said]
    assert said.endswith(b'\r\n\r\n{"data":{"__typename":"Query"}}')


async def test_it_says_what_an_answer_by_the_usual_way_says(
    protocol: type[Counting], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = [last(), last(b"[]"), last(method=b"PUT"), last().replace(TOKEN, b"Bearer x"), last(b"x" * 5_000)]
    ours = [await exchanged(each, protocol) for each in asked]
    monkeypatch.setattr(whole, "WHOLE", "another.key")
    usual = [await exchanged(each, protocol) for each in asked]
    assert len(protocol.writes) == 3 * len(asked)
    assert [plain(each) for each in ours] == [plain(each) for each in usual]
    assert {each.split()[1] for each in ours} >= {b"200", b"400", b"401", b"405"}


def plain(said: bytes) -> tuple[bytes, set[bytes], bytes]:
    """Status line, headers and body, without what each answer has of its own."""
    heading, _, body = said.partition(b"\r\n\r\n")
    first, *lines = heading.split(b"\r\n")
    own = (b"date:", b"x-correlation-id:", b"content-length:")
    return first, {each for each in lines if not each.startswith(own)}, body.split(b'"correlationId"')[0]


async def test_answers_come_in_the_order_of_asking(protocol: type[Counting]) -> None:
    count = 0

    async def before() -> None:
        nonlocal count
        count += 1
        engine.says = Response({"data": {"n": count}}, started=True)
        await asyncio.sleep(0.01 / count)

    engine = Engine(before=before)
    said = await exchanged((head() + QUESTION) * 3 + last(), protocol, engine)
    assert [said.index(b'{"data":{"n":%d}}' % number) for number in (1, 2, 3, 4)] == sorted(
        said.index(b'{"data":{"n":%d}}' % number) for number in (1, 2, 3, 4)
    )
    assert len(protocol.writes) == 4


async def test_the_answer_to_head_has_no_body(protocol: type[Counting]) -> None:
    said = await exchanged(last(method=b"HEAD"), protocol)
    assert said.startswith(b"HTTP/1.1 405 ")
    assert said.endswith(b"\r\n\r\n")


async def test_who_has_gone_is_told_nothing(protocol: type[Counting]) -> None:
    gone = asyncio.Event()
    engine = Engine(before=gone.wait)
    async with listening(engine, protocol) as port:
        _reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(head() + QUESTION)
        while not engine.asked:  # noqa: ASYNC110 - the engine has no event for it
            await asyncio.sleep(0.001)
        writer.transport.abort()
        await asyncio.wait_for(engine.cancelled.wait(), 5)
        gone.set()
    assert protocol.writes == []
