"""What the deeds about subscriptions have in common: where they are, how they are read, what is told of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sources.canonical import Money
from sources.canonical.commands import SubscriptionLine, Written
from sources.errors import Locked, Rejected
from sources.vendors.stripe import facts
from sources.vendors.stripe.writers.amounts import whole
from sources.vendors.stripe.writers.desk import Answer, Desk, place, stated
from sources.vendors.stripe.writers.wire import Bill, Held, Planned, Tariff

SUBSCRIPTIONS = "/v1/subscriptions"
SCHEDULES = "/v1/subscription_schedules"
INVOICES = "/v1/invoices"
_PRICES = "/v1/prices"
LATEST = ("latest_invoice",)
ENDED = frozenset({"canceled", "incomplete_expired"})


def is_schedule(key: str) -> bool:
    """Whether a prepared subscription is a schedule, because its start is still to come."""
    return key.startswith("sub_sched_")


async def begun(desk: Desk, key: str) -> str:
    """The subscription of this name; of a schedule the one that it has begun. Raises Missing, and Locked where it has
    begun none."""
    if not is_schedule(key):
        return key
    found = (await desk.look(Planned, place(SCHEDULES, key), "schedules.read")).begun
    if found is None:
        raise Locked(f"the schedule `{key}` has not begun: drop it, and prepare another where one is wanted")
    return found


async def held(desk: Desk, key: str) -> Held:
    """A subscription with its latest invoice; `key` may be that of the schedule that has begun it."""
    path = place(SUBSCRIPTIONS, await begun(desk, key))
    return await desk.look(Held, path, "subscriptions.read", {"expand": LATEST})


async def first_bill(desk: Desk, found: Held) -> Bill | None:
    """The invoice with which a subscription began: what was prepared and is released. Later ones have nothing to do
    with that."""
    if found.bill is None or found.bill.billing_reason == facts.FIRST_INVOICE:
        return found.bill
    asked = {"subscription": found.id}
    return await desk.sought(
        Bill, INVOICES, "invoices.list", asked, lambda each: each.billing_reason == facts.FIRST_INVOICE
    )


def told(
    desk: Desk, found: Held, answer: Answer[Any] | None = None, *, bill: Bill | None = None, replayed: bool = False
) -> Written:
    """A subscription as written: key, number and amounts of an invoice of it (None: its latest one), its items by their
    prices."""
    bill = bill or found.bill
    return desk.written(
        found.id,
        invoice=bill.id if bill else None,
        number=bill.number if bill else None,
        amounts=billed(bill) if bill else {},
        parts={item.price.id: item.id for item in found.items.data},
        answer=answer,
        replayed=replayed,
    )


def billed(bill: Bill) -> dict[str, Money]:
    """Total and tax of an invoice."""
    tax = sum(each.amount for each in bill.total_taxes or ())
    return stated(total=(bill.total, bill.currency), tax=(tax, bill.currency))


def lined(line: SubscriptionLine) -> dict[str, Any]:
    """An item of a subscription that does not exist yet; a metered price has no quantity, which is said as 0."""
    quantity = whole(line.quantity)
    return {"price": line.price_key, "quantity": quantity or None}


async def demand_quantities(desk: Desk, lines: Sequence[SubscriptionLine]) -> None:
    """Raises Rejected for a new item of nothing whose price is not metered: where nothing is said Stripe takes one."""
    for line in lines:
        if line.item_key is not None or whole(line.quantity):
            continue
        price = await desk.look(Tariff, place(_PRICES, line.price_key), "prices.read")
        if price.recurring is None or price.recurring.usage_type != "metered":
            raise Rejected(f"a new item of the price `{price.id}` has to have a quantity: one or more is expected")
