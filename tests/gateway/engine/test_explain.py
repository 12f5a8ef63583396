"""Explain: a plan as a tree, with its keys, calls, cuts, masks and row rules; nothing is asked."""

from typing import Any

from gateway.engine.engine import Question
from gateway.engine.explain import explain, lines, worst_calls
from sources.ports import Capability
from tests.gateway.engine.catalog_of import SYSTEMS, Shelf
from tests.gateway.engine.rules_of import AGENT, CLERK, PORTAL, Except, policies, who
from tests.gateway.engine.shop import ADA, engine


class Owner:
    """Whoever owns a class of records; cases of an account are read one by one."""

    def __init__(self, record: type) -> None:
        self.name = SYSTEMS[record.__name__]
        self.capabilities = {
            (record, by): Capability(fan_out=(record.__name__, by) == ("Case", "account"))
            for by in ("key", "account", "list")
        }


class Owned(Shelf):
    def owners(self, record: type) -> tuple[Owner, ...]:
        return (Owner(record),)


def explained(query: str, grants: Any = None, principal: Any = ADA) -> list[str]:
    over = engine(Owned(), grants)
    tree = explain(over.plan(Question(query), principal), over.graph.types, over.catalog)
    assert over.catalog.asked == []  # type: ignore[attr-defined]
    return list(lines(tree))


def test_a_plan_is_a_tree_of_links_with_their_keys_and_calls() -> None:
    assert explained(
        'query Look { account(key: "a1") { name bills { nodes { key product { title } } } balance } }'
    ) == [
        "query Look  as everybody  8 fields  costs at most 82  customer360: 4 s in lane portal  at most 4 calls",
        "└─ account  Account by the argument  [crm: 1 call]  its links start with it where the arguments tell its key",
        "   ├─ name",
        "   ├─ bills  Bill by account = key  [billing: 1 call]",
        "   │  └─ nodes",
        "   │     ├─ key",
        "   │     └─ product  Product by key = product_key  [billing: 1 call]",
        "   │        └─ title",
        "   └─ balance  computed from Bill by account",
    ]


def test_a_reader_with_one_call_a_parent_counts_each_parent_up_to_25() -> None:
    for first, calls in ((10, 11), (25, 26), (100, 26)):
        over = engine(Owned())
        plan = over.plan(Question(f"{{ accounts(first: {first}) {{ nodes {{ cases {{ key }} }} }} }}"), ADA)
        assert worst_calls(explain(plan, over.graph.types, over.catalog)) == calls


def test_what_the_rules_cut_and_mask_is_told_with_its_line() -> None:
    rules = policies(AGENT, CLERK)
    query = '{ bill(key: "b1") { payer tags } }'
    as_agent = "\n".join(explained(query, rules.granted, who("agent")))
    assert "payer  mask last4: agent/pii (rules/roles.yaml:3)" in as_agent
    as_clerk = "\n".join(explained(query, rules.granted, who("clerk")))
    assert "tags  cut: clerk/pii (rules/roles.yaml:7)" in as_clerk


def test_a_cut_link_has_nothing_below_and_no_calls() -> None:
    told = explained('{ account(key: "a1") { bills { nodes { product { title } } } } }', Except(Account_bills=None))
    assert told[0].endswith("at most 1 calls")
    assert told[-1] == "   └─ bills  cut: hand-written"


def test_row_rules_are_those_of_the_type_and_not_of_the_record() -> None:
    rules = policies(AGENT, CLERK)
    query = '{ bill(key: "b1") { product { title } account { key } } }'
    as_clerk = explained(query, rules.granted, who("clerk"))
    assert "rows: by legal_entity" in as_clerk[1]
    assert "rows:" not in as_clerk[2], "products are for everybody"
    as_agent = explained(query, rules.granted, who("agent"))
    assert "rows: by the account that owns them" in as_agent[1]
    assert "rows: by region" in as_agent[4]


def test_what_judging_may_read_is_told_with_its_calls() -> None:
    rules = policies(AGENT, CLERK)
    query = '{ account(key: "a1") { cases { key } balance } }'
    as_agent = explained(query, rules.granted, who("agent"))
    assert as_agent[0].endswith("at most 3 calls and 2 to judge rows")
    assert "rows: by region" in as_agent[1]
    assert " from " not in as_agent[1], "an account is judged by itself"
    assert "rows: by the account that owns them, from Account by key [crm: 1 call]" in as_agent[2]
    assert as_agent[4].endswith("computed from Bill by account  rows judged by Account by key [crm: 1 call]")
    as_clerk = explained(query, rules.granted, who("clerk"))
    assert "rows: by legal_entities, from BillingProfile by account [erp: 1 call]" in as_clerk[1]
    assert "from Account by key [crm: 1 call] and BillingProfile by account [erp: 1 call]" in as_clerk[2]
    assert as_clerk[4].endswith("computed from Bill by account"), "a bill says itself whose it is"
    as_both = explained(query, rules.granted, who("agent", "clerk"))
    assert "rows judged by Account by key [crm: 1 call]" in as_both[4]


def test_types_that_are_shown_alike_share_a_line() -> None:
    told = explained('{ node(id: "x") { id ... on Invoice { status } } __schema { queryType { name } } }')
    assert told[2:6] == ["│  ├─ … on Account, Ticket, Item", "│  │  └─ id", "│  └─ … on Invoice", "│     └─ id, status"]
    assert told[6] == "└─ __schema  introspection of what these roles may know"


def test_explaining_changes_nothing_of_the_plan_that_runs() -> None:
    over = engine(Owned(), policies(AGENT, PORTAL).granted)
    question = Question('{ node(id: "Bill:b1") { id ... on Invoice { payer account { name } } } }')
    plan = over.plan(question, who("agent"))
    before = list(lines(explain(plan, over.graph.types, over.catalog)))
    assert list(lines(explain(plan, over.graph.types, over.catalog))) == before
    assert over.plan(question, who("agent")) is plan
