"""What a running operation carries: who asks, when, under which correlation id. No methods."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from policies.principal import Principal
from sources.canonical import Record, Served
from sources.conditions import Conditions
from sources.flights import Flights
from sources.ours import NAME
from sources.overview import Overview
from sources.ports import Position
from sources.settings import Secret

if TYPE_CHECKING:
    from sources.outbox import Outbox  # it loads the database


def live(_record: Record) -> Served:
    """How a record was served that no memory has handed over."""
    return Served.LIVE


class Cursors(Protocol):
    """Places, as clients are given them: nobody reads or makes one up. `scope` is what a place is in."""

    def encode(self, position: Position, scope: str) -> str:
        """The cursor of a place; the same for the same."""
        ...

    def decode(self, cursor: str, scope: str) -> Position:
        """The place of a cursor. Raises BadAsk for one that is not ours, or of another scope."""
        ...


class Happenings(msgspec.Struct, frozen=True):
    """What happens, for those who want to be told: how sources are doing; and what changes of our own records, while
    governed writes are open. `readings` are those that followers of one change share."""

    conditions: Conditions
    outbox: Callable[[], Outbox | None] = lambda: None
    readings: Flights = msgspec.field(default_factory=lambda: Flights(NAME))


class Context(msgspec.Struct, frozen=True):
    """`now` is the operation's one present (UTC): every judgement by time uses it. `rules` are the compiled decision
    tables that computations consult (entitlement). `unknown` are the records whose types this audience is not shown.
    `served` tells of a record that was read for this operation how it was served: the record itself cannot, because
    operations share it. `sources` gives how every source is doing.
    `office` is where governed writes are kept (`resolvers.office.Office`); None: there are none.
    `signing` is the key by which a computation signs what it vouches for; None: it cannot. `happenings` and `cursors`
    are for subscriptions: what they tell of, and the places in it. `pinned` makes a freshness token of instants (unix
    seconds) by source: whoever reads with it is told nothing from before them."""

    principal: Principal
    now: datetime
    correlation_id: str
    rules: Any = None
    unknown: frozenset[type] = frozenset()
    served: Callable[[Record], Served] = live
    sources: Callable[[], Sequence[Overview]] = tuple
    signing: Secret | None = None
    office: Any = None
    happenings: Happenings | None = None
    cursors: Cursors | None = None
    pinned: Callable[[Mapping[str, float]], str] | None = None
