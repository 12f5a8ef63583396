"""Decoys: a look-up that finds nothing asks the sources as often, and as much one after another, as one that finds a
hidden row."""

import time
from typing import Any

import pytest
from msgspec.structs import replace

from gateway.engine.engine import Engine, Question
from gateway.engine.graph import Graph
from gateway.engine.shapes import shapes
from policies.compile import compile_rules
from policies.load import load_rules
from policies.principal import Principal
from resolvers.ids import global_id
from resolvers.registry import names
from sources import canonical as c
from sources.cache import Cache, Cached, CacheSettings
from sources.canonical import System
from sources.catalog import Catalog, Source
from sources.errors import Ambiguous, Unavailable
from sources.ports import Ask, Capability, Reading, Report
from sources.settings import SourceSettings
from sources.transport import Transport
from tests.gateway.engine.catalog_of import Shelf, page_of
from tests.gateway.engine.rules_of import AGENT, CHIEF, CLERK, PORTAL, ROWS, policies, who
from tests.gateway.engine.shop import answer, codes, engine
from tests.gateway.engine.stock import account, bill, case, profile
from tests.gateway.engine.test_memory import Book
from tests.resolvers import world

OUTSIDER = PORTAL.replace("own", "region")  # what an outsider sees hangs on more than the key of an account
LOOKED = ROWS.replace(
    'Invoice: "row.legalEntity in user.entities"', 'Invoice: "account.legalEntities overlaps user.entities"'
)
ROLES = {
    "agent": ((AGENT,), ROWS, who("agent")),
    "outsider": ((OUTSIDER,), ROWS, who("portal")),
    "outsider, by the key": ((PORTAL,), ROWS, who("portal", accounts=("a1",))),
    "clerk": ((CLERK,), ROWS, who("clerk", entities=("E1",))),
    "clerk, by the account": ((CLERK,), LOOKED, who("clerk", entities=("E1",))),
    "two roles": ((AGENT, CLERK), ROWS, who("agent", "clerk", entities=("E1",))),
}
WAYS = [
    '{ bill(key: "b31") { key account { name } product { title } } }',
    '{ node(id: "Bill:b31") { id } }',
    '{ node(id: "Case:c3") { id } }',
    '{ node(id: "Account:a3") { id } }',
    '{ account(key: "a3") { name bills { nodes { key } } } }',
    '{ byKey(key: "a3") { name cases { key } } }',
    '{ byName(name: "name of a3") { name } }',
    '{ one: bill(key: "b31") { key } other: bill(key: "b31") { total } }',
    '{ nodes(ids: ["Bill:b31", "Case:c3"]) { __typename } }',
    '{ bills(filter: {status: ["PAID"]}) { nodes { key } pageInfo { hasNextPage } } }',
    '{ accounts(filter: {region: ["FR"]}, first: 2) { nodes { name } pageInfo { hasNextPage } } }',
]
NOTHING: list[Any] = [None, [None, None], {"nodes": [], "pageInfo": {"hasNextPage": False}}]
SEEN = '{ nodes(ids: ["Bill:b11", "Case:c1", "Account:a1"]) { __typename } }'


def shelf_of(*, hidden: bool) -> Shelf:
    """What everybody of the tests sees, and perhaps what nobody of them does."""
    seen = [account("a1"), profile("e1", "a1", "E1"), bill("b11", legal_entity="E1"), case("c1")]
    more = [account("a3", "FR"), profile("e3", "a3", "E3"), account("a4", "FR"), profile("e4", "a4", "E3")]
    more += [bill("b31", "a3", legal_entity="E3", status="PAID"), case("c3", "a4")]
    return Shelf([*seen, *more] if hidden else seen)


def timeless(body: dict[str, Any]) -> dict[str, Any]:
    for each in body["extensions"].get("sources", []):
        each.pop("milliseconds")
    return body


@pytest.mark.parametrize("before", [(), (SEEN,)], ids=["first of all", "after others"])
@pytest.mark.parametrize("query", WAYS)
@pytest.mark.parametrize("role", ROLES)
async def test_the_sources_are_asked_alike_for_a_hidden_row_and_for_none(
    role: str, query: str, before: tuple[str, ...]
) -> None:
    roles, rows, principal = ROLES[role]
    rules, told = policies(*roles, rows=rows), []
    for hidden in (True, False):
        shelf = shelf_of(hidden=hidden)
        over = engine(shelf, rules.granted)
        for each in before:
            await answer(over, each, principal)
        shelf.events.clear()
        told.append((timeless(await answer(over, query, principal)), list(shelf.events)))
    assert told[0] == told[1]
    assert not [each for each in told[0][0]["data"].values() if each not in NOTHING]


async def test_what_was_judged_last_is_read_and_nothing_of_it_shows() -> None:
    shelf = shelf_of(hidden=False)
    over = engine(shelf, policies(CLERK, CHIEF).granted)
    principal = who("clerk", entities=("E1",))
    await answer(over, SEEN, principal)
    del shelf.asked[:]
    body = await answer(over, '{ node(id: "Case:none") { id ... on Ticket { account { name } } } }', principal)
    assert shelf.calls() == [
        ("Case.key", ("none",)),
        ("Account.key", ("a1",)),
        ("BillingProfile.account", ("a1",)),
    ]
    assert body["data"] == {"node": None}
    assert [(each["source"], each["calls"]) for each in body["extensions"]["sources"]] == [("desk", 1)]


async def test_many_that_are_not_there_are_one_decoy() -> None:
    shelf = shelf_of(hidden=False)
    over = engine(shelf, policies(AGENT).granted)
    aliases = " ".join(f'x{at}: bill(key: "none{at}") {{ key }}' for at in range(20))
    await answer(over, f"{{ {aliases} }}", who("agent"))
    assert [index for index, _ in shelf.calls()] == ["Bill.key", "Account.key"]


async def test_a_decoy_whose_key_is_gone_makes_way_for_another() -> None:
    shelf = shelf_of(hidden=False)
    over = engine(shelf, policies(AGENT).granted)
    await answer(over, SEEN, who("agent"))
    shelf.records["Account"].clear()
    del shelf.asked[:]
    for _ in range(2):
        await answer(over, '{ bill(key: "none") { key } }', who("agent"))
    assert [len(keys) for _, keys in shelf.calls("Account.key")] == [1, 1]
    assert shelf.calls("Account.key")[0][1] == ("a1",) != shelf.calls("Account.key")[1][1]


@pytest.mark.parametrize("role", ["agent", "clerk"])
async def test_what_was_asked_for_goes_to_no_other_source(role: str) -> None:
    shelf = shelf_of(hidden=False)
    roles, rows, principal = ROLES[role]
    await answer(
        engine(shelf, policies(*roles, rows=rows).granted), '{ node(id: "Case:ada@acme.test") { id } }', principal
    )
    assert len(shelf.calls()) == (2 if role == "agent" else 3)
    assert [index for index, keys in shelf.calls() if "ada" in keys[0]] == ["Case.key"]


@pytest.mark.parametrize(
    ("role", "query", "calls"),
    [
        (CHIEF, '{ bill(key: "none") { key } node(id: "Case:none") { id } }', ["Bill.key", "Case.key"]),
        (AGENT, '{ account(key: "none") { key } byName(name: "none") { key } }', ["Account.key", "Account.name"]),
        (PORTAL, '{ bill(key: "none") { key } node(id: "Case:none") { id } }', ["Bill.key", "Case.key"]),
        (CLERK, '{ bill(key: "none") { key } }', ["Bill.key"]),
        (AGENT, '{ bill(key: "b11") { key related { key } } }', ["Account.key", "Bill.key"]),
        (AGENT, '{ bill(key: "dangling") { key related { key } } }', ["Account.key", "Bill.key", "Bill.key"]),
        (AGENT, '{ account(key: "a1") { cases { key } balance } }', ["Account.key", "Bill.account", "Case.account"]),
    ],
)
async def test_it_costs_nothing_where_no_hidden_row_would_have_cost_anything(
    role: str, query: str, calls: list[str]
) -> None:
    shelf = shelf_of(hidden=False)
    shelf.records["Bill"] = [bill("b11", legal_entity="E1"), bill("dangling", related=("none",))]
    if "balance" in query:
        shelf.records["Bill"], shelf.records["Case"] = [], []
    name = role.partition(":")[0]
    await answer(engine(shelf, policies(role).granted), query, who(name, entities=("E1",), accounts=("a1",)))
    assert sorted(index for index, _ in shelf.calls()) == calls


async def test_what_a_shown_row_names_is_no_look_up() -> None:
    """Whoever asks has not chosen that key, and what was shown is judged already: nobody else has to answer."""
    shelf = shelf_of(hidden=False)
    shelf.records["Bill"] = [bill("b11", payer="gone")]
    body = await answer(engine(shelf, policies(AGENT).granted), '{ caseOf(bill: "b11") { key } }', who("agent"))
    assert [index for index, _ in shelf.calls()] == ["Bill.key", "Account.key", "Case.key"]
    assert body["data"] == {"caseOf": None}


@pytest.mark.parametrize("query", ['{ bill(key: "b31") { key } }', '{ node(id: "Case:c3") { id } }', *WAYS[-3:]])
@pytest.mark.parametrize("role", ["agent", "outsider", "clerk"])
@pytest.mark.parametrize("failing", ["Account.key", "BillingProfile.account"])
async def test_where_judging_fails_it_is_told_alike(failing: str, role: str, query: str) -> None:
    roles, rows, principal = ROLES[role]
    rules, told = policies(*roles, rows=rows), []
    for hidden in (True, False):
        shelf = shelf_of(hidden=hidden)
        shelf.faults[failing] = Unavailable("it does not answer", source="crm")
        over = engine(shelf, rules.granted)
        told.append((timeless(await answer(over, query, principal)), shelf.events))
    assert told[0] == told[1]
    ours = role != "outsider" and (failing == "Account.key" or role == "clerk")
    by_itself = (role == "clerk" and "bill" in query) or "accounts(" in query  # what decides is in the row
    by_itself = by_itself and not (role == "clerk" and "accounts(" in query and failing != "Account.key")
    assert ("errors" in told[1][0]) is (ours and not by_itself)


async def test_what_is_wrong_with_another_account_is_told_to_nobody() -> None:
    shelf = shelf_of(hidden=False)
    over = engine(shelf, policies(CLERK).granted)
    principal = who("clerk", entities=("E1",))
    await answer(over, SEEN, principal)
    shelf.broken_keys["BillingProfile.account", "a1"] = Ambiguous("two records claim to be a1", source="erp")
    body = await answer(over, '{ node(id: "Case:none") { id } }', principal)
    assert body["data"] == {"node": None}
    assert "errors" not in body


# ---------------------------------------------------------------- the roles that there are, over a memory

POLICIES = compile_rules(load_rules(), shapes(world.SCHEMA._schema, names()), b"a key of the tests")
OURS, THEIRS = "001A", "001B"
PEOPLE = {
    "customer_user": {"accounts": (OURS,)},
    "partner_user": {"accounts": (OURS,)},
    "support_agent": {"regions": ("DE",)},
    "finance": {"entities": ("US",)},
    "revops": {"regions": ("DE",), "entities": ("US",)},
}
FOUND = {
    "invoice": '{ invoice(key: "theirs") { number } }',
    "subscription": '{ subscription(key: "theirs") { status { value } } }',
    "case": '{ case(key: "theirs") { status { value } } }',
    "contact": '{ contact(key: "theirs") { id } }',
    "entitlement": f'{{ node(id: "{global_id(world.entitlement("theirs"))}") {{ id }} }}',
    "account": f'{{ account(by: {{key: "{THEIRS}"}}) {{ name }} }}',
    "customer": '{ account(by: {system: BILLING, id: "theirs"}) { name } }',
    "several": f'{{ nodes(ids: ["{global_id(world.case("theirs"))}", "{global_id(world.case("ours"))}"]) {{ id }} }}',
    "list": "{ cases(filter: {status: [RESOLVED]}) { nodes { key } pageInfo { hasNextPage } } }",
}


BEFORE = f'{{ account(by: {{key: "{OURS}"}}) {{ name }} case(key: "ours") {{ status {{ value }} }} }}'


class Company:
    """Four books behind a memory, and what was asked of them: when each question began and when it was over."""

    def __init__(self, *, hidden: bool) -> None:
        self.log: list[tuple[str, str, str]] = []
        held: dict[System, list[c.Record]] = {
            System.CRM: [
                world.account(OURS, region="DE"),
                world.contact("ours"),
                world.entitlement("ours", feature="sso"),
            ],
            System.BILLING: [
                world.invoice(key="ours", legal_entity="US"),
                world.subscription(key="ours", legal_entity="US"),
                world.customer("ours"),
            ],
            System.ERP: [world.profile()],
            System.SUPPORT: [world.case("ours")],
        }
        self.books = {
            system: self._book(system, [*own, *map(_of_theirs, own)] if hidden else own) for system, own in held.items()
        }
        cache, settings = Cache(CacheSettings(), wall=time.time), SourceSettings(vendor="fake", url="http://book.test")
        opened = [Source(Cached(each, cache), settings, Transport(each.name)) for each in self.books.values()]
        catalog = Catalog(opened, cache=cache)
        self.over = Engine(Graph.of(world.SCHEMA, names()), catalog, POLICIES.granted, clock=lambda: world.NOW)

    def _book(self, system: System, records: list[c.Record]) -> Book:
        log = self.log

        class Logged(Book):
            async def read(self, ask: Ask) -> Reading:
                question = f"{ask.record.__name__}.{ask.by}"
                log.append(("begins", self.name, question))
                try:
                    return self._listed(ask) if ask.by == "list" else await super().read(ask)
                finally:
                    log.append(("ends", self.name, question))

            def _listed(self, ask: Ask) -> Reading:
                rows = page_of([each for each in self.records if type(each) is ask.record], ask.page)
                return Reading({"": rows}, Report(self.name, calls=1))

        book = Logged(system, *records)
        if (c.Case, "key") in book.capabilities:
            book.capabilities = {**book.capabilities, (c.Case, "list"): Capability(filters={"status": ("in",)})}
        return book

    async def asks(self, query: str, principal: Principal) -> tuple[dict[str, Any], list[tuple[str, str, str]]]:
        """The answer without its times, and what it took."""
        self.log.clear()
        body = (await self.over.run(Question(query), principal, "cid")).body
        return timeless(body), list(self.log)


def _of_theirs(record: c.Record) -> c.Record:
    """The same of another customer, whom nobody of the tests sees."""
    elsewhere: dict[str, Any] = {"key": "theirs", "source_id": "theirs"}
    if isinstance(record, c.Account):
        elsewhere = {"key": THEIRS, "source_id": THEIRS, "region": "FR"}
    if isinstance(record, c.Owned):
        elsewhere["account_key"] = THEIRS
    if hasattr(record, "legal_entity"):
        elsewhere["legal_entity"] = "DE"
    if isinstance(record, c.Case):
        elsewhere["status"] = c.CaseStatus.RESOLVED
    return replace(record, **elsewhere)


def company_asker(role: str) -> Principal:
    return Principal("ada", roles=frozenset({role}), **PEOPLE[role])  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", FOUND)
@pytest.mark.parametrize("role", PEOPLE)
async def test_with_a_memory_they_are_asked_alike_and_remember_alike(role: str, kind: str) -> None:
    principal, told = company_asker(role), []
    for hidden in (True, False):
        company = Company(hidden=hidden)
        first = await company.asks(BEFORE, principal)
        cold = await company.asks(FOUND[kind], principal)
        again = await company.asks(FOUND[kind], principal)
        told.append((first, cold, again))
    assert told[0] == told[1]
    assert not [body["errors"] for body, _ in told[0] if "errors" in body]
    assert told[0][1][1], "it took a call, though what is read to judge it was in memory"
    assert told[0][2][1] == [], "and none when it was asked again"


SOMEBODY = Principal("zoe", roles=frozenset({"revops"}), regions=("FR",), entities=("DE",))
ACCOUNT_OF_THEIRS = f'{{ account(by: {{key: "{THEIRS}"}}) {{ name billingProfiles {{ key }} }} }}'


@pytest.mark.parametrize("kind", [each for each in FOUND if each != "account"])
@pytest.mark.parametrize("role", PEOPLE)
async def test_a_hidden_row_takes_a_call_though_others_have_asked_for_its_account(role: str, kind: str) -> None:
    principal, told = company_asker(role), []
    for hidden in (True, False):
        company = Company(hidden=hidden)
        first = await company.asks(BEFORE, principal)
        theirs, _ = await company.asks(ACCOUNT_OF_THEIRS, SOMEBODY)
        assert (theirs["data"]["account"] is not None) is hidden
        told.append((first, await company.asks(FOUND[kind], principal), await company.asks(FOUND[kind], principal)))
    assert told[0] == told[1]


async def test_a_hidden_row_whose_account_is_remembered_fails_where_a_missing_one_does() -> None:
    principal, told = company_asker("support_agent"), []
    query = '{ case(key: "theirs") { status { value } } }'
    for hidden in (True, False):
        company = Company(hidden=hidden)
        await company.asks(BEFORE, principal)
        await company.asks(ACCOUNT_OF_THEIRS, SOMEBODY)
        company.books[System.CRM].fault = Unavailable("it does not answer: try again", source="crm")
        told.append(await company.asks(query, principal))
    assert told[0] == told[1]
    assert codes(told[0][0]) == [("SOURCE_UNAVAILABLE", ["case"])]


async def test_a_decoy_is_no_fact_of_the_operation_that_it_is_read_in() -> None:
    """Whoever sees the account that it reads is told of it as if nobody had read it."""
    principal, told = company_asker("support_agent"), []
    query = f'{{ case(key: "theirs") {{ status {{ value }} }} account(by: {{key: "{OURS}"}}) {{ name cases {{ nodes {{ key }} }} }} }}'
    for hidden in (True, False):
        company = Company(hidden=hidden)
        await company.asks('{ case(key: "ours") { status { value } } }', principal)
        told.append((await company.asks(query, principal))[0])
    assert told[0] == told[1]
    crm = next(each for each in told[1]["extensions"]["sources"] if each["source"] == "crm")
    assert (crm["calls"], crm["cached"]) == (0, 1)


async def test_a_source_that_fails_is_told_alike_though_the_decoy_is_remembered() -> None:
    principal, told = company_asker("support_agent"), []
    for hidden in (True, False):
        company = Company(hidden=hidden)
        await company.asks('{ case(key: "ours") { status { value } } }', principal)
        company.books[System.CRM].fault = Unavailable("it does not answer: try again", source="crm")
        told.append(await company.asks('{ case(key: "theirs") { status { value } } }', principal))
    assert told[0] == told[1]
    assert codes(told[1][0]) == [("SOURCE_UNAVAILABLE", ["case"])]
