"""What every simulator app is made of: a call log, a ledger of effects, a place for faults, and a clock to turn."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from zlib import crc32

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

CONTROL = "/_simulator"


class Clock:
    """Wall time plus an offset; `advance` moves it, `set` to an instant."""

    def __init__(self, start: datetime | None = None) -> None:
        self._offset = (start - datetime.now(UTC)) if start else timedelta(0)

    def now(self) -> datetime:
        """The simulator's present, UTC."""
        return datetime.now(UTC) + self._offset

    def advance(self, seconds: float) -> None:
        """Moves the present forward."""
        self._offset += timedelta(seconds=seconds)

    def set(self, at: datetime) -> None:
        """It is that instant now."""
        self._offset = at - datetime.now(UTC)


class _Moment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    now: Annotated[datetime, msgspec.Meta(tz=True)]


class Call(msgspec.Struct):
    """One request a simulator answered. `body` is a check sum of what came with it."""

    method: str
    path: str
    query: str
    status: int = 0
    milliseconds: float = 0.0
    body: int = 0


class Connection(msgspec.Struct, frozen=True):
    """How a gateway reaches a simulator: its `[sources.NAME]` table, secrets by reference, and what those stand for."""

    table: dict[str, object]
    secrets: dict[str, str]


class CallLog:
    """Remembers the last `bound` calls and counts them all; token requests are counted apart."""

    def __init__(self, bound: int = 10_000) -> None:
        self._bound = bound
        self.calls: list[Call] = []
        self.tokens = 0

    def add(self, call: Call) -> None:
        """Records one call."""
        if len(self.calls) >= self._bound:
            del self.calls[: self._bound // 2]
        self.calls.append(call)

    def reset(self) -> None:
        """Forgets everything."""
        self.calls.clear()
        self.tokens = 0

    def by_path(self) -> Counter[str]:
        """How often each `METHOD path` was called."""
        return Counter(f"{call.method} {call.path}" for call in self.calls)

    def distinct(self) -> int:
        """How many different questions were asked: one that is repeated is the same."""
        return len({(call.method, call.path, call.query, call.body) for call in self.calls})


class Written:
    """The business effects of one simulator, in the order in which they happened: each exactly once, when it has
    happened. A refusal, a preview and the replay of an answer are none; neither is data that was loaded."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.effects: list[dict[str, str | int]] = []

    def add(self, kind: str, key: str, **more: str | int | None) -> None:
        """Records one effect. `kind`: `order.create`, `invoice.finalise`, `ticket.update` ...; `key`: the vendor's id
        of what was changed. `more`, where it is known: `external_id`, `idempotency_key`, `operation` (the gateway's,
        found in the record), `amount` (the vendor's own unit: an int of minor units, or decimal text), `currency` ...;
        what is None is left out. Money is never a float."""
        known = {name: value for name, value in more.items() if value is not None}
        self.effects.append({"at": self._clock.now().isoformat(), "kind": kind, "key": key, **known})

    def of(self, kind: str) -> list[dict[str, str | int]]:
        """The effects of one kind, in order."""
        return [effect for effect in self.effects if effect["kind"] == kind]

    def by_kind(self) -> Counter[str]:
        """How many effects of each kind there were."""
        return Counter(str(effect["kind"]) for effect in self.effects)

    def reset(self) -> None:
        """Forgets everything."""
        self.effects.clear()


Holdings = dict[str, dict[str, dict[str, Any]]]
"""What a simulator holds: every record by its kind (as the effects call it) and its id, with all that belongs to it and
without the moment when it was saved last. Copies: what happens later does not change them."""

Fault = Callable[[Scope], Awaitable[Response | None]]
"""Looks at a request before the simulator does: a response to answer instead, or None to let it pass, perhaps late."""


class _Watched:
    """Logs each call, and asks the fault (if one is set) before the simulator answers."""

    def __init__(self, app: ASGIApp, log: CallLog, token_paths: frozenset[str], owner: Starlette) -> None:
        self._app, self._log, self._tokens, self._owner = app, log, token_paths, owner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(CONTROL):
            await self._app(scope, receive, send)
            return
        call = Call(scope["method"], scope["path"], scope["query_string"].decode("latin-1"))
        if scope["path"] in self._tokens:
            self._log.tokens += 1
        else:
            self._log.add(call)
        started = time.perf_counter()

        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start":
                call.status = message["status"]
                call.milliseconds = (time.perf_counter() - started) * 1000
            await send(message)

        async def heard() -> Message:
            message = await receive()
            call.body = crc32(message.get("body", b""), call.body)
            return message

        fault: Fault | None = self._owner.state.fault
        answer = await fault(scope) if fault else None
        await (answer or self._app)(scope, heard, watched)


def simulator_app(
    routes: Sequence[BaseRoute],
    *,
    clock: Clock,
    token_paths: Sequence[str] = (),
    written: Written | None = None,
    holdings: Callable[[], Holdings] = dict,
) -> Starlette:
    """A Starlette app with the log under `app.state.calls`, the effects under `app.state.written`, the fault under
    `app.state.fault` (None), the clock under `app.state.clock`, where tokens are fetched under `app.state.token_paths`,
    and control pages at `/_simulator/calls`, `/_simulator/written` (GET lists and counts, DELETE forgets),
    `/_simulator/holdings` (GET: all that it holds, as one moment between two requests has it) and `/_simulator/clock`
    (GET `now`, PUT another one: it is the clock of all simulators that share it)."""
    log, ledger = CallLog(), written or Written(clock)

    async def control(request: Request) -> Response:
        if request.method == "DELETE":
            log.reset()
        counted = [{"call": name, "count": count} for name, count in sorted(log.by_path().items())]
        told = {"total": len(log.calls), "distinct": log.distinct(), "tokens": log.tokens, "calls": counted}
        return JSONResponse(told)

    async def effects(request: Request) -> Response:
        if request.method == "DELETE":
            ledger.reset()
        counted = dict(sorted(ledger.by_kind().items()))
        return JSONResponse({"total": len(ledger.effects), "kinds": counted, "written": ledger.effects})

    async def held(request: Request) -> Response:
        return Response(msgspec.json.encode(holdings()), media_type="application/json")

    async def time_of_day(request: Request) -> Response:
        if request.method == "PUT":
            try:
                clock.set(msgspec.json.decode(await request.body(), type=_Moment).now)
            except (msgspec.DecodeError, OverflowError) as error:
                return JSONResponse({"error": f"an instant is expected, such as 2027-01-01T00:00:00Z: {error}"}, 400)
        return JSONResponse({"now": clock.now().isoformat()})

    pages = [
        Route(f"{CONTROL}/calls", control, methods=["GET", "DELETE"]),
        Route(f"{CONTROL}/written", effects, methods=["GET", "DELETE"]),
        Route(f"{CONTROL}/holdings", held),
        Route(f"{CONTROL}/clock", time_of_day, methods=["GET", "PUT"]),
    ]
    app = Starlette(routes=[*pages, *routes])
    app.state.calls, app.state.written, app.state.clock, app.state.fault = log, ledger, clock, None
    app.state.token_paths = tuple(token_paths)
    app.add_middleware(_Watched, log=log, token_paths=frozenset(token_paths), owner=app)
    return app
