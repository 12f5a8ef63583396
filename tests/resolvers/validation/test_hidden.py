"""What the asker may not see: never taken for absent where it matters, and never told from what is not there."""

from datetime import timedelta
from decimal import Decimal

import pytest

from resolvers.validation.checks.table import RULES
from resolvers.validation.inputs import UsageTermsInput
from resolvers.validation.order import Kind
from sources import canonical as c
from tests.resolvers import world
from tests.resolvers.validation import orders as o
from tests.resolvers.world import ACCOUNT, NOW, usd

D = Decimal
OTHER = "001B"
PARTIES = o.parties
METERED = o.price("price_2", "0.01", usage_type=c.UsageType.METERED, meter_key="mtr_1")
INCLUDED = UsageTermsInput(included=D(100))
NAMED = {"accounts", "entities", "periods", "subscription", "base_invoice", "products", "prices", "meters"}


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("name", o.INDEXES)
async def test_what_is_hidden_is_never_taken_for_absent(name: str, kind: Kind) -> None:
    sister = o.profile("902", account_key=OTHER, payer_id="901")
    old = o.order(lines=(), created_at=NOW - timedelta(days=40))
    other = o.subscription("sub_2", items=())
    on = o.shelf(changing=kind is not Kind.NEW, accounts=[o.account(), o.account(OTHER)], orders=[old])
    on.put("key", "price_2", METERED).put("key", "mtr_1", o.meter()).put("account", ACCOUNT, other)
    on.put("account", ACCOUNT, world.case(priority=c.Priority.LOW)).put("payer", "901", sister)
    on.put("account", OTHER, o.contract("800B", account_key=OTHER, end_on=None))
    lines = [o.line(quantity=D(20 if kind is Kind.AMEND else 10)), o.line(price="price_2", usage=INCLUDED)]
    given = o.asked(kind=kind, lines=lines, parties=PARTIES(reseller=OTHER), purchase_order="PO")
    drawn = {"PO_REMAINING": "each names its own order"}
    whole = await o.validated(given, on, not_applicable=drawn)
    assert whole.token is not None, whole.findings
    for record, by in o.INDEXES[name]:
        on.hide(record, by)
    asked = {(record, by) for record, by, _ in on.asked}
    answer = await o.validated(given, on, not_applicable=drawn)
    states = o.states(answer)
    resting = {states[rule.code] for rule in RULES if name in rule.needs} - {"NOT_APPLICABLE"}
    if not any((record.__name__, by) in asked and on.has(record, by) for record, by in o.INDEXES[name]):
        assert o.states(answer) == o.states(whole)
    elif resting:
        assert answer.token is None
        assert resting <= {"UNVERIFIED", "FAILED"} or name in NAMED, states


async def test_who_is_hidden_is_answered_like_who_is_not_there() -> None:
    known = o.profile("902", account_key=OTHER, credit_hold_override=c.CreditHoldOverride.ON)
    given = o.asked(
        parties=PARTIES(sold_to=OTHER, bill_to=OTHER, payer=OTHER, end_customer=OTHER, reseller=OTHER),
        legal_entity=None,
    )
    hidden = (
        o.shelf(accounts=[o.account(), o.account(OTHER)])
        .put("account", OTHER, known)
        .put("account", OTHER, o.order(), o.order("801B"))
    )
    hidden.put("account", OTHER, o.subscription("sub_2"), o.subscription("sub_3"))
    hidden.put("account", OTHER, o.contract("800B", account_key=OTHER, end_on=None)).put(
        "account", OTHER, o.tax_profile("902")
    )
    for kind, by in (
        (c.Account, "key"),
        (c.BillingProfile, "account"),
        (c.Order, "account"),
        (c.TaxProfile, "account"),
    ):
        hidden.hide(kind, by, OTHER)
    hidden.hide(c.AccountSubscription, "account", OTHER).hide(c.SubscriptionContract, "account", OTHER)
    assert await o.validated(given, hidden) == await o.validated(given, o.shelf())


@pytest.mark.parametrize("kind", [Kind.AMEND, Kind.RENEW])
async def test_a_hidden_subscription_is_answered_like_one_that_is_not_there(kind: Kind) -> None:
    hidden = o.shelf(changing=True, subscriptions=[]).hide(c.AccountSubscription, "key")
    hidden.hide(c.SubscriptionContract, "subscription")
    answer = await o.validated(o.asked(kind=kind), hidden)
    assert answer == await o.validated(o.asked(kind=kind), o.shelf())
    assert o.said(answer, "SUBSCRIPTION_UNKNOWN") == ["ERROR subscription"]


async def test_credit_is_not_told_where_some_of_the_group_are_hidden() -> None:
    sister = o.profile("902", account_key="001C", payer_id="901", balance=usd(5_000_000))
    answer = await o.validated(on=o.shelf().put("payer", "901", sister).hide(c.BillingProfile, "payer"))
    assert answer.credit is not None
    assert (answer.credit.exposure, answer.credit.headroom) == (None, None)
    [finding] = [each for each in answer.findings if each.code == "CREDIT_EXCEEDED"]
    assert (finding.message, finding.fix) == (
        "`erp` may have more than could be read", "have somebody look who sees all of it",
    )  # fmt: skip
