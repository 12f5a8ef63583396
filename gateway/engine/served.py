"""How the facts of an operation were served: live, from memory, or stale; found out when somebody asks.

Records are shared between operations, so that none can say it of itself. Most operations never ask: while they run
nothing more is noted than which answers there were.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sources.canonical import Record, Served
from sources.ports import Reading, Report, Rows


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
                    self._known.update(_each(reading, rows))
        self._looked = len(self._readings)
        return self._known.get(id(record), Served.LIVE)


def oldest_stale(readings: Iterable[Reading], hidden: Mapping[int, Record]) -> dict[str, datetime]:
    """Since when the oldest stale fact of each source is as it is, of those that whoever asks may see."""
    oldest: dict[str, datetime] = {}
    for reading in readings:
        stale = {report.source for report in reading.reports or (reading.report,) if report.stale}
        for rows in reading.rows.values() if stale else ():
            if rows.served is not Served.STALE:
                continue
            for record in rows.records:
                known = oldest.get(record.source)
                older = known is None or record.as_of < known
                if older and record.source in stale and id(record) not in hidden:
                    oldest[record.source] = record.as_of
    return oldest


def _each(reading: Reading, rows: Rows) -> dict[int, Served]:
    """How each of some rows was served. Where several sources are merged, rows are as old as the oldest of them, and
    only the reports know whose those were."""
    if not reading.reports:
        return dict.fromkeys(map(id, rows.records), rows.served)
    of_source: dict[str, list[Report]] = {}
    for report in reading.reports:
        of_source.setdefault(report.source, []).append(report)
    return {id(record): _as_reported(of_source.get(record.source), rows.served) for record in rows.records}


def _as_reported(reports: Sequence[Report] | None, served: Served) -> Served:
    if reports is None or (served is Served.STALE and any(each.stale for each in reports)):
        return served
    return Served.CACHE if any(each.cached for each in reports) else Served.LIVE
