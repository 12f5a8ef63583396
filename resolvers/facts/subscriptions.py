"""AccountSubscription: overlays and usage."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from resolvers.batch import Need, Read
from resolvers.context import Context
from resolvers.facts.accounts import rows
from sources import canonical as c

OVERLAY_NEEDS: tuple[Need, ...] = ((c.Renewal, "subscription"),)
USAGE_NEEDS: tuple[Need, ...] = ((c.UsageSummary, "account_meter"),)


async def overlays(subscriptions: Sequence[c.AccountSubscription], read: Read, _context: Context) -> list[Any]:
    """Billing's overlays, and RENEWAL_IN_PROGRESS where the CRM has an open renewal. Without the CRM: its error."""
    reading = await read(c.Renewal, "subscription", [each.key for each in subscriptions])
    answers: list[Any] = []
    for each in subscriptions:
        if each.key in reading.errors:
            answers.append(reading.errors[each.key])
            continue
        renewing = any(renewal.open for renewal in rows(reading, each.key))
        extra = (c.SubscriptionOverlay.RENEWAL_IN_PROGRESS,) if renewing else ()
        answers.append([*each.overlays, *extra])
    return answers


async def usage(subscriptions: Sequence[c.AccountSubscription], read: Read, _context: Context) -> list[Any]:
    """One summary for each meter that the subscription is billed by."""
    wanted = {each.key: _meters(each) for each in subscriptions}
    reading = await read(c.UsageSummary, "account_meter", [key for keys in wanted.values() for key in keys])
    answers: list[Any] = []
    for each in subscriptions:
        failed = [reading.errors[key] for key in wanted[each.key] if key in reading.errors]
        found = [record for key in wanted[each.key] for record in rows(reading, key)]
        answers.append(failed[0] if failed and not found else found)
    return answers


def _meters(subscription: c.AccountSubscription) -> list[str]:
    meters = dict.fromkeys(item.price.meter_key for item in subscription.items if item.price.meter_key)
    return [f"{subscription.source_account_id}|{meter}" for meter in meters]
