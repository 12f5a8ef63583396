"""Ledgers: what the parts of an operation have asked, each answer told once."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import msgspec

from sources.ports import Reading, Report, Rows


class Ledger:
    """What some part of an operation has asked. An answer that several parts share is in the ledger of each, and counts
    once where they are merged."""

    __slots__ = ("_readings",)

    def __init__(self) -> None:
        self._readings: dict[int, Reading] = {}  # by identity: they are held, so that their ids stay their own

    def add(self, reading: Reading) -> None:
        """Takes down an answer."""
        self._readings[id(reading)] = reading

    def show(self, parts: Iterable[Rows]) -> None:
        """Takes down rows that are shown though nobody is told what was asked for them."""
        for rows in parts:
            self.add(Reading({"": rows}, Report("")))

    def merge(self, other: Ledger) -> None:
        """Takes over what another part has asked."""
        self._readings.update(other._readings)

    def join(self, other: Ledger) -> None:
        """Becomes part of another: what is asked from now on is told there."""
        other.merge(self)
        self._readings = other._readings

    @property
    def readings(self) -> Collection[Reading]:
        """The answers themselves."""
        return self._readings.values()

    @property
    def reports(self) -> dict[str, Report]:
        """A report for each source, added up."""
        totals: dict[str, Report] = {}
        for reading in self._readings.values():
            for report in reading.reports or (reading.report,):
                total = totals.get(report.source)
                if total is None:
                    totals[report.source] = msgspec.structs.replace(report)
                    continue
                total.calls += report.calls
                total.joined += report.joined
                total.cached += report.cached
                total.stale += report.stale
                total.milliseconds += report.milliseconds
                total.error = report.error or total.error
        return totals
