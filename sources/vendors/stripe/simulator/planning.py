"""What a change of items comes to: the items afterwards, and the parts of a period that are given back and charged.

A preview and the change itself are planned by the same function, so that it costs what was shown.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from sources.vendors.stripe.simulator import facts
from sources.vendors.stripe.simulator.errors import Refusal
from sources.vendors.stripe.simulator.given import Given
from sources.vendors.stripe.simulator.office import Office
from sources.vendors.stripe.simulator.register import price_of
from sources.vendors.stripe.simulator.shapes import Object, shape
from sources.vendors.stripe.simulator.tariff import Part, before, cost, following, metered, share

ITEM = ("id", "price", "price_data", "quantity", "deleted", "metadata")
BEHAVIOURS = ("create_prorations", "always_invoice", "none")


class Plan(msgspec.Struct, frozen=True):
    """`parts` are the prorations; `restarts`: a new cycle begins now, and its first period is charged at once."""

    items: list[Object]
    parts: list[Part]
    restarts: bool = False


def first_items(office: Office, rows: Sequence[Given], currency: str | None) -> list[Object]:
    """The items of a new subscription, without periods."""
    if not rows:
        raise Refusal(400, "Missing required param: items.", code="parameter_missing", param="items")
    items = [_fresh(office, row) for row in rows]
    _demand_sellable(items, currency or items[0]["price"]["currency"])
    return items


def dated(items: Sequence[Object], subscription: str, start: int, anchor: int) -> list[Object]:
    """Items with the period that begins at `start`; cycles turn at `anchor`."""
    return [
        {
            **item,
            "subscription": subscription,
            "current_period_start": start,
            "current_period_end": anchor if anchor > start else following(anchor, item["price"]["recurring"], start),
        }
        for item in items
    ]


def whole_periods(items: Sequence[Object], subscription: str, *, free: bool = False) -> list[Part]:
    """What the current periods of licensed items cost; a period that begins late costs its share."""
    return [
        Part(
            amount=0 if free else _of_period(item),
            description=f"{item.get('quantity', 1)} x {item['price'].get('nickname') or item['price']['id']}",
            price=item["price"],
            quantity=item.get("quantity"),
            start=item["current_period_start"],
            end=item["current_period_end"],
            item=item["id"],
            subscription=subscription,
        )
        for item in items
        if not metered(item["price"])
    ]


def planned(office: Office, subscription: Object, rows: Sequence[Given], at: int, *, anew: bool = False) -> Plan:
    """The change that `rows` ask for, prorated at an instant of the current period; `anew` begins a new cycle. A trial
    costs nothing, and goes on unless it is what `anew` ends."""
    old: list[Object] = subscription["items"]["data"]
    start, end = old[0]["current_period_start"], old[0]["current_period_end"]
    if not start <= at <= end:
        raise Refusal(400, "The proration date must be within the current period.", param="proration_date")
    after = {item["id"]: item for item in old}
    for row in rows:
        _apply(office, after, row, subscription)
    items = list(after.values())
    if not items:
        raise Refusal(400, "A subscription must have at least one item.", param="items")
    _demand_sellable(items, subscription["currency"])
    turned = {_cycle(item) for item in items} != {_cycle(item) for item in old}
    trial = subscription["status"] == "trialing"
    restarts = anew or (turned and not trial)
    if restarts:
        now = office.now()
        items = dated(items, subscription["id"], now, now)
    return Plan(items, [] if trial else _prorations(old, items, at, restarts), restarts)


def ended(subscription: Object, at: int) -> list[Part]:
    """What is given back when a subscription ends at an instant."""
    return [_back(item, at) for item in subscription["items"]["data"] if not metered(item["price"])]


def _prorations(old: Sequence[Object], new: Sequence[Object], at: int, restarts: bool) -> list[Part]:
    parts: list[Part] = []
    known, left = {item["id"]: item for item in old}, {item["id"]: item for item in new}
    for item in old:
        kept = left.get(item["id"])
        changed = restarts or kept is None or _sold(kept) != _sold(item)
        if changed and not metered(item["price"]):
            parts.append(_back(item, at))
    if restarts:
        return parts
    for item in new:
        before_it = known.get(item["id"])
        if (before_it is None or _sold(before_it) != _sold(item)) and not metered(item["price"]):
            parts.append(_forth(item, at))
    return parts


def _sold(item: Object) -> tuple[str, int | None]:
    return item["price"]["id"], item.get("quantity")


def _back(item: Object, at: int) -> Part:
    return _prorated(item, at, -1, "Unused time on")


def _forth(item: Object, at: int) -> Part:
    return _prorated(item, at, 1, "Remaining time on")


def _prorated(item: Object, at: int, sign: int, words: str) -> Part:
    price, quantity = item["price"], item.get("quantity")
    start, end = item["current_period_start"], item["current_period_end"]
    return Part(
        amount=sign * share(cost(price, quantity), start, end, at, price["currency"]),
        description=f"{words} {quantity} x {price.get('nickname') or price['id']}",
        price=price,
        quantity=quantity,
        start=at,
        end=end,
        item=item["id"],
        subscription=item["subscription"],
        proration=True,
    )


def _of_period(item: Object) -> int:
    price, start, end = item["price"], item["current_period_start"], item["current_period_end"]
    amount, full = cost(price, item.get("quantity")), before(end, price["recurring"])
    return amount if full >= start else share(amount, full, end, start, price["currency"])


def _apply(office: Office, items: dict[str, Object], row: Given, subscription: Object) -> None:
    key = row.text("id")
    if key is None:
        first = subscription["items"]["data"][0]
        span = {name: first[name] for name in ("current_period_start", "current_period_end")}
        made = {**_fresh(office, row), **span, "subscription": subscription["id"]}
        items[made["id"]] = made
        return
    if key not in items:
        raise Refusal(404, f"No such subscription item: '{key}'", code="resource_missing", param="items")
    if row.flag("deleted"):
        del items[key]
        return
    item = items[key]
    if "price" in row:
        item = {**item, "price": recurring_price(office, row)}
    if "quantity" in row:
        item = {**item, "quantity": row.amount("quantity")}
    items[key] = {**item, "metadata": row.metadata(item["metadata"])}


def _fresh(office: Office, row: Given) -> Object:
    price = recurring_price(office, row)
    item = shape("subscription_item", id=office.new("si"), created=office.now(), price=price, metadata=row.metadata({}))
    if metered(price):
        if "quantity" in row:
            raise row.bad("quantity", "cannot be set for metered prices")
        return item
    return {**item, "quantity": row.amount("quantity") if "quantity" in row else 1}


def recurring_price(office: Office, row: Given) -> Object:
    """The price that a line names, if it can be subscribed to, or says itself."""
    if "price_data" in row:
        return price_of(office, row)
    row.demand("price")
    price = office.get("prices", row.text("price") or "")
    if not price["active"] and price["id"] not in office.said:
        raise Refusal(400, "The price specified is inactive. This field only accepts active prices.", param="items")
    if price["recurring"] is None:
        raise Refusal(400, "The price specified is set to `type=one_time`, but it must recur.", param="items")
    return price


def _demand_sellable(items: Sequence[Object], currency: str) -> None:
    if len(items) > facts.MOST_ITEMS:
        raise Refusal(400, f"A subscription can have up to {facts.MOST_ITEMS} items.", param="items")
    prices = [item["price"]["id"] for item in items]
    if len(set(prices)) < len(prices):
        raise Refusal(400, "Cannot add multiple subscription items with the same price.", param="items")
    for item in items:
        if item["price"]["currency"] != currency:
            found = item["price"]["currency"]
            raise Refusal(
                400, f"The price specified is in `{found}`, and the subscription in `{currency}`.", param="items"
            )


def _cycle(item: Object) -> tuple[str, int]:
    recurring = item["price"]["recurring"]
    return recurring["interval"], int(recurring.get("interval_count") or 1)
