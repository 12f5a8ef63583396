"""What is killed: a gateway that accepts orders and a worker that carries them out, or one process that does both.

As a program it is a nursery. A crew is one process group: `kill -9` of the group takes all of it at the same instant.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec

from bench.kills.nursery import breed
from bench.kills.orders import Kind, Order
from bench.processes import ROOT
from gateway.settings import Settings, parse
from policies.load import load_rules
from resolvers.desk import Desk
from resolvers.sagas.accept import Writes
from resolvers.sagas.answer import Request
from resolvers.sagas.grounds import Asker
from resolvers.sagas.instruction import ATTENTION, Action, Instruction
from resolvers.sagas.notes import STARTS_LATER
from resolvers.sagas.opening import Opening, open_writes
from resolvers.sagas.refused import Refused
from resolvers.sagas.room import Pace
from sources.catalog import open_catalog, vendors
from sources.durable import Role
from sources.errors import SourceError
from sources.store import operations, worklist
from sources.store.operations import ENDED, State

RULES = load_rules(ROOT / "policies" / "rules").writes
PACE = Pace(tries=2, pause=0.02, longest=4.0, pauses=(0.1, 0.3, 1.0), patience=60.0, settling=(0.1, 0.3) + (1.0,) * 30)
GOES_ON = tuple(state for state in State if state not in ENDED and state is not State.NEEDS_ATTENTION)
"""The states in which an operation goes on by itself (or waits for an approval, which no order here does)."""
_BEAT, _SILENCE = 0.2, 1.0
_AGAIN, _PATIENCE = 0.05, 40
_ALL = 1_000_000


class Town(msgspec.Struct, frozen=True):
    """How the simulators are reached: `sources` and `secrets` as settings have them."""

    sources: dict[str, Any]
    secrets: dict[str, str]

    def settings(self) -> Settings:
        """A gateway's."""
        return parse({"sources": self.sources, "cache": {"enabled": False}}, self.secrets)


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """`store` and `durable` are addresses of databases; `ahead` how many seconds our clock is before the machine's, so
    that it is the same day at all seats; `apart`: gateway and worker are processes of their own; `name` tells them
    from others of their roles; `orders` are sent at once; `says` is the file for what is told; `ended`: leave when
    nothing goes on by itself any more; `came`: the day of the orders that start later, which are waited for, too."""

    store: str
    durable: str
    town: Town
    ahead: float
    apart: bool
    name: str
    orders: tuple[Order, ...]
    says: str
    ended: bool = False
    came: bool = False


class Said(msgspec.Struct, frozen=True):
    """A line of what a crew tells: the answer to an order. Without a `key`: it is `ready`, or has `ended`."""

    word: str
    key: str = ""
    operation: str = ""
    member: str = ""
    replayed: bool = False


class Clock:
    """The machine's time, and a constant more."""

    def __init__(self, ahead: float) -> None:
        self._ahead = timedelta(seconds=ahead)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self._ahead


def starts(task: Task) -> list[Callable[[], None]]:
    """The processes of a crew."""
    roles = (Role.GATEWAY, Role.WORKER) if task.apart else (Role.EMBEDDED,)
    return [partial(_start, task, role) for role in roles]


def _start(task: Task, role: Role) -> None:
    asyncio.run(_serve(task, role))


async def _serve(task: Task, role: Role) -> None:
    watching = asyncio.create_task(_watch(os.getppid()))
    async with AsyncExitStack() as open_now:
        open_now.callback(watching.cancel)
        catalog = open_catalog(task.town.settings().sources)
        open_now.push_async_callback(catalog.close)
        opening = Opening(
            store=task.store,
            durable=task.durable,
            role=role,
            executor=f"{role} {task.name}",
            beat=_BEAT,
            silence=_SILENCE,
        )
        clock = Clock(task.ahead)
        writes = await open_now.enter_async_context(
            open_writes(opening, catalog, lambda: RULES, clock=clock, pace=PACE)
        )
        if role is Role.WORKER:
            await asyncio.Future()
        says = Path(task.says)
        _say(says, Said("ready"))
        await asyncio.gather(*(_send(writes, order, says) for order in task.orders))
        if not task.ended:
            await asyncio.Future()
        await _all_ended(writes, came=task.came)
        _say(says, Said("ended"))
        os._exit(0)  # whatever is left open is nobody's


async def _watch(parent: int) -> None:
    """Leaves when nobody is there any more to kill it."""
    while os.getppid() == parent:  # noqa: ASYNC110 - there is no event for it
        await asyncio.sleep(1.0)
    os._exit(1)


async def _send(writes: Writes, order: Order, says: Path) -> None:
    """Sends an order as a caller does: under its key, until it is answered."""
    asker = Asker(subject="cpq", roles=frozenset({"cpq_service"}), human=f"human-{order.key}")
    request = Request(asker=asker, input=order.asked(), key=order.key, correlation=order.key)
    while True:
        try:
            answer = await writes.accept("submitOrder", request)
        except SourceError:
            await asyncio.sleep(_AGAIN)  # what has to be known could not be read, and nothing was kept
            continue
        assert answer.operation
        _say(says, Said("answered", order.key, answer.operation.id, answer.member, answer.replayed))
        if order.kind is Kind.RECALLED:
            await _recall(writes, asker, answer.operation.id)
        return


async def _recall(writes: Writes, asker: Asker, operation: str) -> None:
    """Calls an order back as its caller does: until it has ended, or is in somebody's hands."""
    desk = Desk(writes)
    while True:
        with suppress(Refused):  # it has ended just now
            await desk.cancel(asker, operation, "they changed their mind")
        for _ in range(_PATIENCE):
            state = (await writes.room.store.read(operations.find, operation)).state
            if state in ENDED or state is State.NEEDS_ATTENTION:
                return
            await asyncio.sleep(_AGAIN)


def _say(says: Path, said: Said) -> None:
    descriptor = os.open(says, os.O_WRONLY | os.O_APPEND)
    try:
        os.write(descriptor, msgspec.json.encode(said) + b"\n")
    finally:
        os.close(descriptor)


async def _all_ended(writes: Writes, *, came: bool) -> None:
    """Waits until every operation has ended or is in somebody's hands, or waits for a day to come. Where that `came`,
    who waits is told so: engines wait by the machine's time, which did not go on."""
    told: set[str] = set()
    while going := await writes.room.store.read(worklist.page, states=GOES_ON, first=_ALL):
        waiting = {each.id for each in going if (each.reason or "").startswith(STARTS_LATER)}
        if not came and len(waiting) == len(going):
            return
        for each in waiting - told if came else ():
            look = Instruction(action=Action.RESUME, by="the clock", reason="it is time")
            await writes.durable.signal(each, ATTENTION, look)
            told.add(each)
        await asyncio.sleep(_AGAIN)


if __name__ == "__main__":
    import_module("sources.durable.opening")  # what a process loads when it needs it, its children find loaded
    vendors()
    breed(Task, starts)
