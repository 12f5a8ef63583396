"""Speaks SuiteQL over HTTP: tokens by signed assertion, queries of one moment in one request."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

import msgspec

from sources.assertion import sign
from sources.decode import decode
from sources.errors import Garbled, Unauthorised
from sources.ports import Call, Effect, Reply, Send
from sources.together import Together
from sources.tokens import Token, TokenKeeper, bearer, lifetime
from sources.vendors.netsuite.facts import (
    ASSERTION_SECONDS,
    PAGE,
    QUERY_PATH,
    RECORD_PATH,
    REQUEST_ID,
    SCOPE,
    STRICT,
    TOKEN_PATH,
    UNION,
)
from sources.vendors.netsuite.query import Select, alone, demand_keys, split, union
from sources.vendors.netsuite.refusals import failure
from sources.vendors.netsuite.settings import NetSuiteSettings

_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
Row = dict[str, str]
T = TypeVar("T")
_EXACT = msgspec.json.Encoder(decimal_format="number")  # amounts as JSON numbers, digit for digit


class _TokenAnswer(msgspec.Struct):
    access_token: str
    expires_in: str | int


class _QueryAnswer(msgspec.Struct):
    items: list[dict[str, Any]]
    hasMore: bool


class Answer(msgspec.Struct):
    """Rows of one query. `calls` is 1 for one of those who shared a request and 0 for the others."""

    rows: list[Row]
    calls: int
    milliseconds: float


class Saved(msgspec.Struct, frozen=True):
    """What a write was answered: the record's id, and what the vendor calls the request."""

    key: str
    request_id: str | None


class Client:
    """One account's client. Queries that are asked within `window` seconds travel together."""

    def __init__(
        self, source: str, settings: NetSuiteSettings, send: Send, clock: Callable[[], float] = time.time
    ) -> None:
        self._source, self._settings, self._send, self._clock = source, settings, send, clock
        self._url = settings.url.rstrip("/")
        self._tokens = TokenKeeper(source, self._token, clock)
        self._together = Together[Select, Answer](
            source, window=settings.window, width=settings.concurrency, pack=_packed, travel=self._travel
        )

    async def select(self, query: Select) -> Answer:
        """At most `query.limit` rows."""
        return await self._together.ask(query)

    async def _travel(self, selects: Sequence[Select]) -> list[Answer]:
        text, parameters, limit = selects[0].text(), selects[0].parameters, min(selects[0].limit, PAGE)
        if len(selects) > 1:
            (text, parameters), limit = union(selects), PAGE
        reply = await self.authorised(
            Call(
                "POST",
                f"{self._url}{QUERY_PATH}?limit={limit}&offset=0",
                {"content-type": "application/json", "prefer": "transient"},
                msgspec.json.encode({"q": text, "params": list(parameters)} if parameters else {"q": text}),
                "suiteql",
                effect=Effect.READ,
                read=partial(_parts, self._source, selects, limit),
            )
        )
        return [Answer(rows, int(number == 0), reply.milliseconds) for number, rows in enumerate(reply.value)]

    async def record(self, shape: type[T], kind: str, key: str) -> T:
        """One record with its sublists; raises Missing where there is none."""
        address = f"{self._url}{RECORD_PATH}/{kind}/{quote(key, safe='')}?expandSubResources=true"
        read = partial(_shown, self._source, shape)
        reply = await self.authorised(Call("GET", address, {}, operation=f"{kind}.get", effect=Effect.READ, read=read))
        found: T = reply.value
        return found

    async def save(self, method: str, path: str, body: Mapping[str, Any], operation: str) -> Saved:
        """One write below `record/v1`, never sent twice: whoever called looks whether it happened. `path` is made of
        our own words and of ids that are digits. Decimals are sent as numbers."""
        headers = {"content-type": "application/json", STRICT: "Error"}
        address, content = f"{self._url}{RECORD_PATH}/{path}", _EXACT.encode(body)
        call = Call(
            method,
            address,
            headers,
            content,
            operation,
            effect=Effect.UPSERT,
            read=partial(_saved, self._source),
        )
        saved: Saved = (await self.authorised(call)).value
        return saved

    def now(self) -> datetime:
        """The present, UTC."""
        return datetime.fromtimestamp(self._clock(), UTC)

    async def authorised(self, call: Call) -> Reply:
        """One call with a token; a refused token is replaced once. `call.read` raises Unauthorised with status 401."""

        async def with_token(token: Token) -> Reply:
            headers = {**call.headers, "authorization": f"Bearer {token.value}"}
            return await self._send(msgspec.structs.replace(call, headers=headers))

        return await self._tokens.using(with_token)

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
        body, read = urlencode(form).encode(), partial(_granted, self._source, now)
        reply = await self._send(Call("POST", address, headers, body, "token", effect=Effect.READ, read=read))
        token: Token = reply.value
        return token

    async def close(self) -> None:
        """Gives up what is under way."""
        await self._together.close()
        await self._tokens.close()


def _granted(source: str, now: int, reply: Reply) -> Token:
    """The token of an answer; `now` is when the assertion was signed."""
    if reply.status in (400, 401, 403):
        raise Unauthorised(
            f"`{source}` gives no token: check `client_id`, `certificate_id`, `private_key` and `algorithm`",
            source=source,
            status=reply.status,
        )
    if reply.status != 200:
        raise failure(source, reply)
    answer = decode(_TokenAnswer, reply, source)
    return Token(bearer(answer.access_token, source), now + lifetime(answer.expires_in, source))


def _shown(source: str, shape: type[T], reply: Reply) -> T:
    if reply.status != 200:
        raise failure(source, reply)
    return decode(shape, reply, source)


def _saved(source: str, reply: Reply) -> Saved:
    """The id at the end of `Location`. Raises the class of a refusal."""
    if reply.status != 204:
        raise failure(source, reply)
    key = reply.headers.get("location", "").rpartition("/")[2]
    if not (key.isascii() and key.isdigit()):
        raise Garbled(f"`{source}` does not say which record it saved", source=source, status=reply.status)
    return Saved(key, reply.headers.get(REQUEST_ID))


def _parts(source: str, selects: Sequence[Select], limit: int, reply: Reply) -> list[list[Row]]:
    """The rows of each query of an answer. Raises the class of a refusal, and Garbled for what are no such rows."""
    if reply.status != 200:
        raise failure(source, reply)
    answer = decode(_QueryAnswer, reply, source)
    rows = [
        {name: value for name, value in row.items() if name != "links" and value is not None} for row in answer.items
    ]
    if not all(isinstance(value, str) for row in rows for value in row.values()):
        raise Garbled(f"`{source}` answered a SuiteQL value that is no text", source=source, status=reply.status)
    if answer.hasMore and len(rows) < limit:
        raise Garbled(f"`{source}` says there is more, and shows less than it may", source=source, status=reply.status)
    try:
        parts = split(selects, rows) if len(selects) > 1 else [alone(rows)]
        for select, part in zip(selects, parts, strict=True):
            demand_keys(select, part)
    except KeyError as error:
        raise Garbled(f"`{source}` answered rows that nobody asked for", source=source, status=reply.status) from error
    return parts


def _packed(selects: Sequence[Select]) -> list[list[int]]:
    """Groups whose limits fit into one answer; a query that may fill an answer alone travels alone."""
    groups: list[list[int]] = []
    room: list[int] = []
    for number, select in enumerate(selects):
        for index, group in enumerate(groups):
            if room[index] >= select.limit and len(group) < UNION:
                group.append(number)
                room[index] -= select.limit
                break
        else:
            groups.append([number])
            room.append(PAGE - select.limit)
    return groups
