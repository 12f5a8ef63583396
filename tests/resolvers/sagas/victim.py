"""A process that dies of its own order: before or after it sends a command, or in the middle of taking it back.

As a program it is a nursery (`bench.kills.nursery`). A process goes on with what the ones before it left, sends one
order, and ends where the task says; the last one ends nowhere, and tells how everything ended.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path

import msgspec

from bench.kills.nursery import breed
from policies.load import load_rules
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
from sources.store import audit, worklist
from sources.store.operations import ENDED, State
from sources.store.store import Store, open_store
from tests.fakes.ledger import NOW, FakeSystems, FakeWriter, Ledger, company
from tests.resolvers.sagas.orders import order

RULES = load_rules(Path(__file__).resolve().parents[3] / "policies" / "rules").writes
PACE = Pace(tries=2, pause=0.005, longest=5.0, pauses=(0.02,), patience=0.05, settling=(0.02,))
CPQ = Asker(subject="cpq", roles=frozenset({"cpq_service"}), human="hana")


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """`key` is the order's, and its account's; None: wait for the end of all there are, and tell. `faults` are what its
    commands meet (see `FakeWriter`); `known` are all accounts."""

    url: str
    durable: str
    ledger: str
    known: tuple[str, ...]
    says: str
    key: str | None = None
    faults: dict[str, list[str]] = {}


class End(msgspec.Struct, frozen=True):
    """How everything ended: `states` by key, as (operation, state), and how many breaks the audit has."""

    states: dict[str, tuple[str, State]]
    breaks: int


class Selective(FakeWriter):
    """The faults are for operations that were not there `before`."""

    before: frozenset[str] = frozenset()

    def fault(self, command: Command, name: str) -> str | None:
        return None if command.operation in self.before else super().fault(command, name)


async def main(task: Task) -> None:
    store = await open_store(task.url)
    writer = Selective(Ledger(Path(task.ledger)), task.faults)
    writer.before = frozenset(each.id for each in await store.read(worklist.page, first=1000))
    systems = FakeSystems(writer, [each for key in task.known for each in company(key)])
    room = Room(store, systems, lambda: RULES, lambda: NOW, "chain", PACE)
    durable = await open_durable(
        task.durable,
        [workflow(room, saga) for saga in WRITES],
        executor="the only one",
        capacity=Capacity(poll=0.05, listen=0.1),
        pulse=Pulse(beat=0.1, silence=1.0),
    )
    writes = Writes(room, durable, WRITES)
    await writes.starting.sweep()
    if task.key is not None:
        asked = Request(asker=CPQ, input=order(account=task.key), key=task.key, correlation=task.key)
        await writes.accept("submitOrder", asked)
        await asyncio.Future()
    ended = await end(store)
    says = Path(task.says)
    says.with_suffix(".new").write_bytes(msgspec.json.encode(ended))
    says.with_suffix(".new").rename(says)  # it is there when it is whole
    await asyncio.Future()


async def end(store: Store) -> End:
    """Waits until every operation has ended."""
    while True:
        found = await store.read(worklist.page, first=1000)
        if all(each.state in ENDED for each in found):
            break
        await asyncio.sleep(0.01)
    breaks = await store.read(lambda connection: len(list(audit.verify(connection))))
    return End({each.idempotency_key or "": (each.id, each.state) for each in found}, breaks)


def starts(task: Task) -> list[Callable[[], None]]:
    return [partial(asyncio.run, main(task))]


if __name__ == "__main__":
    breed(Task, starts)
