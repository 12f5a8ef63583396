"""What is doubtful or conventional about Stripe and this company's account, in one place. [K]: not confirmed."""

from __future__ import annotations

VERSION = "2026-10-28.endive"
EMBEDDED = 10  # rows of an embedded list [K]
DEFAULT_PAGE, MAX_PAGE = 10, 100
EXPAND_DEPTH = 4
SEARCH_CLAUSES = 10  # [K]
SEARCH_CHARACTERS = 5_000
KEY_CHARACTERS = 255
KEY_LIFE = 24 * 3600.0  # seconds
FEATURE_CHARACTERS = 80  # of a feature's name and of its lookup key
METADATA_KEYS, METADATA_KEY, METADATA_VALUE = 50, 40, 500
OPERATION = "gateway_op_id"  # the metadata in which a gateway leaves the id of its operation

# How long things take: an invoice stays a draft for an hour before it is finalised by itself; a first payment that does
# not come lets its subscription lapse after 23 hours [K].
DRAFT_SECONDS = 3600
INCOMPLETE_SECONDS = 23 * 3600
MOST_ITEMS = 20  # of a subscription

# Payment methods that decline, as in the vendor's test mode.
DECLINING = frozenset({"pm_card_chargeCustomerFail", "pm_card_visa_chargeDeclined"})
# What executing a request can be refused for: such an answer is kept under the request's key like a success [K].
EXECUTED_CODES = frozenset(
    {
        "charge_already_refunded",
        "charge_disputed",
        "invoice_not_editable",
        "payment_intent_unexpected_state",
        "status_transition_invalid",
    }
)

# Currencies whose smallest unit is not the hundredth; Stripe treats a few off ISO 4217 [K].
EXPONENTS = {
    **dict.fromkeys(
        ("BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"), 0
    ),
    **dict.fromkeys(("BHD", "JOD", "KWD", "OMR", "TND"), 3),
}

# Searchable fields of each kind; `metadata` means any of its keys.
SEARCHABLE = {
    "customers": ("created", "email", "metadata", "name", "phone"),
    "subscriptions": ("created", "metadata", "status", "canceled_at"),
    "invoices": (
        "created", "currency", "customer", "metadata", "number", "receipt_number", "status", "subscription", "total",
    ),
    "products": ("active", "description", "metadata", "name", "shippable", "url"),
    "prices": ("active", "lookup_key", "currency", "product", "metadata", "type"),
    "payment_intents": ("amount", "created", "currency", "customer", "metadata", "status"),
    "charges": ("amount", "created", "currency", "customer", "disputed", "metadata", "refunded", "status"),
}  # fmt: skip
CANCEL_REASONS = {
    "requested": "cancellation_requested",
    "payment_failed": "payment_failed",
    "payment_disputed": "payment_disputed",
}
INTENTS = {
    "processing": "processing",
    "requires_action": "requires_action",
    "requires_method": "requires_payment_method",
    "succeeded": "succeeded",
    "canceled": "canceled",
}
BILLING_REASONS = {
    "subscription_create": "subscription_create",
    "subscription_cycle": "subscription_cycle",
    "subscription_update": "subscription_update",
    "manual": "manual",
}
