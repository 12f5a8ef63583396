"""Cursors: a position in one list, opaque and signed, good for that list only."""

from __future__ import annotations

import base64
import hashlib
import hmac

import msgspec

from sources.errors import BadAsk
from sources.ports import Position

_SIGNATURE = 12  # bytes


class Cursors:
    """Encodes and checks cursors. `scope` names the list: its field, parent, filter and order."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def encode(self, position: Position, scope: str) -> str:
        """A cursor text, safe in a URL."""
        raw = msgspec.json.encode([position.value, position.key, position.token])
        return base64.urlsafe_b64encode(self._sign(raw, scope) + raw).decode().rstrip("=")

    def decode(self, cursor: str, scope: str) -> Position:
        """The position; raises BadAsk for a cursor that is not ours, or of another list."""
        try:
            signed = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
            signature, raw = signed[:_SIGNATURE], signed[_SIGNATURE:]
            if not hmac.compare_digest(signature, self._sign(raw, scope)):
                raise ValueError
            value, key, token = msgspec.json.decode(raw, type=tuple[str | None, str, str | None])
        except (ValueError, msgspec.MsgspecError):
            raise BadAsk("`after` is no cursor of this list: use an `endCursor` of the same field and filter") from None
        return Position(value, key, token)

    def _sign(self, raw: bytes, scope: str) -> bytes:
        return hmac.new(self._key, scope.encode() + b"\0" + raw, hashlib.sha256).digest()[:_SIGNATURE]
