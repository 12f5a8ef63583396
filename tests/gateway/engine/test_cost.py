"""Cost: priced by rows and calls before anything is asked; too much is refused, and what we ask ourselves is far below."""

import json
import logging
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from graphql import parse
from graphql.execution.values import VariableValues

from bench.gateways import opsgraph as bench
from bench.gateways import types as bench_types
from bench.workloads import WORKLOADS
from gateway.cli.tabs import tabs
from gateway.engine.cost import Price
from gateway.engine.engine import Engine, Question
from gateway.engine.grants import AllowAll
from gateway.engine.graph import Graph
from gateway.settings import Limits
from gateway.settings import parse as settings
from policies.principal import Principal
from resolvers.registry import names
from resolvers.schema import build_schema
from sources.catalog import open_catalog
from sources.ports import Capability
from tests.gateway.engine.rules_of import Except
from tests.gateway.engine.shop import GRAPH, answer, engine
from tests.gateway.engine.stock import small

_ANYBODY = Principal("anybody")


def price(query: str, grants: Any = None, *, fan_out: str = "") -> Price:
    """What a query costs."""
    document = parse(query)

    def able(record: type[Any], by: str) -> Capability:
        return Capability(fan_out=f"{record.__name__}.{by}" == fan_out)

    return Price(GRAPH, document, document.definitions[0], grants or AllowAll(), {}, able)  # type: ignore[arg-type]


PRICES = {
    '{ account(key: "a1") { name } }': 11,
    '{ account(key: "a1") { bills { nodes { key } } } }': 11 + 30,
    '{ account(key: "a1") { bills(first: 7) { nodes { key } edges { node { key } } } } }': 11 + 17,
    '{ account(key: "a1") { bills(first: 7) { nodes { product { title } } } } }': 11 + 17 + 17,
    "{ accounts(first: 100) { nodes { bills(first: 100) { nodes { key } } } } }": 110 + 10_010,
    '{ account(key: "a1") { cases { key } fewBills { key } } }': 11 + 20 + 12,
    '{ account(key: "a1") { balance } }': 11 + 11,
    '{ nodes(ids: ["Account:a1", "Bill:b11"]) { __typename } }': 2 + 30,
    '{ node(id: "x") { id ... on Account { cases { key } } ... on Invoice { product { title } } } }': 31 + 20,
    "{ __schema { types { name } } }": 0,
    '{ account(key: "a1") { ...F cases { key } } } fragment F on Account { cases { subject } }': 11 + 20,
    '{ account(key: "a1") { x: cases { key } cases { key } } }': 11 + 20 + 20,
    '{ account(key: "a1") @skip(if: true) { name } }': 0,
    "{ bills(first: 0) { nodes { key } } accounts(first: 1000) { nodes { key } } }": 11 + 110,
}


@pytest.mark.parametrize("query", PRICES)
def test_rows_cost_one_and_calls_ten(query: str) -> None:
    assert price(query).highest == PRICES[query]


def test_a_reader_with_one_call_a_parent_costs_as_many_calls_as_it_may_take() -> None:
    query = "{ accounts(first: 100) { nodes { cases { key } } } }"
    assert price(query).highest == 110 + 1_010
    assert price(query, fan_out="Case.account").highest == 110 + 1_000 + 250


def test_what_is_cut_costs_nothing() -> None:
    query = '{ account(key: "a1") { cases { key } } }'
    assert price(query, Except(Account_cases=None)).highest == 11


def test_a_page_size_in_a_variable_costs_what_it_is() -> None:
    found = price("query($first: Int = 3) { bills(first: $first) { nodes { key } } }")
    assert found.highest == 110
    assert found.at(VariableValues({}, {"first": 50})) == 60
    assert found.at(VariableValues({}, {"first": None})) == found.at(VariableValues({}, {})) == 30


async def test_a_list_in_a_variable_costs_as_much_as_it_has() -> None:
    query = "query($ids: [ID!]!) { nodes(ids: $ids) { ... on Account { cases { key } } } }"
    shelf = small()
    over = engine(shelf, limits=Limits(cost=1_000))
    assert "errors" not in await answer(over, query, ids=["Account:a1"] * 50)
    shelf.asked.clear()
    body = await answer(over, query, ids=["Account:a1"] * 100)
    assert body["errors"][0]["extensions"]["code"] == "COST_LIMIT"
    assert shelf.asked == []


NESTED = "query($n: Int) { accounts(first: $n) { nodes { bills(first: $n) { nodes { key } } } } }"


async def test_nested_lists_are_refused_before_anything_is_asked() -> None:
    shelf = small()
    over = engine(shelf)
    literally = NESTED.replace("$n)", "100)").replace("query($n: Int) ", "")
    for body in (await answer(over, literally), await answer(over, NESTED, n=100)):
        assert "data" not in body
        (error,) = body["errors"]
        assert error["extensions"]["code"] == "COST_LIMIT"
        assert (error["extensions"]["cost"], error["extensions"]["limit"]) == (10_120, 5_000)
        assert error["message"].startswith("the operation may cost 10,120, and 5,000 are allowed")
    assert shelf.asked == []
    assert (await answer(over, NESTED, n=50))["data"]["accounts"] is not None


async def test_what_a_role_is_not_shown_is_not_priced_for_it() -> None:
    body = await answer(engine(small(), Except(Account_bills=None)), NESTED, n=100)
    assert [each["bills"] for each in body["data"]["accounts"]["nodes"]] == [None, None, None]
    assert [each["extensions"]["code"] for each in body["errors"]] == ["FORBIDDEN"]


async def test_a_limit_that_only_warns_lets_pass_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    passed: list[tuple[str, bool]] = []
    over = engine(
        small(), limits=Limits(warn_only=("cost", "depth"), depth=2), exceeded=lambda *each: passed.append(each)
    )
    with caplog.at_level(logging.WARNING, "opsgraph.limits"):
        assert "errors" not in await answer(over, NESTED, n=100)
    assert passed == [("depth", False), ("cost", False)]
    assert "`cost`: 10120, and 5000 are allowed" in caplog.text
    strict = engine(small(), limits=Limits(depth=2), exceeded=lambda *each: passed.append(each))
    assert "errors" in await answer(strict, NESTED, n=1)
    assert passed[2:] == [("depth", True)]


async def test_tokens_and_characters_may_only_warn_too() -> None:
    passed: list[tuple[str, bool]] = []
    limits = Limits(warn_only=("tokens", "characters"), tokens=5, characters=20)
    over = engine(small(), limits=limits, exceeded=lambda *each: passed.append(each))
    assert "errors" not in await answer(over, '{ account(key: "a1") { name region } }')
    assert passed == [("characters", False), ("tokens", False)]
    strict = engine(small(), limits=Limits(tokens=5), exceeded=lambda *each: passed.append(each))
    assert "errors" in await answer(strict, '{ account(key: "a1") { name region } }')
    assert passed[2:] == [("tokens", True)]


def test_a_bomb_of_fragments_is_priced_in_one_pass() -> None:
    folds = " ".join(
        f"fragment F{at} on Account {{ parent {{ ...F{at + 1} }} x: parent {{ ...F{at + 1} }} }}" for at in range(12)
    )
    found = price(
        f'{{ account(key: "a1") {{ ...F0 }} }} {folds} fragment F12 on Account {{ bills {{ nodes {{ key }} }} }}'
    )
    assert found.highest == 11 + sum(2**at * 11 for at in range(1, 13)) + 2**12 * 30


# ---------------------------------------------------------------- what we ask ourselves


class _Any(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "x"


def ours() -> Engine:
    """An engine over our own schema and every kind of source."""
    secret = {"env": "SECRET"}
    tables = {
        "crm": {"vendor": "salesforce", "url": "https://crm.test", "client_id": "x", "client_secret": secret},
        "billing": {"vendor": "stripe", "url": "https://billing.test", "key": secret},
        "erp": {
            "vendor": "netsuite",
            "url": "https://erp.test",
            "client_id": "x",
            "certificate_id": "x",
            "private_key": secret,
        },
        "support": {"vendor": "zendesk", "url": "https://desk.test", "client_id": "x", "client_secret": secret},
    }
    opened = open_catalog(settings({"sources": tables}, {"SECRET": "x"}).sources)
    return Engine(Graph.of(build_schema(), names()), opened, lambda _: AllowAll())


async def test_what_the_demo_and_our_tests_ask_costs_far_less_than_the_limit() -> None:
    over = ours()
    asked = {each.title: Question(each.query, each.variables) for each in tabs(_Any(), date(2026, 3, 1))}
    everything = (Path(__file__).parents[2] / "integration" / "customer_360.graphql").read_text(encoding="utf-8")
    asked["everything of a customer"] = Question(everything, {"account": "x"})
    for title, question in asked.items():
        found = over.plan(question, _ANYBODY).price.highest
        assert 0 < found < Limits().cost / 2, f"{title} costs {found}"


async def test_what_the_benchmark_asks_costs_far_less_than_the_limit() -> None:
    catalog = bench.catalog("http://127.0.0.1:1", facts=False)
    over = Engine(Graph.of(bench_types.SCHEMA, bench_types.NAMES), catalog, lambda _: AllowAll())
    for each in WORKLOADS:
        assert json.loads(each.bodies[0])["query"] == each.document
        found = over.plan(Question(each.document, each.variables[0]), _ANYBODY).price.highest
        assert 0 < found < Limits().cost / 2, f"{each.name} costs {found}"
    await catalog.close()
