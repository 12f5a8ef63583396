"""What Salesforce allows an org: so many calls in a rolling day, told with every answer."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from sources.hints import account
from sources.ports import Allowance, Limit
from sources.vendors.salesforce.settings import SalesforceSettings

_USED = re.compile(r"(?:^|[,;\s])api-usage=(\d{1,12})/(\d{1,12})(?=$|[,;\s])", re.ASCII)


def limits(headers: Mapping[str, str]) -> Sequence[Limit]:
    """`Sforce-Limit-Info: api-usage=18/5000`: the org's day. When it is whole again nobody says: it rolls."""
    found = _USED.search(headers.get("sforce-limit-info", ""))
    if found is None or not int(found[2]):
        return ()
    used, most = int(found[1]), int(found[2])
    return (Limit("daily", most, max(0, most - used)),)


def allowance(settings: SalesforceSettings) -> Allowance | None:
    """Our part of the day's calls, where one is configured: the org counts everybody's."""
    return Allowance(account(settings.url), daily=settings.daily_calls) if settings.daily_calls is not None else None
