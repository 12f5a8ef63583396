"""The issuers' public keys: fetched once for everybody, kept while the issuer is away."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any

import jwt
import msgspec

from sources.errors import SourceError
from sources.ports import Call, Send

_log = logging.getLogger("opsgraph.identity")
_FRESH = 600.0  # seconds a key set is used without asking again
_COOL_DOWN = 5.0  # seconds between fetches that an unknown key id may cause


class KeysUnavailable(Exception):
    """The issuer's keys cannot be fetched and none are remembered."""


class KeySet:
    """One issuer's keys. Fetches are single-flight; a failed one leaves the old keys in use."""

    def __init__(self, url: str, send: Send, clock: Callable[[], float] = time.monotonic) -> None:
        self._url, self._send, self._clock = url, send, clock
        self._keys: dict[str, Any] = {}
        self._fetched = self._tried = float("-inf")
        self._flight: asyncio.Task[None] | None = None

    def known(self, key_id: str, algorithm: str) -> Any | None:
        """The key, if it is remembered and for this algorithm: no I/O."""
        found = self._keys.get(key_id)
        return found.key if found is not None and found.algorithm_name == algorithm else None

    async def get(self, key_id: str, algorithm: str) -> Any | None:
        """The public key of `key_id`, or None; raises KeysUnavailable."""
        now = self._clock()
        unknown, stale = key_id not in self._keys, now - self._fetched > _FRESH
        under_way = self._flight is not None and not self._flight.done()
        if (unknown and under_way) or ((unknown or stale) and now - self._tried > _COOL_DOWN):
            await self._refresh()
        if not self._keys:
            raise KeysUnavailable(f"the keys at `{self._url}` cannot be fetched")
        return self.known(key_id, algorithm)

    async def _refresh(self) -> None:
        if self._flight is None or self._flight.done():
            self._tried = self._clock()
            self._flight = asyncio.create_task(self._fetch())
        await asyncio.shield(self._flight)

    async def _fetch(self) -> None:
        try:
            reply = await self._send(Call("GET", self._url, operation="jwks", timeout=5.0))
            if reply.status != 200:
                raise ValueError(f"status {reply.status}")
            listed = msgspec.json.decode(reply.body)["keys"]
            keys = {key["kid"]: made for key in listed if _verifies(key) and (made := _made(key)) is not None}
        except (SourceError, ValueError, KeyError, TypeError, msgspec.MsgspecError) as error:
            _log.warning("the keys at %s could not be fetched: %s", self._url, error)
            return
        self._keys, self._fetched = keys, self._clock()


def _verifies(key: Any) -> bool:
    """Public signature keys with an id; a symmetric key in a published set is no key."""
    return (
        isinstance(key, dict)
        and isinstance(key.get("kid"), str)
        and key.get("use", "sig") == "sig"
        and key.get("kty") in ("RSA", "EC", "OKP")
    )


def _made(key: dict[str, Any]) -> jwt.PyJWK | None:
    """The key itself; None for one of a kind we do not know, which must not spoil the others."""
    try:
        return jwt.PyJWK(key)
    except (jwt.PyJWTError, ValueError, TypeError, NotImplementedError) as error:
        _log.warning("the key `%s` is left out: %s", key["kid"], error)
        return None
