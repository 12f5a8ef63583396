"""What is read is read once: each link for all its parents, each key once, shared between places that ask together."""

import asyncio

import pytest
from graphql import GraphQLField, GraphQLInt, GraphQLList, GraphQLObjectType, GraphQLSchema

from gateway.engine.engine import Engine, Question
from gateway.engine.grants import AllowAll
from gateway.engine.graph import Graph
from policies.principal import Principal
from resolvers.batch import Batched
from sources.errors import Unavailable
from sources.ports import Capability
from tests.gateway.engine.rules_of import AGENT, policies, who
from tests.gateway.engine.shop import answer, codes, data, engine
from tests.gateway.engine.stock import account, bill, small


async def test_each_link_runs_once_for_all_parents_and_asks_each_key_once() -> None:
    shelf = small()
    await data(engine(shelf), "{ accounts { nodes { bills { nodes { product { title } account { name } } } } } }")
    assert shelf.calls() == [
        ("Account.list", ("",)),
        ("Bill.account", ("a1", "a2", "a3")),
        ("Product.key", ("p1", "p2")),
    ]


async def test_each_computation_runs_once_for_all_parents() -> None:
    ran = []

    async def double(parents, read, context):
        ran.append(len(parents))
        return [2 * each for each in parents]

    async def numbers(parents, read, context):
        return [[1, 2, 3]]

    number = GraphQLObjectType(
        "Number", {"double": GraphQLField(GraphQLInt, extensions={"opsgraph": Batched(double, ())})}
    )
    listed = GraphQLField(GraphQLList(number), extensions={"opsgraph": Batched(numbers, ())})
    graph = Graph(GraphQLSchema(GraphQLObjectType("Query", {"numbers": listed})), {})
    over = Engine(graph, small(), lambda _: AllowAll())  # type: ignore[arg-type]
    body = (await over.run(Question("{ numbers { double } }"), Principal("ada"), "c")).body
    assert body["data"] == {"numbers": [{"double": 2}, {"double": 4}, {"double": 6}]}
    assert ran == [3]


async def test_two_positions_that_ask_the_same_index_in_one_turn_share_one_call() -> None:
    shelf = small()
    shown = await data(
        engine(shelf), '{ a: account(key: "a1") { name } b: account(key: "a2") { name } bill(key: "b11") { key } }'
    )
    assert (shown["a"]["name"], shown["b"]["name"]) == ("name of a1", "name of a2")
    assert shelf.calls("Account.key") == [("Account.key", ("a1", "a2"))]


async def test_aliases_of_one_link_share_one_call() -> None:
    shelf = small()
    await data(engine(shelf), '{ account(key: "a1") { x: cases { key } y: cases { subject } } }')
    assert shelf.calls("Case.account") == [("Case.account", ("a1",))]


async def test_a_later_position_reads_only_what_is_not_known() -> None:
    shelf = small()
    shelf.records["Account"].append(account("a9", parent_key="a1"))
    await data(engine(shelf), '{ account(key: "a9") { name parent { name } } other: account(key: "a2") { name } }')
    assert shelf.calls("Account.key") == [("Account.key", ("a9", "a2")), ("Account.key", ("a1",))]
    shelf.asked.clear()
    await data(engine(shelf), '{ account(key: "a9") { parent { name } } other: account(key: "a1") { name } }')
    assert shelf.calls("Account.key") == [("Account.key", ("a9", "a1"))]


async def test_records_that_came_along_are_not_read_again() -> None:
    shelf = small()
    shelf.along["Case.account"] = [account("a1")]
    query = '{ node(id: "Case:c1") { ... on Ticket { account { name } } } accounts { nodes { cases { account { name } } } } }'
    shelf.delays["Case.key"] = 0.02
    await data(engine(shelf), query)
    assert shelf.calls("Account.key") == []


async def test_accounts_of_a_list_are_not_read_again_by_key() -> None:
    shelf = small()
    await data(engine(shelf), "{ accounts { nodes { cases { account { name } } } } }")
    assert shelf.calls("Account.key") == []


async def test_judging_asks_for_an_account_once_for_all_rows() -> None:
    shelf = small()
    over = engine(shelf, policies(AGENT).granted)
    shown = await data(over, "{ bills { nodes { key } } }", who("agent"))
    assert [each["key"] for each in shown["bills"]["nodes"]] == ["b11", "b12", "b21", "b22"]
    assert shelf.calls("Account.key") == [("Account.key", ("a1", "a2", "a3"))]


async def test_judging_takes_what_the_answer_has_read_and_the_answer_asks_for_itself() -> None:
    shelf = small()
    over = engine(shelf, policies(AGENT).granted)
    await data(over, '{ account(key: "a1") { bills { nodes { key } } cases { key } } }', who("agent"))
    assert shelf.calls("Account.key") == [("Account.key", ("a1",))]
    shelf.asked.clear()
    await data(over, '{ bill(key: "b11") { account { name } } }', who("agent"))
    assert shelf.calls("Account.key") == [("Account.key", ("a1",))] * 2


async def test_a_reader_with_one_call_a_parent_judges_however_many_rows_there_are() -> None:
    shelf = small()
    shelf.capabilities["Account.key"] = Capability(fan_out=True)
    shelf.records["Account"] = [account(f"x{at:02}") for at in range(30)]
    shelf.records["Bill"] = [bill(f"b{at:02}", f"x{at:02}") for at in range(30)]
    shown = await data(engine(shelf, policies(AGENT).granted), "{ bills(first: 50) { nodes { key } } }", who("agent"))
    assert len(shown["bills"]["nodes"]) == 30
    assert [len(keys) for _, keys in shelf.calls("Account.key")] == [25, 5]


async def test_a_place_that_is_planned_late_asks_nothing_twice() -> None:
    shelf = small()
    shelf.delays = {"Product.key": 0.02, "Case.key": 0.005}
    query = '{ bill(key: "b11") { product { title } } node(id: "Bill:b11") { ... on Invoice { product { title } } } }'
    await data(engine(shelf), query)
    assert shelf.calls("Product.key") == [("Product.key", ("p1",))]


async def test_answers_of_a_computation_are_judged_together() -> None:
    shelf = small()
    shelf.records["Account"] += [account("o1", "XX"), account("o2", "XX")]
    principal = who("agent", regions=("DE", "XX"))
    over = engine(shelf, policies(AGENT).granted)
    shown = await data(over, '{ accounts(filter: {region: ["DE"]}) { nodes { key firstCase { key } } } }', principal)
    assert [each["firstCase"] for each in shown["accounts"]["nodes"]] == [{"key": "x"}] * 2
    assert shelf.calls("Account.key") == [("Account.key", ("o1", "o2"))]


async def test_a_single_link_with_a_row_and_an_error_shows_both_and_what_hangs_below() -> None:
    shelf = small()
    shelf.broken_keys["Account.key", "a1"] = Unavailable("half of it is down", source="crm")
    body = await answer(engine(shelf), '{ bill(key: "b11") { account { name cases { key } } } }')
    assert body["data"] == {"bill": {"account": {"name": "name of a1", "cases": [{"key": "c1"}]}}}
    assert codes(body) == [("SOURCE_UNAVAILABLE", ["bill", "account"])]


async def test_a_failing_key_is_an_error_at_its_place_and_the_others_are_shown() -> None:
    shelf = small()
    shelf.records["Case"] = [each for each in shelf.records["Case"] if each.key != "c2"]
    shelf.broken_keys["Case.account", "a2"] = Unavailable("no answer", source="desk")
    body = await answer(engine(shelf), "{ accounts { nodes { cases { key } } } }")
    assert body["data"] == {
        "accounts": {"nodes": [{"cases": [{"key": "c1"}]}, {"cases": None}, {"cases": [{"key": "c3"}]}]}
    }
    assert codes(body) == [("SOURCE_UNAVAILABLE", ["accounts", "nodes", 1, "cases"])]


@pytest.mark.parametrize(("parents", "refused"), [(25, False), (26, True)])
async def test_more_than_25_parents_of_a_reader_with_one_call_a_parent_are_refused(parents: int, refused: bool) -> None:
    shelf = small()
    shelf.records["Account"] = [account(f"x{at:02}") for at in range(parents)]
    shelf.capabilities["Case.account"] = Capability(fan_out=True)
    body = await answer(engine(shelf), "{ accounts(first: 100) { nodes { key cases { key } } } }")
    assert bool(shelf.calls("Case.account")) is not refused
    assert len(body["data"]["accounts"]["nodes"]) == parents
    if refused:
        assert "26 parents are more than 25" in body["errors"][0]["message"]
        assert {code for code, _ in codes(body)} == {"BAD_INPUT"}


async def test_a_read_that_was_not_declared_is_an_error_and_asks_nothing() -> None:
    shelf = small()
    body = await answer(engine(shelf), '{ account(key: "a1") { curious } }')
    assert codes(body) == [("INTERNAL", ["account", "curious"])]
    assert shelf.calls("Case.account") == []


async def test_no_key_is_no_call() -> None:
    shelf = small()
    assert await data(engine(shelf), '{ account(key: "a1") { parent { name } } }') == {"account": {"parent": None}}
    assert shelf.calls() == [("Account.key", ("a1",))]


async def test_operations_side_by_side_share_nothing() -> None:
    shelf = small()
    over = engine(shelf)
    query = "query($key: ID!) { account(key: $key) { name bills { nodes { key } } } }"
    shown = await asyncio.gather(*(data(over, query, key=f"a{at}") for at in (1, 2, 3)))
    assert [each["account"]["name"] for each in shown] == ["name of a1", "name of a2", "name of a3"]
    assert [each["account"]["bills"]["nodes"][0]["key"] for each in shown] == ["b11", "b21", "b31"]
    assert len(shelf.calls("Account.key")) == 3
