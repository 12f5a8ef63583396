"""Verified tokens, remembered by digest: a known caller costs one hash and two look-ups."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import msgspec

from gateway.identity.keys import KeySet
from policies.principal import Principal

_MOST = 10_000
_LONGEST = 16 * 1024  # bytes of a header that are hashed at all


class Verified(msgspec.Struct, frozen=True):
    """Whom a token stands for, until when (seconds since 1970, the allowed skew included), and the key that says so."""

    principal: Principal
    ends: float
    keys: KeySet
    key_id: str
    key: Any


class RememberedTokens:
    """By the digest of the whole header, never the token itself; the least recently used goes.

    A token counts as long as it has not ended and the key that verified it is still one of its issuer's.
    """

    def __init__(self, clock: Callable[[], float], most: int = _MOST) -> None:
        self._clock, self._most = clock, most
        self._known: OrderedDict[bytes, Verified] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    def get(self, authorization: bytes) -> Principal | None:
        """The principal of a header that was verified before; None for one to verify (again)."""
        known = self.verified(authorization)
        return known.principal if known is not None else None

    def verified(self, authorization: bytes) -> Verified | None:
        """The same with all that is known of it."""
        if len(authorization) > _LONGEST:
            return None
        digest = hashlib.sha256(authorization).digest()
        known = self._known.get(digest)
        if known is None:
            return None
        if known.ends > self._clock() and known.keys.holds(known.key_id, known.key):
            self._known.move_to_end(digest)
            return known
        del self._known[digest]
        return None

    def keep(self, authorization: bytes, verified: Verified) -> None:
        """Remembers a header that was verified just now."""
        digest = hashlib.sha256(authorization).digest()
        self._known[digest] = verified
        self._known.move_to_end(digest)
        if len(self._known) > self._most:
            self._known.popitem(last=False)

    def forget(self) -> None:
        """Forgets everybody: they are verified again when they come."""
        self._known.clear()
