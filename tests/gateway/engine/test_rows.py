"""Rows: one that may not be seen is answered like one that is not there, by whichever way it is asked for."""

from typing import Any

import pytest

from gateway.engine.engine import Engine
from policies.principal import Principal
from sources.errors import Unavailable
from sources.ports import Capability
from tests.gateway.engine.catalog_of import Shelf
from tests.gateway.engine.rules_of import AGENT, CHIEF, CLERK, PORTAL, ROWS, policies, who
from tests.gateway.engine.shop import answer, codes, data, engine
from tests.gateway.engine.stock import account, bill, case, profile

WAYS = [
    '{ account(key: "a3") { name } }',
    '{ byName(name: "name of a3") { name } }',
    '{ byKey(key: "a3") { name bills { nodes { key } } } }',
    '{ bill(key: "b31") { key account { name } } }',
    '{ node(id: "Account:a3") { id } }',
    '{ node(id: "Bill:b31") { id } }',
    '{ nodes(ids: ["Account:a1", "Account:a3", "Bill:b31", "Bill:b11", "Case:c3"]) { __typename ... on Account { name } } }',
    "{ accounts { nodes { key parent { name } } pageInfo { hasNextPage endCursor } } }",
    "{ bills { nodes { key account { key } related { key } } edges { node { key } } pageInfo { hasNextPage endCursor } } }",
    '{ account(key: "a1") { balance cases { key } fewBills { key related { key total account { name } } } } }',
    '{ bill(key: "b11") { key related { key } } }',
]
ROLES = {
    "agent": ((AGENT,), who("agent")),
    "portal": ((PORTAL,), who("portal", accounts=("a1", "a2"))),
    "clerk": ((CLERK,), who("clerk", entities=("E1",))),
    "two roles": ((AGENT, CLERK), who("agent", "clerk", entities=("E1",))),
}


def shelf_of(*, hidden: bool) -> Shelf:
    """Two accounts that everybody of the tests sees; with the hidden ones a third, and what belongs to it. A reference
    leads there in any case."""
    seen = [account("a1", parent_key="a3"), account("a2"), profile("e1", "a1", "E1"), profile("e2", "a2", "E1")]
    seen += [bill("b11", legal_entity="E1", total=1, related=("b31", "b21")), bill("b21", "a2", legal_entity="E1")]
    seen += [case("c1"), case("c2", "a2")]
    more = [account("a3", "FR"), profile("e3", "a3", "E3"), bill("b31", "a3", legal_entity="E3"), case("c3", "a3")]
    return Shelf([*seen, *more] if hidden else seen)


def timeless(body: dict[str, Any]) -> dict[str, Any]:
    for each in body["extensions"].get("sources", []):
        each.pop("milliseconds")
    return body


@pytest.mark.parametrize("query", WAYS)
@pytest.mark.parametrize("role", ROLES)
async def test_a_hidden_row_is_answered_like_one_that_is_not_there(role: str, query: str) -> None:
    roles, principal = ROLES[role]
    rules = policies(*roles)
    bodies = [
        timeless(await answer(engine(shelf_of(hidden=each), rules.granted), query, principal)) for each in (True, False)
    ]
    assert bodies[0] == bodies[1]
    whole = await answer(engine(shelf_of(hidden=True)), query)
    assert whole["data"] != bodies[0]["data"], "without rules the row is shown: the question finds it"


@pytest.mark.parametrize("query", WAYS)
async def test_calls_tell_nothing_of_hidden_rows_where_what_is_seen_is_in_memory(query: str) -> None:
    rules = policies(AGENT)
    bodies = []
    for hidden in (True, False):
        shelf = shelf_of(hidden=hidden)
        shelf.cached = {"a1", "a2"}
        bodies.append(timeless(await answer(engine(shelf, rules.granted), query, who("agent"))))
    assert bodies[0] == bodies[1]


async def test_a_call_that_judging_a_hidden_row_saved_is_not_missed() -> None:
    query = "{ bills { nodes { account { parent { key } } } } }"
    bodies = [
        timeless(await answer(engine(shelf_of(hidden=each), policies(AGENT).granted), query, who("agent")))
        for each in (True, False)
    ]
    assert bodies[0] == bodies[1]


async def test_a_hidden_row_is_no_error_even_if_its_own_links_would_fail() -> None:
    shelf = shelf_of(hidden=True)
    shelf.faults["Case.account"] = shelf.faults["Bill.account"] = Unavailable("down")
    body = await answer(
        engine(shelf, policies(AGENT).granted), '{ byName(name: "name of a3") { cases { key } balance } }', who("agent")
    )
    assert body["data"] == {"byName": None}
    assert "errors" not in body


async def test_a_computation_reads_only_rows_that_are_seen() -> None:
    shelf = shelf_of(hidden=True)
    shelf.records["Bill"].append(bill("b12", legal_entity="E9", total=100))
    over = engine(shelf, policies(CLERK, CHIEF).granted)
    query = '{ account(key: "a1") { balance } }'
    assert await data(over, query, who("clerk", entities=("E1",))) == {"account": {"balance": 1}}
    assert await data(over, query, who("chief")) == {"account": {"balance": 101}}


async def test_records_in_lists_of_lists_are_judged_like_all_others() -> None:
    shelf = shelf_of(hidden=True)
    for _ in range(4):
        shown = await data(engine(shelf, policies(AGENT).granted), "{ grid { key account { key } } }", who("agent"))
        assert shown == {
            "grid": [[{"key": "g1", "account": {"key": "a1"}}], [None, {"key": "g2", "account": {"key": "a2"}}]]
        }
    assert [len(keys) for _, keys in shelf.calls("Account.key")[:2]] == [3, 2], "all are judged together"


# ---------------------------------------------------------------- several roles


def mixed() -> tuple[Engine, Principal]:
    """The agent sees accounts in Germany, the clerk those of entity E1; domain is the agent's, payer masked for it."""
    shelf = Shelf(
        [
            account("by-both", domain="both.example"),
            account("by-agent", domain="agent.example"),
            account("by-clerk", "FR", domain="clerk.example"),
            account("by-none", "FR"),
            profile("e1", "by-both", "E1"),
            profile("e2", "by-clerk", "E1"),
            bill("of-both", "by-both", legal_entity="E1", payer="payer 01234"),
            bill("of-agent", "by-agent", legal_entity="E9", payer="payer 56789"),
            bill("of-clerk", "by-clerk", legal_entity="E1", payer="payer abcde"),
            bill("of-none", "by-none", legal_entity="E9"),
        ]
    )
    return engine(shelf, policies(AGENT, CLERK).granted), who("agent", "clerk", entities=("E1",))


async def test_fields_of_one_role_are_not_combined_with_rows_of_another() -> None:
    over, principal = mixed()
    for _ in range(4):
        body = await answer(over, "{ accounts { nodes { key domain } } }", principal)
        assert [(each["key"], each["domain"]) for each in body["data"]["accounts"]["nodes"]] == [
            ("by-agent", "agent.example"),
            ("by-both", "both.example"),
            ("by-clerk", None),
        ]
        assert codes(body) == [("FORBIDDEN", ["accounts", "nodes", "@"])]


async def test_masks_are_those_of_the_roles_that_see_the_row() -> None:
    over, principal = mixed()
    body = await answer(over, "{ bills { nodes { key payer } } }", principal)
    shown = {each["key"]: each["payer"] for each in body["data"]["bills"]["nodes"]}
    assert shown == {"of-both": "•••1234", "of-agent": "•••6789", "of-clerk": None}
    assert body["extensions"]["policy"] == {"masked": ["Invoice.payer"]}


async def test_a_list_of_several_types_and_roles_keeps_its_order() -> None:
    over, principal = mixed()
    query = """{ nodes(ids: ["Bill:of-clerk", "Account:by-agent", "Bill:of-none", "Account:by-clerk", "Bill:of-both"]) {
        ... on Account { key domain } ... on Invoice { key payer account { key domain } } } }"""
    for _ in range(4):
        body = await answer(over, query, principal)
        assert body["data"]["nodes"] == [
            {"key": "of-clerk", "payer": None, "account": {"key": "by-clerk", "domain": None}},
            {"key": "by-agent", "domain": "agent.example"},
            None,
            {"key": "by-clerk", "domain": None},
            {"key": "of-both", "payer": "•••1234", "account": {"key": "by-both", "domain": "both.example"}},
        ]


async def test_a_row_that_every_role_sees_shows_the_fields_of_every_role_wherever_it_hangs() -> None:
    over, principal = mixed()
    over.catalog.records["Account"].append(account("below", "FR", parent_key="by-both"))  # type: ignore[attr-defined]
    over.catalog.records["BillingProfile"].append(profile("e9", "below", "E1"))  # type: ignore[attr-defined]
    for root in ('account(key: "below")', 'byName(name: "name of below")'):
        shown = await data(over, f"{{ root: {root} {{ parent {{ key domain }} }} }}", principal)
        assert shown["root"] == {"parent": {"key": "by-both", "domain": "both.example"}}


async def test_a_row_judged_by_its_account_shows_the_fields_of_every_role_wherever_it_hangs() -> None:
    owner = PORTAL.replace("portal:", "owner:").replace("external", "internal")
    shelf = Shelf(
        [
            account("by-agent"),
            account("by-both"),
            bill("above", "by-agent", related=("below",), payer="payer 01234"),
            bill("below", "by-both", payer="payer 56789"),
        ]
    )
    over = engine(shelf, policies(AGENT, owner).granted)
    principal = who("agent", "owner", accounts=("by-both",))
    shown = await data(over, '{ bill(key: "above") { payer related { payer } } }', principal)
    assert shown == {"bill": {"payer": "•••1234", "related": [{"payer": "payer 56789"}]}}


# ---------------------------------------------------------------- what cannot be judged


async def test_our_own_people_are_told_why_a_row_cannot_be_judged() -> None:
    shelf = shelf_of(hidden=True)
    shelf.faults["Account.key"] = Unavailable("the CRM is down", source="crm")
    over = engine(shelf, policies(AGENT).granted)
    body = await answer(
        over, '{ bill(key: "b11") { key } bills { nodes { key } } account(key: "a1") { key } }', who("agent")
    )
    assert body["data"] == {"bill": None, "bills": {"nodes": []}, "account": None}
    assert {code for code, _ in codes(body)} == {"SOURCE_UNAVAILABLE"}
    assert sorted(path for _, path in codes(body)) == [["account"], ["bill"], ["bills"]]


async def test_outsiders_see_nothing_where_a_row_cannot_be_judged() -> None:
    bodies = []
    for hidden in (True, False):
        shelf = shelf_of(hidden=hidden)
        shelf.faults["Account.key"] = Unavailable("the CRM is down", source="crm")
        over = engine(shelf, policies(PORTAL.replace("own", "region")).granted)
        bodies.append(
            timeless(await answer(over, '{ bill(key: "b31") { key } node(id: "Bill:b31") { id } }', who("portal")))
        )
    assert bodies[0] == bodies[1]
    assert bodies[0]["data"] == {"bill": None, "node": None}
    assert "errors" not in bodies[0]


async def test_our_own_people_are_told_why_the_facts_of_an_account_cannot_be_judged() -> None:
    shelf = shelf_of(hidden=True)
    shelf.faults["BillingProfile.account"] = Unavailable("the ERP is down", source="erp")
    over = engine(shelf, policies(CLERK).granted)
    query = '{ node(id: "Case:c1") { key } account(key: "a1") { key cases { key } } }'
    for _ in range(2):
        body = await answer(over, query, who("clerk", entities=("E1",)))
        assert body["data"] == {"node": None, "account": None}
        assert sorted(codes(body)) == [("SOURCE_UNAVAILABLE", ["account"]), ("SOURCE_UNAVAILABLE", ["node"])]


async def test_what_cannot_be_judged_in_one_place_is_an_error_in_every_place() -> None:
    shelf = shelf_of(hidden=True)
    shelf.faults["BillingProfile.account"] = Unavailable("the ERP is down", source="erp")
    over = engine(shelf, policies(CLERK).granted)
    query = '{ a: nodes(ids: ["Case:c1"]) { __typename } b: nodes(ids: ["Account:a1", "Case:c1"]) { __typename } }'
    body = await answer(over, query, who("clerk", entities=("E1",)))
    assert sorted(path for _, path in codes(body)) == [["a", 0], ["b", 0], ["b", 1]]


async def test_facts_of_an_account_that_is_not_there_are_not_asked() -> None:
    rows = ROWS.replace('"row.legalEntity in user.entities"', '"account.legalEntities overlaps user.entities"')
    shelf = shelf_of(hidden=False)
    shelf.records["Bill"].append(bill("b41", "gone"))
    shelf.records["Case"].append(case("c4", "gone"))
    shelf.records["BillingProfile"].append(profile("e4", "gone", "E1"))
    shelf.broken_keys["BillingProfile.account", "gone"] = Unavailable("the ERP is down", source="erp")
    over = engine(shelf, policies(CLERK, rows=rows).granted)
    principal = who("clerk", entities=("E1",))
    query = '{ bills { nodes { key } } nodes(ids: ["Case:c4", "Bill:b41"]) { __typename } }'
    assert await data(over, query, principal) == {
        "bills": {"nodes": [{"key": "b11"}, {"key": "b21"}]},
        "nodes": [None, None],
    }
    asked = {key for _, keys in shelf.calls("BillingProfile.account") for key in keys}
    assert asked == {"a1", "a2"}
    shelf.records["BillingProfile"].pop()
    shelf.delays["Case.key"] = 0.01
    body = await answer(over, '{ account(key: "gone") { key } node(id: "Case:c4") { key } }', principal)
    assert body["data"] == {"account": None, "node": None}
    assert codes(body) == [("SOURCE_UNAVAILABLE", ["account"])], "as if it were there and could not be judged"


async def test_rows_of_an_account_that_cannot_be_judged_are_an_error_whichever_way_they_are_asked_for() -> None:
    shelf = shelf_of(hidden=True)
    shelf.broken_keys["BillingProfile.account", "a1"] = Unavailable("the ERP is down", source="erp")
    shelf.records["BillingProfile"] = [each for each in shelf.records["BillingProfile"] if each.key != "e1"]
    over = engine(shelf, policies(CLERK, AGENT.replace("region", "own")).granted)
    principal = who("clerk", "agent", entities=("E1",))
    query = '{ nodes(ids: ["Case:c1", "Case:c2", "Case:c3"]) { __typename } again: node(id: "Case:c1") { key } }'
    body = await answer(over, query, principal)
    assert body["data"] == {"nodes": [None, {"__typename": "Ticket"}, None], "again": None}
    assert sorted(codes(body), key=str) == [("SOURCE_UNAVAILABLE", ["again"]), ("SOURCE_UNAVAILABLE", ["nodes", 0])]


async def test_rows_are_judged_again_although_the_source_filtered_them() -> None:
    shelf = shelf_of(hidden=True)
    shelf.capabilities["Account.list"] = Capability(filters={"region": ("in",)})
    answered = shelf.read

    async def careless(ask: Any) -> Any:
        reading = await answered(ask)
        for rows in reading.rows.values():
            rows.records = [*rows.records, *(each for each in shelf.records["Account"] if each.key == "a3")]
        return reading

    shelf.read = careless  # type: ignore[method-assign]
    shown = await data(engine(shelf, policies(AGENT).granted), "{ accounts { nodes { key } } }", who("agent"))
    assert [each["key"] for each in shown["accounts"]["nodes"]] == ["a1", "a2"]
