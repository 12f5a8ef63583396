"""Bodies into typed structs: digits kept, wrong shapes named."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from sources.errors import Garbled
from sources.ports import Reply

T = TypeVar("T")
_decoders: dict[object, msgspec.json.Decoder[object]] = {}


def decode(shape: type[T], reply: Reply | bytes, source: str) -> T:
    """The JSON body as `shape` (declare numbers that may be amounts as Decimal: they are read from the text).

    Raises Garbled with the place of the first mistake; the body itself is never part of the message.
    """
    decoder = _decoders.get(shape)
    if decoder is None:
        decoder = _decoders[shape] = msgspec.json.Decoder(shape)
    try:
        return decoder.decode(reply if isinstance(reply, bytes) else reply.body)  # type: ignore[return-value]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        status = None if isinstance(reply, bytes) else reply.status
        raise Garbled(
            f"`{source}` answered something that is not its contract: {error}", source=source, status=status
        ) from error
