"""How the facts of an operation were served: live, from memory, or stale; found out when somebody asks.

Records are shared between operations, so that none can say it of itself. Most operations never ask: while they run
nothing more is noted than which answers there were.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import repeat

from sources.canonical import Record, Served
from sources.ports import Reading, Rows


class ServedFacts:
    """What one operation has read; called with a record it says how that was served."""

    __slots__ = ("_known", "_looked", "_readings")

    def __init__(self) -> None:
        self._readings: list[Reading] = []  # they hold their records, so that the ids of these stay their own
        self._known: dict[int, Served] = {}
        self._looked = 0

    def note(self, reading: Reading) -> None:
        """Takes down an answer."""
        self._readings.append(reading)

    def __call__(self, record: Record) -> Served:
        """How a record was served; one that was never read for itself came live with another."""
        for reading in self._readings[self._looked :]:
            for rows in reading.rows.values():
                if rows.served is not Served.LIVE:
                    self._known.update((id(record), served) for record, served in _each(rows))
        self._looked = len(self._readings)
        return self._known.get(id(record), Served.LIVE)


def oldest_stale(readings: Iterable[Reading], hidden: Mapping[int, Record]) -> dict[str, datetime]:
    """Since when the oldest stale fact of each source is as it is, of those that whoever asks may see."""
    oldest: dict[str, datetime] = {}
    for reading in readings:
        for rows in reading.rows.values():
            if rows.served is not Served.STALE:
                continue
            for record, served in _each(rows):
                known = oldest.get(record.source)
                older = known is None or record.as_of < known
                if older and served is Served.STALE and id(record) not in hidden:
                    oldest[record.source] = record.as_of
    return oldest


def _each(rows: Rows) -> Iterable[tuple[Record, Served]]:
    """Rows and how each was served: of merged ones some may be older than others."""
    return zip(rows.records, rows.each or repeat(rows.served), strict=False)
