"""How an account stands with us about money."""

from typing import Any

import pytest

from resolvers.facts.standing import NEEDS, Standing, StandingValue, standing
from resolvers.sagas.reading import hold_reason
from sources import canonical as c
from sources.errors import SourceError, Unavailable
from tests.resolvers.world import ACCOUNT, DOWN, Shelf, account, ago, context, customer, day, posted, profile, usd

ERP_DOWN = Unavailable("away", source="erp")
ON, OFF, AUTO = c.CreditHoldOverride.ON, c.CreditHoldOverride.OFF, c.CreditHoldOverride.AUTO


def overdue(minor: int = 1_001, days: int = 6, **given: Any) -> c.BillingProfile:
    return profile(overdue_balance=usd(minor), days_overdue=days, **given)


async def judged(*profiles: c.BillingProfile, customers: Any = (), invoices: Any = (), **figures: Any) -> StandingValue:
    read = Shelf(NEEDS)
    for records in (profiles, customers, invoices):
        if records:
            read.put("account", ACCOUNT, *records)
    (found,) = await standing([account()], read, context(**figures))
    assert isinstance(found, StandingValue)
    return found


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (profile(), None),
        (profile(credit_hold_override=ON), "ON"),
        (profile(credit_hold_override=ON, hold_preference=c.HoldPreference.WARN_ONLY), None),
        (profile(credit_hold_override=ON, hold_preference=c.HoldPreference.IGNORE), None),
        (profile(credit_limit=usd(100), balance=usd(60), unbilled_orders=usd(40)), "AUTO"),
        (profile(credit_limit=usd(100), balance=usd(60), unbilled_orders=usd(39)), None),
        (profile(credit_limit=usd(100), balance=usd(100), credit_hold_override=OFF), None),
        (profile(credit_limit=None, balance=usd(10_000)), None),
        (overdue(1, 31, hold_overdue_days=30), "AUTO"),
        (overdue(1, 30, hold_overdue_days=30), None),
        (overdue(0, 31, hold_overdue_days=30), None),
        (overdue(1, 400), None),
    ],
)
def test_a_hold_is_what_the_erp_was_told_or_what_its_limits_say(found: c.BillingProfile, reason: str | None) -> None:
    assert hold_reason(found) == reason


async def test_a_hold_comes_before_delinquency_and_shows_what_it_comes_from() -> None:
    found = await judged(
        overdue(as_of=ago(1)), profile("902", credit_hold_override=ON), customers=[customer(delinquent=True)]
    )
    assert (found.value, found.as_of) == (Standing.CREDIT_HOLD, ago(1))
    assert found.derived_from == (c.Evidence("erp", "creditHoldOverride", "ON"),)


@pytest.mark.parametrize(("minor", "days", "delinquent"), [(1_001, 6, True), (1_000, 6, False), (1_001, 5, False)])
async def test_more_than_the_floor_for_longer_than_the_grace_is_delinquent(
    minor: int, days: int, delinquent: bool
) -> None:
    assert ((await judged(overdue(minor, days))).value is Standing.DELINQUENT) is delinquent


async def test_floor_and_grace_come_from_the_rules() -> None:
    assert (await judged(overdue(5_000, 9), standing_floor="50.00")).value is Standing.GOOD
    assert (await judged(overdue(5_001, 9), standing_grace_days="9")).value is Standing.GOOD
    assert (
        await judged(overdue(5_001, 10), standing_floor="50.00", standing_grace_days="9")
    ).value is Standing.DELINQUENT


async def test_billing_alone_can_call_an_account_delinquent() -> None:
    found = await judged(profile(), customers=[customer(), customer("cus_2", delinquent=True)])
    assert found.derived_from == (c.Evidence("billing", "delinquent", "true"),)


async def test_disputed_invoices_do_not_count() -> None:
    old = posted(amount=50_000, due_on=day(-40), disputed=True)
    assert (await judged(overdue(50_000, 40), invoices=[old])).value is Standing.GOOD
    young = posted("in_2", key="8002", amount=2_000, due_on=day(-3))
    assert (await judged(overdue(52_000, 40), invoices=[old, young])).value is Standing.GOOD
    other = posted("in_3", key="8003", amount=2_000, due_on=day(-9))
    found = await judged(overdue(54_000, 40), invoices=[old, young, other])
    assert found.derived_from == (c.Evidence("erp", "daysOverdue", "9"),)


@pytest.mark.parametrize(
    "given",
    [{"status": "PAID"}, {"due_on": day(9)}, {"source_account_id": "902"}, {"disputed": False}],
    ids=["paid", "not due", "another customer record's", "undisputed"],
)
async def test_only_open_overdue_disputed_invoices_of_the_same_record_are_left_out(given: dict[str, Any]) -> None:
    invoice = posted(**{"amount": 50_000, "due_on": day(-40), "disputed": True} | given)
    assert (await judged(overdue(50_000, 40), invoices=[invoice])).value is Standing.DELINQUENT


async def test_invoices_are_asked_for_only_where_it_matters() -> None:
    read = Shelf(NEEDS).put("account", "1", profile()).put("account", "2", overdue())
    await standing([account("1"), account("2")], read, context())
    assert ("PostedInvoice", "account", ("2",)) in read.asked


async def test_an_account_of_which_nobody_knows_anything_is_in_good_standing() -> None:
    assert (await judged()).value is Standing.GOOD


@pytest.mark.parametrize(
    ("profiles", "customers", "failing", "expected"),
    [
        ([], [customer(delinquent=True)], {c.BillingProfile: ERP_DOWN}, ERP_DOWN),
        ([], [], {c.BillingProfile: ERP_DOWN, c.BillingCustomer: DOWN}, ERP_DOWN),
        ([profile()], [], {c.BillingCustomer: DOWN}, DOWN),
        ([profile(credit_hold_override=ON)], [], {c.BillingCustomer: DOWN}, Standing.CREDIT_HOLD),
        ([overdue()], [], {c.BillingCustomer: DOWN}, Standing.DELINQUENT),
        ([overdue()], [], {c.PostedInvoice: ERP_DOWN}, ERP_DOWN),
        ([overdue()], [customer(delinquent=True)], {c.PostedInvoice: ERP_DOWN}, Standing.DELINQUENT),
    ],
)
async def test_a_missing_source_is_an_error_unless_the_others_decide_alone(
    profiles: list[c.Record],
    customers: list[c.Record],
    failing: dict[type[c.Record], SourceError],
    expected: SourceError | Standing,
) -> None:
    read = Shelf(NEEDS)
    for records in filter(None, (profiles, customers)):
        read.put("account", ACCOUNT, *records)
    for record, error in failing.items():
        read.fail(record, "account", error)
    (found,) = await standing([account()], read, context())
    assert (found.value if isinstance(found, StandingValue) else found) == expected
