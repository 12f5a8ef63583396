"""What judging reads, aside from what the answer reads: the answer is told, and asks, as if nobody had judged."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.engine.ledger import Ledger
from gateway.engine.loads import FAN_OUT, Found, Loads
from gateway.engine.told import is_remembered
from sources.canonical import Record
from sources.errors import SourceError
from sources.ports import Ask, Page, Reading

_NOWHERE = Ledger()


class Aside(Loads):
    """Facts that rows are judged by.

    What the answer has read, or is reading, need not be read again to judge by it. Never the other way round: a call
    that judging a hidden row saved would be missing in the answer. Where the memory of a source saves it all the same,
    the answer tells the call that it would have been (`Loads.judged`).
    """

    def __init__(self, shown: Loads) -> None:
        super().__init__(shown.catalog)
        self._shown = shown
        self.calls = 0  # questions that somebody may have had to be called for
        shown.aside = self

    async def of(self, record: type[Record], by: str, keys: Sequence[str]) -> list[Found]:
        """What is known by each key. It is told nowhere: how many keys of how many rows it took would tell of the
        hidden ones."""
        index = (record, by, _PAGE, None)
        known = self._known.setdefault(index, {})
        theirs = self._shown.known(index)
        for key in keys if theirs else ():
            if key not in known and key in theirs:
                known[key] = theirs[key]
        if self.catalog.recalls and (found := self.recall(record, by, keys, _PAGE, _NOWHERE)) is not None:
            return [found[key] for key in keys]
        return await self.get(record, by, keys, _PAGE, _NOWHERE)

    async def anew(self, record: type[Record], by: str, key: str) -> Found:
        """What a key leads to, from its source whatever is remembered. It is told nowhere, and known to nobody."""
        (found,) = await self.get(record, by, [key], _PAGE, _NOWHERE, max_age=0.0)
        self._known.pop((record, by, _PAGE, 0.0), None)
        return found

    async def read(self, ask: Ask, *ledgers: Ledger, max_age: float | None = None) -> Reading:
        """Until it is known that nobody had to be called, every key counts as called for."""
        self._shown.begin_waiting()
        self.calls += 1
        if max_age is None or not self.catalog.recalls or self.catalog.recall(ask) is None:
            self._shown.judged.setdefault((ask.record, ask.by, ask.page), set()).update(ask.keys)
        return await super().read(ask, max_age=max_age)

    def _noted(self, reading: Reading, ask: Ask, ledgers: Sequence[Ledger]) -> Reading:
        calls = sum(each.calls for each in reading.reports or (reading.report,))
        remembered = [key for key in ask.keys if not calls or is_remembered(reading, key)]
        self._shown.judged.get((ask.record, ask.by, ask.page), set()).difference_update(remembered)
        return reading

    def _refusal(self, record: type[Record], by: str, page: Page, keys: int) -> SourceError | None:
        return None  # rows are judged however many they are, and whatever hidden ones are among them

    def _at_once(self, record: type[Record], by: str) -> int:
        capability = self.catalog.capability(record, by)
        return FAN_OUT if capability is not None and capability.fan_out else super()._at_once(record, by)


_PAGE = Page()
