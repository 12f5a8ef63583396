"""Reading what a batched computation read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from resolvers.batch import Read
from sources import canonical as c
from sources.ports import Reading


def rows(reading: Reading, key: str) -> Sequence[Any]:
    """The records of a key, none where there are none."""
    found = reading.rows.get(key)
    return found.records if found is not None else ()


async def through_account(
    parents: Sequence[c.Owned], read: Read, record: type[c.Record], named: str, index: str
) -> list[Any]:
    """The records whose `named` attribute is the parent's key, read through the account, so that one read serves all
    that an account has; where an account has too many of them they are read by `index` instead."""
    keys = [each.account_key for each in parents if each.account_key]
    reading = await read(record, "account", keys)
    direct = [each.key for each in parents if not each.account_key or _cut(reading, each.account_key)]
    apart = await read(record, index, direct)
    answers: list[Any] = []
    for each in parents:
        if each.key in direct:
            answers.append(apart.errors.get(each.key) or list(rows(apart, each.key)))
            continue
        failed = reading.errors.get(each.account_key)
        found = [one for one in rows(reading, each.account_key) if getattr(one, named) == each.key]
        answers.append(failed if failed is not None and not found else found)
    return answers


def _cut(reading: Reading, key: str) -> bool:
    found = reading.rows.get(key)
    return found is not None and found.more
