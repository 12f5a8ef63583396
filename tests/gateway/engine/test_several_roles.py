"""Several roles: the fields of one are never combined with the rows of another, along links as little as in one row."""

from gateway.engine.engine import Engine
from policies.principal import Principal
from sources.errors import Unavailable
from sources.ports import Ask, Capability, Reading
from tests.gateway.engine.catalog_of import Shelf
from tests.gateway.engine.rules_of import AGENT, CHIEF, CLERK, ROWS, policies, who
from tests.gateway.engine.shop import answer, codes, data, engine
from tests.gateway.engine.stock import account, bill, case, profile


def refused(role: str, *coordinates: str) -> str:
    """A role without some fields."""
    listed = ", ".join(f'"{each}": deny' for each in coordinates)
    return role.replace("  rows:", f"  fields: {{{listed}}}\n  rows:")


NO_BILLS = refused(AGENT, "Account.bills", "Account.fewBills", "Account.balance", "Query.bills")
"""The agent sees bills of accounts in Germany, but is led to them by nothing but their key."""
ENTITY = ROWS.replace(
    '    Account: "row.legalEntities overlaps user.entities"', '    Account: "row.key in user.accounts"'
)
"""Accounts of its own for the clerk, so that a bill may be the agent's alone below an account that both see."""


def books() -> Shelf:
    return Shelf(
        [
            account("a1"),
            account("a2", "FR", parent_key="a1"),
            bill("theirs", "a1", legal_entity="E9", total=1, payer="payer 01234"),
            bill("ours", "a1", legal_entity="E1", total=10, related=("theirs",), payer="payer 56789"),
            case("c1", "a1"),
        ]
    )


def over_books(shelf: Shelf | None = None, agent: str = NO_BILLS) -> tuple[Engine, Principal]:
    over = engine(shelf or books(), policies(agent, CLERK, rows=ENTITY).granted)
    return over, who("agent", "clerk", entities=("E1",), accounts=("a1", "a2"))


async def test_a_list_granted_by_one_role_shows_no_rows_that_only_another_sees() -> None:
    over, principal = over_books()
    query = '{ account(key: "a1") { bills { nodes { key } } fewBills { key } } bills { nodes { key } } }'
    for _ in range(4):
        shown = await data(over, query, principal)
        assert shown == {
            "account": {"bills": {"nodes": [{"key": "ours"}]}, "fewBills": [{"key": "ours"}]},
            "bills": {"nodes": [{"key": "ours"}]},
        }


async def test_it_is_the_same_where_everything_is_in_memory() -> None:
    shelf = books()
    shelf.cached = {"a1", "a2", "ours", "theirs"}
    over, principal = over_books(shelf)
    for _ in range(3):
        shown = await data(over, '{ account(key: "a1") { fewBills { key } bills { nodes { key } } } }', principal)
        assert shown["account"] == {"fewBills": [{"key": "ours"}], "bills": {"nodes": [{"key": "ours"}]}}


async def test_a_row_that_one_field_leaves_out_shows_where_another_leads_to_it() -> None:
    over, principal = over_books()
    query = '{ account(key: "a1") { fewBills { key related { key payer } } } bill(key: "theirs") { key payer } }'
    shown = await data(over, query, principal)
    assert shown["bill"] == {"key": "theirs", "payer": "•••1234"}
    (ours,) = shown["account"]["fewBills"]
    assert ours == {"key": "ours", "related": [{"key": "theirs", "payer": "•••1234"}]}, (
        "the agent grants `related`, too"
    )


async def test_roles_that_grant_the_same_field_do_not_lead_each_other_to_rows_from_rows_of_their_own() -> None:
    """Both grant `related`; the clerk alone sees the bill that it starts from, the agent alone the one it leads to."""
    shelf = Shelf(
        [
            account("fr", "FR"),
            account("de"),
            bill("from", "fr", legal_entity="E1", related=("to", "too")),
            bill("to", "de", legal_entity="E9"),
            bill("too", "de", legal_entity="E1"),
        ]
    )
    over, _ = over_books(shelf, AGENT)
    shown = await data(
        over, '{ bill(key: "from") { related { key } } }', who("agent", "clerk", entities=("E1",), accounts=("fr",))
    )
    assert shown == {"bill": {"related": [{"key": "too"}]}}


async def test_a_computation_of_one_role_counts_no_rows_of_another() -> None:
    over, principal = over_books()
    assert await data(over, '{ account(key: "a1") { balance } }', principal) == {"account": {"balance": 10}}
    both, _ = over_books(agent=AGENT)
    assert await data(both, '{ account(key: "a1") { balance } }', principal) == {"account": {"balance": 11}}


async def test_a_count_is_that_of_the_roles_that_grant_the_list() -> None:
    shelf = books()
    shelf.capabilities["Bill.list"] = Capability(filters={"legal_entity": ("in",)})
    over = engine(shelf, policies(NO_BILLS, CLERK, rows=ENTITY.replace("    via: account\n  own", "  own")).granted)
    principal = who("agent", "clerk", entities=("E1",), accounts=("a1",))
    shown = await data(over, "{ bills { totalCount nodes { key } } }", principal)
    assert shown == {"bills": {"totalCount": 1, "nodes": [{"key": "ours"}]}}


class Remembering(Shelf):
    """All of it is in memory."""

    recalls = True

    def recall(self, ask: Ask) -> Reading:
        return self._answer(ask, f"{ask.record.__name__}.{ask.by}")


async def test_a_count_is_told_from_memory_as_it_is_by_the_source() -> None:
    counts = []
    for shelf in (books(), Remembering([each for rows in books().records.values() for each in rows])):
        over = engine(shelf, policies(NO_BILLS, CHIEF, rows=ENTITY).granted)
        shown = await data(over, '{ account(key: "a1") { bills { totalCount } } }', who("agent", "chief"))
        counts.append(shown["account"]["bills"]["totalCount"])
    assert counts == [2, 2]


async def test_what_cannot_be_judged_for_the_roles_that_grant_a_field_is_an_error_not_an_absence() -> None:
    shelf = Shelf([account("a1"), profile("e1", "a1", "E1"), case("c1", "a1")])
    shelf.faults["BillingProfile.account"] = Unavailable("the ERP is down", source="erp")
    over = engine(shelf, policies(refused(AGENT, "Query.node"), CLERK).granted)
    principal = who("agent", "clerk", entities=("E1",))
    for query in ('{ node(id: "Case:c1") { key } }', '{ account(key: "a1") { key } node(id: "Case:c1") { key } }'):
        body = await answer(over, query, principal)
        assert body["data"]["node"] is None
        assert codes(body) == [("SOURCE_UNAVAILABLE", ["node"])]


async def test_a_row_left_out_is_as_if_it_were_not_there() -> None:
    shown = []
    for hidden in (True, False):
        shelf = books()
        if not hidden:
            shelf.records["Bill"] = [each for each in shelf.records["Bill"] if each.key != "theirs"]
        over, principal = over_books(shelf)
        body = await answer(
            over, '{ account(key: "a1") { balance fewBills { key } bills { nodes { key } } } }', principal
        )
        for each in body["extensions"].get("sources", []):
            each.pop("milliseconds")
        shown.append(body)
    assert shown[0] == shown[1]
