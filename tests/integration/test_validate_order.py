"""Orders of the simulated company's landmark accounts: what they are found to be, through which systems, how deep."""

from pathlib import Path
from typing import Any

import pytest

from tests.integration.conftest import Demo, gateway
from tests.integration.gate import gated
from tests.peers import closed_port

VALIDATE = (Path(__file__).parent / "validate_order.graphql").read_text(encoding="utf-8")
PRODUCTS = "{ products(first: 20) { nodes { key code prices { key currency interval active } } } }"
RUNNING = """query Q($k: ID!) { account(by: {key: $k}) { subscriptions(first: 10) { nodes {
    key currency status { value } latestInvoice { status { value } } items { quantity price { key tiered } product { code } } } } } }"""
ATTEMPTS = 3


@pytest.fixture(scope="module")
def prices(demo: Demo) -> dict[tuple[str, str, str | None], str]:
    """List prices by product code, currency and interval."""
    nodes = demo.ask(PRODUCTS)["data"]["products"]["nodes"]
    return {
        (each["code"], price["currency"], price["interval"]): price["key"]
        for each in nodes
        for price in each["prices"]
        if price["active"]
    }


def order(demo: Demo, prices: dict[Any, str], landmark: str, currency: str = "USD", **more: Any) -> dict[str, Any]:
    line = {"price": prices["ADDON-SECURITY", currency, "MONTH"], "quantity": "10"}
    return {"account": demo.landmarks[landmark], "currency": currency, "termMonths": 12, "lines": [line], **more}


def validated(demo: Demo, given: dict[str, Any], role: str = "cpq_service") -> dict[str, Any]:
    answer = demo.ask(VALIDATE, role, input=given)
    assert "errors" not in answer, answer["errors"]
    found: dict[str, Any] = answer["data"]["validateOrder"]
    return found


def found(validation: dict[str, Any], severity: str = "ERROR") -> set[str]:
    return {each["code"] for each in validation["findings"] if each["severity"] == severity}


VERDICTS = [
    ("hero", "EUR", "VALID", set()),
    ("two_entities", "USD", "VALID", set()),
    ("two_entities", "EUR", "VALID", set()),
    ("unicode", "EUR", "VALID", set()),
    ("child_with_own_plan", "USD", "VALID", set()),
    ("yen", "JPY", "VALID_WITH_APPROVAL", set()),
    ("credit_hold", "USD", "INVALID", {"CREDIT_HOLD"}),
    ("credit_hold_auto", "USD", "INVALID", {"CREDIT_HOLD", "CREDIT_EXCEEDED"}),
    ("credit_hold_off", "USD", "INVALID", {"CREDIT_EXCEEDED"}),
    ("sanctions", "USD", "INVALID", {"PARTY_RESTRICTED"}),
    ("merged", "USD", "INVALID", {"PARTY_INACTIVE", "ENTITY_NOT_ALLOWED"}),
    ("null_everything", "USD", "INVALID", {"TAX_SHIP_TO", "TAX_ID"}),
    ("prospect", "USD", "INVALID", {"ENTITY_NOT_ALLOWED"}),
]


@pytest.mark.parametrize(("landmark", "currency", "verdict", "errors"), VERDICTS)
def test_a_landmark_account_may_order_or_not(
    demo: Demo, prices: Any, landmark: str, currency: str, verdict: str, errors: set[str]
) -> None:
    validation = validated(demo, order(demo, prices, landmark, currency))
    assert (validation["verdict"], found(validation)) == (verdict, errors), validation["findings"]
    assert bool(validation["token"]) is verdict.startswith("VALID")


def test_a_prospect_may_order_once_somebody_sells(demo: Demo, prices: Any) -> None:
    validation = validated(demo, order(demo, prices, "prospect", legalEntity="US"))
    assert validation["verdict"] == "VALID"
    assert found(validation, "WARNING") == {"ENTITY_ACCOUNT"}


def test_a_reseller_without_an_agreement_is_not_passed(demo: Demo, prices: Any) -> None:
    parties = {"endCustomer": demo.landmarks["end_customer"], "reseller": demo.landmarks["reseller"]}
    validation = validated(demo, order(demo, prices, "reseller", "EUR", parties=parties))
    assert (validation["verdict"], found(validation, "UNVERIFIED")) == ("UNVERIFIED", {"PARTY_RESELLER"})


def running(demo: Demo, code: str) -> dict[str, Any]:
    nodes = demo.ask(RUNNING, k=demo.landmarks["hero"])["data"]["account"]["subscriptions"]["nodes"]
    matching = [each for each in nodes if each["items"][0]["product"]["code"] == code]
    assert len(matching) == 1
    held: dict[str, Any] = matching[0]
    return held


def change(demo: Demo, held: dict[str, Any], kind: str, quantity: int) -> dict[str, Any]:
    lines: list[dict[str, Any]] = []
    for item in held["items"]:
        usage = {"included": "0"}
        lines.append({"price": item["price"]["key"], "quantity": str(item["quantity"] or 1)}
                     | ({"usage": usage} if item["quantity"] is None else {}))  # fmt: skip
    lines[0]["quantity"] = str(quantity)
    account = demo.landmarks["hero"]
    return {"kind": kind, "account": account, "subscription": held["key"], "currency": "EUR", "lines": lines}


def test_an_amendment_is_prorated_and_one_that_credits_the_unpaid_is_refused(demo: Demo) -> None:
    paid, unpaid = running(demo, "CLOUD-STARTER"), running(demo, "CLOUD-TEAM")
    assert paid["latestInvoice"]["status"]["value"] == "PAID"
    assert unpaid["latestInvoice"]["status"]["value"] == "OPEN"
    upgraded = validated(demo, change(demo, paid, "AMEND", 5))
    assert upgraded["verdict"] == "VALID", upgraded["findings"]
    assert upgraded["deltas"]["mrr"]["amount"] == "22.80"
    assert float(upgraded["proration"]["charge"]["amount"]) > float(upgraded["proration"]["credit"]["amount"]) > 0
    refused = validated(demo, change(demo, unpaid, "AMEND", 12))
    assert found(refused) == {"UNPAID_PRORATION"}


def test_a_renewal_follows_on(demo: Demo) -> None:
    validation = validated(demo, change(demo, running(demo, "CLOUD-ENTERPRISE"), "RENEW", 40))
    assert validation["verdict"] == "VALID_WITH_APPROVAL", validation["findings"]
    assert [each["role"] for each in validation["approvalsRequired"]] == ["revops"]
    assert validation["deltas"]["mrr"]["amount"] == "0.00"


def test_what_runs_already_is_amended(demo: Demo, prices: Any) -> None:
    line = {"price": prices["CLOUD-ENTERPRISE", "EUR", "MONTH"], "quantity": "3"}
    assert found(validated(demo, order(demo, prices, "hero", "EUR", lines=[line]))) == {"AMEND_REQUIRED"}


def test_a_draft_of_yesterday_is_no_reason_to_order_again(demo: Demo, prices: Any) -> None:
    orders = """query Q($k: ID!) { account(by: {key: $k}) { orders(first: 20) { nodes {
        status { value } createdAt lines { productCode quantity } } } } }"""
    nodes = demo.ask(orders, k=demo.landmarks["hero"])["data"]["account"]["orders"]["nodes"]
    draft = next(each for each in nodes if each["status"]["value"] == "DRAFT")
    offered = {code: key for (code, currency, _), key in prices.items() if currency == "EUR"}
    lines = [{"price": offered[each["productCode"]], "quantity": each["quantity"]} for each in draft["lines"]]
    assert "DUPLICATE_ORDER" in found(validated(demo, order(demo, prices, "hero", "EUR", lines=lines)))


def test_a_thousand_lines_cost_no_more_calls_than_ten(demo: Demo, prices: Any) -> None:
    offered = [key for (code, currency, _), key in prices.items() if currency == "USD" and "LEGACY" not in code]
    few = [{"price": key, "quantity": "1", "usage": {"included": "0"}} for key in offered]
    lines = [few[place % len(few)] for place in range(1_000)]
    given = order(demo, prices, "prospect", lines=lines, legalEntity="US", purchaseOrder="注文書 № 4711 🚀")
    answer = demo.ask(VALIDATE, "cpq_service", input=given)
    validation = answer["data"]["validateOrder"]
    assert len(validation["lines"]) == 1_000
    whole = sum(each["total"]["minorUnits"] for each in validation["lines"])
    assert whole == validation["totals"]["total"]["minorUnits"]
    assert sum(each["calls"] for each in answer["extensions"]["sources"]) < 50
    assert validation["verdict"] == "VALID_WITH_APPROVAL", validation["findings"]


def test_the_ordering_service_sees_what_is_left_of_the_credit_and_nothing_else(demo: Demo, prices: Any) -> None:
    query = "query Q($i: OrderInput!) { validateOrder(input: $i) { credit { limit { amount } exposure { amount } headroom { amount } } } }"
    given = order(demo, prices, "hero", "EUR")
    answer = demo.ask(query, "cpq_service", i=given)
    credit = answer["data"]["validateOrder"]["credit"]
    assert (credit["limit"], credit["exposure"]) == (None, None)
    assert credit["headroom"]["amount"]
    assert {each["extensions"]["code"] for each in answer["errors"]} == {"FORBIDDEN"}
    assert demo.ask(query, "auditor", i=given)["data"]["validateOrder"]["credit"]["limit"]


@pytest.mark.parametrize(
    "role", ["support_agent", "support_lead", "finance", "credit_manager", "portal_user", "platform"]
)
def test_who_places_no_orders_validates_none(demo: Demo, prices: Any, role: str) -> None:
    demo.forget_calls()
    answer = demo.ask(VALIDATE, role, input=order(demo, prices, "hero", "EUR"))
    assert answer["data"] == {"validateOrder": None}
    assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert sum(demo.calls().values()) == 0


@pytest.mark.parametrize("role", ["customer_user", "partner_user"])
def test_outsiders_do_not_know_the_question(demo: Demo, prices: Any, role: str) -> None:
    answer = demo.ask(VALIDATE, role, input=order(demo, prices, "hero", "EUR"))
    assert "data" not in answer


# ---------------------------------------------------------------- outages

NEEDED = {
    "salesforce": {"PARTY_UNKNOWN", "PARTY_RESTRICTED", "DUPLICATE_ORDER"},
    "stripe": {"PRICE_UNKNOWN", "SUBSCRIPTION_UNKNOWN", "UNPAID_PRORATION"},
    "netsuite": {"CREDIT_HOLD", "CREDIT_EXCEEDED", "PERIOD_CLOSED", "UNMAPPED_ITEM", "ENTITY_NOT_ALLOWED"},
    "zendesk": {"ENTITLEMENT_CONFLICT"},
}


@pytest.mark.parametrize("vendor", NEEDED)
def test_with_a_source_down_an_order_is_open_and_never_passed(demo: Demo, vendor: str) -> None:
    given = change(demo, running(demo, "CLOUD-STARTER"), "AMEND", 3)
    with gateway(demo, "auditor", None, **{vendor: closed_port()}) as ask:
        answer = ask(VALIDATE, input=given)
    validation = answer["data"]["validateOrder"]
    states = {each["code"]: each["state"] for each in validation["checks"]}
    assert validation["verdict"] == "UNVERIFIED", validation["findings"]
    assert validation["token"] is None
    assert {states[code] for code in NEEDED[vendor]} == {"UNVERIFIED"}
    assert found(validation) == set()
    source = {"salesforce": "crm", "stripe": "billing", "netsuite": "erp", "zendesk": "support"}[vendor]
    blamed = {each["source"] for each in validation["findings"] if "could not be asked" in each["message"]}
    assert blamed == {source}


# ---------------------------------------------------------------- how deep


@pytest.mark.parametrize("kind", ["NEW", "AMEND"])
def test_no_more_than_four_calls_wait_for_each_other(demo: Demo, prices: Any, kind: str) -> None:
    """Nothing is known yet: neither facts nor what any source calls the account. On a busy machine a call may miss its
    wave, so it must hold in one of a few tries."""
    given = order(demo, prices, "hero", "EUR")
    if kind == "AMEND":
        given = change(demo, running(demo, "CLOUD-STARTER"), "AMEND", 3)
    tried = []
    for _ in range(ATTEMPTS):
        with gated(demo.known["simulators"]) as (gate, doors), gateway(demo, "cpq_service", None, **doors) as ask:
            answer = ask(VALIDATE, input=given)
            assert answer["data"]["validateOrder"]["verdict"] == "VALID", answer
            tried.append(list(gate.calls))
        if len(tried[-1]) <= 4:
            return
    raise AssertionError(f"deeper every time: {tried}")
