"""Overload at the edge: who is refused, with which answer, and that everybody else is served."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from gateway.http.admission import Admission
from gateway.http.protocol import BoundedProtocol
from gateway.settings import AdmissionSettings, ByLane
from tests.gateway.http.edge import ISSUER, QUESTION, Edge, Engine, front, head, listening

# Room for four requests: backfill is refused beside one, portals beside two, lookups beside three.
SETTINGS = AdmissionSettings(concurrency=4, shares=ByLane(validate=1.0, lookup=0.75, portal=0.5, backfill=0.25))
LOOKUP = json.dumps({"query": "query lookup { __typename }"}).encode()
VALIDATE = json.dumps({"query": "query validate { __typename }"}).encode()
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def full(under_way: int) -> Admission:
    admission = Admission(SETTINGS)
    admission.under_way = under_way
    return admission


class Held(Engine):
    """Answers when it is released."""

    def __init__(self) -> None:
        self.released = asyncio.Event()
        super().__init__(before=self.released.wait)


async def test_a_refusal_is_a_503_that_says_so_and_when_to_come_back() -> None:
    edge = Edge(admission=full(4))
    answer = await edge.ask()
    assert answer.status == 503
    assert int(answer.headers["retry-after"]) >= 1
    assert "data" not in answer.body
    (error,) = answer.body["errors"]
    assert error["extensions"]["code"] == "OVERLOADED"
    assert error["extensions"]["retryable"] is True
    assert error["extensions"]["retryAfterMs"] == int(answer.headers["retry-after"]) * 1000
    assert error["extensions"]["docs"] == "docs/errors.md#overloaded"
    assert edge.engine.asked == []


async def test_the_lowest_lane_is_refused_first() -> None:
    answers = {}
    for under_way in (2, 3, 4, 5):
        for name, body in (("portal", QUESTION), ("lookup", LOOKUP), ("validate", VALIDATE)):
            answers[under_way, name] = (await Edge(admission=full(under_way)).ask(body)).status
    assert [answers[each, "portal"] for each in (2, 3, 4, 5)] == [200, 503, 503, 503]
    assert [answers[each, "lookup"] for each in (2, 3, 4, 5)] == [200, 200, 503, 503]
    assert [answers[each, "validate"] for each in (2, 3, 4, 5)] == [200, 200, 200, 503]


async def test_where_nobody_is_let_in_neither_token_nor_body_is_looked_at() -> None:
    answer = await Edge(admission=full(5)).ask(authorization=b"Bearer nonsense")
    assert answer.status == 503
    assert answer.reads == 0


async def test_who_may_not_come_in_at_all_is_told_that_instead_of_to_wait() -> None:
    assert (await Edge(admission=full(3)).ask(authorization=b"Bearer nonsense")).status == 401


async def test_other_pages_are_served_whatever_is_under_way() -> None:
    assert (await Edge(admission=full(1_000)).ask(path="/elsewhere", method="GET")).status == 200


async def test_a_shortage_of_one_lane_does_not_hold_for_an_edge_without_admission() -> None:
    assert (await Edge().ask()).status == 200


@asynccontextmanager
async def connections(port: int, count: int) -> AsyncIterator[list[Streams]]:
    async with AsyncExitStack() as stack:
        made = []
        for _ in range(count):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            stack.callback(writer.close)
            made.append((reader, writer))
        yield made


async def answered(streams: Streams) -> tuple[int, bytes]:
    reader, _ = streams
    heading = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
    length = next(int(line[16:]) for line in heading.split(b"\r\n") if line.lower().startswith(b"content-length: "))
    return int(heading.split()[1]), await reader.readexactly(length)


async def until(engine: Engine, count: int) -> None:
    """Until the engine has been asked so often."""
    async with asyncio.timeout(5):
        while len(engine.asked) < count:  # noqa: ASYNC110 - the engine has no event for it
            await asyncio.sleep(0.005)


async def test_over_real_connections_what_is_too_much_is_refused_and_the_rest_is_answered() -> None:
    engine, admission = Held(), Admission(SETTINGS)
    async with listening(engine, BoundedProtocol, admission) as port, connections(port, 6) as made:
        for streams in made[:2]:
            streams[1].write(head() + QUESTION)
        await until(engine, 2)
        made[2][1].write(head() + QUESTION)
        assert (await answered(made[2]))[0] == 503
        made[3][1].write(head(length=len(LOOKUP)) + LOOKUP)
        await until(engine, 3)
        made[4][1].write(head(length=len(VALIDATE)) + VALIDATE)
        await until(engine, 4)
        assert admission.under_way == 4
        made[5][1].write(head(length=len(VALIDATE)) + VALIDATE)
        assert (await answered(made[5]))[0] == 503
        engine.released.set()
        for streams in (made[0], made[1], made[3], made[4]):
            assert (await answered(streams))[0] == 200
        assert admission.under_way == 0
        made[5][1].write(head() + QUESTION)
        assert (await answered(made[5]))[0] == 200  # a connection that was refused is as good as any


async def test_a_caller_that_was_refused_is_soon_refused_at_the_door() -> None:
    engine, admission = Held(), Admission(SETTINGS)
    async with listening(engine, BoundedProtocol, admission) as port, connections(port, 4) as made:
        portal = b"Bearer " + ISSUER.token(sub="portal", exp=99_999_999_999).encode()
        for streams in made[:2]:
            streams[1].write(head() + QUESTION)
        await until(engine, 2)
        for _ in range(20):
            made[2][1].write(head(token=portal) + QUESTION)
            assert (await answered(made[2]))[0] == 503
        counted = list(admission.shed.lines())
        assert 'opsgraph_requests_shed_total{lane="PORTAL"} 8' in counted  # read, planned, refused
        assert 'opsgraph_requests_shed_total{lane="UNREAD"} 12' in counted
        made[3][1].write(head() + QUESTION)  # another caller, of whom nothing is known yet
        status, body = await answered(made[3])
        assert status == 503
        assert b"correlationId" in body
        engine.released.set()
        for streams in made[:2]:
            assert (await answered(streams))[0] == 200
        made[2][1].write(head(token=portal) + QUESTION)
        assert (await answered(made[2]))[0] == 200


async def test_a_client_that_goes_away_makes_room() -> None:
    engine, admission = Held(), Admission(SETTINGS)
    async with listening(engine, BoundedProtocol, admission) as port:
        async with connections(port, 2) as made:
            for _, writer in made:
                writer.write(head() + QUESTION)
            await until(engine, 2)
            assert admission.under_way == 2
        async with asyncio.timeout(5):
            while admission.under_way:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.005)


async def test_requests_that_were_sent_together_count_one_after_the_other() -> None:
    engine, admission = Held(), Admission(SETTINGS)
    async with listening(engine, BoundedProtocol, admission) as port, connections(port, 1) as made:
        made[0][1].write((head() + QUESTION) * 3)
        await until(engine, 1)
        assert admission.under_way == 1
        engine.released.set()
        assert [(await answered(made[0]))[0] for _ in range(3)] == [200, 200, 200]
        assert admission.under_way == 0


async def test_a_connection_that_is_left_unread_may_be_gone_when_its_turn_comes() -> None:
    """The server hangs up on it, or its client does: the next tick finds it so, and goes on."""
    engine, admission = Held(), Admission(SETTINGS)
    app = front(engine, admission=admission)
    assert app.door is not None
    async with listening(engine, BoundedProtocol, app=app) as port, connections(port, 3) as made:
        admission.under_way = 4
        app.door._left = 0
        for streams in made:
            streams[1].write(head() + QUESTION)
            assert (await answered(streams))[0] == 503
        waiting = list(app.door._paused)
        assert len(waiting) == 3
        made[0][1].close()
        waiting[1].transport.close()  # type: ignore[attr-defined] # as for a stop
        await asyncio.sleep(0.05)
        admission.under_way = 0
        app.door.tick(1.0, 1.0)
        assert not app.door._paused
        engine.released.set()
        made[2][1].write(head() + QUESTION)
        assert (await answered(made[2]))[0] == 200
