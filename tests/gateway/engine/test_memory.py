"""The engine over a catalog that remembers: what an agent is told while a source is up, slow, down, or too long down."""

import asyncio
import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from msgspec.structs import replace

from gateway.engine.engine import Engine, Question, Wishes
from gateway.engine.grants import AllowAll
from gateway.engine.graph import Graph
from gateway.http.protocol import BoundedProtocol
from resolvers.budget import OperationsSettings
from resolvers.registry import names
from sources import canonical as c
from sources.cache import Cache, Cached, CacheSettings
from sources.cache.freshness import Overrides
from sources.canonical import Record, System
from sources.catalog import DEFAULT_OWNERS, Catalog, Source
from sources.errors import CircuitOpen, SourceError, Unavailable
from sources.ports import Ask, Capability, Reading, Report, Rows
from sources.settings import SourceSettings
from sources.transport import Transport
from tests.gateway.engine.shop import ADA, until
from tests.gateway.http.edge import Engine as Edge
from tests.gateway.http.edge import head, listening
from tests.gateway.http.test_sockets import answered, connected
from tests.resolvers.world import SCHEMA, account, entitlement, organization, subscription

DOWN = Unavailable("it does not answer: try again", source="billing")
OWNED = {record: systems for record, systems in DEFAULT_OWNERS.items() if record in names()}
PAST = Overrides(ttl=0.0, refresh_ahead=0.0, while_refreshing=0.0, negative=0.0)  # every fact is past its time at once
CHECK = """query Check($age: Int) {
  entitlementCheck(account: "001A", feature: "sso", intent: USE_FEATURE, maxAge: $age) {
    decision rule fallbackRule served reasons evidence { fact served }
  }
}"""
SUBSCRIPTIONS = '{ account(by: { key: "001A" }) { name subscriptions { nodes { key provenance { served } } } } }'


class Book:
    """One system's records, by key and by account; what is wrong with it is its `fault`, what holds it back its `gate`."""

    vendor = "fake"
    account_facet: type[Record] | None = None

    def __init__(self, system: System, *records: Record) -> None:
        self.name, self.system, self.records = system.value.lower(), system, records
        owned = [record for record, systems in OWNED.items() if system in systems]
        self.capabilities: Mapping[tuple[type[Record], str], Capability] = {
            (record, by): Capability() for record in owned for by in ("key", "account")
        }
        self.asked: list[Ask] = []
        self.fault: SourceError | None = None
        self.gate: asyncio.Event | None = None
        self.cancelled = 0

    async def read(self, ask: Ask) -> Reading:
        self.asked.append(ask)
        try:
            if self.gate is not None:
                await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.fault is not None:
            raise self.fault
        attribute = "key" if ask.by == "key" else "account_key"
        held = [replace(each, as_of=datetime.now(UTC)) for each in self.records if type(each) is ask.record]
        found = {key: [each for each in held if getattr(each, attribute) == key] for key in ask.keys}
        return Reading({key: Rows(each) for key, each in found.items() if each}, Report(self.name, calls=1))

    async def check(self) -> str:
        return "fine"

    async def close(self) -> None:
        """Nothing to close."""


class Desk:
    """A gateway's engine over four books, each behind the memory."""

    def __init__(self, **types: Overrides) -> None:
        grant = entitlement("feat_1", feature="sso", source="billing", source_id="feat_1")
        crm = Book(System.CRM, account(source="crm"))
        self.billing = Book(System.BILLING, grant, subscription(key="sub_1"))
        books = [crm, self.billing, Book(System.ERP), Book(System.SUPPORT, replace(organization(), source="support"))]
        cache = Cache(CacheSettings(types=types), wall=time.time, chance=lambda: 0.0)
        settings = SourceSettings(vendor="fake", url="http://book.test")
        opened = [Source(Cached(each, cache), settings, Transport(each.name)) for each in books]
        operations = OperationsSettings(lookup=30, customer360=30, short_patience=0.02)  # a busy machine is no outage
        graph = Graph.of(SCHEMA, names())
        self.over = Engine(graph, Catalog(opened, cache=cache), lambda _: AllowAll(), operations=operations)

    async def body(self, query: str, wishes: Wishes | None = None, **variables: Any) -> dict[str, Any]:
        question = Question(query, variables, wishes=wishes) if wishes is not None else Question(query, variables)
        return (await self.over.run(question, ADA, "cid")).body

    async def check(self, **variables: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """The decision, and what is told of billing."""
        body = await self.body(CHECK, **variables)
        assert "errors" not in body, body["errors"]
        told = {each["source"]: each for each in body["extensions"]["sources"]}
        return body["data"]["entitlementCheck"], told["billing"]


def facts(decision: dict[str, Any]) -> dict[str, str]:
    return {each["fact"]: each["served"] for each in decision["evidence"]}


async def test_what_was_read_live_comes_from_memory_the_next_time() -> None:
    desk = Desk()
    first, told = await desk.check()
    assert (first["decision"], first["rule"], first["served"], first["fallbackRule"]) == ("ALLOW", 7, "LIVE", None)
    assert (told["state"], told["calls"] > 0, told["staleMs"]) == ("OK", True, None)
    second, told = await desk.check()
    assert (second["decision"], second["served"]) == ("ALLOW", "CACHE")
    assert facts(second)["Entitlement"] == "CACHE"
    assert (told["state"], told["calls"], told["staleMs"]) == ("OK", 0, None)


async def test_what_is_in_memory_is_answered_without_waiting_for_anything() -> None:
    desk = Desk()
    bodies = [await desk.body(SUBSCRIPTIONS) for _ in range(3)]
    answering = asyncio.create_task(desk.body(SUBSCRIPTIONS))
    await asyncio.sleep(0)  # one turn of the loop: the task has gone as far as it could
    assert answering.done()
    assert answering.result()["data"] == bodies[-1]["data"]
    assert answering.result()["extensions"]["sources"] == bodies[-1]["extensions"]["sources"]
    assert {each["source"]: each["cached"] for each in bodies[-1]["extensions"]["sources"]} == {"billing": 1, "crm": 1}


async def test_what_hangs_on_a_remembered_account_and_is_not_remembered_is_read_once_it_is_taken_from_memory() -> None:
    desk = Desk()
    await desk.body('{ account(by: { key: "001A" }) { name } }')
    body = await desk.body(SUBSCRIPTIONS)
    assert [each["key"] for each in body["data"]["account"]["subscriptions"]["nodes"]] == ["sub_1"]
    told = {each["source"]: (each["calls"], each["cached"]) for each in body["extensions"]["sources"]}
    assert told == {"crm": (0, 1), "billing": (1, 0)}


async def test_one_operation_is_told_live_and_the_other_cache_of_the_same_record() -> None:
    desk = Desk()
    served = []
    for _ in range(5):
        body = await desk.body(SUBSCRIPTIONS)
        served += [each["provenance"]["served"] for each in body["data"]["account"]["subscriptions"]["nodes"]]
    assert served == ["LIVE", *["CACHE"] * 4]


async def test_while_a_source_is_down_a_fact_inside_its_bound_decides_and_says_so() -> None:
    desk = Desk(Entitlement=PAST, AccountSubscription=PAST)
    await desk.check()
    for fault, state in ((DOWN, "DEGRADED"), (CircuitOpen("not asked", source="billing", retry_after=2.0), "OPEN")):
        desk.billing.fault = fault
        decision, told = await desk.check()
        assert (decision["decision"], decision["rule"]) == ("ALLOW", 7)
        assert (decision["fallbackRule"], decision["served"]) == ("14", "STALE")
        assert facts(decision)["Entitlement"] == facts(decision)["AccountSubscription"] == "STALE"
        assert (told["state"], told["error"]) == (state, fault.code)
        assert told["staleMs"] >= 0


async def test_past_its_bound_a_fact_is_missing_and_row_14_stands_in() -> None:
    desk = Desk()
    await desk.check()
    await desk.body(SUBSCRIPTIONS)
    desk.billing.fault = DOWN
    decision, told = await desk.check(age=0)
    assert (decision["rule"], decision["fallbackRule"], decision["served"]) == (14, "14", "FALLBACK")
    assert decision["decision"] == "REFER"
    assert "MISSING:billing" in decision["reasons"]
    assert (told["state"], told["error"]) == ("FAILING", "SOURCE_UNAVAILABLE")
    body = await desk.body(SUBSCRIPTIONS, Wishes(max_age=0.0))
    assert body["data"]["account"] == {"name": "Acme", "subscriptions": None}
    assert [each["extensions"]["code"] for each in body["errors"]] == ["STALE_LIMIT_EXCEEDED"]
    assert "errors" not in await desk.body(SUBSCRIPTIONS), "who takes older facts still gets them"


async def test_an_age_for_one_field_asks_again_for_that_field_only() -> None:
    desk = Desk()
    await desk.check()
    desk.billing.asked.clear()
    _, told = await desk.check(age=3600)
    assert (desk.billing.asked, told["calls"]) == ([], 0)
    decision, told = await desk.check(age=0)
    assert {ask.record for ask in desk.billing.asked} >= {c.Entitlement, c.AccountSubscription}
    assert facts(decision)["Entitlement"] == "LIVE"


async def test_a_writer_sees_what_was_read_after_its_write() -> None:
    desk = Desk()
    await desk.body(SUBSCRIPTIONS)
    token = desk.over.tokens.seal({"billing": time.time()})
    body = await desk.body(SUBSCRIPTIONS, Wishes(freshness=token))
    (node,) = body["data"]["account"]["subscriptions"]["nodes"]
    assert node["provenance"] == {"served": "LIVE"}


async def test_a_lookup_waits_for_a_slow_source_no_longer_than_its_patience() -> None:
    desk = Desk(Entitlement=PAST, AccountSubscription=PAST)
    await desk.check()
    desk.billing.gate = asyncio.Event()
    decision, told = await desk.check()
    assert (decision["decision"], decision["served"]) == ("ALLOW", "STALE")
    assert (told["state"], told["error"]) == ("DEGRADED", None)
    desk.billing.gate.set()
    await until(lambda: not asyncio.all_tasks() - {asyncio.current_task()})
    assert desk.billing.cancelled == 0, "the flight goes on, and fills the memory"


async def test_a_client_that_leaves_takes_no_flight_from_another_that_waits_for_it() -> None:
    desk = Desk()
    desk.billing.gate = asyncio.Event()
    body = json.dumps({"query": SUBSCRIPTIONS}).encode()
    request = head(length=len(body)) + body

    class Serving(Edge):
        async def run(self, question: Question, principal: Any, correlation_id: str, admit: Any = None) -> Any:
            self.asked.append(question)
            try:
                return await desk.over.run(question, ADA, correlation_id)
            except asyncio.CancelledError:
                self.cancelled.set()
                raise

    serving = Serving()
    async with listening(serving, BoundedProtocol) as port, connected(port) as (reader, staying):
        async with connected(port) as (_, leaving):
            leaving.write(request)
            await until(lambda: desk.billing.asked)
            staying.write(request)
            await until(lambda: len(serving.asked) == 2)
        await asyncio.wait_for(serving.cancelled.wait(), 2)
        desk.billing.gate.set()
        status, shown = await answered(reader)
    assert status == 200
    account_ = json.loads(shown)["data"]["account"]
    assert account_["subscriptions"]["nodes"] == [{"key": "sub_1", "provenance": {"served": "LIVE"}}]
    assert (len(desk.billing.asked), desk.billing.cancelled) == (1, 0)
