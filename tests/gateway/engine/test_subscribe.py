"""A subscription is a plan that runs for each event, judged by the rules as they are when it comes."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import msgspec
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
from resolvers.batch import Batched, Stream
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
            )
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


async def test_a_query_sent_as_a_subscription_is_refused() -> None:
    answers = [each async for each in engine().subscribe(Question("{ none }"), ADA, "c")]
    assert [each.started for each in answers] == [False]


async def test_a_wrong_argument_is_one_answer_and_no_event() -> None:
    question = Question("subscription($n: Int) { changed(count: $n) { number } }", {"n": "x"})
    answers = [each async for each in engine().subscribe(question, ADA, "c")]
    assert [each.started for each in answers] == [False]
