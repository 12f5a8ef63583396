"""A gate in front of the simulators that lets calls through in waves: how many there are is how deep a question goes.

Calls wait at the gate until nobody comes any more and nothing is under way, then all of them go at once. Whatever needs an
answer first is in a later wave.
"""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

import httpx2
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.peers import serving

_QUIET = 0.2  # seconds after which nobody else is expected
_HOPS = frozenset({"host", "connection", "content-length", "transfer-encoding", "content-encoding"})


class Gate:
    """Counts waves; `calls` are the paths of each."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []
        self._lock = threading.Condition()
        self._waiting: list[str] = []
        self._under_way = 0
        self._changed = 0.0
        self._ended = False
        self._thread = threading.Thread(target=self._open, daemon=True)
        self._thread.start()

    def pass_through(self, name: str) -> None:
        """Waits for the next wave."""
        with self._lock:
            self._waiting.append(name)
            self._changed = time.monotonic()
            wave = len(self.calls)
            self._lock.wait_for(lambda: len(self.calls) > wave or self._ended)

    def done(self) -> None:
        """One call of the wave has been answered."""
        with self._lock:
            self._under_way -= 1
            self._changed = time.monotonic()

    def forget(self) -> None:
        """Counts anew."""
        with self._lock:
            self.calls.clear()

    def close(self) -> None:
        """Lets everybody go."""
        with self._lock:
            self._ended = True
            self._lock.notify_all()
        self._thread.join(5)

    def _open(self) -> None:
        while not self._ended:
            time.sleep(0.01)
            with self._lock:
                quiet = time.monotonic() - self._changed > _QUIET
                if self._waiting and quiet and not self._under_way:
                    self.calls.append(self._waiting)
                    self._under_way, self._waiting = len(self._waiting), []
                    self._lock.notify_all()


@contextmanager
def gated(upstreams: Mapping[str, str]) -> Iterator[tuple[Gate, dict[str, str]]]:
    """A gate, and the addresses of its doors by name. Questions for tokens go past it."""
    gate = Gate()
    with ExitStack() as stack:
        client = stack.enter_context(httpx2.Client(timeout=30))
        doors = {name: stack.enter_context(serving(_door(gate, client, name, url))) for name, url in upstreams.items()}
        stack.callback(gate.close)
        yield gate, doors


def _door(gate: Gate, client: httpx2.Client, name: str, upstream: str) -> Starlette:
    async def answer(request: Request) -> Response:
        body = await request.body()
        return await run_in_threadpool(_passed, request, body)

    def _passed(request: Request, body: bytes) -> Response:
        free = "token" in request.url.path
        if not free:
            gate.pass_through(f"{name} {request.method} {request.url.path}")
        try:
            headers = {key: value for key, value in request.headers.items() if key == "host" or key not in _HOPS}
            url = f"{upstream}{request.url.path}?{request.url.query}"
            told = client.request(request.method, url, content=body, headers=headers)
        finally:
            if not free:
                gate.done()
        kept = {key: value for key, value in told.headers.items() if key not in _HOPS}
        return Response(told.content, told.status_code, kept)

    return Starlette(routes=[Route("/{rest:path}", answer, methods=["GET", "POST", "PATCH", "PUT", "DELETE"])])
