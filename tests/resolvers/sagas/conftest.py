"""Governed writes over a store, durable work and systems of a test's own."""

import asyncio
import itertools
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from policies.load import load_rules
from resolvers.sagas.accept import Writes
from resolvers.sagas.answer import Answer, Request
from resolvers.sagas.grounds import Asker
from resolvers.sagas.instruction import ATTENTION, Action, Instruction
from resolvers.sagas.notes import STARTS_LATER
from resolvers.sagas.room import Pace, Room
from resolvers.sagas.run import workflow
from resolvers.sagas.writes import WRITES
from sources.durable import open_durable
from sources.durable.worker import Capacity, Worker
from sources.store import approvals, audit, exceptions, operations, steps
from sources.store.operations import ENDED, Operation, State
from sources.store.store import open_store
from tests.databases import fresh_postgres, fresh_sqlite
from tests.fakes.ledger import NOW, FakeSystems, FakeWriter, Ledger, company

RULES = load_rules(Path(__file__).resolve().parents[3] / "policies" / "rules").writes
QUICK = Pace(tries=2, pause=0.001, longest=0.2, pauses=(0.02,), patience=0.05, settling=(0.02,), attention=600.0)
CPQ = Asker(subject="cpq", roles=frozenset({"cpq_service"}), human="hana")
AGENT = Asker(subject="ada", roles=frozenset({"support_agent"}))
LEAD = Asker(subject="lea", roles=frozenset({"support_lead"}))


class Clock:
    """Time that goes on by itself, from a day of the tests' own, and jumps when it is told."""

    def __init__(self) -> None:
        self._started, self._ahead = datetime.now(UTC), timedelta(0)

    def __call__(self) -> datetime:
        return NOW + (datetime.now(UTC) - self._started) + self._ahead

    def jump(self, by: timedelta) -> None:
        self._ahead += by


class House:
    """Everything a governed write needs, and short ways to look at what came of it."""

    def __init__(self, writes: Writes, ledger: Ledger, systems: FakeSystems, clock: Clock) -> None:
        self.writes, self.ledger, self.systems, self.clock = writes, ledger, systems, clock
        self.store, self.durable = writes.room.store, writes.durable
        self._keys, self._closed = (f"key-{number}" for number in itertools.count()), False

    async def close(self) -> None:
        """Leaves, unless it has."""
        if self._closed:
            return
        self._closed = True
        await self.writes.starting.close()
        if isinstance(self.durable, Worker) and Worker._busy:
            await self.durable.close(grace=1.0)
        await self.store.close()

    async def send(self, mutation: str, given: Any, asker: Asker = CPQ, **more: Any) -> Answer:
        more.setdefault("key", next(self._keys))
        request = Request(asker=asker, input=given, correlation="c-1", **more)
        return await self.writes.accept(mutation, request)

    async def ended(self, answer: Answer) -> Operation:
        """The operation once its run has ended."""
        assert answer.operation
        await self.writes.starting.close()
        await self.durable.result(answer.operation.id, 20)
        operation = await self.operation(answer)
        assert operation.state in ENDED
        return operation

    async def operation(self, answer: Answer) -> Operation:
        assert answer.operation
        return await self.store.read(operations.find, answer.operation.id)

    async def until(self, answer: Answer, state: State) -> Operation:
        for _ in range(2000):
            operation = await self.operation(answer)
            if operation.state is state:
                return operation
            assert operation.state not in ENDED, (operation.state, operation.reason)
            await asyncio.sleep(0.005)
        raise AssertionError(f"it is {operation.state}, not {state}")

    async def waiting(self, answer: Answer) -> Operation:
        """The operation once it waits for its start."""
        async with asyncio.timeout(20):
            while not ((operation := await self.operation(answer)).reason or "").startswith(STARTS_LATER):
                assert operation.state not in ENDED, (operation.state, operation.reason)
                await asyncio.sleep(0.01)
        return operation

    async def look(self, answer: Answer) -> None:
        """Has a run that waits look at our clock: it waits by the engine's own, which no test moves."""
        assert answer.operation
        told = Instruction(action=Action.RESUME, by="the clock", reason="it may be time")
        await self.durable.signal(answer.operation.id, ATTENTION, told)

    async def steps(self, answer: Answer) -> list[steps.Step]:
        assert answer.operation
        return await self.store.read(steps.of_operation, answer.operation.id)

    async def exceptions(self, answer: Answer) -> list[exceptions.ExceptionItem]:
        assert answer.operation
        return await self.store.read(exceptions.of_operation, answer.operation.id)

    async def approvals(self, answer: Answer) -> list[approvals.Approval]:
        assert answer.operation
        return await self.store.read(approvals.of_operation, answer.operation.id)

    async def tell(self, answer: Answer, action: Action, **more: Any) -> None:
        """What a person says about the open exception of an operation."""
        assert answer.operation
        last = (await self.exceptions(answer))[-1]
        told = Instruction(action=action, by="finn", reason="looked into it", exception=last.id, **more)
        await self.durable.signal(answer.operation.id, ATTENTION, told)

    async def audit_breaks(self) -> list[audit.Break]:
        return await self.store.read(lambda connection: list(audit.verify(connection)))

    def sent(self) -> list[str]:
        """What the ledger has of every operation, in order."""
        return [effect.command for effect in self.ledger.effects()]


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    with fresh_postgres() as url:
        yield url


@pytest.fixture(params=["sqlite"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return fresh_sqlite(tmp_path) if request.param == "sqlite" else request.getfixturevalue("postgres")


Open = Callable[..., Awaitable[House]]


@pytest.fixture
async def opened(database: str, tmp_path: Path) -> AsyncIterator[Open]:
    """Opens a house; closes it, or what is open by then, at the end."""
    open_now: list[House] = []

    async def opening(
        faults: Mapping[str, list[str]] | None = None, *, pace: Pace = QUICK, records: Any = None, rules: Any = RULES
    ) -> House:
        clock, ledger = Clock(), Ledger(tmp_path / "ledger")
        systems = FakeSystems(FakeWriter(ledger, faults or {}), company() if records is None else records)
        store = await open_store(database)
        room = Room(store, systems, lambda: rules, clock, f"chain-{uuid.uuid4().hex[:6]}", pace)
        url = database.replace("opsgraph.db", "durable.db")
        durable = await open_durable(
            url, [workflow(room, saga) for saga in WRITES], capacity=Capacity(poll=0.05, listen=0.1)
        )
        open_now.append(House(Writes(room, durable, WRITES, patience=10.0), ledger, systems, clock))
        return open_now[-1]

    yield opening
    for house in open_now:
        await house.close()


@pytest.fixture
async def house(opened: Open) -> House:
    return await opened()
