"""Speaks Stripe's API: one key, a pinned version; the same GET at the same time goes out once."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Generic, TypeVar
from urllib.parse import quote, urlencode

import msgspec

from sources.decode import decode
from sources.flights import Flights
from sources.ports import Call, Effect, Reply, Report, Send
from sources.vendors.stripe import facts
from sources.vendors.stripe.refusals import failure
from sources.vendors.stripe.settings import StripeSettings

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
        self._flights = Flights(name)

    async def get(
        self, shape: type[T], path: str, parameters: Parameters, report: Report, operation: str
    ) -> Fetched[T]:
        """GET `path` (from `/v1` on) as `shape`; raises the class of the refusal. The same GET under way is joined."""
        url = f"{self._url}{path}"
        if parameters:
            url = f"{url}?{urlencode(parameters)}"
        if (url, shape) in self._flights:
            report.joined += 1
        else:
            report.calls += 1
        return await self._flights.join((url, shape), partial(self._fetch, shape, url, operation))

    async def exchange(
        self,
        shape: type[T],
        method: str,
        path: str,
        parameters: Parameters,
        operation: str,
        *,
        effect: Effect,
        key: str | None = None,
    ) -> Reply:
        """One request of a writer, never joined with another; the reply's value is of `shape`. Raises the class of the
        refusal. What a POST says goes in its body, what anything else says in its address. `key`: the idempotency key.
        """
        url, headers, body = f"{self._url}{path}", self._headers, None
        if method == "POST":
            headers = {**headers, "content-type": "application/x-www-form-urlencoded"}
            body = urlencode(parameters).encode()
        elif parameters:
            url = f"{url}?{urlencode(parameters)}"
        if key is not None:
            headers = {**headers, "idempotency-key": key}
        read = partial(_as, self.name, shape)
        return await self._send(Call(method, url, headers, body, operation=operation, effect=effect, read=read))

    def now(self) -> datetime:
        """The present, UTC."""
        return datetime.fromtimestamp(self.clock(), UTC)

    async def _fetch(self, shape: type[T], url: str, operation: str) -> Fetched[T]:
        read = partial(_as, self.name, shape)
        reply = await self._send(Call("GET", url, self._headers, operation=operation, effect=Effect.READ, read=read))
        return Fetched(reply.value, self.now())

    async def close(self) -> None:
        """Gives up what is under way."""
        await self._flights.close()


def _as(source: str, shape: type[T], reply: Reply) -> T:
    if reply.status != 200:
        raise failure(source, reply)
    return decode(shape, reply, source)


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
