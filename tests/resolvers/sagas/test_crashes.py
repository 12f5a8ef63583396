"""A process dies before and after each step of every write, and on the way back: the next one goes on with them.

`tests/bench/test_kills.py` kills at random, over the simulated systems.
"""

import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import msgspec
import pytest

from bench.kills.nursery import Nursery, gone
from sources.store.operations import State
from tests.databases import fresh_postgres
from tests.fakes.ledger import Ledger
from tests.resolvers.sagas.asked import Walk
from tests.resolvers.sagas.test_fault_matrix import WALKS as EVERY
from tests.resolvers.sagas.test_fault_matrix import forward, free, undone
from tests.resolvers.sagas.victim import End, Point, Task

CRASHES = ("crash_before", "crash_after")
WALKS = {walk.mutation: walk for walk in EVERY}

pytestmark = [pytest.mark.crash, pytest.mark.slow]


def points(walk: Walk) -> Iterator[Point]:
    """Every step and whatever takes one back; that happens where the last step that can be refused is."""
    *done, last = free(walk)
    for when in CRASHES:
        for name in forward(walk):
            yield Point(key=f"{walk.mutation} {name} {when}", mutation=walk.mutation, faults={name: [when]})
        for name in undone(done):
            faults = {last.name: ["refuse"], name: [when]}
            yield Point(key=f"{walk.mutation} {name} {when}", mutation=walk.mutation, faults=faults)


POINTS = tuple(point for walk in WALKS.values() for point in points(walk))


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    """Of its own: whatever stands in it has to end here."""
    with fresh_postgres() as url:
        yield url


@pytest.fixture
def nursery(tmp_path: Path) -> Iterator[Nursery]:
    with Nursery("tests.resolvers.sagas.victim", tmp_path / "victims.log") as running:
        yield running


@pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
def test_writes_survive_a_crash_at_every_point(database: str, nursery: Nursery, tmp_path: Path) -> None:
    """One process has a write at each point when it dies; the next one takes up all of them."""
    says, ledger = tmp_path / "says", Ledger(tmp_path / "ledger")
    durable = database.replace("opsgraph.db", "durable.db")
    task = Task(
        url=database, durable=durable, ledger=str(tmp_path / "ledger"), says=str(says), points=POINTS, dies=True
    )
    with nursery.running(task) as group:
        until(partial(gone, group), tmp_path)
    with nursery.running(msgspec.structs.replace(task, dies=False)):
        until(says.exists, tmp_path)
    end = msgspec.json.decode(says.read_bytes(), type=End)
    assert end.states.keys() == {point.key for point in POINTS}, "none is lost"
    assert end.breaks == 0, "the audit holds"
    for point in POINTS:
        check(ledger, point, *end.states[point.key])


def until(happened: Callable[[], bool], folder: Path) -> None:
    deadline = time.monotonic() + 200.0
    while not happened():
        assert time.monotonic() < deadline, (folder / "victims.log").read_text()[-3000:]
        time.sleep(0.01)


def check(ledger: Ledger, point: Point, operation: str, state: State) -> None:
    """Each effect once and in order; where it was taken back, exactly the other way round, with nothing left."""
    walk, back = WALKS[point.mutation], len(point.faults) > 1
    assert state is (State.COMPENSATED if back else State.COMPLETED), point
    did = [effect.key.removeprefix(f"{operation}:") for effect in ledger.effects(operation)]
    done = free(walk)[:-1]
    assert did == ([*(step.name for step in done), *undone(done)] if back else forward(walk)), point
    if back:
        assert ledger.open_records(operation) == set(), "nothing is left behind"
