"""Speaks SuiteQL over HTTP: tokens by signed assertion, bounded concurrency, queries of one moment in one request."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlencode

import msgspec

from sources.assertion import sign
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
from sources.ports import Call, Reply, Send
from sources.tokens import Token, TokenKeeper
from sources.vendors.netsuite.facts import ASSERTION_SECONDS, PAGE, QUERY_PATH, SCOPE, TOKEN_PATH, UNION
from sources.vendors.netsuite.query import Select, split, union
from sources.vendors.netsuite.settings import NetSuiteSettings

_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class _TokenAnswer(msgspec.Struct):
    access_token: str
    expires_in: str | int


class _QueryAnswer(msgspec.Struct):
    items: list[dict[str, Any]]
    hasMore: bool


class _Detail(msgspec.Struct):
    detail: str = ""
    code: str = msgspec.field(name="o:errorCode", default="")


class _Problem(msgspec.Struct):
    code: str = msgspec.field(name="o:errorCode", default="")
    details: list[_Detail] = msgspec.field(name="o:errorDetails", default_factory=list)


class Answer(msgspec.Struct):
    """Rows of one query. `calls` is 1 for one of those who shared a request and 0 for the others."""

    rows: list[dict[str, str]]
    calls: int
    milliseconds: float


class Client:
    """One account's client. Queries that are asked within `window` seconds travel together."""

    def __init__(
        self, source: str, settings: NetSuiteSettings, send: Send, clock: Callable[[], float] = time.time
    ) -> None:
        self._source, self._settings, self._send, self._clock = source, settings, send, clock
        self._url = settings.url.rstrip("/")
        self._tokens = TokenKeeper(self._token, clock)
        self._gate = asyncio.Semaphore(settings.concurrency)
        self._waiting: list[tuple[Select, asyncio.Future[Answer]]] = []
        self._flights: set[asyncio.Task[None]] = set()

    async def select(self, query: Select) -> Answer:
        """At most `query.limit` rows."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((query, future))
        if len(self._waiting) == 1:
            flight = asyncio.create_task(self._depart())
            self._flights.add(flight)
            flight.add_done_callback(self._flights.discard)
        return await future

    async def _depart(self) -> None:
        await asyncio.sleep(self._settings.window)
        waiting, self._waiting = self._waiting, []
        await asyncio.gather(*(self._ride(group) for group in _packed(waiting)))

    async def _ride(self, group: Sequence[tuple[Select, asyncio.Future[Answer]]]) -> None:
        selects = [select for select, _ in group]
        try:
            answers = await self._together(selects)
        except BaseException as error:
            for _, future in group:
                if not future.done():
                    future.set_exception(error if isinstance(error, Exception) else _lost(self._source))
            return
        for (_, future), answer in zip(group, answers, strict=True):
            if not future.done():
                future.set_result(answer)

    async def _together(self, selects: Sequence[Select]) -> list[Answer]:
        if len(selects) == 1:
            rows, took = await self._query(selects[0].text(), selects[0].parameters, min(selects[0].limit, PAGE))
            return [Answer([{name.removeprefix("x_"): value for name, value in row.items()} for row in rows], 1, took)]
        text, parameters = union(selects)
        rows, took = await self._query(text, parameters, PAGE)
        parts = split(selects, rows)
        return [Answer(part, int(number == 0), took) for number, part in enumerate(parts)]

    async def _query(self, text: str, parameters: Sequence[str], limit: int) -> tuple[list[dict[str, str]], float]:
        call = Call(
            "POST",
            f"{self._url}{QUERY_PATH}?limit={limit}&offset=0",
            {"content-type": "application/json", "prefer": "transient"},
            msgspec.json.encode({"q": text, "params": list(parameters)} if parameters else {"q": text}),
            "suiteql",
        )
        async with self._gate:
            reply = await self._authorised(call)
        answer = decode(_QueryAnswer, reply, self._source)
        rows = [
            {name: value for name, value in row.items() if name != "links" and value is not None}
            for row in answer.items
        ]
        if not all(isinstance(value, str) for row in rows for value in row.values()):
            raise Garbled(f"`{self._source}` answered a SuiteQL value that is no text", source=self._source)
        return rows, reply.milliseconds

    async def _authorised(self, call: Call) -> Reply:
        """One call with a token; a refused token is replaced once."""
        for attempt in (1, 2):
            token = await self._tokens.get()
            headers = {**call.headers, "authorization": f"Bearer {token.value}"}
            reply = await self._send(msgspec.structs.replace(call, headers=headers))
            if reply.status == 401 and attempt == 1:
                self._tokens.drop(token)
                continue
            if reply.status >= 300:
                raise failure(self._source, reply)
            return reply
        raise Unauthorised(f"`{self._source}` refuses our credentials", source=self._source, status=401)

    async def _token(self) -> Token:
        settings, now = self._settings, int(self._clock())
        address = f"{self._url}{TOKEN_PATH}"
        claims = {
            "iss": settings.client_id,
            "scope": [SCOPE],
            "aud": address,
            "iat": now,
            "exp": now + ASSERTION_SECONDS,
        }
        assertion = sign(claims, settings.private_key, settings.algorithm, settings.certificate_id)
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": _ASSERTION_TYPE,
            "client_assertion": assertion,
        }
        headers = {"content-type": "application/x-www-form-urlencoded"}
        reply = await self._send(Call("POST", address, headers, urlencode(form).encode(), "token"))
        if reply.status != 200:
            if reply.status >= 500 or reply.status == 429:
                raise failure(self._source, reply)
            raise Unauthorised(
                f"`{self._source}` gives no token: check `client_id`, `certificate_id`, `private_key` and `algorithm`",
                source=self._source,
                status=reply.status,
            )
        answer = decode(_TokenAnswer, reply, self._source)
        return Token(answer.access_token, now + int(answer.expires_in))


def _packed(
    waiting: Sequence[tuple[Select, asyncio.Future[Answer]]],
) -> list[list[tuple[Select, asyncio.Future[Answer]]]]:
    """Groups whose limits fit into one answer; a query that may fill an answer alone travels alone."""
    groups: list[list[tuple[Select, asyncio.Future[Answer]]]] = []
    room: list[int] = []
    for each in waiting:
        wanted = each[0].limit
        for index, group in enumerate(groups):
            if room[index] >= wanted and len(group) < UNION:
                group.append(each)
                room[index] -= wanted
                break
        else:
            groups.append([each])
            room.append(PAGE - wanted)
    return groups


def _lost(source: str) -> SourceError:
    return Unavailable(f"the request to `{source}` was given up", source=source)


def failure(source: str, reply: Reply) -> SourceError:
    """The class of a refusal (vendors' own words stay out of the message)."""
    try:
        problem = msgspec.json.decode(reply.body, type=_Problem)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        problem = _Problem()
    detail = problem.details[0] if problem.details else _Detail()
    code = detail.code or problem.code
    known = {"source": source, "status": reply.status, "vendor_code": code or None}
    if reply.status == 401:
        return Unauthorised(f"`{source}` refuses our credentials", **known)  # type: ignore[arg-type]
    if reply.status == 429 or code in ("CONCURRENCY_LIMIT_EXCEEDED", "SSS_REQUEST_LIMIT_EXCEEDED"):
        return Throttled(f"`{source}` has too many requests at once", **known)  # type: ignore[arg-type]
    if reply.status >= 500:
        return Unavailable(f"`{source}` failed ({reply.status})", **known)  # type: ignore[arg-type]
    if code == "RCRD_HAS_BEEN_CHANGED":
        return Contended(f"somebody else changed the record in `{source}`", **known)  # type: ignore[arg-type]
    if code == "IDEMPOTENCY_ERROR" or "already exists" in detail.detail:
        return Duplicate(f"`{source}` has it already", **known)  # type: ignore[arg-type]
    if "accounting period" in detail.detail:
        return Locked(f"the posting period is closed in `{source}`", **known)  # type: ignore[arg-type]
    if code == "NONEXISTENT_ID" or reply.status == 404:
        return Missing(f"`{source}` has no such record", **known)  # type: ignore[arg-type]
    return Rejected(f"`{source}` refuses the request ({code or reply.status})", **known)  # type: ignore[arg-type]
