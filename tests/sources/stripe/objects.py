"""Stripe's objects as we say them in tests: the fields that matter, and what every object has."""

from typing import Any

NOW = 1_796_040_000  # 2026-11-30T12:00:00Z
DAY = 86_400
Object = dict[str, Any]


def many(*rows: Object, more: bool = False, url: str = "/v1/things") -> Object:
    return {"object": "list", "url": url, "has_more": more, "data": list(rows)}


def customer(key: str = "cus_1", **fields: Any) -> Object:
    return {
        "id": key, "object": "customer", "name": "Ada Ltd.", "email": "ada@example.com", "currency": "eur", "balance": 0,
        "delinquent": False, "tax_exempt": "none", "created": NOW - 400 * DAY, "livemode": False,
        "metadata": {"crm_account_id": "001A", "legal_entity": "DE"},
    } | fields  # fmt: skip


def product(key: str = "prod_1", **fields: Any) -> Object:
    return {
        "id": key, "object": "product", "name": "Cloud Team", "active": True, "created": NOW - 500 * DAY, "updated": NOW,
        "description": None, "unit_label": "seat", "tax_code": "txcd_10103001", "default_price": "price_1",
        "metadata": {"code": "CLOUD-TEAM"},
    } | fields  # fmt: skip


def price(key: str = "price_1", amount: str | None = "2000", interval: str = "month", **fields: Any) -> Object:
    return {
        "id": key, "object": "price", "active": True, "billing_scheme": "per_unit", "created": NOW - 500 * DAY,
        "currency": "eur", "product": "prod_1", "type": "recurring", "lookup_key": "team_month", "nickname": None,
        "recurring": {"interval": interval, "interval_count": 1, "usage_type": "licensed", "meter": None},
        "transform_quantity": None, "unit_amount": None, "unit_amount_decimal": amount, "metadata": {},
    } | fields  # fmt: skip


def metered(key: str = "price_m") -> Object:
    recurring = {"interval": "month", "interval_count": 1, "usage_type": "metered", "meter": "mtr_1"}
    return price(key, "10", recurring=recurring)


def item(key: str = "si_1", quantity: int | None = 5, priced: Object | None = None, **fields: Any) -> Object:
    row = {
        "id": key, "object": "subscription_item", "created": NOW - 40 * DAY, "price": priced or price(),
        "current_period_start": NOW - 10 * DAY, "current_period_end": NOW + 20 * DAY, "discounts": [],
    }  # fmt: skip
    return row | ({} if quantity is None else {"quantity": quantity}) | fields


def subscription(key: str = "sub_1", status: str = "active", **fields: Any) -> Object:
    return {
        "id": key, "object": "subscription", "status": status, "customer": "cus_1", "currency": "eur",
        "created": NOW - 40 * DAY, "start_date": NOW - 40 * DAY, "items": many(item()), "cancel_at": None,
        "cancel_at_period_end": False, "canceled_at": None, "ended_at": None, "cancellation_details": {"reason": None},
        "collection_method": "charge_automatically", "days_until_due": None, "latest_invoice": "in_1", "schedule": None,
        "pause_collection": None, "pending_update": None, "trial_start": None, "trial_end": None, "discounts": [],
        "metadata": {"crm_account_id": "001A", "legal_entity": "DE"},
    } | fields  # fmt: skip


def schedule(status: str = "active", **fields: Any) -> Object:
    return {
        "id": "sub_sched_1", "object": "subscription_schedule", "status": status, "end_behavior": "release",
        "phases": [],
    } | fields  # fmt: skip


def invoice(key: str = "in_1", status: str | None = "open", **fields: Any) -> Object:
    total = fields.get("total", 11_900)
    paid = fields.get("amount_paid", total if status == "paid" else 0)
    return {
        "id": key, "object": "invoice", "status": status, "number": "DE-1", "currency": "eur", "customer": "cus_1",
        "created": NOW - 10 * DAY, "due_date": NOW + 20 * DAY, "subtotal": total - 1_900, "total": total,
        "amount_due": total, "amount_paid": paid, "amount_remaining": 0 if status in ("paid", "void") else total - paid,
        "pre_payment_credit_notes_amount": 0, "post_payment_credit_notes_amount": 0, "starting_balance": 0,
        "ending_balance": 0, "total_taxes": [{"amount": 1_900, "tax_behavior": "exclusive", "type": "tax_rate_details"}],
        "period_start": NOW - 40 * DAY, "period_end": NOW - 10 * DAY, "attempt_count": 0, "next_payment_attempt": None,
        "billing_reason": "subscription_cycle", "collection_method": "send_invoice", "hosted_invoice_url": None,
        "status_transitions": {
            "finalized_at": None if status == "draft" else NOW - 10 * DAY + 3600, "marked_uncollectible_at": None,
            "paid_at": NOW - 5 * DAY if status == "paid" else None,
            "voided_at": NOW - 4 * DAY if status == "void" else None,
        },
        "parent": {
            "type": "subscription_details", "quote_details": None,
            "subscription_details": {"subscription": "sub_1", "metadata": {"legal_entity": "DE"}},
        },
        "lines": many(line()), "payments": many(), "metadata": {"crm_account_id": "001A"},
    } | fields  # fmt: skip


def line(key: str = "il_1", **fields: Any) -> Object:
    return {
        "id": key, "object": "line_item", "amount": 10_000, "currency": "eur", "description": "5 x Cloud Team",
        "quantity": 5, "period": {"start": NOW - 40 * DAY, "end": NOW - 10 * DAY}, "taxes": [{"amount": 1_900}],
        "parent": {
            "type": "subscription_item_details", "invoice_item_details": None,
            "subscription_item_details": {"subscription": "sub_1", "subscription_item": "si_1", "proration": False},
        },
        "pricing": {"type": "price_details", "price_details": {"price": "price_1", "product": "prod_1"}},
    } | fields  # fmt: skip


def invoice_payment(intent: str | Object = "pi_1", status: str = "paid", **fields: Any) -> Object:
    return {
        "id": f"inpay_{intent if isinstance(intent, str) else intent['id']}", "object": "invoice_payment",
        "invoice": "in_1", "status": status, "currency": "eur", "created": NOW - 5 * DAY, "amount_requested": 11_900,
        "amount_paid": 11_900 if status == "paid" else None, "is_default": True,
        "payment": {"type": "payment_intent", "payment_intent": intent},
    } | fields  # fmt: skip


def charge(key: str = "ch_1", **fields: Any) -> Object:
    return {
        "id": key, "object": "charge", "amount": 11_900, "amount_captured": 11_900, "amount_refunded": 0,
        "captured": True, "created": NOW - 5 * DAY, "currency": "eur", "customer": "cus_1", "disputed": False,
        "failure_code": None, "failure_balance_transaction": None, "payment_intent": "pi_1", "refunded": False,
        "payment_method_details": {"type": "card", "card": {"last4": "4242"}}, "receipt_number": None, "paid": True,
        "status": "succeeded",
    } | fields  # fmt: skip


def intent(key: str = "pi_1", status: str = "succeeded", **fields: Any) -> Object:
    done = status == "succeeded"
    return {
        "id": key, "object": "payment_intent", "amount": 11_900, "amount_received": 11_900 if done else 0,
        "created": NOW - 6 * DAY, "currency": "eur", "customer": "cus_1", "status": status, "last_payment_error": None,
        "latest_charge": charge() if done else None, "payment_method_types": ["card"], "metadata": {},
    } | fields  # fmt: skip


def refund(key: str = "re_1", **fields: Any) -> Object:
    return {
        "id": key, "object": "refund", "amount": 1_000, "currency": "eur", "created": NOW - 2 * DAY, "charge": "ch_1",
        "payment_intent": "pi_1", "status": "succeeded", "reason": "requested_by_customer",
    } | fields  # fmt: skip


def dispute(key: str = "du_1", status: str = "needs_response", **fields: Any) -> Object:
    return {
        "id": key, "object": "dispute", "amount": 11_900, "currency": "eur", "created": NOW - 3 * DAY, "charge": "ch_1",
        "payment_intent": "pi_1", "status": status, "reason": "fraudulent", "is_charge_refundable": False,
        "evidence_details": {"due_by": NOW + 7 * DAY, "has_evidence": False},
    } | fields  # fmt: skip


def credit_note(key: str = "cn_1", kind: str = "pre_payment", **fields: Any) -> Object:
    total = fields.get("total", 2_000)
    return {
        "id": key, "object": "credit_note", "status": "issued", "type": kind, "number": "CN-1", "currency": "eur",
        "created": NOW - 3 * DAY, "effective_at": NOW - 3 * DAY, "customer": "cus_1", "invoice": "in_1", "total": total,
        "amount": total, "pre_payment_amount": total if kind == "pre_payment" else 0,
        "post_payment_amount": 0 if kind == "pre_payment" else total, "out_of_band_amount": None, "refunds": [],
        "reason": "product_unsatisfactory", "memo": "Outage", "metadata": {"support_ticket_id": "4711"},
    } | fields  # fmt: skip


def meter(key: str = "mtr_1", **fields: Any) -> Object:
    return {
        "id": key, "object": "billing.meter", "display_name": "API calls", "event_name": "api_call", "status": "active",
        "created": NOW - 400 * DAY, "default_aggregation": {"formula": "sum"},
    } | fields  # fmt: skip


def entitlement(key: str = "ent_1", lookup_key: str = "sso", **fields: Any) -> Object:
    return {
        "id": key, "object": "entitlements.active_entitlement", "feature": f"feat_{lookup_key}",
        "lookup_key": lookup_key, "livemode": False,
    } | fields  # fmt: skip
