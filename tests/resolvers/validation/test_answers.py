"""What an answer says besides its checks: approvals, prices, days, deltas; and that bad input is answered, never a crash."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.principal import Principal
from resolvers.validation.case import AT_ONCE
from resolvers.validation.checks.table import RULES
from resolvers.validation.findings import Outcome
from resolvers.validation.inputs import (
    OrderInput,
    OrderLineInput,
    OrderPartiesInput,
    OrderQuoteInput,
    QuoteApprovalInput,
    UsageTermsInput,
)
from resolvers.validation.intake import order_of
from resolvers.validation.judge import judge
from resolvers.validation.order import Kind
from sources import canonical as c
from sources import errand
from sources.ports import Page, Reading
from tests.resolvers import world
from tests.resolvers.validation import orders as o
from tests.resolvers.world import ACCOUNT, NOW, usd

D = Decimal

# ---------------------------------------------------------------- approvals


def quoted(approver: str, limit: str, discount: str) -> OrderInput:
    approval = QuoteApprovalInput(approver=approver, discount_limit=D(limit))
    quote = o.quote(key="Q", valid_until=date(2026, 4, 1), approval=approval)
    return o.asked(lines=[o.line(discount=D(discount))], quote=quote)


@pytest.mark.parametrize(
    ("given_", "role", "reason"),
    [
        (o.asked(lines=[o.line(discount=D(10))]), None, None),
        (o.asked(lines=[o.line(discount=D("10.01"))]), "revops", "ABOVE_LIMIT:discount"),
        (o.asked(lines=[o.line(discount=D("25.01"))]), "finance_controller", "ABOVE_LIMIT:discount"),
        (o.asked(lines=[o.line(free_months=2)]), "revops", "ABOVE_LIMIT:discount"),
        (o.asked(payment_terms="Net 60"), "finance_controller", "FLAG_SET:non_standard_terms"),
        (o.asked(payment_terms="Net 14"), None, None),
        (o.asked(start_on=date(2026, 3, 9)), "finance_controller", "FLAG_SET:backdated"),
        (o.asked(lines=[o.line(quantity=D(500))]), "revops", "ABOVE_LIMIT:amount"),
        (quoted("eve@acme.test", "20", "20"), None, None),
        (quoted("eve@acme.test", "19", "20"), "revops", "ABOVE_LIMIT:discount"),
        (quoted("ADA@acme.test ", "20", "20"), "revops", "ABOVE_LIMIT:discount"),
        (quoted("Eve Ning", "20", "20"), "revops", "ABOVE_LIMIT:discount"),
        (quoted("eve@acme.test", "60", "26"), "finance_controller", "ABOVE_LIMIT:discount"),
    ],
)
async def test_an_order_needs_whom_the_write_rules_name(given_: OrderInput, role: str, reason: str) -> None:
    answer = await o.validated(given_, o.shelf(profiles=[o.profile(credit_limit=usd(100_000_000))]))
    assert [(each.role, each.reasons[0]) for each in answer.approvals_required] == ([(role, reason)] if role else [])


async def test_an_approval_that_cpq_states_is_shown_where_it_counts() -> None:
    told = []
    for approver in ("eve@acme.test", "Eve Ning"):
        answer = await o.validated(quoted(approver, "20", "20"))
        check = next(each for each in answer.checks if each.code == "AUTHORITY")
        told.append((check.reason, o.said(answer, "DISCOUNT_UNAPPROVED")))
    said = "CPQ says that `eve@acme.test` approved up to 20 per cent"
    assert told == [(said, []), (None, ["WARNING quote.approval.approver"])]
    nobody = await o.validated(quoted("eve@acme.test", "20", "20"), approver_form=None)
    assert [each.role for each in nobody.approvals_required] == ["revops"]


async def test_orders_of_thirty_days_are_added_up() -> None:
    before = o.order(lines=(), total=usd(4_990_000))
    answer = await o.validated(on=o.shelf(orders=[before]))
    assert [(each.role, each.amount) for each in answer.approvals_required] == [("revops", usd(5_110_000))]
    old = o.order(lines=(), total=usd(4_990_000), created_at=NOW - timedelta(days=31))
    assert (await o.validated(on=o.shelf(orders=[old]))).approvals_required == ()
    foreign = o.order(lines=(), total=c.Money(1, "EUR"))
    [approval] = (await o.validated(on=o.shelf(orders=[foreign]))).approvals_required
    assert approval.reasons == ("TOTAL_UNKNOWN:amount",)


async def test_a_fall_in_recurring_revenue_is_approved_by_how_far_it_falls() -> None:
    for quantity, role in ((9, "revops"), (7, "finance_controller")):
        answer = await o.validated(
            o.asked(kind=Kind.AMEND, lines=[o.line(quantity=D(quantity))]), o.shelf(changing=True)
        )
        assert [each.role for each in answer.approvals_required] == [role]
        assert answer.deltas is not None
        assert answer.deltas.mrr == usd((quantity - 10) * 1_000)


async def test_a_service_without_a_person_may_not_order() -> None:
    answer = await o.validated(within=o.context(principal=replace(o.SELLER, human=None)))
    assert answer.verdict is Outcome.INVALID
    assert "PERSON_MISSING" in answer.findings[0].message


async def test_who_may_not_order_is_told_what_it_would_take() -> None:
    reader = Principal(subject="rita", roles=frozenset({"revops"}))
    answer = await o.validated(o.asked(lines=[o.line(discount=D(20))]), within=o.context(principal=reader))
    assert [each.role for each in answer.approvals_required] == ["revops"]


# ---------------------------------------------------------------- what it costs and changes


async def test_an_order_is_priced_over_its_term() -> None:
    answer = await o.validated(o.asked(lines=[o.line(unit_price=D("9.995"))]))
    assert answer.totals is not None
    assert answer.first_invoice is not None
    assert answer.lines[0].amount == usd(9_995)
    assert (answer.totals.total, answer.totals.mrr, answer.totals.arr) == (usd(119_940), usd(9_995), usd(119_940))
    assert (answer.first_invoice.amount, answer.first_invoice.due_on) == (usd(9_995), date(2026, 4, 9))
    assert answer.credit is not None
    assert answer.credit.headroom == usd(1_000_000 - 10_000 - 119_940)


async def test_a_price_is_found_by_its_product_where_there_is_only_one() -> None:
    on = o.shelf()
    on.put("product", "prod_1", o.price(), o.price("old", active=False), o.price("eur", currency="EUR"))
    assert (await o.validated(o.asked(lines=[o.line(price=None)]), on)).lines[0].price_key == "price_1"
    on.put("product", "prod_1", o.price("yearly", "100.00", interval=c.Interval.YEAR))
    unclear = await o.validated(o.asked(lines=[o.line(price=None)]), on)
    assert o.said(unclear, "PRICE_UNKNOWN") == ["ERROR lines.0.price"]


async def test_an_amendment_that_changes_nothing_changes_nothing() -> None:
    answer = await o.validated(o.asked(kind=Kind.AMEND), o.shelf(changing=True))
    assert answer.deltas is not None
    assert [answer.deltas.mrr, answer.deltas.arr, answer.deltas.tcv] == [usd(0)] * 3
    assert answer.end_on == date(2026, 9, 9)


async def test_an_upgrade_is_charged_for_what_is_left_of_the_period() -> None:
    answer = await o.validated(o.asked(kind=Kind.AMEND, lines=[o.line(quantity=D(20))]), o.shelf(changing=True))
    assert answer.proration is not None
    assert answer.proration.net == answer.proration.charge - answer.proration.credit
    assert answer.proration.charge.minor == 2 * answer.proration.credit.minor
    assert answer.verdict is Outcome.VALID


async def test_a_renewal_follows_on_and_lasts_as_long() -> None:
    on = o.shelf(changing=True, periods=[*o.periods(), o.period(date(2026, 9, 1), date(2026, 9, 30))])
    answer = await o.validated(o.asked(kind=Kind.RENEW), on)
    assert (answer.start_on, answer.end_on) == (date(2026, 9, 10), date(2027, 9, 9))
    assert answer.verdict is Outcome.VALID


async def test_a_renewal_that_is_signed_late_is_no_backdating() -> None:
    ended = o.contract(end_on=date(2026, 2, 28), status="EXPIRED")
    answer = await o.validated(o.asked(kind=Kind.RENEW), o.shelf(changing=True, contracts=[ended]))
    assert answer.start_on == date(2026, 3, 1)
    assert answer.approvals_required == ()
    assert answer.verdict is Outcome.VALID


# ---------------------------------------------------------------- days


@pytest.mark.parametrize(
    ("zone", "now", "today", "period"),
    [
        ("America/New_York", datetime(2026, 4, 1, 3, 59, tzinfo=UTC), date(2026, 3, 31), "Mar 2026"),
        ("America/New_York", datetime(2026, 4, 1, 4, 0, tzinfo=UTC), date(2026, 4, 1), "Apr 2026"),
        ("Asia/Tokyo", datetime(2026, 3, 31, 14, 59, tzinfo=UTC), date(2026, 3, 31), "Mar 2026"),
        ("Asia/Tokyo", datetime(2026, 3, 31, 15, 0, tzinfo=UTC), date(2026, 4, 1), "Apr 2026"),
        ("not/a zone", datetime(2026, 3, 31, 23, 59, tzinfo=UTC), date(2026, 3, 31), "Mar 2026"),
    ],
)
async def test_today_and_the_period_are_the_entitys(zone: str, now: datetime, today: date, period: str) -> None:
    local = world.entity("US", zone, country="US")
    answer = await o.validated(on=o.shelf(entities=[local]), within=o.context(now=now))
    assert answer.start_on == today
    assert answer.posting_period is not None
    assert (answer.posting_period.invoice_on, answer.posting_period.name) == (today, period)


async def test_what_began_in_the_past_is_invoiced_today() -> None:
    answer = await o.validated(o.asked(start_on=date(2026, 3, 2)))
    assert answer.posting_period is not None
    assert answer.posting_period.invoice_on == o.MARCH


async def test_a_period_that_is_not_there_yet_is_no_closed_one() -> None:
    answer = await o.validated(o.asked(start_on=date(2026, 5, 1)))
    assert o.said(answer, "PERIOD_CLOSED") == ["WARNING startOn"]
    assert answer.verdict is Outcome.VALID


# ---------------------------------------------------------------- bad input


async def test_input_without_anybody_or_any_money_is_answered() -> None:
    for given_ in (o.asked(account=""), o.asked(currency="dollars"), o.asked(currency="")):
        answer = await o.validated(given_)
        assert answer.verdict is Outcome.INVALID
        assert answer.findings
        assert answer.token is None


NUMBERS = st.one_of(
    st.decimals(allow_nan=True, allow_infinity=True),
    st.sampled_from([D("1e30"), D("1e-30"), D("-0"), D(0), D("1e999999"), D("1.0000000000001")]),
)
TEXTS = st.one_of(st.none(), st.text(max_size=300), st.sampled_from(["prod_1", "price_1", "001A"]))
DATES = st.one_of(st.none(), st.dates())
LINES = st.builds(
    OrderLineInput,
    product=TEXTS,
    price=TEXTS,
    quantity=NUMBERS,
    unit_price=st.one_of(st.none(), NUMBERS),
    discount=st.one_of(st.none(), NUMBERS),
    free_months=st.integers(-5, 500),
    start_on=DATES,
    end_on=DATES,
    usage=st.one_of(st.none(), st.builds(UsageTermsInput, included=NUMBERS, committed=NUMBERS, overage_price=NUMBERS)),
)
INPUTS = st.builds(
    OrderInput,
    kind=st.sampled_from(list(Kind)),
    account=st.one_of(st.just(ACCOUNT), st.text(max_size=300)),
    parties=st.one_of(st.none(), st.builds(OrderPartiesInput, bill_to=TEXTS, payer=TEXTS, reseller=TEXTS)),
    legal_entity=st.one_of(st.none(), st.just("US"), st.text(max_size=9)),
    currency=st.one_of(st.just("USD"), st.just("JPY"), st.text(max_size=4)),
    lines=st.lists(LINES, max_size=4),
    purchase_order=TEXTS,
    payment_terms=TEXTS,
    quote=st.one_of(
        st.none(),
        st.builds(
            OrderQuoteInput,
            key=st.text(max_size=300),
            valid_until=DATES,
            total=NUMBERS,
            approval=st.builds(QuoteApprovalInput, approver=st.text(max_size=9), discount_limit=NUMBERS),
        ),
    ),
    subscription=TEXTS,
    start_on=DATES,
    end_on=DATES,
    term_months=st.one_of(st.none(), st.integers(-(2**31), 2**31 - 1)),
)


@given(INPUTS)
@settings(max_examples=150)
async def test_whatever_is_sent_is_answered(given_: OrderInput) -> None:
    on = o.shelf(changing=True)
    answer = await o.validated(given_, on)
    assert answer.verdict in Outcome
    assert bool(answer.token) <= (answer.verdict in (Outcome.VALID, Outcome.VALID_WITH_APPROVAL))
    assert all(each.code and each.message for each in answer.findings)
    assert all(len(key) <= 255 for _, _, keys in on.asked for key in keys)


async def test_text_in_any_script_is_text() -> None:
    named = o.account(name="Müller's Söhne & 株式会社北星 🚀")
    given_ = o.asked(purchase_order="注文書 № 4711 🚀")
    answer = await o.validated(given_, o.shelf(accounts=[named]), not_applicable={"PO_REMAINING": "x"})
    assert answer.verdict is Outcome.VALID
    used = o.order(lines=(), purchase_order="注文書№4711🚀")
    assert o.said(await o.validated(given_, o.shelf(orders=[used])), "PO_USED") == ["ERROR purchaseOrder"]


async def test_a_thousand_lines_are_read_as_few() -> None:
    on = o.shelf(profiles=[o.profile(credit_limit=None)], prices=[])
    on.put("list", "", *(o.price(f"price_{n}", "1.23", product_key=f"prod_{n % 40}") for n in range(100)))
    for n in range(40):
        on.put("key", f"prod_{n}", o.product(f"prod_{n}", code=f"P{n}")).put("product", f"P{n}", o.item(f"P{n}"))
    lines = [o.line(product=None, price=f"price_{n % 100}", quantity=D(n % 7 + 1)) for n in range(1_000)]
    answer = await o.validated(o.asked(lines=lines, purchase_order="PO"), on, not_applicable={"PO_REMAINING": "x"})
    assert [each for each in answer.findings if each.severity == "ERROR"] == []
    assert len(answer.lines) == 1_000
    assert answer.totals is not None
    assert answer.totals.total.minor == sum(each.total.minor for each in answer.lines)
    assert [(record, by) for record, by, _ in on.asked if record == "Price"] == [("Price", "list")]
    over = await o.validated(o.asked(lines=[o.line()] * 1_001))
    assert o.said(over, "INPUT_INVALID") == ["ERROR lines"]


async def test_a_large_order_lets_others_have_their_turn() -> None:
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    beside = asyncio.ensure_future(others())
    answer = await o.validated(o.asked(lines=[o.line()] * 1_000))
    beside.cancel()
    assert len(answer.lines) == 1_000
    assert turns > 1_000 / AT_ONCE + len(RULES)


@pytest.mark.parametrize("missing", [c.ErpItem, c.Account, c.BillingProfile])
async def test_what_is_not_there_in_time_leaves_its_checks_open(missing: type[c.Record]) -> None:
    on, never = o.shelf(), asyncio.Event()

    async def read(record: type[c.Record], by: str, keys: Sequence[str], page: Page = Page()) -> Reading:  # noqa: B008 - frozen
        if record is missing:
            await never.wait()
        return await on(record, by, keys, page)

    begun = errand.begin(errand.Errand(until=asyncio.get_running_loop().time() + 0.5))
    try:
        answer = await judge(order_of(o.asked(), o.RULES), read, o.context())
    finally:
        errand.end(begun)
    late = {each.code for each in answer.findings if "(DEADLINE_EXCEEDED)" in each.message}
    assert answer.verdict is Outcome.UNVERIFIED, answer.findings
    assert late
    assert late <= {code for code, state in o.states(answer).items() if state == "UNVERIFIED"}


async def test_who_names_far_too_long_a_party_is_told_so() -> None:
    answer = await o.validated(o.asked(parties=o.parties(payer="x" * 300)))
    assert o.said(answer, "INPUT_INVALID") == ["ERROR parties.payer"]
