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
_EARLY = 300.0  # seconds after which a key set in use is asked for anew, in the background
_FRESH = 600.0  # seconds a key set is used without having asked again
_SMALLEST = 2048  # bits of an RSA key (RFC 7518, section 3.3)
_COOL_DOWN = 5.0  # seconds between fetches that an unknown key id or a failure may cause


class KeysUnavailable(Exception):
    """The issuer's keys cannot be fetched and none are remembered."""


class KeySet:
    """One issuer's keys. Fetches are single-flight; a failed one leaves the old keys in use."""

    def __init__(self, url: str, send: Send, clock: Callable[[], float] = time.monotonic) -> None:
        self._url, self._send, self._clock = url, send, clock
        self._keys: dict[str, jwt.PyJWK] = {}
        self._published: dict[str, dict[str, Any]] = {}
        self._fetched = self._tried = self._due = float("-inf")
        self._failed = False
        self._flight: asyncio.Task[None] | None = None

    def known(self, key_id: str, algorithm: str) -> jwt.PyJWK | None:
        """The key, if it is remembered and for this algorithm: no I/O."""
        found = self._keys.get(key_id)
        return found if found is not None and found.algorithm_name == algorithm else None

    def holds(self, key_id: str, key: jwt.PyJWK) -> bool:
        """Whether a key that verified something is still one of the set. Never waits: a set that gets old is asked for
        in the background; of one that nobody has asked for in a long time, nothing is said to be held."""
        now = self._clock()
        if now >= self._due:
            if self._overdue(now):
                return False
            self._start(now)
        return self._keys.get(key_id) is key

    async def get(self, key_id: str, algorithm: str) -> jwt.PyJWK | None:
        """The public key of `key_id`, or None; raises KeysUnavailable."""
        now = self._clock()
        under_way = self._flight is not None and not self._flight.done()
        if (key_id not in self._keys and (under_way or now - self._tried > _COOL_DOWN)) or self._overdue(now):
            await self._refresh(now)
        elif now >= self._due:
            self._start(now)
        if not self._keys:
            raise KeysUnavailable(f"the keys at `{self._url}` cannot be fetched")
        return self.known(key_id, algorithm)

    def _overdue(self, now: float) -> bool:
        """Too old to be used without asking; while the issuer is away, nobody waits for it a second time."""
        return not self._failed and now - self._fetched > _FRESH

    async def _refresh(self, now: float) -> None:
        await asyncio.shield(self._start(now))

    def _start(self, now: float) -> asyncio.Task[None]:
        if self._flight is None or self._flight.done():
            self._tried, self._due = now, now + _COOL_DOWN
            self._flight = asyncio.create_task(self._fetch())
        return self._flight

    async def _fetch(self) -> None:
        try:
            reply = await self._send(Call("GET", self._url, operation="jwks", timeout=5.0))
            if reply.status != 200:
                raise ValueError(f"status {reply.status}")
            listed = msgspec.json.decode(reply.body)["keys"]
            published = {key["kid"]: key for key in listed if _verifies(key)}
            keys = {key_id: made for key_id, key in published.items() if (made := self._made(key)) is not None}
        except (SourceError, ValueError, KeyError, TypeError, msgspec.MsgspecError) as error:
            _log.warning("the keys at %s could not be fetched: %s", self._url, error)
            self._failed = True
            return
        self._keys, self._published = keys, published
        self._fetched, self._failed = self._clock(), False
        self._due = self._fetched + _EARLY

    def _made(self, key: dict[str, Any]) -> jwt.PyJWK | None:
        """The key; the same object as long as the issuer says the same of it."""
        key_id = key["kid"]
        return self._keys.get(key_id) if self._published.get(key_id) == key else _made(key)


def _verifies(key: Any) -> bool:
    """Public signature keys with an id; a symmetric key in a published set is no key."""
    return (
        isinstance(key, dict)
        and isinstance(key.get("kid"), str)
        and key.get("use", "sig") == "sig"
        and "verify" in (key.get("key_ops") or ("verify",))
        and key.get("kty") in ("RSA", "EC", "OKP")
    )


def _made(key: dict[str, Any]) -> jwt.PyJWK | None:
    """The key itself; None for one of a kind we do not know, which must not spoil the others."""
    try:
        made = jwt.PyJWK(key)
    except (jwt.PyJWTError, ValueError, TypeError, NotImplementedError) as error:
        _log.warning("the key `%s` is left out: %s", key["kid"], error)
        return None
    if key["kty"] == "RSA" and made.key.key_size < _SMALLEST:
        _log.warning("the key `%s` is left out: it has less than %d bits", key["kid"], _SMALLEST)
        return None
    return made
