"""What the grants cut makes no call and is told once; what they mask is told, and shows nothing of what it hides."""

import asyncio
from typing import Any

import pytest

from gateway.engine.answer import encode
from tests.gateway.engine.rules_of import AGENT, CHIEF, CLERK, PORTAL, Except, policies, who
from tests.gateway.engine.shop import answer, codes, data, engine
from tests.gateway.engine.stock import account, bill, case, small


async def test_a_cut_link_makes_no_call_below_a_list() -> None:
    shelf = small()
    body = await answer(
        engine(shelf, Except(Account_bills=None)),
        "{ accounts { nodes { key bills { nodes { product { title } } } } } }",
    )
    assert [each["bills"] for each in body["data"]["accounts"]["nodes"]] == [None] * 3
    assert shelf.calls() == [("Account.list", ("",))]
    assert codes(body) == [("FORBIDDEN", ["accounts", "nodes", "@"])]


async def test_a_cut_field_below_an_abstract_type_makes_no_call() -> None:
    shelf = small()
    query = '{ nodes(ids: ["Account:a1", "Case:c1", "Case:c2"]) { ... on Account { cases { key } } ... on Ticket { key account { name } } } }'
    body = await answer(engine(shelf, Except(Ticket_account=None, Account_cases=None)), query)
    assert body["data"]["nodes"] == [{"cases": None}, {"key": "c1", "account": None}, {"key": "c2", "account": None}]
    assert [index for index, _ in shelf.calls()] == ["Account.key", "Case.key"]
    assert sorted(each["extensions"]["coordinate"] for each in body["errors"]) == ["Account.cases", "Ticket.account"]
    assert codes(body) == [("FORBIDDEN", ["nodes", "@"])] * 2


async def test_a_cut_root_makes_no_call_and_leaves_the_others() -> None:
    shelf = small()
    body = await answer(
        engine(shelf, Except(Query_bills=None)), '{ bills { nodes { key } } account(key: "a1") { key } }'
    )
    assert body["data"] == {"bills": None, "account": {"key": "a1"}}
    assert shelf.calls() == [("Account.key", ("a1",))]
    assert codes(body) == [("FORBIDDEN", ["bills"])]


async def test_a_cut_computation_reads_nothing() -> None:
    shelf = small()
    await answer(engine(shelf, Except(Account_balance=None)), "{ accounts { nodes { balance } } }")
    assert shelf.calls("Bill.account") == []


async def test_a_cut_child_does_not_start_early() -> None:
    shelf = small()
    await answer(engine(shelf, Except(Account_cases=None)), '{ account(key: "a1") { cases { key } } }')
    assert shelf.calls() == [("Account.key", ("a1",))]


async def test_each_selection_of_a_cut_field_is_told_once_however_many_rows_it_has() -> None:
    query = '{ a: accounts { nodes { x: name y: name bills { nodes { payer } } } } b: account(key: "a1") { name } }'
    body = await answer(engine(small(), Except(Account_name=None, Invoice_payer=None)), query)
    assert sorted((each["extensions"]["coordinate"], each["path"]) for each in body["errors"]) == [
        ("Account.name", ["a", "nodes", "@"]),
        ("Account.name", ["b", "name"]),
        ("Invoice.payer", ["a", "nodes", "@"]),
    ]


async def test_a_cut_field_of_no_row_is_not_told() -> None:
    body = await answer(engine(small(), Except(Account_name=None)), '{ account(key: "nobody") { name } }')
    assert "errors" not in body


async def test_a_refusal_names_its_rule_to_our_own_people_only() -> None:
    rules = policies(CLERK, PORTAL, CHIEF)
    body = await answer(
        engine(small(), rules.granted), "{ accounts { nodes { domain } } bills { nodes { payer } } }", who("clerk")
    )
    assert body["data"]["accounts"]["nodes"] == []
    shelf = small()
    shelf.records["Bill"] = [bill("b1", owner="a1", legal_entity="E1")]
    query = '{ bill(key: "b1") { key payer } }'
    told = await answer(engine(shelf, rules.granted), query, who("clerk", entities=("E1",)))
    assert told["errors"][0]["extensions"]["rule"] == "clerk/pii"
    outside = await answer(
        engine(shelf, rules.granted), '{ account(key: "a1") { domain } }', who("portal", accounts=("a1",))
    )
    assert "data" not in outside
    assert "rule" not in outside["errors"][0]["extensions"]
    assert "Cannot query field 'domain' on type 'Account'" in outside["errors"][0]["message"]


async def test_a_cut_field_that_cannot_be_null_takes_its_parent_along_and_tells_no_more_than_the_refusal() -> None:
    for careful in (False, True):
        over = engine(small(), Except(Account_key=None), careful=careful)
        for _ in range(4):
            body = await answer(
                over, '{ account(key: "a1") { key name } accounts { nodes { key } pageInfo { hasNextPage } } }'
            )
            assert body["data"] == {
                "account": None,
                "accounts": {"nodes": [None] * 3, "pageInfo": {"hasNextPage": False}},
            }
            assert codes(body) == [("FORBIDDEN", ["account", "key"]), ("FORBIDDEN", ["accounts", "nodes", "@"])]


# ---------------------------------------------------------------- masks


async def test_a_mask_is_no_error_and_is_told() -> None:
    body = await answer(engine(small(), policies(AGENT).granted), '{ bill(key: "b11") { key payer } }', who("agent"))
    assert body["data"] == {"bill": {"key": "b11", "payer": "•••"}}
    assert "errors" not in body
    assert body["extensions"]["policy"] == {"masked": ["Invoice.payer"]}


async def test_a_mask_that_no_row_met_is_not_told() -> None:
    body = await answer(engine(small(), policies(AGENT).granted), '{ bill(key: "none") { payer } }', who("agent"))
    assert "policy" not in body["extensions"]


@pytest.mark.parametrize("careful", [False, True])
async def test_nothing_of_what_a_mask_hides_is_in_the_answer(careful: bool) -> None:
    shelf = small()
    shelf.records["Bill"] = [bill("b1", payer="canary-0123", tags=("canary-4567", "canary-89ab", "x"))]
    over = engine(shelf, policies(AGENT).granted, careful=careful)
    for _ in range(4):
        body = await answer(over, '{ bill(key: "b1") { payer tags } bills { nodes { p: payer tags } } }', who("agent"))
        assert body["data"]["bill"] == {"payer": "•••0123", "tags": ["•••4567", "•••89ab", "•••"]}
        assert body["extensions"]["policy"] == {"masked": ["Invoice.payer", "Invoice.tags"]}
        assert b"canary" not in encode(body)


async def test_a_mask_that_fails_is_an_error_at_its_place_that_tells_nothing() -> None:
    def fails(value: Any) -> Any:
        raise ValueError(f"cannot mask {value}")

    shelf = small()
    shelf.records["Bill"] = [bill("b1", payer="canary")]
    body = await answer(engine(shelf, Except(Invoice_payer=fails)), '{ bill(key: "b1") { key payer } }')
    assert body["data"] == {"bill": {"key": "b1", "payer": None}}
    assert codes(body) == [("INTERNAL", ["bill", "payer"])]
    assert b"canary" not in encode(body)


@pytest.mark.parametrize("careful", [False, True])
async def test_a_mask_of_an_object_hides_it_in_both_builders(careful: bool) -> None:
    shelf = small()
    shelf.records["Account"].append(account("a9", parent_key="a1"))
    shelf.records["Case"].append(case("c9", "a9"))
    grants = Except(Account_parent=lambda _: None, Account_cases=lambda _: None)
    over = engine(shelf, grants, careful=careful)
    for _ in range(4):
        shown = await data(over, '{ account(key: "a9") { parent { name } cases { key account { name } } } }')
        assert shown == {"account": {"parent": None, "cases": None}}


async def test_hiding_is_the_same_for_operations_side_by_side() -> None:
    rules = policies(AGENT, CHIEF)
    over = engine(small(), rules.granted)
    query = '{ bill(key: "b11") { payer } }'
    asked = [answer(over, query, who(role)) for role in ("agent", "chief") * 5]
    shown = [body["data"]["bill"]["payer"] for body in await asyncio.gather(*asked)]
    assert shown == ["•••", "payer 1"] * 5
