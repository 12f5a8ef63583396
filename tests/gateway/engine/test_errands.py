"""Errands: on what terms an operation's sources are asked, and that they end with it."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import strawberry

from gateway.engine.documents import Refused
from gateway.engine.engine import Engine, Question, Wishes
from gateway.engine.grants import AllowAll
from gateway.engine.graph import Graph
from resolvers.batch import batched, link
from resolvers.budget import OperationClass, OperationsSettings
from sources import errand
from sources.canonical import Account as AccountRecord
from sources.errand import Errand, Lane
from tests.gateway.engine import shop
from tests.gateway.engine.catalog_of import Shelf
from tests.gateway.engine.rules_of import Except
from tests.gateway.engine.shop import ADA, TYPES, Account, codes
from tests.gateway.engine.stock import Bill, small

LOOKUP, VALIDATE, PAGE, SUBMIT = OperationClass
OPERATIONS = OperationsSettings(lookup=1.5, validate=2.0, customer360=4.0)


async def owed(_parents: Sequence[None], read: Any, _context: Any, key: str) -> list[Any]:
    found = await read(Bill, "account", [key])
    return [found.errors.get(key) or shop._sum(found, key)]


@strawberry.type
class Query:
    quick: Account | None = link(AccountRecord, argument="key", budget=LOOKUP)
    checked: Account | None = link(AccountRecord, argument="key", budget=VALIDATE)
    page: Account | None = link(AccountRecord, argument="key", budget=PAGE)
    owed: int | None = batched(
        owed, needs=[(Bill, "account")], arguments={"key": str}, budget=LOOKUP, dated=True, description="x"
    )


SCHEMA = strawberry.Schema(Query, types=[Account, shop.Invoice, shop.Ticket, shop.Item])


class Desk:
    """An engine over a shelf that remembers on whose behalf it was asked."""

    def __init__(self, grants: Any = None) -> None:
        self.shelf: Shelf = small()
        judge = grants or AllowAll()
        graph = Graph.of(SCHEMA, TYPES)
        self.over = Engine(graph, self.shelf, lambda _: judge, cursor_key=b"k" * 32, operations=OPERATIONS)  # type: ignore[arg-type]

    async def body(self, query: str, **more: Any) -> dict[str, Any]:
        return (await self.over.run(Question(query, **more), ADA, "cid")).body

    async def errand(self, query: str, **more: Any) -> tuple[Errand, float, float]:
        """The one errand of all reads, and between which instants its operation began."""
        loop = asyncio.get_running_loop()
        before = loop.time()
        assert "errors" not in await self.body(query, **more)
        (found,) = {id(each): each for each in self.shelf.errands}.values()
        return found, before, loop.time()


@pytest.mark.parametrize(
    ("query", "lane", "patience", "seconds"),
    [
        ('{ quick(key: "a1") { name cases { key } bills { nodes { product { title } } } } }', Lane.LOOKUP, 0.25, 1.5),
        ('{ checked(key: "a1") { name } }', Lane.VALIDATE, 0.25, 2.0),
        ('{ page(key: "a1") { name balance x: cases { key } y: cases { key } } }', Lane.PORTAL, 1.0, 4.0),
        ('{ quick(key: "a1") { name } page(key: "a2") { name } __typename }', Lane.PORTAL, 1.0, 4.0),
        ('{ quick(key: "a1") { name } checked(key: "a2") { name } }', Lane.LOOKUP, 0.25, 2.0),
        ('query ($no: Boolean = false) { quick(key: "a1") { name } page(key: "a2") @include(if: $no) { name } }',
         Lane.LOOKUP, 0.25, 1.5),
    ],
)  # fmt: skip
async def test_every_read_of_an_operation_goes_on_the_same_errand(
    query: str, lane: Lane, patience: float, seconds: float
) -> None:
    found, before, after = await Desk().errand(query)
    assert (found.lane, found.patience, found.max_age, found.not_before) == (lane, patience, None, {})
    assert before + seconds <= found.until <= after + seconds


async def test_a_root_that_the_rules_cut_makes_nothing_slower() -> None:
    desk = Desk(Except(Query_page=None))
    await desk.body('{ quick(key: "a1") { name } page(key: "a2") { name } }')
    assert [each.lane for each in desk.shelf.errands] == [Lane.LOOKUP]


@pytest.mark.parametrize(("asked", "given"), [(0.8, 0.8), (60.0, 1.5)])
async def test_a_client_may_shorten_its_time_and_never_lengthen_it(asked: float, given: float) -> None:
    found, before, after = await Desk().errand('{ quick(key: "a1") { name } }', wishes=Wishes(timeout=asked))
    assert before + given <= found.until <= after + given
    assert (found.lane, found.patience) == (Lane.LOOKUP, 0.25)


async def test_at_the_shortened_deadline_the_rest_is_answered() -> None:
    desk = Desk()
    desk.shelf.gates["Case.account"] = asyncio.Event()
    body = await desk.body('{ page(key: "a1") { name cases { key } } }', wishes=Wishes(timeout=0.3))
    assert body["data"] == {"page": {"name": "name of a1", "cases": None}}
    assert codes(body) == [("DEADLINE_EXCEEDED", ["page", "cases"])]


async def test_a_pinned_class_outranks_what_the_roots_declare() -> None:
    found, before, after = await Desk().errand('{ page(key: "a1") { name } }', pinned=LOOKUP)
    assert (found.lane, found.patience) == (Lane.LOOKUP, 0.25)
    assert before + 1.5 <= found.until <= after + 1.5


async def test_the_age_that_is_asked_for_and_the_writes_that_must_show_go_with_every_read() -> None:
    desk = Desk()
    token = desk.over.tokens.seal({"crm": 1_770_000_000.0})
    found, _, _ = await desk.errand('{ quick(key: "a1") { name } }', wishes=Wishes(max_age=0.0, freshness=token))
    assert (found.max_age, found.not_before) == (0.0, {"crm": 1_770_000_000.0})


async def test_a_freshness_token_of_somebody_else_stops_the_operation() -> None:
    desk = Desk()
    response = await desk.over.run(Question('{ quick(key: "a1") { name } }', wishes=Wishes(freshness="x")), ADA, "cid")
    assert not response.started
    assert codes(response.body) == [("BAD_INPUT", [])]
    assert "Opsgraph-Freshness" in response.body["errors"][0]["message"]
    assert desk.shelf.asked == []


async def test_an_errand_ends_with_its_operation() -> None:
    desk = Desk()
    mine = Errand(max_age=7.0)
    begun = errand.begin(mine)
    try:
        await desk.body('{ quick(key: "a1") { name } }')
        assert errand.current() is mine
        desk.shelf.faults["Account.key"] = RuntimeError("a defect")
        await desk.body('{ quick(key: "a1") { name } }')
        assert errand.current() is mine
    finally:
        errand.end(begun)
    assert all(each is not mine for each in desk.shelf.errands)


# ---------------------------------------------------------------- an age for one field


async def test_a_field_may_ask_for_younger_facts_than_the_rest() -> None:
    desk = Desk()
    body = await desk.body('{ owed(key: "a1", maxAge: 30) page(key: "a1") { balance } again: owed(key: "a1") }')
    assert body["data"] == {"owed": 23, "page": {"balance": 23}, "again": 23}
    asked = [(index, each.max_age) for (index, _), each in zip(desk.shelf.calls(), desk.shelf.errands, strict=True)]
    assert Counter(asked) == Counter([("Account.key", None), ("Bill.account", 30.0), ("Bill.account", None)])


@pytest.mark.parametrize(("header", "argument", "narrowest"), [(10.0, 30, 10.0), (30.0, 10, 10.0), (30.0, 0, 0.0)])
async def test_of_two_ages_the_younger_holds(header: float, argument: int, narrowest: float) -> None:
    desk = Desk()
    await desk.body(f'{{ owed(key: "a1", maxAge: {argument}) }}', wishes=Wishes(max_age=header))
    assert [each.max_age for each in desk.shelf.errands] == [narrowest]


async def test_a_narrower_errand_is_as_urgent_as_the_operations() -> None:
    desk = Desk()
    await desk.body('{ owed(key: "a1", maxAge: 0) quick(key: "a1") { name } }')
    assert len({(each.lane, each.until, each.patience) for each in desk.shelf.errands}) == 1


async def test_an_age_of_less_than_nothing_is_refused_before_anything_is_read() -> None:
    desk = Desk()
    body = await desk.body('{ owed(key: "a1", maxAge: -1) }')
    assert codes(body) == [("BAD_INPUT", ["owed"])]
    assert desk.shelf.asked == []


# ---------------------------------------------------------------- before it runs


@pytest.mark.parametrize(
    ("query", "lane"),
    [
        ('{ quick(key: "a1") { name } }', Lane.LOOKUP),
        ('{ quick(key: "a1") { name } page(key: "a1") { name } }', Lane.PORTAL),
        ("{ __schema { description } }", Lane.PORTAL),
        ("{ nothing }", Lane.PORTAL),
        ("{ {", Lane.PORTAL),
    ],
)
async def test_the_lane_of_a_question_is_known_before_anything_is_read(query: str, lane: Lane) -> None:
    desk = Desk()
    with contextlib.suppress(Refused):
        desk.over.plan(Question(query), ADA)
    told: list[Lane] = []
    with contextlib.suppress(NoRoom):
        await desk.over.run(Question(query), ADA, "cid", no_room(told))
    assert told == [lane]
    assert desk.shelf.asked == []


async def test_a_document_that_was_never_seen_is_not_urgent_and_is_not_read_to_find_out() -> None:
    desk = Desk()
    question, told = Question('{ quick(key: "a1") { name } }'), list[Lane]()
    for _ in range(2):
        with pytest.raises(NoRoom):
            await desk.over.run(question, ADA, "cid", no_room(told))
    desk.over.plan(question, ADA)
    with pytest.raises(NoRoom):
        await desk.over.run(question, ADA, "cid", no_room(told))
    assert told == [Lane.PORTAL, Lane.PORTAL, Lane.LOOKUP]
    assert "errors" not in (await desk.over.run(question, ADA, "cid", told.append)).body
    assert told[-1] is Lane.LOOKUP


class NoRoom(Exception):
    """For nobody."""


def no_room(told: list[Lane]) -> Callable[[Lane], None]:
    """Takes down the lane, and refuses it."""

    def admit(lane: Lane) -> None:
        told.append(lane)
        raise NoRoom

    return admit
