"""Tags: which entities a remembered answer speaks of, so that it can be forgotten with them.

A tag is `kind:KEY`. `account:KEY` is on all that hangs below an account, `customer:ID` on the same by a source's own
name for it, `invoice:KEY` (any type in lower case) on a record, on the lists that hold it and on what is found by it,
empty answers included. `list:Invoice` is on every list of a type that is not below one parent: who adds a record
forgets those besides its parents. `type:Invoice` is on everything of a type.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

from sources import canonical as c
from sources.cache.freshness import DEFAULTS
from sources.cache.keys import Ident
from sources.canonical import Account, Owned, Record
from sources.canonical.commands import Command, Written
from sources.ports import Rows

Tag: TypeAlias = tuple[str, str]
Groups: TypeAlias = "list[tuple[str, Iterable[str]]]"

_CALLED: dict[type[Record], str] = {c.AccountSubscription: "subscription"}
_OWNED = {_CALLED.get(record, record.__name__.lower()) for record in DEFAULTS if issubclass(record, (Owned, Account))}
_OWNED |= {"account", "customer"}
_ABOUT = {"party": "customer", "issued_key": "invoice"}  # what a command's fields name, where they do not say it
_WHOSE = frozenset({"account", "customer"})
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


def changed(command: Command, written: Written, touched: Iterable[type[Record]]) -> list[str]:
    """The tags of what is old once a command was carried out: what it names and what it made, as each of the types that
    it touches, their lists, and all that hangs below the accounts and customers that it is about."""
    records = (command.target, *touched)
    kinds = {kind_of(record) for record in records}
    found = {f"list:{record.__name__}" for record in records} | {f"{kind}:{written.key}" for kind in kinds}
    for about, key in _named(command):
        found |= {f"{kind}:{key}" for kind in ((about,) if about in _WHOSE else (about, *kinds))}
    return sorted(found)


def _named(command: Command) -> Iterator[tuple[str, str]]:
    """The keys that a command names, each with what it is one of."""
    for field in command.__struct_fields__:
        about = field.removesuffix("s").removesuffix("_key") if field.endswith(("_key", "_keys")) else None
        about, value = _ABOUT.get(field, about), getattr(command, field)
        if about and value:
            yield from ((about, key) for key in (value if isinstance(value, tuple) else (value,)))


class Tagging:
    """The tags of what is found by one index of one source.

    `own`: its account keys are the source's own ids. `facet`: its records are those by which the source knows accounts.
    """

    __slots__ = ("_asked", "_facet", "_kind", "_listed", "_owned")

    def __init__(self, record: type[Record], by: str, *, own: bool, facet: bool) -> None:
        self._kind, self._facet, self._owned = kind_of(record), facet, issubclass(record, Owned)
        self._asked = self._kind if by == "key" else "customer" if by == "account" and own else by
        self._listed: Groups = [] if by in _PARENTS else [("list", (record.__name__,))]

    def groups(self, ident: Ident, rows: Rows | None) -> Groups:
        """Keys by kind: whom a question is about, whatever the answer, and which records are in it and whose."""
        key, account = ident if isinstance(ident, tuple) else (ident, None)
        if account is None:
            found = [(self._asked, (key,)), *self._listed]
        else:
            asked = "customer" if self._asked == "account" else self._asked
            found = [(asked, (key,)), *self._listed, ("account", (account,))]
        if rows is None or not rows.records:
            return found
        records: Any = rows.records
        keys = [each.key for each in records]
        found.append((self._kind, keys))
        if self._facet:
            found.append(("customer", keys))
        if self._owned:
            found.append(("account", {each.account_key for each in records if each.account_key}))
            found.append(("customer", {each.source_account_id for each in records if each.source_account_id}))
        return found

    def tags(self, ident: Ident, rows: Rows | None) -> Iterator[Tag]:
        """The same one by one."""
        return ((kind, key) for kind, keys in self.groups(ident, rows) for key in keys)


def only_owned(kind: str) -> bool:
    """Whether a kind of tag is on records of accounts only."""
    return kind in _OWNED
