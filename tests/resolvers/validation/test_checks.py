"""Each check of an order: it passes where nothing is wrong, fails for its reason, and is open where nobody can tell."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from resolvers.validation.checks.table import CODES, RULES
from resolvers.validation.findings import Outcome, State
from resolvers.validation.inputs import UsageTermsInput
from resolvers.validation.order import Kind
from sources import canonical as c
from sources.errors import Unavailable
from tests.resolvers import world
from tests.resolvers.validation import orders as o
from tests.resolvers.world import ACCOUNT, NOW, Shelf, usd

D = Decimal
OTHER = "001B"
QUOTE = o.quote(key="Q1", valid_until=date(2026, 3, 31), total=D("1200.00"))
PARTIES = o.parties


def amending(**given: Any) -> Any:
    return o.asked(kind=Kind.AMEND, **given)


def renewing(**given: Any) -> Any:
    return o.asked(kind=Kind.RENEW, lines=[o.line()], **given)


def with_other(**given: Any) -> Shelf:
    return o.shelf(accounts=[o.account(), o.account(OTHER, **given)])


METERED = o.price("price_1", "0.01", usage_type=c.UsageType.METERED, meter_key="mtr_1")
TIERED = o.price("price_1", None, usage_type=c.UsageType.METERED, meter_key="mtr_1", tiered=True)
INCLUDED = UsageTermsInput(included=D(100))
FREE = UsageTermsInput(included=D(0), overage_price=D("0.000000000001"))


async def test_an_order_with_nothing_wrong_is_valid() -> None:
    answer = await o.validated()
    assert answer.findings == ()
    assert answer.verdict is Outcome.VALID
    assert set(o.states(answer).values()) == {"PASSED", "NOT_APPLICABLE"}
    assert set(o.states(answer)) == CODES | {"INPUT_INVALID", "AUTHORITY"}
    assert answer.token


@pytest.mark.parametrize("kind", [Kind.AMEND, Kind.RENEW])
async def test_a_change_with_nothing_wrong_is_valid(kind: Kind) -> None:
    end = {"end_on": date(2027, 9, 9)} if kind is Kind.RENEW else {}
    answer = await o.validated(o.asked(kind=kind, **end), o.shelf(changing=True))
    assert [each for each in answer.findings if each.severity != "WARNING"] == []
    assert answer.verdict is Outcome.VALID


# code, what is asked, of which facts, what is said
FAILS: list[tuple[str, Any, Any, list[str]]] = [
    ("PARTY_UNKNOWN", o.asked(parties=PARTIES(payer="nobody")), o.shelf(), ["ERROR parties.payer"]),
    ("PARTY_UNKNOWN", o.asked(account="nobody"), o.shelf(), ["ERROR account"]),
    ("PARTY_INACTIVE", o.asked(), o.shelf(accounts=[o.account(deleted=True)]), ["ERROR account"]),
    ("PARTY_INACTIVE", o.asked(), o.shelf(accounts=[o.account(merged_into_key=OTHER)]), ["ERROR account"]),
    ("PARTY_INACTIVE", o.asked(), o.shelf(accounts=[o.account(lifecycle=c.Lifecycle.INACTIVE)]), ["ERROR account"]),
    ("PARTY_INACTIVE", o.asked(), o.shelf(profiles=[o.profile(inactive=True)]), ["ERROR parties.billTo"]),
    (
        "PARTY_RESTRICTED",
        o.asked(),
        o.shelf(accounts=[o.account(restrictions=(c.Restriction.SANCTIONS,))]),
        ["ERROR account"],
    ),
    ("PARTY_UNRELATED", o.asked(parties=PARTIES(ship_to=OTHER)), with_other(), ["ERROR parties.shipTo"]),
    ("TERMS_NOT_ALLOWED", o.asked(payment_terms="Net 365"), o.shelf(), ["ERROR paymentTerms"]),
    ("PO_MISSING", o.asked(lines=[o.line(quantity=D(1_000))]), o.shelf(), ["ERROR purchaseOrder"]),
    (
        "PO_USED",
        o.asked(purchase_order="po 1"),
        o.shelf(orders=[o.order(purchase_order="PO1", lines=())]),
        ["ERROR purchaseOrder"],
    ),
    ("ENTITY_NOT_ALLOWED", o.asked(legal_entity="MARS"), o.shelf(), ["ERROR legalEntity"]),
    ("ENTITY_NOT_ALLOWED", o.asked(), o.shelf(entities=[o.entity(inactive=True)]), ["ERROR legalEntity"]),
    ("ENTITY_NOT_ALLOWED", o.asked(currency="EUR"), o.shelf(), ["ERROR currency"]),
    ("ENTITY_NOT_ALLOWED", o.asked(), o.shelf(accounts=[o.account(country="KP")]), ["ERROR parties.shipTo"]),
    ("ENTITY_NOT_ALLOWED", o.asked(), o.shelf(products=[o.product(code="SECRET")]), ["ERROR lines.0.product"]),
    ("ENTITY_NOT_ALLOWED", o.asked(legal_entity=None), o.shelf(profiles=[]), ["ERROR legalEntity"]),
    ("PRODUCT_UNKNOWN", o.asked(lines=[o.line(product="prod_9", price=None)]), o.shelf(), ["ERROR lines.0.product"]),
    ("PRODUCT_UNKNOWN", o.asked(), o.shelf(products=[o.product(active=False)]), ["ERROR lines.0.product"]),
    ("PRICE_UNKNOWN", o.asked(lines=[o.line(price="price_9")]), o.shelf(), ["ERROR lines.0.price"]),
    ("PRICE_UNKNOWN", o.asked(), o.shelf(prices=[o.price(active=False)]), ["ERROR lines.0.price"]),
    ("PRICE_UNKNOWN", o.asked(), o.shelf(prices=[o.price(currency="EUR")]), ["ERROR lines.0.price"]),
    ("PRICE_UNKNOWN", o.asked(), o.shelf(prices=[o.price(product_key="prod_2")]), ["ERROR lines.0.price"]),
    ("PRICE_UNKNOWN", o.asked(lines=[o.line(quantity=D("1.5"))]), o.shelf(), ["ERROR lines.0.quantity"]),
    ("PRICE_UNKNOWN", o.asked(), o.shelf(prices=[o.price(amount=None)]), ["UNVERIFIED lines.0.price"]),
    (
        "QUOTE_EXPIRED",
        o.asked(quote=o.quote(key="Q", valid_until=date(2026, 3, 9))),
        o.shelf(),
        ["ERROR quote.validUntil"],
    ),
    ("QUOTE_EXPIRED", o.asked(quote=o.quote(key="Q")), o.shelf(), ["UNVERIFIED quote.validUntil"]),
    ("QUOTE_ORDERED", o.asked(quote=QUOTE), o.shelf(), ["UNVERIFIED quote.key"]),
    (
        "QUOTE_TOTAL_MISMATCH",
        o.asked(quote=o.quote(key="Q", total=D("1200.01"))),
        o.shelf(),
        ["ERROR quote.total"],
    ),
    ("QUOTE_TOTAL_MISMATCH", o.asked(quote=o.quote(key="Q")), o.shelf(), ["UNVERIFIED quote.total"]),
    ("DISCOUNT_UNAPPROVED", o.asked(lines=[o.line(discount=D("60.01"))]), o.shelf(), ["ERROR lines.0"]),
    ("DISCOUNT_UNAPPROVED", o.asked(lines=[o.line(free_months=8)]), o.shelf(), ["ERROR lines.0"]),
    ("DISCOUNT_UNAPPROVED", o.asked(lines=[o.line(usage=FREE)]), o.shelf(prices=[METERED]), ["ERROR lines.0"]),
    (
        "DISCOUNT_UNAPPROVED",
        o.asked(lines=[o.line(usage=FREE)]),
        o.shelf(prices=[TIERED]).put("key", "mtr_1", o.meter()),
        ["UNVERIFIED lines.0.usage.overagePrice"],
    ),
    ("SUBSCRIPTION_UNKNOWN", amending(), o.shelf(), ["ERROR subscription"]),
    (
        "SUBSCRIPTION_UNKNOWN",
        amending(),
        o.shelf(changing=True, subscription=[o.subscription(status="CANCELED")]),
        ["ERROR subscription"],
    ),
    (
        "SUBSCRIPTION_UNKNOWN",
        amending(),
        o.shelf(changing=True, subscription=[o.subscription(account_key=OTHER)]),
        ["ERROR subscription"],
    ),
    ("AMEND_REQUIRED", o.asked(), o.shelf(subscriptions=[o.subscription()]), ["ERROR lines.0"]),
    (
        "AMENDMENT_PENDING",
        amending(),
        o.shelf(changing=True, subscription=[o.subscription(pending_change=True)]),
        ["ERROR subscription"],
    ),
    ("COTERM_INVALID", amending(end_on=date(2026, 9, 10)), o.shelf(changing=True), ["ERROR endOn"]),
    (
        "COTERM_INVALID",
        amending(lines=[o.line(end_on=date(2026, 9, 8))]),
        o.shelf(changing=True),
        ["ERROR lines.0.endOn"],
    ),
    (
        "UNPAID_PRORATION",
        amending(lines=[o.line(quantity=D(9))]),
        o.shelf(changing=True, invoices=[world.invoice("OPEN")]),
        ["ERROR subscription"],
    ),
    (
        "UNPAID_PRORATION",
        amending(lines=[o.line(quantity=D(9))]),
        o.shelf(changing=True, invoices=[]),
        ["UNVERIFIED subscription"],
    ),
    (
        "UNPAID_PRORATION",
        amending(),
        o.shelf(changing=True, subscription=[o.subscription(mrr=usd(9_000))]),
        ["UNVERIFIED subscription"],
    ),
    ("TERM_INVALID", o.asked(term_months=None), o.shelf(), ["ERROR endOn"]),
    ("TERM_INVALID", o.asked(term_months=None, end_on=date(2026, 3, 9)), o.shelf(), ["ERROR endOn"]),
    ("TERM_INVALID", o.asked(term_months=61), o.shelf(), ["ERROR endOn"]),
    ("TERM_INVALID", o.asked(start_on=date(2026, 2, 7)), o.shelf(), ["ERROR startOn", "ERROR startOn"]),
    ("TERM_INVALID", o.asked(start_on=date(2026, 2, 28)), o.shelf(), ["ERROR startOn"]),
    ("TERM_INVALID", o.asked(start_on=date(2029, 1, 1)), o.shelf(), ["ERROR startOn"]),
    ("TERM_INVALID", o.asked(lines=[o.line(start_on=date(2026, 3, 1))]), o.shelf(), ["ERROR lines.0.startOn"]),
    ("RENEWAL_TERMS", renewing(start_on=date(2026, 9, 11)), o.shelf(changing=True), ["ERROR startOn"]),
    (
        "RENEWAL_TERMS",
        o.asked(kind=Kind.RENEW, lines=[o.line(unit_price=D("10.71"))]),
        o.shelf(changing=True),
        ["ERROR lines.0.unitPrice"],
    ),
    (
        "RENEWAL_TERMS",
        renewing(),
        o.shelf(changing=True, subscription=[o.subscription(renewal_mode=c.RenewalMode.NONE)]),
        ["ERROR subscription"],
    ),
    (
        "RENEWAL_TERMS",
        renewing(),
        o.shelf(changing=True, contracts=[o.contract(end_on=date(2026, 2, 7))]),
        ["ERROR subscription"],
    ),
    (
        "CREDIT_HOLD",
        o.asked(),
        o.shelf(profiles=[o.profile(credit_hold_override=c.CreditHoldOverride.ON)]),
        ["ERROR parties.billTo"],
    ),
    ("CREDIT_EXCEEDED", o.asked(), o.shelf(profiles=[o.profile(credit_limit=usd(129_999))]), ["ERROR parties.payer"]),
    ("CREDIT_EXCEEDED", o.asked(), o.shelf(profiles=[o.profile(balance=None)]), ["UNVERIFIED parties.payer"]),
    ("CREDIT_EXCEEDED", o.asked(), o.shelf(profiles=[o.profile(unbilled_orders=None)]), ["UNVERIFIED parties.payer"]),
    ("CREDIT_HOLD", o.asked(), o.shelf(profiles=[o.profile(payer_id="902")]), ["UNVERIFIED parties.payer"]),
    ("TAX_SHIP_TO", o.asked(), o.shelf(accounts=[o.account(country=None)]), ["ERROR parties.shipTo"]),
    ("TAX_NEXUS", o.asked(), o.shelf(accounts=[o.account(country="CA")], taxes=[]), ["UNVERIFIED parties.billTo"]),
    ("TAX_CODE", o.asked(), o.shelf(products=[o.product(tax_code=None)]), ["ERROR lines.0"]),
    ("TAX_ID", o.asked(), o.shelf(taxes=[o.tax_profile(reverse_charge=True)]), ["ERROR parties.billTo"]),
    ("TAX_EXEMPTION", o.asked(), o.shelf(taxes=[o.tax_profile(exempt=True)]), ["UNVERIFIED parties.billTo"]),
    ("PERIOD_CLOSED", o.asked(), o.shelf(periods=o.periods(receivables_locked=True)), ["ERROR startOn"]),
    ("PERIOD_CLOSED", o.asked(), o.shelf(periods=[]), ["ERROR startOn"]),
    ("UNMAPPED_ITEM", o.asked(), o.shelf(items=[]), ["ERROR lines.0"]),
    ("UNMAPPED_ITEM", o.asked(), o.shelf(items=[o.item(inactive=True)]), ["ERROR lines.0"]),
    ("UNMAPPED_ITEM", o.asked(), o.shelf(products=[o.product(code=None)]), ["ERROR lines.0"]),
    ("UNMAPPED_TAX", o.asked(), o.shelf(items=[o.item(tax_schedule=None)]), ["ERROR lines.0"]),
    ("REVENUE_RULE_MISSING", o.asked(), o.shelf(items=[o.item(revenue_rule=None)]), ["ERROR lines.0"]),
    ("CURRENCY_CONFLICT", amending(currency="JPY"), o.shelf(changing=True), ["ERROR currency"]),
    ("DUPLICATE_ORDER", o.asked(), o.shelf(orders=[o.order()]), ["ERROR lines"]),
    (
        "USAGE_TERMS",
        o.asked(),
        o.shelf(prices=[METERED]).put("key", "mtr_1", o.meter()),
        ["ERROR lines.0.usage.included"],
    ),
    (
        "USAGE_TERMS",
        o.asked(lines=[o.line(usage=INCLUDED)]),
        o.shelf(prices=[METERED]).put("key", "mtr_1", o.meter(active=False)),
        ["ERROR lines.0.price"],
    ),
    ("USAGE_TERMS", o.asked(lines=[o.line(usage=INCLUDED)]), o.shelf(prices=[METERED]), ["ERROR lines.0.price"]),
]


@pytest.mark.parametrize(("code", "given", "on", "expected"), FAILS, ids=[f"{e[0]}-{n}" for n, e in enumerate(FAILS)])
async def test_a_check_fails_for_its_reason(code: str, given: Any, on: Shelf, expected: list[str]) -> None:
    answer = await o.validated(given, on)
    assert o.said(answer, code) == expected, answer.findings
    failed = any(each.startswith("ERROR") for each in expected)
    assert o.states(answer)[code] == ("FAILED" if failed else "UNVERIFIED")
    assert answer.verdict in (Outcome.INVALID, *([] if failed else [Outcome.UNVERIFIED]))
    assert answer.token is None


def test_every_check_has_a_reason_to_fail_here() -> None:
    elsewhere = {"PARTY_RESELLER", "PO_REMAINING", "ENTITLEMENT_CONFLICT", "ENTITY_ACCOUNT"}  # told below
    assert {code for code, *_ in FAILS} == CODES - elsewhere


# ---------------------------------------------------------------- what could not be asked

FULL: dict[str, Any] = {
    "quote": QUOTE,
    "purchase_order": "PO1",
    "parties": PARTIES(reseller=OTHER),
}


@pytest.mark.parametrize("stale", [False, True])
@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("name", o.INDEXES)
async def test_a_check_that_misses_a_fact_never_passes(name: str, kind: Kind, stale: bool) -> None:
    metered = o.line(price="price_2", usage=INCLUDED)
    given = o.asked(kind=kind, lines=[o.line(), metered], **FULL)
    on = o.shelf(changing=kind is not Kind.NEW, accounts=[o.account(), o.account(OTHER)])
    on.put("key", "price_2", o.price("price_2", "0.01", usage_type=c.UsageType.METERED, meter_key="mtr_1"))
    on.put("key", "mtr_1", o.meter()).put("account", ACCOUNT, world.case(priority=c.Priority.LOW))
    on.put("account", OTHER, o.contract("800B", account_key=OTHER))
    for record, by in o.INDEXES[name]:
        if stale:
            on.serve(record, by, c.Served.STALE)
        else:
            on.fail(record, by, Unavailable("gone", source="x"))
    answer = await o.validated(given, on)
    states = o.states(answer)
    resting = {rule.code for rule in RULES if name in rule.needs and states[rule.code] != "NOT_APPLICABLE"}
    read = {(record, by) for record, by, _ in on.asked}
    asked = any((record.__name__, by) in read for record, by in o.INDEXES[name])
    if asked and (_has_rows(on, name) or not stale):  # nothing that is not there is past its time
        assert {states[code] for code in resting} <= {"UNVERIFIED", "FAILED"}, states
        assert answer.verdict in (Outcome.UNVERIFIED, Outcome.INVALID)
        assert answer.token is None


def _has_rows(on: Shelf, name: str) -> bool:
    return any(on.has(record, by) for record, by in o.INDEXES[name])


async def test_what_is_missing_is_said_with_its_source() -> None:
    on = o.shelf().fail(c.Order, "account", Unavailable("gone", source="crm"))
    answer = await o.validated(on=on)
    assert answer.verdict is Outcome.UNVERIFIED
    [finding] = [each for each in answer.findings if each.code == "DUPLICATE_ORDER"]
    assert (finding.source, finding.fix) == ("crm", "ask again when the source answers")
    assert "SOURCE_UNAVAILABLE" in finding.message
    assert {each.code for each in answer.findings} == {"DUPLICATE_ORDER"}
    assert answer.approvals_required[0].reasons == ("TOTAL_UNKNOWN:amount",)


async def test_a_line_whose_price_could_not_be_read_is_nothing_that_passed() -> None:
    on = o.shelf(subscriptions=[o.subscription()]).fail(c.Price, "key", Unavailable("gone", source="billing"))
    answer = await o.validated(o.asked(lines=[o.line(product=None)]), on)
    states = o.states(answer)
    passed = {code for code, state in states.items() if state == "PASSED"}
    sold = {rule.code for rule in RULES if {"products", "prices"}.intersection(rule.needs)}
    assert sold & passed == set()
    assert answer.verdict is Outcome.UNVERIFIED


@pytest.mark.parametrize("kind", [Kind.AMEND, Kind.RENEW])
async def test_a_term_that_could_not_be_read_is_no_error(kind: Kind) -> None:
    answer = await o.validated(o.asked(kind=kind), o.shelf(changing=True).fail(c.SubscriptionContract, "subscription"))
    assert answer.verdict is Outcome.UNVERIFIED, answer.findings


async def test_tiers_hold_where_no_price_was_agreed() -> None:
    on = o.shelf(prices=[TIERED]).put("key", "mtr_1", o.meter())
    answer = await o.validated(o.asked(lines=[o.line(usage=INCLUDED)]), on)
    assert answer.verdict is Outcome.VALID, answer.findings


async def test_a_certain_error_outranks_what_is_missing() -> None:
    on = o.shelf(accounts=[o.account(deleted=True)]).fail(c.BillingProfile, "account")
    assert (await o.validated(on=on)).verdict is Outcome.INVALID


async def test_the_business_may_say_that_a_check_does_not_apply() -> None:
    answer = await o.validated(o.asked(quote=QUOTE), not_applicable={"QUOTE_ORDERED": "CPQ closes it"})
    check = next(each for each in answer.checks if each.code == "QUOTE_ORDERED")
    assert (check.state, check.reason) == (State.NOT_APPLICABLE, "CPQ closes it")
    assert answer.verdict is Outcome.VALID


# ---------------------------------------------------------------- one by one


@pytest.mark.parametrize(
    ("agreements", "state"),
    [
        ([], "UNVERIFIED"),
        ([o.contract("800B", account_key=OTHER, subscription_key="sub_1")], "UNVERIFIED"),
        ([o.contract("800B", account_key=OTHER)], "PASSED"),
        ([o.contract("800B", account_key=OTHER, end_on=date(2026, 3, 9))], "FAILED"),
        ([o.contract("800B", account_key=OTHER, status="TERMINATED")], "FAILED"),
    ],
)
async def test_a_reseller_has_an_agreement_in_force(agreements: list[Any], state: str) -> None:
    on = with_other()
    for each in agreements:
        on.put("account", OTHER, each)
    answer = await o.validated(o.asked(parties=PARTIES(reseller=OTHER)), on)
    assert o.states(answer)["PARTY_RESELLER"] == state


@pytest.mark.parametrize(
    ("other", "parties", "state"),
    [
        (o.account(OTHER, parent_key=ACCOUNT), PARTIES(end_customer=OTHER), "PASSED"),
        (o.account(OTHER), PARTIES(end_customer=OTHER, reseller=OTHER), "PASSED"),
        (o.account(OTHER), PARTIES(end_customer=OTHER), "FAILED"),
        (o.account(OTHER), PARTIES(payer=OTHER), "FAILED"),
    ],
)
async def test_parties_have_to_do_with_the_customer(other: c.Account, parties: Any, state: str) -> None:
    answer = await o.validated(o.asked(parties=parties), o.shelf(accounts=[o.account(), other]))
    assert o.states(answer)["PARTY_UNRELATED"] == state


async def test_whoever_pays_by_the_erps_word_is_related_and_its_credit_counts() -> None:
    own, payer = o.profile(payer_id="902"), o.profile("902", account_key=OTHER, credit_limit=usd(200_000))
    on = o.shelf(accounts=[o.account(), o.account(OTHER)], profiles=[own])
    sibling = o.profile("903", account_key="001C", payer_id="902", balance=usd(70_000))
    on.put("account", OTHER, payer).put("key", "902", payer).put("payer", "902", own, sibling)
    answer = await o.validated(o.asked(parties=PARTIES(payer=OTHER)), on)
    assert o.states(answer)["PARTY_UNRELATED"] == "PASSED"
    assert answer.credit is not None
    assert answer.credit.exposure == usd(10_000 + 10_000 + 70_000)
    assert answer.credit.headroom == usd(200_000 - 90_000 - 120_000)
    assert o.said(answer, "CREDIT_EXCEEDED") == ["ERROR parties.payer"]


async def test_a_payer_that_is_not_to_be_seen_is_no_free_credit() -> None:
    answer = await o.validated(on=o.shelf(profiles=[o.profile(payer_id="902")]))
    assert o.said(answer, "CREDIT_EXCEEDED") == ["UNVERIFIED parties.payer"]
    assert answer.credit is None


@pytest.mark.parametrize("kind", [Kind.AMEND, Kind.RENEW])
@pytest.mark.parametrize(
    ("others", "sold_by", "said"),
    [
        ([], "US", ["ERROR parties.payer"]),
        ([o.profile("903", legal_entity="FR", currency="EUR")], "US", ["ERROR parties.payer"]),
        ([o.profile("903", legal_entity="FR")], None, []),
    ],
)
async def test_a_subscription_that_names_no_company_is_sold_by_the_only_one_that_bills_it(
    kind: Kind, others: list[c.BillingProfile], sold_by: str | None, said: list[str]
) -> None:
    unnamed = [o.subscription(legal_entity=None)]
    profiles = [o.profile(credit_limit=usd(10_001)), *others]
    on = o.shelf(changing=True, subscription=unnamed, subscriptions=unnamed, profiles=profiles)
    more = o.asked(kind=kind, legal_entity=None, lines=[o.line(quantity=D(20))])
    answer = await o.validated(more, on)
    assert (answer.entity_key, o.said(answer, "CREDIT_EXCEEDED")) == (sold_by, said)
    assert o.said(answer, "ENTITY_NOT_ALLOWED") == ([] if sold_by else ["ERROR legalEntity"])


async def test_debts_in_another_currency_need_a_rate() -> None:
    foreign = o.profile("903", account_key="001C", payer_id="901", balance=c.Money(5, "EUR"))
    answer = await o.validated(on=o.shelf().put("payer", "901", foreign))
    assert o.said(answer, "CREDIT_EXCEEDED") == ["UNVERIFIED parties.payer"]


async def test_a_support_tier_is_not_lowered_while_an_urgent_case_is_open() -> None:
    high = o.price("price_h", product_key="prod_h", lookup_key="support-premium-month-usd")
    held = c.SubscriptionItem(key="si_h", price=high, product_key="prod_h", quantity=1)
    before = o.subscription()
    running = o.subscription(items=(*before.items, held), mrr=usd(11_000))
    on = o.shelf(changing=True, subscription=[running], subscriptions=[running])
    on.put("account", ACCOUNT, world.case(number="77", priority=c.Priority.URGENT))
    lowered = await o.validated(amending(), on)
    assert o.said(lowered, "ENTITLEMENT_CONFLICT") == ["ERROR lines"]
    on.put("key", "price_h", high).put("key", "prod_h", o.product("prod_h", code="SUPPORT-PREMIUM"))
    on.put("product", "SUPPORT-PREMIUM", o.item("SUPPORT-PREMIUM"))
    kept = [o.line(), o.line(product="prod_h", price="price_h", quantity=D(1))]
    assert o.states(await o.validated(amending(lines=kept), on))["ENTITLEMENT_CONFLICT"] == "PASSED"


async def test_a_new_customer_gets_credit_by_approval_only() -> None:
    small = await o.validated(on=o.shelf(profiles=[]))
    assert o.said(small, "ENTITY_ACCOUNT") == ["WARNING parties.billTo"]
    assert small.verdict is Outcome.VALID
    large = await o.validated(o.asked(lines=[o.line(quantity=D(42))]), o.shelf(profiles=[]))
    assert [(each.rule, each.role) for each in large.approvals_required] == [("new_customer_credit", "credit_manager")]


async def test_a_purchase_order_is_not_drawn_down_unseen() -> None:
    answer = await o.validated(o.asked(purchase_order="PO1"))
    assert o.said(answer, "PO_REMAINING") == ["UNVERIFIED purchaseOrder"]


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({}, True),
        ({"created_at": NOW - timedelta(days=31)}, False),
        ({"created_at": NOW - timedelta(days=31), "status": c.OrderStatus.DRAFT}, False),
        ({"created_at": NOW - timedelta(days=31), "status": c.OrderStatus.DRAFT, "operation": "op-1"}, True),
        ({"status": c.OrderStatus.CANCELED}, False),
        ({"reduction": True}, False),
        ({"purchase_order": "other"}, False),
        ({"lines": ()}, False),
    ],
)
async def test_an_order_is_the_same_by_products_quantities_and_purchase_order(change: Any, same: bool) -> None:
    given = o.asked(purchase_order="mine" if "purchase_order" in change else None)
    answer = await o.validated(given, o.shelf(orders=[o.order(**change)]))
    assert (o.states(answer)["DUPLICATE_ORDER"] == "FAILED") is same


async def test_all_lines_are_told_by_their_place_in_the_input() -> None:
    lines = [
        o.line(),
        o.line(quantity=D(0)),
        o.line(quantity=D(-3)),
        o.line(product=None, price=None),
        o.line(price="x"),
    ]
    answer = await o.validated(o.asked(lines=lines))
    found = {each.path for each in answer.findings if each.severity == "ERROR"}
    assert found == {"lines.1.quantity", "lines.2.quantity", "lines.3", "lines.4.price"}
    assert [each.line for each in answer.lines] == [0]
    assert answer.totals is None


async def test_limits_are_the_rules() -> None:
    answer = await o.validated(o.asked(lines=[o.line(), o.line()]), lines=1)
    assert o.said(answer, "INPUT_INVALID") == ["ERROR lines"]
    strict = replace(o.RULES, not_applicable=dict.fromkeys(CODES, "never"))
    assert set(o.states(await o.validated(within=o.context(strict))).values()) == {"PASSED", "NOT_APPLICABLE"}


async def test_a_day_belongs_to_the_month_not_to_the_year_that_has_it_too() -> None:
    year = o.period(date(2026, 1, 1), date(2026, 12, 31), closed=True)
    assert o.states(await o.validated(on=o.shelf(periods=[year, *o.periods()])))["PERIOD_CLOSED"] == "PASSED"
