"""Leaves: every value is written as graphql-core shows it, by both builders in the same bytes."""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum
from types import SimpleNamespace
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
import strawberry
from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLFloat,
    GraphQLInt,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLString,
    execute_sync,
    parse,
)

from gateway.engine.answer import encode
from gateway.engine.engine import Engine, Question
from gateway.engine.grants import AllowAll
from gateway.engine.graph import Graph
from policies.principal import Principal
from resolvers.batch import Batched
from resolvers.types.scalars import SCALARS
from tests.gateway.engine.shop import codes
from tests.gateway.engine.stock import small

ADA = Principal("ada")


class Colour(Enum):
    RED = "RED"
    BLUE = "BLUE"


class Level(Enum):
    LOW = 1
    HIGH = 2


def over(type_: GraphQLOutputType, value: Any, **options: Any) -> Engine:
    """An engine whose one field `x` has a value, as an attribute below `o`, in a list, and as a root's answer."""

    async def answers(parents: Sequence[Any], read: Any, context: Any) -> list[Any]:
        return [value]

    async def holders(parents: Sequence[Any], read: Any, context: Any) -> list[Any]:
        return [[SimpleNamespace(x=value), SimpleNamespace(x=value)]]

    holder = GraphQLObjectType("Holder", {"x": GraphQLField(type_)})
    fields = {
        "x": GraphQLField(type_, extensions={"opsgraph": Batched(answers, ())}),
        "holders": GraphQLField(GraphQLList(holder), extensions={"opsgraph": Batched(holders, ())}),
    }
    graph = Graph(GraphQLSchema(GraphQLObjectType("Query", fields)), {})
    return Engine(graph, small(), lambda _: AllowAll(), **options)  # type: ignore[arg-type]


def core(type_: GraphQLOutputType, value: Any) -> Any:
    """What graphql-core shows of it, written by the standard library."""
    schema = GraphQLSchema(GraphQLObjectType("Query", {"x": GraphQLField(type_, resolve=lambda *_: value)}))
    return json.loads(json.dumps(execute_sync(schema, parse("{ x }")).data))["x"]


async def shown(type_: GraphQLOutputType, value: Any) -> Any:
    """What every builder shows of it, in every run; they must agree."""
    found = []
    for careful in (False, True):
        engine_ = over(type_, value, careful=careful)
        for _ in range(4):
            body = (await engine_.run(Question("{ x holders { x } }"), ADA, "c")).body
            found.append(encode(body))
    assert len(set(found)) == 1
    told = json.loads(found[0])
    if told["data"] is not None:
        assert [each["x"] for each in told["data"]["holders"]] == [told["data"]["x"]] * 2
    return told


SCALAR_TYPES = strawberry.Schema(
    strawberry.type(
        type("Query", (), {"__annotations__": {"d": Decimal, "t": datetime, "a": date, "u": UUID, "h": time}})
    ),
    config=strawberry.schema.config.StrawberryConfig(scalar_map=SCALARS),
)._schema.type_map
COLOUR, LEVEL = (GraphQLEnumType(each.__name__, each, names_as_values=None) for each in (Colour, Level))
NAMES = GraphQLEnumType("Names", {"RED": "r", "BLUE": "b"})
BERLIN = ZoneInfo("Europe/Berlin")


def scalar(name: str) -> Any:
    return SCALAR_TYPES[name]


LEAVES: list[Any] = [
    (GraphQLInt, 0),
    (GraphQLInt, 2**31 - 1),
    (GraphQLInt, -(2**31)),
    (GraphQLInt, True),
    (GraphQLInt, 3.0),
    (GraphQLFloat, 1.5),
    (GraphQLFloat, 1),
    (GraphQLFloat, 1e308),
    (GraphQLFloat, 5e-324),
    (GraphQLFloat, Decimal("1.5")),
    (GraphQLString, ""),
    (GraphQLString, 'quote " slash \\ line \n \u2028 \x00 \x7f é 日本 😀'),
    (GraphQLString, True),
    (GraphQLString, 12),
    (GraphQLString, 1.5),
    (COLOUR, Colour.RED),
    (LEVEL, Level.HIGH),
    (NAMES, "b"),
    (scalar("DateTime"), datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)),
    (scalar("DateTime"), datetime(2026, 3, 1, 12, 0, 0, 123, tzinfo=UTC)),
    (scalar("DateTime"), datetime(2026, 7, 1, 12, tzinfo=BERLIN)),
    (scalar("DateTime"), datetime(2026, 3, 1, 12, tzinfo=timezone(timedelta(hours=-3, minutes=-30)))),
    (scalar("DateTime"), datetime(1, 1, 1, tzinfo=UTC)),
    (scalar("DateTime"), datetime(2026, 3, 1, 12)),  # noqa: DTZ001 - without a zone on purpose
    (scalar("Date"), date(2026, 3, 1)),
    (scalar("Time"), time(1, 2, 3, 4)),
    (scalar("Time"), time(1, 2, 3, tzinfo=UTC)),
    (scalar("UUID"), UUID(int=5)),
    (scalar("Decimal"), Decimal("12345678901234567890.10")),
    (scalar("Decimal"), Decimal("1E+3")),
    (scalar("Decimal"), Decimal("0.00")),
    (GraphQLList(GraphQLInt), [1, None, 2]),
    (GraphQLList(GraphQLInt), (1, 2)),
    (GraphQLList(GraphQLInt), []),
    (GraphQLList(GraphQLList(GraphQLInt)), [[1], [], None, [None]]),
]


@pytest.mark.parametrize(("type_", "value"), LEAVES)
async def test_a_leaf_is_written_as_graphql_core_shows_it(type_: Any, value: Any) -> None:
    told = await shown(type_, value)
    assert "errors" not in told
    assert told["data"]["x"] == core(type_, value)


REFUSED: list[Any] = [
    (GraphQLInt, 2**31),
    (GraphQLInt, "x"),
    (GraphQLInt, 1.5),
    (GraphQLFloat, float("nan")),
    (GraphQLFloat, float("inf")),
    (GraphQLFloat, "x"),
    (GraphQLString, object()),
    (COLOUR, "GREEN"),
    (LEVEL, 7),
    (GraphQLList(GraphQLInt), 5),
    (GraphQLNonNull(GraphQLInt), None),
    (GraphQLList(GraphQLNonNull(GraphQLInt)), [1, None]),
]


@pytest.mark.parametrize(("type_", "value"), REFUSED)
async def test_a_value_that_its_type_refuses_is_an_error_that_tells_nothing_of_it(type_: Any, value: Any) -> None:
    told = await shown(type_, value)
    assert {each["extensions"]["code"] for each in told["errors"]} == {"INTERNAL"}
    assert all("cid" in each["message"] or "`c`" in each["message"] for each in told["errors"])


def big(value: Any) -> Any:
    return value


ANYTHING = GraphQLScalarType("Anything", serialize=big)


@pytest.mark.parametrize("value", [2**64, -(2**70), {"a": [1, {"b": None}]}, {1: "x"}, [Decimal("1.5")], "\ud800 lone"])
async def test_what_the_encoder_cannot_write_is_written_all_the_same(value: Any) -> None:
    told = await shown(ANYTHING, value)
    assert "errors" not in told
    if isinstance(value, int):
        assert told["data"]["x"] == value


async def test_a_text_with_half_a_character_spoils_nothing_else() -> None:
    body = (await over(GraphQLString, "a\ud800b").run(Question("{ x }"), ADA, "c")).body
    assert json.loads(encode(body).decode("utf-8"))["data"]["x"].startswith("a")


def failing() -> Iterator[int]:
    yield 1
    raise RuntimeError("swordfish in a generator")


async def test_a_list_that_fails_while_it_is_read_is_an_error_at_its_place() -> None:
    engine_ = over(GraphQLList(GraphQLInt), failing())
    body = (await engine_.run(Question("{ x __typename }"), ADA, "c")).body
    assert body["data"] == {"x": None, "__typename": "Query"}
    assert codes(body) == [("INTERNAL", ["x"])]
    assert b"swordfish" not in encode(body)
