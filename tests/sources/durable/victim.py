"""A process to be killed: accepts the orders it is told, or only runs what others accepted."""

import asyncio
import sys
from pathlib import Path

import msgspec

from sources.durable import Role, open_durable
from sources.durable.heartbeat import Pulse
from sources.durable.worker import Capacity
from tests.sources.durable.sagas import Ledger, Order, saga


class Task(msgspec.Struct, frozen=True):
    """What to do. `orders`: by run id; `await_all`: the runs to wait for before leaving, else stay until killed."""

    url: str
    ledger: str
    role: Role = Role.EMBEDDED
    executor: str | None = None
    orders: dict[str, Order] = {}
    await_all: tuple[str, ...] = ()


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def main(task: Task) -> None:
    durable = await open_durable(
        task.url,
        [saga(Ledger(Path(task.ledger)))],
        role=task.role,
        executor=task.executor,
        capacity=Capacity(poll=0.05, listen=0.1),
        pulse=Pulse(beat=0.1, silence=1.0),
    )
    for run_id, order in task.orders.items():
        await durable.start("saga/1", run_id, order)
    say("ready")
    if not task.await_all:
        await asyncio.Future()
    for run_id in task.await_all:
        run = await durable.result(run_id, 120)
        steps = [step.name for step in await durable.checkpoints(run_id)]
        say(msgspec.json.encode([run_id, run.state, run.result, steps]).decode())
    await durable.close()


if __name__ == "__main__":
    asyncio.run(main(msgspec.json.decode(sys.argv[1], type=Task)))
