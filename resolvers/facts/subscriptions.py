"""AccountSubscription: status, overlays, what names it in other systems, usage."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from resolvers.batch import Need, Read
from resolvers.context import Context
from resolvers.facts.reading import rows, through_account
from resolvers.facts.status import StatusValue, status_of
from sources import canonical as c
from sources.errors import SourceError
from sources.ports import Filter, Page

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
STATUS_NEEDS: tuple[Need, ...] = ((c.PostedInvoice, "account"), (c.Invoice, "subscription"))
UNPAID = Page(filters=(Filter("status", "in", (c.InvoiceStatus.OPEN, c.InvoiceStatus.PARTIALLY_PAID)),))
USAGE_NEEDS: tuple[Need, ...] = ((c.UsageSummary, "account_meter"),)


async def status(
    subscriptions: Sequence[c.AccountSubscription], read: Read, context: Context
) -> list[StatusValue | SourceError]:
    """Billing's word; but PAST_DUE only where an invoice of this subscription is overdue and not disputed: what is
    disputed is not owed yet. The ERP knows what is disputed; where it cannot be asked: its error. The subscription's
    invoices are asked for only where the account disputes any."""
    past_due = [each for each in subscriptions if each.status is c.SubscriptionStatus.PAST_DUE]
    posted = await read(c.PostedInvoice, "account", sorted({each.account_key for each in past_due if each.account_key}))
    disputed = {key: [one for one in rows(posted, key) if one.disputed] for key in posted.rows}
    doubtful = [each.key for each in past_due if disputed.get(each.account_key)]
    issued = await read(c.Invoice, "subscription", doubtful, UNPAID)
    answers: list[StatusValue | SourceError] = []
    for each in subscriptions:
        overdue = [one for one in rows(issued, each.key) if one.due_at is None or one.due_at <= context.now]
        failed = posted.errors.get(each.account_key) or issued.errors.get(each.key)
        judged = judge_status(each, overdue, disputed.get(each.account_key, ()))
        answers.append(failed if failed is not None and each.status is c.SubscriptionStatus.PAST_DUE else judged)
    return answers


def judge_status(
    subscription: c.AccountSubscription, overdue: Sequence[c.Invoice], disputed: Sequence[c.PostedInvoice]
) -> StatusValue:
    """Pure: the status that these facts give: `overdue` are the subscription's invoices, `disputed` the ERP's."""
    plain = status_of(subscription)
    contested = {each.invoice_key: each for each in disputed}
    if subscription.status is not c.SubscriptionStatus.PAST_DUE or not overdue:
        return plain
    if not all(each.key in contested for each in overdue):
        return plain
    evidence = tuple(c.Evidence(contested[each.key].source, "disputed", "true") for each in overdue)
    return StatusValue(c.SubscriptionStatus.ACTIVE, None, (*plain.derived_from, *evidence))


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
    """One summary for each meter that the subscription is billed by; the error of a meter stands in its place."""
    wanted = {each.key: _meters(each) for each in subscriptions}
    reading = await read(c.UsageSummary, "account_meter", [key for keys in wanted.values() for key in keys])
    answers: list[Any] = []
    for each in subscriptions:
        keys = wanted[each.key]
        failed = [reading.errors[key] for key in keys if key in reading.errors]
        told = [one for key in keys for one in (rows(reading, key) or [reading.errors.get(key)]) if one is not None]
        answers.append(failed[0] if failed and len(failed) == len(keys) else tuple(told))
    return answers


def _meters(subscription: c.AccountSubscription) -> list[str]:
    meters = dict.fromkeys(item.price.meter_key for item in subscription.items if item.price.meter_key)
    return [f"{subscription.source_account_id}|{meter}" for meter in meters]
