"""Items at the price that was agreed.

Vendor facts (API reference, `items.price_data`): an item names a price, and then costs what that price says; or it says
product, currency, interval and amount itself, and Stripe makes a price of it that is for this item alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sources.canonical.commands import SubscriptionLine
from sources.errors import Rejected
from sources.vendors.stripe.mapping.origin import currency, decimals
from sources.vendors.stripe.writers.amounts import whole
from sources.vendors.stripe.writers.desk import Desk, place
from sources.vendors.stripe.writers.subscriptions import lined
from sources.vendors.stripe.writers.wire import Listed

_PRICES = "/v1/prices"


async def agreed(desk: Desk, lines: Sequence[SubscriptionLine]) -> list[dict[str, Any]]:
    """The items of a new subscription. Raises Rejected where another price than the list's cannot be said."""
    return [lined(line) if line.unit_price is None else await _item(desk, line) for line in lines]


async def _item(desk: Desk, line: SubscriptionLine) -> dict[str, Any]:
    price, wanted = await desk.look(Listed, place(_PRICES, line.price_key), "prices.read"), line.unit_price
    iso = currency(price.currency)
    if wanted is None or wanted.currency != iso:
        raise Rejected(f"the price `{line.price_key}` is in `{iso}`, and what was agreed is not")
    amount = wanted.amount.scaleb(decimals(iso))
    if amount == price.unit_amount_decimal:
        return lined(line)
    recurring = price.recurring
    if price.unit_amount_decimal is None or recurring is None or recurring.usage_type != "licensed":
        raise Rejected(f"the price `{line.price_key}` has no fixed amount that another one could be agreed for")
    said = {
        "currency": price.currency,
        "product": price.product if isinstance(price.product, str) else price.product.id,
        "recurring": {"interval": recurring.interval, "interval_count": recurring.interval_count},
        "unit_amount_decimal": format(amount.normalize(), "f"),
        "tax_behavior": price.tax_behavior,
    }
    return {"price_data": said, "quantity": whole(line.quantity) or None}
