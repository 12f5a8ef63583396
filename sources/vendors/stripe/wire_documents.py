"""What we read of Stripe's documents: invoices, payments, credit notes, refunds, disputes."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from sources.vendors.stripe.wire import Many, Metadata, Named, Wire

# ---------------------------------------------------------------- invoices


class Transitions(msgspec.Struct, frozen=True, kw_only=True):
    """When an invoice became what it is."""

    finalized_at: int | None = None
    marked_uncollectible_at: int | None = None
    paid_at: int | None = None
    voided_at: int | None = None


class Tax(msgspec.Struct, frozen=True, kw_only=True):
    """One tax."""

    amount: int


class OfSubscription(msgspec.Struct, frozen=True, kw_only=True):
    """The subscription an invoice is for, with its metadata as they were then."""

    subscription: str | Named | None = None
    metadata: Metadata | None = None


class InvoiceParent(msgspec.Struct, frozen=True, kw_only=True):
    """What made an invoice."""

    subscription_details: OfSubscription | None = None


class Uncollectible(msgspec.Struct, frozen=True, kw_only=True):
    """Why collection stopped."""

    reason: str | None = None


class InvoiceDetails(msgspec.Struct, frozen=True, kw_only=True):
    """What stands behind a status."""

    uncollectible: Uncollectible | None = None


class PaidBy(msgspec.Struct, frozen=True, kw_only=True):
    """The payment behind an invoice payment."""

    payment_intent: str | PaymentIntent | None = None
    charge: str | Named | None = None


class InvoicePayment(Wire, frozen=True, gc=False, kw_only=True):
    """How much of which payment is for which invoice: status open, paid or canceled."""

    invoice: str | Invoice
    payment: PaidBy
    status: str
    currency: str
    amount_requested: int
    amount_paid: int | None = None


class Invoice(Wire, frozen=True, gc=False, kw_only=True):
    """An invoice with its first ten lines."""

    status: str | None
    currency: str
    created: int
    customer: str | Named | None
    subtotal: int
    total: int
    amount_paid: int
    amount_remaining: int
    status_transitions: Transitions
    lines: Many[Line]
    number: str | None = None
    amount_due: int | None = None
    pre_payment_credit_notes_amount: int = 0
    post_payment_credit_notes_amount: int = 0
    starting_balance: int = 0
    ending_balance: int | None = None
    total_taxes: list[Tax] | None = None
    total_excluding_tax: int | None = None
    due_date: int | None = None
    period_start: int | None = None
    period_end: int | None = None
    attempt_count: int = 0
    next_payment_attempt: int | None = None
    billing_reason: str | None = None
    collection_method: str | None = None
    hosted_invoice_url: str | None = None
    parent: InvoiceParent | None = None
    payments: Many[InvoicePayment] | None = None
    status_details: InvoiceDetails | None = None
    metadata: Metadata | None = None


class Period(msgspec.Struct, frozen=True, kw_only=True):
    """From when to when."""

    start: int
    end: int


class FromItem(msgspec.Struct, frozen=True, kw_only=True):
    """What a line comes from, in either of its two shapes."""

    subscription: str | None = None
    proration: bool = False


class LineParent(msgspec.Struct, frozen=True, kw_only=True):
    """What made a line."""

    type: str | None = None
    invoice_item_details: FromItem | None = None
    subscription_item_details: FromItem | None = None


class PriceDetails(msgspec.Struct, frozen=True, kw_only=True):
    """What a line is for."""

    price: str | Named | None = None
    product: str | None = None


class Pricing(msgspec.Struct, frozen=True, kw_only=True):
    """How a line was priced."""

    price_details: PriceDetails | None = None


class Line(Wire, frozen=True, gc=False, kw_only=True):
    """A line of an invoice."""

    amount: int
    currency: str
    description: str | None = None
    quantity: int | None = None
    quantity_decimal: Decimal | None = None
    period: Period | None = None
    parent: LineParent | None = None
    pricing: Pricing | None = None
    taxes: list[Tax] | None = None
    subscription: str | Named | None = None


# ---------------------------------------------------------------- payments


class Method(msgspec.Struct, frozen=True, kw_only=True):
    """How was paid: card, sepa_debit, customer_balance, ..."""

    type: str | None = None


class Refund(Wire, frozen=True, gc=False, kw_only=True):
    """Money given back."""

    amount: int
    currency: str
    created: int
    status: str | None
    charge: str | Charge | None = None
    payment_intent: str | Named | None = None
    reason: str | None = None


class Charge(Wire, frozen=True, gc=False, kw_only=True):
    """An attempt to take money: it knows that there is a dispute, not how it goes."""

    amount: int
    currency: str
    created: int
    status: str
    amount_captured: int = 0
    amount_refunded: int = 0
    captured: bool = False
    disputed: bool = False
    refunded: bool = False
    customer: str | Named | None = None
    payment_intent: str | Named | None = None
    failure_code: str | None = None
    failure_balance_transaction: str | Named | None = None
    payment_method_details: Method | None = None
    receipt_number: str | None = None
    refunds: Many[Refund] | None = None


class LastError(msgspec.Struct, frozen=True, kw_only=True):
    """Why the last attempt failed."""

    code: str | None = None
    decline_code: str | None = None


class PaymentIntent(Wire, frozen=True, gc=False, kw_only=True):
    """A payment, with its latest charge where it was expanded."""

    amount: int
    currency: str
    created: int
    status: str
    amount_received: int = 0
    customer: str | Named | None = None
    latest_charge: str | Charge | None = None
    last_payment_error: LastError | None = None
    payment_method_types: tuple[str, ...] = ()
    metadata: Metadata | None = None


class EvidenceDetails(msgspec.Struct, frozen=True, kw_only=True):
    """`due_by` is 0 where no answer is possible."""

    due_by: int | None = None


class Dispute(Wire, frozen=True, gc=False, kw_only=True):
    """A payment the customer contests."""

    amount: int
    currency: str
    created: int
    status: str
    charge: str | Charge
    payment_intent: str | Named | None = None
    reason: str | None = None
    evidence_details: EvidenceDetails | None = None


# ---------------------------------------------------------------- credit notes


class CreditRefund(msgspec.Struct, frozen=True, kw_only=True):
    """What of a credit note went back to the payer."""

    amount_refunded: int


class CreditNote(Wire, frozen=True, gc=False, kw_only=True):
    """A credit note; `total` with tax."""

    status: str
    type: str
    currency: str
    created: int
    total: int
    customer: str | Named | None
    invoice: str | Named
    number: str | None = None
    reason: str | None = None
    memo: str | None = None
    effective_at: int | None = None
    pre_payment_amount: int | None = None
    post_payment_amount: int | None = None
    out_of_band_amount: int | None = None
    refunds: tuple[CreditRefund, ...] = ()
    metadata: Metadata | None = None
