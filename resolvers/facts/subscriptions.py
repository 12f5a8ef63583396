"""AccountSubscription: overlays and usage."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from resolvers.batch import Need, Read
from resolvers.context import Context
from resolvers.facts.accounts import rows, through_account
from sources import canonical as c
from sources.errors import SourceError

OVERLAY_NEEDS: tuple[Need, ...] = ((c.Renewal, "account"), (c.Renewal, "subscription"))
CONTRACT_NEEDS: tuple[Need, ...] = (
    (c.SubscriptionContract, "account"),
    (c.SubscriptionContract, "subscription"),
)
SALES_NEEDS: tuple[Need, ...] = (
    (c.SalesOrder, "account"),
    (c.SalesOrder, "subscription"),
    (c.SalesOrder, "order"),
)
USAGE_NEEDS: tuple[Need, ...] = ((c.UsageSummary, "account_meter"),)


async def overlays(subscriptions: Sequence[c.AccountSubscription], read: Read, _context: Context) -> list[Any]:
    """Billing's overlays, and RENEWAL_IN_PROGRESS where the CRM has an open renewal. Without the CRM: its error."""
    answers: list[Any] = []
    for each, found in zip(subscriptions, await renewals(subscriptions, read, _context), strict=True):
        if isinstance(found, SourceError):
            answers.append(found)
            continue
        renewing = any(renewal.open for renewal in found)
        extra = (c.SubscriptionOverlay.RENEWAL_IN_PROGRESS,) if renewing else ()
        answers.append([*each.overlays, *extra])
    return answers


async def renewals(subscriptions: Sequence[c.AccountSubscription], read: Read, _context: Context) -> list[Any]:
    """The renewals that name the subscription. Read through the account, so that one read serves all that it has."""
    return await through_account(subscriptions, read, c.Renewal, "subscription_key", "subscription")


async def contracts(subscriptions: Sequence[c.AccountSubscription], read: Read, _context: Context) -> list[Any]:
    """The contracts that name the subscription."""
    return await through_account(subscriptions, read, c.SubscriptionContract, "subscription_key", "subscription")


async def sales_orders(subscriptions: Sequence[c.AccountSubscription], read: Read, _context: Context) -> list[Any]:
    """The ERP's sales orders that name the subscription."""
    return await through_account(subscriptions, read, c.SalesOrder, "subscription_key", "subscription")


async def sales_of_orders(orders: Sequence[c.Order], read: Read, _context: Context) -> list[Any]:
    """The ERP's sales orders that name the CRM's order."""
    return await through_account(orders, read, c.SalesOrder, "order_key", "order")


async def usage(subscriptions: Sequence[c.AccountSubscription], read: Read, _context: Context) -> list[Any]:
    """One summary for each meter that the subscription is billed by."""
    wanted = {each.key: _meters(each) for each in subscriptions}
    reading = await read(c.UsageSummary, "account_meter", [key for keys in wanted.values() for key in keys])
    answers: list[Any] = []
    for each in subscriptions:
        failed = [reading.errors[key] for key in wanted[each.key] if key in reading.errors]
        found = [record for key in wanted[each.key] for record in rows(reading, key)]
        answers.append(failed[0] if failed and not found else found)
    return answers


def _meters(subscription: c.AccountSubscription) -> list[str]:
    meters = dict.fromkeys(item.price.meter_key for item in subscription.items if item.price.meter_key)
    return [f"{subscription.source_account_id}|{meter}" for meter in meters]
