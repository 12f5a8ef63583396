"""A process that dies of its own writes: each before or after a step that is sent, or in the middle of taking it back.

As a program it is a nursery (`bench.kills.nursery`). The first process sends all of them, and dies once each stands at
the point where it is to; the second goes on with what is left, and tells how everything ended.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path

import msgspec

from bench.kills.nursery import breed
from policies.load import load_rules
from resolvers.desk import Desk
from resolvers.sagas import attempt
from resolvers.sagas.accept import Writes
from resolvers.sagas.answer import Request
from resolvers.sagas.grounds import Asker
from resolvers.sagas.room import Pace, Room
from resolvers.sagas.run import workflow
from resolvers.sagas.writes import WRITES
from sources.canonical.commands import Command
from sources.durable import open_durable
from sources.durable.heartbeat import Pulse
from sources.durable.worker import Capacity
from sources.store import approvals, audit, operations, worklist
from sources.store.operations import ENDED, Outcome, State
from sources.store.store import Store, open_store
from tests.fakes.ledger import NOW, FakeSystems, FakeWriter, Ledger
from tests.fakes.own_ledger import own_ledger
from tests.resolvers.sagas.asked import FULL, SHARED, Walk, arranged, own, walks

RULES = load_rules(Path(__file__).resolve().parents[3] / "policies" / "rules").writes
PACE = Pace(tries=2, pause=0.005, longest=100.0, pauses=(0.02,), patience=0.05, settling=(0.02,))


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """A write of a mutation, with a key and an account of its own, and what its steps meet (see `FakeWriter`)."""

    key: str
    mutation: str
    faults: dict[str, list[str]]


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """`dies`: it sends every point, and ends when all of them are where they crash; else it waits for the end of all
    there are, and tells."""

    url: str
    durable: str
    ledger: str
    says: str
    points: tuple[Point, ...]
    dies: bool


class End(msgspec.Struct, frozen=True):
    """How everything ended: `states` by key, as (operation, state), and how many breaks the audit has."""

    states: dict[str, tuple[str, State]]
    breaks: int


class Together(FakeWriter):
    """Every point has faults of its own; who is to die waits for the others."""

    points: dict[str, Point]
    dying = 0

    def fault(self, command: Command, name: str, key: str) -> str | None:
        point = self.points.get(command.correlation)
        waiting = point.faults.get(key.removeprefix(f"{command.operation}:"), []) if point is not None else []
        return waiting.pop(0) if waiting and not name.startswith("find ") else None

    async def die(self) -> None:
        self.dying += 1
        if self.dying == len(self.points):
            await super().die()
        await asyncio.Future()


async def main(task: Task) -> None:
    store, book = await open_store(task.url), Ledger(Path(task.ledger))
    writer = Together(book, {})
    writer.points = {each.key: each for each in task.points} if task.dies else {}
    setattr(attempt, "Ledger", own_ledger(writer, book))  # noqa: B010 - a class in place of another
    asked = dict(zip((each.key for each in task.points), walks(each.mutation for each in task.points), strict=True))
    shared = [each for each in FULL if isinstance(each, SHARED)]
    records = [record for key, walk in asked.items() for record in arranged(walk, key)]
    room = Room(store, FakeSystems(writer, [*shared, *records]), lambda: RULES, lambda: NOW, "chain", PACE)
    durable = await open_durable(
        task.durable,
        [workflow(room, saga) for saga in WRITES],
        executor="the only one",
        capacity=Capacity(at_work=len(task.points), poll=0.05, listen=0.1),
        pulse=Pulse(beat=0.1, silence=1.0),
    )
    writes = Writes(room, durable, WRITES, patience=0.01)
    await writes.starting.sweep()
    if task.dies:
        await asyncio.gather(*(send(writes, walk, key) for key, walk in asked.items()))
        await asyncio.Future()
    ended = await end(store)
    says = Path(task.says)
    says.with_suffix(".new").write_bytes(msgspec.json.encode(ended))
    says.with_suffix(".new").rename(says)  # it is there when it is whole
    await asyncio.Future()


async def send(writes: Writes, walk: Walk, key: str) -> None:
    """Asked for by a person of its own, and approved by another where somebody has to."""
    asker = msgspec.structs.replace(walk.asker, **{"human" if walk.asker.human else "subject": key})
    request = Request(asker=asker, input=own(walk.given, key), key=key, correlation=key)
    answer = await writes.accept(walk.mutation, request)
    if answer.member is not Outcome.NEEDS_APPROVAL or answer.operation is None:
        return
    store, operation = writes.room.store, answer.operation.id
    while True:
        if (await store.read(operations.find, operation)).state is State.AWAITING_APPROVAL:
            break
        await asyncio.sleep(0.05)
    for wanted in await store.read(approvals.of_operation, operation):
        approver = Asker(subject=f"approves {key}", roles=frozenset({wanted.role}))
        await Desk(writes).approve(approver, wanted.id, wanted.evidence_hash)


async def end(store: Store) -> End:
    """Waits until every operation has ended."""
    while True:
        found = await store.read(worklist.page, first=1000)
        if all(each.state in ENDED for each in found):
            break
        await asyncio.sleep(0.05)
    breaks = await store.read(lambda connection: len(list(audit.verify(connection))))
    return End({each.idempotency_key or "": (each.id, each.state) for each in found}, breaks)


def starts(task: Task) -> list[Callable[[], None]]:
    return [partial(asyncio.run, main(task))]


if __name__ == "__main__":
    breed(Task, starts)
