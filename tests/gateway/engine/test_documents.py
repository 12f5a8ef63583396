"""Documents: every limit at its boundary, bombs refused at once, and what is remembered bounded."""

import asyncio
import gc
import sys
import traceback
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from graphql import GraphQLSchema, build_schema, get_introspection_query

from gateway.engine.documents import Document, Documents, Limits, Refused
from gateway.engine.engine import Question
from gateway.engine.run import Run
from tests.gateway.engine.rules_of import AGENT, CHIEF, PORTAL, policies, who
from tests.gateway.engine.shop import ADA, answer, data, engine
from tests.gateway.engine.stock import small

WIDE: GraphQLSchema = build_schema(
    "type Query { g(many: [Int]): Int t: T l: [T] edges: T node: T nodes: T "
    + " ".join(f"f{at}: Int" for at in range(120))
    + "} type T { t: T edges: T node: T nodes: T x: Int "
    + " ".join(f"f{at}: Int" for at in range(120))
    + " }"
)


def read(text: str, **limits: Any) -> Document:
    return Documents(Limits(**limits)).get(text, WIDE)


@contextmanager
def counted_steps(most: int = 250_000) -> Iterator[None]:
    """Fails where more functions are called than takes about a quarter of a second."""
    steps = 0

    def count(_frame: Any, event: str, _argument: Any) -> None:
        nonlocal steps
        steps += event == "call"
        if steps == most:
            raise AssertionError(f"{most} calls, and not done yet")

    sys.setprofile(count)
    try:
        yield
    finally:
        sys.setprofile(None)


def refusal(text: str, **limits: Any) -> str:
    with pytest.raises(Refused) as refused, counted_steps():
        read(text, **limits)
    assert len(refused.value.errors) <= 5
    return refused.value.errors[0].message


def nested(levels: int, name: str = "t") -> str:
    return "{" + f"{name} {{" * (levels - 1) + "x" + "}" * levels


BOUNDARIES = [
    pytest.param(lambda n: "{ x: f1 }" + " " * (n - 9), 15_000, "more than 15000 characters", id="characters"),
    pytest.param(nested, 15, "more than 15 levels", id="depth"),
    pytest.param(
        lambda n: "{ t { " + " ".join(f"f{at}" for at in range(n)) + " } }", 100, "100 fields in one", id="fields"
    ),
    pytest.param(
        lambda n: "{ t { " + " ".join(f"a{at}: x" for at in range(n)) + " } }", 30, "more than 30 aliases", id="aliases"
    ),
    pytest.param(
        lambda n: "{ " + " ".join(f"f{at}" for at in range(n)) + " }", 20, "more than 20 root fields", id="roots"
    ),
    pytest.param(
        lambda n: "{ t { " + " ".join(f"f{at} @skip(if: false)" for at in range(n)) + " } }",
        50,
        "more than 50 directives",
        id="directives",
    ),
    pytest.param(lambda n: "{ g(many: [" + "1 " * (n - 9) + "]) }", 1_000, "more than 1000 tokens", id="tokens"),
]


def introspections(most: int) -> str:
    return "{ __schema { " + " ".join(f"a{at}: types {{ name }}" for at in range(most - 1)) + " queryType { name } } }"


BOUNDARIES.append(pytest.param(introspections, 5, "more than 5 introspections", id="introspections"))


@pytest.mark.parametrize(("written", "most", "message"), BOUNDARIES)
def test_every_limit_lets_pass_what_it_says_and_nothing_more(written: Any, most: int, message: str) -> None:
    loose = {"fields": 10_000, "roots": 10_000} if "tokens" in message else {}
    read(written(most), **loose)
    assert message in refusal(written(most + 1), **loose)


def test_the_limits_count_fragments_wherever_they_are_spread() -> None:
    fields = "fragment F on T { " + " ".join(f"f{at}" for at in range(60)) + " }"
    more = "fragment G on T { " + " ".join(f"f{at}" for at in range(60, 101)) + " }"
    assert "100 fields in one" in refusal(f"{{ t {{ ...F ...G }} }} {fields} {more}")
    assert "15 levels" in refusal("{ t { ...F } } fragment F on T " + nested(15))
    assert "30 aliases" in refusal(
        "{ t { ...F t { ...F } } } fragment F on T { " + " ".join(f"a{at}: x" for at in range(16)) + " }"
    )


def test_edges_and_nodes_are_no_levels() -> None:
    read("{" + "edges { node { nodes { t {" * 7 + "x" + "} } } }" * 7 + "}")


BOMBS = {
    "fragments that double": "{ t { ...F0 } } "
    + " ".join(f"fragment F{at} on T {{ t {{ ...F{at + 1} }} x: t {{ ...F{at + 1} }} }}" for at in range(60))
    + " fragment F60 on T { x }",
    "fragments spread twice": "{ t { ...F0 ...F0 } } "
    + " ".join(f"fragment F{at} on T {{ ...F{at + 1} ...F{at + 1} }}" for at in range(90))
    + " fragment F90 on T { x }",
    "a circle": "{ t { ...A } } fragment A on T { t { ...B } } fragment B on T { t { ...A } }",
    "nesting": "{" * 450 + "x" + "}" * 450,
    "a list literal": "{ t(a: " + "[" * 480 + "]" * 480 + ") { x } }",
    "one field many times": "{ t { " + "x " * 950 + "} }",
    "one field many times in a fragment that nobody spreads": "{ t { x } } fragment F on T { " + "x " * 950 + "}",
    "conflicts in a fragment that nobody spreads": "{ t { x } } fragment F on T { "
    + " ".join(f"a: f{at % 100}" for at in range(300))
    + " }",
    "unknown fields": "{ " + " ".join(f"unknown{at}" for at in range(20)) + " }",
    "aliases of introspection": "{ "
    + " ".join(f"a{at}: __schema {{ types {{ fields {{ name }} }} }}" for at in range(40))
    + " }",
    "introspection in circles": "{ __schema { types { fields { type { fields { type { fields { type { fields { name } } } } } } } } } }",
    "aliases inside introspection": "{ __schema { "
    + " ".join(f"a{at}: types {{ fields {{ args {{ name }} }} }}" for at in range(40))
    + " } }",
}


@pytest.mark.parametrize("text", BOMBS.values(), ids=BOMBS)
def test_a_bomb_is_refused_at_once(text: str) -> None:
    refusal(text)


# ---------------------------------------------------------------- what is remembered


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_document_is_read_once_for_each_audience() -> None:
    documents = Documents()
    inside, outside = documents.get("{ x: f1 }", WIDE), documents.get("{ x: f1 }", WIDE, "portal")
    assert documents.get("{ x: f1 }", WIDE) is inside
    assert documents.get("{ x: f1 }", WIDE, "portal") is outside
    assert inside is not outside


def test_what_was_refused_is_remembered_for_a_while() -> None:
    clock = Clock()
    documents = Documents(clock=clock)
    smaller = build_schema("type Query { other: Int }")
    for schema in (smaller, WIDE):  # the second time it would be valid: it is not read again
        with pytest.raises(Refused):
            documents.get("{ f1 }", schema)
    with pytest.raises(Refused):
        documents.get("{ f1 }", smaller, "another audience")
    clock.now = 61.0
    documents.get("{ f1 }", WIDE)
    with pytest.raises(Refused):
        documents.get("{ f1 }", smaller, "another audience")


def test_documents_are_bounded_in_number_and_the_least_recently_used_goes() -> None:
    documents = Documents(Limits(remembered=3))
    first = [documents.get(f"{{ a{at}: f1 }}", WIDE) for at in range(3)]
    documents.get("{ a0: f1 }", WIDE)
    documents.get("{ a3: f1 }", WIDE)
    assert len(documents._known) == 3
    assert documents.get("{ a0: f1 }", WIDE) is first[0]
    assert documents.get("{ a1: f1 }", WIDE) is not first[1]


def test_documents_are_bounded_in_bytes() -> None:
    documents = Documents(Limits(remembered_bytes=100_000))
    for at in range(100):
        documents.get(f"{{ a{at}: f1 }}" + " " * 1_000, WIDE)
    weights = sum(each.weight for each in documents._known.values())
    assert 0 < weights <= 100_000
    assert documents._bytes == weights


def test_refusals_are_bounded_in_number() -> None:
    documents = Documents(Limits(refused=5))
    for at in range(20):
        with pytest.raises(Refused):
            documents.get(f"{{ unknown{at} }}", WIDE)
    assert len(documents._refused) == 5


def test_refusals_take_little_memory() -> None:
    documents = Documents()
    tracemalloc.start()
    try:
        for at in range(50):
            with pytest.raises(Refused):
                documents.get("{ t { " + " ".join(f"unknown{each}" for each in range(at, at + 99)) + " } }", WIDE)
        gc.collect()
        held = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert held / 50 < 20_000, "bytes for each refusal"


def test_a_refusal_that_is_told_again_and_again_does_not_grow() -> None:
    documents = Documents()
    depths = []
    for _ in range(20):
        with pytest.raises(Refused) as refused:
            documents.get("{ unknown }", WIDE)
        depths.append(len(traceback.extract_tb(refused.value.__traceback__)))
    assert max(depths[1:]) == depths[1]


async def test_an_argument_that_is_refused_again_and_again_does_not_grow() -> None:
    gc.collect()
    before = {id(each) for each in gc.get_objects() if isinstance(each, Run)}  # a test that failed keeps its own
    over = engine(small(), careful=True)
    for query in (
        "{ bills(first: 0) { nodes { key } } }",
        '{ account(key: "a1") { bills(after: "x", first: 200) { nodes { key } } } }',
    ):
        for _ in range(20):
            await answer(over, query)
    gc.collect()
    held = [each for each in gc.get_objects() if isinstance(each, Run) and id(each) not in before]
    assert not held, "operations that somebody still holds"


async def test_plans_are_bounded_in_number_and_in_what_they_take() -> None:
    over = engine(small(), limits=Limits(remembered=5))
    for at in range(20):
        await data(over, f"{{ a{at}: bills {{ nodes {{ key }} }} }}")
    assert len(over._plans) <= 5
    tight = engine(small(), limits=Limits(remembered_bytes=64 * 1024))
    for at in range(100):
        await data(tight, f'{{ a{at}: node(id: "Bill:b11") {{ id ... on Invoice {{ key total status }} }} }}')
    assert sum(plan.size for plan in tight._plans.plans.values()) <= 64 + 10
    assert tight._plans.planned == sum(plan.size for plan in tight._plans.plans.values())


async def test_a_variable_of_skip_is_planned_by_its_two_values_only() -> None:
    over = engine(small())
    query = 'query Q($x: Boolean!) { account(key: "a1") { name @skip(if: $x) key } } query R($x: [Int!]) { echo(many: $x) } query S($x: String) { echo(text: $x) }'
    for name, given in (("Q", True), ("Q", False), ("R", [1]), ("R", [2]), ("S", "a"), ("S", "b"), ("S", "c")):
        response = await over.run(Question(query, {"x": given}, name), ADA, "c")
        assert "errors" not in response.body
    assert len(over._plans) == 4


async def test_an_operation_is_found_by_its_name() -> None:
    over = engine(small())
    query = 'query A { account(key: "a1") { key } } query B { account(key: "a2") { key } }'
    shown = [
        (await over.run(Question(query, None, name), ADA, "c")).body["data"]["account"]["key"]
        for name in ("A", "B", "A")
    ]
    assert shown == ["a1", "a2", "a1"]
    for name in (None, "C", ""):
        response = await over.run(Question(query, None, name), ADA, "c")
        assert not response.started
        assert "data" not in response.body


async def test_audiences_share_no_document_and_no_plan() -> None:
    over = engine(small(), policies(AGENT, PORTAL).granted)
    query = '{ account(key: "a1") { name domain } }'
    agent, portal = who("agent"), who("portal", accounts=("a1",))
    for _ in range(3):
        bodies = await asyncio.gather(answer(over, query, agent), answer(over, query, portal))
        assert bodies[0]["data"]["account"]["name"] == "name of a1"
        assert "data" not in bodies[1]
        assert "Cannot query field" in bodies[1]["errors"][0]["message"]


async def test_new_rules_give_new_plans_while_operations_under_way_keep_theirs() -> None:
    shelf = small()
    rules = {"now": policies(AGENT, CHIEF)}
    over = engine(shelf, lambda principal: rules["now"].granted(principal))  # noqa: PLW0108 - the rules are others later
    query = '{ bill(key: "b11") { payer } }'
    assert (await data(over, query, who("agent")))["bill"]["payer"] == "•••"
    shelf.gates["Bill.key"] = asyncio.Event()
    under_way = asyncio.ensure_future(data(over, query, who("agent")))
    await asyncio.sleep(0.01)
    rules["now"] = policies(AGENT.replace("{mask: last4}", "allow"), CHIEF)
    shelf.gates.pop("Bill.key").set()
    assert (await under_way)["bill"]["payer"] == "•••"
    assert (await data(over, query, who("agent")))["bill"]["payer"] == "payer 1"


WANDERING = [
    "{ __schema { types { fields { type { fields { name } } } } } }",
    "{ __schema { types { fields { args { type { inputFields { name } } } } } } }",
    '{ __type(name: "A") { possibleTypes { ofType { interfaces { name } } } } }',
    "{ __schema { types { ...T } } } fragment T on __Type { fields { type { ...U } } } fragment U on __Type { ofType { fields { name } } }",
]


@pytest.mark.parametrize("written", WANDERING)
def test_introspection_does_not_wander_from_type_to_type(written: str) -> None:
    assert "the fields of the types of fields" in refusal(written)


@pytest.mark.parametrize("more", [{}, {"input_value_deprecation": True, "specified_by_url": True}])
def test_the_introspection_of_every_tool_is_answered(more: dict[str, bool]) -> None:
    read(get_introspection_query(**more))


def test_a_field_of_ours_may_be_called_what_introspection_calls_its_lists() -> None:
    fields = build_schema("type Query { fields: Query type: String }")
    Documents(Limits()).get("{ fields { fields { fields { type } } } }", fields)
