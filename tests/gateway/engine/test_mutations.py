"""Mutations run one after another, each with its whole subtree before the next, and each sees what those before did.

What was sent is not cut: neither by the deadline, nor by whoever asked going away.
"""

import asyncio
from contextlib import suppress
from typing import Any

import pytest
import strawberry

from gateway.engine.engine import Engine, Question
from gateway.engine.grants import AllowAll
from gateway.engine.graph import Graph
from resolvers.batch import batched, link
from resolvers.budget import OperationsSettings
from sources.canonical import Account as AccountRecord
from tests.gateway.engine import shop
from tests.gateway.engine.catalog_of import Shelf
from tests.gateway.engine.rules_of import AGENT, Except, policies, who
from tests.gateway.engine.shop import ADA, TYPES, Account, Query, codes, settled, until
from tests.gateway.engine.stock import account, small

USUAL = OperationsSettings()


class Done:
    """What a mutation gives: the key of what it changed."""

    def __init__(self, key: str) -> None:
        self.account_key = self.key = key


@strawberry.type
class Change:
    key: str
    sure: Account = link(AccountRecord, key="account_key")
    account: Account | None = link(AccountRecord, key="account_key")


class Desk:
    """Mutations over a shelf."""

    def __init__(self, shelf: Shelf) -> None:
        self.gates: dict[str, asyncio.Event] = {}

        async def moving(_parents: Any, read: Any, _context: Any, key: str, region: str) -> list[Any]:
            shelf.events.append(("move", region))
            held = shelf.records["Account"]
            await asyncio.sleep(0)
            if region in self.gates:
                await self.gates[region].wait()
                await read(AccountRecord, "key", [key])
                shelf.events.append(("moved", region))
            shelf.records["Account"] = [account(key, region) if each.key == key else each for each in held]
            return [Done(key)]

        async def moving_surely(parents: Any, read: Any, context: Any, key: str, region: str) -> list[Any]:
            """As `moving`, but what it shows cannot be null; it is for a key that is nobody's."""
            return [each if key != "nobody" else None for each in await moving(parents, read, context, key, region)]

        @strawberry.type
        class Mutation:
            move: Change | None = batched(moving, needs=[(AccountRecord, "key")], arguments={"key": str, "region": str})
            move_surely: Change = batched(
                moving_surely, needs=[(AccountRecord, "key")], arguments={"key": str, "region": str}
            )
            move_known: Account | None = batched(
                shop.by_key,
                needs=[(AccountRecord, "key")],
                arguments={"key": str},
                known=shop.known,
                record=AccountRecord,
            )

        schema = strawberry.Schema(Query, mutation=Mutation, types=[Account, shop.Invoice, shop.Ticket, shop.Item])
        self.graph, self.shelf, self.schema = Graph.of(schema, TYPES), shelf, schema

    def engine(self, grants: Any = None, operations: Any = USUAL) -> Engine:
        return Engine(self.graph, self.shelf, grants or (lambda _: AllowAll()), operations=operations)  # type: ignore[arg-type]

    async def ask(
        self, query: str, grants: Any = None, principal: Any = ADA, operations: Any = USUAL, **more: Any
    ) -> Any:
        return await self.engine(grants, operations).run(Question(query, **more), principal, "cid")


BOTH = 'mutation { a: move(key: "a1", region: "NO") { account { region } } b: move(key: "a1", region: "SE") { account { region } } }'


async def test_each_mutations_whole_subtree_runs_before_the_next() -> None:
    desk = Desk(small())
    desk.shelf.delays["Account.key"] = 0.01
    await desk.ask(BOTH)
    assert desk.shelf.events == [
        ("move", "NO"),
        ("start", "Account.key"),
        ("end", "Account.key"),
        ("move", "SE"),
        ("start", "Account.key"),
        ("end", "Account.key"),
    ]


async def test_each_mutation_shows_what_it_changed_and_not_what_was_read_before() -> None:
    body = (await Desk(small()).ask(BOTH)).body
    assert body["data"] == {"a": {"account": {"region": "NO"}}, "b": {"account": {"region": "SE"}}}


async def test_what_a_mutation_changed_is_judged_anew() -> None:
    desk = Desk(small())
    rules = policies(AGENT)
    query = 'mutation { a: move(key: "a1", region: "DE") { account { key } } b: move(key: "a1", region: "FR") { account { key } } }'
    body = (await desk.ask(query, granted_with_mutations(rules), who("agent"))).body
    assert body["data"] == {"a": {"account": {"key": "a1"}}, "b": {"account": None}}


def granted_with_mutations(rules: Any) -> Any:
    """The rules of queries, with mutations allowed."""

    class Writing:
        def __init__(self, grants: Any) -> None:
            self._grants = grants
            self.roles, self.external, self.version = grants.roles, grants.external, grants.version
            self.rows, self.lookup, self.introspects = grants.rows, grants.lookup, grants.introspects
            self.recorded = grants.recorded

        def field(self, type_name: str, name: str, roles: Any = None) -> Any:
            if type_name in ("Mutation", "Change"):
                return AllowAll().field(type_name, name)
            return self._grants.field(type_name, name, roles)

    return lambda principal: Writing(rules.granted(principal))


async def test_nothing_is_read_before_a_mutation_has_been_done() -> None:
    desk = Desk(small())
    desk.shelf.gates["Account.key"] = asyncio.Event()
    asked = asyncio.ensure_future(desk.ask('mutation { moveKnown(key: "a1") { cases { key } } }'))
    await until(lambda: desk.shelf.events)
    await asyncio.sleep(0.01)
    assert desk.shelf.events == [("start", "Account.key")]
    desk.shelf.gates["Account.key"].set()
    assert (await asked).body["data"] == {"moveKnown": {"cases": [{"key": "c1"}]}}


async def test_a_get_request_may_not_mutate() -> None:
    desk = Desk(small())
    response = await desk.ask(BOTH, may_mutate=False)
    assert response.method_not_allowed
    assert not response.started
    assert desk.shelf.events == []


async def test_a_mutation_after_one_that_failed_still_runs() -> None:
    desk = Desk(small())
    desk.shelf.faults["Account.key"] = RuntimeError("down")
    body = (await desk.ask(BOTH)).body
    assert body["data"] == {"a": {"account": None}, "b": {"account": None}}
    assert [each["path"] for each in body["errors"]] == [["a", "account"], ["b", "account"]]
    assert [each for each in desk.shelf.events if each[0] == "move"] == [("move", "NO"), ("move", "SE")]


@pytest.mark.parametrize(
    "failing",
    [
        'a: moveSurely(key: "nobody", region: "NO") { key }',
        'a: moveSurely(key: "a9", region: "NO") { sure { key } }',
    ],
    ids=["null itself", "null below"],
)
async def test_nothing_is_done_after_a_mutation_that_may_not_be_null_and_is(failing: str) -> None:
    desk = Desk(small())
    query = f'mutation {{ z: move(key: "a2", region: "SE") {{ key }} {failing} b: move(key: "a1", region: "SE") {{ key }} }}'
    over = desk.engine()
    for _ in range(4):
        desk.shelf.events.clear()
        body = (await over.run(Question(query), ADA, "cid")).body
        assert body["data"] is None
        assert [each["path"][0] for each in body["errors"]] == ["a"]
        assert [each for each in desk.shelf.events if each[0] == "move"] == [("move", "SE"), ("move", "NO")]


async def test_nothing_is_done_after_a_mutation_that_may_not_be_null_and_was_refused() -> None:
    desk = Desk(small())
    query = 'mutation { a: moveSurely(key: "a1", region: "NO") { key } b: move(key: "a1", region: "SE") { key } }'
    over = desk.engine(lambda _: Except(Mutation_moveSurely=None))
    body = (await over.run(Question(query), ADA, "cid")).body
    assert body["data"] is None
    assert [(each["path"], each["extensions"]["code"]) for each in body["errors"]] == [(["a"], "FORBIDDEN")]
    assert desk.shelf.events == []


# ---------------------------------------------------------------- time


async def test_a_write_under_way_ends_by_itself_when_its_asker_goes_and_the_next_never_starts() -> None:
    desk = Desk(small())
    desk.gates["NO"] = asyncio.Event()
    asked = asyncio.ensure_future(desk.ask(BOTH))
    await until(lambda: ("move", "NO") in desk.shelf.events)
    asked.cancel()
    with suppress(asyncio.CancelledError):
        await asked
    assert ("moved", "NO") not in desk.shelf.events
    desk.gates["NO"].set()
    await until(lambda: ("moved", "NO") in desk.shelf.events)
    await settled()
    assert [each for each in desk.shelf.events if each[0].startswith("move")] == [("move", "NO"), ("moved", "NO")]
    assert next(each.region for each in desk.shelf.records["Account"] if each.key == "a1") == "NO"  # type: ignore[attr-defined]


async def test_a_write_outlives_the_deadline_and_what_is_read_below_it_does_not() -> None:
    desk = Desk(small())
    desk.gates["NO"] = asyncio.Event()
    desk.shelf.gates["Case.account"] = asyncio.Event()
    query = 'mutation { move(key: "a1", region: "NO") { key account { cases { key } } } }'
    asked = asyncio.ensure_future(desk.ask(query, operations=OperationsSettings(customer360=0.05)))
    await asyncio.sleep(0.1)
    assert not asked.done()
    desk.gates["NO"].set()
    body = (await asked).body
    assert body["data"] == {"move": {"key": "a1", "account": None}}
    assert codes(body) == [("DEADLINE_EXCEEDED", ["move", "account"])]
    await settled()


async def test_a_write_that_fails_after_its_asker_has_gone_is_told_to_the_log(caplog: Any) -> None:
    desk = Desk(small())
    desk.gates["NO"] = asyncio.Event()
    desk.shelf.faults["Account.key"] = RuntimeError("a defect")
    asked = asyncio.ensure_future(desk.ask(BOTH))
    await until(lambda: ("move", "NO") in desk.shelf.events)
    asked.cancel()
    with suppress(asyncio.CancelledError):
        await asked
    desk.gates["NO"].set()
    await until(lambda: caplog.records)
    assert "`Mutation.move` failed after its asker had gone" in caplog.text
    await settled()
