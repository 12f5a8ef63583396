"""What a source looks like from above: a question (`Ask`) and an answer (`Reading`)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any, Protocol

import msgspec

from sources.canonical import Record, Served, System
from sources.canonical.commands import Command, Written
from sources.errors import SourceError
from sources.settings import SourceSettings

# ---------------------------------------------------------------- questions


class Filter(msgspec.Struct, frozen=True):
    """One condition on a canonical attribute; conditions of a page are joined by AND.

    `op`: `eq in lt lte gt gte contains` (contains: case-insensitive substring). `value` is canonical (enum, date, str,
    tuple for `in`).
    """

    field: str
    op: str
    value: Any


class Order(msgspec.Struct, frozen=True):
    """Sort by a canonical attribute; the record's key always breaks ties, ascending."""

    field: str
    descending: bool = False


class Position(msgspec.Struct, frozen=True):
    """Keyset position of a row: the value it is ordered by and its key, both as text; never an offset.

    `token` is the source's own continuation (a Stripe id, a search page), opaque to everybody else.
    """

    value: str | None
    key: str
    token: str | None = None


class Page(msgspec.Struct, frozen=True, cache_hash=True):
    """Which part of a list. `first` None = everything there is, bounded by the reader's own hard limit."""

    first: int | None = None
    after: Position | None = None
    order: Order | None = None
    filters: tuple[Filter, ...] = ()


class Ask(msgspec.Struct, frozen=True):
    """A question to one source: records of one class, found by one index, for many keys at once.

    `by` is an index the connector declares: `key`, `account`, `invoice`, `list` (keys = ("",)), `search` (keys =
    (text,)), ... With `by="account"` and a capability that says `own_account_ids`, keys are the source's own customer
    ids. `accounts` maps those to canonical account keys where they are known.
    """

    record: type[Record]
    by: str
    keys: tuple[str, ...]
    page: Page = Page()
    accounts: Mapping[str, str] = msgspec.field(default_factory=dict)


# ---------------------------------------------------------------- answers


class Report(msgspec.Struct):
    """What an answer cost; added up along the plan. Times in milliseconds."""

    source: str
    calls: int = 0
    joined: int = 0  # keys answered by somebody else's call
    cached: int = 0  # keys answered from memory
    stale: int = 0  # of them, keys whose facts were past their time
    milliseconds: float = 0.0
    error: str | None = None  # public code of the last failure


class Rows(msgspec.Struct):
    """The rows for one key, in order. `more` = the list goes on after the last row; `next` continues it there.

    `positions` continue after each row of a page. A connector that pages a list gives its own, made as `next` is; one
    that gives none gives the list whole, whatever is asked, and the catalog cuts it. `served` is how the oldest of it
    was served; where rows of several answers are merged, `each` says it of every row. `hidden` is how many rows the row
    rules left out, for a computation that must not take them for absent: never to be shown.
    """

    records: Sequence[Record] = ()
    more: bool = False
    next: Position | None = None
    total: int | None = None  # only where the source counted the whole predicate
    positions: Sequence[Position] = ()
    served: Served = Served.LIVE
    each: Sequence[Served] = ()
    hidden: int = 0
    first_hand: bool = False  # of the source itself, in an index that is searched otherwise: as new as the reading
    distinct: bool = False  # it was found that no record is there twice: rows from memory are looked through once
    plain: bool = False  # it was found that the catalog tells them as they are
    told: Rows | None = None  # what it was found that the catalog makes of them, each time


class Reading(msgspec.Struct):
    """The answer to an Ask. A key absent from both `rows` and `errors` has no such record; a key in both has what
    could be read, and what went wrong with the rest. `reports`: one per source, where several were asked. `along`:
    records that came with the answer without having been asked for, such as the people of some cases."""

    rows: dict[str, Rows]
    report: Report
    errors: dict[str, SourceError] = msgspec.field(default_factory=dict)
    reports: list[Report] = msgspec.field(default_factory=list)
    along: list[Record] = msgspec.field(default_factory=list)


class Capability(msgspec.Struct, frozen=True):
    """What a reader can be asked. Filters and orders name canonical attributes; `filters`: attribute -> operators."""

    filters: Mapping[str, tuple[str, ...]] = msgspec.field(default_factory=dict)
    orders: tuple[str, ...] = ()
    descending_only: tuple[str, ...] = ()  # those of `orders` that are possible in one direction only
    per_parent_limit: bool = False  # `first` is honoured for each key of a batch, not only for a single key
    own_account_ids: bool = False  # by="account" wants the source's own customer ids, not canonical account keys
    fan_out: bool = False  # one call per key: refused above 25 keys
    search_lag: float = 0.0  # seconds a search index may be behind; 0 = read from the source itself


class Reader(Protocol):
    """Anything that answers an Ask."""

    async def read(self, ask: Ask) -> Reading: ...


# ---------------------------------------------------------------- the wire


class Effect(StrEnum):
    """What a call changes, and how its repetition is made harmless. It decides what may be tried again."""

    READ = "READ"
    KEYED = "KEYED"  # a write whose idempotency key the vendor honours
    UPSERT = "UPSERT"  # a write by an external id: whether it happened can be read
    ONCE = "ONCE"  # a write that is neither


class Call(msgspec.Struct, frozen=True):
    """One HTTP request. `url` absolute; `body` bytes with its content type among the headers.

    `read` makes the value of a reply, or raises the SourceError of a refusal or of garbage. It runs below retry and
    breaker, so that they see every failure as the error it is; its answer is the reply's `value`.
    """

    method: str
    url: str
    headers: Mapping[str, str] = msgspec.field(default_factory=dict)
    body: bytes | None = None
    operation: str = ""  # stable short name for telemetry, e.g. `query`, `invoices.list`
    timeout: float | None = None  # seconds, overrides the source's own
    effect: Effect = Effect.ONCE  # whoever says nothing is never repeated
    read: Callable[[Reply], Any] | None = None


class Reply(msgspec.Struct):
    """One HTTP answer, read in full within the byte bound. Header names in lower case. `value`: see `Call.read`."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    milliseconds: float = 0.0
    value: Any = None


class Limit(msgspec.Struct, frozen=True):
    """What a vendor said of one of its limits with an answer, such as the calls of a day. `resets`: in how many seconds
    it is whole again, where the vendor says."""

    name: str
    limit: int
    remaining: int
    resets: float | None = None


class Allowance(msgspec.Struct, frozen=True):
    """What a vendor allows one account, counted over all processes. `account` tells accounts of a vendor apart."""

    account: str
    concurrent: int | None = None
    daily: int | None = None


Send = Callable[[Call], Awaitable[Reply]]
Layer = Callable[[Send], Send]


# ---------------------------------------------------------------- connectors


class Connector(Protocol):
    """One configured source of one vendor. `facet` is the record class by which this system knows an account.

    One that keeps facts in memory may also have `recall(ask) -> Reading | None`: the whole answer without waiting.
    """

    name: str
    vendor: str
    system: System
    account_facet: type[Record] | None
    capabilities: Mapping[tuple[type[Record], str], Capability]

    async def read(self, ask: Ask) -> Reading: ...

    async def check(self) -> str:
        """One cheap authenticated call; returns a line for people, raises SourceError."""
        ...

    async def close(self) -> None: ...


class Writer(Protocol):
    """What a connector that can also change things has besides: `commands` says which, `touches` whose facts are old
    once one was carried out.

    `key` names the change: the same key never happens twice, however often it is sent and whoever dies meanwhile.
    """

    commands: frozenset[type[Command]]

    @property
    def touches(self) -> Mapping[type[Command], tuple[type[Record], ...]]:
        """By command, the types of record that it makes or changes."""
        ...

    async def do(self, command: Command, key: str) -> Written:
        """Carries it out; looks for it first, or is refused by what is there. What had been done before is answered as
        it was (`replayed`). Raises the SourceError of a refusal, or OutcomeUnknown where it was sent and nobody knows
        what became of it."""
        ...

    async def find(self, command: Command, key: str) -> Written | None:
        """What there is of it: by the same key inside the vendor's key life, or by external id, never by a search
        index. What is there by half is told too: `do` completes it, and what takes it back takes back that. None:
        nothing of it has happened. Raises OutcomeUnknown where that cannot be told."""
        ...


class Vendor(msgspec.Struct, frozen=True):
    """What a vendor's folder offers as `VENDOR`: the catalog finds it by the folder's name.

    `open(name, settings, send)` returns the connector of one configured source; it must not do I/O. `settings` is the
    record of its part of `opsgraph.toml`.
    """

    name: str
    system: System
    settings: type[SourceSettings]
    open: Callable[[str, Any, Send], Connector]
    limits: Callable[[Mapping[str, str]], Sequence[Limit]] = lambda _headers: ()  # from a reply's headers
    allowance: Callable[[Any], Allowance | None] = lambda _settings: None
