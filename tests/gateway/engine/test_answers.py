"""Answers: both builders give the same bytes, and errors tell what they may."""

import logging
from collections.abc import AsyncGenerator, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from graphql import (
    GraphQLField,
    GraphQLInt,
    GraphQLList,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLString,
)

from gateway.engine.answer import encode
from gateway.engine.engine import Engine, Question
from gateway.engine.grants import AllowAll
from gateway.engine.graph import Graph
from policies.principal import Principal
from resolvers.batch import Batched, Derived, Stream
from tests.gateway.engine.rules_of import AGENT, CLERK, policies, who
from tests.gateway.engine.shop import answer, codes, engine
from tests.gateway.engine.stock import account, bill, profile, small

ADA = Principal("ada")


async def test_a_defect_tells_its_correlation_id_and_nothing_else(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        body = await answer(engine(small()), "{ broken refused }")
    assert b"swordfish" not in encode(body)
    assert body["errors"][0]["message"] == "something went wrong here: quote the correlation id `cid`"
    assert body["errors"][1]["message"] == "ask for something else"
    assert body["data"] == {"broken": None, "refused": None}
    assert "swordfish" in caplog.text


ODD_NAMES = [
    "class",
    "from",
    "None",
    "__class__",
    "__dict__",
    "a b",
    "x'y",
    'x"y',
    "ﬁ",
    "é",
    "0",
    "a.b",
    "lambda",
    "\n",
]


@pytest.mark.parametrize("name", ODD_NAMES)
async def test_an_attribute_of_any_name_is_shown_by_the_compiled_builder(name: str) -> None:
    async def holders(parents: Sequence[Any], read: Any, context: Any) -> list[Any]:
        holder = SimpleNamespace()
        if name not in ("__class__", "__dict__"):
            setattr(holder, name, "shown")
        return [holder]

    holder = GraphQLObjectType("Holder", {"x": GraphQLField(GraphQLString, extensions={"attribute": name})})
    root = GraphQLField(holder, extensions={"opsgraph": Batched(holders, ())})
    graph = Graph(GraphQLSchema(GraphQLObjectType("Query", {"h": root})), {})
    engine_ = Engine(graph, small(), lambda _: AllowAll())  # type: ignore[arg-type]
    for _ in range(4):
        body = (await engine_.run(Question("{ h { x } }"), ADA, "c")).body
        if name not in ("__class__", "__dict__"):
            assert body["data"] == {"h": {"x": "shown"}}
    if name not in ("__class__", "__dict__"):
        plan = next(iter(engine_._plans.plans.values()))
        assert plan.root.fast is not None, "compiled"


async def test_derived_values_that_fail_are_errors_at_their_places() -> None:
    def derive(row: Any, context: Any) -> Any:
        if row.x == 2:
            raise RuntimeError("swordfish")
        return row.x

    async def holders(parents: Sequence[Any], read: Any, context: Any) -> list[Any]:
        return [[SimpleNamespace(x=each) for each in (1, 2, 3)]]

    holder = GraphQLObjectType("Holder", {"x": GraphQLField(GraphQLInt, extensions={"opsgraph": Derived(derive)})})
    root = GraphQLField(GraphQLList(holder), extensions={"opsgraph": Batched(holders, ())})
    engine_ = Engine(Graph(GraphQLSchema(GraphQLObjectType("Query", {"h": root})), {}), small(), lambda _: AllowAll())  # type: ignore[arg-type]
    for _ in range(4):
        body = (await engine_.run(Question("{ h { x } }"), ADA, "c")).body
        assert body["data"] == {"h": [{"x": 1}, {"x": None}, {"x": 3}]}
        assert codes(body) == [("INTERNAL", ["h", 1, "x"])]


EVERYTHING = """query($skip: Boolean!) {
  a: accounts { totalCount edges { cursor node { id ...A } } nodes { ...A industry @skip(if: $skip) } pageInfo { hasNextPage endCursor startCursor hasPreviousPage } }
  one: account(key: "a1") { ...A parent { key } bills(first: 1) { pageInfo { endCursor } nodes { tags payer } } }
  none: account(key: "nobody") { ...A }
  nodes(ids: ["Bill:b11", "Account:a2", "Case:zz", "Account:a3", "Case:c1"]) { __typename ... on Account { ...A } ... on Invoice { total product { id title } } ... on Ticket { subject account { name } } }
  node(id: "Bill:b12") { id __typename key ... on Invoice { related { key } account { domain } } }
  echo(text: "\\"ü")
}
fragment A on Account { k: key name region domain balance cases { id subject } fewBills { total tags status } }"""


@pytest.mark.parametrize("skip", [False, True])
@pytest.mark.parametrize("roles", ["all", "agent", "clerk", "agent clerk"])
async def test_both_builders_give_the_same_bytes(roles: str, skip: bool) -> None:
    bodies = set()
    principal = who(*roles.split(), entities=("E1",))
    for careful in (False, True):
        shelf = small()
        shelf.records["Account"].append(account("a4", parent_key="a1", domain="a4.example"))
        shelf.records["Bill"] += [
            bill("b41", "a4", tags=("x", "long enough tag"), related=("b11", "b31"), legal_entity="E1")
        ]
        shelf.records["BillingProfile"] = [profile("e1", "a1", "E1"), profile("e4", "a4", "E1")]
        grants = None if roles == "all" else policies(AGENT, CLERK).granted
        engine_ = engine(shelf, grants, careful=careful)
        for _ in range(4):
            bodies.add(encode(await answer(engine_, EVERYTHING, principal, skip=skip)))
        plan = next(iter(engine_._plans.plans.values()))
        assert careful or plan.root.fast is not None or roles != "all", "the compiled builder did it"
    assert len(bodies) == 1


async def test_a_stream_whose_question_new_rules_refuse_ends_with_a_refusal() -> None:
    async def ticks(_context: Any) -> AsyncGenerator[int, None]:
        for at in range(3):
            yield at

    schema = GraphQLSchema(
        GraphQLObjectType("Query", {"none": GraphQLField(GraphQLInt)}),
        subscription=GraphQLObjectType(
            "Subscription",
            {
                "tick": GraphQLField(GraphQLInt, extensions={"opsgraph": Stream(ticks)}),
                "other": GraphQLField(GraphQLInt, extensions={"opsgraph": Stream(ticks)}),
            },
        ),
    )

    class Outside(AllowAll):
        external = True

        def __init__(self, version: int, *denied: str) -> None:
            self.version, self.denied = version, denied

        def field(self, type_name: str, name: str, roles: Any = None) -> Any:
            if name in self.denied:
                return SimpleNamespace(verdict="deny", rule="r", mask=None, mask_name=None)
            return super().field(type_name, name, roles)

    rules = {"now": Outside(1)}
    engine_ = Engine(Graph(schema, {}), small(), lambda _: rules["now"])  # type: ignore[arg-type]
    answers = []
    async for each in engine_.subscribe(Question("subscription { tick }"), ADA, "c"):
        answers.append(each)
        rules["now"] = Outside(2, "tick")
    assert answers[0].body["data"] == {"tick": 0}
    assert "data" not in answers[-1].body or answers[-1].body["data"] == {"tick": None}
    assert answers[-1].body["errors"]
    assert len(answers) == 2
