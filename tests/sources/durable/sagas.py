"""Workflows as governed writes will have them: a list of steps, each with do, undo and confirm, against a ledger."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec

from sources.durable import Execution, Workflow


class Order(msgspec.Struct, frozen=True):
    """What a saga is given. `refuse`: the step that the other side refuses for good; `lose`: the one whose answer is
    lost on the way."""

    steps: int = 5
    refuse: int = 0
    lose: int = 0
    pause: float = 0.01


class Outcome(msgspec.Struct, frozen=True):
    """What came of a step: `ok`, `permanent` or `unknown`, and the key it was sent with."""

    kind: str
    key: str


class Ledger:
    """The other side: one line for everything it was ever told, kept outside the process that tells it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, line: str) -> None:
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        try:
            os.write(descriptor, f"{line}\n".encode())
        finally:
            os.close(descriptor)

    def lines(self) -> list[str]:
        return self._path.read_text().splitlines() if self._path.exists() else []

    def of(self, run: str) -> list[str]:
        """What was told about one run, each thing once, in the order of its first time."""
        return list(dict.fromkeys(line.partition(" ")[2] for line in self.lines() if line.startswith(f"{run} ")))


def saga(ledger: Ledger) -> Workflow:
    async def body(execution: Execution, order: Order) -> list[str]:
        done: list[int] = []
        for number in range(1, order.steps + 1):
            outcome = await execution.step(f"do-{number}", told(execution, order, "do", number), Outcome)
            if outcome.kind == "unknown":
                outcome = await execution.step(f"confirm-{number}", told(execution, order, "confirm", number), Outcome)
            if outcome.kind == "permanent":
                for back in reversed(done):
                    await execution.step(f"undo-{back}", told(execution, order, "undo", back), Outcome)
                return ["COMPENSATED"]
            done.append(number)
        return ["COMPLETED"]

    def told(execution: Execution, order: Order, what: str, number: int) -> Callable[[], Awaitable[Outcome]]:
        async def tell() -> Outcome:
            key = f"{execution.id}:{what}-{number}"
            await asyncio.sleep(order.pause / 2)
            if what == "do" and number == order.refuse:
                return Outcome("permanent", key)
            ledger.write(f"{execution.id} {what}-{number}")
            await asyncio.sleep(order.pause / 2)
            return Outcome("unknown" if what == "do" and number == order.lose else "ok", key)

        return tell

    return Workflow(name="saga/1", payload=Order, body=body)


def expected(order: Order) -> list[str]:
    """What the ledger must have heard of one order, in order."""
    heard: list[str] = []
    for number in range(1, order.steps + 1):
        if number == order.refuse:
            return heard + [f"undo-{back}" for back in range(number - 1, 0, -1)]
        heard.append(f"do-{number}")
        if number == order.lose:
            heard.append(f"confirm-{number}")
    return heard
