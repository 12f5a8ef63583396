"""Speaks SOQL over HTTP: tokens, queries of one moment in one composite batch, pages."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

import msgspec

from sources.assertion import sign
from sources.decode import decode
from sources.errors import Garbled, SourceError, Unauthorised
from sources.ports import Call, Effect, Reply, Send
from sources.together import Together
from sources.tokens import Token, TokenKeeper, bearer
from sources.vendors.salesforce import facts, wire
from sources.vendors.salesforce.refusals import failure
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


class _Question(msgspec.Struct, frozen=True):
    query: Query
    shape: type[Any]


class _First(msgspec.Struct):
    """The first page of a query, and what it cost."""

    page: wire.Page[Any]
    calls: int
    milliseconds: float


class Client:
    """One org's client. Queries that are asked within `window` seconds travel together."""

    def __init__(
        self, source: str, settings: SalesforceSettings, send: Send, clock: Callable[[], float] = time.time
    ) -> None:
        self._source, self._settings, self._send, self._clock = source, settings, send, clock
        self._tokens = TokenKeeper(source, self._token, clock)
        self._together = Together[_Question, _First](
            source, window=settings.window, width=settings.concurrency, pack=_batches, travel=self._travel
        )

    async def select(self, query: Query, shape: type[T]) -> Answer:
        """The records of a query as `shape`, pages followed within bounds."""
        first = await self._together.ask(_Question(query, shape))
        page, calls, took = first.page, first.calls, first.milliseconds
        records = list(page.records)
        bound = query.limit or facts.PAGE * facts.PAGES
        for _ in range(facts.PAGES):
            if page.done or len(records) >= bound:
                break
            reply = await self.get(self._next(page), wire.Page[shape], "query.more")  # type: ignore[valid-type]
            page = reply.value
            records += page.records
            calls, took = calls + 1, took + reply.milliseconds
        return Answer(records, calls, took, not page.done)

    async def get(self, path: str, shape: Any, operation: str) -> Reply:
        """One read of a path of the instance; the reply's value is a `shape`."""
        read = partial(_as, self._source, shape)
        return await self.authorised(Call("GET", path, operation=operation, effect=Effect.READ, read=read))

    async def _travel(self, questions: Sequence[_Question]) -> list[_First | SourceError]:
        path, shape = self._path(questions[0].query), questions[0].shape
        if len(questions) == 1 and len(path) <= facts.SHORT_URI:
            reply = await self.get(f"/services/data/{path}", wire.Page[shape], "query")  # type: ignore[valid-type]
            return [_First(reply.value, 1, reply.milliseconds)]
        requests = [{"method": "GET", "url": self._path(each.query)} for each in questions]
        reply = await self.authorised(
            Call(
                "POST",
                f"/services/data/{self._settings.api_version}/composite/batch",
                {"content-type": "application/json"},
                msgspec.json.encode({"haltOnError": False, "batchRequests": requests}),
                "composite.batch",
                effect=Effect.READ,
                read=partial(_parts, self._source, questions),
            )
        )
        return [
            part if isinstance(part, SourceError) else _First(part, int(number == 0), reply.milliseconds)
            for number, part in enumerate(reply.value)
        ]

    def _path(self, query: Query) -> str:
        what = "queryAll" if query.every else "query"
        return f"{self._settings.api_version}/{what}/?q={quote(query.text(), safe='')}"

    def _next(self, page: wire.Page[Any]) -> str:
        """Where a query goes on: below the instance, wherever else it may say."""
        if page.nextRecordsUrl is None or not page.nextRecordsUrl.startswith("/services/data/"):
            raise Garbled(f"`{self._source}` says there is more and not where", source=self._source)
        return page.nextRecordsUrl

    async def authorised(self, call: Call) -> Reply:
        """One call, whose `url` is a path of the instance, with a token; a refused token is replaced once. `call.read`
        raises Unauthorised with status 401."""

        async def with_token(token: Token) -> Reply:
            base = (token.instance_url or self._settings.url).rstrip("/")
            headers = {**call.headers, "authorization": f"Bearer {token.value}", "accept": "application/json"}
            return await self._send(msgspec.structs.replace(call, url=base + call.url, headers=headers))

        return await self._tokens.using(with_token)

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
        body, read = urlencode(form).encode(), partial(_granted, self._source)
        reply = await self._send(Call("POST", address, headers, body, "token", effect=Effect.READ, read=read))
        answer: wire.Token = reply.value
        return Token(answer.access_token, self._clock() + settings.token_seconds, answer.instance_url)

    async def close(self) -> None:
        """Gives up what is under way."""
        await self._together.close()
        await self._tokens.close()


def _granted(source: str, reply: Reply) -> wire.Token:
    if reply.status in (400, 401, 403):
        raise Unauthorised(
            f"`{source}` gives no token: check `client_id` and the secret or key", source=source, status=reply.status
        )
    if reply.status != 200:
        raise failure(source, reply)
    answer = decode(wire.Token, reply, source)
    bearer(answer.access_token, source)
    if answer.instance_url is not None and not answer.instance_url.startswith(("https://", "http://")):
        raise Garbled(f"`{source}` gives a token for a place that is none", source=source, status=reply.status)
    return answer


def _as(source: str, shape: type[T], reply: Reply) -> T:
    if reply.status != 200:
        raise failure(source, reply)
    return decode(shape, reply, source)


def _parts(source: str, questions: Sequence[_Question], reply: Reply) -> list[wire.Page[Any] | SourceError]:
    """A page, or what went wrong, for each query of a batch. Where all failed for one and the same reason that
    lies with the source, that is the answer."""
    results = _as(source, wire.Batch, reply).results
    if len(results) != len(questions):
        raise Garbled(f"`{source}` answered {len(results)} of {len(questions)} queries", source=source, status=200)
    parts = [_part(source, each.shape, result, reply) for each, result in zip(questions, results, strict=True)]
    first = parts[0]
    alike = isinstance(first, SourceError) and all(type(part) is type(first) for part in parts)
    if isinstance(first, SourceError) and alike and (first.sick or isinstance(first, Unauthorised)):
        raise first
    return parts


def _part(source: str, shape: type[Any], result: wire.Result, outer: Reply) -> wire.Page[Any] | SourceError:
    reply = Reply(result.statusCode, outer.headers, bytes(result.result))
    try:
        return _as(source, wire.Page[shape], reply)  # type: ignore[valid-type]
    except SourceError as error:
        return error


def _batches(questions: Sequence[_Question]) -> list[range]:
    count = len(questions)
    return [range(start, min(start + facts.BATCH, count)) for start in range(0, count, facts.BATCH)]
