"""The bench of writes: what its figures promise, and that it measures what it says."""

from contextlib import ExitStack
from pathlib import Path

import pytest

from bench.writes.client import Times
from bench.writes.figures import Figures, figures, spread
from bench.writes.program import Accepted
from bench.writes.report import Result, markdown, write
from bench.writes.study import DISTRIBUTED, EMBEDDED, House, Turn
from tests.databases import fresh_sqlite


def turn(added: float, alone: float, beside: float) -> Turn:
    """A hundred requests of each kind; one in fifty takes three times as long."""
    times = [1.0] * 98 + [3.0] * 2
    accepted = tuple(Accepted(total=7.0 + added * each, facts=7.0) for each in times)
    return Turn(
        Times(reads=tuple(alone * each for each in times), orders=(), accepted=(), failed=0),
        Times(reads=tuple(beside * each for each in times), orders=(9.0,) * 100, accepted=accepted, failed=1),
    )


def held(found: Figures) -> list[bool]:
    return [promise.holds for promise in found.promises]


def test_what_accepting_adds_is_what_is_left_without_the_facts() -> None:
    found = figures(DISTRIBUTED, [turn(4.0, 5.0, 6.0)])
    assert (found.added.p50, found.added.p99, found.accepting.p50, found.failed) == (4.0, 12.0, 11.0, 1)
    assert held(found) == [True, True, True, True]


def test_a_promise_that_is_not_kept_is_said() -> None:
    assert held(figures(DISTRIBUTED, [turn(5.0, 5.0, 5.0)])) == [False, False, True, True], "less than 5 and 15 ms"
    assert held(figures(EMBEDDED, [turn(13.0, 5.0, 5.0)])) == [False, True, True, True], "39 ms at p99, but 13 at p50"
    assert held(figures(DISTRIBUTED, [turn(1.0, 20.0, 29.0)])) == [True, True, True, True], "half as long again"
    assert held(figures(DISTRIBUTED, [turn(1.0, 2.0, 5.0)])) == [True, True, True, True], "9 ms more at p99"
    assert held(figures(DISTRIBUTED, [turn(1.0, 20.0, 31.0)])) == [True, True, False, False]
    page = markdown({"here": Result("this machine", 1, 10.0, figures(DISTRIBUTED, [turn(5.0, 5.0, 5.0)]))})
    assert page.count("**does not hold**") == 2


def test_a_spread_is_of_all_times() -> None:
    found = spread(float(each) for each in range(1, 201))
    assert (found.count, found.p50, found.p99, found.most) == (200, 101.0, 199.0, 200.0)


@pytest.mark.slow
def test_orders_are_accepted_beside_reads_and_carried_out(tmp_path: Path) -> None:
    with ExitStack() as stack:
        store = fresh_sqlite(tmp_path)
        house = House(stack, EMBEDDED, tmp_path, store, store.replace("opsgraph.db", "durable.db"), accounts=90)
        measured = house.turn(1.0)
    assert (measured.alone.failed, measured.beside.failed) == (0, 0)
    assert (len(measured.alone.reads), len(measured.beside.reads)) == (40, 40)
    assert len(measured.beside.accepted) == len(measured.beside.orders) == 5
    assert all(0 < each.facts < each.total for each in measured.beside.accepted)
    page = write(Result("this machine", 1, 1.0, figures(EMBEDDED, [measured])), tmp_path)
    assert "5 orders a second" in page.read_text()
