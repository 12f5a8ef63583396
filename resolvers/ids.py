"""Global ids: type, source and key in one opaque text."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Container
from functools import cache

from resolvers.context import Context
from resolvers.registry import TYPES, names
from sources.canonical import Record
from sources.errors import BadAsk

_URL_SAFE = bytes.maketrans(b"+/", b"-_")


@cache
def _name(record: type[Record]) -> str:
    return TYPES[record].__name__


@cache
def _records() -> dict[str, type[Record]]:
    return {shown: record for record, shown in names().items()}


def global_id(record: Record, _context: Context | None = None) -> str:
    """Type, source and key in one opaque text: it keeps its meaning when the owner of a type changes."""
    raw = f"{_name(type(record))}|{record.source}|{record.key}".encode()
    return binascii.b2a_base64(raw, newline=False).translate(_URL_SAFE, b"=").decode()


def parse_id(text: str, unknown: Container[type] = ()) -> tuple[type[Record], str, str]:
    """(record class, source, key) of a global id; raises BadAsk. One of a type that is `unknown` to who asks reads like
    one of a type that there is not."""
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
        name, source, key = raw.split("|", 2)
        record = _records()[name]
        if record in unknown:
            raise KeyError(name)
    except (ValueError, KeyError):
        raise BadAsk("this is no id of this graph: use an `id` that it gave you") from None
    return record, source, key


def key_of(text: str, record: type[Record]) -> str:
    """A key, from a key or from one of our ids."""
    try:
        found, _, key = parse_id(text)
    except BadAsk:
        return text
    return key if found is record else text
