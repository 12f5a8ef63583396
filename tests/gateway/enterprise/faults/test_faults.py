"""Each fault, as a client over a real socket meets it."""

import asyncio
import json

import aiohttp
import pytest

from gateway.enterprise.faults.fault import OFF, Fault, Kind, of
from gateway.enterprise.faults.proxy import FaultProxy
from tests.gateway.enterprise.faults.conftest import Upstream, eventually

OWN_ANSWERS = [Kind.INTERNAL, Kind.UNREADY, Kind.THROTTLED, Kind.GARBAGE, Kind.HTML, Kind.WRONG_SHAPE]


async def get(client: aiohttp.ClientSession, proxy: FaultProxy) -> tuple[int, bytes, dict[str, str]]:
    async with client.get(f"{proxy.url}/a") as answer:
        return answer.status, await answer.read(), {name.lower(): value for name, value in answer.headers.items()}


async def test_latency_answers_the_same_a_little_later(proxy: FaultProxy, client, upstream: Upstream) -> None:
    await proxy.set(of(Kind.LATENCY, seconds=0.01, jitter=0.005))
    assert (await get(client, proxy))[0] == 200
    await proxy.set(of(Kind.LATENCY, seconds=600))
    asking = asyncio.create_task(get(client, proxy))
    await eventually(lambda: len(proxy.asks) == 2)
    assert len(upstream.seen) == 1
    asking.cancel()
    assert proxy.counts == {Kind.LATENCY: 2}


async def test_down_closes_the_port_and_resets_what_is_open(proxy: FaultProxy, client, upstream: Upstream) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(proxy.url.rsplit(":", 1)[1]))
    assert (await get(client, proxy))[0] == 200
    await proxy.set(of(Kind.DOWN))
    with pytest.raises(ConnectionResetError):
        await reader.read()
    writer.close()
    with pytest.raises(aiohttp.ClientConnectorError):
        async with aiohttp.ClientSession() as other:
            await get(other, proxy)
    await proxy.set(OFF)
    async with aiohttp.ClientSession() as other:
        assert (await get(other, proxy))[0] == 200
    assert proxy.counts == {Kind.OFF: 2}


async def test_a_port_that_is_down_is_kept(proxy: FaultProxy) -> None:
    await proxy.set(of(Kind.DOWN))
    with pytest.raises(OSError, match="in use"):
        await asyncio.start_server(lambda *_: None, "127.0.0.1", int(proxy.url.rsplit(":", 1)[1]))


async def test_dead_accepts_and_resets(proxy: FaultProxy, client, upstream: Upstream) -> None:
    await proxy.set(of(Kind.DEAD))
    for _ in range(2):
        with pytest.raises((aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)):
            await get(client, proxy)
    assert upstream.seen == []
    assert proxy.counts == {Kind.DEAD: 2}


async def test_hang_takes_the_request_and_says_nothing(proxy: FaultProxy, client, upstream: Upstream) -> None:
    await proxy.set(of(Kind.HANG))
    asking = asyncio.create_task(get(client, proxy))
    await eventually(lambda: len(proxy.asks) == 1)
    await proxy.set(OFF)
    assert (await get(client, proxy))[0] == 200
    assert not asking.done()
    assert upstream.seen == ["GET /a"]
    asking.cancel()


@pytest.mark.parametrize("kind", OWN_ANSWERS)
async def test_an_answer_of_its_own_keeps_the_connection(kind: Kind, proxy: FaultProxy, client, upstream) -> None:
    await proxy.set(of(kind))
    first, second = await get(client, proxy), await get(client, proxy)
    expected = int(kind) if kind.isdigit() else 200
    assert first[0] == second[0] == expected
    assert len(first[1]) > 10
    async with client.head(f"{proxy.url}/a") as answer:
        assert await answer.read() == b""
    async with client.post(f"{proxy.url}/a", data=b"x" * 100_000) as answer:
        assert answer.status == expected
    assert upstream.seen == []
    assert proxy.counts == {kind: 4}


async def test_a_refusal_says_when_to_come_again_or_does_not(proxy: FaultProxy, client) -> None:
    for kind, wait in ((Kind.UNREADY, "2"), (Kind.THROTTLED, "1")):
        await proxy.set(of(kind))
        assert (await get(client, proxy))[2]["retry-after"] == wait
        await proxy.set(Fault(kind))
        assert "retry-after" not in (await get(client, proxy))[2]


async def test_garbage_is_no_json_and_differs(proxy: FaultProxy, client) -> None:
    await proxy.set(of(Kind.GARBAGE))
    one, other = (await get(client, proxy))[1], (await get(client, proxy))[1]
    assert one != other
    with pytest.raises(ValueError, match=r"codec|Expecting|decode|control"):
        json.loads(one)


async def test_the_same_seed_gives_the_same_garbage(upstream: Upstream, client) -> None:
    bodies = []
    for _ in range(2):
        proxy = FaultProxy("billing", upstream.url, seed=3)
        await proxy.start()
        await proxy.set(of(Kind.GARBAGE))
        bodies.append((await get(client, proxy))[1])
        await proxy.close()
    assert bodies[0] == bodies[1]


async def test_html_is_a_page_and_a_wrong_shape_is_json(proxy: FaultProxy, client) -> None:
    await proxy.set(of(Kind.HTML))
    _, page, headers = await get(client, proxy)
    assert headers["content-type"].startswith("text/html")
    assert page.startswith(b"<!doctype html>")
    await proxy.set(of(Kind.WRONG_SHAPE))
    _, body, headers = await get(client, proxy)
    assert headers["content-type"] == "application/json"
    assert isinstance(json.loads(body), dict)


async def test_truncated_promises_more_than_it_sends(proxy: FaultProxy, client) -> None:
    await proxy.set(of(Kind.TRUNCATED))
    with pytest.raises(aiohttp.ClientPayloadError):
        await get(client, proxy)


async def test_huge_goes_on_until_the_client_leaves(proxy: FaultProxy, client) -> None:
    await proxy.set(of(Kind.HUGE))
    async with client.get(f"{proxy.url}/a") as answer:
        taken = 0
        while taken < 3_000_000:
            taken += len(await answer.content.readany())
        answer.close()
    await eventually(lambda: not proxy._passages)


async def test_slow_drip_sends_the_true_answer_byte_by_byte(proxy: FaultProxy, client) -> None:
    await proxy.set(of(Kind.SLOW_DRIP, seconds=0))
    reader, writer = await asyncio.open_connection("127.0.0.1", int(proxy.url.rsplit(":", 1)[1]))
    writer.write(b"GET /a HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
    pieces = []
    while piece := await reader.read(1024):
        pieces.append(piece)
    writer.close()
    assert b"".join(pieces).endswith(b"}")
    assert len(pieces) > 10


async def test_flaky_hits_its_share_with_both_of_its_ways(proxy: FaultProxy, client) -> None:
    await proxy.set(of(Kind.FLAKY, percent=50))
    outcomes = []
    for _ in range(200):
        try:
            outcomes.append((await get(client, proxy))[0])
        except aiohttp.ClientError:
            outcomes.append(0)
    assert set(outcomes) == {200, 500, 0}
    assert proxy.counts[Kind.FLAKY] == outcomes.count(500) + outcomes.count(0)
    assert 60 < outcomes.count(200) < 140


async def test_late_does_what_it_was_asked_when_nobody_waits_any_more(proxy, client, upstream: Upstream) -> None:
    await proxy.set(of(Kind.LATE, seconds=600))
    asking = asyncio.create_task(get(client, proxy))
    await eventually(lambda: bool(upstream.seen))
    assert upstream.seen == ["GET /a"]
    assert not asking.done()
    asking.cancel()
    await proxy.set(of(Kind.LATE, seconds=0.01))
    assert (await get(client, proxy))[0] == 200


async def test_a_share_of_the_requests_meets_the_fault_and_the_others_pass(proxy: FaultProxy, client) -> None:
    await proxy.set(of(Kind.UNREADY, percent=40))
    for _ in range(100):
        await get(client, proxy)
    assert proxy.counts[Kind.OFF] + proxy.counts[Kind.UNREADY] == 100
    assert 20 < proxy.counts[Kind.UNREADY] < 60


async def test_a_fault_ends_by_itself(proxy: FaultProxy, client) -> None:
    await proxy.set(of(Kind.INTERNAL), 0.02)
    assert proxy.state()["endsIn"] <= 0.02
    await eventually(lambda: proxy.fault == OFF)
    assert (await get(client, proxy))[0] == 200
    assert proxy.state()["endsIn"] is None


async def test_a_new_fault_forgets_when_the_one_before_was_to_end(proxy: FaultProxy) -> None:
    await proxy.set(of(Kind.INTERNAL), 0.01)
    await proxy.set(of(Kind.DOWN))
    await asyncio.sleep(0.03)
    assert proxy.fault == of(Kind.DOWN)


async def test_a_client_that_waits_for_100_continue_is_not_waited_for(proxy: FaultProxy, client) -> None:
    await proxy.set(of(Kind.UNREADY))
    async with client.post(f"{proxy.url}/a", data=b"x" * 1000, expect100=True) as answer:
        assert answer.status == 503
        assert answer.headers["connection"] == "close"
