"""How subscriptions pause and go on.

Vendor facts (vendors.md 2.7): a pause leaves the status alone and makes drafts that nobody is asked to pay, and that
stay drafts when it is over; only what is `paused` by status is taken up by `/resume`.
"""

from __future__ import annotations

from typing import Any

from sources.canonical.commands import PauseSubscription, ResumeSubscription, Written
from sources.canonical.subscription import SuspensionReason
from sources.errors import Rejected
from sources.vendors.stripe import facts
from sources.vendors.stripe.mapping.subscriptions import SUSPENSIONS
from sources.vendors.stripe.writers.desk import place
from sources.vendors.stripe.writers.subscriptions import LATEST, SUBSCRIPTIONS, told
from sources.vendors.stripe.writers.updating import Updating, midnight
from sources.vendors.stripe.writers.wire import Held

_WORDS: dict[SuspensionReason, str] = {reason: word for word, reason in SUSPENSIONS.items()}
_CAUSE = (facts.SUSPENSION, facts.SUSPENSION_OPERATION, facts.SUSPENSION_NOTICE)


def uncaused(before: Held) -> dict[str, str]:
    """What takes the cause of a suspension away again, where one is noted: Stripe keeps it when a pause runs out."""
    return {name: "" for name in _CAUSE if (before.metadata or {}).get(name)}


class Pausing(Updating[PauseSubscription]):
    """Invoices go on as drafts, which nobody is asked to pay. With a reason it is a suspension of ours."""

    async def found(self) -> Written | None:
        """Done when the subscription remembers the key."""
        return await self.remembered(self.command.subscription_key)

    async def done(self) -> Written:
        """One call."""
        command = self.command
        pause: dict[str, Any] = {"behavior": "keep_as_draft"}
        if command.until is not None:
            pause["resumes_at"] = midnight(command.until)
        return await self.updated("subscriptions.change", {"pause_collection": pause}, self._cause())

    def _cause(self) -> dict[str, str]:
        command = self.command
        if command.reason is None:
            return uncaused(self.subscription)
        if command.reason not in _WORDS:
            raise Rejected(f"`{command.reason}` is Stripe's own reason to suspend, not ours")
        sent = command.notice_sent_at
        return {
            facts.SUSPENSION: _WORDS[command.reason],
            facts.SUSPENSION_OPERATION: command.operation,
            facts.SUSPENSION_NOTICE: sent.isoformat() if sent else "",
        }


class Resuming(Updating[ResumeSubscription]):
    """Collects again, and takes back an end that has not come. One that Stripe has paused begins a new period."""

    async def found(self) -> Written | None:
        """Done when the subscription remembers the key and is not paused."""
        known = await self.remembered(self.command.subscription_key)
        return known if self.subscription.status != "paused" else None

    async def done(self) -> Written:
        """One call; two where Stripe has paused it."""
        before = self.subscription
        asked: dict[str, Any] = {}
        if before.pause_collection is not None:
            asked["pause_collection"] = ""
        if before.cancel_at_period_end:
            asked["cancel_at_period_end"] = False
        elif before.cancel_at is not None:
            asked["cancel_at"] = ""
        written = await self.updated("subscriptions.change", asked, uncaused(before))
        if before.status != "paused":
            return written
        path = f"{place(SUBSCRIPTIONS, before.id)}/resume"
        answer = await self.desk.post(Held, path, "subscriptions.resume", {"expand": LATEST}, self.step("resume"))
        return told(self.desk, answer.value, answer)
