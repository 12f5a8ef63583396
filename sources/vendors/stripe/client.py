"""Speaks Stripe's API: one key, a pinned version, bounded concurrency; the same GET at the same time goes out once."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Generic, TypeVar
from urllib.parse import quote, urlencode

import msgspec

from sources.decode import decode
from sources.errors import (
    Contended,
    Duplicate,
    Garbled,
    Locked,
    Missing,
    Rejected,
    SourceError,
    Throttled,
    Unauthorised,
    Unavailable,
)
from sources.ports import Call, Reply, Report, Send
from sources.vendors.stripe import facts
from sources.vendors.stripe.settings import StripeSettings
from sources.vendors.stripe.wire import Refusal

T = TypeVar("T")
Parameters = tuple[tuple[str, str], ...]
_ID = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,254}")


class Fetched(msgspec.Struct, Generic[T], frozen=True):
    """An answer and the instant (UTC) it came."""

    value: T
    at: datetime


class Client:
    """One account's client; `report` of each call collects what it cost."""

    def __init__(self, name: str, settings: StripeSettings, send: Send, clock: Callable[[], float] = time.time) -> None:
        self.name, self.settings, self.clock = name, settings, clock
        self._send = send
        self._url = settings.url.rstrip("/")
        self._headers = {
            "authorization": f"Bearer {settings.key.reveal()}",
            "stripe-version": settings.version,
            "accept": "application/json",
        }
        self._gate = asyncio.Semaphore(settings.concurrency)
        self._flights: dict[str, asyncio.Task[tuple[Reply, datetime]]] = {}

    async def get(
        self, shape: type[T], path: str, parameters: Parameters, report: Report, operation: str
    ) -> Fetched[T]:
        """GET `path` (from `/v1` on) as `shape`; raises the class of the refusal."""
        url = f"{self._url}{path}"
        if parameters:
            url = f"{url}?{urlencode(parameters)}"
        reply, at = await self._joined(url, operation, report)
        if reply.status != 200:
            raise failure(self.name, reply)
        return Fetched(decode(shape, reply, self.name), at)

    async def _joined(self, url: str, operation: str, report: Report) -> tuple[Reply, datetime]:
        flight = self._flights.get(url)
        if flight is None:
            report.calls += 1
            flight = self._flights[url] = asyncio.create_task(self._fly(url, operation))
            flight.add_done_callback(lambda done: self._landed(url, done))
        else:
            report.joined += 1
        return await asyncio.shield(flight)

    async def _fly(self, url: str, operation: str) -> tuple[Reply, datetime]:
        async with self._gate:
            reply = await self._send(Call("GET", url, self._headers, operation=operation))
        return reply, datetime.fromtimestamp(self.clock(), UTC)

    def _landed(self, url: str, flight: asyncio.Task[tuple[Reply, datetime]]) -> None:
        self._flights.pop(url, None)
        if not flight.cancelled():
            flight.exception()  # seen, also where everybody who waited has gone

    async def close(self) -> None:
        """Gives up what is under way."""
        flights = list(self._flights.values())
        for flight in flights:
            flight.cancel()
        await asyncio.gather(*flights, return_exceptions=True)


def identifiable(key: str) -> bool:
    """Whether `key` can be an id at all: what cannot be is absent, and never becomes part of an address."""
    return bool(_ID.fullmatch(key)) and key not in (".", "..")


def at(path: str, key: str) -> str:
    """The address of one object below `path`; `key` must be identifiable."""
    return f"{path}/{quote(key, safe='')}"


def expand(names: Sequence[str], *, each: bool = False) -> Parameters:
    """`expand[]` parameters; `each` for the rows of a list. Raises ValueError for what Stripe refuses as too deep."""
    paths = [f"data.{name}" if each else name for name in names]
    for path in paths:
        if path.count(".") >= facts.EXPAND_DEPTH:
            raise ValueError(f"`{path}` is more than {facts.EXPAND_DEPTH} levels deep: read the last one by its id")
    return tuple(("expand[]", path) for path in paths)


def quoted(text: str) -> str:
    """`text` as a value of the search language."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def failure(source: str, reply: Reply) -> SourceError:
    """The class of a refusal. `Stripe-Should-Retry` wins over the status; Stripe's words stay out of the message."""
    try:
        trouble = msgspec.json.decode(reply.body, type=Refusal).error
    except (msgspec.MsgspecError, UnicodeDecodeError):
        trouble = Refusal().error
    kind, message = _class(reply, trouble.code or "", trouble.type or "")
    error = kind(
        f"`{source}` {message}",
        source=source,
        status=reply.status,
        vendor_code=trouble.code or trouble.type,
        retry_after=_seconds(reply.headers.get("retry-after")),
        request_id=reply.headers.get("request-id"),
    )
    advice = reply.headers.get("stripe-should-retry")
    if advice in ("true", "false"):
        error.retryable = advice == "true"
    return error


def _class(reply: Reply, code: str, kind: str) -> tuple[type[SourceError], str]:
    status = reply.status
    known: dict[int, tuple[type[SourceError], str]] = {
        401: (Unauthorised, "refuses our key: check `key`"),
        403: (Unauthorised, "does not let our key read this: give the restricted key that right"),
    }
    if status in known:
        return known[status]
    if status == 429 and "stripe-rate-limited-reason" in reply.headers:
        return Throttled, "has too many requests"
    if status == 409 or code in facts.CONTENDED_CODES:
        return Contended, "has somebody else at work on the same object"
    if status == 429:
        return Throttled, "has too many requests"
    if status >= 500:
        return Unavailable, f"failed ({status})"
    if code in facts.MISSING_CODES:
        return Missing, "has no such object"
    if code in facts.LOCKED_CODES:
        return Locked, "does not change this object any more"
    if code in facts.DUPLICATE_CODES:
        return Duplicate, "has it already"
    if kind or 400 <= status < 500:
        return Rejected, f"refuses the request ({status})"
    return Garbled, f"answered the unexpected status {status}"


def _seconds(text: str | None) -> float | None:
    try:
        return max(0.0, float(text)) if text else None
    except ValueError:
        return None
