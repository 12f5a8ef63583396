"""Product, price, meter, ERP item."""

from __future__ import annotations

import strawberry

from resolvers.batch import link, links
from resolvers.registry import entity
from resolvers.types import references as ref
from resolvers.types.node import Node
from resolvers.types.scalars import UnitPrice
from sources import canonical as c

Interval = strawberry.enum(c.Interval, description="How often a recurring price is charged.")
UsageType = strawberry.enum(c.UsageType, description="Charged for what was agreed, or for what was metered.")


@entity(c.Product)
class Product(Node):
    """What is sold; owned by billing."""

    name: str | None
    active: bool | None
    description: str | None
    unit_label: str | None
    tax_code: str | None
    code: str | None
    default_price: ref.PriceRef | None = link(c.Price, key="default_price_key")
    prices: list[ref.PriceRef | None] | None = links(c.Price, by="product", first=100)
    erp_items: list[ref.ErpItemRef | None] | None = links(c.ErpItem, by="product", key="code")


@entity(c.Price)
class Price(Node):
    """What a product costs; owned by billing."""

    product: ref.ProductRef | None = link(c.Product, key="product_key")
    active: bool | None
    currency: str | None
    unit_price: UnitPrice | None
    interval: Interval | None  # type: ignore[valid-type]
    interval_count: int | None
    usage_type: UsageType | None  # type: ignore[valid-type]
    meter: ref.MeterRef | None = link(c.Meter, key="meter_key")
    lookup_key: str | None
    nickname: str | None
    tiered: bool | None


@entity(c.Meter)
class Meter(Node):
    """What is counted; owned by billing."""

    name: str | None
    event_name: str | None
    aggregation: str | None
    active: bool | None


@entity(c.ErpItem)
class ErpItem(Node):
    """The ERP's item for a product."""

    product_code: str | None
    name: str | None
    item_type: str | None
    inactive: bool | None
    tax_schedule: str | None
    revenue_rule: str | None
