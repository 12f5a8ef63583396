"""How subscriptions end.

Vendor facts (vendors.md 2.5, 2.7; domain.md 6): DELETE takes no idempotency key; a canceled subscription stays so; an
immediate end drops prorations that wait unless they are invoiced with it. While a schedule plans a subscription, its
end is the schedule's [K].
"""

from __future__ import annotations

from typing import Any

from sources.canonical.commands import CancelSubscription, Ending, Written
from sources.errors import Locked, Rejected
from sources.vendors.stripe import facts
from sources.vendors.stripe.mapping.origin import id_of
from sources.vendors.stripe.writers.collecting import collect_on, noted, stopped
from sources.vendors.stripe.writers.desk import place
from sources.vendors.stripe.writers.marks import marked, marks
from sources.vendors.stripe.writers.subscriptions import ENDED, LATEST, SCHEDULES, SUBSCRIPTIONS, held, told
from sources.vendors.stripe.writers.updating import Updating, midnight
from sources.vendors.stripe.writers.wire import Held, Planned


class Cancelling(Updating[CancelSubscription]):
    """At the period's end, on a day, or now. An end now is marked first, then done, then what was collected by itself
    of the customer's other invoices is again: the mark says which those were."""

    async def found(self) -> Written | None:
        """Done when this key has marked it; for an end now only when it has ended and nothing is left to collect."""
        found = await self.read(self.command.subscription_key)
        if not marked(self.key, found.metadata):
            return None
        if self.command.ending is not Ending.NOW:
            return told(self.desk, found, replayed=True)
        if found.status not in ENDED or await stopped(self.desk, found):
            return None
        return told(self.desk, found, replayed=True)

    async def begun(self) -> Written | None:
        """What this key has ended stays so, also where something is left to collect."""
        found = await self.read(self.command.subscription_key)
        over = self.command.ending is not Ending.NOW or found.status in ENDED
        return told(self.desk, found, replayed=True) if over and marked(self.key, found.metadata) else None

    async def done(self) -> Written:
        """Ends it."""
        command = self.command
        if command.ending is Ending.NOW:
            return await self._ended()
        await self._freed()
        behaviour = "create_prorations" if command.credit else "none"
        comment = {"comment": f"operation {command.operation}"}
        if command.ending is Ending.PERIOD_END:
            asked: dict[str, Any] = {"cancel_at_period_end": True}
        elif command.on is None:
            raise Rejected("an end on a date needs its date: `on`")
        else:
            asked = {"cancel_at": midnight(command.on), "proration_behavior": behaviour}
        return await self.updated("subscriptions.change", {**asked, "cancellation_details": comment})

    async def _freed(self) -> None:
        """What a schedule has begun takes no end of its own [K]: one of ours has nothing more to do, and lets it go."""
        key = id_of(self.subscription.schedule)
        if key is None:
            return
        schedule = await self.desk.look(Planned, place(SCHEDULES, key), "schedules.read")
        if facts.OPERATION not in (schedule.metadata or {}):
            raise Locked(f"the subscription `{self.subscription.id}` is planned by `{key}`: change its schedule first")
        path = f"{place(SCHEDULES, key)}/release"
        await self.desk.post(Planned, path, "schedules.release", {}, self.step("release"))

    async def _ended(self) -> Written:
        before = self.subscription
        mine = marked(self.key, before.metadata)
        if before.status in ENDED and not mine:
            raise Locked(f"the subscription `{before.id}` has ended already")
        answer = None
        if before.status not in ENDED:
            if not mine:
                before = await self._mark(before)
            asked = {"invoice_now": True, "prorate": self.command.credit}
            path = place(SUBSCRIPTIONS, before.id)
            answer = await self.desk.delete(Held, path, "subscriptions.cancel", asked)
        await collect_on(self.desk, await stopped(self.desk, before), self.step)
        return told(self.desk, await held(self.desk, before.id), answer)

    async def _mark(self, before: Held) -> Held:
        """Leaves key and operation, and which invoices are collected by themselves until now."""
        others = await noted(self.desk, before, self.step)
        asked = {"metadata": marks(self.command, self.key, before.metadata) | others, "expand": LATEST}
        path = place(SUBSCRIPTIONS, before.id)
        return (await self.desk.post(Held, path, "subscriptions.mark", asked, self.step("mark"))).value
