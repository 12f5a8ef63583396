"""The source of a simulated case: facts that change, weather that changes, and a record of all that was asked of it."""

from __future__ import annotations

import asyncio
import random
from bisect import bisect
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import msgspec

from sources import canonical as c
from sources.canonical import Record, System
from sources.errors import Garbled, Throttled, Unavailable
from sources.pipeline.pipeline import Pipeline
from sources.ports import Ask, Call, Capability, Effect, Reading, Reply, Report, Rows, Send
from tests.fakes.virtual_time import BEGINNING

KEYS = tuple(f"A-{number}" for number in range(12))
ABSENT = KEYS[-2:]  # never there
FAULTS = ("slow", "refused", "reset", "hang", "failing", "throttled", "garbage", "flaky")


class Weather(msgspec.Struct, frozen=True):
    """From when until when (virtual seconds) which fault prevails."""

    since: float
    until: float
    fault: str


class Truth:
    """What is so: every key's version, and when it became so."""

    def __init__(self) -> None:
        self._versions: dict[str, list[float]] = {key: [float("-inf")] for key in KEYS if key not in ABSENT}

    def change(self, key: str, now: float) -> int:
        """A new version; returns its number."""
        self._versions[key].append(now)
        return len(self._versions[key]) - 1

    def version(self, key: str, at: float) -> int:
        """The newest version at an instant."""
        return max(bisect(self._versions[key], at) - 1, 0)

    def was_true(self, key: str, version: int, since: float, until: float) -> bool:
        """Whether a version was the newest one at some instant of a span."""
        changes = self._versions[key]
        began = changes[version]
        ended = changes[version + 1] if version + 1 < len(changes) else float("inf")
        return began <= until and ended >= since

    def exists(self, key: str) -> bool:
        """Whether there is such a record."""
        return key in self._versions


class Source:
    """The other side of the wire. `send` is what a pipeline wraps; it knows what the pipeline must never do."""

    def __init__(self, chance: random.Random, weather: Sequence[Weather], concurrency: int) -> None:
        self.truth, self.calls, self.faults = Truth(), 0, list[str]()
        self.pipeline: Pipeline | None = None
        self._chance, self._weather, self._concurrency = chance, weather, concurrency
        self._running: dict[int, tuple[str, ...]] = {}
        self._probes = 0
        self.most_of_a_key = 0

    async def send(self, call: Call) -> Reply:
        """One request over a wire with weather."""
        keys = tuple(call.operation + each for each in call.url.rpartition("/")[2].split(","))
        self.calls += 1
        number, probe = self.calls, self._look()
        self._running[number] = keys
        for key in keys:
            self.most_of_a_key = max(self.most_of_a_key, sum(key in each for each in self._running.values()))
        if len(self._running) > self._concurrency:
            self.faults.append(f"{len(self._running)} calls at once: {self._concurrency} are allowed")
        try:
            return await self._answer(call, keys)
        finally:
            del self._running[number]
            self._probes -= probe

    def _look(self) -> bool:
        """What the circuit says while a call comes in; whether it is a probe."""
        assert self.pipeline is not None
        state = self.pipeline.state().reads.state
        if state == "open":
            self.faults.append("a call came in while the circuit was open")
        if state != "half_open":
            return False
        self._probes += 1
        if self._probes > 1:
            self.faults.append(f"{self._probes} probes at once")
        return True

    async def _answer(self, call: Call, keys: Sequence[str]) -> Reply:
        fault = self._fault()
        chance = self._chance
        if fault == "refused":
            raise Unavailable("refused", source="crm", unsent=True)
        await asyncio.sleep(chance.uniform(0.005, 0.08))
        if fault == "slow":
            await asyncio.sleep(chance.uniform(0.5, 6.0))
        if fault == "hang":
            await asyncio.sleep(3_600)
        if fault == "reset" or (fault == "flaky" and chance.random() < 0.4):
            raise Unavailable("reset", source="crm")
        status = {"failing": 503, "throttled": 429, "garbage": 299}.get(fault or "", 200)
        reply = Reply(status, {"retry-after": str(chance.choice([0, 1, 3]))}, ",".join(keys).encode())
        if call.read is not None:
            reply.value = call.read(reply)
        return reply

    def _fault(self) -> str | None:
        now = asyncio.get_running_loop().time()
        return next((each.fault for each in self._weather if each.since <= now < each.until), None)


class SimulatedConnector:
    """A connector as a vendor's folder has one: it asks for all keys of a question in one call."""

    name, vendor, system = "crm", "simulated", System.CRM
    account_facet: type[Record] | None = None

    def __init__(self, truth: Truth, send: Send, lag: float) -> None:
        self._truth, self._send, self._lag = truth, send, lag
        self.asked = 0
        self.capabilities: Mapping[tuple[type[Record], str], Capability] = {
            (c.Account, "key"): Capability(),
            (c.Case, "account"): Capability(search_lag=lag),
        }

    async def read(self, ask: Ask) -> Reading:
        """Versions in the names of accounts, and in the subjects of cases."""
        self.asked += 1
        url = f"/{ask.by}/{','.join(ask.keys)}"
        call = Call("GET", url, effect=Effect.READ, operation=ask.by, read=self._read)
        await self._send(call)
        now = asyncio.get_running_loop().time()
        if ask.by != "key":
            now -= self._lag  # what a search index knows
        rows = {key: self._rows(ask, key, now) for key in ask.keys if self._truth.exists(key) or ask.by != "key"}
        return Reading(rows, Report(self.name, calls=1))

    def _rows(self, ask: Ask, key: str, now: float) -> Rows:
        if not self._truth.exists(key):
            return Rows()
        at = datetime.fromtimestamp(BEGINNING + now, UTC)
        version = f"v{self._truth.version(key, now)}"
        if ask.by == "key":
            account = c.Account(
                key=key, source="crm", source_id=key, as_of=at, name=version, lifecycle=c.Lifecycle.ACTIVE
            )
            return Rows([account])
        case = c.Case(
            key=f"C-{key}", source="crm", source_id=key, as_of=at, account_key=key, subject=version,
            status=c.CaseStatus.OPEN,
        )  # fmt: skip
        return Rows([case])

    @staticmethod
    def _read(reply: Reply) -> None:
        if reply.status == 429:
            raise Throttled("too much", source="crm", retry_after=float(reply.headers["retry-after"]) or None)
        if reply.status == 299:
            raise Garbled("nonsense", source="crm")
        if reply.status != 200:
            raise Unavailable("failed", source="crm")

    async def check(self) -> str:
        """Well."""
        return "well"

    async def close(self) -> None:
        """Nothing is open."""


def version_of(record: Record) -> tuple[str, int]:
    """Whose version a record tells, and which."""
    if isinstance(record, c.Case):
        return record.account_key, int((record.subject or "v-1")[1:])
    assert isinstance(record, c.Account)
    return record.key, int(record.name[1:])
