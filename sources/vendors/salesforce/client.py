"""Speaks SOQL over HTTP: tokens, queries of one moment in one composite batch, pages, error classes."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

import msgspec

from sources.assertion import sign
from sources.decode import decode
from sources.errors import (
    Contended,
    Duplicate,
    Garbled,
    Locked,
    Missing,
    QuotaExhausted,
    Rejected,
    SourceError,
    Throttled,
    Unauthorised,
    Unavailable,
)
from sources.ports import Call, Reply, Send
from sources.tokens import Token, TokenKeeper
from sources.vendors.salesforce import facts, wire
from sources.vendors.salesforce.settings import SalesforceSettings
from sources.vendors.salesforce.soql import Query

T = TypeVar("T")


class Answer(msgspec.Struct):
    """Records of one query; `calls` counts the requests that were made for it and for nobody before it. `more`: the
    rows were cut at the bound."""

    records: list[Any]
    calls: int
    milliseconds: float
    more: bool = False


class _Waiting(msgspec.Struct):
    query: Query
    shape: type[Any]
    future: Any


class Client:
    """One org's client. Queries that are asked within `window` seconds travel together."""

    def __init__(
        self, source: str, settings: SalesforceSettings, send: Send, clock: Callable[[], float] = time.time
    ) -> None:
        self._source, self._settings, self._send, self._clock = source, settings, send, clock
        self._tokens = TokenKeeper(self._token, clock)
        self._waiting: list[_Waiting] = []
        self._flights: set[asyncio.Task[None]] = set()

    async def select(self, query: Query, shape: type[T]) -> Answer:
        """The records of a query as `shape`, pages followed within bounds."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(query, shape, future))
        if len(self._waiting) == 1:
            flight = asyncio.create_task(self._depart())
            self._flights.add(flight)
            flight.add_done_callback(self._flights.discard)
        return await future

    async def get(self, path: str) -> Reply:
        """One plain read below the API's version."""
        return await self._authorised("GET", f"/services/data/{self._settings.api_version}{path}", None, "get")

    async def _depart(self) -> None:
        await asyncio.sleep(self._settings.window)
        waiting, self._waiting = self._waiting, []
        groups = [waiting[start : start + facts.BATCH] for start in range(0, len(waiting), facts.BATCH)]
        await asyncio.gather(*(self._ride(group) for group in groups))

    async def _ride(self, group: Sequence[_Waiting]) -> None:
        try:
            await (self._alone(group[0]) if len(group) == 1 else self._together(group))
        except BaseException as error:
            lost = (
                error if isinstance(error, Exception) else Unavailable(f"the request to `{self._source}` was given up")
            )
            for each in group:
                if not each.future.done():
                    each.future.set_exception(lost)

    async def _alone(self, waiting: _Waiting) -> None:
        path = self._path(waiting.query)
        if len(path) > facts.SHORT_URI:
            await self._together([waiting])
            return
        reply = await self._authorised("GET", f"/services/data/{path}", None, "query")
        page = decode(wire.Page[waiting.shape], reply, self._source)  # type: ignore[name-defined]
        await self._finish(waiting, page, 1, reply.milliseconds)

    async def _together(self, group: Sequence[_Waiting]) -> None:
        requests = [{"method": "GET", "url": self._path(each.query)} for each in group]
        body = msgspec.json.encode({"haltOnError": False, "batchRequests": requests})
        path = f"/services/data/{self._settings.api_version}/composite/batch"
        reply = await self._authorised("POST", path, body, "composite.batch")
        results = decode(wire.Batch, reply, self._source).results
        if len(results) != len(group):
            raise Garbled(f"`{self._source}` answered {len(results)} of {len(group)} queries", source=self._source)
        for number, (each, result) in enumerate(zip(group, results, strict=True)):
            try:
                if result.statusCode != 200:
                    raise failure(self._source, Reply(result.statusCode, {}, bytes(result.result)))
                page = decode(wire.Page[each.shape], bytes(result.result), self._source)  # type: ignore[name-defined]
                await self._finish(each, page, int(number == 0), reply.milliseconds)
            except SourceError as error:
                each.future.set_exception(error)

    async def _finish(self, waiting: _Waiting, page: Any, calls: int, took: float) -> None:
        records = list(page.records)
        shape = waiting.shape
        bound = waiting.query.limit or facts.PAGE * facts.PAGES
        while not page.done and len(records) < bound and calls < facts.PAGES:
            if page.nextRecordsUrl is None:
                raise Garbled(f"`{self._source}` says there is more and not where", source=self._source)
            reply = await self._authorised("GET", page.nextRecordsUrl, None, "query.more")
            page = decode(wire.Page[shape], reply, self._source)  # type: ignore[valid-type]
            records += page.records
            calls, took = calls + 1, took + reply.milliseconds
        if not waiting.future.done():
            waiting.future.set_result(Answer(records, calls, took, not page.done))

    def _path(self, query: Query) -> str:
        what = "queryAll" if query.every else "query"
        return f"{self._settings.api_version}/{what}/?q={quote(query.text(), safe='')}"

    async def _authorised(self, method: str, path: str, body: bytes | None, operation: str) -> Reply:
        """One call with a token; a refused token is replaced once."""
        for attempt in (1, 2):
            token = await self._tokens.get()
            base = (token.instance_url or self._settings.url).rstrip("/")
            headers = {"authorization": f"Bearer {token.value}", "accept": "application/json"}
            if body is not None:
                headers["content-type"] = "application/json"
            reply = await self._send(Call(method, base + path, headers, body, operation))
            if reply.status == 401 and attempt == 1:
                self._tokens.drop(token)
                continue
            if reply.status >= 300:
                raise failure(self._source, reply)
            return reply
        raise Unauthorised(f"`{self._source}` refuses our credentials", source=self._source, status=401)

    async def _token(self) -> Token:
        settings = self._settings
        headers = {"content-type": "application/x-www-form-urlencoded"}
        if settings.private_key is not None and settings.username is not None:
            claims = {
                "iss": settings.client_id,
                "sub": settings.username,
                "aud": settings.audience,
                "exp": int(self._clock()) + facts.ASSERTION_SECONDS,
            }
            form = {
                "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
                "assertion": sign(claims, settings.private_key, "RS256"),
            }
        elif settings.client_secret is not None:
            form = {"grant_type": "client_credentials"}
            pair = f"{settings.client_id}:{settings.client_secret.reveal()}".encode()
            headers["authorization"] = f"Basic {base64.b64encode(pair).decode()}"
        else:
            raise Unauthorised(
                f"`{self._source}` has no credentials: give `client_secret`, or `username` and `private_key`",
                source=self._source,
            )
        address = (settings.login_url or settings.url).rstrip("/") + facts.TOKEN_PATH
        reply = await self._send(Call("POST", address, headers, urlencode(form).encode(), "token"))
        if reply.status == 200:
            answer = decode(wire.Token, reply, self._source)
            return Token(answer.access_token, self._clock() + settings.token_seconds, answer.instance_url)
        if reply.status >= 500 or reply.status == 429:
            raise failure(self._source, reply)
        raise Unauthorised(
            f"`{self._source}` gives no token: check `client_id` and the secret or key",
            source=self._source,
            status=reply.status,
        )


_CLASSES: dict[str, tuple[type[SourceError], str]] = {
    "INVALID_SESSION_ID": (Unauthorised, "refuses our credentials"),
    "UNABLE_TO_LOCK_ROW": (Contended, "has the row locked by somebody else"),
    "DUPLICATE_VALUE": (Duplicate, "has it already"),
    "DUPLICATES_DETECTED": (Duplicate, "has it already"),
    "ENTITY_IS_LOCKED": (Locked, "has the record locked"),
    "NOT_FOUND": (Missing, "has no such record"),
    "SERVER_UNAVAILABLE": (Unavailable, "is not available"),
}


def failure(source: str, reply: Reply) -> SourceError:
    """The class of a refusal; the two meanings of REQUEST_LIMIT_EXCEEDED are told apart by its message."""
    try:
        problems = msgspec.json.decode(reply.body, type=list[wire.Problem])
    except (msgspec.MsgspecError, UnicodeDecodeError):
        problems = []
    problem = problems[0] if problems else wire.Problem()
    code = problem.errorCode or None
    kind, words = _classified(reply.status, problem)
    return kind(f"`{source}` {words}", source=source, status=reply.status, vendor_code=code)


def _classified(status: int, problem: wire.Problem) -> tuple[type[SourceError], str]:
    if problem.errorCode == "REQUEST_LIMIT_EXCEEDED":
        if problem.message.startswith("TotalRequests"):
            return QuotaExhausted, "has no calls left for today"
        return Throttled, "has too many requests at once"
    if problem.errorCode in _CLASSES:
        return _CLASSES[problem.errorCode]
    if status == 429:
        return Throttled, "has too many requests"
    if status == 401:
        return Unauthorised, "refuses our credentials"
    if status >= 500:
        return Unavailable, f"failed ({status})"
    if status == 404:
        return Missing, "has no such record"
    if status == 300:
        return Duplicate, "has it more than once"
    if status in (409, 412):
        return Contended, "changed the record meanwhile"
    return Rejected, f"refuses the request ({problem.errorCode or status})"
