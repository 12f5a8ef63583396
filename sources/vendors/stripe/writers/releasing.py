"""The release of a prepared subscription, and how it is taken back.

Vendor facts (vendors.md 2.5; domain.md 6): a finalised invoice keeps its number for ever; a subscription's draft can be
neither deleted nor voided, so it stays what it is when its subscription is dropped; DELETE takes no idempotency key.
"""

from __future__ import annotations

from sources.canonical.commands import DropSubscription, ReleaseSubscription, Written
from sources.errors import Contended, Locked, Missing, Rejected
from sources.vendors.stripe.writers.collecting import collect_on, noted, stopped
from sources.vendors.stripe.writers.deed import Deed
from sources.vendors.stripe.writers.desk import Answer, place
from sources.vendors.stripe.writers.marks import marked, marks
from sources.vendors.stripe.writers.subscriptions import (
    ENDED,
    INVOICES,
    SCHEDULES,
    SUBSCRIPTIONS,
    billed,
    first_bill,
    held,
    is_schedule,
    told,
)
from sources.vendors.stripe.writers.wire import Bill, Held, Planned

_UNPAID = frozenset({"incomplete", "incomplete_expired"})
_QUIETLY = {"invoice_now": False, "prorate": False}


class Releasing(Deed[ReleaseSubscription]):
    """Finalises the draft, or charges the first invoice. What a schedule has begun is released the same way: Stripe
    would do it by itself an hour later."""

    subscription: Held
    bill: Bill | None = None

    async def found(self) -> Written | None:
        """Done once its first invoice is more than a draft, or paid where it is to be charged. A void invoice and an
        ended subscription were released by who has left his key on the subscription before, and by nobody else."""
        self.subscription = found = await held(self.desk, await self._begun())
        self.bill = bill = await first_bill(self.desk, found)
        if bill is None or bill.status == "draft" or found.status in _UNPAID:
            return None
        over = found.status in ENDED or bill.status == "void"
        if over and not marked(self.key, found.metadata):
            return None
        return told(self.desk, found, bill=bill, replayed=True)

    async def _begun(self) -> str:
        """The subscription; of a schedule the one that it has begun. Raises Contended while it has begun none: its
        start has come, and Stripe takes its time."""
        key = self.command.subscription_key
        if not is_schedule(key):
            return key
        schedule = await self.desk.look(Planned, place(SCHEDULES, key), "schedules.read")
        if schedule.begun is not None:
            return schedule.begun
        if schedule.status == "not_started":
            raise Contended(f"the schedule `{key}` has not begun yet", unsent=True)
        raise Locked(f"the schedule `{key}` is `{schedule.status}` and has begun nothing: prepare it again")

    async def done(self) -> Written:
        """The point of no return."""
        key, found, bill = self.command.subscription_key, self.subscription, self.bill
        if found.status in ENDED or bill is None or bill.status == "void":
            raise Locked(f"the subscription `{key}` is `{found.status}` and cannot be released: prepare it again")
        if not marked(self.key, found.metadata):
            noted = {"metadata": marks(self.command, self.key, found.metadata)}
            await self.desk.post(Held, place(SUBSCRIPTIONS, found.id), "subscriptions.mark", noted, self.step("mark"))
        path = place(INVOICES, bill.id)
        if bill.status == "draft":
            answer = await self.desk.post(
                Bill, f"{path}/finalize", "invoices.finalize", {"auto_advance": True}, self.step("finalise")
            )
        else:  # a declined payment stays the answer to its key, so that a later attempt needs another
            answer = await self._paid(path, self.step(f"pay:{bill.attempt_count}"))
        final = answer.value
        return self.desk.written(found.id, invoice=final.id, number=final.number, amounts=billed(final), answer=answer)

    async def _paid(self, path: str, attempt: str) -> Answer[Bill]:
        """Charges it. A customer without a payment method is to Stripe an object that is not there."""
        try:
            return await self.desk.post(Bill, f"{path}/pay", "invoices.pay", {}, attempt)
        except Missing as error:
            raise Rejected(
                "the customer has no payment method: add one, or send an invoice instead",
                status=error.status,
                vendor_code=error.vendor_code,
                request_id=error.request_id,
            ) from error


class Dropping(Deed[DropSubscription]):
    """Ends what was prepared, without an invoice or proration; what else the customer owes is collected on."""

    subscription: Held | None = None  # None: a schedule, which collects nothing

    async def found(self) -> Written | None:
        """Done when it has ended, nothing of it was ever finalised and owed, and nothing is left to collect."""
        over = await self.begun()
        left = over is not None and self.subscription and await stopped(self.desk, self.subscription)
        return None if left else over

    async def begun(self) -> Written | None:
        """What has ended stays so, also where something is left to collect."""
        key = self.command.subscription_key
        if is_schedule(key):
            schedule = await self.desk.look(Planned, place(SCHEDULES, key), "schedules.read")
            self.status, self.owed = schedule.status, schedule.status not in ("not_started", "canceled")
        else:
            self.subscription = subscription = await held(self.desk, key)
            self.bills = [each for each in (subscription.bill, await first_bill(self.desk, subscription)) if each]
            self.status = subscription.status
            asked = any(each.status not in ("draft", "void") and each.total > 0 for each in self.bills)
            self.owed = asked and subscription.status not in _UNPAID
        if self.owed or self.status not in ENDED:
            return None
        return self.desk.written(key, replayed=True)

    async def done(self) -> Written:
        """Takes it back."""
        key, subscription = self.command.subscription_key, self.subscription
        if self.owed:
            raise Locked(f"`{key}` was released: cancel it and credit what was invoiced")
        if subscription is None:
            path = f"{place(SCHEDULES, key)}/cancel"
            planned = await self.desk.post(Planned, path, "schedules.cancel", _QUIETLY, self.step())
            return self.desk.written(planned.value.id, answer=planned)
        answer = None
        if self.status not in ENDED:
            subscription = await self._noted(subscription)
            answer = await self.desk.delete(Held, place(SUBSCRIPTIONS, key), "subscriptions.cancel", _QUIETLY)
        await collect_on(self.desk, await stopped(self.desk, subscription), self.step)
        return self.desk.written(subscription.id, answer=answer)

    async def _noted(self, before: Held) -> Held:
        """Leaves on it which invoices of other subscriptions are collected by themselves until now, if any are."""
        if marked(self.key, before.metadata):
            return before
        others = await noted(self.desk, before, self.step, but={each.id for each in self.bills})
        if not others:
            return before
        asked = {"metadata": marks(self.command, self.key, before.metadata) | others}
        path = place(SUBSCRIPTIONS, before.id)
        return (await self.desk.post(Held, path, "subscriptions.mark", asked, self.step("mark"))).value
