"""What a fact looks like between processes: msgpack of the typed records, never anything that could run."""

from __future__ import annotations

from functools import cache
from typing import Any

import msgspec

from sources.canonical import Record
from sources.ports import Position, Rows


class Fact(msgspec.Struct):
    """`begun`: when the reading began (unix seconds); `stamp`: the same on the store's own clock (microseconds).
    `rows` is None where the source said that there is no such record."""

    begun: float
    stamp: int
    rows: Rows | None


class _Place(msgspec.Struct, array_like=True):
    value: str | None
    key: str
    token: str | None


class _Written(msgspec.Struct, array_like=True):
    begun: float
    stamp: int
    more: bool
    next: Position | None
    total: int | None
    positions: tuple[_Place, ...]
    records: msgspec.Raw


_ENVELOPE = msgspec.msgpack.Decoder(_Written)


@cache
def _decoder(record: type[Record]) -> msgspec.msgpack.Decoder[Any]:
    kind: Any = record
    return msgspec.msgpack.Decoder(tuple[kind, ...] | None)


def encode(rows: Rows | None, begun: float, stamp: int) -> bytes | None:
    """One answer as bytes; None where it cannot be written, such as text that is no Unicode."""
    if rows is None:
        written: tuple[Any, ...] = (begun, stamp, False, None, None, (), None)
    else:
        places = [(each.value, each.key, each.token) for each in rows.positions]
        written = (begun, stamp, rows.more, rows.next, rows.total, places, rows.records)
    try:
        return msgspec.msgpack.encode(written)
    except (TypeError, ValueError, OverflowError):
        return None


def decode(record: type[Record], raw: bytes) -> Fact | None:
    """The same back; None for what is none of ours."""
    try:
        found = _ENVELOPE.decode(raw)
        records = _decoder(record).decode(found.records)
    except (msgspec.MsgspecError, ValueError):
        return None
    rows = None
    if records is not None:
        places = tuple(Position(each.value, each.key, each.token) for each in found.positions)
        rows = Rows(records, found.more, found.next, found.total, places)
    return Fact(found.begun, found.stamp, rows)
