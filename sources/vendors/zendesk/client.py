"""Speaks Zendesk over HTTP: tokens, identical reads of one moment joined."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Generic, TypeVar
from urllib.parse import urlencode

import msgspec

from sources.decode import decode
from sources.errors import Unauthorised
from sources.flights import Flights
from sources.ports import Call, Effect, Reply, Report, Send
from sources.tokens import Token, TokenKeeper, bearer, lifetime
from sources.vendors.zendesk import wire
from sources.vendors.zendesk.facts import API, TOKEN_PATH
from sources.vendors.zendesk.refusals import failure
from sources.vendors.zendesk.settings import ZendeskSettings

T = TypeVar("T")


class Exchanged(msgspec.Struct, Generic[T], frozen=True):
    """What a writer's request was answered; header names in lower case."""

    value: T
    headers: Mapping[str, str]


class Client:
    """One account's client."""

    def __init__(
        self, source: str, settings: ZendeskSettings, send: Send, clock: Callable[[], float] = time.time
    ) -> None:
        self._source, self._settings, self._send, self._clock = source, settings, send, clock
        self._url = settings.url.rstrip("/")
        self._tokens = TokenKeeper(source, self._token, clock)
        self._flights = Flights(source)

    async def get(self, path: str, parameters: Mapping[str, str], shape: type[T], report: Report, operation: str) -> T:
        """One read as `shape`, counted in `report`; the same read under way is joined."""
        query = f"?{urlencode(parameters)}" if parameters else ""
        url = f"{self._url}{API}{path}{query}"
        if (url, shape) in self._flights:
            report.joined += 1
        else:
            report.calls += 1
        call = Call("GET", url, operation=operation, effect=Effect.READ, read=partial(_as, self._source, shape))
        reply = await self._flights.join((url, shape), partial(self.authorised, call))
        report.milliseconds += reply.milliseconds
        value: T = reply.value
        return value

    async def exchange(
        self,
        method: str,
        path: str,
        shape: type[T],
        operation: str,
        *,
        effect: Effect,
        parameters: Mapping[str, str] | None = None,
        body: object = None,
        key: str | None = None,
    ) -> Exchanged[T]:
        """One request of a writer, never joined with another; raises the class of the refusal. `key` is the idempotency
        key, which the creation of tickets alone knows."""
        url = f"{self._url}{API}{path}{'?' if parameters else ''}{urlencode(parameters or {})}"
        headers = {"idempotency-key": key} if key is not None else {}
        content = None if body is None else msgspec.json.encode(body)
        headers |= {} if content is None else {"content-type": "application/json"}
        read = partial(_as, self._source, shape)
        reply = await self.authorised(Call(method, url, headers, content, operation, effect=effect, read=read))
        return Exchanged(reply.value, reply.headers)

    async def authorised(self, call: Call) -> Reply:
        """One call with a token; a refused token is replaced once. `call.read` raises Unauthorised with status 401."""

        async def with_token(token: Token) -> Reply:
            headers = {**call.headers, "authorization": f"Bearer {token.value}", "accept": "application/json"}
            return await self._send(msgspec.structs.replace(call, headers=headers))

        return await self._tokens.using(with_token)

    async def _token(self) -> Token:
        settings = self._settings
        body = {
            "grant_type": "client_credentials",
            "client_id": settings.client_id,
            "client_secret": settings.client_secret.reveal(),
            "scope": settings.scope,
            "expires_in": settings.token_seconds,
        }
        headers, content = {"content-type": "application/json"}, msgspec.json.encode(body)
        address, read = f"{self._url}{TOKEN_PATH}", partial(_granted, self._source, settings.token_seconds)
        reply = await self._send(Call("POST", address, headers, content, "token", effect=Effect.READ, read=read))
        value, seconds = reply.value
        return Token(value, self._clock() + seconds)

    async def close(self) -> None:
        """Gives up what is under way."""
        await self._flights.close()
        await self._tokens.close()


def _as(source: str, shape: type[T], reply: Reply) -> T:
    if reply.status not in (200, 201):
        raise failure(source, reply)
    return decode(shape, reply, source)


def _granted(source: str, asked: int, reply: Reply) -> tuple[str, int]:
    """A token and the seconds it lives, `asked` where that is not said."""
    if reply.status in (400, 401, 403):
        raise Unauthorised(
            f"`{source}` gives no token: check `client_id`, `client_secret` and `scope`",
            source=source,
            status=reply.status,
        )
    if reply.status not in (200, 201):
        raise failure(source, reply)
    answer = decode(wire.TokenAnswer, reply, source)
    seconds = asked if answer.expires_in is None else lifetime(answer.expires_in, source)
    return bearer(answer.access_token, source), seconds
