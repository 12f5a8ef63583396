"""Tags: which entities a remembered answer speaks of, so that it can be forgotten with them.

A tag is `kind:KEY`. `account:KEY` is on all that hangs below an account, `customer:ID` on the same by a source's own
name for it, `invoice:KEY` (any type in lower case) on a record, on the lists that hold it and on what is found by it,
empty answers included. `list:Invoice` is on every list of a type that is not below one parent: who adds a record
forgets those besides its parents. `type:Invoice` is on everything of a type.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeAlias

from sources import canonical as c
from sources.cache.freshness import DEFAULTS
from sources.canonical import Account, Owned, Record
from sources.ports import Rows

Tag: TypeAlias = tuple[str, str]

_CALLED: dict[type[Record], str] = {c.AccountSubscription: "subscription"}
_OWNED = {_CALLED.get(record, record.__name__.lower()) for record in DEFAULTS if issubclass(record, (Owned, Account))}
_OWNED |= {"account", "customer"}
_PARENTS = {_CALLED.get(record, record.__name__.lower()) for record in DEFAULTS} | {"account", "customer", "key"}


def kind_of(record: type[Record]) -> str:
    """What records of a class are called in tags."""
    return _CALLED.get(record) or record.__name__.lower()


def tag(text: str) -> Tag:
    """Reads `kind:KEY`; raises ValueError for what is none."""
    kind, colon, key = text.partition(":")
    if not colon or not kind:
        raise ValueError(f"`{text}` is no tag: `kind:KEY` is expected, such as `invoice:in_1`")
    return kind, key


def parents(record: type[Record], by: str, key: str, account: str | None, *, own: bool) -> Iterator[Tag]:
    """The tags of a question: whom it is about, whatever the answer. `own`: account keys are the source's own ids."""
    if account is not None:
        yield "account", account
    if by == "key":
        yield kind_of(record), key
        return
    if by == "account" and (own or account is not None):
        yield "customer", key
        return
    yield by, key
    if by not in _PARENTS:
        yield "list", record.__name__


def members(record: type[Record], rows: Rows | None, *, facet: bool) -> Iterator[Tag]:
    """The tags of an answer: the records in it and whose they are. `facet`: the source knows accounts by this class."""
    if rows is None or not rows.records:
        return
    kind = kind_of(record)
    for each in rows.records:
        yield kind, each.key
        if facet:
            yield "customer", each.key
    if issubclass(record, Owned):
        for account, own in {(each.account_key, each.source_account_id) for each in rows.records}:  # type: ignore[attr-defined]
            if account:
                yield "account", account
            if own:
                yield "customer", own


def only_owned(kind: str) -> bool:
    """Whether a kind of tag is on records of accounts only."""
    return kind in _OWNED


def readable(tags: Iterable[Tag]) -> list[str]:
    """Tags as text."""
    return [f"{kind}:{key}" for kind, key in tags]
