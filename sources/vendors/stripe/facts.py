"""What is doubtful or conventional about Stripe and the connector relies on, in one place.

From the contract (the published client's types, version 2026-10-28.endive) unless marked [K]: general knowledge, to be
checked against a sandbox. [D] is our own decision. Change it here and the whole connector follows.
"""

from __future__ import annotations

from datetime import timedelta

URL = "https://api.stripe.com"
VERSION = "2026-10-28.endive"

# ---------------------------------------------------------------- bounds

PAGE = 100  # rows of a page, the most there is
IDS = 100  # ids[] of one list of products [K]
SEARCH_CLAUSES = 10  # conditions joined by OR in one search [K]
SEARCH_QUERY = 5_000  # characters of one search
SEARCH_LAG = 60.0  # seconds a search index is usually behind; up to an hour in incidents
SEARCH_PAGES = 10  # [D] pages of a search for many keys, before the unfinished keys are read one by one
LOOKUPS = 1  # intents that are looked at one by one; more are found by one search
EVIDENCE_PAGES = 10  # [D] pages of disputes or payments under way read beside invoices
DISPUTE_AGE = timedelta(days=180)  # no dispute is open for longer [K]

# ---------------------------------------------------------------- expansions

# Stripe refuses more than four names (`property_expansion_max_depth`); on a list or a search the leading `data` is one
# of them, so what is expanded on rows has at most three. Products are therefore never part of a list of subscriptions.
EXPAND_DEPTH = 4

INVOICE_EXPAND = ("payments",)  # left out of an invoice unless asked for [K]
SUBSCRIPTION_EXPAND = ("schedule", "discounts.source.coupon")
SUBSCRIPTION_ALONE_EXPAND = (*SUBSCRIPTION_EXPAND, "items.data.price.product")  # of one subscription, not of rows
PAYMENT_EXPAND = ("latest_charge.refunds", "customer")
CREDIT_EXPAND = ("customer",)
INVOICE_PAYMENT_EXPAND = ("payment.payment_intent.latest_charge", "invoice")

# ---------------------------------------------------------------- what Stripe's search can be asked [K]: newest first

SEARCH_CREATED = "created<={seconds}"
PROCESSING = "status:'processing'"

# ---------------------------------------------------------------- money

# Decimals in which Stripe states amounts where ISO 4217 says otherwise: krónur and shillings keep two for
# compatibility, ariary have none [K].
EXPONENTS = {"ISK": 2, "UGX": 2, "MGA": 0}

# ---------------------------------------------------------------- features

FEATURE_NAME = 80  # characters of a feature's name and of its lookup key

# ---------------------------------------------------------------- our own metadata

ACCOUNT = "crm_account_id"
ENTITY = "legal_entity"
RENEWAL = "renewal"
END_CUSTOMER = "end_customer"
RESELLER = "reseller"
SUSPENSION = "suspension"
SUSPENSION_OPERATION = "suspension_operation"
SUSPENSION_NOTICE = "suspension_notice_at"
PRODUCT_CODE = "code"
TICKET = "support_ticket_id"
CURRENCY = "billing_currency"  # of a customer that has not been billed yet
ORDER = "crm_order_id"
CO_TERM = "co_termed_with"  # a subscription whose periods it shares
REPLACES = "replaces"  # a subscription that has ended, in the one that goes on for it
OPERATION = "gateway_op_id"  # the operation that made an object or changed it last
CORRELATION = "gateway_correlation"  # the request it came from
KEY = "gateway_key"  # the key of the change that made it or changed it last
KEYS = "gateway_key_"  # and what tells a key apart: one name for each of the last changes, numbered
COLLECTED = "gateway_collected"  # and a number: invoices to be collected on when a subscription has ended

# ---------------------------------------------------------------- writes

KEY_CHARACTERS = 255  # of an idempotency key; it is good for a day
METADATA_VALUE = 500  # characters
ATTEMPTS = 25  # [D] times that a declined charge is tried under one key
START_SLACK = timedelta(days=1)  # [D] a start that is no older than this begins now, without a period of its own

# ---------------------------------------------------------------- refusals

LOCKED_CODES = frozenset(
    {
        "charge_already_captured",
        "charge_already_refunded",
        "invoice_not_editable",
        "invoice_on_behalf_of_not_editable",
        "payment_intent_unexpected_state",
        "status_transition_invalid",
    }
)
CONTENDED_CODES = frozenset({"idempotency_key_in_use", "lock_timeout"})
DUPLICATE_CODES = frozenset({"resource_already_exists"})
OTHER_BODY = "idempotency_error"  # the type of a refusal: a request with another body went out under this key
MISSING_CODES = frozenset({"resource_missing"})
FIRST_INVOICE = "subscription_create"  # the `billing_reason` of a subscription's first invoice
