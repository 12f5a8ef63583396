"""When the first period of a subscription ends.

Vendor fact (API reference, `backdate_start_date`): without a `billing_cycle_anchor` the cycle of one that began in the
past turns on the day of the call, not on the day of its start [K]; so the anchor is said.
"""

from __future__ import annotations

import calendar
from datetime import datetime, timedelta

from sources.vendors.stripe.wire import Recurring

_DAYS, _MONTHS = {"day": 1, "week": 7}, {"month": 1, "year": 12}


def first_turn(start: datetime, recurring: Recurring) -> datetime:
    """The end of the period that begins at `start`; months keep its day, or end with their last."""
    if recurring.interval in _DAYS:
        return start + timedelta(days=_DAYS[recurring.interval] * recurring.interval_count)
    months = start.year * 12 + start.month - 1 + _MONTHS[recurring.interval] * recurring.interval_count
    year, month = divmod(months, 12)
    day = min(start.day, calendar.monthrange(year, month + 1)[1])
    return start.replace(year=year, month=month + 1, day=day)
