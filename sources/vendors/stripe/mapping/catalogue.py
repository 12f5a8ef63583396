"""Products, prices, meters, and what was metered."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from sources.canonical import Interval, Meter, Price, Product, UsageSummary, UsageType
from sources.vendors.stripe import facts
from sources.vendors.stripe import wire as w
from sources.vendors.stripe.mapping.origin import Origin, currency, id_of, known, noted_as, number, unit_price

_INTERVALS = {"day": Interval.DAY, "week": Interval.WEEK, "month": Interval.MONTH, "year": Interval.YEAR}
_USAGE = {"licensed": UsageType.LICENSED, "metered": UsageType.METERED}
_SCHEMES = {"per_unit": False, "tiered": True}
_KINDS = {"one_time": False, "recurring": True}
_FORMULAS = {"sum": "sum", "count": "count", "last": "last"}
_METER_STATES = {"active": True, "inactive": False}


def product(wire: w.Product | w.SoldProduct, origin: Origin) -> Product:
    """A product; `code` is ours."""
    return Product(
        key=wire.id,
        source=origin.source,
        source_id=wire.id,
        as_of=origin.as_of,
        name=wire.name or "",
        active=wire.active,
        description=wire.description,
        unit_label=wire.unit_label,
        tax_code=id_of(wire.tax_code),
        default_price_key=id_of(wire.default_price),
        code=noted_as(facts.PRODUCT_CODE, wire.metadata),
    )


def price(wire: w.Price, origin: Origin) -> Price:
    """A price; without a fixed amount (tiers, or the customer chooses) `unit_price` is None."""
    tiered = known(_SCHEMES, "price.billing_scheme", wire.billing_scheme)
    known(_KINDS, "price.type", wire.type)
    recurring, iso = wire.recurring, currency(wire.currency, "price.currency")
    amount = fixed_amount(wire)
    return Price(
        key=wire.id,
        source=origin.source,
        source_id=wire.id,
        as_of=origin.as_of,
        product_key=id_of(wire.product) or "",
        active=wire.active,
        currency=iso,
        unit_price=None if amount is None else unit_price(amount, iso),
        interval=known(_INTERVALS, "price.recurring.interval", recurring.interval) if recurring else None,
        interval_count=recurring.interval_count if recurring else 1,
        usage_type=known(_USAGE, "price.recurring.usage_type", recurring.usage_type)
        if recurring
        else UsageType.LICENSED,
        meter_key=recurring.meter if recurring else None,
        lookup_key=wire.lookup_key,
        nickname=wire.nickname,
        tiered=tiered,
    )


def fixed_amount(wire: w.Price) -> Decimal | None:
    """The price of one unit in Stripe's smallest units, with all its decimals; None where there is no single one."""
    if wire.billing_scheme == "tiered":
        return None
    if wire.unit_amount_decimal is not None:
        return number(wire.unit_amount_decimal, "price.unit_amount_decimal")
    return None if wire.unit_amount is None else number(wire.unit_amount, "price.unit_amount")


def meter(wire: w.Meter, origin: Origin) -> Meter:
    """A meter."""
    return Meter(
        key=wire.id,
        source=origin.source,
        source_id=wire.id,
        as_of=origin.as_of,
        name=wire.display_name,
        event_name=wire.event_name,
        aggregation=known(_FORMULAS, "billing.meter.default_aggregation.formula", wire.default_aggregation.formula),
        active=known(_METER_STATES, "billing.meter.status", wire.status),
    )


def usage(
    wires: Sequence[w.MeterSummary], customer: str, meter_key: str, window: tuple[datetime, datetime], origin: Origin
) -> UsageSummary:
    """One window of one customer and meter; nothing summed up means that nothing was used."""
    start, end = window
    return UsageSummary(
        key=f"{customer}:{meter_key}:{start.isoformat()}",
        source=origin.source,
        source_id=f"{customer}|{meter_key}",
        as_of=origin.as_of,
        account_key=origin.account(customer),
        source_account_id=customer,
        meter_key=meter_key,
        window_start=start,
        window_end=end,
        quantity=sum(
            (number(wire.aggregated_value, "meter_event_summary.aggregated_value") for wire in wires), Decimal(0)
        ),
    )
