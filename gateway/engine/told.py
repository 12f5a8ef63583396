"""What is told of a reading: as if nobody had been there before for reasons that are nobody's business."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

import msgspec

from sources.canonical import Served
from sources.ports import Reading, Report


def is_called(reading: Reading) -> bool:
    """Whether somebody was called for a reading, or it waited for somebody else's call."""
    return any(each.calls or each.joined for each in reading.reports or (reading.report,))


def is_remembered(reading: Reading, key: str) -> bool:
    """Whether a key was answered from memory. What is not there is remembered as well: as no rows."""
    rows = reading.rows.get(key)
    return rows is not None and rows.served is not Served.LIVE


def as_called(reading: Reading, keys: Collection[str], *, each: bool) -> Reading:
    """A reading as it would have been told if nobody had called for some of its keys just before. `each`: by one call
    for each key."""
    remembered = [key for key in keys if is_remembered(reading, key)]
    live = {key: msgspec.structs.replace(reading.rows[key], served=Served.LIVE, each=()) for key in remembered}
    return msgspec.structs.replace(
        reading,
        rows=reading.rows | live,
        report=_called(reading.report, len(remembered), len(keys), each=each),
        reports=[_called(report, len(remembered), len(keys), each=each) for report in reading.reports],
    )


def _called(report: Report, cached: int, keys: int, *, each: bool) -> Report:
    cached = min(cached, report.cached)
    joined = min(keys - cached, report.joined)
    if not cached + joined:
        return report
    calls = report.calls + cached + joined if each else max(report.calls, 1)
    return msgspec.structs.replace(report, calls=calls, cached=report.cached - cached, joined=report.joined - joined)


def texts(value: Any) -> Iterator[str]:
    """Every text in a record."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (tuple, list)):
        for each in value:
            yield from texts(each)
    elif isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            yield from texts(getattr(value, name))
