"""An order is validated by what the asker may see: what the row rules hide is never taken for absent, nor what is
late."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from gateway.engine.engine import Engine, Question
from gateway.engine.graph import Graph
from gateway.engine.shapes import shapes
from policies.load import RULES
from policies.principal import Principal
from policies.store import Loaded, load_policies
from resolvers.budget import OperationsSettings
from resolvers.registry import names
from sources import canonical as c
from sources.ports import Ask, Capability, Reading
from tests.resolvers.validation import orders as o
from tests.resolvers.world import ACCOUNT, NOW, SCHEMA, Shelf, usd

ASKED = {
    "account": ACCOUNT,
    "legalEntity": "US",
    "currency": "USD",
    "termMonths": 12,
    "lines": [{"product": "prod_1", "price": "price_1", "quantity": "10"}],
}
VALIDATE = """query Q($input: OrderInput!) { validateOrder(input: $input) {
    verdict token checks { code state } findings { severity code path message source } credit { headroom { amount } } } }"""
SISTER = "001C"
PATIENT, SHORT = OperationsSettings(validate=30), OperationsSettings(validate=1.0)
GRAPH = Graph.of(SCHEMA, names())


class Company:
    """A catalog over the records of one test; `gates`: what is read of these classes waits for an event."""

    recalls = False

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self.gates: dict[type[c.Record], asyncio.Event] = {}

    def capability(self, _record: type[c.Record], _by: str) -> Capability:
        return Capability()

    def ready(self, _record: type[c.Record], _by: str, _key: str) -> bool:
        return True

    async def read(self, ask: Ask) -> Reading:
        if ask.record in self.gates:
            await self.gates[ask.record].wait()
        return await self._shelf(ask.record, ask.by, ask.keys, ask.page)


@pytest.fixture(scope="module")
def rules() -> Loaded:
    return load_policies(RULES, shapes(SCHEMA._schema, names()), b"a key of the tests")


def seller(*accounts: str) -> Principal:
    return Principal("cpq", frozenset({"cpq_service"}), accounts=accounts, human="ada@acme.test")


def clerk(*entities: str) -> Principal:
    return Principal("rita", frozenset({"revops"}), entities=entities)


async def validated(
    company: Company, rules: Loaded, principal: Principal, operations: OperationsSettings = PATIENT, **given: Any
) -> dict[str, Any]:
    over = Engine(
        GRAPH, company, rules.policies.granted,  # type: ignore[arg-type] # as the catalog reads
        rules=lambda: rules.rules, clock=lambda: NOW, signing=o.KEY, operations=operations,
    )  # fmt: skip
    body = (await over.run(Question(VALIDATE, {"input": {**ASKED, **given}}), principal, "cid")).body
    assert "errors" not in body, body["errors"]
    found: dict[str, Any] = body["data"]["validateOrder"]
    return found


def states(validation: dict[str, Any], *codes: str) -> Sequence[str]:
    told = {each["code"]: each["state"] for each in validation["checks"]}
    return [told[code] for code in codes]


def group() -> Shelf:
    """A customer with a limit that its sister has used up."""
    own = o.profile(credit_limit=usd(200_000), balance=usd(0))
    owing = o.profile("902", account_key=SISTER, payer_id="901", balance=usd(500_000))
    return o.shelf(accounts=[o.account(), o.account(SISTER)], profiles=[own]).put("payer", "901", owing)


async def test_the_debts_of_a_hidden_sister_are_not_forgotten(rules: Loaded) -> None:
    seen = await validated(Company(group()), rules, seller(ACCOUNT, SISTER))
    assert (seen["verdict"], states(seen, "CREDIT_EXCEEDED")) == ("INVALID", ["FAILED"])
    hidden = await validated(Company(group()), rules, seller(ACCOUNT))
    assert (hidden["verdict"], hidden["token"], hidden["credit"]) == ("UNVERIFIED", None, {"headroom": None})
    assert states(hidden, "CREDIT_EXCEEDED") == ["UNVERIFIED"]


async def test_a_customer_that_is_hidden_is_no_new_one(rules: Loaded) -> None:
    held = o.profile("902", credit_hold_override=c.CreditHoldOverride.ON)
    shelf = o.shelf(profiles=[o.profile(legal_entity="DE"), held])
    seen = await validated(Company(shelf), rules, clerk("DE", "US"))
    assert states(seen, "CREDIT_HOLD") == ["FAILED"]
    hidden = await validated(Company(shelf), rules, clerk("DE"))
    assert (hidden["verdict"], hidden["token"]) == ("UNVERIFIED", None)
    assert set(states(hidden, "CREDIT_HOLD", "CREDIT_EXCEEDED", "ENTITY_ACCOUNT")) == {"UNVERIFIED"}
    assert "WARNING" not in {each["severity"] for each in hidden["findings"]}


async def test_orders_and_subscriptions_that_are_hidden_are_not_forgotten(rules: Loaded) -> None:
    shelf = o.shelf(
        profiles=[o.profile(legal_entity="DE")],
        orders=[o.order(legal_entity="US")],
        subscriptions=[o.subscription(legal_entity="US")],
    )
    hidden = await validated(Company(shelf), rules, clerk("DE"), legalEntity="DE", purchaseOrder="PO")
    assert set(states(hidden, "DUPLICATE_ORDER", "PO_USED", "AMEND_REQUIRED")) == {"UNVERIFIED"}


async def test_a_payer_that_is_hidden_is_answered_like_one_that_is_not_there(rules: Loaded) -> None:
    there = o.shelf(accounts=[o.account(), o.account(SISTER)])
    there.put("account", SISTER, o.profile("902", account_key=SISTER))
    told = [
        await validated(Company(shelf), rules, seller(ACCOUNT), parties={"payer": SISTER})
        for shelf in (there, o.shelf())
    ]
    assert told[0] == told[1]
    assert [each["code"] for each in told[0]["findings"] if each["severity"] == "ERROR"] == ["PARTY_UNKNOWN"]


async def test_what_is_late_is_said_instead_of_no_verdict(rules: Loaded) -> None:
    company = Company(o.shelf())
    company.gates[c.Order] = asyncio.Event()
    late = await validated(company, rules, seller(ACCOUNT), SHORT)
    assert (late["verdict"], late["token"]) == ("UNVERIFIED", None)
    assert states(late, "DUPLICATE_ORDER", "CREDIT_HOLD") == ["UNVERIFIED", "PASSED"]
    [finding] = [each for each in late["findings"] if each["code"] == "DUPLICATE_ORDER"]
    assert (finding["source"], finding["message"]) == ("crm", "`crm` could not be asked (DEADLINE_EXCEEDED)")
