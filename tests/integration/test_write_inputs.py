"""Bad input to governed writes: each mistake is named with its place, and nothing is kept or sent for it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.integration.governed import House, write

Given = dict[str, Any]
KEPT = {"operations", "operation_grounds", "operation_documents", "audit_entries", "audit_heads", "notices"}
NAN, HUGE = "NaN", "1E+400"


def lined(*changes: Given) -> Given:
    """An order of lines like the usual one, but for these changes."""
    return {"lines": list(changes)}


def order(home: House, changed: Given, **given: Any) -> Given:
    asked = home.order("merge_winner", **given)
    [usual] = asked["lines"]
    if "lines" in changed:
        changed = changed | {"lines": [usual | each for each in changed["lines"]]}
    return asked | changed


ORDERS: dict[str, tuple[Given, str]] = {
    "no lines": (lined(), "lines"),
    "1,001 lines": (lined(*[{}] * 1_001), "lines"),
    "nothing ordered": (lined({}, {"quantity": "0"}), "lines.1"),
    "less than nothing": (lined({"quantity": "-3"}), "lines.0"),
    "no number": (lined({"quantity": NAN}), "lines.0.quantity"),
    "a number out of reach": (lined({"unitPrice": HUGE}), "lines.0.unitPrice"),
    "a price below nothing": (lined({"unitPrice": "-1"}), "lines.0"),
    "an end before the start": ({"endOn": "2020-01-01"}, "endOn"),
    "a day out of reach": ({"startOn": "1789-07-14"}, "startOn"),
    "no currency": ({"currency": "usd"}, "currency"),
    "an account that is not there": ({"account": "0010000000nope0AAA"}, "account"),
    "an account that cannot be": ({"account": "Acme"}, "account"),
    "an empty account": ({"account": " "}, "account"),
    "a name too long for one": ({"account": "x" * 300}, "account"),
    "a bill-to that is not there": ({"parties": {"billTo": "001nobody"}}, "parties.billTo"),
    "a key of 300 characters": ({"idempotencyKey": "k" * 300}, "idempotencyKey"),
    "a reason of a book's length": ({"reason": "because " * 1_000}, "reason"),
}


@pytest.mark.parametrize("name", ORDERS)
def test_a_mistake_in_an_order_names_its_place(home: House, name: str) -> None:
    change, path = ORDERS[name]
    before, cpq = home.everything(), home.cpq()
    refused = cpq.refused_write("submitOrder", **order(home, change))
    assert (refused["code"], refused["inputPath"]) == ("BAD_INPUT", path), refused["message"]
    assert (refused["retryable"], refused["docs"]) == (False, "docs/errors.md#bad_input")
    assert home.changes(before) == {}, "neither with anybody else nor with us"


FINDINGS: dict[str, tuple[Given, str, str]] = {
    "a product that nobody sells": (lined({}, {"product": "NO-SUCH-SEAT"}), "PRODUCT_MISMATCH", "lines.1.product"),
    "an order in a currency that its price is not in": ({"currency": "EUR"}, "PRICE_UNKNOWN", "lines.0.price"),
    "a price of another product": (lined({"product": "SUPPORT-PREMIUM"}), "PRODUCT_MISMATCH", "lines.0.product"),
    "an unknown price": (lined({"price": "price_nope"}), "PRICE_UNKNOWN", "lines.0.price"),
    "a price in another currency": (lined({}, {"price": "@EUR"}), "PRICE_UNKNOWN", "lines.1.price"),
    "a company that is not ours": ({"legalEntity": "XX"}, "ENTITY_NOT_ALLOWED", "legalEntity"),
    "a contract of somebody else's": ({"contract": "800nope"}, "CONTRACT_UNKNOWN", "contract"),
}


@pytest.mark.parametrize("name", FINDINGS)
def test_what_is_wrong_with_an_order_is_a_finding_with_its_place(home: House, name: str) -> None:
    change, code, path = FINDINGS[name]
    before, cpq = home.everything(), home.cpq()
    asked = order(home, change)
    for each in asked["lines"]:
        each["price"] = home.price(currency="EUR")["key"] if each["price"] == "@EUR" else each["price"]
    dry = cpq.write("submitOrder", **asked, dryRun=True)
    assert dry["__typename"] == "Rejected"
    assert (code, path, None) in [(each["code"], each["path"], each["owner"]) for each in dry["findings"]]
    assert home.changes(before) == {}
    answer = cpq.write("submitOrder", **asked)
    assert (answer["__typename"], answer["findings"][0]["code"]) == ("Rejected", dry["findings"][0]["code"])
    assert cpq.operation(answer["operation"]["id"])["state"] == "REJECTED"
    kept = home.changes(before)
    assert (set(kept), kept["ours"]["operations.added"]) == ({"ours"}, 1)
    assert {what.partition(".")[0] for what in kept["ours"]} <= KEPT, "no step, no reservation, nobody was asked"


OTHERS: dict[str, Any] = {
    "a credit of nothing": (
        "issueCredit",
        {"invoice": "in_x", "amount": "0", "currency": "USD", "creditReason": "GOODWILL"},
        "amount",
    ),
    "a credit in no currency": (
        "issueCredit",
        {"invoice": "in_x", "amount": "5", "currency": "US", "creditReason": "GOODWILL"},
        "amount",
    ),
    "a credit with more digits than the currency has": (
        "issueCredit",
        {"invoice": "in_x", "amount": "5.001", "currency": "USD", "creditReason": "GOODWILL"},
        "amount",
    ),
    "an invoice that is not there": (
        "issueCredit",
        {"invoice": "in_nope", "amount": "5", "currency": "USD", "creditReason": "GOODWILL"},
        "invoice",
    ),
    "a field that is not changed here": (
        "updateAccount",
        {"account": "@healthy", "fields": [{"field": "bankDetails", "value": "DE00"}]},
        "fields.bankDetails",
    ),
    "the same field twice": (
        "updateAccount",
        {"account": "@healthy", "fields": [{"field": "name", "value": "A"}, {"field": "name", "value": "B"}]},
        "fields.1.field",
    ),
    "no credit to set": ("setCredit", {"account": "@healthy", "legalEntity": "US"}, "limit"),
    "a subscription that is not there": ("cancelSubscription", {"subscription": "sub_nope"}, "subscription"),
    "an instant without a zone": (
        "suspendSubscription",
        {"subscription": "sub_nope", "suspensionReason": "HOLD", "noticeSentAt": "2026-03-01T12:00:00"},
        "noticeSentAt",
    ),
    "a reason that only billing finds": (
        "suspendSubscription",
        {"subscription": "sub_nope", "suspensionReason": "DUNNING_EXHAUSTED", "noticeSentAt": "2026-03-01T12:00:00Z"},
        "suspensionReason",
    ),
}
ASKERS = {
    "issueCredit": "finance",
    "updateAccount": "revops",
    "setCredit": "credit_manager",
    "cancelSubscription": "revops",
    "suspendSubscription": "revops",
}


@pytest.mark.parametrize("name", OTHERS)
def test_every_write_names_the_place_of_a_mistake(home: House, name: str) -> None:
    mutation, given, path = OTHERS[name]
    before = home.everything()
    asked = {
        each: home.town.landmarks["merge_winner"] if value == "@healthy" else value for each, value in given.items()
    }
    person = home.person("pat", ASKERS[mutation])
    refused = person.refused_write(mutation, **asked, idempotencyKey=home.key())
    assert (refused["code"], refused["inputPath"]) == ("BAD_INPUT", path), refused["message"]
    assert home.changes(before) == {}


def test_a_blank_key_is_asked_for_and_a_missing_one_is_no_document(home: House) -> None:
    cpq = home.cpq()
    blank = cpq.refused_write("submitOrder", **home.order(idempotencyKey="   "))
    assert (blank["code"], blank["inputPath"]) == ("IDEMPOTENCY_KEY_REQUIRED", "idempotencyKey")
    asked = home.order()
    del asked["idempotencyKey"]
    answer = cpq.ask(write("submitOrder"), input=asked)
    assert "data" not in answer
    assert answer["errors"][0]["extensions"]["code"] == "BAD_INPUT"
    assert "idempotencyKey" in answer["errors"][0]["message"]


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"startOn": "tomorrow"}, "at .startOn"),
        ({"lines": [{"product": "A"}]}, "lines[0]"),
        ({"dueDays": 2**40}, "dueDays"),
        ({"colection": "INVOICE"}, "colection"),
        ({"collection": "BARTER"}, "collection"),
    ],
)
def test_what_the_schema_does_not_take_is_refused_before_anything_runs(home: House, changed: Given, told: str) -> None:
    answer = home.cpq().ask(write("submitOrder"), input=home.order("merge_winner") | changed)
    assert "data" not in answer
    assert answer["errors"][0]["extensions"]["code"] == "BAD_INPUT"
    assert told in answer["errors"][0]["message"]


def test_a_payment_that_came_in_a_closed_period_is_a_finding_for_finance_with_its_place(home: House) -> None:
    finance, long_ago = home.person("finn", "finance"), datetime.now(UTC).date() - timedelta(days=100)
    query = "query($by: AccountBy!) { account(by: $by) { invoices { nodes { key remaining { minorUnits } } } } }"
    found = finance.told(query, by={"key": home.town.landmarks["overdue"]})["account"]["invoices"]["nodes"]
    invoice = next(each["key"] for each in found if each["remaining"]["minorUnits"])
    asked = {"invoice": invoice, "amount": "1.00", "currency": "USD", "reference": "B-1", "idempotencyKey": home.key()}
    before = home.everything()
    dry = finance.write("recordPayment", **asked, receivedOn=long_ago.isoformat(), dryRun=True)
    findings = [(each["code"], each["path"], each["owner"]) for each in dry["findings"]]
    assert findings == [("PERIOD_LOCKED", "receivedOn", "finance")]
    assert home.changes(before) == {}


def test_a_thousand_lines_are_taken_in_one_order(home: House) -> None:
    asked, cpq = order(home, lined(*[{"quantity": "1"}] * 1_000), dryRun=True), home.cpq()
    for _ in range(3):  # on a busy machine facts may be past their time before all lines are judged
        answer = cpq.ask(write("submitOrder"), input=asked)
        if not any(each["extensions"]["retryable"] for each in answer.get("errors", ())):
            break
    told = answer["data"]["submitOrder"]
    assert (told["__typename"], told["dryRun"]) == ("NeedsApproval", True)


def test_more_lines_than_a_request_holds_are_refused_unread(home: House) -> None:
    asked, cpq, before = order(home, lined(*[{"quantity": "1"}] * 3_000)), home.cpq(), home.everything()
    refused = cpq.refused_write("submitOrder", **asked)
    assert (refused["code"], refused["docs"]) == ("REQUEST_TOO_LARGE", "docs/errors.md#request_too_large")
    assert home.changes(before) == {}


def test_another_version_than_the_caller_saw_is_a_conflict(home: House) -> None:
    rita, account = home.person("rita", "revops"), home.town.landmarks["renewal_grace"]
    seen = rita.told("query($by: AccountBy!) { account(by: $by) { name updatedAt } }", by={"key": account})["account"]
    changed = {"account": account, "fields": [{"field": "industry", "value": "Lanterns"}], "idempotencyKey": home.key()}
    old = {"expectedVersion": "2020-01-01T00:00:00Z"}
    [finding] = rita.write("updateAccount", **changed, **old, dryRun=True)["findings"]
    assert (finding["code"], finding["path"]) == ("VERSION_CONFLICT", "expectedVersion")
    kept = rita.write("updateAccount", **changed, **old)
    assert (kept["__typename"], kept["findings"][0]["code"]) == ("Conflict", "VERSION_CONFLICT")
    new = rita.write(
        "updateAccount",
        **changed | {"idempotencyKey": home.key()},
        expectedVersion=seen["updatedAt"].replace("+00:00", "Z"),
    )
    assert new["__typename"] == "Completed"
    read = rita.told("query($by: AccountBy!) { account(by: $by) { industry } }", by={"key": account})
    assert read["account"]["industry"] == "Lanterns"


def test_a_key_that_cannot_be_takes_nobody_else_along(home: House) -> None:
    """The CRM refuses a whole query for one key that is no id of its own."""
    good = home.town.landmarks["merge_winner"]
    query = """query($good: AccountBy!, $bad: AccountBy!) {
        there: account(by: $good) { key } not: account(by: $bad) { key } }"""
    answer = home.person("ada", "support_agent").told(query, good={"key": good}, bad={"key": "Acme"})
    assert answer == {"there": {"key": good}, "not": None}
