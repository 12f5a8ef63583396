"""Real processes are killed in the middle of their work; what they left is finished, nothing lost and nothing twice."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import msgspec
import pytest

from sources.durable import Role
from tests.sources.durable.sagas import Ledger, Order, expected
from tests.sources.durable.victim import Task

ROOT = Path(__file__).resolve().parents[3]
ROUNDS = 20
KINDS = (Order(pause=0.02), Order(pause=0.02, refuse=4), Order(pause=0.02, lose=2))

pytestmark = [pytest.mark.crash, pytest.mark.slow]


@contextmanager
def victim(task: Task) -> Iterator[subprocess.Popen[str]]:
    """A process in a group of its own, killed at the latest when the block ends."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.sources.durable.victim", msgspec.json.encode(task).decode()],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        kill(process)
        if process.stdout:
            process.stdout.close()


def kill(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(30)


def ready(process: subprocess.Popen[str]) -> None:
    assert process.stdout
    assert process.stdout.readline() == "ready\n"


def until(ledger: Ledger, lines: int) -> None:
    """Wait until the ledger has so many lines."""
    deadline = time.monotonic() + 60
    while len(ledger.lines()) < lines and time.monotonic() < deadline:
        time.sleep(0.0005)
    assert len(ledger.lines()) >= lines


def finished(task: Task) -> dict[str, list[object]]:
    """Run a process to its end; what it says of each run."""
    with victim(task) as process:
        ready(process)
        assert process.stdout
        said = [msgspec.json.decode(line) for line in process.stdout]
        assert process.wait(60) == 0
    return {run_id: rest for run_id, *rest in said}


def check(ledger: Ledger, orders: dict[str, Order], ends: dict[str, list[object]], kills: int) -> None:
    for run_id, order in orders.items():
        state, result, steps = ends[run_id]
        assert state == "SUCCEEDED"
        assert result == ["COMPENSATED" if order.refuse else "COMPLETED"]
        assert ledger.of(run_id) == expected(order), "in order, compensation in reverse, nothing left out"
        told = [step for step in steps if step != f"do-{order.refuse}"]  # type: ignore[attr-defined]
        assert told == expected(order), "each step is checkpointed once"
    # A step is told again only if its process was killed before the checkpoint: at most once a kill and a run under way.
    assert len(ledger.lines()) - sum(len(expected(order)) for order in orders.values()) <= kills * len(KINDS) * 2


def test_a_killed_process_goes_on_after_its_next_start(database: str, tmp_path: Path) -> None:
    chance, ledger = random.Random(20261121), Ledger(tmp_path / "ledger")
    orders: dict[str, Order] = {}
    in_flight = 0
    for number in range(ROUNDS):
        new = {f"order-{number}-{kind}": order for kind, order in enumerate(KINDS)}
        orders |= new
        with victim(Task(url=database, ledger=str(tmp_path / "ledger"), orders=new)) as process:
            ready(process)
            wanted = sum(len(expected(order)) for order in orders.values())
            written = len(ledger.lines())
            until(ledger, min(written + chance.randrange(1, 12), wanted - 1))
            time.sleep(chance.random() * 0.02)
            kill(process)
        in_flight += any(ledger.of(run_id) != expected(order) for run_id, order in new.items())
    assert in_flight >= ROUNDS / 2, "too many kills came after the work was done"
    ends = finished(Task(url=database, ledger=str(tmp_path / "ledger"), await_all=tuple(orders)))
    check(ledger, orders, ends, ROUNDS)


def test_another_worker_takes_over_from_a_killed_one(postgres: str, tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger")
    orders = {f"taken-{number}": Order(steps=8, pause=0.05) for number in range(6)}
    task = partial(Task, url=postgres, ledger=str(tmp_path / "ledger"))
    with victim(task(role=Role.WORKER, executor="first")) as first:
        ready(first)
        with victim(task(role=Role.GATEWAY, orders=orders)) as gateway:
            ready(gateway)
        until(ledger, 8)
        with victim(task(role=Role.WORKER, executor="second")) as second:
            ready(second)
            kill(first)
            ends = finished(task(role=Role.GATEWAY, await_all=tuple(orders)))
    check(ledger, orders, ends, kills=1)


def test_a_worker_that_only_seemed_dead_does_no_harm(postgres: str, tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger")
    orders = {f"frozen-{number}": Order(steps=8, pause=0.05) for number in range(6)}
    task = partial(Task, url=postgres, ledger=str(tmp_path / "ledger"))
    with victim(task(role=Role.WORKER, executor="frozen")) as frozen:
        ready(frozen)
        with victim(task(role=Role.GATEWAY, orders=orders)) as gateway:
            ready(gateway)
        until(ledger, 8)
        os.killpg(frozen.pid, signal.SIGSTOP)
        with victim(task(role=Role.WORKER, executor="awake")) as awake:
            ready(awake)
            ends = finished(task(role=Role.GATEWAY, await_all=tuple(orders)))
            os.killpg(frozen.pid, signal.SIGCONT)
            again = finished(task(role=Role.GATEWAY, await_all=tuple(orders)))
    assert again == ends
    check(ledger, orders, ends, kills=1)


def test_a_file_has_one_process(tmp_path: Path) -> None:
    task = Task(url=f"sqlite:///{tmp_path}/opsgraph.db", ledger=str(tmp_path / "ledger"))
    with victim(task) as first:
        ready(first)
        with victim(task) as second:
            assert second.wait(60) == 1
        assert first.poll() is None
        kill(first)
    with victim(task) as third:
        ready(third)
