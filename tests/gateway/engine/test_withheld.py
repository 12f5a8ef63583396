"""What is withheld goes on record: which field, by which rule, of which rows; and nothing of what nobody asked for."""

from typing import Any

import pytest

from gateway.telemetry.accesses import MOST_KEYS, Access, Withheld, merged
from tests.gateway.engine.catalog_of import Shelf
from tests.gateway.engine.rules_of import AGENT, CHIEF, CLASSES, CLERK, PORTAL, Except, policies, who
from tests.gateway.engine.shop import answer, engine
from tests.gateway.engine.stock import account, bill, small

AUDITED = CLASSES.replace("billing]\n", "billing]\naudited: [pii, billing]\n", 1).replace(
    '"Item.*"', '"Account.industry": billing\n  "Item.*"'
)


class Record(list[Access]):
    """Keeps what it is told."""

    def take(self) -> list[Withheld]:
        """What the one operation since the last time withheld."""
        (access,) = self
        self.clear()
        return merged(access.tell(()))


def rules(*roles: str) -> Any:
    return policies(*roles, classes=AUDITED).granted


@pytest.fixture
def record() -> Record:
    return Record()


@pytest.mark.parametrize("careful", [False, True])
async def test_a_masked_field_is_on_record_with_its_rule_and_its_rows(record: Record, careful: bool) -> None:
    over = engine(small(), rules(AGENT), record=record.append, careful=careful)
    for _ in range(4):  # by either builder
        await answer(over, "query Bills { accounts { nodes { bills { nodes { payer tags } } } } }", who("agent"))
        (access,) = record
        assert (access.correlation_id, access.operation, access.principal.subject) == ("cid", "Bills", "ada")
        rows = tuple(f"b{at}{part}" for at in (1, 2) for part in (1, 2))
        assert record.take() == [
            Withheld("Invoice.payer", "masked", "agent/pii", "pii", 4, "Invoice", rows),
            Withheld("Invoice.tags", "masked", "agent/pii", "pii", 4, "Invoice", rows),
            Withheld("Account", "hidden", "agent/rows", "billing", 1, "Account", ("a3",)),
        ]


async def test_a_refused_link_is_on_record_with_the_rows_that_it_was_asked_of(record: Record) -> None:
    over = engine(small(), Except(Account_bills=None), record=record.append)
    await answer(
        over,
        '{ a: accounts { nodes { bills { nodes { payer } } } } b: account(key: "a1") { bills { nodes { key } } } }',
    )
    keys = ("a1", "a2", "a3")
    assert record.take() == [Withheld("Account.bills", "denied", "hand-written", "pii", 4, "Account", keys)]


async def test_a_refused_root_has_no_rows(record: Record) -> None:
    await answer(engine(small(), Except(Query_bills=None), record=record.append), "{ bills { nodes { key } } }")
    assert record.take() == [Withheld("Query.bills", "denied", "hand-written", "pii", 1)]


async def test_places_below_links_abstract_types_and_pages_are_all_found(record: Record) -> None:
    over = engine(small(), Except(Invoice_payer=lambda _: "•"), record=record.append)
    query = """{
      bill(key: "b11") { payer }
      nodes(ids: ["Bill:b12", "Case:c1"]) { ... on Invoice { payer } }
      account(key: "a2") { fewBills { payer } parent { key } }
      bills(first: 1) { edges { node { payer } } }
      accounts(first: 1) { nodes { bills { edges { node { payer } } } } }
    }"""
    for _ in range(4):
        await answer(over, query)
        (found,) = record.take()
        assert (found.coordinate, found.rows) == ("Invoice.payer", 1 + 1 + 2 + 1 + 2)
        assert sorted(found.keys) == ["b11", "b12", "b21", "b22"]


async def test_of_many_rows_all_are_counted_and_the_first_are_named(record: Record) -> None:
    shelf = small()
    shelf.records["Bill"] = [bill(f"b{at:03}") for at in range(MOST_KEYS + 20)]
    over = engine(shelf, Except(Invoice_payer=None), record=record.append)
    await answer(over, "{ a: bills(first: 100) { nodes { payer } } b: bills(first: 100) { nodes { payer } } }")
    (found,) = record.take()
    assert (found.rows, len(found.keys)) == (200, MOST_KEYS)


@pytest.mark.parametrize(
    "query",
    [
        "{ accounts { nodes { key name } } }",
        '{ bill(key: "nobody") { payer } }',
        '{ bill(key: "b11") { key payer @skip(if: true) } }',
        '{ account(key: "a1") { domain } }',
    ],
    ids=["nothing of it asked", "no row", "left out", "a class that is not audited"],
)
async def test_what_is_not_withheld_is_not_on_record(record: Record, query: str) -> None:
    over = engine(small(), rules(AGENT, CLERK), record=record.append)
    for role in ("agent", "clerk") if "domain" in query else ("agent",):
        await answer(over, query, who(role, regions=("DE", "FR")))
    assert [each for access in record for each in access.tell(()) if each.how != "hidden"] == []


async def test_a_hidden_row_that_was_asked_for_is_on_record_and_what_judged_it_is_not(record: Record) -> None:
    over = engine(small(), rules(AGENT), record=record.append)
    body = await answer(over, '{ bill(key: "b31") { key } }', who("agent"))
    assert body["data"] == {"bill": None}
    assert record.take() == [Withheld("Invoice", "hidden", "agent/rows", "billing,pii", 1, "Invoice", ("b31",))]


@pytest.mark.parametrize("root", ["account", "byKey"])
async def test_below_a_hidden_row_nothing_is_on_record_whatever_was_under_way_for_it(record: Record, root: str) -> None:
    over = engine(small(), rules(AGENT), record=record.append)
    query = '{ %s(key: "%s") { bills { nodes { key } } } }'
    await answer(over, query % (root, "a3"), who("agent"))
    assert [(each.coordinate, each.rows) for each in record.take()] == [("Account", 1)]
    await answer(over, query % (root, "a1"), who("agent"))
    assert not record


async def test_children_that_started_early_are_on_record_when_their_row_is_there(record: Record) -> None:
    shelf = small()
    shelf.records["Bill"] = [bill("b1", "a1", legal_entity="E1"), bill("b2", "a1", legal_entity="E2")]
    shelf.records["Account"] = [account("a1")]
    over = engine(shelf, rules(AGENT, CLERK), record=record.append)
    who_sees = who("agent", "clerk", entities=("E1",), regions=("FR",))
    await answer(over, '{ account(key: "a1") { bills { nodes { key } } } }', who_sees)
    assert [(each.coordinate, each.keys) for each in record.take()] == [("Account", ("a1",))]


@pytest.mark.parametrize(
    ("query", "coordinate"),
    [
        ('{ bills(filter: {payer: "x"}) { nodes { key } } }', "Invoice.payer"),
        ("{ bills(orderBy: {field: PAYER}) { nodes { key } } }", "Invoice.payer"),
    ],
    ids=["filter", "order"],
)
async def test_filtering_and_ordering_by_what_one_may_not_read_is_on_record(
    record: Record, query: str, coordinate: str
) -> None:
    over = engine(small(), rules(CLERK), record=record.append)
    for _ in range(4):
        body = await answer(over, query, who("clerk", entities=("E1",)))
        assert body["errors"][0]["extensions"]["code"] == "FORBIDDEN"
        assert record.take() == [Withheld(coordinate, "denied", "clerk/pii", "pii", 0)]


async def test_outsiders_are_told_of_no_rule_and_the_record_is(record: Record) -> None:
    masked = PORTAL.replace("pii: allow", "pii: {mask: redact}")
    over = engine(small(), rules(masked, CHIEF), record=record.append)
    body = await answer(over, '{ bill(key: "b11") { payer } }', who("portal", accounts=("a1",)))
    assert "portal/pii" not in str(body)
    assert [each.rule for each in record.take()] == ["portal/pii"]


async def test_what_another_role_shows_whole_is_not_withheld(record: Record) -> None:
    shelf = small()
    shelf.records["Bill"] = [bill("b1", "a1", legal_entity="E1"), bill("b2", "a1", legal_entity="E2")]
    over = engine(shelf, rules(CHIEF, AGENT), record=record.append)
    await answer(over, '{ account(key: "a1") { bills { nodes { payer } } } }', who("agent", "chief"))
    assert not record  # the chief sees every row whole


async def test_rows_of_a_source_whose_zone_forbids_it_are_counted_and_not_named(record: Record) -> None:
    over = engine(small(), rules(AGENT), record=record.append)
    await answer(over, "{ accounts { nodes { bills { nodes { payer } } } } }", who("agent"))
    (access,) = record
    assert [(each.coordinate, each.rows, each.keys) for each in access.tell({"billing"})] == [
        ("Invoice.payer", 4, ()),
        ("Account", 1, ("a3",)),
    ]


AUDITOR = AGENT.replace("agent:", "auditor:").replace("rows: [region]", "reads: recorded\n  rows: all")


@pytest.mark.parametrize("careful", [False, True])
async def test_every_read_of_a_recorded_role_is_one_record_by_coordinate_and_count(
    record: Record, careful: bool
) -> None:
    over = engine(small(), rules(AUDITOR, CHIEF), record=record.append, careful=careful)
    query = "query Bills { accounts { nodes { __typename name bills { nodes { status payer } } } } }"
    for _ in range(4):  # by either builder
        await answer(over, query, who("auditor"))
        told = record.take()
        assert {each.coordinate: each.rows for each in told if each.how == "read"} == {
            "Query.accounts": 1,
            "AccountConnection.nodes": 1,
            "Account.name": 3,
            "Account.bills": 3,
            "InvoiceConnection.nodes": 3,
            "Invoice.status": 6,
            "Invoice.payer": 6,
        }
        assert [(each.coordinate, each.rows) for each in told if each.how == "masked"] == [("Invoice.payer", 6)]
        assert all(each.keys == () for each in told if each.how == "read")
    await answer(over, query, who("chief"))
    assert list(record) == [], "what others are shown is on no record"
    await answer(over, "{ accounts { nodes { name } } }", who("chief", "auditor"))
    assert [each.coordinate for each in record.take()] == ["Query.accounts", "AccountConnection.nodes", "Account.name"]


@pytest.mark.parametrize("asked", ["", " pageInfo { hasNextPage }"])
async def test_a_hidden_row_behind_a_page_is_not_put_on_record(asked: str) -> None:
    """Nobody asked for it, though somebody may have looked there; one that was in the way is."""
    behind = Shelf([account("a1"), account("a3", "FR"), bill("b0"), bill("b1"), bill("c", "a3"), bill("d")])
    within = Shelf([account("a1"), account("a3", "FR"), bill("b0"), bill("c", "a3"), bill("d"), bill("e", "a3")])
    for shelf, keys in ((behind, []), (within, [("c",)])):
        record = Record()
        query = f"{{ bills(first: 2) {{ nodes {{ key }}{asked} }} }}"
        await answer(engine(shelf, rules(AGENT), record=record.append), query, who("agent"))
        assert [each.keys for access in record for each in access.tell(())] == keys
