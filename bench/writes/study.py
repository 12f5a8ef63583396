"""One layout under load: reads alone, then reads with orders beside them, in turns."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from datetime import time as time_of_day
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import msgspec

from bench.kills import books
from bench.kills.crew import Clock, Town
from bench.kills.orders import Buyer, Kind, Order, find_buyers
from bench.processes import PYTHON, ROOT, Cores, Program, free_port
from bench.resilience.scene import call
from bench.writes.client import Load, Times
from sources.catalog import open_catalog

_DOCUMENT = ROOT / "bench" / "home" / "documents" / "lookup.graphql"
_ROLE = "auditor"
_ACCOUNTS = 300
_READ_RATE = 40.0
_WARM = 3.0
_DRAINED = 900.0


class Layout(msgspec.Struct, frozen=True):
    """`apart`: the gateway only enqueues, and a worker runs. `rate` orders a second; times in milliseconds that
    accepting may add at p50 and p99 (None: not bounded). `crowded`: the worker works while the load runs."""

    name: str
    apart: bool
    rate: float
    p50: float | None
    p99: float | None
    crowded: bool = False


DISTRIBUTED = Layout("distributed, PostgreSQL", True, 25.0, 5.0, 15.0)
CROWDED = Layout("distributed, PostgreSQL, the worker at work on the same cores", True, 25.0, None, None, crowded=True)
EMBEDDED = Layout("embedded, SQLite", False, 5.0, 5.0, 40.0)


class Turn(msgspec.Struct, frozen=True):
    """Reads alone, and reads with orders beside them."""

    alone: Times
    beside: Times


class House:
    """The company, and a layout in front of it."""

    def __init__(
        self, stack: ExitStack, layout: Layout, folder: Path, store: str, durable: str, *, accounts: int = _ACCOUNTS
    ) -> None:
        cores = Cores()
        company = [PYTHON, "-m", "bench.writes.company", "--accounts", str(accounts)]
        known = json.loads(stack.enter_context(Program("company", company, cores.upstream)).line(180))
        file = folder / "town.json"
        file.write_text(json.dumps(known))
        self._layout, self._store, self._cores = layout, store, cores
        self._token: str = known["tokens"][_ROLE]
        noon = datetime.combine(datetime.now(UTC).date(), time_of_day(12), UTC)
        ahead = (noon - datetime.now(UTC)).total_seconds()
        self._keys, self._today = (f"order-{number}" for number in range(1_000_000)), noon.date()
        self._port = free_port()
        places = ["--town", str(file), "--store", store, "--durable", durable, "--ahead", str(ahead)]
        role = "gateway" if layout.apart else "embedded"
        gateway = [PYTHON, "-m", "bench.writes.program", "--role", role, "--port", str(self._port), *places]
        self._worker: Program | None = None
        self._ready(stack, role, gateway, cores.server)
        self._buyers = [each for each in _buyers(known, Clock(ahead)) if self._is_whole(each)]
        if layout.apart:
            worker = [PYTHON, "-m", "bench.writes.program", "--role", "worker", *places]
            self._worker = self._ready(stack, "worker", worker, cores.upstream)

    def _ready(self, stack: ExitStack, name: str, command: Sequence[str], core: int | None) -> Program:
        program = stack.enter_context(Program(name, command, core))
        while program.line() != "ready":
            pass
        return program

    def _is_whole(self, buyer: Buyer) -> bool:
        """Whether a lookup of it has no errors: two accounts claim one record of billing on purpose."""
        headers = {"authorization": f"Bearer {self._token}", "content-type": "application/json"}
        answer = call("POST", f"http://127.0.0.1:{self._port}/graphql", _lookup(buyer), headers)
        return "errors" not in answer

    def turn(self, seconds: float) -> Turn:
        """One turn; the next one begins when all its orders have ended."""
        with self._resting():
            alone = self._load(seconds, ())
            beside = self._load(seconds, tuple(islice(self._orders(), int(self._layout.rate * seconds))))
        deadline = time.monotonic() + _DRAINED
        while books.under_way(self._store).operations:
            assert time.monotonic() < deadline, "the orders do not end"
            time.sleep(0.5)
        return Turn(alone, beside)

    @contextmanager
    def _resting(self) -> Iterator[None]:
        """A worker on a machine of its own takes no processor from the gateway: here it stands still meanwhile."""
        if self._worker is None or self._layout.crowded:
            yield
            return
        os.kill(self._worker.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self._worker.pid, signal.SIGCONT)

    def warm(self) -> None:
        """Connections, plans, tokens, facts."""
        self.turn(_WARM)

    def _orders(self) -> Iterator[Order]:
        for key, buyer in zip(self._keys, cycle(self._buyers), strict=False):
            yield Order(key, buyer, Kind.PLAIN, None, self._today)

    def _load(self, seconds: float, orders: tuple[Order, ...]) -> Times:
        reads = tuple(map(_lookup, self._buyers))
        load = Load(self._port, self._token, seconds, reads, _READ_RATE, orders, self._layout.rate)
        with Program("load", [PYTHON, "-m", "bench.writes.client"], self._cores.generator) as client:
            client.say(msgspec.json.encode(load).decode())
            return msgspec.json.decode(client.line(seconds + 120), type=Times)


def _lookup(buyer: Buyer) -> str:
    return json.dumps({"query": _DOCUMENT.read_text(), "variables": {"id": buyer.account}})


def _buyers(known: Mapping[str, Any], clock: Clock) -> list[Buyer]:
    async def find() -> list[Buyer]:
        catalog = open_catalog(Town(known["sources"], known["secrets"]).settings().sources)
        try:
            return await find_buyers(catalog, clock())
        finally:
            await catalog.close()

    return asyncio.run(find())
