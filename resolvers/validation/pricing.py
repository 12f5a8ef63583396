"""What an order costs: each line at list and net, the whole, recurring revenue, the first invoice."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import msgspec

from resolvers.validation import amounts
from resolvers.validation.order import Line
from sources import canonical as c


class PricedLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line with its price. `list_amount` and `amount` are for one billing period (`interval` None: once), `total`
    over the line's days; `mrr` counts free months too, as if they were not. Of a metered line amounts are what is
    committed. `discount`: per cent below the list over the line's days, free months among them; where a further metered
    unit is further below it, by how much that is."""

    line: int
    product_key: str
    price_key: str
    product_code: str | None
    product_name: str | None
    quantity: Decimal
    list_price: c.UnitPrice | None
    unit_price: c.UnitPrice | None
    interval: c.Interval | None
    interval_count: int
    metered: bool
    start_on: date
    end_on: date
    list_amount: c.Money
    amount: c.Money
    list_total: c.Money
    total: c.Money
    mrr: c.Money
    arr: c.Money
    discount: Decimal


class Invoiced(msgspec.Struct, frozen=True):
    """The first invoice: the day it is expected on, when it is due, what it covers, what it comes to before tax."""

    invoice_on: date
    due_on: date | None
    period_start: date
    period_end: date
    amount: c.Money


class Totals(msgspec.Struct, frozen=True):
    """An order as a whole, before tax. `total` is the total contract value: sums of the lines. `discount`: the largest
    of any line's and of all together, in per cent."""

    list: c.Money
    total: c.Money
    mrr: c.Money
    arr: c.Money
    discount: Decimal


def priced_line(line: Line, price: c.Price, product: c.Product | None, start: date, end: date) -> PricedLine | None:
    """A line with its price over its days, both inclusive; None where the price has no fixed unit price."""
    metered = price.usage_type is c.UsageType.METERED
    listed = price.unit_price.amount if price.unit_price is not None else None
    if listed is None and not metered:
        return None
    unit = _net(line, listed)
    quantity = line.quantity if not metered else _committed(line)
    list_amount = _amount(listed, quantity, price.currency)
    amount = _amount(unit, quantity, price.currency)
    periods = amounts.periods_of(price, start, end)
    charged = _charged(line, price, start, end, periods)
    list_total, total = amounts.part(list_amount, periods), amounts.part(amount, charged)
    per_month = Fraction(0) if metered else amounts.monthly(amount, price)
    return PricedLine(
        line=line.place,
        product_key=price.product_key,
        price_key=price.key,
        product_code=product.code if product is not None else None,
        product_name=product.name if product is not None else None,
        quantity=line.quantity,
        list_price=price.unit_price,
        unit_price=c.UnitPrice(unit, price.currency) if unit is not None else None,
        interval=price.interval,
        interval_count=price.interval_count,
        metered=metered,
        start_on=start,
        end_on=end,
        list_amount=list_amount,
        amount=amount,
        list_total=list_total,
        total=total,
        mrr=amounts.money(per_month, price.currency),
        arr=amounts.money(per_month * 12, price.currency),
        discount=max(discount_of(list_total, total, listed, unit), _overage_discount(line, listed, metered=metered)),
    )


def list_amount(price: c.Price, quantity: int) -> c.Money | None:
    """What so many units cost at list for one billing period; None where the price has no fixed unit price."""
    if price.unit_price is None:
        return None
    return _amount(price.unit_price.amount, Decimal(quantity), price.currency)


def listed_items(subscription: c.AccountSubscription) -> list[tuple[c.Price, c.Money]] | None:
    """What a subscription bills at list, with the price of each and what it comes to for one billing period; what is
    metered or charged once is left out. None where that is not all that it brings in, or more: with a discount on the
    whole, or an item without a fixed price, no item says what it costs."""
    found: list[tuple[c.Price, c.Money]] = []
    monthly = Fraction(0)
    for item in subscription.items:
        if item.quantity is None or item.price.interval is None:
            continue
        amount = list_amount(item.price, item.quantity)
        if amount is None:
            return None
        found.append((item.price, amount))
        monthly += amounts.monthly(amount, item.price)
    return found if amounts.money(monthly, subscription.currency) == subscription.mrr else None


def _net(line: Line, listed: Decimal | None) -> Decimal | None:
    if line.unit_price is not None:
        return line.unit_price
    if listed is None:
        return line.usage.overage_price if line.usage is not None else None
    return amounts.discounted(listed, line.discount) if line.discount else listed


def _overage_discount(line: Line, listed: Decimal | None, *, metered: bool) -> Decimal:
    """Per cent by which a further metered unit is below the list."""
    agreed = line.usage.overage_price if metered and line.usage is not None else None
    if agreed is None or not listed:
        return Decimal(0)
    return amounts.per_cent(max(1 - Fraction(agreed) / Fraction(listed), Fraction(0)))


def _committed(line: Line) -> Decimal:
    committed = line.usage.committed if line.usage is not None else None
    return committed if committed is not None else Decimal(0)


def _amount(unit: Decimal | None, quantity: Decimal, currency: str) -> c.Money:
    return amounts.money(Fraction(unit) * Fraction(quantity) if unit is not None else Fraction(0), currency)


def _charged(line: Line, price: c.Price, start: date, end: date, periods: Fraction) -> Fraction:
    """The periods that cost something: those after the free months. What is charged once is never free by months."""
    if price.interval is None or not line.free_months:
        return periods
    begins = amounts.add_months(start, line.free_months)
    return amounts.periods_of(price, begins, end) if begins <= end else Fraction(0)


def discount_of(
    listed: c.Money, net: c.Money, list_unit: Decimal | None = None, unit: Decimal | None = None
) -> Decimal:
    """Per cent below the list, never less than nothing. Where amounts are too small to tell, unit prices do."""
    shares = [Fraction(0)]
    if listed.minor > 0:
        shares.append(1 - Fraction(net.minor, listed.minor))
    elif list_unit and unit is not None:
        shares.append(1 - Fraction(unit) / Fraction(list_unit))
    return amounts.per_cent(max(shares))


def totals(lines: Sequence[PricedLine], currency: str) -> Totals:
    """The whole of some lines, all of one currency."""
    listed = amounts.total((each.list_total for each in lines), currency)
    net = amounts.total((each.total for each in lines), currency)
    return Totals(
        list=listed,
        total=net,
        mrr=amounts.total((each.mrr for each in lines), currency),
        arr=amounts.total((each.arr for each in lines), currency),
        discount=max([discount_of(listed, net), *(each.discount for each in lines)]),
    )


def first_invoice(
    lines: Sequence[tuple[PricedLine, c.Price, Line]], currency: str, days: tuple[date, date], due_days: int | None
) -> Invoiced:
    """The first invoice of lines billed in advance: the first period of each that has begun by then, less what is free
    of it, and what is charged once. `days`: the order's first day, and the day of the invoice. What is metered is
    invoiced in arrears; only a commitment is there at once."""
    start, on = days
    begun = [each for each in lines if each[0].start_on <= on]
    ends = [min(amounts.period_end(price, each.start_on), each.end_on) for each, price, _ in begun]
    due = amounts.total((_first(each, price, line.free_months) for each, price, line in begun), currency)
    due_on = on + timedelta(days=due_days) if due_days is not None else None
    return Invoiced(on, due_on, start, max(ends, default=start), due)


def _first(line: PricedLine, price: c.Price, free_months: int) -> c.Money:
    """What a line's first period costs."""
    if price.interval is None:
        return line.amount
    last = min(amounts.period_end(price, line.start_on), line.end_on)
    begins = amounts.add_months(line.start_on, free_months)
    return amounts.part(line.amount, amounts.periods_of(price, begins, last) if begins <= last else Fraction(0))
