"""What an answer was made of goes with it: nothing waits for the garbage collector, which comes late and stops all."""

import asyncio

import pytest
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from gateway.engine.frames import Frame
from gateway.engine.loads import Loads
from gateway.engine.run import Run
from gateway.http.protocol import BoundedProtocol
from gateway.http.watch import Watch
from sources.ports import Reading
from tests.fakes.leftovers import left, uncollected
from tests.gateway.engine.rules_of import AGENT, CHIEF, PORTAL, policies, who
from tests.gateway.engine.shop import answer, engine
from tests.gateway.engine.stock import small
from tests.gateway.http.edge import QUESTION, Engine, head, listening

QUESTIONS = {
    "early links": '{ account(key: "a1") { name cases { key account { key } } bills { totalCount nodes { key } } } }',
    "a root that computes": '{ byKey(key: "a1") { name fewBills { key } } }',
    "a list": "{ accounts { nodes { name cases { key } bills(first: 1) { nodes { key } } } } }",
}

KINDS = (Loads, Run, Frame, Reading)


@pytest.mark.parametrize("query", QUESTIONS.values(), ids=QUESTIONS)
@pytest.mark.parametrize("role", ["agent", "portal", "chief"])
async def test_an_operation_leaves_nothing(query: str, role: str) -> None:
    over, principal = engine(small(), policies(AGENT, PORTAL, CHIEF).granted), who(role, accounts=("a1",))
    for _ in range(4):  # until its plan is compiled: before, answers are shown with more care
        await answer(over, query, principal)
    with uncollected():
        before = left(*KINDS)
        for _ in range(3):
            assert "data" in await answer(over, query, principal)
        for _ in range(3):  # what was given up ends in the next turns of the loop
            await asyncio.sleep(0)
        assert left(*KINDS) == before


async def test_a_request_leaves_nothing() -> None:
    async def slow() -> None:
        await asyncio.sleep(0.06)  # longer than the edge waits before it looks whether its client is still there

    async with listening(Engine(before=slow), BoundedProtocol) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        with uncollected():
            others = left(RequestResponseCycle, Watch)
            for _ in range(3):
                writer.write(head() + QUESTION)
                await reader.readuntil(b"__typename")
            await asyncio.sleep(0.01)
            assert left(RequestResponseCycle, Watch) - others == {RequestResponseCycle: 1}  # the last one, and no watch
        writer.close()
