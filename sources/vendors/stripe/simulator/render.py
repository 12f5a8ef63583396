"""The book's entries as the vendor's objects: customers, catalogue, subscriptions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from sources.simulation.enterprise import (
    BillCustomer,
    BillEntitlement,
    BillFeature,
    BillItem,
    BillMeter,
    BillPrice,
    BillProduct,
    BillSubscription,
)
from sources.vendors.stripe.simulator import facts
from sources.vendors.stripe.simulator.shapes import Object, shape


def minor(amount: Decimal, currency: str) -> int:
    """Minor units as the vendor counts them."""
    return int((amount * 10 ** facts.EXPONENTS.get(currency.upper(), 2)).to_integral_value())


def seconds(at: datetime | None) -> int | None:
    """Unix seconds."""
    return int(at.timestamp()) if at is not None else None


def metadata(**values: str | None) -> dict[str, str]:
    """Metadata holds texts only; what is not known is left out."""
    return {name: value for name, value in values.items() if value is not None}


def embedded(rows: list[Object], url: str) -> Object:
    """An embedded list: its first rows, and where it goes on."""
    return {"object": "list", "data": rows[: facts.EMBEDDED], "has_more": len(rows) > facts.EMBEDDED, "url": url}


def customer(entry: BillCustomer) -> Object:
    """A customer."""
    if entry.deleted:
        return {"id": entry.id, "object": "customer", "deleted": True}
    return shape(
        "customer",
        id=entry.id,
        address={"country": entry.country, "city": None, "line1": None, "postal_code": None} if entry.country else None,
        balance=minor(entry.balance, entry.currency or "USD"),
        created=seconds(entry.created_at),
        currency=entry.currency.lower() if entry.currency else None,
        delinquent=entry.delinquent,
        email=entry.email,
        metadata=metadata(crm_account_id=entry.account_id, legal_entity=entry.entity),
        name=entry.name,
        tax_exempt=entry.tax_exempt,
    )


def feature(entry: BillFeature) -> Object:
    """A feature."""
    return {
        "id": entry.id,
        "object": "entitlements.feature",
        "active": True,
        "livemode": False,
        "lookup_key": entry.lookup_key,
        "metadata": {},
        "name": entry.name,
    }


def product_feature(key: str, feature: str) -> Object:
    """A feature that comes with a product, by its id."""
    return {"id": key, "object": "product_feature", "entitlement_feature": feature, "livemode": False}


def active_entitlement(entry: BillEntitlement, lookup_key: str) -> Object:
    """A right to a feature."""
    return {
        "id": entry.id,
        "object": "entitlements.active_entitlement",
        "feature": entry.feature_id,
        "livemode": False,
        "lookup_key": lookup_key,
    }


def product(entry: BillProduct) -> Object:
    """A product."""
    return shape(
        "product",
        id=entry.id,
        active=entry.active,
        created=seconds(entry.created_at),
        default_price=entry.default_price_id,
        description=entry.description,
        metadata={"code": entry.code},
        name=entry.name,
        tax_code=entry.tax_code,
        unit_label=entry.unit_label,
        updated=seconds(entry.created_at),
    )


def price(entry: BillPrice) -> Object:
    """A price; `unit_amount` only where it is whole, the decimal always."""
    scaled = None
    if entry.unit_amount is not None:
        scaled = entry.unit_amount * 10 ** facts.EXPONENTS.get(entry.currency, 2)
    whole = scaled is not None and scaled == scaled.to_integral_value()
    recurring = None
    if entry.interval is not None:
        recurring = {
            "interval": entry.interval,
            "interval_count": entry.interval_count,
            "meter": entry.meter_id,
            "trial_period_days": None,
            "usage_type": entry.usage,
        }
    return shape(
        "price",
        id=entry.id,
        active=entry.active,
        billing_scheme="per_unit" if entry.unit_amount is not None else "tiered",
        created=seconds(entry.created_at),
        currency=entry.currency.lower(),
        lookup_key=entry.lookup_key,
        nickname=entry.nickname,
        product=entry.product_id,
        recurring=recurring,
        tax_behavior="exclusive",
        tiers_mode=None if entry.unit_amount is not None else "graduated",
        type="recurring" if recurring else "one_time",
        unit_amount=int(scaled) if whole and scaled is not None else None,
        unit_amount_decimal=format(scaled.normalize(), "f") if scaled is not None else None,
    )


def meter(entry: BillMeter) -> Object:
    """A meter."""
    return {
        "id": entry.id,
        "object": "billing.meter",
        "created": 1_700_000_000,
        "customer_mapping": {"event_payload_key": "stripe_customer_id", "type": "by_id"},
        "default_aggregation": {"formula": entry.aggregation},
        "display_name": entry.name,
        "event_name": entry.event_name,
        "event_time_window": None,
        "livemode": False,
        "status": "active" if entry.active else "inactive",
        "status_transitions": {"deactivated_at": None},
        "updated": 1_700_000_000,
        "value_settings": {"event_payload_key": "value"},
    }


def item(entry: BillItem, subscription: BillSubscription, prices: Mapping[str, BillPrice]) -> Object:
    """An item: the current period is its own, not the subscription's."""
    found: Object = shape(
        "subscription_item",
        id=entry.id,
        created=seconds(subscription.created_at),
        current_period_end=seconds(entry.period_end),
        current_period_start=seconds(entry.period_start),
        price=price(prices[entry.price_id]),
        subscription=subscription.id,
    )
    if entry.quantity is not None:
        found["quantity"] = entry.quantity
    return found


def schedule_id(subscription: BillSubscription) -> str | None:
    """A subscription's schedule has an id made of the subscription's."""
    return subscription.id.replace("sub_", "sub_sched_", 1) if subscription.schedule is not None else None


def subscription(entry: BillSubscription, prices: Mapping[str, BillPrice]) -> Object:
    """A subscription."""
    items = [item(each, entry, prices) for each in entry.items]
    held = entry.pause is not None and entry.hold
    pending = None
    if entry.pending_change is not None:
        known = {each.price_id: each.id for each in entry.items}
        pending = {
            "billing_cycle_anchor": None,
            "expires_at": seconds(entry.items[0].period_end) if entry.items else None,
            "subscription_items": [
                {"id": known.get(key, key.replace("price_", "si_")), "object": "subscription_item"}
                | {"price": price(prices[key]), "quantity": quantity}
                for key, quantity in entry.pending_change
            ],
            "trial_end": None,
            "trial_from_plan": None,
        }
    reason = facts.CANCEL_REASONS.get(entry.cancel_reason or "")
    return shape(
        "subscription",
        id=entry.id,
        billing_cycle_anchor=seconds(entry.start_at),
        cancel_at=seconds(entry.cancel_at),
        cancel_at_period_end=entry.cancel_at_period_end,
        canceled_at=seconds(entry.canceled_at),
        cancellation_details={"comment": None, "feedback": None, "reason": reason},
        collection_method="charge_automatically" if entry.collection == "automatic" else "send_invoice",
        created=seconds(entry.created_at),
        currency=entry.currency.lower(),
        customer=entry.customer_id,
        days_until_due=entry.days_until_due,
        ended_at=seconds(entry.ended_at),
        items={
            **embedded(items, f"/v1/subscription_items?subscription={entry.id}"),
            "total_count": len(items),
        },
        latest_invoice=entry.latest_invoice_id,
        metadata=metadata(
            crm_account_id=entry.account_id,
            legal_entity=entry.entity,
            renewal=entry.renewal,
            end_customer=entry.end_customer_id,
            reseller=entry.reseller_id,
            suspension="hold" if held else None,
            suspension_operation=entry.hold_operation if held else None,
            suspension_notice_at=entry.hold_notice_at.isoformat() if held and entry.hold_notice_at else None,
        ),
        pause_collection={"behavior": entry.pause, "resumes_at": None} if entry.pause is not None else None,
        pending_update=pending,
        schedule=schedule_id(entry),
        start_date=seconds(entry.start_at),
        status=entry.status,
        trial_end=seconds(entry.trial_end),
        trial_start=seconds(entry.start_at) if entry.trial_end is not None else None,
    )


def schedule(entry: BillSubscription) -> Object:
    """A subscription's schedule."""
    phases: list[Object] = [
        {
            "start_date": seconds(start),
            "end_date": seconds(end),
            "currency": entry.currency.lower(),
            "items": [{"price": each.price_id, "quantity": each.quantity, "metadata": {}} for each in entry.items],
            "metadata": {},
        }
        for start, end in entry.schedule_phases
    ]
    active = phases[0] if phases and entry.schedule == "active" else None
    return shape(
        "subscription_schedule",
        id=schedule_id(entry),
        canceled_at=seconds(entry.canceled_at) if entry.schedule == "canceled" else None,
        completed_at=seconds(entry.ended_at) if entry.schedule == "completed" else None,
        created=seconds(entry.created_at),
        current_phase={"start_date": active["start_date"], "end_date": active["end_date"]} if active else None,
        customer=entry.customer_id,
        phases=phases,
        released_subscription=entry.id if entry.schedule == "released" else None,
        status=entry.schedule,
        subscription=entry.id if entry.schedule not in ("not_started", "released") else None,
    )
