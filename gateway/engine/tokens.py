"""Freshness tokens: from when on the facts of some sources will do, because whoever has the token has written there.

Encrypted and authenticated like cursors: which sources there are, and when somebody wrote, is nobody else's business,
and an instant that a client made up could send every read past the memory.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from sources.errors import BadAsk

_LONGEST = 4_096  # characters: some hundred sources


class FreshnessTokens:
    """Seals and opens. `key`: the same in every process that shares tokens."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESSIV(hashlib.sha512(b"opsgraph freshness\0" + key).digest())

    def seal(self, instants: Mapping[str, float]) -> str:
        """A token, safe in a header; the same one for the same `instants` (unix seconds, by the source's name)."""
        raw = msgspec.json.encode(dict(sorted(instants.items())))
        return base64.urlsafe_b64encode(self._cipher.encrypt(raw, None)).decode().rstrip("=")

    def open(self, token: str) -> dict[str, float]:
        """The instants; raises BadAsk for a token that is not ours."""
        try:
            if len(token) > _LONGEST:
                raise ValueError(token)
            sealed = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
            return msgspec.json.decode(self._cipher.decrypt(sealed, None), type=dict[str, float])
        except (ValueError, InvalidTag, msgspec.MsgspecError):
            raise BadAsk("`Opsgraph-Freshness` is no token of ours: send one that came with an answer") from None
