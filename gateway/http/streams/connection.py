"""One WebSocket: a caller, and the operations that they ask side by side over it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import aclosing
from functools import partial
from typing import Any

import msgspec
from graphql import GraphQLError
from starlette.types import Receive

from gateway.engine.answer import refused
from gateway.engine.engine import Admit, Question
from gateway.http.admission import Admission
from gateway.http.requests import PURPOSE, BadRequest, from_parameters
from gateway.http.streams import messages
from gateway.http.streams.caller import Caller, Purposes
from gateway.http.streams.ends import EXPIRED, FAILED, GONE, LATE, SLOW, STALLED, End, bad, unauthenticated
from gateway.http.streams.events import Engine, Heard
from gateway.http.streams.failing import end_of
from gateway.http.streams.messages import BadMessage, Message
from gateway.http.streams.pace import Left, Pace, Stalled
from gateway.http.streams.places import Full, Place, Places
from gateway.identity.verify import Unauthenticated, Verifier
from gateway.settings import StreamSettings

_WHOLE = frozenset({EXPIRED.word, SLOW.word, FAILED.word})  # ends of an operation that are those of its connection


class Host(msgspec.Struct, frozen=True):
    """What every connection needs. `heard` is told of every answer that was sent."""

    engine: Engine
    verifier: Verifier
    places: Places
    settings: StreamSettings
    admission: Admission | None = None
    purposes: Purposes | None = None
    heard: Heard = lambda _body: None


class Connection:
    """`serve` it once. `given` are the headers with which it was opened, `pace` how it is sent to."""

    def __init__(
        self,
        host: Host,
        receive: Receive,
        pace: Pace,
        place: Place,
        given: Mapping[bytes, bytes],
        correlation_id: str,
    ) -> None:
        self._host, self._receive, self._pace, self._place = host, receive, pace, place
        self._given, self._correlation_id = given, correlation_id
        self._caller: Caller | None = None
        self._running: dict[str, asyncio.Future[None]] = {}

    async def serve(self) -> End:
        """Reads and answers until it is over; why it is."""
        place = self._place
        place.end_in(self._host.settings.init, LATE)
        reading = asyncio.ensure_future(self._read())
        either: set[asyncio.Future[Any]] = {reading, place.ending}
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if place.ending.done():
                return place.ending.result()
            return reading.result()
        except Stalled:
            return STALLED
        except Left:
            return GONE
        except Exception as error:
            return end_of(error, self._correlation_id)
        finally:
            await _ended([reading, *self._running.values()])

    async def _read(self) -> End:
        while True:
            said = await self._receive()
            if said["type"] == "websocket.disconnect":
                return GONE
            if said["type"] != "websocket.receive":
                continue
            try:
                end = await self._hear(messages.heard(said.get("text")))
            except BadMessage as error:
                return bad(str(error))
            if end is not None:
                return end

    async def _hear(self, message: Message) -> End | None:
        """What comes of a message; why the connection ends, where it does."""
        if message.kind == "connection_init":
            return await self._begin(message)
        if message.kind == "ping":
            await self._tell(messages.pong())
        elif message.kind == "subscribe":
            return await self._subscribe(message)
        elif message.kind == "complete" and message.id in self._running:
            await _ended([self._running.pop(message.id)])
        return None

    async def _begin(self, message: Message) -> End | None:
        """A caller says who they are: here, because a browser cannot say it in headers, or where they could there."""
        if self._caller is not None:
            return End("again", 4429, "Too many initialisation requests")
        said = messages.headers(message.payload)
        authorization = said.get(b"authorization", self._given.get(b"authorization"))
        purpose = said.get(PURPOSE, self._given.get(PURPOSE))
        try:
            caller = Caller(self._host.verifier, self._host.purposes, authorization, purpose, self._correlation_id)
            left = await caller.left()
            self._place.belongs(await caller.whose())
        except Unauthenticated as error:
            return unauthenticated(str(error))
        except BadRequest as error:
            return bad(str(error))
        except Full as error:
            return End("full", 1013, str(error), error.code)
        self._place.end_in(left, EXPIRED)
        self._caller = caller
        await self._tell(messages.ack(self._correlation_id))
        return None

    async def _subscribe(self, message: Message) -> End | None:
        """An operation is asked: it is answered beside the others."""
        caller, name = self._caller, message.id
        if caller is None:
            return End("early", 4401, "Unauthorized")
        if name in self._running:
            return End("twice", 4409, f"Subscriber for {name[:64]} already exists")
        most = self._host.settings.operations
        if len(self._running) >= most:
            said = f"{most} operations are open on this connection: complete one first"
            await self._fail(name, said, "RATE_LIMITED")
            return None
        try:
            question = from_parameters(message.payload, may_mutate=True)
        except BadRequest as error:
            await self._fail(name, str(error), "BAD_INPUT")
            return None
        self._running[name] = asyncio.ensure_future(self._answer(name, question, caller))
        return None

    async def _answer(self, name: str, question: Question, caller: Caller) -> None:
        """Answers one operation until it is over, and says so; ends the connection where that is over with it."""
        try:
            await self._answers(name, question, caller)
            await self._tell(messages.complete(name))
        except _Refused as error:
            await self._tell(messages.failed(name, error.errors))
        except Stalled:
            self._place.end(STALLED)
        except Left:
            self._place.end(GONE)
        except Exception as error:
            end = end_of(error, self._correlation_id)
            if end.word in _WHOLE:
                self._place.end(end)
            else:
                await self._tell(messages.failed(name, end.told(self._correlation_id)["errors"]))
        finally:
            if self._running.get(name) is asyncio.current_task():
                del self._running[name]

    async def _answers(self, name: str, question: Question, caller: Caller) -> None:
        principal = await caller.now(question)
        with _Counted(self._host.admission) as counted:
            answers = self._host.engine.subscribe(
                question, principal, self._correlation_id, lambda: caller.now(question), counted.admit(caller)
            )
            async with aclosing(answers):
                async for response in answers:
                    if not response.started:
                        raise _Refused(response.body["errors"])
                    await self._tell(messages.following(name, response.body))
                    self._host.places.answers.add("websocket")
                    self._host.heard(response.body)
                    counted.release()

    async def _fail(self, name: str, message: str, code: str) -> None:
        error = GraphQLError(message, extensions={"code": code, "retryable": False})
        await self._tell(messages.failed(name, refused([error], self._correlation_id)["errors"]))

    async def _tell(self, text: str) -> None:
        await self._pace.send({"type": "websocket.send", "text": text})


class _Refused(Exception):
    """An operation did not run, or may run no longer."""

    def __init__(self, errors: list[dict[str, Any]]) -> None:
        super().__init__("refused")
        self.errors = errors


class _Counted:
    """An operation is under way until its first answer: from then on it is a stream."""

    def __init__(self, admission: Admission | None) -> None:
        self._admission = admission

    def __enter__(self) -> _Counted:
        if self._admission is not None:
            self._admission.under_way += 1
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def release(self) -> None:
        """It is not under way any longer."""
        if self._admission is not None:
            self._admission.under_way -= 1
            self._admission = None

    def admit(self, caller: Caller) -> Admit | None:
        """Raises Shed for a lane that there is no room for; None while there is room for all."""
        admission = self._admission
        if admission is None or not admission.pressed:
            return None
        return partial(admission.check, authorization=caller.authorization, turn=admission.turn)


async def _ended(tasks: list[asyncio.Future[Any]]) -> None:
    """Cancels what still runs, and waits until it is over."""
    for each in tasks:
        each.cancel()
    if tasks:
        await asyncio.wait(tasks)
    for each in tasks:
        if not each.cancelled():
            each.exception()  # of what nobody waits for any more
