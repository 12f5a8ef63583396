"""What a change of items would cost, and the change.

Both say the same items and the same `proration_date` to Stripe, which reckons by the second: so it costs what was shown
(vendors.md 2.7). What a change came to is read back from the lines that begin at that instant.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from sources.canonical import Money
from sources.canonical.commands import ChangeSubscription, PreviewChange, Proration, SubscriptionLine, Written
from sources.errors import Locked, Rejected, SourceError
from sources.vendors.stripe import facts
from sources.vendors.stripe.refusals import Declined
from sources.vendors.stripe.wire import Many
from sources.vendors.stripe.writers.amounts import whole
from sources.vendors.stripe.writers.deed import Deed
from sources.vendors.stripe.writers.desk import Answer, Desk, place, stated
from sources.vendors.stripe.writers.forms import seconds
from sources.vendors.stripe.writers.marks import marked, marks
from sources.vendors.stripe.writers.subscriptions import (
    ENDED,
    INVOICES,
    LATEST,
    SUBSCRIPTIONS,
    billed,
    demand_quantities,
    held,
    lined,
    told,
)
from sources.vendors.stripe.writers.wire import Bill, BillLine, Held

_BEHAVIOURS = {
    Proration.NEXT_INVOICE: "create_prorations",
    Proration.INVOICE_NOW: "always_invoice",
    Proration.NONE: "none",
}


def items(lines: Sequence[SubscriptionLine], before: Held) -> list[dict[str, Any]]:
    """The items of a change. A price that an item has already is not named: it may be its own alone, and inactive."""
    prices = {item.id: item.price.id for item in before.items.data}
    return [_item(line, prices) for line in lines]


def _item(line: SubscriptionLine, prices: Mapping[str, str]) -> dict[str, Any]:
    if line.item_key is None:
        return lined(line)
    if not whole(line.quantity):
        return {"id": line.item_key, "deleted": True}
    other = line.price_key if prices.get(line.item_key) != line.price_key else None
    return {"id": line.item_key, "price": other, "quantity": whole(line.quantity)}


async def prorated(desk: Desk, bill: Bill, since: datetime) -> Money | None:
    """What the lines of a proration that begins at an instant come to; None where there are none."""
    found = [each.amount for each in await _lines(desk, bill) if _is_proration(each, seconds(since))]
    return stated(proration=(sum(found), bill.currency))["proration"] if found else None


async def _lines(desk: Desk, bill: Bill) -> list[BillLine]:
    """All lines of an invoice; ten come along with it."""
    page = bill.lines or Many[BillLine](data=[])
    rows = list(page.data)
    while page.has_more and page.data:
        asked = {"limit": facts.PAGE, "starting_after": rows[-1].id}
        page = await desk.look(Many[BillLine], f"{place(INVOICES, bill.id)}/lines", "invoices.lines", asked)
        rows += page.data
    return rows


def _is_proration(line: BillLine, since: int) -> bool:
    parent = line.parent
    details = (parent.subscription_item_details or parent.invoice_item_details) if parent else None
    return details is not None and details.proration and line.period is not None and line.period.start == since


class Previewing(Deed[PreviewChange]):
    """Asks what a change would cost. `at` of the answer is the instant it was reckoned for."""

    async def found(self) -> Written | None:
        """Never: it changes nothing."""
        return None

    async def done(self) -> Written:
        """The next invoice as it would be, with `proration`: what the change alone comes to."""
        command = self.command
        await demand_quantities(self.desk, command.lines)
        when = (command.prorate_at or self.desk.now()).replace(microsecond=0)
        details: dict[str, Any] = {}
        asked: dict[str, Any] = {"subscription_details": details}
        if command.subscription_key is None:
            asked["customer"], details["items"] = command.party, [lined(line) for line in command.lines]
        else:
            before = await held(self.desk, command.subscription_key)
            asked["subscription"], details["items"] = before.id, items(command.lines, before)
            details |= {"proration_behavior": _BEHAVIOURS[command.proration], "proration_date": when}
        answer = await self.desk.ask(Bill, f"{INVOICES}/create_preview", "invoices.preview", asked)
        bill = answer.value
        amounts = billed(bill)
        if command.subscription_key is not None:
            amounts["proration"] = await prorated(self.desk, bill, when) or _nothing(bill.currency)
        written = self.desk.written(asked.get("subscription", ""), amounts=amounts, answer=answer)
        return msgspec.structs.replace(written, at=when)


def _nothing(code: str) -> Money:
    return stated(proration=(0, code))["proration"]


class Changing(Deed[ChangeSubscription]):
    """Changes items. Where it is charged at once and the charge is declined, nothing changes (402)."""

    async def found(self) -> Written | None:
        """Done when the subscription remembers the key."""
        self.subscription = found = await held(self.desk, self.command.subscription_key)
        return await self._told(found, replayed=True) if marked(self.key, found.metadata) else None

    async def done(self) -> Written:
        """One call."""
        command = self.command
        before = self.subscription
        self._demand_changeable(before)
        await demand_quantities(self.desk, command.lines)
        charged = before.collection_method == "charge_automatically" and command.proration is Proration.INVOICE_NOW
        asked = {
            "items": items(command.lines, before),
            "proration_behavior": _BEHAVIOURS[command.proration],
            "proration_date": command.prorate_at.replace(microsecond=0),
            "payment_behavior": "error_if_incomplete" if charged else None,
            "metadata": marks(command, self.key, before.metadata),
            "expand": LATEST,
        }
        answer = await self._changed(place(SUBSCRIPTIONS, before.id), asked)
        return await self._told(answer.value, answer)

    async def _changed(self, path: str, asked: dict[str, Any]) -> Answer[Held]:
        """Sends the change. A charge that was declined stays the answer to its key, and nothing was changed by it: it
        is tried again under another one."""
        for number in range(1, facts.ATTEMPTS):
            try:
                step = self.step(f"again:{number}" if number > 1 else "")
                return await self.desk.post(Held, path, "subscriptions.change", asked, step)
            except Declined as declined:
                if not declined.replayed:
                    raise
        return await self.desk.post(Held, path, "subscriptions.change", asked, self.step(f"again:{facts.ATTEMPTS}"))

    def _demand_changeable(self, before: Held) -> None:
        if before.status in ENDED:
            raise Locked(f"the subscription `{before.id}` is `{before.status}` and takes no changes any more")
        if before.pending_update is not None:
            raise Locked(f"a change of the subscription `{before.id}` waits for its payment")
        known = {item.id for item in before.items.data}
        gone = [line.item_key for line in self.command.lines if line.item_key and line.item_key not in known]
        if gone and not before.items.has_more:
            raise Rejected(f"the subscription `{before.id}` has no item `{gone[0]}`")

    async def _told(self, found: Held, answer: Answer[Held] | None = None, *, replayed: bool = False) -> Written:
        """With what it came to, as far as Stripe says: the change stands, whatever becomes of asking for its cost."""
        written = told(self.desk, found, answer, replayed=replayed)
        try:
            number, amounts = await self._cost(found)
        except SourceError:
            number, amounts = None, {}
        return msgspec.structs.replace(written, number=number, amounts=amounts)

    async def _cost(self, found: Held) -> tuple[str | None, dict[str, Money]]:
        """Number of the invoice that the change is on, where it is one, and the amounts."""
        bill = await self._costing(found)
        amounts: dict[str, Money] = {}
        if bill is not None:
            proration = await prorated(self.desk, bill, self.command.prorate_at)
            invoiced = self.command.proration is Proration.INVOICE_NOW
            if proration is not None:
                amounts = {**(billed(bill) if invoiced else {}), "proration": proration}
            else:
                amounts = {"proration": _nothing(bill.currency)}
        return bill.number if bill is not None and "total" in amounts else None, amounts

    async def _costing(self, found: Held) -> Bill | None:
        """The invoice that the change is on: the latest one, or the next."""
        if self.command.proration is Proration.NONE:
            return None
        if self.command.proration is Proration.INVOICE_NOW:
            return found.bill
        if found.status in ENDED:
            return None
        asked = {"subscription": found.id}
        return (await self.desk.ask(Bill, f"{INVOICES}/create_preview", "invoices.preview", asked)).value
