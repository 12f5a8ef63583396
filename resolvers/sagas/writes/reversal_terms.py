"""The reversal of an order: what is asked, why it cannot be done, what is given back, what is left of the support."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal

import msgspec

from resolvers.sagas.reading import is_shut, period_of
from resolvers.sagas.saga import Finding
from sources import canonical as c
from sources.canonical import Money
from sources.canonical.commands import Return

MOST_INVOICES = 6  # [D] that one reversal credits: what was billed more often is canceled, and credited by itself

_BINDING = (c.OrderStatus.APPROVED, c.OrderStatus.PARTIALLY_FULFILLED, c.OrderStatus.PENDING_BILLING)
_TO_CLOSE = (*_BINDING, c.OrderStatus.SUBMITTED)
_NOT_ISSUED = (c.InvoiceStatus.DRAFT, c.InvoiceStatus.VOID)
_OVER = (
    c.SubscriptionStatus.CANCELED,
    c.SubscriptionStatus.TERMINATED,
    c.SubscriptionStatus.EXPIRED,
    c.SubscriptionStatus.NEVER_ACTIVATED,
)


class ReverseOrder(msgspec.Struct, frozen=True, kw_only=True):
    """`order` is the CRM's. `to`: where the money goes that was paid for it. `explanation` is told to the customer."""

    order: str
    explanation: str
    reason: c.CreditReason = c.CreditReason.RETURN
    to: Return = Return.BALANCE


class Support(msgspec.Struct, frozen=True, kw_only=True):
    """The right that came with an order; `replan`: the desk's plan was by it, and is by `tier_left` from now on."""

    organization: str | None = None
    right: str | None = None
    replan: bool = False
    tier_left: str | None = None
    cases: tuple[str, ...] = ()


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """`credits` are invoice, amount and the invoice's key in the ERP; `sales_order` is the ERP's where something may
    still be billed of it; `lines` are those of the CRM's order with what goes of them."""

    account: str
    number: str
    subscription: str
    credits: tuple[tuple[str, Money, str | None], ...]
    sales_order: str | None
    lines: dict[str, Decimal]
    contract: str | None
    support: Support
    today: date
    effective_on: date


def credited(invoice: c.Invoice) -> Money:
    """What is given back of an invoice: all that was asked for and is neither credited nor written off yet."""
    if invoice.status in _NOT_ISSUED:
        return Money.zero(invoice.currency)
    left = invoice.total - invoice.settlement.credit - invoice.settlement.write_off
    return left if left.minor > 0 else Money.zero(invoice.currency)


def total(invoices: Sequence[c.Invoice], currency: str | None) -> Money | None:
    """All that is given back; None where that is no single amount."""
    currencies = {each.currency for each in invoices} or ({currency} if currency else set())
    if len(currencies) != 1:
        return None
    return sum((credited(each) for each in invoices), Money.zero(currencies.pop()))


def wrong_with_order(order: c.Order, orders: Iterable[c.Order]) -> Iterator[Finding]:
    """Why an order is not one to reverse."""
    if order.reduction or order.status not in _BINDING:
        what = "a reduction" if order.reduction else str(order.status)
        message = f"it is {what}: only an order that went through is reversed"
        yield Finding(code="ORDER_NOT_ACTIVE", message=message, path="order")
    for each in orders:
        if each.original_order_key == order.key and each.status is not c.OrderStatus.CANCELED:
            message = f"order `{each.number or each.key}` has reduced it already: cancel what is left of it"
            yield Finding(code="ORDER_REDUCED", message=message, path="order")
            return


def wrong_with_subscription(
    subscription: c.AccountSubscription | None, later: Sequence[c.SalesOrder]
) -> Iterator[Finding]:
    """Why what the order began cannot be ended as a whole."""
    if subscription is None:
        message = "billing runs nothing for it: what was not ordered through here, or has not begun, is canceled there"
        yield Finding(code="SUBSCRIPTION_UNKNOWN", message=message, path="order")
    elif subscription.status in _OVER:
        message = f"its subscription is {subscription.status} already: credit what is wrong with its invoices"
        yield Finding(code="SUBSCRIPTION_ENDED", message=message, path="order")
    if later:
        message = f"sales order `{later[0].number or later[0].key}` has amended it since: cancel the subscription"
        yield Finding(code="ORDER_AMENDED", message=message, path="order")


def wrong_with_invoices(invoices: Sequence[c.Invoice], to: Return) -> Iterator[Finding]:
    """Why its invoices cannot be given back by one operation."""
    if len(invoices) > MOST_INVOICES:
        message = f"it was billed {len(invoices)} times: cancel the subscription, and credit what is wrong"
        yield Finding(code="ORDER_BILLED_OFTEN", message=message, path="order")
    for each in invoices:
        name = each.number or each.key
        if c.InvoiceOverlay.DISPUTED in each.overlays:
            message = f"invoice `{name}` is disputed: it would be given back twice"
            yield Finding(code="INVOICE_DISPUTED", message=message, owner="finance")
        by_hand = each.paid.minor > 0 and each.collection_method != "charge_automatically"
        if to is Return.REFUND and by_hand:
            message = f"invoice `{name}` was not paid by charge: it cannot go back the way it came"
            yield Finding(code="PAYMENT_NOT_REFUNDABLE", message=message, path="to")


def to_close(sales: c.SalesOrder | None) -> str | None:
    """The ERP's order, where something of it may still be billed."""
    return sales.key if sales is not None and sales.status in _TO_CLOSE else None


def tier_left(rights: Iterable[c.Entitlement], gone: c.Entitlement, rank: Mapping[str, int]) -> str | None:
    """The best tier that an account still has a right to; None where there is none."""
    tiers = [each.support_tier for each in rights if each.key != gone.key and each.support_tier is not None]
    return max(tiers, key=lambda tier: rank.get(tier, 0), default=None)


def reaches_closed(posted: Iterable[c.PostedInvoice], known: Sequence[c.AccountingPeriod]) -> bool:
    """Whether an invoice that is given back is in a period that is closed by now."""
    found = [period_of(known, each.posted_on) for each in posted if each.posted_on is not None]
    return any(period is not None and is_shut(period) for period in found)
