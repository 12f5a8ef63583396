"""A renewal: what is asked, its term, its lines and what they come to, and why it cannot be done."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal

import msgspec

from resolvers.sagas.saga import Finding
from resolvers.sagas.writes.amendment_terms import monthly
from resolvers.sagas.writes.changing import Item
from resolvers.sagas.writes.order_terms import OrderedLine, day_before, discount, last_day
from sources import canonical as c
from sources.canonical import Money, UnitPrice

_HUNDRED = Decimal(100)
_RUNNING = (c.SubscriptionStatus.ACTIVE, c.SubscriptionStatus.PAST_DUE)
_ENDED = (c.SubscriptionStatus.CANCELED, c.SubscriptionStatus.EXPIRED)
_MOMENT = timedelta(days=1)  # [D]
_IN_FORCE = ("ACTIVE", "EXPIRED")  # contracts whose last day is a term's


class RenewSubscription(msgspec.Struct, frozen=True, kw_only=True):
    """Another term of a subscription, from the day after the last one. `lines` is all that it is to have; none: what it
    has, at its present prices. `term_months` None: as long as the last term. `due_days` None: as it is."""

    subscription: str
    term_months: int | None = None
    lines: tuple[OrderedLine, ...] = ()
    support_tier: str | None = None
    purchase_order: str | None = None
    due_days: int | None = None


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """[D] How many days after the end a renewal still follows on, and by how many per cent a unit price may rise: the
    same as in `policies/rules/orders.yaml`, by which a renewal is validated."""

    late_days: int = 30
    uplift_most: Decimal = Decimal(7)


class Term(msgspec.Struct, frozen=True):
    """The new term, both days inclusive."""

    start_on: date
    end_on: date


def has_ended(subscription: c.AccountSubscription) -> bool:
    """Whether a renewal of it is a subscription of its own."""
    return subscription.status in _ENDED


def term(
    asked: RenewSubscription,
    subscription: c.AccountSubscription,
    contract: c.SubscriptionContract | None,
) -> Term | None:
    """The term that follows the contract's, else what billing had; None where nobody says how long one is."""
    last, months = _last(subscription, contract), asked.term_months
    if months is None and contract is not None:
        months = contract.term_months
    if last is None or months is None or months < 1:
        return None
    start = last + timedelta(days=1)
    return Term(start, last_day(start, months))


def _last(subscription: c.AccountSubscription, contract: c.SubscriptionContract | None) -> date | None:
    if contract is not None and contract.end_on is not None and contract.status in _IN_FORCE:
        return contract.end_on
    end: datetime | None = subscription.ended_at or subscription.cancel_at or subscription.period_end
    return day_before(end, contract.start_on if contract is not None else None) if end is not None else None


# -------------------------------------------------------------------------------------------------------- the lines


def present(
    subscription: c.AccountSubscription, book: Sequence[c.Price], codes: Mapping[str, str | None]
) -> tuple[OrderedLine, ...]:
    """What a subscription has, as lines: by the list's price where one is like its own, at what it pays now. What is
    metered has no quantity."""
    return tuple(
        OrderedLine(
            product=codes.get(item.product_key) or "",
            price=_listed(item.price, book),
            quantity=Decimal(item.quantity or 0),
            unit_price=item.price.unit_price.amount if item.price.unit_price is not None else Decimal(0),
        )
        for item in subscription.items
    )


def _listed(price: c.Price, book: Sequence[c.Price]) -> str:
    like = (each.key for each in book if each.active and _kind(each) == _kind(price))
    return price.key if any(each.key == price.key for each in book) else next(like, price.key)


def _kind(price: c.Price) -> tuple[object, ...]:
    return price.product_key, price.currency, price.interval, price.interval_count, price.usage_type


def counted(lines: Sequence[OrderedLine]) -> tuple[OrderedLine, ...]:
    """Those that are sold by quantity."""
    return tuple(line for line in lines if line.quantity)


def whole(lines: Sequence[OrderedLine]) -> tuple[Item, ...]:
    """All that it has in the new term; of what is metered there is one, at what its price says."""
    return tuple(
        Item(price=line.price, quantity=line.quantity, unit_price=line.unit_price)
        if line.quantity
        else Item(price=line.price, quantity=Decimal(1))
        for line in lines
    )


def figures(
    subscription: c.AccountSubscription, lines: Sequence[OrderedLine], prices: Mapping[str, c.Price]
) -> dict[str, Money | Decimal]:
    """Discount off the list, by how many percent revenue falls, and what is credited: nothing, as the last term is
    over. What cannot be told is left out."""
    found: dict[str, Money | Decimal] = {"credit": Money.zero(subscription.currency)}
    off = discount(counted(lines), prices)
    if off is not None:
        found["discount"] = max(off, Decimal(0))
    before, after = _before(subscription), _after(lines, prices)
    if before is not None and after is not None:
        fall = (before - after) * _HUNDRED / before if before > 0 else Decimal(0)
        found["mrr_fall"] = max(fall, Decimal(0)).quantize(Decimal("0.0001"))
    return found


def _before(subscription: c.AccountSubscription) -> Decimal | None:
    return _sum([monthly(each.price, Decimal(each.quantity)) for each in subscription.items if each.quantity])


def _after(lines: Sequence[OrderedLine], prices: Mapping[str, c.Price]) -> Decimal | None:
    return _sum([monthly(_at(line, prices), line.quantity) for line in counted(lines)])


def _at(line: OrderedLine, prices: Mapping[str, c.Price]) -> c.Price | None:
    price = prices.get(line.price)
    if price is None:
        return None
    return msgspec.structs.replace(price, unit_price=UnitPrice(line.unit_price, price.currency))


def _sum(parts: Sequence[Decimal | None]) -> Decimal | None:
    known = [each for each in parts if each is not None]
    return sum(known, Decimal(0)) if len(known) == len(parts) else None


# ----------------------------------------------------------------------------------------------- what is wrong with it


def wrong_with_subscription(subscription: c.AccountSubscription) -> Iterator[Finding]:
    """Why a subscription is not one to renew."""
    if subscription.status not in (*_RUNNING, *_ENDED):
        message = f"it is {subscription.status}: what runs or has ended at its term is renewed"
        yield Finding(code="SUBSCRIPTION_NOT_RUNNING", message=message, path="subscription")
    if subscription.renewal_mode is c.RenewalMode.NONE:
        message = "the subscription is not to be renewed: make a new order"
        yield Finding(code="RENEWAL_TERMS", message=message, path="subscription")
    if c.SubscriptionOverlay.COLLECTION_PAUSED in subscription.overlays or subscription.suspension is not None:
        message = "it is suspended: resume it first"
        yield Finding(code="SUBSCRIPTION_SUSPENDED", message=message, path="subscription")
    if subscription.pending_change or c.SubscriptionOverlay.AMENDMENT_PENDING in subscription.overlays:
        message = "another change of it has not been settled yet"
        yield Finding(code="AMENDMENT_PENDING", message=message, path="subscription")


def wrong_with_term(found: Term | None, day: date, limits: Limits) -> Iterator[Finding]:
    """Why no term follows."""
    if found is None:
        message = "nobody says when the last term ended, or how long the next one is: give `termMonths`"
        yield Finding(code="TERM_INVALID", message=message, path="termMonths")
        return
    late = (day - found.start_on).days + 1
    if late > limits.late_days:
        message = f"the last term ended {late} days ago: make a new order"
        yield Finding(code="RENEWAL_TERMS", message=message, path="subscription")


def renewed(orders: Sequence[c.Order], found: Term | None, day: date, now: datetime) -> Iterator[Finding]:
    """Whether the term before this one was itself ordered a moment ago, or has not begun: then somebody has renewed it
    already, and this would be the term after next."""
    if found is None:
        return
    before = found.start_on - timedelta(days=1)
    for order in orders:
        own = order.end_on == before and not order.reduction and order.status is not c.OrderStatus.CANCELED
        coming = order.effective_on is not None and order.effective_on > day
        if own and (coming or (order.created_at is not None and order.created_at > now - _MOMENT)):
            message = f"order `{order.number or order.key}` has renewed it until {before} already"
            yield Finding(code="DUPLICATE_ORDER", message=message, path="subscription")
            return


def wrong_with_lines(
    subscription: c.AccountSubscription,
    lines: Sequence[OrderedLine],
    had: Sequence[OrderedLine],
    prices: Mapping[str, c.Price],
    limits: Limits,
) -> Iterator[Finding]:
    """Why the lines are not what it goes on with; `had` is what it has."""
    for number, line in enumerate(lines):
        if not line.product:
            message = f"the product of the price `{line.price}` has no code of ours: map it first"
            yield Finding(code="UNMAPPED_ITEM", message=message, path=f"lines.{number}", owner="revops")
        if has_ended(subscription):
            yield from _unsold(subscription, line, prices.get(line.price), f"lines.{number}", limits)
    if not has_ended(subscription) and _sold(lines) != _sold(had):
        message = "what still runs goes on as it is: renew it without `lines`, and amend it in the new term"
        yield Finding(code="RENEWAL_CHANGES", message=message, path="lines")


def _unsold(
    subscription: c.AccountSubscription, line: OrderedLine, price: c.Price | None, path: str, limits: Limits
) -> Iterator[Finding]:
    if price is None or not price.active:
        yield Finding(code="PRICE_UNKNOWN", message=f"there is no active price `{line.price}`", path=path)
        return
    if price.currency != subscription.currency:
        message = f"the price is in {price.currency}, the subscription in {subscription.currency}"
        yield Finding(code="CURRENCY_CONFLICT", message=message, path=path)
    raised = _uplift(subscription, line, price)
    if raised > limits.uplift_most:
        message = f"its price rises by {raised} per cent: {limits.uplift_most} at the most"
        yield Finding(code="RENEWAL_TERMS", message=message, path=path)


def _uplift(subscription: c.AccountSubscription, line: OrderedLine, price: c.Price) -> Decimal:
    """By how many percent a line's unit price is above what the same costs now; nothing where it is new."""
    like = [each.price.unit_price for each in subscription.items if _kind(each.price) == _kind(price)]
    now = max((each.amount for each in like if each is not None), default=Decimal(0))
    if not now:
        return Decimal(0)
    return max((line.unit_price - now) * _HUNDRED / now, Decimal(0)).quantize(Decimal("0.0001"))


def _sold(lines: Sequence[OrderedLine]) -> list[tuple[str, Decimal, Decimal]]:
    return sorted((line.price, line.quantity, line.unit_price) for line in lines)
