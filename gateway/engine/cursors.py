"""Cursors: a position in one list, encrypted and authenticated, good for that list only.

A position holds a row's key and the value that the list is ordered by. Whoever has the cursor may not be allowed to
read that value, or even the row: a signature would not be enough. The same position has the same cursor.
"""

from __future__ import annotations

import base64
import hashlib

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from sources.errors import BadAsk
from sources.ports import Position


class Cursors:
    """Encodes and checks cursors. `scope` names the list: its field, parent, filter and order."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESSIV(hashlib.sha512(b"opsgraph cursors\0" + key).digest())

    def encode(self, position: Position, scope: str) -> str:
        """A cursor text, safe in a URL."""
        raw = msgspec.json.encode([position.value, position.key, position.token])
        return base64.urlsafe_b64encode(self._cipher.encrypt(raw, [scope.encode()])).decode().rstrip("=")

    def decode(self, cursor: str, scope: str) -> Position:
        """The position; raises BadAsk for a cursor that is not ours, or of another list."""
        try:
            sealed = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
            raw = self._cipher.decrypt(sealed, [scope.encode()])
            value, key, token = msgspec.json.decode(raw, type=tuple[str | None, str, str | None])
        except (ValueError, InvalidTag, msgspec.MsgspecError):
            raise BadAsk("`after` is no cursor of this list: use an `endCursor` of the same field and filter") from None
        return Position(value, key, token)
