"""The bulkhead: so many at once, the most urgent next, and no turn is ever lost."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.alarms import Alarms
from sources.errand import Lane, hurry
from sources.errors import Overloaded
from sources.pipeline import course
from sources.pipeline.bulkhead import Bulkhead
from sources.pipeline.deadline import deadline
from sources.pipeline.state import Queue
from sources.settings import BulkheadSettings
from tests.fakes.virtual import Later, Wire, clock, virtual
from tests.sources.pipeline.calls import READ, ok, on_behalf


def bulkhead(concurrency=2, **settings):
    return Bulkhead("billing", concurrency, BulkheadSettings(**settings), clock=clock, alarms=Alarms(clock))


class Crowd:
    """Callers of one bulkhead, each a task of its own with an errand of its own."""

    def __init__(self, seconds=1.0, concurrency=2, **settings):
        self.order: list[str] = []
        self.wire = Wire(ok(), seconds=seconds)
        self.bulkhead = bulkhead(concurrency, **settings)
        self.send = self.bulkhead.layer(self.wire)
        self.errands = {}

    async def come(self, name, lane=Lane.PORTAL, **more):
        """Starts a caller and lets it come as far as it can."""

        async def caller():
            self.errands[name] = on_behalf(lane, **more)
            course.begin().until = more.get("until", float("inf"))
            await self.send(READ)
            self.order.append(name)

        task = asyncio.create_task(caller())
        await asyncio.sleep(0)
        return task


@virtual
async def test_no_more_run_than_may():
    crowd = Crowd(concurrency=3)
    tasks = [await crowd.come(str(number)) for number in range(10)]
    assert crowd.bulkhead.queue() == Queue(3, 7, 3, 100)
    await asyncio.gather(*tasks, return_exceptions=True)
    assert crowd.wire.most_running == 3
    assert crowd.bulkhead.queue().running == 0


@virtual
async def test_the_most_urgent_is_next_and_whoever_came_first_among_equals():
    crowd = Crowd(seconds=0.1, concurrency=1)
    tasks = [
        await crowd.come("running"),
        await crowd.come("portal 1", Lane.PORTAL),
        await crowd.come("lookup 1", Lane.LOOKUP),
        await crowd.come("validate", Lane.VALIDATE),
        await crowd.come("lookup 2", Lane.LOOKUP),
        await crowd.come("backfill", Lane.BACKFILL),
        await crowd.come("portal 2", Lane.PORTAL),
    ]
    await asyncio.gather(*tasks)
    assert crowd.order == ["running", "validate", "lookup 1", "lookup 2", "portal 1", "portal 2", "backfill"]


@virtual
async def test_a_lane_that_is_raised_while_waiting_counts():
    crowd = Crowd(seconds=0.1, concurrency=1)
    tasks = [await crowd.come("running"), await crowd.come("first"), await crowd.come("second")]
    hurry(crowd.errands["second"], Lane.VALIDATE)
    await asyncio.gather(*tasks)
    assert crowd.order == ["running", "second", "first"]


@virtual
async def test_a_full_queue_refuses_unsent():
    crowd = Crowd(concurrency=1, queue=2)
    tasks = [await crowd.come(str(number)) for number in range(3)]
    refused = await crowd.come("too many")
    with pytest.raises(Overloaded, match="queue is full") as caught:
        await refused
    assert caught.value.unsent
    assert caught.value.source == "billing"
    await asyncio.gather(*tasks, return_exceptions=True)


@virtual
async def test_a_full_queue_makes_room_for_the_more_urgent():
    crowd = Crowd(seconds=0.1, concurrency=1, queue=2)
    tasks = [await crowd.come("running"), await crowd.come("portal 1"), await crowd.come("portal 2")]
    tasks.append(await crowd.come("validate", Lane.VALIDATE))
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    assert crowd.order == ["running", "validate", "portal 1"]
    assert isinstance(ended[2], Overloaded)


@virtual
async def test_who_waits_too_long_is_refused_unsent():
    crowd = Crowd(seconds=60, concurrency=1, wait=2.0)
    running = await crowd.come("running")
    waiting = await crowd.come("waiting")
    with pytest.raises(Overloaded, match="no turn") as caught:
        await waiting
    assert clock() == pytest.approx(1_002.0)
    assert caught.value.unsent
    assert len(crowd.wire.calls) == 1
    assert crowd.bulkhead.queue().waiting == 0
    running.cancel()


@virtual
async def test_nobody_waits_beyond_the_time_of_the_call():
    crowd = Crowd(seconds=60, concurrency=1, wait=2.0)
    running = await crowd.come("running")
    waiting = await crowd.come("waiting", until=clock() + 0.5)
    with pytest.raises(Overloaded):
        await waiting
    assert clock() == pytest.approx(1_000.5)
    running.cancel()


@virtual
async def test_backfill_leaves_some_turns_to_others():
    crowd = Crowd(concurrency=4, kept=0.25)
    backfills = [await crowd.come(str(number), Lane.BACKFILL) for number in range(10)]
    assert crowd.bulkhead.queue().running == 3
    urgent = await crowd.come("lookup", Lane.LOOKUP)
    assert crowd.bulkhead.queue().running == 4
    await asyncio.gather(*backfills, urgent, return_exceptions=True)
    assert crowd.wire.most_running == 4


@virtual
async def test_the_turns_of_backfill_come_back_when_it_has_ended():
    crowd = Crowd(seconds=0.1, concurrency=4, kept=0.25)
    for _ in range(3):
        await asyncio.gather(*[await crowd.come(str(number), Lane.BACKFILL) for number in range(3)])
    again = [await crowd.come(str(number), Lane.BACKFILL) for number in range(3)]
    assert crowd.bulkhead.queue().running == 3
    await asyncio.gather(*again)


@virtual
async def test_a_backfill_somebody_waits_for_gets_a_kept_turn_when_others_come():
    crowd = Crowd(concurrency=4, kept=0.25)
    backfills = [await crowd.come(str(number), Lane.BACKFILL) for number in range(4)]
    hurry(crowd.errands["3"], Lane.LOOKUP)
    other = await crowd.come("other", Lane.PORTAL)
    assert (crowd.bulkhead.queue().running, crowd.bulkhead.queue().waiting) == (4, 1)
    await asyncio.gather(*backfills, other)
    assert sorted(crowd.order[:4]) == ["0", "1", "2", "3"]


@virtual
async def test_backfill_leaves_some_places_of_the_queue_to_others():
    crowd = Crowd(concurrency=1, queue=4, kept=0.5)
    tasks = [await crowd.come(str(number), Lane.BACKFILL) for number in range(5)]
    assert crowd.bulkhead.queue().waiting == 2
    tasks.append(await crowd.come("portal"))
    assert crowd.bulkhead.queue().waiting == 3
    await asyncio.gather(*tasks, return_exceptions=True)


@virtual
async def test_a_single_turn_is_there_for_backfill_too():
    crowd = Crowd(seconds=0.1, concurrency=1, kept=1.0, queue=10)
    await (await crowd.come("backfill", Lane.BACKFILL))
    assert crowd.order == ["backfill"]


@virtual
async def test_a_waiter_cancelled_in_the_instant_of_its_turn_hands_it_on():
    crowd = Crowd(seconds=1.0, concurrency=1)
    running, chosen, next_one = [await crowd.come(name) for name in ("running", "chosen", "next")]
    running.cancel()
    await asyncio.sleep(0)  # the turn has been given to `chosen`, who has not run since
    chosen.cancel()
    await next_one
    assert crowd.order == ["next"]
    assert crowd.bulkhead.queue() == Queue(0, 0, 1, 100)


@virtual
async def test_waiting_is_noted():
    crowd = Crowd(seconds=0.5, concurrency=1)
    running = await crowd.come("running")
    await crowd.send(READ)
    assert course.current().queued == pytest.approx(0.5)
    await running


@virtual
async def test_a_deadline_while_waiting_loses_no_turn():
    crowd = Crowd(seconds=10, concurrency=1, wait=60.0)
    crowd.send = deadline("billing", 1.0, clock=clock, alarms=Alarms(clock))(crowd.bulkhead.layer(crowd.wire))
    tasks = [await crowd.come(str(number)) for number in range(5)]
    await asyncio.gather(*tasks, return_exceptions=True)
    assert crowd.bulkhead.queue() == Queue(0, 0, 1, 100)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["come", "cancel", "raise", "sleep"]),
        st.integers(0, 30),
        st.sampled_from(Lane),
        st.floats(0, 1.5),
    ),
    max_size=60,
)


@given(STEPS, st.integers(1, 4), st.integers(0, 6))
def test_whatever_happens_no_turn_is_lost_and_none_is_made(steps, concurrency, queue):
    async def run() -> None:
        crowd = Crowd(seconds=1.0, concurrency=concurrency, queue=queue, wait=1.2)
        tasks: list[asyncio.Task[None]] = []
        for number, (step, which, lane, seconds) in enumerate(steps):
            if step == "come":
                tasks.append(await crowd.come(str(number), lane))
            if step == "sleep":
                await asyncio.sleep(seconds)
            if step == "cancel" and tasks:
                tasks[which % len(tasks)].cancel()
            if step == "raise" and crowd.errands:
                hurry(list(crowd.errands.values())[which % len(crowd.errands)], lane)
            state = crowd.bulkhead.queue()
            assert 0 <= state.running <= concurrency
            assert state.waiting <= queue
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(each is None or isinstance(each, Overloaded | asyncio.CancelledError) for each in ended)
        assert crowd.wire.most_running <= concurrency
        assert crowd.bulkhead.queue().running == crowd.bulkhead.queue().waiting == 0
        for _ in range(concurrency):  # every turn is still there
            await crowd.come("after", Lane.VALIDATE)
        assert crowd.bulkhead.queue().running == concurrency
        await asyncio.sleep(5)

    with asyncio.Runner(loop_factory=Later) as runner:
        runner.run(run())
