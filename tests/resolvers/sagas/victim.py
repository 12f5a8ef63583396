"""Processes to be killed: they send orders, carry out what they find, and at last tell how everything ended.

Started as a program it is a nursery: it has imported everything, and for every task that it reads it forks a process.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import msgspec

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
from sources.store import audit, exceptions, operations
from sources.store.exceptions import Status
from sources.store.operations import ENDED, State
from sources.store.store import Store, open_store
from tests.fakes.ledger import NOW, FakeSystems, FakeWriter, Ledger, company
from tests.resolvers.sagas.orders import order

T = TypeVar("T")
RULES = load_rules(Path(__file__).resolve().parents[3] / "policies" / "rules").writes
PACE = Pace(tries=2, pause=0.005, longest=5.0, pauses=(0.02,), patience=0.05, settling=(0.02,))
STEPS = (
    "PutDebtor", "PutOrder", "PlaceSalesOrder", "PrepareSubscription", "ReleaseSubscription", "ApproveSalesOrder",
    "GrantRight", "ActivateOrder",
)  # fmt: skip


class Task(msgspec.Struct, frozen=True):
    """What to do: send an order under each of these keys, for an account of the same name, and stay; or (`final`) wait
    for the end of all of them and tell. `known`: all accounts there are."""

    url: str
    durable: str
    ledger: str
    keys: tuple[str, ...]
    known: tuple[str, ...]
    says: str
    final: bool = False


class End(msgspec.Struct, frozen=True):
    """How an operation ended."""

    operation: str
    key: str
    state: str
    owner: str | None
    breaks: int


class Unreliable(FakeWriter):
    """Does to each operation what its id says: nothing, a refusal, an answer lost after it happened or before."""

    def fault(self, command: Command, name: str) -> str | None:
        mark = command.operation
        kind = (None, "refuse", "lose", "lose_before")[int(mark[0], 16) % 4]
        if name != STEPS[int(mark[1], 16) % len(STEPS)]:
            return None
        if kind == "lose_before" and (name, mark) in self.once:
            return None
        self.once.add((name, mark))
        return kind

    once: set[tuple[str, str]]


async def main(task: Task) -> None:
    def say(line: str) -> None:
        with Path(task.says).open("a") as file:
            file.write(f"{line}\n")

    store = await open_store(task.url)
    writer = Unreliable(Ledger(Path(task.ledger)), {}, pause=0.004)
    writer.once = set()
    chain = "chain" if task.url.startswith("sqlite") else f"chain-{len(writer._ledger.effects())}"
    room = Room(
        store,
        FakeSystems(writer, [each for key in task.known for each in company(key)]),
        lambda: RULES,
        lambda: NOW,
        chain,
        PACE,
    )
    durable = await open_durable(
        task.durable,
        [workflow(room, saga) for saga in WRITES],
        capacity=Capacity(poll=0.05, listen=0.1),
        pulse=Pulse(beat=0.1, silence=1.0),
    )
    writes = Writes(room, durable, WRITES)
    await writes.sweep()
    found = {}
    for key in task.keys:
        asker = Asker(subject="cpq", roles=frozenset({"cpq_service"}), human=f"human of {key}")
        start = order(account=key)
        answer = await writes.accept("submitOrder", Request(asker=asker, input=start, key=key, correlation=key))
        assert answer.operation
        found[key] = answer.operation.id
        say("sent")
    if not task.final:
        await asyncio.Future()
    for key, operation in found.items():
        say(msgspec.json.encode(await end(store, key, operation)).decode())
    await durable.close()
    await store.close()
    say("done")


async def end(store: Store, key: str, operation_id: str) -> End:
    for _ in range(4000):
        operation = await store.read(operations.find, operation_id)
        if operation.state in ENDED or operation.state is State.NEEDS_ATTENTION:
            break
        await asyncio.sleep(0.01)
    raised = await store.read(exceptions.of_operation, operation_id)
    owner = next((each.owner for each in raised if each.status is not Status.RESOLVED), None)
    breaks = await store.read(lambda connection: len(list(audit.verify(connection))))
    return End(operation_id, key, operation.state, owner, breaks)


def nursery(shape: type[T], run: Callable[[T], Coroutine[Any, Any, None]]) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them
    for line in sys.stdin:
        task = msgspec.json.decode(line, type=shape)
        child = os.fork()
        if child == 0:
            os.setsid()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            asyncio.run(run(task))
            os._exit(0)
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    nursery(Task, main)
