"""Server-sent events: an operation answered by an event stream, as npm `graphql-sse` asks (distinct connections).

`next` events bring answers, `complete` says that there are no more. A stream that ends without `complete` was cut: its
client comes again by itself. Where there is a reason that it can do something about, a last answer says so.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from typing import Any, Protocol

import msgspec
from starlette.types import Scope, Send

from gateway.engine.answer import encode
from gateway.engine.engine import Admit, Again, Question, Response
from gateway.http.streams.caller import Caller
from gateway.http.streams.ends import DONE, EXPIRED, GONE, STALLED, STOPPING, End
from gateway.http.streams.failing import end_of
from gateway.http.streams.origins import admitted
from gateway.http.streams.pace import Left, Pace, Stalled
from gateway.http.streams.places import Full, Place, Places
from gateway.settings import StreamSettings
from policies.principal import Principal

_ALIVE = b":\n\n"  # a comment: nobody hears it, and it keeps what is in between from taking the stream for dead
_COMPLETE = b"event: complete\ndata:\n\n"
_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"vary", b"accept, authorization"),
    (b"x-accel-buffering", b"no"),
]
Heard = Callable[[Mapping[str, Any]], None]


class Engine(Protocol):
    """As much of the engine as streams need."""

    def subscribe(
        self,
        question: Question,
        principal: Principal,
        correlation_id: str,
        again: Again | None,
        admit: Admit | None,
        /,
    ) -> AsyncGenerator[Response, None]: ...


class Asked(msgspec.Struct, frozen=True):
    """One operation, by whom, and whether there is room for it."""

    question: Question
    caller: Caller
    admit: Admit | None


class EventStreams:
    """Answers by event streams. `heard` is told of every answer that was sent."""

    def __init__(
        self, engine: Engine, places: Places, settings: StreamSettings, heard: Heard = lambda _body: None
    ) -> None:
        self._engine, self._places, self._settings, self._heard = engine, places, settings, heard

    async def answer(self, scope: Scope, headers: Mapping[bytes, bytes], asked: Asked, send: Send) -> None:
        """Answers until there is nothing more, or the stream has to end; whoever cancels it is a client that left.

        Raises Full, Shed, Unauthenticated, PurposeRefused and StoreError before anything is sent.
        """
        if not admitted(headers, self._settings.origins):
            raise Full(403, "FORBIDDEN", "pages of this origin may open no streams here: see `[streams] origins`")
        caller, why = asked.caller, GONE
        with self._places.taken() as place:
            place.belongs(await caller.whose())
            place.end_in(await caller.left(), EXPIRED)
            principal = await caller.now(asked.question)
            answers = self._engine.subscribe(
                asked.question, principal, caller.correlation_id, lambda: caller.now(asked.question), asked.admit
            )
            pace = Pace(scope, send, self._settings.patience)
            try:
                async with aclosing(answers):
                    await self._begin(pace, caller.correlation_id)
                    why = await self._pump(pace, answers, place, caller.correlation_id)
                await self._finish(pace, why, caller.correlation_id)
            except Stalled:
                why = STALLED
                pace.cut()
            except Left:
                why = GONE
            finally:
                self._places.ended.add("sse", why.word)

    async def _begin(self, pace: Pace, correlation_id: str) -> None:
        headers = [*_HEADERS, (b"x-correlation-id", correlation_id.encode())]
        await pace.send({"type": "http.response.start", "status": 200, "headers": headers})
        await pace.send(_body(_ALIVE))  # the head leaves at once, not with the first answer

    async def _pump(
        self, pace: Pace, answers: AsyncGenerator[Response, None], place: Place, correlation_id: str
    ) -> End:
        while True:
            try:
                response = await self._next(pace, answers, place)
            except (Stalled, Left):
                raise
            except Exception as error:
                return end_of(error, correlation_id)
            if isinstance(response, End):
                return response
            await pace.send(_body(_next(response.body)))
            self._places.answers.add("sse")
            self._heard(response.body)
            pace.release()

    async def _next(self, pace: Pace, answers: AsyncGenerator[Response, None], place: Place) -> Response | End:
        """The next answer, or why there is none; says meanwhile that the stream is alive."""
        coming = asyncio.ensure_future(anext(answers))
        either: set[asyncio.Future[Any]] = {coming, place.ending}
        try:
            while not coming.done():
                await asyncio.wait(either, timeout=self._settings.keep_alive, return_when=asyncio.FIRST_COMPLETED)
                if place.ending.done():
                    return place.ending.result()
                if not coming.done():
                    await pace.send(_body(_ALIVE))
            return coming.result()
        except StopAsyncIteration:
            return DONE
        finally:
            if not coming.done():
                coming.cancel()
                await asyncio.wait({coming})
            if not coming.cancelled():
                coming.exception()  # of an answer that nobody waits for any more

    async def _finish(self, pace: Pace, why: End, correlation_id: str) -> None:
        """The last words: a reason where it is not the usual one, and `complete` where nothing more is to be had."""
        if why is not DONE and why is not STOPPING:
            await pace.send(_body(_next(why.told(correlation_id))))
        last = b"" if why.retryable else _COMPLETE
        await pace.send({"type": "http.response.body", "body": last, "more_body": False})


def _next(body: Mapping[str, Any]) -> bytes:
    return b"event: next\ndata: " + encode(body) + b"\n\n"


def _body(chunk: bytes) -> dict[str, Any]:
    return {"type": "http.response.body", "body": chunk, "more_body": True}
