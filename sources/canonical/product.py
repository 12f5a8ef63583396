"""Product, Price, Meter, and the ERP's item for a product."""

from __future__ import annotations

from enum import StrEnum

from sources.canonical.money import UnitPrice
from sources.canonical.record import Record


class Interval(StrEnum):
    """How often a recurring price is charged."""

    DAY = "DAY"
    WEEK = "WEEK"
    MONTH = "MONTH"
    YEAR = "YEAR"


class UsageType(StrEnum):
    """Charged for what was agreed, or for what was metered."""

    LICENSED = "LICENSED"
    METERED = "METERED"


class Product(Record, frozen=True, gc=False, kw_only=True):
    """What is sold; key = billing product id. Owner: billing. A plan is a product with recurring prices."""

    name: str
    active: bool = True
    description: str | None = None
    unit_label: str | None = None
    tax_code: str | None = None
    default_price_key: str | None = None
    code: str | None = None  # our own product code, the key the ERP item carries


class Price(Record, frozen=True, gc=False, kw_only=True):
    """What a product costs; key = billing price id. Owner: billing. `unit_price` None = tiered."""

    product_key: str
    active: bool = True
    currency: str
    unit_price: UnitPrice | None = None
    interval: Interval | None = None  # None = one-time
    interval_count: int = 1
    usage_type: UsageType = UsageType.LICENSED
    meter_key: str | None = None
    lookup_key: str | None = None
    nickname: str | None = None
    tiered: bool = False


class Meter(Record, frozen=True, gc=False, kw_only=True):
    """What is counted; key = billing meter id. Owner: billing."""

    name: str
    event_name: str
    aggregation: str  # sum, count, last
    active: bool = True


class ErpItem(Record, frozen=True, gc=False, kw_only=True):
    """The ERP's item for a product; key = ERP item id. Facet of Product, owner: ERP; `product_code` = Product.code."""

    product_code: str
    name: str
    item_type: str | None = None
    inactive: bool = False
    tax_schedule: str | None = None
    revenue_rule: str | None = None
