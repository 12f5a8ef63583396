"""Weight: about how many bytes of memory records take, without looking at each of them.

Some answers of each type are written out, and the others are taken for their like. A record in memory takes up to
three times its written length, because each of its values is an object of its own; long text takes hardly more than
itself, so that the estimate errs on the safe side (measured: 1.0 to 2.5 times what is really taken).
"""

from __future__ import annotations

from typing import Any

import msgspec

from sources.canonical import Record
from sources.ports import Rows

_ENTRY = 450  # bytes of an entry without records: itself, its rows, its places by key and by tag
_PAGE = 450  # bytes of what the catalog makes of a page, which is kept with it
_PLACE = 200  # bytes of a row's place in a page
_RECORD = 200  # bytes of a record's places by tag
_FACTOR = 3  # bytes of memory to a written byte
_FIRST, _EACH = 8, 16  # answers that are written out: the first ones, and later one in so many


class Scale:
    """Remembers a moving average for each type."""

    def __init__(self) -> None:
        self._seen: dict[type[Record], int] = {}
        self._average: dict[type[Record], float] = {}

    def weigh(self, record: type[Record], rows: Rows | None, *, paged: bool) -> int:
        """The bytes of one answer."""
        entry = _ENTRY + _PAGE if paged else _ENTRY
        entry += _PLACE * len(rows.positions) if rows is not None else 0
        if rows is None or not rows.records:
            return entry
        seen = self._seen[record] = self._seen.get(record, 0) + 1
        count = len(rows.records)
        if seen <= _FIRST or seen % _EACH == 0:
            written = _written(rows.records) / count
            self._average[record] = written if seen == 1 else self._average[record] * 0.75 + written * 0.25
            return int(entry + count * (_RECORD + _FACTOR * written))
        return int(entry + count * (_RECORD + _FACTOR * self._average[record]))


def _written(records: Any) -> int:
    try:
        return len(msgspec.msgpack.encode(records))
    except (TypeError, ValueError, OverflowError):
        return 2_000 * len(records)
