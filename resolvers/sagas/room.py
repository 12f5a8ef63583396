"""The room sagas run in: everything around them that they need, given by whoever opens it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from policies.writes import WriteRules
from resolvers.sagas.saga import Read
from resolvers.sagas.systems import Systems
from sources.canonical import Record
from sources.ports import Ask, Page, Reading
from sources.store.errors import StaleRecord, StoreAway
from sources.store.store import Store

T = TypeVar("T")

_PATIENCE = 60  # times that a database of ours which is away is asked again
_log = logging.getLogger("opsgraph.sagas")


@dataclass(frozen=True, slots=True)
class Pace:
    """How patient a step is. Times in seconds.

    A step tries `tries` times at once, `pause` and twice as long apart, each for at most `longest`; then its saga waits
    durably for `pauses`, one after another, the last again and again, until `patience` is over and somebody is asked.
    What was sent and not answered is looked for after each of `settling`.
    """

    tries: int = 3
    pause: float = 0.2
    longest: float = 60.0
    pauses: tuple[float, ...] = (5.0, 30.0, 120.0, 600.0, 1800.0)
    patience: float = 24 * 3600.0
    settling: tuple[float, ...] = (5.0, 30.0, 120.0)
    attention: float = 30 * 24 * 3600.0  # one wait for a person; it begins again

    def waits(self) -> list[float]:
        """The durable waits of an outage, in order."""
        found: list[float] = []
        while sum(found) < self.patience:
            found.append(self.pauses[min(len(found), len(self.pauses) - 1)])
        return found


@dataclass(frozen=True, slots=True)
class Room:
    """`chain` is the audit chain of this process; `rules` gives the write rules in force."""

    store: Store
    systems: Systems
    rules: Callable[[], WriteRules]
    clock: Callable[[], datetime]
    chain: str
    pace: Pace = field(default_factory=Pace)

    @property
    def read(self) -> Read:
        """Reads facts as a saga does, which nobody looks at."""

        async def read(record: type[Record], by: str, keys: Sequence[str], page: Page = Page()) -> Reading:  # noqa: B008 - frozen
            return await self.systems.read(Ask(record, by, tuple(dict.fromkeys(keys)), page))

        return read

    async def write(self, work: Callable[..., T], *given: Any, **named: Any) -> T:
        """Does `work(connection, ...)` in one transaction; again where somebody else was quicker, or while the database
        is away. Raises what is wrong with the work itself."""
        for turn in range(_PATIENCE):
            try:
                return await self.store.transact(work, *given, **named)
            except StaleRecord:
                await asyncio.sleep(0)
            except StoreAway:
                _log.warning("our own tables could not be written", exc_info=True)
                await asyncio.sleep(min(0.05 * 2**turn, 5.0))
        return await self.store.transact(work, *given, **named)
