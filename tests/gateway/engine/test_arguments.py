"""Arguments: defaults, nulls, variables, inputs and enums reach a declaration; what does not fit is an error in place."""

from typing import Any

import pytest
from graphql import GraphQLArgument, GraphQLField, GraphQLInt, GraphQLObjectType, GraphQLScalarType, GraphQLSchema

from gateway.engine.engine import Engine, Question
from gateway.engine.grants import AllowAll
from gateway.engine.graph import Graph
from resolvers.batch import Batched
from tests.gateway.engine.rules_of import AGENT, CHIEF, CLERK, PORTAL, policies, who
from tests.gateway.engine.shop import ADA, answer, codes, data, engine
from tests.gateway.engine.stock import profile, small

GIVEN: list[tuple[str, dict[str, Any], str]] = [
    ("{ echo }", {}, ""),
    ('{ echo(text: "a", number: 3) }', {}, "number=3, text='a'"),
    ("{ echo(text: null, number: 0) }", {}, "number=0"),
    ("query($t: String) { echo(text: $t) }", {}, ""),
    ("query($t: String) { echo(text: $t) }", {"t": None}, ""),
    ('query($t: String = "d") { echo(text: $t) }', {}, "text='d'"),
    ('query($t: String = "d") { echo(text: $t) }', {"t": None}, ""),
    ('query($t: String = "d") { echo(text: $t) }', {"t": "x"}, "text='x'"),
    ("{ echo(many: [1, 2]) }", {}, "many=[1, 2]"),
    ("{ echo(many: 1) }", {}, "many=[1]"),
    ("{ echo(many: []) }", {}, "many=[]"),
    ("query($n: Int!) { echo(many: [1, $n]) }", {"n": 2}, "many=[1, 2]"),
    ("query($m: [Int!]) { echo(many: $m) }", {"m": 7}, "many=[7]"),
    (
        "{ echo(order: {field: PAYER}) }",
        {},
        "order=BillOrder(field=<BillSort.PAYER: 'payer'>, direction=<Direction.ASC: 'ASC'>)",
    ),
    (
        "query($f: BillSort!, $d: Direction! = DESC) { echo(order: {field: $f, direction: $d}) }",
        {"f": "TOTAL"},
        "order=BillOrder(field=<BillSort.TOTAL: 'total'>, direction=<Direction.DESC: 'DESC'>)",
    ),
    (
        "query($o: BillOrder) { echo(order: $o) }",
        {"o": {"field": "TOTAL"}},
        "order=BillOrder(field=<BillSort.TOTAL: 'total'>, direction=<Direction.ASC: 'ASC'>)",
    ),
    ("query($o: BillOrder) { echo(order: $o) }", {"o": None}, ""),
    ('{ echo(choice: {name: "n"}) }', {}, "choice=Choice(name='n', number=UNSET)"),
    ("query($c: Choice) { echo(choice: $c) }", {"c": {"number": 1}}, "choice=Choice(name=UNSET, number=1)"),
]


@pytest.mark.parametrize(("query", "variables", "expected"), GIVEN)
async def test_what_is_given_reaches_the_declaration(query: str, variables: dict[str, Any], expected: str) -> None:
    over = engine(small())
    for _ in range(4):
        assert (await data(over, query, **variables))["echo"] == expected


WRONG: list[tuple[str, dict[str, Any]]] = [
    ("{ echo(number: 1.5) }", {}),
    ("{ echo(number: 3000000000) }", {}),
    ('{ echo(order: {field: "TOTAL"}) }', {}),
    ("{ echo(order: {field: NOTHING}) }", {}),
    ("{ echo(order: {}) }", {}),
    ("{ echo(order: {field: TOTAL, other: 1}) }", {}),
    ("{ echo(many: [null]) }", {}),
    ("{ echo(nothing: 1) }", {}),
    ("query($n: Int) { echo(number: $n) }", {"n": "1"}),
    ("query($n: Int) { echo(number: $n) }", {"n": True}),
    ("query($n: Int) { echo(number: $n) }", {"n": 2**31}),
    ("query($n: Int!) { echo(number: $n) }", {}),
    ("query($n: Int!) { echo(number: $n) }", {"n": None}),
    ("query($f: BillSort!) { echo(order: {field: $f}) }", {"f": "total"}),
    ("query($c: Choice) { echo(choice: $c) }", {"c": {"name": "n", "number": 1}}),
    ("query($c: Choice) { echo(choice: $c) }", {"c": {}}),
    ("query($c: Choice) { echo(choice: $c) }", {"c": {"name": None}}),
    ("query($o: BillOrder) { echo(order: $o) }", {"o": {"field": "TOTAL", "other": 1}}),
    ("query($o: BillOrder) { echo(order: $o) }", {"o": [1]}),
    ("query($t: String) { echo(text: $t) }", {"t": {"a": 1}}),
]


@pytest.mark.parametrize(("query", "variables"), WRONG)
async def test_what_does_not_fit_is_bad_input_before_anything_runs(query: str, variables: dict[str, Any]) -> None:
    response = await engine(small()).run(Question(query, variables), ADA, "c")
    assert not response.started
    assert {code for code, _ in codes(response.body)} == {"BAD_INPUT"}
    assert len(response.body["errors"]) <= 5


@pytest.mark.parametrize("given", ['{name: "n", number: 1}', "{}", "{name: null}", "{name: null, number: 1}"])
async def test_a_one_of_that_is_not_given_exactly_one_is_bad_input(given: str) -> None:
    body = await answer(engine(small()), f"{{ echo(choice: {given}) }}")
    assert {code for code, _ in codes(body)} == {"BAD_INPUT"}
    assert (body.get("data") or {}).get("echo") is None


async def test_a_default_that_is_overruled_by_null_is_bad_input_at_the_field() -> None:
    body = await answer(
        engine(small()), 'query($k: String = "a1") { x: byKey(key: $k) { key } bill(key: "b11") { key } }', k=None
    )
    assert body["data"] == {"x": None, "bill": {"key": "b11"}}
    assert codes(body) == [("BAD_INPUT", ["x"])]


async def test_what_a_message_quotes_is_bounded() -> None:
    body = await answer(engine(small()), "query($n: Int) { echo(number: $n) }", n="x" * 100_000)
    assert len(body["errors"][0]["message"]) < 400


async def test_constant_arguments_are_coerced_once_and_others_once_in_a_run() -> None:
    coerced = []

    def literal(node: Any, variables: Any = None) -> int:
        coerced.append("literal")
        return int(node.value)

    def value(given: Any) -> int:
        coerced.append("value")
        return int(given)

    async def same(parents: Any, read: Any, context: Any, n: int = 0) -> list[Any]:
        return [n] * len(parents)

    counted = GraphQLScalarType("Counted", parse_value=value, parse_literal=literal)
    field = GraphQLField(GraphQLInt, args={"n": GraphQLArgument(counted)}, extensions={"opsgraph": Batched(same, ())})
    graph = Graph(GraphQLSchema(GraphQLObjectType("Query", {"same": field})), {})
    over = Engine(graph, small(), lambda _: AllowAll())  # type: ignore[arg-type]
    for query, times in (("{ same(n: 7) }", 1), ("query($n: Counted) { same(n: $n) }", 5)):
        await over.run(Question("{ same }"), ADA, "c")
        over.plan(Question(query, {"n": 7}), ADA)
        coerced.clear()
        for _ in range(5):
            assert (await over.run(Question(query, {"n": 7}), ADA, "c")).body["data"] == {"same": 7}
        assert len(coerced) == (0 if times == 1 else 5)


async def test_what_a_computation_does_to_its_arguments_is_forgotten() -> None:
    over = engine(small())
    for _ in range(3):
        assert (await data(over, "{ popped(many: [1, 2, 3]) }"))["popped"] == "3 of [1, 2]"


# ---------------------------------------------------------------- filters and orders that would tell

ORACLES = [
    ("orderBy: {field: PAYER}", "agent", False),  # masked
    ('filter: {payer: "x"}', "agent", False),
    ('filter: {payerContains: "x"}', "agent", False),
    ("orderBy: {field: TOTAL}", "agent", True),
    ("orderBy: {field: PAYER}", "clerk", False),  # denied
    ('filter: {payer: "x"}', "clerk", False),
    ('filter: {payer: "x"}', "finder", True),  # denied, and listed for exact look-up
    ('filter: {payerContains: "x"}', "finder", False),
    ("orderBy: {field: PAYER}", "finder", False),
    ("orderBy: {field: PAYER}", "chief", True),
    ('filter: {payerContains: "x"}', "chief", True),
    (
        "orderBy: {field: PAYER}",
        "chief clerk",
        False,
    ),  # a row that the clerk opens must not be told by the chief's field
    ('filter: {payer: "x"}', "chief clerk", False),
    ('filter: {payer: "x"}', "chief finder", True),
    ('filter: {payer: "x"}', "agent clerk", False),
    ('filter: {status: ["OPEN"]}', "agent clerk", True),
]
FINDER = CLERK.replace("clerk:", "finder:") + "  lookup: [Invoice.payer]\n"


@pytest.mark.parametrize("root", ["bills(%s)", 'account(key: "a1") { bills(%s)'])
@pytest.mark.parametrize(("given", "roles", "allowed"), ORACLES)
async def test_filter_and_order_by_what_one_may_not_read_are_refused(
    root: str, given: str, roles: str, allowed: bool
) -> None:
    shelf = small()
    shelf.records["BillingProfile"] = [profile("e1", "a1", "E1")]
    over = engine(shelf, policies(AGENT, CLERK, CHIEF, FINDER, PORTAL).granted)
    closing = "}" if root.startswith("account") else ""
    body = await answer(
        over, f"{{ {root % given} {{ nodes {{ key }} }} {closing} }}", who(*roles.split(), entities=("E1",))
    )
    refusals = [each for each in body.get("errors", []) if each["extensions"]["code"] == "FORBIDDEN"]
    assert bool(refusals) is not allowed
    assert body["data"].get("account", "a list of its own") is not None
    if not allowed:
        assert shelf.calls("Bill.list") == shelf.calls("Bill.account") == []


async def test_the_same_refusal_stands_where_the_filter_is_a_variable() -> None:
    shelf = small()
    over = engine(shelf, policies(AGENT, CHIEF).granted)
    query = "query($f: BillFilter) { bills(filter: $f) { nodes { key } } }"
    body = await answer(over, query, who("agent"), f={"payerContains": "p"})
    assert codes(body) == [("FORBIDDEN", ["bills"])]
    assert (await data(over, query, who("agent"), f={"status": ["OPEN"]}))["bills"]["nodes"]
    assert (await data(over, query, who("agent"), f=None))["bills"]["nodes"]
