"""The release of a prepared subscription, and how it is taken back.

Vendor facts (vendors.md 2.5; domain.md 6): a finalised invoice keeps its number for ever; a subscription's draft can be
neither deleted nor voided, so it stays what it is when its subscription is dropped; one that is open can be voided;
DELETE takes no idempotency key.
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
        if bill is None or bill.status == "draft" or found.status in _UNPAID or _owes(found, bill):
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
        answer = Answer(bill)
        if bill.status == "draft":
            answer = await self.desk.post(
                Bill, f"{path}/finalize", "invoices.finalize", {"auto_advance": True}, self.step("finalise")
            )
        if bill.status != "draft" or _owes(found, answer.value):
            # A declined payment stays the answer to its key, so that a later attempt needs another.
            answer = await self._paid(path, self.step(f"pay:{answer.value.attempt_count}"))
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

    subscription: Held | None = None  # None: a schedule that has begun none, which collects nothing
    schedule: Planned | None = None

    async def found(self) -> Written | None:
        """Done when it has ended, nothing of it was ever finalised and owed, and nothing is left to collect."""
        over = await self.begun()
        left = over is not None and self.subscription and await stopped(self.desk, self.subscription)
        return None if left else over

    async def begun(self) -> Written | None:
        """What has ended stays so, also where something is left to collect."""
        key = self.command.subscription_key
        if is_schedule(key):
            self.schedule = await self.desk.look(Planned, place(SCHEDULES, key), "schedules.read")
        if self.schedule is not None and self.schedule.begun is None:
            self.status, self.owed = self.schedule.status, self.schedule.status not in ("not_started", "canceled")
        else:
            self.subscription = subscription = await held(self.desk, (self.schedule and self.schedule.begun) or key)
            self.bills = [each for each in (subscription.bill, await first_bill(self.desk, subscription)) if each]
            self.status = subscription.status
            asked = [each for each in self.bills if each.status not in ("draft", "void") and each.total > 0]
            self.unpaid = {each.id for each in asked if _owes(subscription, each) and _is_whole(each)}
            self.owed = subscription.status not in _UNPAID and any(each.id not in self.unpaid for each in asked)
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
            if self.schedule is not None and self.schedule.status == "active":
                path = f"{place(SCHEDULES, key)}/release"
                await self.desk.post(Planned, path, "schedules.release", {}, self.step("release"))
            subscription = await self._noted(subscription)
            for bill in self.unpaid if subscription.status not in _UNPAID else ():  # Stripe voids theirs itself
                path = f"{place(INVOICES, bill)}/void"
                await self.desk.post(Bill, path, "invoices.void", {}, self.step(f"void:{bill}"))
            path = place(SUBSCRIPTIONS, subscription.id)
            answer = await self.desk.delete(Held, path, "subscriptions.cancel", _QUIETLY)
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


def _owes(found: Held, bill: Bill) -> bool:
    """Whether a first invoice is out that its customer is charged for, and is not paid."""
    return found.collection_method == "charge_automatically" and bill.status == "open" and bill.amount_remaining > 0


def _is_whole(bill: Bill) -> bool:
    """Whether nothing of an invoice was paid or credited."""
    return bill.amount_remaining == bill.total
