"""A proxy without a fault is not to be noticed."""

import asyncio
import io

import aiohttp
import pytest

from gateway.enterprise.faults.fault import OFF, Kind, of
from gateway.enterprise.faults.proxy import FaultProxy
from tests.gateway.enterprise.faults.conftest import Upstream


async def test_an_answer_passes_as_it_is(proxy: FaultProxy, client: aiohttp.ClientSession) -> None:
    async with client.post(f"{proxy.url}/a?b=c%20d", data=b"12345", headers={"x-own": "mine"}) as answer:
        assert answer.status == 200
        assert answer.headers["x-answered"] == "yes"
        assert await answer.json() == {"method": "POST", "target": "/a?b=c%20d", "x": "mine", "bytes": 5}


async def test_the_upstream_sees_the_address_that_the_client_asked(proxy: FaultProxy, upstream: Upstream) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(proxy.url.rsplit(":", 1)[1]))
    writer.write(b"GET /x HTTP/1.1\r\nhost: crm.example.test\r\nx-own: A\r\nX-OWN: b\r\nconnection: close\r\n\r\n")
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b'"x": "A"' in answer
    assert upstream.seen == ["GET /x"]


async def test_chunks_pass_in_both_directions(proxy: FaultProxy, client: aiohttp.ClientSession) -> None:
    async def pieces():
        yield b"a" * 70_000
        yield b"b"

    async with client.post(f"{proxy.url}/a", data=pieces()) as answer:
        assert (await answer.json())["bytes"] == 70_001
    async with client.get(f"{proxy.url}/chunks") as answer:
        assert await answer.text() == "one,two,three"


async def test_a_large_body_passes(proxy: FaultProxy, client: aiohttp.ClientSession) -> None:
    async with client.post(f"{proxy.url}/a", data=io.BytesIO(b"x" * 5_000_000)) as answer:
        assert (await answer.json())["bytes"] == 5_000_000


async def test_answers_without_a_body_end_where_they_end(proxy: FaultProxy, client: aiohttp.ClientSession) -> None:
    async with client.head(f"{proxy.url}/a") as answer:
        assert int(answer.headers["content-length"]) > 0
        assert await answer.read() == b""
    async with client.get(f"{proxy.url}/nothing") as answer:
        assert answer.status == 204
    async with client.get(f"{proxy.url}/a") as answer:
        assert answer.status == 200


async def test_a_client_that_expects_100_continue_gets_it(proxy: FaultProxy, client: aiohttp.ClientSession) -> None:
    async with client.post(f"{proxy.url}/a", data=b"x" * 1000, expect100=True) as answer:
        assert (await answer.json())["bytes"] == 1000


async def test_one_connection_carries_many_requests(proxy: FaultProxy, client: aiohttp.ClientSession) -> None:
    for _ in range(5):
        async with client.get(f"{proxy.url}/a") as answer:
            await answer.read()
        assert len(proxy._passages) == 1


async def test_requests_sent_ahead_are_answered_in_their_order(proxy: FaultProxy) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(proxy.url.rsplit(":", 1)[1]))
    writer.write(
        b"GET /chunks HTTP/1.1\r\nhost: x\r\n\r\nGET /refused HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
    )
    answers = await reader.read()
    writer.close()
    await writer.wait_closed()
    assert answers.index(b"three") < answers.index(b"HTTP/1.1 417")


async def test_an_upstream_that_is_away_is_a_reset(client: aiohttp.ClientSession, free_address: str) -> None:
    proxy = FaultProxy("billing", free_address)
    await proxy.start()
    with pytest.raises(aiohttp.ClientError):
        await client.get(f"{proxy.url}/a")
    await proxy.close()


async def test_asks_are_counted_and_tokens_apart(proxy: FaultProxy, client: aiohttp.ClientSession) -> None:
    for path in ("/a", "/b?c=1", "/oauth/token?d=1"):
        async with client.post(proxy.url + path):
            pass
    state = proxy.state()
    assert (state["asks"], state["tokens"]) == ({"off": 2}, 1)
    assert [(each.met, each.token) for each in proxy.asks] == [(Kind.OFF, False), (Kind.OFF, False), (Kind.OFF, True)]
    proxy.forget()
    assert (proxy.state()["asks"], proxy.state()["tokens"]) == ({}, 0)


async def test_off_again_is_transparent_again(proxy: FaultProxy, client: aiohttp.ClientSession) -> None:
    await proxy.set(of(Kind.INTERNAL))
    async with client.get(f"{proxy.url}/a") as answer:
        assert answer.status == 500
    await proxy.set(OFF)
    async with client.get(f"{proxy.url}/a") as answer:
        assert answer.status == 200


async def test_what_is_not_http_is_refused(proxy: FaultProxy, upstream: Upstream) -> None:
    for sent in (b"hello\r\n\r\n", b"GET / HTTP/1.1\r\ncontent-length: many\r\n\r\n", b"x: " + b"y" * 70_000):
        reader, writer = await asyncio.open_connection("127.0.0.1", int(proxy.url.rsplit(":", 1)[1]))
        writer.write(sent)
        assert (await reader.read()).startswith(b"HTTP/1.1 400")
        writer.close()
        await writer.wait_closed()
    assert upstream.seen == []
