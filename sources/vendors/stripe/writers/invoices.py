"""What becomes of a finalised invoice that is not paid through Stripe: void, paid outside, or given up.

Vendor facts (vendors.md 2.7; the API reference of invoices): an invoice can be voided while it is open or
uncollectible; one that is uncollectible can still be paid; what is `paid_out_of_band` charges nobody.
"""

from __future__ import annotations

from typing import Any, ClassVar

from sources.canonical.commands import GiveUpInvoice, SettleInvoice, VoidInvoice, Written
from sources.errors import Locked
from sources.vendors.stripe.writers.deed import C, Deed
from sources.vendors.stripe.writers.desk import place
from sources.vendors.stripe.writers.marks import marks
from sources.vendors.stripe.writers.subscriptions import INVOICES, billed
from sources.vendors.stripe.writers.wire import Bill


class Ending(Deed[C]):
    """Two calls: what the operation was, and what becomes of the invoice. `status` is the one it has then, `from_` are
    those that it may have before."""

    status: ClassVar[str]
    from_: ClassVar[tuple[str, ...]]
    action: ClassVar[str]
    operation: ClassVar[str]
    given: ClassVar[dict[str, Any]] = {}

    bill: Bill

    async def found(self) -> Written | None:
        """Done when it is so, whoever did it."""
        key: str = self.command.invoice_key  # type: ignore[attr-defined] # every command that comes here has one
        self.bill = bill = await self.desk.look(Bill, place(INVOICES, key), "invoices.read")
        return self._told(bill, replayed=True) if bill.status == self.status else None

    async def done(self) -> Written:
        """Raises Locked where it has another status."""
        bill = self.bill
        if bill.status not in self.from_:
            raise Locked(f"the invoice `{bill.id}` is `{bill.status}`: {' or '.join(self.from_)} is expected")
        path = place(INVOICES, bill.id)
        noted = {"metadata": marks(self.command, self.key, bill.metadata)}
        await self.desk.post(Bill, path, "invoices.update", noted, self.step("mark"))
        answer = await self.desk.post(Bill, f"{path}/{self.action}", self.operation, self.given, self.step())
        return self._told(answer.value, answer)

    def _told(self, bill: Bill, answer: Any = None, *, replayed: bool = False) -> Written:
        return self.desk.written(bill.id, number=bill.number, amounts=billed(bill), answer=answer, replayed=replayed)


class VoidingInvoice(Ending[VoidInvoice]):
    """Voids it."""

    status, from_, action, operation = "void", ("open", "uncollectible"), "void", "invoices.void"


class Settling(Ending[SettleInvoice]):
    """It was paid outside: nobody is charged, and nobody is asked any more."""

    status, from_, action, operation = "paid", ("open", "uncollectible"), "pay", "invoices.settle"
    given: ClassVar[dict[str, Any]] = {"paid_out_of_band": True}


class GivingUp(Ending[GiveUpInvoice]):
    """Nobody is asked any more."""

    status, from_, action, operation = "uncollectible", ("open",), "mark_uncollectible", "invoices.give_up"
