"""A process is killed in the middle of its orders, again and again: none is lost, none doubled, none half done."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec
import pytest

from tests.fakes.ledger import Ledger
from tests.resolvers.sagas.test_order import BACK, FORWARD
from tests.resolvers.sagas.victim import End, Task

ROOT = Path(__file__).resolve().parents[3]
ROUNDS, AT_ONCE = 20, 3

pytestmark = [pytest.mark.crash, pytest.mark.slow]


class Nursery:
    """Forks the processes that are killed, from a `module` that has imported everything."""

    def __init__(self, folder: Path, module: str = "tests.resolvers.sagas.victim") -> None:
        self._folder, self._number = folder, 0
        self._process = subprocess.Popen(
            [sys.executable, "-m", module],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )

    @contextmanager
    def victim(
        self, database: str, keys: Iterable[str], known: Iterable[str], *, final: bool = False
    ) -> Iterator[Path]:
        """A process in a group of its own, killed when the block ends; where it tells what it has done."""
        says = self.ear()
        durable = database.replace("opsgraph.db", "durable.db")
        task = Task(database, durable, str(self._folder / "ledger"), tuple(keys), tuple(known), str(says), final)
        with self.running(task):
            yield says

    def ear(self) -> Path:
        """Where the next process is to tell what it has done."""
        self._number += 1
        says = self._folder / f"says-{self._number}"
        says.touch()
        return says

    @contextmanager
    def running(self, task: msgspec.Struct) -> Iterator[None]:
        """A process with this task, killed when the block ends."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{msgspec.json.encode(task).decode()}\n")
        self._process.stdin.flush()
        child = int(self._process.stdout.readline())
        try:
            yield
        finally:
            with suppress(ProcessLookupError):
                os.killpg(child, signal.SIGKILL)

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


def lines(says: Path, number: int, seconds: float = 60.0) -> list[str]:
    """What a process has told, once it is so many lines."""
    deadline = time.monotonic() + seconds
    while len(told := says.read_text().splitlines()) < number and time.monotonic() < deadline:
        time.sleep(0.002)
    assert len(told) >= number
    return told


def until(ledger: Ledger, effects: int) -> None:
    """Wait until so many effects have happened, or no more come."""
    deadline = time.monotonic() + 4
    while len(ledger.effects()) < effects and time.monotonic() < deadline:
        time.sleep(0.001)


@pytest.fixture
def nursery(tmp_path: Path) -> Iterator[Nursery]:
    open_now = Nursery(tmp_path)
    yield open_now
    open_now.close()


@pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
def test_orders_survive_kills(database: str, nursery: Nursery, tmp_path: Path) -> None:
    chance, ledger = random.Random(20261121), Ledger(tmp_path / "ledger")
    keys: list[str] = []
    in_the_middle = 0
    for number in range(ROUNDS):
        new = [f"order-{number}-{each}" for each in range(AT_ONCE)]
        keys += new
        had = len(ledger.effects())
        with nursery.victim(database, new, keys) as says:
            lines(says, chance.randrange(1, AT_ONCE + 1))
            until(ledger, had + chance.randrange(1, 16))
            time.sleep(chance.random() * 0.02)
        in_the_middle += had < len(ledger.effects()) < had + AT_ONCE * len(FORWARD)
    assert in_the_middle > ROUNDS / 2, "too many kills came before or after the work"
    with nursery.victim(database, keys, keys, final=True) as says:
        said = [line for line in lines(says, 2 * len(keys) + 1, 240.0) if line not in ("sent", "done")]
    ends = [msgspec.json.decode(line, type=End) for line in said]
    assert [end.key for end in ends] == keys, "none is lost"
    assert len({end.operation for end in ends}) == len(keys)
    assert {end.breaks for end in ends} == {0}, "the audit holds"
    for end in ends:
        check(ledger, end)
    assert set(Counter(end.state for end in ends)) == {"COMPLETED", "COMPENSATED", "NEEDS_ATTENTION"}


def check(ledger: Ledger, end: End) -> None:
    effects = ledger.effects(end.operation)
    assert len({effect.key for effect in effects}) == len(effects), "none is doubled"
    done = [effect.command for effect in effects]
    if end.state == "COMPLETED":
        assert done == FORWARD
    if end.state == "COMPENSATED":
        forward = [each for each in done if each in FORWARD]
        assert done == [*forward, *(BACK[each] for each in reversed(forward) if each in BACK)]
        assert ledger.open_records(end.operation) == set(), "nothing is left behind"
    if end.state == "NEEDS_ATTENTION":
        assert end.owner
        assert done == FORWARD[: len(done)], "past the point of no return, with an owner"
        assert "ReleaseSubscription" in done
