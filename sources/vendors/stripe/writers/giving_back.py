"""Credit notes and refunds.

Vendor facts (vendors.md 2.7; the API reference of credit notes): a note lowers what is still owed first, never below
nothing; what exceeds that was paid, and has to go wholly to the customer's balance, back to the payer, or outside of
Stripe. A note can be voided while its invoice is open.
"""

from __future__ import annotations

from typing import Any

from sources.canonical import CreditReason
from sources.canonical.commands import CreditInvoice, ReturnPayment, VoidCredit, Written
from sources.errors import Locked, Rejected
from sources.vendors.stripe.writers.amounts import allocated, positive
from sources.vendors.stripe.writers.deed import Deed
from sources.vendors.stripe.writers.desk import Answer, Desk, place, stated
from sources.vendors.stripe.writers.marks import marked, marks
from sources.vendors.stripe.writers.subscriptions import INVOICES
from sources.vendors.stripe.writers.wire import Bill, Note, Paid, Returned

_NOTES = "/v1/credit_notes"
_REFUNDS = "/v1/refunds"
_REASONS = {
    CreditReason.BILLING_ERROR: "duplicate",
    CreditReason.SERVICE_LEVEL: "product_unsatisfactory",
    CreditReason.GOODWILL: "product_unsatisfactory",
    CreditReason.PRORATION: "order_change",
    CreditReason.RETURN: "order_change",
    CreditReason.TAX: None,
}
_FINAL = frozenset({"open", "paid", "uncollectible"})


class Crediting(Deed[CreditInvoice]):
    """A credit note of an amount, with tax."""

    async def found(self) -> Written | None:
        """The invoice's note that this key has made."""
        asked = {"invoice": self.command.invoice_key}
        note = await self.desk.sought(
            Note, _NOTES, "credit_notes.list", asked, lambda each: marked(self.key, each.metadata)
        )
        return _noted(self.desk, note, replayed=True) if note else None

    async def done(self) -> Written:
        """One call, with where the money goes reckoned from what is still owed."""
        command = self.command
        bill = await self.desk.look(Bill, place(INVOICES, command.invoice_key), "invoices.read")
        amount = self._demanded(bill)
        parts = allocated(amount, bill.amount_remaining, command.to)
        reason = next((each for each in CreditReason if each == command.reason), None)
        asked: dict[str, Any] = {
            "invoice": bill.id,
            "amount": amount,
            "credit_amount": parts.balance or None,
            "refund_amount": parts.refund or None,
            "out_of_band_amount": parts.outside or None,
            "reason": _REASONS[reason] if reason else None,
            "memo": command.reason,
            "metadata": marks(command, self.key),
        }
        answer = await self.desk.post(Note, _NOTES, "credit_notes.create", asked, self.step())
        return _noted(self.desk, answer.value, answer)

    def _demanded(self, bill: Bill) -> int:
        if bill.status not in _FINAL:
            raise Locked(f"the invoice `{bill.id}` is `{bill.status}`: only a finalised one can be credited")
        amount = positive(self.command.amount, bill.currency)
        left = bill.total - bill.pre_payment_credit_notes_amount - bill.post_payment_credit_notes_amount
        if amount > left:
            limit = stated(left=(left, bill.currency))["left"]
            raise Rejected(f"`{self.command.amount.amount}` is more than is left of the invoice: `{limit.amount}`")
        return amount


def _noted(desk: Desk, note: Note, answer: Answer[Any] | None = None, *, replayed: bool = False) -> Written:
    code = note.currency
    amounts = stated(
        total=(note.total, code),
        before_payment=(note.pre_payment_amount or 0, code),
        after_payment=(note.post_payment_amount or 0, code),
    )
    return desk.written(note.id, number=note.number, amounts=amounts, answer=answer, replayed=replayed)


class VoidingCredit(Deed[VoidCredit]):
    """Takes a credit note back, while its invoice is open."""

    async def found(self) -> Written | None:
        """Done when it is void."""
        path = place(_NOTES, self.command.credit_key)
        self.note = note = await self.desk.look(Note, path, "credit_notes.read", {"expand": ["invoice"]})
        return _noted(self.desk, note, replayed=True) if note.status == "void" else None

    async def done(self) -> Written:
        """Two calls: what the operation was, and the void."""
        bill = self.note.invoice
        if self.note.type != "pre_payment" or not isinstance(bill, Bill) or bill.status != "open":
            raise Locked(f"the credit `{self.note.id}` cannot be taken back: its invoice is not open any more")
        path = place(_NOTES, self.note.id)
        noted = {"metadata": marks(self.command, self.key, self.note.metadata)}
        await self.desk.post(Note, path, "credit_notes.update", noted, self.step("mark"))
        answer = await self.desk.post(Note, f"{path}/void", "credit_notes.void", {}, self.step())
        return _noted(self.desk, answer.value, answer)


class Returning(Deed[ReturnPayment]):
    """A refund by the way the money came."""

    async def found(self) -> Written | None:
        """The payment's refund that this key has made."""
        asked = dict([self._payment()])
        refund = await self.desk.sought(
            Returned, _REFUNDS, "refunds.list", asked, lambda each: marked(self.key, each.metadata)
        )
        return self._told(refund, replayed=True) if refund else None

    async def done(self) -> Written:
        """One call."""
        kind, key = self._payment()
        path = "/v1/payment_intents" if kind == "payment_intent" else "/v1/charges"
        paid = await self.desk.look(Paid, place(path, key), f"{kind}s.read")
        asked = {
            kind: key,
            "amount": positive(self.command.amount, paid.currency),
            "metadata": {**marks(self.command, self.key), **self._reason()},
        }
        answer = await self.desk.post(Returned, _REFUNDS, "refunds.create", asked, self.step())
        return self._told(answer.value, answer)

    def _payment(self) -> tuple[str, str]:
        key = self.command.payment_key
        return ("payment_intent" if key.startswith("pi_") else "charge"), key

    def _reason(self) -> dict[str, str]:
        """Stripe's own reasons are for card networks; what people say is noted."""
        return {"reason": self.command.reason} if self.command.reason else {}

    def _told(self, refund: Returned, answer: Answer[Any] | None = None, *, replayed: bool = False) -> Written:
        if refund.status in ("failed", "canceled"):
            raise Rejected(f"the refund `{refund.id}` came to nothing: it is `{refund.status}`")
        amounts = stated(total=(refund.amount, refund.currency))
        return self.desk.written(refund.id, amounts=amounts, answer=answer, replayed=replayed)
