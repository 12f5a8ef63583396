"""Keys: what tells one remembered fact from every other, in memory as values and between processes as text.

A fact is found by source, zone, record class, index, page (filters, order, first, after, as values, never as a role's
name), key, and the account that the asker says the key stands for, because the records carry it.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import Any, TypeAlias

import msgspec

from sources.canonical import Record
from sources.ports import Ask, Page

Index: TypeAlias = tuple[type[Record], str, Page]
Ident: TypeAlias = "str | tuple[str, str]"
"""A key, with the account it stands for where the asker says so."""

_VERSION = 2  # of what is written between processes


def idents(ask: Ask) -> dict[Ident, str]:
    """What tells the keys of a question apart, in order, each once."""
    accounts = ask.accounts
    if not accounts:
        return {key: key for key in ask.keys}
    return {(key, accounts[key]) if key in accounts else key: key for key in ask.keys}


def scope(prefix: str, zone: str, source: str, index: Index) -> str:
    """The text that begins the keys of one index of one source; equal only where all of it is."""
    record, by, page = index
    parts = (_VERSION, _plain((zone, source, record.__name__, _shape(record), by, page)))
    return f"{prefix}:fact:{_digest(parts)}"


def text(scope: str, ident: Ident) -> str:
    """The whole key of one fact."""
    return f"{scope}:{_digest(_plain(ident))}"


def _digest(value: Any) -> str:
    return hashlib.blake2b(msgspec.msgpack.encode(value), digest_size=16).hexdigest()


@cache
def _shape(record: type[Record]) -> str:
    """Tells one release's record from another's: a process reads nothing that was written in another shape."""
    schema = msgspec.json.schema(record)
    return hashlib.blake2b(msgspec.json.encode(schema, order="sorted"), digest_size=8).hexdigest()


def _plain(value: Any) -> Any:
    """A value in terms that keep kinds apart: a text is never taken for a number, nor a list of two for one of one."""
    if isinstance(value, Enum):
        return _plain(value.value)
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    if value is None or isinstance(value, (bool, float)):
        return value
    if isinstance(value, int):
        return {"whole": str(value)}  # of any size
    if isinstance(value, datetime):
        return {"at": value.isoformat() if value.tzinfo is None else value.astimezone(UTC).isoformat()}
    if isinstance(value, date):
        return {"on": value.isoformat()}
    if isinstance(value, Decimal):
        return {"number": str(value.normalize())}
    if isinstance(value, (frozenset, set)):
        return {"any": sorted((_plain(each) for each in value), key=msgspec.msgpack.encode)}
    if isinstance(value, (tuple, list)):
        return [_plain(each) for each in value]
    if isinstance(value, msgspec.Struct):
        return {type(value).__name__: [_plain(getattr(value, name)) for name in value.__struct_fields__]}
    raise TypeError(f"a `{type(value).__name__}` cannot be part of a key: filter by text, numbers, days or instants")
