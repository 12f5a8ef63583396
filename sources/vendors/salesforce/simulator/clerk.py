"""What every row needs beside its entry in the book: owners, stamps, dates as they go on the wire."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import msgspec

from sources.simulation.enterprise import CrmBook, CrmOrder, CrmOrderLine, CrmProduct
from sources.vendors.salesforce.simulator import dates, identifiers

_DAWN = datetime(2019, 1, 1, tzinfo=UTC)  # when the organisation was set up


def instant(moment: datetime | None) -> str | None:
    """An instant as it goes on the wire."""
    return None if moment is None else dates.instant(moment)


def day(on: date | None) -> str | None:
    """A date as it goes on the wire."""
    return None if on is None else on.isoformat()


class Price(msgspec.Struct, frozen=True):
    """An entry of the price book: one for each product and currency."""

    id: str
    product_id: str
    currency: str
    unit_price: Decimal


def _prices(crm: CrmBook) -> list[Price]:
    """Each product's list prices, because an order's products have to come from entries in the order's own currency. In
    a currency in which it was sold without one, that is the highest price it was sold at."""
    listed = [Price(one.price_id, one.id, one.currency, one.list_price) for one in crm.products]
    known = {(one.product_id, one.currency) for one in listed}
    more = {(one.id, currency): price for one in crm.products for currency, price in one.more_prices}
    known |= more.keys()
    for order in crm.orders:
        for line in order.lines:
            place = line.product_id, order.currency
            if place not in known:
                more[place] = max(line.unit_price, more.get(place, line.unit_price))
    further = enumerate(sorted(more.items()), 1)
    return [*listed, *(Price(identifiers.minted("01u", 62**6 + n), *place, price) for n, (place, price) in further)]


class Clerk:
    """Knows the whole book; `now` is the enterprise's present."""

    def __init__(self, crm: CrmBook, now: datetime) -> None:
        self._now = now
        self._first = crm.users[0].id if crm.users else None
        self._owners = {account.id: account.owner_id for account in crm.accounts}
        self.products: dict[str, CrmProduct] = {product.id: product for product in crm.products}
        self.prices = _prices(crm)
        self._price_ids = {(price.product_id, price.currency): price for price in self.prices}
        self._lines = {order.id: order.lines for order in crm.orders if not order.reduction}
        self._reduced: dict[str, Decimal] = defaultdict(Decimal)
        for order in crm.orders:
            for line in order.lines if order.reduction and order.status != "canceled" else ():
                self._reduced[self.original(order, line) or ""] += line.quantity

    def price(self, product_id: str, currency: str) -> Price | None:
        """The product's entry in the price book in this currency."""
        return self._price_ids.get((product_id, currency))

    def original(self, order: CrmOrder, line: CrmOrderLine) -> str | None:
        """The id of the product that a line of a reduction order lowers."""
        originals = self._lines.get(order.original_order_id or "", ()) if order.reduction else ()
        return next((one.id for one in originals if one.product_id == line.product_id), None)

    def available(self, order: CrmOrder, line: CrmOrderLine) -> Decimal:
        """What of a line can still be reduced; nothing of a reduction's own."""
        return Decimal(0) if order.reduction else line.quantity + self._reduced.get(line.id, Decimal(0))

    def owner(self, account_id: str) -> str | None:
        """Who owns the account owns what hangs on it."""
        return self._owners.get(account_id, self._first)

    def stamps(self, created: datetime, updated: datetime | None = None) -> dict[str, Any]:
        """When a row was made and last changed, and by whom."""
        last = dates.instant(updated or created)
        return {
            "CreatedDate": dates.instant(created),
            "CreatedById": self._first,
            "LastModifiedDate": last,
            "LastModifiedById": self._first,
            "SystemModstamp": last,
        }

    def since(self, on: date | None) -> dict[str, Any]:
        """Stamps for what the book dates by a day or not at all: made that morning, never in the future."""
        return self.stamps(min(datetime.combine(on, time(9), UTC), self._now) if on else _DAWN)
