"""What judging reads besides a row, one after another; and decoys, which read the same where there is no row.

A hidden row takes those reads. So does a look-up that finds nothing: with the key of something that was judged before,
and nothing of it shows. Whoever asks cannot tell by the clock which of the two it was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import TypeAlias

from gateway.engine.aside import Aside
from gateway.engine.grants import Grants
from sources.canonical import Account, BillingProfile, Record
from sources.errors import (
    DeadlineExceeded,
    QuotaExhausted,
    SourceError,
    StaleLimit,
    Throttled,
    TimedOut,
    Unauthorised,
    Unavailable,
)

Index: TypeAlias = tuple[type[Record], str]
ENTITIES = "legal_entities"  # of an account: held by its billing profiles, not by itself
OWNERS: Index = (Account, "key")
"""Where the account that a row belongs to is read."""
ENTITIES_BY: Index = (BillingProfile, "account")
"""Where the legal entities of an account are read, by its key."""
JUDGING: tuple[Index, ...] = (OWNERS, ENTITIES_BY)
"""What judging rows may read, in this order."""
_KEY = 18  # characters of a made-up key: as many as the CRM's have
_OF_THE_SOURCE = (Unavailable, TimedOut, DeadlineExceeded, Throttled, QuotaExhausted, Unauthorised)


def judged_by(grants: Grants, types: Mapping[type, str], type_name: str) -> tuple[Index, ...]:
    """What judging rows of a type reads besides the rows themselves, in the order in which it does."""
    rule, account = grants.rows(type_name), types.get(Account, "Account")
    if rule.open:
        return ()
    owned = rule.by_account or rule.needs_account
    asked = grants.rows(account) if rule.by_account else rule
    entities = ENTITIES in asked.reads and (owned or type_name == account)
    return (*((OWNERS,) if owned else ()), *((ENTITIES_BY,) if entities else ()))


class Decoys:
    """Those of one engine: for each index that judging reads, the key by which a row was judged last. Ids and no facts,
    as many as there are such indices."""

    def __init__(self) -> None:
        self._keys: dict[Index, str] = {}

    def note(self, index: Index, key: str) -> None:
        """Takes a key by which a row was judged: there is something to be found by it."""
        self._keys[index] = key

    async def read(self, indices: Sequence[Index], aside: Aside, asked: str) -> SourceError | None:
        """Reads as judging would have, one after another, from the sources themselves; the failure that would have
        ended it. As long as no row was judged, a key is made of what was `asked` for: that may be somebody's address,
        and these sources were not asked for it."""
        made_up = sha256(asked.encode()).hexdigest()[:_KEY]
        for index in indices:
            found = await aside.anew(*index, self._keys.get(index, made_up))
            if found.is_missing:
                self._keys.pop(index, None)  # it may be gone: the next row that is judged gives another
            failed = of_the_source(found.error)
            if failed is not None:
                return failed
        return None


def of_the_source(failed: object) -> SourceError | None:
    """A failure of a source, as whoever had asked it for the first time would be told of it; None for what is wrong
    with one key, which would be somebody else's."""
    cause = failed.__cause__ if isinstance(failed, StaleLimit) else failed
    return cause if isinstance(cause, _OF_THE_SOURCE) else None
