"""Bodies into typed structs: digits kept, wrong shapes named."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from sources.errors import Garbled
from sources.ports import Reply

T = TypeVar("T")
_decoders: dict[object, msgspec.json.Decoder[Any]] = {}
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def decode(shape: type[T], reply: Reply | bytes, source: str) -> T:
    """The JSON body as `shape` (declare numbers that may be amounts as Decimal: they are read from the text).

    Raises Garbled with the place of the first mistake; the body itself is never part of the message.
    """
    try:
        return _decoder(shape).decode(reply if isinstance(reply, bytes) else reply.body)
    except _UNREADABLE as error:
        status = None if isinstance(reply, bytes) else reply.status
        raise Garbled(
            f"`{source}` answered something that is not its contract: {error}", source=source, status=status
        ) from error


def try_decode(shape: type[T], body: bytes) -> T | None:
    """The JSON body as `shape`, None where it is something else: of refusals, whose bodies may be anything."""
    try:
        return _decoder(shape).decode(body)
    except _UNREADABLE:
        return None


def _decoder(shape: type[T]) -> msgspec.json.Decoder[T]:
    decoder = _decoders.get(shape)
    if decoder is None:
        decoder = _decoders[shape] = msgspec.json.Decoder(shape)
    return decoder
