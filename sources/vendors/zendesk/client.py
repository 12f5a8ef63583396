"""Speaks Zendesk over HTTP: tokens, error classes, identical reads of one moment joined."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import TypeVar
from urllib.parse import urlencode

import msgspec

from sources.decode import decode
from sources.errors import Contended, Locked, Missing, Rejected, SourceError, Throttled, Unauthorised, Unavailable
from sources.ports import Call, Reply, Report, Send
from sources.tokens import Token, TokenKeeper
from sources.vendors.zendesk import wire
from sources.vendors.zendesk.facts import API, TOKEN_PATH
from sources.vendors.zendesk.settings import ZendeskSettings

T = TypeVar("T")


class Client:
    """One account's client."""

    def __init__(
        self, source: str, settings: ZendeskSettings, send: Send, clock: Callable[[], float] = time.time
    ) -> None:
        self._source, self._settings, self._send, self._clock = source, settings, send, clock
        self._url = settings.url.rstrip("/")
        self._tokens = TokenKeeper(self._token, clock)
        self._gate = asyncio.Semaphore(settings.parallel)
        self._flights: dict[str, asyncio.Task[Reply]] = {}

    async def get(self, path: str, parameters: Mapping[str, str], shape: type[T], report: Report, operation: str) -> T:
        """One read as `shape`, counted in `report`; the same read under way is joined."""
        query = f"?{urlencode(parameters)}" if parameters else ""
        url = f"{self._url}{API}{path}{query}"
        flight = self._flights.get(url)
        if flight is None:
            flight = self._flights[url] = asyncio.create_task(self._read(url, operation))
            flight.add_done_callback(lambda _: self._flights.pop(url, None))
            report.calls += 1
        else:
            report.joined += 1
        reply = await asyncio.shield(flight)
        report.milliseconds += reply.milliseconds
        return decode(shape, reply, self._source)

    async def _read(self, url: str, operation: str) -> Reply:
        async with self._gate:
            for attempt in (1, 2):
                token = await self._tokens.get()
                headers = {"authorization": f"Bearer {token.value}", "accept": "application/json"}
                reply = await self._send(Call("GET", url, headers, operation=operation))
                if reply.status == 401 and attempt == 1:
                    self._tokens.drop(token)
                    continue
                if reply.status != 200:
                    raise failure(self._source, reply)
                return reply
        raise Unauthorised(f"`{self._source}` refuses our credentials", source=self._source, status=401)

    async def _token(self) -> Token:
        settings = self._settings
        body = {
            "grant_type": "client_credentials",
            "client_id": settings.client_id,
            "client_secret": settings.client_secret.reveal(),
            "scope": settings.scope,
            "expires_in": settings.token_seconds,
        }
        headers = {"content-type": "application/json"}
        call = Call("POST", f"{self._url}{TOKEN_PATH}", headers, msgspec.json.encode(body), "token")
        reply = await self._send(call)
        if reply.status in (200, 201):
            answer = decode(wire.TokenAnswer, reply, self._source)
            return Token(answer.access_token, self._clock() + (answer.expires_in or settings.token_seconds))
        if reply.status >= 500 or reply.status == 429:
            raise failure(self._source, reply)
        raise Unauthorised(
            f"`{self._source}` gives no token: check `client_id`, `client_secret` and `scope`",
            source=self._source,
            status=reply.status,
        )


def failure(source: str, reply: Reply) -> SourceError:
    """The class of a refusal; bodies may be plain text."""
    try:
        problem = msgspec.json.decode(reply.body, type=wire.Problem).error
    except (msgspec.MsgspecError, UnicodeDecodeError):
        problem = None
    code = problem if isinstance(problem, str) else None
    wait = reply.headers.get("retry-after", "")
    after = float(wait) if wait.isdigit() else None
    status = reply.status
    kind, message = _classified(status, code, source)
    return kind(message, source=source, status=status, vendor_code=code, retry_after=after)


def _classified(status: int, code: str | None, source: str) -> tuple[type[SourceError], str]:
    if status == 429:
        return Throttled, f"`{source}` has too many requests"
    if status >= 500 or code == "unavailable":
        return Unavailable, f"`{source}` failed ({status})"
    if status == 401:
        return Unauthorised, f"`{source}` refuses our credentials"
    if status == 403:
        return Unauthorised, f"`{source}` misses a scope: widen `scope`"
    if status == 404:
        return Missing, f"`{source}` has no such record"
    if status == 409:
        return Contended, f"somebody else changed the record in `{source}`"
    if status == 422 and code == "RecordLocked":
        return Locked, f"the record is closed in `{source}`"
    return Rejected, f"`{source}` refuses the request ({code or status})"
