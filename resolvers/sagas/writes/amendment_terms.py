"""What an amendment comes to: what is wrong with it, what it does to revenue, what the ERP books of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal

import msgspec

from resolvers.sagas.saga import Finding
from resolvers.sagas.writes.changing import Item
from sources import canonical as c
from sources.canonical import Money, UnitPrice
from sources.canonical.commands import Proration, SoldLine

_HUNDRED, _MONTHS = Decimal(100), Decimal(12)
_RUNNING = (c.SubscriptionStatus.ACTIVE, c.SubscriptionStatus.TRIALING)
_MONTHS_IN = {c.Interval.MONTH: Decimal(1), c.Interval.YEAR: _MONTHS}


class AmendedLine(msgspec.Struct, frozen=True, kw_only=True):
    """`item` names an item that is there (None: a new one), `quantity` 0 takes it away. `product` is our code."""

    price: str
    quantity: Decimal
    item: str | None = None
    product: str | None = None


class AmendSubscription(msgspec.Struct, frozen=True, kw_only=True):
    """Takes effect when it is carried out; `support_tier` where the customer gets another one with it."""

    subscription: str
    lines: tuple[AmendedLine, ...]
    proration: Proration = Proration.INVOICE_NOW
    support_tier: str | None = None


Lines = tuple[AmendedLine, ...]
Prices = Mapping[str, c.Price]
Codes = Mapping[str, str | None]
"""Our codes of products, by their keys in billing."""


def priced_at(subscription: c.AccountSubscription, now: datetime) -> datetime:
    """The instant from which a change costs: the beginning of the day (UTC), so that it costs the same all day, whoever
    has to approve it first; not before what is paid for begins."""
    day = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return max(day, subscription.period_start) if subscription.period_start else day


def refusals(subscription: c.AccountSubscription, lines: Lines, prices: Prices) -> list[Finding]:
    """Why it cannot be done."""
    found = []
    if subscription.status not in _RUNNING:
        message = f"it is {subscription.status}: only one that runs is amended"
        found.append(Finding(code="SUBSCRIPTION_NOT_RUNNING", message=message, path="subscription"))
    if subscription.pending_change or c.SubscriptionOverlay.AMENDMENT_PENDING in subscription.overlays:
        message = "another change of it has not been settled yet"
        found.append(Finding(code="AMENDMENT_PENDING", message=message, path="subscription"))
    items = {item.key: item.price.key for item in subscription.items}
    for number, line in enumerate(lines):
        price, path = prices.get(line.price), f"lines.{number}"
        if line.item is not None and line.item not in items:
            found.append(Finding(code="ITEM_UNKNOWN", message=f"it has no item `{line.item}`", path=path))
        if price is None or not (price.active or items.get(line.item or "") == line.price):
            found.append(Finding(code="PRICE_UNKNOWN", message=f"there is no active price `{line.price}`", path=path))
        elif price.currency != subscription.currency:
            message = f"the price is in {price.currency}, the subscription in {subscription.currency}"
            found.append(Finding(code="CURRENCY_CONFLICT", message=message, path=path))
    return found


def after(subscription: c.AccountSubscription, lines: Lines) -> tuple[Item, ...]:
    """All that it has from then on; of what is metered there is one."""
    changed = {line.item: line for line in lines if line.item is not None}
    kept = [
        changed.get(item.key) or AmendedLine(price=item.price.key, quantity=_quantity(item), item=item.key)
        for item in subscription.items
    ]
    added = [line for line in lines if line.item is None]
    return tuple(Item(price=line.price, quantity=line.quantity) for line in (*kept, *added) if line.quantity)


def _quantity(item: c.SubscriptionItem) -> Decimal:
    return Decimal(1 if item.quantity is None else item.quantity)


def gives_back(subscription: c.AccountSubscription, lines: Lines, proration: Proration) -> bool:
    """Whether something is credited that was billed in advance: of an item that changes billing credits all, and
    charges what it becomes."""
    if proration is Proration.NONE:
        return False
    items = {item.key: item for item in subscription.items}
    changed = [(line, items[line.item]) for line in lines if line.item in items]
    return any(
        _in_advance(item) and (line.price, line.quantity) != (item.price.key, Decimal(item.quantity or 0))
        for line, item in changed
    )


def _in_advance(item: c.SubscriptionItem) -> bool:
    """Whether an item costs something at the beginning of its period."""
    free = item.price.unit_price is not None and not item.price.unit_price.amount
    return bool(item.quantity) and item.price.interval is not None and not free


def change(subscription: c.AccountSubscription, lines: Lines, prices: Prices) -> Decimal | None:
    """By how much monthly recurring revenue changes, at list; None where a line has no fixed monthly price."""
    items = {item.key: item for item in subscription.items}
    total = Decimal(0)
    for line in lines:
        after, item = monthly(prices.get(line.price), line.quantity), items.get(line.item or "")
        before = monthly(item.price, Decimal(item.quantity)) if item and item.quantity is not None else Decimal(0)
        if after is None or before is None or (item is not None and item.quantity is None):
            return None
        total += after - before
    return total


def monthly(price: c.Price | None, quantity: Decimal) -> Decimal | None:
    """What a quantity of a price comes to in a month, in major units; None where that is not fixed."""
    if price is None or price.unit_price is None or price.interval not in _MONTHS_IN:
        return None
    return price.unit_price.amount * quantity / (_MONTHS_IN[price.interval] * price.interval_count)


def yearly(changed: Decimal | None, currency: str) -> Money | None:
    """The contract value that it adds over a year; less than nothing adds nothing."""
    if changed is None:
        return None
    value = max(changed * _MONTHS, Decimal(0))
    return Money.of(value.quantize(Money(1, currency).amount), currency)


def figures(
    subscription: c.AccountSubscription, changed: Decimal | None, proration: Money | None
) -> dict[str, Money | Decimal]:
    """At list: no discount. By how many percent revenue falls, and what is credited for the rest of the period: less
    than nothing is what billing reckons with (`proration`); where that was not asked, nothing is credited while revenue
    only rises."""
    known: dict[str, Money | Decimal] = {"discount": Decimal(0)}
    if proration is not None:
        known["credit"] = Money(max(-proration.minor, 0), proration.currency)
    elif changed is not None and changed >= 0:
        known["credit"] = Money.zero(subscription.currency)
    if changed is not None and changed >= 0:
        known["mrr_fall"] = Decimal(0)
    elif changed is not None and subscription.mrr is not None and subscription.mrr.minor > 0:
        known["mrr_fall"] = (-changed * _HUNDRED / subscription.mrr.amount).quantize(Decimal("0.0001"))
    return known


def sold(
    subscription: c.AccountSubscription, lines: Lines, prices: Prices, codes: Codes, start_on: date, end_on: date | None
) -> tuple[SoldLine, ...]:
    """What is sold besides what was sold before: of an item that keeps its price only what is added to it. Days are
    those from which and until which it is."""
    items = {item.key: item for item in subscription.items}
    found = []
    for number, line in enumerate(lines, 1):
        price = prices.get(line.price)
        added, code = line.quantity - _kept(line, items), _code(line, price, codes)
        if code and added > 0 and price is not None and isinstance(price.unit_price, UnitPrice):
            found.append(
                SoldLine(
                    key=str(number),
                    product_code=code,
                    quantity=added,
                    unit_price=price.unit_price,
                    service_on=start_on,
                    end_on=end_on,
                )
            )
    return tuple(found)


def gone(subscription: c.AccountSubscription, lines: Lines, codes: Codes) -> dict[str, Decimal]:
    """How much of each product goes that was sold before: of an item that gets another price all of it."""
    items = {item.key: item for item in subscription.items}
    found: dict[str, Decimal] = {}
    for line in lines:
        item = items.get(line.item or "")
        code = codes.get(item.product_key) if item is not None else None
        if item is None or code is None or item.price.interval is None:
            continue
        kept = line.quantity if item.price.key == line.price else Decimal(0)
        goes = Decimal(item.quantity or 0) - kept
        if goes > 0:
            found[code] = found.get(code, Decimal(0)) + goes
    return found


def _kept(line: AmendedLine, items: Mapping[str, c.SubscriptionItem]) -> Decimal:
    """What was sold before at the price that it goes on at."""
    item = items.get(line.item or "")
    return Decimal(item.quantity or 0) if item is not None and item.price.key == line.price else Decimal(0)


def _code(line: AmendedLine, price: c.Price | None, codes: Codes) -> str | None:
    """Our code of what a line is of, as it was said, else as billing has it."""
    return line.product or (codes.get(price.product_key) if price is not None else None)
