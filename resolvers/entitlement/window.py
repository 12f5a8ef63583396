"""When a right runs: its days are inclusive and end at 24:00 in its own time zone, or in UTC where it has none."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from resolvers.entitlement.model import Right
from sources import canonical as c
from sources.canonical import SubscriptionStatus as Sub

_NOT_YET = frozenset({Sub.DRAFT, Sub.PENDING_ACTIVATION})
_GONE = frozenset({Sub.CANCELED, Sub.TERMINATED, Sub.EXPIRED, Sub.NEVER_ACTIVATED})


def starts(right: Right) -> datetime | None:
    """The instant a right begins; None = it has no first day."""
    first = right.entitlement.starts_on
    return _midnight(first, right.entitlement) if first is not None else None


def last_instant(right: Right) -> datetime | None:
    """The instant after a right's last day; None = it has no last day."""
    last = right.entitlement.ends_on
    return _midnight(last + timedelta(days=1), right.entitlement) if last is not None else None


def not_started(right: Right, now: datetime) -> bool:
    """Whether it begins later: by its days, or because what it hangs on is not active yet."""
    first = starts(right)
    if first is not None and first > now:
        return True
    if right.subscription is not None and right.subscription.status in _NOT_YET:
        return True
    return first is None and right.entitlement.status is c.EntitlementStatus.PENDING


def over(right: Right, now: datetime) -> bool:
    """Whether it ended: by its days, else by its source's word, or because what it hangs on has ended.

    Days outrank the word EXPIRED, which its source finds in a time zone of its own.
    """
    if right.subscription is not None and right.subscription.status in _GONE:
        return True
    last = last_instant(right)
    return last <= now if last is not None else right.entitlement.status is c.EntitlementStatus.EXPIRED


def ended_at(right: Right, now: datetime) -> datetime | None:
    """When a right that is over ended; None = nobody says, or it never began."""
    subscription = right.subscription
    found = [last_instant(right)]
    if subscription is not None and subscription.status is Sub.NEVER_ACTIVATED:
        return None
    if subscription is not None and subscription.status in _GONE:
        found.append(subscription.ended_at or subscription.canceled_at or subscription.period_end)
    return min((each for each in found if each is not None and each <= now), default=None)


def bounds(right: Right) -> tuple[datetime, ...]:
    """Instants after which a judgement of the right may be another."""
    found = [starts(right), last_instant(right)]
    if right.subscription is not None:
        phase = right.subscription.next_phase
        found += [right.subscription.cancel_at, phase.start if phase is not None else None]
    return tuple(each for each in found if each is not None)


def time_zone(entitlement: c.Entitlement) -> ZoneInfo:
    """The zone in which a right's days are counted."""
    try:
        return ZoneInfo(entitlement.time_zone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def _midnight(day: date, entitlement: c.Entitlement) -> datetime:
    return datetime.combine(day, time(), time_zone(entitlement)).astimezone(UTC)
