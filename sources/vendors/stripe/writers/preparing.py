"""Subscriptions that move no money yet.

Vendor facts (vendors.md 2.7; domain.md 6): who is sent invoices gets a draft first, which is finalised by itself after
an hour unless `auto_advance` is turned off; who is charged gets a subscription that stays `incomplete` until its first
invoice is paid, and lapses after some 23 hours [K]; a start to come is a schedule. A first period that
ends before it is full costs its share.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sources.canonical.commands import Collection, PrepareSubscription, Written
from sources.errors import Locked, Missing, Rejected
from sources.vendors.stripe import facts
from sources.vendors.stripe.wire import Metadata
from sources.vendors.stripe.writers.agreeing import agreed
from sources.vendors.stripe.writers.cycles import first_turn
from sources.vendors.stripe.writers.deed import Deed
from sources.vendors.stripe.writers.desk import Answer, place
from sources.vendors.stripe.writers.marks import marked, marks
from sources.vendors.stripe.writers.subscriptions import (
    INVOICES,
    LATEST,
    SCHEDULES,
    SUBSCRIPTIONS,
    demand_quantities,
    first_bill,
    held,
    told,
)
from sources.vendors.stripe.writers.wire import Bill, Held, Listed, Payer, Planned

_METHODS = {Collection.CHARGE: "charge_automatically", Collection.INVOICE: "send_invoice"}


class Preparing(Deed[PrepareSubscription]):
    """A draft, an incomplete subscription, or a schedule."""

    subscription: Held | None = None

    async def found(self) -> Written | None:
        """What this key has made. One whose draft is not held yet is not all of it. Raises Locked where that draft was
        finalised before it was held: money has moved that nobody released."""
        known = await self.begun()
        if known is None or self.subscription is None:
            return known
        bill = await first_bill(self.desk, self.subscription)
        if _advances(bill):
            return None
        self._demand_held(self.subscription, bill)
        return known

    async def begun(self) -> Written | None:
        """What this key has made, whether its draft is held or not."""
        if self.command.start_at > self.desk.now() - facts.START_SLACK:
            schedule = await self.desk.sought(
                Planned, SCHEDULES, "schedules.list", {"customer": self.command.party},
                lambda each: marked(self.key, each.metadata),
            )  # fmt: skip
            if schedule is not None:
                return self.desk.written(schedule.id, replayed=True)
        if self._later():
            return None
        asked = {"customer": self.command.party, "status": "all", "expand": [f"data.{LATEST[0]}"]}
        self.subscription = await self.desk.sought(
            Held, SUBSCRIPTIONS, "subscriptions.list", asked, lambda each: marked(self.key, each.metadata)
        )
        return told(self.desk, self.subscription, replayed=True) if self.subscription is not None else None

    async def done(self) -> Written:
        """Makes it, and holds its draft."""
        if self.subscription is None:
            await demand_quantities(self.desk, self.command.lines)
            noted = await self._noted()
            if self._later():
                return await self._scheduled(noted)
            asked = {**self._asked(noted), "items": await agreed(self.desk, self.command.lines)}
            asked["billing_cycle_anchor"] = await self._turn()
            answer = await self.desk.post(Held, SUBSCRIPTIONS, "subscriptions.create", asked, self.step())
            self.subscription = await held(self.desk, answer.value.id) if answer.replayed else answer.value
        else:
            answer = Answer(self.subscription)
        bill = await first_bill(self.desk, self.subscription)
        if bill is not None and _advances(bill):
            await self._hold(bill)
        else:
            self._demand_held(self.subscription, bill)
        return told(self.desk, self.subscription, answer)

    async def _hold(self, bill: Bill) -> None:
        """Keeps a draft from being finalised. Its terms are said again, as they are: only a draft takes any, so that a
        hold that comes too late is refused."""
        wanted = {
            "auto_advance": False,
            "days_until_due": self._days() if self.command.collection is Collection.INVOICE else None,
            "metadata": marks(self.command, self.key, bill.metadata),
        }
        await self.desk.post(Bill, place(INVOICES, bill.id), "invoices.update", wanted, self.step("hold"))

    def _later(self) -> bool:
        return self.command.start_at > self.desk.now()

    def _demand_held(self, subscription: Held, bill: Bill | None) -> None:
        """Raises Locked for a first invoice that went out unheld: the hold leaves this key on it."""
        sent = self.command.collection is Collection.INVOICE and bill is not None and bill.total > 0
        if sent and bill is not None and bill.status != "draft" and not marked(self.key, bill.metadata):
            raise Locked(f"the first invoice of `{subscription.id}` was finalised before it could be held")

    async def _noted(self) -> Metadata:
        """What the subscription's metadata say: whose it is, as its customer's do."""
        payer = await self.desk.look(Payer, place("/v1/customers", self.command.party), "customers.read")
        if payer.deleted:
            raise Missing(f"the customer `{payer.id}` was deleted")
        known = {name: (payer.metadata or {}).get(name) for name in (facts.ACCOUNT, facts.ENTITY)}
        command = self.command
        known |= {facts.ORDER: command.order_key, facts.REPLACES: command.replaces, facts.CO_TERM: command.co_term}
        return {name: value for name, value in known.items() if value} | marks(self.command, self.key)

    def _asked(self, noted: Metadata) -> dict[str, Any]:
        command, charged = self.command, self.command.collection is Collection.CHARGE
        return {
            "customer": command.party,
            "collection_method": _METHODS[command.collection],
            "days_until_due": None if charged else self._days(),
            "payment_behavior": "default_incomplete" if charged else None,
            "backdate_start_date": command.start_at if self._old() else None,
            "trial_end": command.trial_end,
            "metadata": noted,
            "expand": LATEST,
        }

    def _old(self) -> bool:
        return self.command.start_at < self.desk.now() - facts.START_SLACK

    async def _turn(self) -> datetime | None:
        """When cycles turn, where that is not by the day of the call."""
        command = self.command
        if command.cycle_at is not None or not self._old():
            return command.cycle_at
        price = await self.desk.look(Listed, place("/v1/prices", command.lines[0].price_key), "prices.read")
        turn = first_turn(command.start_at, price.recurring) if price.recurring is not None else None
        return turn if turn is not None and turn > self.desk.now() else None

    async def _scheduled(self, noted: Metadata) -> Written:
        command, charged = self.command, self.command.collection is Collection.CHARGE
        if command.cycle_at is not None:
            raise Rejected("a subscription that starts later has periods of its own: order it when it is to start")
        if command.trial_end is not None:
            raise Rejected("a subscription that starts later has no trial: start it when the trial starts")
        terms: dict[str, Any] = {"collection_method": _METHODS[command.collection]}
        if not charged:
            terms["invoice_settings"] = {"days_until_due": self._days()}
        asked = {
            "customer": command.party,
            "start_date": command.start_at,
            "end_behavior": "release",
            "default_settings": terms,
            "phases": [{"items": await agreed(self.desk, command.lines), "metadata": noted}],
            "metadata": noted,
        }
        answer = await self.desk.post(Planned, SCHEDULES, "schedules.create", asked, self.step())
        return self.desk.written(answer.value.id, answer=answer)

    def _days(self) -> int:
        return self.command.due_days if self.command.due_days is not None else 0


def _advances(bill: Bill | None) -> bool:
    return bill is not None and bill.status == "draft" and bill.auto_advance is not False
