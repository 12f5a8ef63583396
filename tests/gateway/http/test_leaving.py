"""Real clients of a real engine: what one of them leaves behind harms nobody, and nothing of it is left to the next."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from gateway.engine.engine import Question, Response
from gateway.http.protocol import BoundedProtocol
from policies.principal import Principal
from sources import errand
from sources.errand import Errand
from tests.gateway.engine import shop
from tests.gateway.engine.catalog_of import Shelf
from tests.gateway.engine.shop import until
from tests.gateway.engine.stock import small
from tests.gateway.http.edge import Engine, head, listening
from tests.gateway.http.test_sockets import answered, connected

CASES = json.dumps({"query": '{ account(key: "a1") { name cases { key } } }'}).encode()


class Real(Engine):
    """The real engine over a shelf. `found` are the errands that were there before an operation had begun its own."""

    def __init__(self, shelf: Shelf) -> None:
        super().__init__()
        self.over, self.found = shop.engine(shelf), list[Errand]()

    async def run(self, question: Question, principal: Principal, correlation_id: str, admit: Any = None) -> Response:
        self.found.append(errand.current())
        return await self.over.run(question, principal, correlation_id)


@asynccontextmanager
async def serving(shelf: Shelf) -> AsyncIterator[tuple[int, Real]]:
    engine = Real(shelf)
    async with listening(engine, BoundedProtocol) as port:
        yield port, engine


def request(body: bytes, *lines: str) -> bytes:
    return head(*lines, length=len(body)) + body


async def shown(reader: asyncio.StreamReader) -> Any:
    status, body = await answered(reader)
    assert status == 200
    return json.loads(body)


async def test_who_leaves_takes_only_its_own_reads_along() -> None:
    shelf = small()
    shelf.gates["Case.account"] = asyncio.Event()
    async with serving(shelf) as (port, _), connected(port) as (reader, staying):
        async with connected(port) as (_, leaving):
            for writer in (leaving, staying):
                writer.write(request(CASES))
            await until(lambda: shelf.events.count(("start", "Case.account")) == 2)
        await until(lambda: ("cancelled", "Case.account") in shelf.events)
        shelf.gates["Case.account"].set()
        assert (await shown(reader))["data"] == {"account": {"name": "name of a1", "cases": [{"key": "c1"}]}}
    assert shelf.events.count(("cancelled", "Case.account")) == 1


async def test_the_time_a_client_gives_itself_ends_its_answer_and_no_other() -> None:
    shelf = small()
    shelf.gates["Case.account"] = asyncio.Event()
    async with serving(shelf) as (port, _), connected(port) as (reader, hurried), connected(port) as (slow, patient):
        patient.write(request(CASES))
        hurried.write(request(CASES, "opsgraph-timeout: 300ms"))
        body = await shown(reader)
        assert body["data"] == {"account": {"name": "name of a1", "cases": None}}
        assert [each["extensions"]["code"] for each in body["errors"]] == ["DEADLINE_EXCEEDED"]
        shelf.gates["Case.account"].set()
        assert "errors" not in await shown(slow)


async def test_no_request_of_a_connection_finds_the_errand_of_the_one_before() -> None:
    """uvicorn starts the next request of a pipeline from within the task of the last one, and after a large body reads
    on in its context."""
    shelf = small()
    large = json.dumps({"query": '{ account(key: "a1") { name } }', "padding": "x" * 1_500}).encode()
    async with serving(shelf) as (port, engine), connected(port) as (reader, writer):
        writer.write(request(large, "opsgraph-max-age: 7") + request(CASES) + request(CASES, "opsgraph-max-age: 9"))
        for _ in range(3):
            assert "errors" not in await shown(reader)
        writer.write(request(CASES))
        assert "errors" not in await shown(reader)
    assert len(engine.found) == 4
    assert {each.until for each in engine.found} == {float("inf")}
    of_operations = {id(each): each for each in shelf.errands}.values()
    assert [each.max_age for each in of_operations] == [7.0, None, 9.0, None]


async def test_a_freshness_token_comes_in_by_its_header() -> None:
    shelf = small()
    async with serving(shelf) as (port, engine), connected(port) as (reader, writer):
        token = engine.over.tokens.seal({"crm": 1_770_000_000.0})
        writer.write(request(CASES, f"opsgraph-freshness: {token}"))
        assert "errors" not in await shown(reader)
    assert {each.not_before["crm"] for each in shelf.errands} == {1_770_000_000.0}
