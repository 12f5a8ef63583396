"""Item lines of a transaction: as requests give them, as the tables hold them, and how the one changes the other."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from sources.vendors.netsuite.simulator import facts
from sources.vendors.netsuite.simulator.amounts import ZERO, exact, rounded
from sources.vendors.netsuite.simulator.dates import parse
from sources.vendors.netsuite.simulator.errors import content
from sources.vendors.netsuite.simulator.shapes import LINE_WRITABLE

_NUMBERS = ("quantity", "rate", "amount", "grossAmt")
Refer = Callable[[Any], int]  # a reference to an item, as its id; raises ValueError


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One item line, amounts as people read them. `number`: its place, None before it has one. `billed`: how much of an
    order's quantity has been invoiced; `order_line`: of an invoice, the line of its order."""

    number: int | None = None
    item: int | None = None
    quantity: Decimal | None = None
    rate: Decimal | None = None
    amount: Decimal = ZERO
    tax: Decimal = ZERO
    description: str | None = None
    closed: bool = False
    billed: Decimal = ZERO
    order_line: int | None = None
    tax_reference: str | None = None
    own_key: str | None = None
    service_start: str | None = None
    service_end: str | None = None

    @property
    def remaining(self) -> Decimal:
        """What an order's line still has to bill, as a quantity."""
        return ZERO if self.closed else (Decimal(1) if self.quantity is None else self.quantity) - self.billed


class Pricing(msgspec.Struct, frozen=True):
    """What amounts are reckoned with: the currency, and the tax rate of an item."""

    symbol: str
    tax_rate: Callable[[int | None], Decimal]


def given_lines(sublist: Any, *, strict: bool) -> list[tuple[str, dict[str, Any]]]:
    """The lines of a request with their paths; raises Refusal for what is none, where `strict` for unknown names."""
    items = sublist.get("items", ()) if isinstance(sublist, dict) else ()
    found = []
    for number, one in enumerate(items):
        path = f"item.items[{number}]"
        if not isinstance(one, dict):
            raise content(facts.BAD_VALUE.format(value=one, field="item"), path)
        unknown = sorted(one.keys() - LINE_WRITABLE)
        if strict and unknown:
            raise content(facts.UNKNOWN_PROPERTY.format(name=unknown[0]), f"{path}.{unknown[0]}")
        found.append((path, one))
    return found


def changed(old: Line, given: dict[str, Any], path: str, refer: Refer, pricing: Pricing) -> Line:
    """A line after a request: what is not given stays; amounts are reckoned anew where anything they depend on is."""
    numbers = {name: _number(given, name, path) for name in _NUMBERS}
    item = old.item
    if "item" in given or item is None:
        try:
            item = refer(given.get("item"))
        except ValueError as error:
            raise content(facts.BAD_VALUE.format(value=error, field="item"), f"{path}.item") from error
    quantity = old.quantity if numbers["quantity"] is None else numbers["quantity"]
    rate = old.rate if numbers["rate"] is None else numbers["rate"]
    amount, tax = old.amount, old.tax
    standard = pricing.tax_rate(item)
    if (gross := numbers["grossAmt"]) is not None:
        amount = rounded(gross / (1 + standard), pricing.symbol)
        tax = gross - amount
    elif numbers["amount"] is not None or numbers["quantity"] is not None or numbers["rate"] is not None:
        reckoned = (Decimal(1) if quantity is None else quantity) * (rate or ZERO)
        amount = rounded(reckoned if numbers["amount"] is None else numbers["amount"], pricing.symbol)
        tax = rounded(amount * standard, pricing.symbol)
    return msgspec.structs.replace(
        old,
        item=item,
        quantity=quantity,
        rate=rate,
        amount=amount,
        tax=tax,
        description=given.get("description", old.description),
        closed=bool(given.get("isClosed", old.closed)),
        tax_reference=given.get("taxDetailsReference", old.tax_reference),
        own_key=given.get("custcol_gateway_line", old.own_key),
        service_start=_day(given, "custcol_service_start", path) or old.service_start,
        service_end=_day(given, "custcol_service_end", path) or old.service_end,
    )


def _number(given: dict[str, Any], name: str, path: str) -> Decimal | None:
    value = given.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise content(facts.BAD_VALUE.format(value=value, field=name), f"{path}.{name}")
    return exact(value)


def _day(given: dict[str, Any], name: str, path: str) -> str | None:
    value = given.get(name)
    if value is None:
        return None
    try:
        return parse(str(value), "YYYY-MM-DD")
    except ValueError as error:
        raise content(facts.BAD_VALUE.format(value=value, field=name), f"{path}.{name}") from error


def merged(
    old: Sequence[Line],
    given: Sequence[tuple[str, dict[str, Any]]],
    refer: Refer,
    pricing: Pricing,
    *,
    replace: bool = False,
) -> list[Line]:
    """A line with its number changes that line; one without is appended, however often it is sent. `replace`: only the
    given lines stay."""
    kept = {one.number or place: one for place, one in enumerate(old, 1)}
    after: dict[int, Line] = {} if replace else dict(kept)
    for path, one in given:
        number = one.get("line", one.get("orderLine"))
        if number is not None and number not in kept:
            raise content(facts.BAD_VALUE.format(value=number, field="line"), f"{path}.line")
        place = int(number) if number is not None else max([*kept, *after], default=0) + 1
        after[place] = changed(kept.get(place, Line(number=place)), one, path, refer, pricing)
    return [after[place] for place in sorted(after)]


def stored(book: sqlite3.Connection, document: object, kind: str) -> list[Line]:
    """The item lines of a transaction, in order."""
    sign = facts.LINE_SIGN.get(kind, 1)
    rows = book.execute(
        """SELECT linesequencenumber, item, quantity, rate, foreignamount, taxamount, memo, isclosed, quantitybilled,
        orderline, custcol_gateway_line, custcol_service_start, custcol_service_end FROM transactionline
        WHERE "transaction" = ? AND mainline = 'F' AND taxline = 'F' ORDER BY linesequencenumber""",
        (document,),
    ).fetchall()
    return [
        Line(
            number=number,
            item=item,
            quantity=None if quantity is None else sign * exact(quantity),
            rate=None if rate is None else exact(rate),
            amount=sign * exact(amount),
            tax=sign * exact(tax),
            description=memo,
            closed=closed == "T",
            billed=exact(billed),
            order_line=order_line,
            own_key=own_key,
            service_start=start,
            service_end=end,
        )
        for number, item, quantity, rate, amount, tax, memo, closed, billed, order_line, own_key, start, end in rows
    ]
