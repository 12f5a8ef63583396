"""What may become of an invoice, as a table."""

from __future__ import annotations

import msgspec


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """Shares are per cent of the invoice's total."""

    status: str = "open"  # in billing
    paid: int = 0
    credited: int = 0  # by a credit note before payment
    returned: int = 0  # by a credit note after payment
    refunded: bool = True  # what was returned went back to the payer; otherwise it stays on the balance
    tries: tuple[str, ...] = ()  # statuses of payments that brought nothing
    dispute: str | None = None  # of the payment
    bank: bool = False  # paid by a transfer that only the ERP saw
    written_off: bool = False  # by the ERP
    void_credit: bool = False  # a credit note was issued and voided again
    reported: bool = True  # billing knows that it was paid


_FAILED = "requires_method"
OUTCOMES = {
    "draft": Outcome(status="draft"),
    "open": Outcome(),
    "partly_paid": Outcome(paid=40),
    "partly_credited": Outcome(credited=25),
    "credit_voided": Outcome(void_credit=True),
    "processing": Outcome(tries=("processing",)),
    "action": Outcome(tries=("requires_action",)),
    "failing": Outcome(tries=(_FAILED,)),
    "exhausted": Outcome(tries=(_FAILED, _FAILED, _FAILED, _FAILED)),
    "paid": Outcome(status="paid", paid=100),
    "paid_late": Outcome(status="paid", paid=100, tries=(_FAILED,)),
    "paid_bank": Outcome(status="paid", paid=100, bank=True),
    "credited": Outcome(status="paid", credited=100),
    "paid_less_credit": Outcome(status="paid", paid=80, credited=20),
    "refunded": Outcome(status="paid", paid=100, returned=100),
    "part_refunded": Outcome(status="paid", paid=100, returned=30),
    "kept_credit": Outcome(status="paid", paid=100, returned=20, refunded=False),
    "disputed": Outcome(status="paid", paid=100, dispute="needs_response"),
    "dispute_review": Outcome(status="paid", paid=100, dispute="under_review"),
    "dispute_warning": Outcome(status="paid", paid=100, dispute="warning_needs_response"),
    "dispute_won": Outcome(status="paid", paid=100, dispute="won"),
    "dispute_lost": Outcome(status="paid", paid=100, dispute="lost"),
    "uncollectible": Outcome(status="uncollectible", written_off=True),
    "collection_stopped": Outcome(status="uncollectible"),
    "void": Outcome(status="void", tries=("canceled",)),
    "paid_in_erp": Outcome(paid=100, bank=True, reported=False),
}
"""By name: `collection_stopped` and `paid_in_erp`, `dispute_lost` are contradictions between billing and the ERP."""
