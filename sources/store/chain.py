"""A chain of hashes: what an audit entry says, and how each hangs on the one before. Needs no database."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, TypeAlias

import msgspec


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """What is recorded: who did what to what, under which rule, and what it was before and after (JSON)."""

    actor: str
    action: str
    subject: str | None = None
    human: str | None = None
    decision: str | None = None
    rule: str | None = None
    reason: str | None = None
    correlation_id: str | None = None
    before: Any = None
    after: Any = None


Said: TypeAlias = tuple[Event, datetime]
"""An event and its instant."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """An event in its chain."""

    chain: str
    sequence: int
    at: datetime
    event: Event
    previous: str
    hash: str


class Break(msgspec.Struct, frozen=True):
    """Where a chain does not hold: `chain` is a process's, or `seals`."""

    chain: str
    sequence: int
    what: str


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which entries are looked for; what is None does not matter. `text`: something that the entry's JSON has in it."""

    actor: str | None = None
    action: str | None = None
    correlation_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    text: str | None = None

    def texts(self) -> list[str]:
        """What the body of such an entry has in it: it is written in one way only, so that it can be searched."""
        named = {name: getattr(self, name) for name in ("actor", "action", "correlation_id")}
        texts = [f'"{name}":{canonical(value)}' for name, value in named.items() if value is not None]
        return texts if self.text is None else [*texts, self.text]

    def spans(self, at: datetime) -> bool:
        """Whether an instant is in the time that is looked at."""
        return (self.since is None or at >= self.since) and (self.until is None or at < self.until)


def canonical(value: Any) -> str:
    """The one way to write a value as JSON: keys in order, no spaces; what is hashed is written so."""
    return msgspec.json.encode(value, order="sorted").decode()


def link(chain: str, sequence: int, at: datetime, body: str, previous: str) -> str:
    """The hash of an entry: over all that it says and the hash before it, each part told from the next."""
    return hashlib.sha256(canonical([chain, sequence, at, body, previous]).encode()).hexdigest()


def broken(row: Mapping[Any, Any], chain: str, sequence: int, previous: str) -> Iterator[Break]:
    """What is wrong with an entry after the one with this number and this hash."""
    if row["sequence"] != sequence + 1:
        yield Break(chain, row["sequence"], f"follows {sequence}: something between is gone")
    if row["previous"] != previous:
        yield Break(chain, row["sequence"], "does not hang on the one before")
    if row["hash"] != link(chain, row["sequence"], row["at"], row["body"], row["previous"]):
        yield Break(chain, row["sequence"], "was changed")
