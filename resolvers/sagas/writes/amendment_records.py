"""What an amendment finds in the CRM: its contract, the orders by which what goes came, the right that is replaced."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal

import msgspec

from resolvers.sagas.reading import many
from resolvers.sagas.saga import Finding, Read
from sources import canonical as c

MOST_ORDERS = 4  # [D] that one amendment reduces: what was ordered more often goes in parts
_BINDING = (c.OrderStatus.APPROVED, c.OrderStatus.PARTIALLY_FULFILLED, c.OrderStatus.PENDING_BILLING)
_HELD = (c.EntitlementStatus.ACTIVE, c.EntitlementStatus.PENDING, c.EntitlementStatus.EXHAUSTED)
Gone = Mapping[str, Decimal]
"""How much of each product goes, by our code."""


class Reduction(msgspec.Struct, frozen=True, kw_only=True):
    """What goes of an order: how much of each of its lines."""

    order: str
    effective_on: date
    lines: dict[str, Decimal]


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """`contract` runs until `end_on`, and what is added belongs to it. `tier` is granted until `right_end`, where the
    customer has none such; the right `replaced` has its last day before."""

    contract: str | None = None
    end_on: date | None = None
    reductions: tuple[Reduction, ...] = ()
    tier: str | None = None
    right_end: date | None = None
    replaced: str | None = None
    replaced_until: date | None = None


async def recorded(
    read: Read, subscription: c.AccountSubscription, parties: c.Parties, gone: Gone, tier: str | None, day: date
) -> tuple[Recorded, list[Finding]]:
    """What the CRM has of it on a day, and why that cannot be changed."""
    sold_to, user = parties.sold_to_key or "", parties.end_customer_key or ""
    contracts, reductions, rights = await asyncio.gather(
        many(read, c.SubscriptionContract, "subscription", subscription.key),
        _reductions(read, subscription, sold_to, gone, day),
        many(read, c.Entitlement, "account", *((user,) if tier is not None else ())),
    )
    contract = next((each for each in contracts if each.account_key == sold_to and _runs(each, day)), None)
    own = [each for each in rights if each.subscription_key == subscription.key and each.status in _HELD]
    has = any(each.support_tier == tier for each in own)
    old = next((each for each in own if each.support_tier not in (None, tier)), None)
    found = Recorded(
        contract=contract.key if contract is not None else None,
        end_on=contract.end_on if contract is not None else None,
        reductions=tuple(reductions[:MOST_ORDERS]),
        tier=None if has else tier,
        right_end=_later(contract.end_on if contract is not None else None, old),
        replaced=old.key if old is not None else None,
        replaced_until=max(day - timedelta(days=1), old.starts_on or date.min) if old is not None else None,
    )
    return found, _often(reductions)


def _later(end: date | None, old: c.Entitlement | None) -> date | None:
    """The last day of a right: the contract's, else that of the right before."""
    return end if end is not None or old is None else old.ends_on


def _runs(contract: c.SubscriptionContract, day: date) -> bool:
    begun = contract.start_on is None or contract.start_on <= day
    return contract.status == "ACTIVE" and begun and (contract.end_on is None or day <= contract.end_on)


def _often(reductions: Sequence[Reduction]) -> list[Finding]:
    if len(reductions) <= MOST_ORDERS:
        return []
    message = f"what goes was ordered {len(reductions)} times: take it away in parts, of {MOST_ORDERS} orders at most"
    return [Finding(code="ORDERED_OFTEN", message=message, path="lines")]


# ---------------------------------------------------------------------------------------------------------- what goes


async def _reductions(
    read: Read, subscription: c.AccountSubscription, sold_to: str, gone: Gone, day: date
) -> list[Reduction]:
    """What goes of each order that the subscription has on a day, the newest first. What was not ordered through the
    CRM is in none."""
    if not gone:
        return []
    sales, orders = await asyncio.gather(
        many(read, c.SalesOrder, "subscription", subscription.key), many(read, c.Order, "account", sold_to)
    )
    own = {subscription.order_key, *(each.order_key for each in sales)} - {None}
    running = [each for each in orders if each.key in own and _in_force(each, day)]
    running.sort(key=lambda each: str(each.created_at), reverse=True)
    left, found = dict(gone), []
    for order in running:
        lines = _taken(order, _reduced(order, orders), left)
        if lines:
            effective_on = max(day, order.effective_on or day)
            found.append(Reduction(order=order.key, effective_on=effective_on, lines=lines))
    return found


def _in_force(order: c.Order, day: date) -> bool:
    begun = order.effective_on is None or order.effective_on <= day
    return order.status in _BINDING and not order.reduction and begun and (order.end_on is None or day <= order.end_on)


def _reduced(order: c.Order, orders: Iterable[c.Order]) -> dict[str, Decimal]:
    """How much of each product of an order is gone already."""
    found: dict[str, Decimal] = {}
    for each in orders:
        if each.original_order_key == order.key and each.status is not c.OrderStatus.CANCELED:
            for line in each.lines:
                code = line.product_code or ""
                found[code] = found.get(code, Decimal(0)) + abs(line.quantity)
    return found


def _taken(order: c.Order, reduced: dict[str, Decimal], left: dict[str, Decimal]) -> dict[str, Decimal]:
    """What goes of an order's lines; that much less is `left` to go."""
    found: dict[str, Decimal] = {}
    for line in order.lines:
        code = line.product_code or ""
        before = min(reduced.get(code, Decimal(0)), line.quantity)
        reduced[code] = reduced.get(code, Decimal(0)) - before
        goes = min(left.get(code, Decimal(0)), line.quantity - before)
        if goes > 0:
            found[line.key] = goes
            left[code] -= goes
    return found
