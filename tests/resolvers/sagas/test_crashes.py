"""A process dies before and after each of its order's commands, and on the way back: the next one goes on with it.

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
from tests.resolvers.sagas.test_order import BACK, FORWARD
from tests.resolvers.sagas.victim import End, Task

REFUSED = {"ReleaseSubscription": ["refuse"]}
POINTS = [(command, when) for command in (*FORWARD, *BACK.values()) for when in ("crash_before", "crash_after")]

pytestmark = [pytest.mark.crash, pytest.mark.slow]


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    """Of its own: whatever stands in it has to end here."""
    with fresh_postgres() as url:
        yield url


@pytest.fixture
def nursery(tmp_path: Path) -> Iterator[Nursery]:
    with Nursery("tests.resolvers.sagas.victim", tmp_path / "victims.log") as running:
        yield running


@pytest.mark.parametrize(
    ("database", "points"),
    [("sqlite", POINTS), ("postgresql", [each for each in POINTS if each[1] == "crash_after"])],
    indirect=["database"],
    ids=["sqlite", "postgresql"],
)
def test_an_order_survives_a_crash_at_every_point(
    database: str, points: list[tuple[str, str]], nursery: Nursery, tmp_path: Path
) -> None:
    """Each process takes up the order that killed the one before it, and dies of another one."""
    keys = [f"{command}-{when}" for command, when in points]
    says, ledger = tmp_path / "says", Ledger(tmp_path / "ledger")
    durable = database.replace("opsgraph.db", "durable.db")
    task = Task(url=database, durable=durable, ledger=str(tmp_path / "ledger"), known=tuple(keys), says=str(says))
    for key, (command, when) in zip(keys, points, strict=True):
        faults = {command: [when]} | (REFUSED if command in BACK.values() else {})
        with nursery.running(msgspec.structs.replace(task, key=key, faults=faults)) as group:
            until(partial(gone, group))
    with nursery.running(task):
        until(says.exists)
    end = msgspec.json.decode(says.read_bytes(), type=End)
    assert end.states.keys() == set(keys), "none is lost"
    assert end.breaks == 0, "the audit holds"
    for key, (command, _) in zip(keys, points, strict=True):
        operation, state = end.states[key]
        check(ledger, operation, state, State.COMPENSATED if command in BACK.values() else State.COMPLETED)


def until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 200.0
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def check(ledger: Ledger, operation: str, state: State, wanted: State) -> None:
    assert state is wanted
    effects = ledger.effects(operation)
    assert len({effect.key for effect in effects}) == len(effects), "none is doubled"
    done = [effect.command for effect in effects]
    if state is State.COMPLETED:
        assert done == FORWARD
        return
    forward = FORWARD[: FORWARD.index("ReleaseSubscription")]
    assert done == [*forward, *(BACK[each] for each in reversed(forward) if each in BACK)]
    assert ledger.open_records(operation) == set(), "nothing is left behind"
