"""reverseOrder: takes back an order that went through, forward only: what was billed is credited, never undone.

The subscription ends first, so that nothing more is billed. Then every invoice of it is given back, in billing and in
an open period of the ledger; the right goes, the CRM's order is reduced to nothing, and the desk tells the customer.
"""

from __future__ import annotations

import asyncio
from datetime import date, datetime
from decimal import Decimal

import msgspec

from resolvers.sagas.reading import entity, many, one, periods, some, today, version
from resolvers.sagas.saga import Facts, Read, Saga
from resolvers.sagas.writes.fulfilment import open_cases
from resolvers.sagas.writes.reversal_steps import STEPS
from resolvers.sagas.writes.reversal_terms import (
    Known,
    ReverseOrder,
    Support,
    credited,
    reaches_closed,
    tier_left,
    to_close,
    total,
    wrong_with_invoices,
    wrong_with_order,
    wrong_with_subscription,
)
from resolvers.sagas.writes.tiers import ranks
from sources import canonical as c

__all__ = ["REVERSE_ORDER", "ReverseOrder"]

_SERVED = (c.EntitlementStatus.ACTIVE, c.EntitlementStatus.EXHAUSTED)
_HELD = (*_SERVED, c.EntitlementStatus.PENDING)


async def gather(read: Read, asked: ReverseOrder, now: datetime) -> Facts:
    """The order, what it began in each system, and what of that is given back. Raises BadAsk, SourceError."""
    order = await one(read, c.Order, asked.order)
    seller = await entity(read, order.legal_entity)
    day = today(seller, now)
    orders, subscription, sales, (_, shut) = await asyncio.gather(
        many(read, c.Order, "account", order.account_key),
        _begun(read, order),
        some(read, c.SalesOrder, order.key, "order"),
        periods(read, day),
    )
    billed = await _billed(read, subscription)
    support = await _support(read, order, subscription)
    found = (
        *wrong_with_order(order, orders),
        *wrong_with_subscription(subscription, billed.later),
        *wrong_with_invoices(billed.invoices, asked.to),
        *(shut if billed.posted else ()),
    )
    return Facts(
        account=order.account_key or None,
        entity=order.legal_entity,
        functional=seller.currency if seller else "",
        amount=total(billed.invoices, order.currency),
        flags={"closed_period": reaches_closed(billed.posted, billed.periods)},
        documents=_documents(order, subscription, billed.invoices),
        findings=found,
        versions=version("order", order.updated_at),
        known=msgspec.to_builtins(_known(order, subscription, sales, billed, support, day)),
    )


class _Billed(msgspec.Struct, frozen=True):
    """What was made of the subscription since: its invoices, as issued and as posted, and further sales orders."""

    invoices: tuple[c.Invoice, ...] = ()
    posted: tuple[c.PostedInvoice, ...] = ()
    periods: tuple[c.AccountingPeriod, ...] = ()
    later: tuple[c.SalesOrder, ...] = ()
    contract: str | None = None


async def _begun(read: Read, order: c.Order) -> c.AccountSubscription | None:
    """What billing runs for the order, with whoever is billed. A list of an account may be behind: it is read again."""
    running = await many(read, c.AccountSubscription, "account", order.parties.bill_to_key or order.account_key)
    return await some(
        read, c.AccountSubscription, next((each.key for each in running if each.order_key == order.key), None)
    )


async def _billed(read: Read, subscription: c.AccountSubscription | None) -> _Billed:
    if subscription is None:
        return _Billed()
    invoices, later, contract, known = await asyncio.gather(
        many(read, c.Invoice, "subscription", subscription.key),
        many(read, c.SalesOrder, "subscription", subscription.key),
        some(read, c.SubscriptionContract, subscription.key, "subscription"),
        many(read, c.AccountingPeriod, "list", ""),
    )
    left = [each for each in invoices if credited(each).minor]
    posted = await many(read, c.PostedInvoice, "invoice", *(each.key for each in left)) if left else []
    return _Billed(tuple(left), tuple(posted), tuple(known), tuple(later), contract.key if contract else None)


async def _support(read: Read, order: c.Order, subscription: c.AccountSubscription | None) -> Support:
    """The right that came with the order, and what the desk has for it."""
    user = order.parties.end_customer_key or order.account_key
    desk, rights = await asyncio.gather(
        some(read, c.SupportOrganization, user, "account"), many(read, c.Entitlement, "account", user)
    )
    told = Support(organization=desk.key if desk else None)
    own = [each for each in rights if each.support_tier is not None and each.status in _HELD]
    right = next((each for each in own if subscription and each.subscription_key == subscription.key), None)
    if right is None:
        return told
    serving = [each for each in own if each.status in _SERVED]  # what starts later is not bought for yet
    left = tier_left(serving, right, ranks(await many(read, c.SupportPlan, "list", "")))
    replan = desk is not None and desk.support_plan == right.support_tier != left
    return msgspec.structs.replace(
        told,
        right=right.key,
        replan=replan,
        tier_left=left,
        cases=await open_cases(read, user, right.support_tier) if replan else (),
    )


def _documents(
    order: c.Order, subscription: c.AccountSubscription | None, invoices: tuple[c.Invoice, ...]
) -> tuple[str, ...]:
    own = (f"accountsubscription:{subscription.key}",) if subscription is not None else ()
    return (f"order:{order.key}", *own, *(f"invoice:{each.key}" for each in invoices))


def _known(
    order: c.Order,
    subscription: c.AccountSubscription | None,
    sales: c.SalesOrder | None,
    billed: _Billed,
    support: Support,
    day: date,
) -> Known:
    booked = {each.invoice_key: each.key for each in billed.posted}
    return Known(
        account=order.account_key,
        number=order.number or order.key,
        subscription=subscription.key if subscription is not None else "",
        credits=tuple((each.key, credited(each), booked.get(each.key)) for each in billed.invoices),
        sales_order=to_close(sales),
        lines={line.key: Decimal(line.quantity) for line in order.lines},
        contract=billed.contract,
        support=support,
        today=day,
        effective_on=max(day, order.effective_on or day),
    )


REVERSE_ORDER = Saga(
    mutation="reverseOrder",
    input=ReverseOrder,
    known=Known,
    gather=gather,
    needs=(
        (c.Order, "key"),
        (c.Order, "account"),
        (c.AccountSubscription, "account"),
        (c.AccountSubscription, "key"),
        (c.LegalEntity, "key"),
        (c.Invoice, "subscription"),
        (c.PostedInvoice, "invoice"),
        (c.AccountingPeriod, "list"),
        (c.SalesOrder, "order"),
        (c.SalesOrder, "subscription"),
        (c.SubscriptionContract, "subscription"),
        (c.Entitlement, "account"),
        (c.SupportOrganization, "account"),
        (c.SupportPlan, "list"),
        (c.Case, "account"),
    ),
    steps=STEPS,
)
