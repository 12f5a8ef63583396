"""A subscription is a plan that runs for each event, judged by the rules as they are when it comes."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import msgspec
import pytest
from graphql import (
    GraphQLArgument,
    GraphQLField,
    GraphQLInt,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLString,
)

from gateway.engine.engine import Engine, Question
from gateway.engine.grants import AllowAll
from gateway.engine.graph import Graph
from policies.principal import Principal
from resolvers.batch import Batched, Stream, seeking
from sources.errors import BadAsk

ADA = Principal("ada")
left = asyncio.Event()


class Change(msgspec.Struct):
    number: int


async def changes(_context: Any, count: int = 3) -> AsyncGenerator[Change, None]:
    try:
        for number in range(count):
            yield Change(number)
        await asyncio.sleep(60)
    finally:
        left.set()


async def names(parents: list[Change], _read: Any, _context: Any) -> list[Any]:
    return [BadAsk("one is none") if each.number == 1 else f"n{each.number}" for each in parents]


async def changes_of(_context: Any, key: str) -> AsyncGenerator[Change, None]:
    for number in range(len(key)):
        yield Change(number)
    left.set()


CHANGE = GraphQLObjectType(
    "Change",
    {
        "number": GraphQLField(GraphQLNonNull(GraphQLInt)),
        "name": GraphQLField(GraphQLString, extensions={"opsgraph": Batched(names, ())}),
    },
)
SCHEMA = GraphQLSchema(
    query=GraphQLObjectType("Query", {"none": GraphQLField(GraphQLInt)}),
    subscription=GraphQLObjectType(
        "Subscription",
        {
            "changed": GraphQLField(
                CHANGE, args={"count": GraphQLArgument(GraphQLInt)}, extensions={"opsgraph": Stream(changes)}
            ),
            "changedOf": GraphQLField(
                CHANGE,
                args={"key": GraphQLArgument(GraphQLString, out_name="key")},
                extensions={"opsgraph": Stream(changes_of, sought=seeking(key="Change.number"))},
            ),
        },
    ),
)


class NoCatalog:
    """No source is asked."""


def engine(**options: Any) -> Engine:
    return Engine(Graph(SCHEMA, {}), NoCatalog(), lambda _: AllowAll(), **options)  # type: ignore[arg-type]


async def test_every_event_is_answered_by_the_plan() -> None:
    answers = engine().subscribe(Question("subscription { changed { number name } }"), ADA, "c")
    bodies = [(await anext(answers)).body for _ in range(3)]
    await answers.aclose()
    assert [each["data"]["changed"]["number"] for each in bodies] == [0, 1, 2]
    assert [each["data"]["changed"]["name"] for each in bodies] == ["n0", None, "n2"]
    assert bodies[1]["errors"][0]["path"] == ["changed", "name"]


async def test_whoever_leaves_ends_the_source() -> None:
    left.clear()
    answers = engine().subscribe(Question("subscription { changed(count: 1) { number } }"), ADA, "c")
    await anext(answers)
    await answers.aclose()
    await asyncio.wait_for(left.wait(), 1)


async def test_a_subscription_sent_as_a_request_is_refused() -> None:
    response = await engine().run(Question("subscription { changed { number } }"), ADA, "c")
    assert not response.started
    assert "stream" in response.body["errors"][0]["message"]


async def test_a_query_by_a_stream_is_answered_once() -> None:
    answers = [each async for each in engine().subscribe(Question("{ __typename }"), ADA, "c")]
    assert [each.body["data"] for each in answers] == [{"__typename": "Query"}]


async def test_a_document_that_is_no_good_is_one_answer_that_did_not_run() -> None:
    answers = [each async for each in engine().subscribe(Question("{ nobody }"), ADA, "c")]
    assert [each.started for each in answers] == [False]


async def test_a_wrong_argument_is_one_answer_and_no_event() -> None:
    question = Question("subscription($n: Int) { changed(count: $n) { number } }", {"n": "x"})
    answers = [each async for each in engine().subscribe(question, ADA, "c")]
    assert [each.started for each in answers] == [False]


async def test_every_event_is_judged_for_whom_the_caller_is_by_then() -> None:
    seen: list[Principal] = []
    callers = iter([Principal("ada", roles=frozenset({"a"})), Principal("ada", roles=frozenset({"b"}))])

    def grants(principal: Principal) -> AllowAll:
        seen.append(principal)
        return AllowAll()

    async def again() -> Principal:
        return next(callers)

    made = Engine(Graph(SCHEMA, {}), NoCatalog(), grants)  # type: ignore[arg-type]
    answers = made.subscribe(Question("subscription { changed(count: 2) { number } }"), ADA, "c", again)
    await anext(answers)
    await anext(answers)
    await answers.aclose()
    assert [sorted(each.roles) for each in seen] == [[], ["a"], ["b"]]


class Gone(Exception):
    """The caller is nobody any more."""


async def test_who_is_nobody_any_more_is_answered_nothing_more() -> None:
    async def again() -> Principal:
        raise Gone

    left.clear()
    answers = engine().subscribe(Question("subscription { changed { number } }"), ADA, "c", again)
    with pytest.raises(Gone):
        await anext(answers)
    assert left.is_set()


class Denied(msgspec.Struct):
    """What the rules say of a field that is cut."""

    verdict: str = "deny"
    rule: str = "test/cut"
    mask: None = None
    mask_name: None = None
    audited: bool = False


class Cut(AllowAll):
    """Allows everything but the root of the subscription."""

    version = 1

    def field(self, type_name: str, name: str, roles: Any = None) -> Any:
        return Denied() if type_name == "Subscription" else super().field(type_name, name, roles)


async def test_rules_that_take_the_root_away_end_the_stream() -> None:
    rules: list[AllowAll] = [AllowAll(), Cut()]
    left.clear()
    made = Engine(Graph(SCHEMA, {}), NoCatalog(), lambda _: rules.pop(0) if len(rules) > 1 else rules[0])  # type: ignore[arg-type]
    answers = [each async for each in made.subscribe(Question("subscription { changed { number } }"), ADA, "c")]
    (answer,) = answers
    assert answer.body["data"] == {"changed": None}
    assert [each["extensions"]["code"] for each in answer.body["errors"]] == ["FORBIDDEN"]
    assert left.is_set()


class Unfound(AllowAll):
    """Allows everything but to look a change up by its number."""

    version = 1

    def lookup(self, type_name: str, name: str) -> bool:
        return (type_name, name) != ("Change", "number")


OF = Question('subscription { changedOf(key: "swordfish") { number } }')


@pytest.mark.parametrize("allowed", [0, 3])
async def test_a_subscription_to_what_may_not_be_looked_up_ends_before_it_tells_more(allowed: int) -> None:
    """From the first event on, or from the one with which the rules have changed."""
    rules: list[AllowAll] = [*[AllowAll()] * allowed, Unfound()]
    left.clear()
    made = Engine(Graph(SCHEMA, {}), NoCatalog(), lambda _: rules.pop(0) if len(rules) > 1 else rules[0])  # type: ignore[arg-type]
    *told, refused = [each async for each in made.subscribe(OF, ADA, "c")]
    assert [each.body["data"]["changedOf"]["number"] for each in told] == list(range(allowed))[:-1]
    assert [each["extensions"]["code"] for each in refused.body["errors"]] == ["FORBIDDEN"]
    assert "swordfish" not in str(refused.body)
    assert not left.is_set()


async def test_whom_there_is_no_room_for_is_told_before_a_source_is_asked() -> None:
    def full(_lane: Any) -> None:
        raise Gone

    with pytest.raises(Gone):
        engine().subscribe(Question("subscription { changed { number } }"), ADA, "c", admit=full)
