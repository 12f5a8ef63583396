"""Look-ups in vain: what is hidden and what is missing is judged alike, so that neither is answered sooner.

What is not there is judged as if hidden rows were there, and hidden rows for which nobody had to be called take the
same call.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from gateway.engine.decoys import Index, judged_by, of_the_source
from gateway.engine.loads import Found
from gateway.engine.seen import Seen
from sources.canonical import Account
from sources.errors import SourceError


class Sought(NamedTuple):
    """What was found by the keys of a look-up. Where that took no call it was in memory; of a hidden row what it is
    judged by would have been there as well."""

    record: type
    by: str
    found: Mapping[str, Found]

    @property
    def missing(self) -> list[str]:
        """The keys by which there is nothing."""
        return [key for key, each in self.found.items() if each.is_missing]


async def looked_up(
    seen: Seen, records: Sequence[Any], granting: frozenset[str], sought: Sought
) -> tuple[list[Any], SourceError | None]:
    """What a look-up found, and perhaps more, judged (`Seen.visible`). Second: of what it looked for in vain the
    failure that judging would have met, told as of a hidden row: to our own people."""
    missing = sought.missing
    if missing and sought.record is Account and sought.by == "key" and _reads(seen, sought):
        # Facts of accounts are found by the keys that were asked for.
        judged, failures = await asyncio.gather(seen.visible(records, granting), seen.load_entities(missing))
        failed = next(iter(failures.values()), None)
        return judged, failed if not seen.grants.external else None
    before = calls_before(seen, sought)
    judged = await seen.visible(records, granting)
    hidden = {id(record) for record, one in zip(records, judged, strict=True) if one is None}
    if not (missing or hidden):
        return judged, None
    if seen.calls != before:  # hidden rows of what is missing would have shared these calls, and what became of them
        failed = next(filter(None, map(of_the_source, judged)), None) if missing and _reads(seen, sought) else None
        return judged, failed if not seen.grants.external else None
    vain = [key for key, each in sought.found.items() if each.is_missing or _has(each, hidden)]
    failed = await in_vain(seen, sought, vain)
    return [failed if one is None else one for one in judged] if failed is not None else judged, failed


def calls_before(seen: Seen, sought: Sought) -> int:
    """How many calls of judging there were before a look-up. What judges an account by its key is read beside it."""
    return 0 if sought.record is Account and sought.by == "key" else seen.calls


async def in_vain(seen: Seen, sought: Sought, keys: Sequence[str]) -> SourceError | None:
    """Takes the time that judging takes, where nobody was called for it, for keys that lead to nothing that is seen.
    The failure is that of judging, told to our own people."""
    reads = _reads(seen, sought) if any(sought.found[key].called for key in keys) else ()
    failed = await seen.decoys.read(reads, seen.aside, keys[0]) if reads else None
    return failed if not seen.grants.external else None


def _has(found: Found, rows: Collection[int]) -> bool:
    return found.rows is not None and any(id(row) in rows for row in found.rows.records)


def _reads(seen: Seen, sought: Sought) -> tuple[Index, ...]:
    """What judging reads besides rows such as those that are not there."""
    rule, name = seen.rule(sought.record), seen.graph.types.get(sought.record)
    if rule is None or name is None or sought.by == "account":
        return ()  # a list of an account is judged by what the account itself is judged by
    if rule.by_account and seen.is_judged_by_key():
        return ()  # a hidden row is refused for what it says itself
    return judged_by(seen.grants, seen.graph.types, name)
