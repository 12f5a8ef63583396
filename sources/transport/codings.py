"""Content codings: an answer's body is unpacked as it arrives, and never further than it may get."""

from __future__ import annotations

import zlib
from typing import Protocol

ACCEPTED = "gzip, deflate"
_GZIP, _ZLIB, _RAW = 16 + zlib.MAX_WBITS, zlib.MAX_WBITS, -zlib.MAX_WBITS
_DEFLATED = 8  # the method in the low half of the first byte of a zlib stream


class Undecodable(ValueError):
    """A body that is not packed the way its header says, or in a way that nobody asked for."""


class Decoder(Protocol):
    """Unpacks a body piece by piece."""

    def decode(self, piece: bytes, most: int) -> bytes:
        """What the piece unpacks to: `most` + 1 bytes where it is more than `most`; raises Undecodable."""

    def end(self) -> None:
        """Raises Undecodable where the body broke off."""


def decoder(coding: str) -> Decoder | None:
    """How to unpack a body whose `content-encoding` this is; None where it is not packed; raises Undecodable."""
    name = coding.strip().lower()
    if name in ("", "identity"):
        return None
    if name in ("gzip", "x-gzip", "deflate"):
        return Inflating(gzip=name != "deflate")
    raise Undecodable("a content coding that was not asked for")


class Inflating:
    """gzip, of any number of members, and `deflate`: zlib's format or, as some send it, without its frame."""

    __slots__ = ("_gzip", "_stream")

    def __init__(self, *, gzip: bool) -> None:
        self._gzip = gzip
        self._stream: zlib._Decompress | None = None

    def decode(self, piece: bytes, most: int) -> bytes:
        """See Decoder."""
        found = b""
        try:
            while piece and len(found) <= most:
                stream = self._opened(piece)
                found += stream.decompress(piece, most + 1 - len(found))
                piece = stream.unused_data if stream.eof else stream.unconsumed_tail
        except zlib.error as error:
            raise Undecodable("a body that is not packed as it says") from error
        return found

    def _opened(self, piece: bytes) -> zlib._Decompress:
        """The stream that goes on here: another member begins where one has ended."""
        if self._stream is None and not self._gzip:
            self._stream = zlib.decompressobj(_ZLIB if piece[0] & 0xF == _DEFLATED else _RAW)
        elif self._stream is None or (self._stream.eof and self._gzip):
            self._stream = zlib.decompressobj(_GZIP)
        elif self._stream.eof:
            raise Undecodable("bytes behind the end of what was packed")
        return self._stream

    def end(self) -> None:
        """See Decoder. A body of no bytes at all is no packed one."""
        if self._stream is not None and not self._stream.eof:
            raise Undecodable("a packed body that broke off")
