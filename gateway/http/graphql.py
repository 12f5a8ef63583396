"""The `/graphql` route: a plain ASGI application, so that no request or response object is made on its way."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from time import perf_counter
from typing import Any, Protocol, TypeAlias

from graphql import GraphQLError
from starlette.types import Receive, Scope, Send

from gateway.engine.answer import encode, refused
from gateway.engine.engine import Admit, Question, Response
from gateway.http.admission import CODE, MESSAGE, TURN, Admission, Shed
from gateway.http.bodies import BodyRefused, read_body
from gateway.http.rates import CODE as RATE_LIMITED
from gateway.http.rates import RateLimited, Rates
from gateway.http.requests import (
    EVENT_STREAM,
    JSON,
    PURPOSE,
    RESPONSE_JSON,
    BadRequest,
    accepted,
    check_content_type,
    correlation_id,
    from_body,
    from_query,
    merged,
    wishes,
)
from gateway.http.streams.caller import Caller, Purposes
from gateway.http.streams.events import Asked, EventStreams
from gateway.http.streams.places import RETRY_AFTER, Full
from gateway.http.watch import Watch
from gateway.http.whole import LAST, WHOLE, Header, Whole, lines
from gateway.identity.verify import Unauthenticated, Verifier
from policies.principal import Principal
from policies.purposes import PurposeRefused
from sources.store.errors import StoreError

_log = logging.getLogger("opsgraph.http")
_METHODS = "GET, POST"
Answered: TypeAlias = Callable[[Mapping[str, Any], bool, float, Sequence[str]], None]


def _headers(media_type: str, length: bytes, correlation: bytes) -> list[Header]:
    """What every answer has."""
    return [
        (b"content-length", length),
        (b"content-type", f"{media_type}; charset=utf-8".encode()),
        (b"x-correlation-id", correlation),
        (b"cache-control", b"no-store"),
        (b"vary", b"accept, authorization"),
    ]


_LINES = {each: lines(_headers(each, b"%d", b"%b")) for each in (JSON, RESPONSE_JSON)}  # but for what is filled in


class Engine(Protocol):
    """As much of the engine as the edge needs."""

    async def run(
        self, question: Question, principal: Principal, correlation_id: str, admit: Admit | None, /
    ) -> Response: ...


def unheeded(_body: Mapping[str, Any], _started: bool, _seconds: float, _classes: Sequence[str]) -> None:
    """Nobody counts answers."""


class GraphQLEndpoint:
    """Whether there is room, method, media type and token are looked at before a body is read, and whether there is
    room for its lane before anything is read for the answer.
    `answered` is told of every answer: its body, whether the operation ran, the seconds it took, its classes.
    `purposes` knows which purposes are in force; None where nothing keeps them. `rates` says who may ask now. `streams`
    answers those who ask for an event stream; None where there are none."""

    def __init__(  # noqa: PLR0913 - what a route is made of, all but two with a default
        self,
        engine: Engine,
        verifier: Verifier,
        *,
        body_bytes: int,
        body_timeout: float,
        admission: Admission | None = None,
        answered: Answered = unheeded,
        purposes: Purposes | None = None,
        rates: Rates | None = None,
        streams: EventStreams | None = None,
    ) -> None:
        self._engine, self._verifier = engine, verifier
        self._body_bytes, self._body_timeout = body_bytes, body_timeout
        self._admission, self._answered, self._purposes, self._streams = admission, answered, purposes, streams
        self._rates = rates if rates is not None and rates.on else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request; says nothing to a client that has gone."""
        headers = dict(scope["headers"])
        answering = _Answering(send, scope.get(WHOLE), correlation_id(headers.get(b"x-correlation-id")))
        try:
            if self._admission is not None and self._admission.pressed:
                self._admission.meet(headers.get(b"authorization", b""), scope.get(TURN, self._admission.turn))
            if len(headers) != len(scope["headers"]):
                headers = merged(scope["headers"])
            principal = await self._principal(scope["method"], headers, answering)
            if self._rates is not None:
                self._rates.check(principal)
            watch = Watch(receive, self._body_timeout)
            response = await watch.over(self._response(scope, receive, headers, principal, answering, watch))
            await answering.answer(response)
        except Unauthenticated as error:
            challenge = {"www-authenticate": 'Bearer realm="opsgraph"'}
            await answering.refuse(401, str(error), challenge, code="UNAUTHENTICATED")
        except Shed as error:
            await answering.shed(error.retry_after)
        except RateLimited as error:
            await answering.slow_down(str(error), error.retry_after)
        except BadRequest as error:
            await answering.refuse(error.status, str(error), error.headers)
        except PurposeRefused as error:
            await answering.refuse(403, str(error), {}, code=error.code)
        except Full as error:
            wait = {"retry-after": f"{RETRY_AFTER}"} if error.status != 403 else {}
            await answering.refuse(error.status, str(error), wait, code=error.code)
        except StoreError as error:
            await answering.refuse(503, str(error), {}, code=error.code)
        except BodyRefused as error:
            await answering.refuse(error.status, str(error), {"connection": "close"}, code=error.code)
        except Exception:
            correlation = answering.correlation_id
            _log.exception("a request failed", extra={"correlation_id": correlation})
            message = f"something went wrong here: quote the correlation id `{correlation}`"
            await answering.refuse(500, message, {}, code="INTERNAL")

    async def _principal(self, method: str, headers: Mapping[bytes, bytes], answering: _Answering) -> Principal:
        """Who asks; raises BadRequest for a method or a media type that is not ours, before anybody is asked."""
        if method not in ("GET", "POST"):
            raise BadRequest(405, f"`{method}` is not for GraphQL: send POST, or GET for a query", {"allow": _METHODS})
        media_type = accepted(headers.get(b"accept"))
        if media_type is None or (media_type == EVENT_STREAM and self._streams is None):
            raise BadRequest(406, f"accept `{RESPONSE_JSON}` or `{JSON}`")
        if media_type == EVENT_STREAM:
            answering.streams = True
        else:
            answering.media_type = media_type
        authorization = headers.get(b"authorization")
        known = self._verifier.recall(authorization) if authorization is not None else None
        return known or await self._verifier.principal(authorization)

    async def _response(
        self,
        scope: Scope,
        receive: Receive,
        headers: Mapping[bytes, bytes],
        principal: Principal,
        answering: _Answering,
        watch: Watch,
    ) -> Response | None:
        """What the engine says; None where a stream has said everything."""
        asked = wishes(headers)
        if scope["method"] == "GET":
            question = from_query(scope["query_string"], asked)
        else:
            check_content_type(headers.get(b"content-type", b""))
            question = from_body(await read_body(receive, headers, self._body_bytes), asked)
        watch.running()
        admit = self._admit(scope, headers) if self._admission is not None and self._admission.pressed else None
        if answering.streams or PURPOSE in headers:
            caller = Caller(
                self._verifier,
                self._purposes,
                headers.get(b"authorization"),
                headers.get(PURPOSE),
                answering.correlation_id,
            )
            if answering.streams and self._streams is not None:
                await self._streams.answer(scope, headers, Asked(question, caller, admit), answering.send)
                return None
            principal = await caller.now(question)
        began = perf_counter()
        response = await self._engine.run(question, principal, answering.correlation_id, admit)
        self._answered(response.body, response.started, perf_counter() - began, response.classes)
        return response

    def _admit(self, scope: Scope, headers: Mapping[bytes, bytes]) -> Admit:
        """Raises Shed for a lane that there is no room for."""
        admission, authorization = self._admission, headers.get(b"authorization", b"")
        assert admission is not None  # noqa: S101 - it is short of room
        return partial(admission.check, authorization=authorization, turn=scope.get(TURN, admission.turn))


class _Answering:
    """How one request is answered: by which media type and under which correlation id. `streams`: by an event stream,
    unless it is refused before."""

    __slots__ = ("_whole", "correlation_id", "media_type", "send", "streams")

    def __init__(self, send: Send, whole: Whole | None, correlation: str) -> None:
        self.send, self._whole, self.correlation_id, self.media_type = send, whole, correlation, JSON
        self.streams = False

    async def answer(self, response: Response | None) -> None:
        """What the engine says; None: there is nothing more to say, or nobody to say it to. A request that did not run
        is 400 to those who understand the new media type; the old one always said 200."""
        if response is None:
            return None
        if response.method_not_allowed:
            return await self._write(405, response.body, [(b"allow", b"POST")])
        return await self._write(200 if response.started or self.media_type == JSON else 400, response.body, [])

    async def refuse(self, status: int, message: str, headers: Mapping[str, str], code: str = "BAD_INPUT") -> None:
        """What no engine has seen."""
        body = refused([GraphQLError(message, extensions={"code": code, "retryable": False})], self.correlation_id)
        await self._write(status, body, [(name.encode(), value.encode()) for name, value in headers.items()])

    async def shed(self, seconds: int) -> None:
        """There is no room."""
        known = {"code": CODE, "retryable": True, "retryAfterMs": seconds * 1000}
        body = refused([GraphQLError(MESSAGE, extensions=known)], self.correlation_id)
        await self._write(503, body, [(b"retry-after", b"%d" % seconds)])

    async def slow_down(self, message: str, seconds: float) -> None:
        """The client asks too often."""
        known = {"code": RATE_LIMITED, "retryable": True, "retryAfterMs": math.ceil(seconds * 1000)}
        body = refused([GraphQLError(message, extensions=known)], self.correlation_id)
        await self._write(429, body, [(b"retry-after", b"%d" % math.ceil(seconds))])

    async def _write(self, status: int, body: Mapping[str, Any], extra: list[tuple[bytes, bytes]]) -> None:
        encoded, correlation = encode(body), self.correlation_id.encode()
        if self._whole is not None:
            ours = _LINES[self.media_type] % (len(encoded), correlation)
            if not extra:
                return await self._whole(status, ours, encoded, False)
            ours += lines(each for each in extra if each != LAST)
            return await self._whole(status, ours, encoded, LAST in extra)
        headers = [*_headers(self.media_type, b"%d" % len(encoded), correlation), *extra]
        await self.send({"type": "http.response.start", "status": status, "headers": headers})
        return await self.send({"type": "http.response.body", "body": encoded})
