"""What Zendesk allows an account: so many requests a minute, told with every answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sources.hints import whole
from sources.ports import Limit

_SPELLINGS = ("ratelimit", "rate-limit", "x-rate-limit")


def limits(headers: Mapping[str, str]) -> Sequence[Limit]:
    """The account's limit of a minute; the first spelling that says all of it counts, else the first that says some.

    Limits of single resources (`zendesk-ratelimit-…`) are left out: they say nothing about every other call.
    """
    told = [limit for spelling in _SPELLINGS if (limit := _limit(headers, spelling)) is not None]
    told.sort(key=lambda limit: limit.resets is None)
    return told[:1]


def _limit(headers: Mapping[str, str], spelling: str) -> Limit | None:
    most = whole(headers.get(f"{spelling}-limit")) or whole(headers.get(spelling))
    left = whole(headers.get(f"{spelling}-remaining"))
    resets = whole(headers.get(f"{spelling}-reset"))
    if not most or left is None:
        return None
    return Limit("minute", most, min(left, most), float(resets) if resets is not None else None)
