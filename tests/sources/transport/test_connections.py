"""Connections: which are kept, how many there are, and that an answer is never taken for another question's."""

import asyncio
from collections.abc import Callable

import pytest

from sources.errors import SourceError, TimedOut, Unavailable
from sources.ports import Call, Effect
from sources.transport import Kind, Transport, connection
from tests.fakes.sick import Fault, SickServer, hangs, resets, response, says


def ask(server: SickServer, timeout: float | None = None) -> Call:
    return Call("GET", server.url, effect=Effect.READ, timeout=timeout)


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(2):
        while not true():  # noqa: ASYNC110 - what a server sees has no event
            await asyncio.sleep(0.001)


def after(event: asyncio.Event, raw: bytes) -> Fault:
    """Answers once the event has come."""

    async def fault(writer: asyncio.StreamWriter) -> None:
        await event.wait()
        writer.write(raw)

    return fault


async def test_one_connection_carries_many_questions(kind: Kind) -> None:
    async with SickServer() as server, Transport("billing", kind=kind) as transport:
        for _ in range(20):
            await transport.send(ask(server))
    assert (server.asked, server.connections) == (20, 1)


async def test_a_connection_that_the_server_ends_is_not_used_again(kind: Kind) -> None:
    async with SickServer(says(response(200, connection="close"))) as server, Transport("b", kind=kind) as transport:
        for _ in range(3):
            assert (await transport.send(ask(server))).status == 200
    assert server.connections == 3


async def test_an_idle_connection_that_the_server_ends_costs_no_question(kind: Kind) -> None:
    async with SickServer() as server, Transport("billing", kind=kind) as transport:
        await transport.send(ask(server))
        server.hang_up()
        await asyncio.sleep(0.01)
        assert (await transport.send(ask(server))).status == 200
    assert (server.asked, server.connections) == (2, 2)


async def test_a_question_that_a_dying_connection_took_is_lost_and_not_repeated(kind: Kind) -> None:
    async with SickServer() as server, Transport("billing", kind=kind) as transport:
        await transport.send(ask(server))
        server.fault = resets
        with pytest.raises(Unavailable) as caught:
            await transport.send(ask(server))
    assert not caught.value.unsent
    assert (server.asked, server.connections) == (2, 1)


@pytest.mark.parametrize("extra", [response(500, b"evil"), b"HTTP/1.1 500 X\r\n", b"evil", b"\x00"])
async def test_bytes_behind_an_answer_belong_to_nobody(extra: bytes) -> None:
    """To our own client: aiohttp may take half an answer for the beginning of the next one's."""
    async with SickServer() as server, Transport("billing") as transport:
        server.fault = says(response(200) + extra)
        await asyncio.gather(transport.send(ask(server)), return_exceptions=True)
        server.fault = says(response(201))
        assert (await transport.send(ask(server))).status == 201
    assert server.connections == 2


@pytest.mark.parametrize("extra", [response(500, b"evil"), b"HTTP/1.1 ", b"evil"])
async def test_bytes_that_nobody_asked_for_belong_to_nobody(extra: bytes) -> None:
    """To our own client: aiohttp takes them for the answer to the next question."""
    async with SickServer() as server, Transport("billing") as transport:
        await transport.send(ask(server))
        for writer in server._writers:
            writer.write(extra)
        await asyncio.sleep(0.01)
        server.fault = says(response(201))
        assert (await transport.send(ask(server))).status == 201
    assert server.connections == 2


async def test_a_call_that_is_cancelled_takes_its_connection_with_it(kind: Kind) -> None:
    async with SickServer(hangs) as server, Transport("billing", kind=kind, connections=1) as transport:
        for _ in range(3):
            server.reached.clear()
            asking = asyncio.create_task(transport.send(ask(server)))
            await server.reached.wait()
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking
        server.fault = says(response(201))
        assert (await transport.send(ask(server))).status == 201
    assert server.connections == 4


async def test_a_call_that_is_late_takes_its_connection_with_it(kind: Kind) -> None:
    late = asyncio.Event()
    async with SickServer(after(late, response(500))) as server, Transport("b", kind=kind, connections=1) as transport:
        with pytest.raises(TimedOut):
            await transport.send(ask(server, timeout=0.05))
        late.set()
        server.fault = says(response(201))
        assert (await transport.send(ask(server))).status == 201
    assert server.connections == 2


async def test_an_answer_that_drips_is_late(kind: Kind) -> None:
    async def drips(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.005)

    async with SickServer(drips) as server, Transport("billing", kind=kind) as transport:
        with pytest.raises(TimedOut) as caught:
            await transport.send(ask(server, timeout=0.1))
    assert not caught.value.unsent


async def test_a_shorter_time_counts_on_a_connection_that_was_kept(kind: Kind) -> None:
    async with SickServer() as server, Transport("billing", kind=kind, timeout=60.0) as transport:
        await transport.send(ask(server))
        server.fault = hangs
        async with asyncio.timeout(2):
            with pytest.raises(TimedOut, match=r"within 0\.05 s"):
                await transport.send(ask(server, timeout=0.05))
    assert server.connections == 1


async def test_no_more_connections_than_allowed(kind: Kind) -> None:
    go = asyncio.Event()
    async with SickServer(after(go, response(200))) as server, Transport("b", kind=kind, connections=3) as transport:
        asking = [asyncio.create_task(transport.send(ask(server))) for _ in range(30)]
        await until(lambda: server.asked == 3)
        await asyncio.sleep(0.01)
        assert server.asked == 3
        go.set()
        assert [(await each).status for each in asking] == [200] * 30
    assert server.connections == 3


async def test_a_turn_is_not_lost_with_whoever_stops_waiting_for_it(kind: Kind) -> None:
    go = asyncio.Event()
    async with SickServer(after(go, response(200))) as server, Transport("b", kind=kind, connections=1) as transport:
        asking = [asyncio.create_task(transport.send(ask(server))) for _ in range(6)]
        await until(lambda: server.asked == 1)
        asking[1].cancel()
        asking[3].cancel()
        go.set()
        await asking[0]
        asking[2].cancel()  # it may have its turn already
        await asyncio.wait(asking)
        assert [each.cancelled() for each in (asking[1], asking[3])] == [True, True]
        assert [each.result().status for each in asking[4:]] == [200, 200]
        assert (await transport.send(ask(server))).status == 200


async def test_turns_come_in_the_order_of_asking(kind: Kind) -> None:
    async with SickServer() as server, Transport("billing", kind=kind, connections=1) as transport:
        calls = [Call("GET", f"{server.url}/{number}") for number in range(10)]
        await asyncio.gather(*(transport.send(each) for each in calls))
    assert [line.split()[1] for line in server.questions] == [b"/%d" % number for number in range(10)]


async def test_origins_share_the_connections_of_a_source(kind: Kind) -> None:
    async with SickServer() as one, SickServer() as other, Transport("b", kind=kind, connections=1) as transport:
        for _ in range(3):
            for server in (one, other):
                assert (await transport.send(ask(server))).status == 200
    assert (one.asked, other.asked) == (3, 3)


async def test_what_is_kept_for_one_origin_gives_way_to_another() -> None:
    async with SickServer() as one, SickServer() as other, Transport("billing", connections=2) as transport:
        await asyncio.gather(transport.send(ask(one)), transport.send(ask(one)))
        await transport.send(ask(other))
        await until(lambda: one.ended == 1)
        await transport.send(ask(one))
        await asyncio.gather(transport.send(ask(other)), transport.send(ask(other)))
        await until(lambda: one.ended == 2)
    assert (one.connections, other.connections) == (2, 2)


async def test_a_connection_that_nobody_uses_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "IDLE_SECONDS", 0.03)
    async with SickServer() as server, Transport("billing", timeout=0.5) as transport:
        await asyncio.gather(*(transport.send(ask(server)) for _ in range(3)))
        await until(lambda: server.ended == 3)
        assert (await transport.send(ask(server))).status == 200
    assert server.connections == 4


async def test_closing_ends_what_is_under_way(kind: Kind) -> None:
    async with SickServer(hangs) as server, Transport("billing", kind=kind, connections=1) as transport:
        asking = [asyncio.create_task(transport.send(ask(server))) for _ in range(2)]
        await server.reached.wait()
        await transport.close()
        for each in asking:
            each.cancel("the second may wait for its turn for ever")
        ended = await asyncio.gather(*asking, return_exceptions=True)
        assert all(isinstance(each, SourceError | asyncio.CancelledError) for each in ended)
        server.fault = says(response(201))
        assert (await transport.send(ask(server))).status == 201


async def test_an_answer_that_we_end_ourselves_is_not_whole() -> None:
    raw = b"HTTP/1.1 200 OK\r\n\r\nit goes on until the connection ends, and "
    async with SickServer(says(raw)) as server, Transport("billing") as transport:
        asking = asyncio.create_task(transport.send(ask(server)))
        await server.reached.wait()
        await asyncio.sleep(0.01)  # until it has arrived
        await transport.close()
        with pytest.raises(Unavailable):
            await asking


async def test_an_answer_before_the_question_was_taken_counts_and_ends_the_connection() -> None:
    done = asyncio.Event()

    async def refuses(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(response(413))
        await done.wait()  # without reading on
        writer.transport.abort()

    listening = await asyncio.start_server(refuses, "127.0.0.1", 0, limit=1024)
    port = listening.sockets[0].getsockname()[1]
    async with listening, Transport("billing", timeout=2.0, connections=1) as transport:
        for _ in range(2):
            reply = await transport.send(Call("POST", f"http://127.0.0.1:{port}/", body=bytes(20_000_000)))
            assert reply.status == 413
        done.set()


async def test_a_large_question_arrives_whole(kind: Kind) -> None:
    body = bytes(range(256)) * 4_000
    async with SickServer() as server, Transport("billing", kind=kind) as transport:
        assert (await transport.send(Call("POST", server.url, body=body))).status == 200
    assert server.questions[0].endswith(b"\r\n\r\n" + body)
