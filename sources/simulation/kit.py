"""What every simulator app is made of: a call log, a place for faults, and a clock that tests can turn."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

CONTROL = "/_simulator"


class Clock:
    """Wall time plus an offset; `advance` moves it."""

    def __init__(self, start: datetime | None = None) -> None:
        self._offset = (start - datetime.now(UTC)) if start else timedelta(0)

    def now(self) -> datetime:
        """The simulator's present, UTC."""
        return datetime.now(UTC) + self._offset

    def advance(self, seconds: float) -> None:
        """Moves the present forward."""
        self._offset += timedelta(seconds=seconds)


class Call(msgspec.Struct):
    """One request a simulator answered."""

    method: str
    path: str
    query: str
    status: int = 0
    milliseconds: float = 0.0


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

        fault: Fault | None = self._owner.state.fault
        answer = await fault(scope) if fault else None
        await (answer or self._app)(scope, receive, watched)


def simulator_app(routes: Sequence[BaseRoute], *, clock: Clock, token_paths: Sequence[str] = ()) -> Starlette:
    """A Starlette app with the log under `app.state.calls`, the fault under `app.state.fault` (None), the clock under
    `app.state.clock`, where tokens are fetched under `app.state.token_paths`, and a control page at `/_simulator/calls`
    (GET lists and counts, DELETE forgets)."""
    log = CallLog()

    async def control(request: Request) -> Response:
        if request.method == "DELETE":
            log.reset()
        counted = [{"call": name, "count": count} for name, count in sorted(log.by_path().items())]
        return JSONResponse({"total": len(log.calls), "tokens": log.tokens, "calls": counted})

    app = Starlette(routes=[Route(f"{CONTROL}/calls", control, methods=["GET", "DELETE"]), *routes])
    app.state.calls, app.state.clock, app.state.fault = log, clock, None
    app.state.token_paths = tuple(token_paths)
    app.add_middleware(_Watched, log=log, token_paths=frozenset(token_paths), owner=app)
    return app
