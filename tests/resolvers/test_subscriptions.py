"""What is computed of a subscription from several records."""

from decimal import Decimal

import pytest

from resolvers.facts import subscriptions as facts
from resolvers.facts.status import StatusValue
from sources import canonical as c
from sources.errors import Unavailable
from sources.ports import Rows
from tests.resolvers.world import ACCOUNT, DOWN, NOW, Shelf, ago, context, invoice, posted, renewal, subscription

PAST_DUE = subscription("PAST_DUE", "sub_1")
CO_TERMED = c.SubscriptionOverlay.CO_TERMED
RENEWING = c.SubscriptionOverlay.RENEWAL_IN_PROGRESS


def books(*in_erp: c.PostedInvoice) -> Shelf:
    read = Shelf(facts.STATUS_NEEDS)
    read.put("subscription", "sub_1", invoice(key="in_1", due_at=ago(9)), invoice(key="in_2", due_at=ago(-9)))
    return read.put("account", ACCOUNT, *in_erp) if in_erp else read


async def status(read: Shelf, found: c.AccountSubscription = PAST_DUE) -> StatusValue:
    (answer,) = await facts.status([found], read, context())
    assert isinstance(answer, StatusValue)
    return answer


async def test_billings_word_stands_where_nothing_is_disputed() -> None:
    read = books(posted("in_1"))
    assert (await status(read)).value is c.SubscriptionStatus.PAST_DUE
    assert [name for name, _, _ in read.asked] == ["PostedInvoice"]


async def test_a_subscription_is_not_past_due_by_what_is_disputed_alone() -> None:
    found = await status(books(posted("in_1", disputed=True)))
    assert found.value is c.SubscriptionStatus.ACTIVE
    assert [each.field for each in found.derived_from] == ["subscription.status", "disputed"]


async def test_one_overdue_invoice_that_nobody_disputes_is_enough() -> None:
    read = books(posted("in_1", disputed=True)).put("subscription", "sub_1", invoice(key="in_3", due_at=ago(1)))
    assert (await status(read)).value is c.SubscriptionStatus.PAST_DUE


async def test_what_another_subscription_disputes_does_not_count() -> None:
    assert (await status(books(posted("in_9", disputed=True)))).value is c.SubscriptionStatus.PAST_DUE


@pytest.mark.parametrize(("record", "by"), facts.STATUS_NEEDS)
async def test_past_due_is_no_guess_while_a_source_is_away(record: type[c.Record], by: str) -> None:
    read = books(posted("in_1", disputed=True)).fail(record, by)
    found = await facts.status([PAST_DUE, subscription("ACTIVE", "sub_2")], read, context())
    assert found[0] is DOWN
    assert isinstance(found[1], StatusValue)


async def test_other_statuses_cost_no_read() -> None:
    read = books()
    await facts.status([subscription("ACTIVE"), subscription("SUSPENDED", "sub_2")], read, context())
    assert read.asked == []


async def test_an_open_renewal_is_an_overlay_besides_billings_own() -> None:
    read = Shelf(facts.OVERLAY_NEEDS)
    read.put(
        "account", ACCOUNT, renewal(subscription_key="sub_1"), renewal("006B", subscription_key="sub_2", open=False)
    )
    found = await facts.overlays(
        [subscription(key="sub_1", overlays=(CO_TERMED,)), subscription(key="sub_2")], read, context()
    )
    assert found == [[CO_TERMED, RENEWING], []]
    assert read.asked == [("Renewal", "account", (ACCOUNT, ACCOUNT))]


async def test_without_the_crm_the_overlays_are_an_error() -> None:
    read = Shelf(facts.OVERLAY_NEEDS).fail(c.Renewal, "account")
    assert await facts.overlays([subscription()], read, context()) == [DOWN]


async def test_a_list_of_the_account_that_was_cut_is_read_by_the_subscription_instead() -> None:
    class Cut(Shelf):
        async def __call__(self, record, by, keys, page=None):
            reading = await super().__call__(record, by, keys)
            reading.rows |= {
                key: Rows(each.records, more=True) for key, each in reading.rows.items() if by == "account"
            }
            return reading

    read = Cut(facts.OVERLAY_NEEDS).put("account", ACCOUNT, renewal("006X", subscription_key="sub_9"))
    read.put("subscription", "sub_1", renewal(subscription_key="sub_1"))
    (found,) = await facts.renewals([subscription()], read, context())
    assert [each.key for each in found] == ["006A"]


def metered(*meters: str, key: str = "sub_1") -> c.AccountSubscription:
    items = tuple(
        c.SubscriptionItem(
            key=f"si_{meter}",
            product_key="prod_1",
            price=c.Price(
                key="price_1",
                source="billing",
                source_id="price_1",
                as_of=NOW,
                product_key="prod_1",
                currency="USD",
                meter_key=meter,
            ),
        )
        for meter in meters
    )
    return subscription(key=key, items=items, source_account_id="cus_1")


def used(meter: str) -> c.UsageSummary:
    return c.UsageSummary(
        key=f"cus_1:{meter}", source="billing", source_id=meter, as_of=NOW, meter_key=meter, window_start=ago(9), window_end=NOW, quantity=Decimal(5),
    )  # fmt: skip


async def test_usage_is_read_once_for_each_meter() -> None:
    read = Shelf(facts.USAGE_NEEDS).put("account_meter", "cus_1|mtr_1", used("mtr_1"))
    (found,) = await facts.usage([metered("mtr_1", "mtr_1", "mtr_2")], read, context())
    assert [each.meter_key for each in found] == ["mtr_1"]
    assert read.asked == [("UsageSummary", "account_meter", ("cus_1|mtr_1", "cus_1|mtr_2"))]


async def test_a_meter_that_cannot_be_read_is_an_error_in_its_place() -> None:
    away = Unavailable("away", source="billing")
    read = Shelf(facts.USAGE_NEEDS).put("account_meter", "cus_1|mtr_1", used("mtr_1"))
    read.fail(c.UsageSummary, "account_meter", away, key="cus_1|mtr_2")
    both, one = await facts.usage([metered("mtr_1", "mtr_2"), metered("mtr_2", key="sub_2")], read, context())
    assert [getattr(each, "meter_key", each) for each in both] == ["mtr_1", away]
    assert one is away
