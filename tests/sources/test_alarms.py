"""Alarms: they ring when their instant has come, in order, unless they are stopped."""

import asyncio
from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from sources.alarms import Alarms
from tests.fakes.virtual import Later, clock, virtual


@virtual
async def test_an_alarm_rings_at_its_instant():
    rung = []
    alarms = Alarms(clock)
    alarm = alarms.at(clock() + 3, lambda: rung.append(clock()))
    await asyncio.sleep(10)
    assert rung == [1_003.0]
    assert alarm.rang


@virtual
async def test_a_stopped_alarm_does_not_ring():
    rung = []
    alarms = Alarms(clock)
    alarm = alarms.at(clock() + 3, lambda: rung.append(1))
    alarms.stop(alarm)
    await asyncio.sleep(10)
    assert not rung
    assert not alarm.rang


@virtual
async def test_an_earlier_alarm_that_is_set_later_rings_first():
    rung = []
    alarms = Alarms(clock)
    alarms.at(clock() + 5, lambda: rung.append("five"))
    alarms.at(clock() + 2, lambda: rung.append("two"))
    await asyncio.sleep(10)
    assert rung == ["two", "five"]


@virtual
async def test_an_alarm_that_is_overdue_rings_at_once():
    rung = []
    Alarms(clock).at(clock() - 5, lambda: rung.append(clock()))
    await asyncio.sleep(1)
    assert rung == [1_000.0]


def test_alarms_go_on_in_another_loop():
    rung = []
    now = [0.0]
    alarms = Alarms(lambda: now[0])

    async def set_one(after: float) -> None:
        now[0] = asyncio.get_running_loop().time()
        alarms.at(now[0] + after, lambda: rung.append(after))

    async def set_and_wait() -> None:
        await set_one(7)
        for _ in range(20):
            await asyncio.sleep(1)
            now[0] = asyncio.get_running_loop().time()

    with asyncio.Runner(loop_factory=Later) as runner:
        runner.run(set_one(5))
    with asyncio.Runner(loop_factory=Later) as runner:
        runner.run(set_and_wait())
    assert rung == [5, 7]


@virtual
async def test_an_alarm_that_came_too_early_is_set_again_by_what_it_calls():
    alarms, rung = Alarms(clock), []

    def ring() -> None:
        rung.append(clock())
        if len(rung) < 3:
            alarms.again(alarm, clock() + 5.0)

    alarm = alarms.at(clock() + 1.0, ring)
    await asyncio.sleep(7)
    assert (rung, alarm.rang) == ([1_001.0, 1_006.0], False)
    await asyncio.sleep(60)
    assert (rung, alarm.rang) == ([1_001.0, 1_006.0, 1_011.0], True)


@given(st.lists(st.tuples(st.integers(0, 20), st.one_of(st.none(), st.integers(0, 20))), max_size=30))
def test_what_is_not_stopped_in_time_rings_in_order(plan):
    rung: list[int] = []

    async def run() -> None:
        alarms, loop = Alarms(clock), asyncio.get_running_loop()
        for when, stopped in plan:
            alarm = alarms.at(clock() + when, partial(rung.append, when))
            if stopped is not None:
                loop.call_later(stopped + 0.5, alarms.stop, alarm)
        await asyncio.sleep(100)

    with asyncio.Runner(loop_factory=Later) as runner:
        runner.run(run())
    assert rung == sorted(when for when, stopped in plan if stopped is None or when <= stopped)
