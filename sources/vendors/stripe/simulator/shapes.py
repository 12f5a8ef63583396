"""What every object of a kind has in common: the part that neither the book nor a write decides."""

from __future__ import annotations

from typing import Any

Object = dict[str, Any]
_BARE: dict[str, Object] = {
    "customer": {
        "object": "customer", "address": None, "balance": 0, "currency": None, "delinquent": False, "description": None,
        "discount": None, "email": None, "livemode": False, "name": None, "phone": None, "preferred_locales": [],
        "shipping": None, "tax_exempt": "none",
        "metadata": {},
        "invoice_settings": {"default_payment_method": None, "footer": None, "custom_fields": None},
    },
    "product": {
        "object": "product", "active": True, "default_price": None, "description": None, "livemode": False,
        "tax_code": None, "type": "service", "unit_label": None, "images": [], "marketing_features": [], "metadata": {},
        "shippable": None, "statement_descriptor": None, "url": None,
    },
    "price": {
        "object": "price", "active": True, "billing_scheme": "per_unit", "livemode": False, "lookup_key": None,
        "custom_unit_amount": None, "metadata": {}, "nickname": None, "recurring": None,
        "tax_behavior": "unspecified", "tiers_mode": None, "transform_quantity": None, "type": "one_time",
    },
    "subscription_item": {
        "object": "subscription_item", "billing_thresholds": None, "discounts": [], "metadata": {}, "tax_rates": [],
    },
    "subscription": {
        "object": "subscription", "application": None, "automatic_tax": {"enabled": False, "liability": None},
        "billing_mode": {"type": "flexible", "flexible": None}, "cancel_at": None, "cancel_at_period_end": False,
        "canceled_at": None, "cancellation_details": {"comment": None, "feedback": None, "reason": None},
        "default_payment_method": None, "description": None, "discounts": [], "ended_at": None, "latest_invoice": None,
        "livemode": False, "metadata": {}, "pause_collection": None, "pending_setup_intent": None,
        "pending_update": None, "schedule": None, "trial_end": None, "trial_start": None,
    },
    "subscription_schedule": {
        "object": "subscription_schedule", "canceled_at": None, "completed_at": None, "current_phase": None,
        "end_behavior": "release", "livemode": False, "metadata": {}, "released_at": None,
        "released_subscription": None, "subscription": None,
    },
    "line_item": {
        "object": "line_item", "discount_amounts": [], "discountable": True, "discounts": [], "livemode": False,
        "metadata": {},
    },
    "invoiceitem": {
        "object": "invoiceitem", "discountable": True, "discounts": [], "invoice": None, "livemode": False,
        "metadata": {}, "tax_rates": [],
    },
    "invoice": {
        "object": "invoice", "amount_overpaid": 0, "amount_paid": 0, "attempt_count": 0, "attempted": False,
        "description": None, "discounts": [], "due_date": None, "effective_at": None, "ending_balance": None,
        "hosted_invoice_url": None, "invoice_pdf": None, "last_finalization_error": None, "livemode": False,
        "metadata": {}, "next_payment_attempt": None, "number": None, "parent": None,
        "post_payment_credit_notes_amount": 0, "pre_payment_credit_notes_amount": 0, "receipt_number": None,
        "starting_balance": 0, "total_discount_amounts": [],
        "status_transitions": {
            "finalized_at": None, "marked_uncollectible_at": None, "paid_at": None, "voided_at": None,
        },
    },
    "invoice_payment": {"object": "invoice_payment", "is_default": True, "livemode": False},
    "payment_intent": {
        "object": "payment_intent", "amount_capturable": 0, "canceled_at": None, "cancellation_reason": None,
        "capture_method": "automatic", "description": None, "last_payment_error": None, "latest_charge": None,
        "livemode": False, "metadata": {}, "payment_method": None,
    },
    "charge": {
        "object": "charge", "billing_details": {"address": None, "email": None, "name": None, "phone": None},
        "disputed": False, "failure_code": None, "failure_message": None, "livemode": False, "metadata": {},
        "receipt_number": None, "refunded": False,
    },
    "refund": {
        "object": "refund", "metadata": {}, "reason": "requested_by_customer", "receipt_number": None,
        "status": "succeeded",
    },
    "credit_note": {
        "object": "credit_note", "amount_shipping": 0, "discount_amount": 0, "livemode": False, "memo": None,
        "metadata": {}, "out_of_band_amount": None, "reason": None, "refunds": [], "voided_at": None,
    },
}  # fmt: skip


def shape(kind: str, **decided: Any) -> Object:
    """An object of a kind; its parts are shared between objects, so that writes replace them and never change them."""
    return {**_BARE[kind], **decided}
