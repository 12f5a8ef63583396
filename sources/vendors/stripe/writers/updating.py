"""A change of a subscription's own terms: one call, remembered in its metadata."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Any

from sources.canonical.commands import Written
from sources.errors import Locked
from sources.vendors.stripe.writers.deed import C, Deed
from sources.vendors.stripe.writers.desk import place
from sources.vendors.stripe.writers.marks import marked, marks
from sources.vendors.stripe.writers.subscriptions import ENDED, LATEST, SUBSCRIPTIONS, held, told
from sources.vendors.stripe.writers.wire import Held


def midnight(on: date) -> datetime:
    """The beginning of a day, UTC."""
    return datetime.combine(on, time(), UTC)


class Updating(Deed[C]):
    """A change of a subscription's own terms: one call, remembered in its metadata."""

    subscription: Held

    async def read(self, key: str) -> Held:
        self.subscription = await held(self.desk, key)
        return self.subscription

    async def remembered(self, key: str) -> Written | None:
        found = await self.read(key)
        return told(self.desk, found, replayed=True) if marked(self.key, found.metadata) else None

    async def updated(self, operation: str, asked: dict[str, Any], noted: dict[str, str] | None = None) -> Written:
        before = self.subscription
        if before.status in ENDED:
            raise Locked(f"the subscription `{before.id}` is `{before.status}` and takes no changes any more")
        said = {
            **asked,
            "metadata": {**marks(self.command, self.key, before.metadata), **(noted or {})},
            "expand": LATEST,
        }
        answer = await self.desk.post(Held, place(SUBSCRIPTIONS, before.id), operation, said, self.step())
        return told(self.desk, answer.value, answer)
