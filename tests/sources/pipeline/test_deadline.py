"""The deadline: how long a call may take, and what is said of one that took longer."""

import asyncio
from math import inf

import pytest

from sources.alarms import Alarms
from sources.errors import OutcomeUnknown, Remedy, TimedOut
from sources.pipeline import course
from sources.pipeline.deadline import deadline
from sources.ports import Call, Effect, Reply, Send
from tests.fakes.virtual import Wire, clock, virtual
from tests.sources.pipeline.calls import CALLS, READ, WRITES, ok, on_behalf


def limited(send: Send, seconds: float = 5.0) -> Send:
    return deadline("billing", seconds, clock=clock, alarms=Alarms(clock))(send)


def sending(seconds: float) -> Send:
    """A wire on which every call has been sent."""
    wire = Wire(ok(), seconds=seconds)

    async def send(call: Call) -> Reply:
        course.current().sent = True
        reply: Reply = await wire(call)
        return reply

    return send


@virtual
async def test_an_answer_in_time_is_passed_on():
    reply = ok()
    assert await limited(Wire(reply, seconds=4.9))(READ) is reply


@virtual
async def test_the_sources_time_ends_a_call_and_names_the_source():
    started = clock()
    with pytest.raises(TimedOut, match="no answer from `billing` within 5 s") as caught:
        await limited(sending(seconds=60))(READ)
    assert clock() - started == pytest.approx(5.0)
    assert caught.value.source == "billing"
    assert not caught.value.unsent


@virtual
async def test_the_askers_time_ends_a_call_before_the_sources_does():
    started = clock()
    on_behalf(until=started + 1.2)
    with pytest.raises(TimedOut):
        await limited(sending(seconds=60))(READ)
    assert clock() - started == pytest.approx(1.2)


@virtual
async def test_an_asker_with_more_time_than_the_source_gets_the_sources():
    started = clock()
    on_behalf(until=started + 60)
    with pytest.raises(TimedOut):
        await limited(sending(seconds=60))(READ)
    assert clock() - started == pytest.approx(5.0)


@virtual
async def test_a_calls_own_timeout_takes_the_place_of_the_sources():
    started = clock()
    patient = Call("GET", READ.url, effect=Effect.READ, timeout=30.0)
    with pytest.raises(TimedOut):
        await limited(sending(seconds=60))(patient)
    assert clock() - started == pytest.approx(30.0)


@virtual
async def test_without_any_time_left_nothing_is_sent():
    on_behalf(until=clock())
    wire = Wire(ok())
    with pytest.raises(TimedOut) as caught:
        await limited(wire)(READ)
    assert caught.value.unsent
    assert not wire.calls


@virtual
@pytest.mark.parametrize("effect", Effect)
async def test_what_only_waited_for_its_turn_was_not_sent(effect):
    with pytest.raises(TimedOut, match="nothing was sent") as caught:
        await limited(Wire(ok(), seconds=60))(CALLS[effect])
    assert caught.value.unsent


@virtual
@pytest.mark.parametrize(
    ("effect", "remedy"),
    [
        (Effect.KEYED, Remedy.REPEAT),
        (Effect.UPSERT, Remedy.READ_THEN_REPEAT),
        (Effect.ONCE, Remedy.READ),
    ],
)
async def test_of_a_write_that_was_sent_the_outcome_is_unknown(effect, remedy):
    with pytest.raises(OutcomeUnknown, match="billing") as caught:
        await limited(sending(seconds=60))(WRITES[effect])
    assert caught.value.remedy is remedy


@virtual
@pytest.mark.parametrize("effect", WRITES)
async def test_a_write_that_was_sent_has_the_sources_time_and_not_only_its_askers(effect):
    started = clock()
    on_behalf(until=started + 1.0)
    assert (await limited(sending(seconds=4.9))(WRITES[effect])).status == 200
    assert clock() - started == pytest.approx(4.9)


@virtual
@pytest.mark.parametrize("effect", WRITES)
async def test_the_sources_time_ends_a_write_that_was_sent(effect):
    started = clock()
    on_behalf(until=started + 1.0)
    with pytest.raises(OutcomeUnknown):
        await limited(sending(seconds=60))(WRITES[effect])
    assert clock() - started == pytest.approx(5.0)


@virtual
@pytest.mark.parametrize("effect", WRITES)
async def test_a_write_that_was_not_sent_ends_with_its_askers_time(effect):
    started = clock()
    on_behalf(until=started + 1.0)
    with pytest.raises(TimedOut) as caught:
        await limited(Wire(ok(), seconds=60))(WRITES[effect])
    assert caught.value.unsent
    assert clock() - started == pytest.approx(1.0)


@virtual
async def test_who_leaves_a_write_that_was_sent_is_cancelled():
    on_behalf(until=clock() + 1.0)
    task = asyncio.ensure_future(limited(sending(seconds=4.0))(WRITES[Effect.ONCE]))
    await asyncio.sleep(2.0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@virtual
async def test_who_leaves_early_is_cancelled_and_does_not_time_out():
    task = asyncio.ensure_future(limited(sending(seconds=60))(READ))
    await asyncio.sleep(1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@virtual
async def test_who_leaves_at_the_instant_of_the_deadline_is_cancelled():
    task = asyncio.ensure_future(limited(sending(seconds=60))(READ))
    asyncio.get_running_loop().call_at(clock() + 5.0, task.cancel)
    with pytest.raises(asyncio.CancelledError):
        await task


@virtual
async def test_a_task_goes_on_as_before_when_its_call_has_timed_out():
    with pytest.raises(TimedOut):
        await limited(sending(seconds=60))(READ)
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0
    async with asyncio.timeout(10):
        await asyncio.sleep(1)


@virtual
async def test_a_timeout_of_somebody_around_the_call_is_theirs():
    started = clock()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1):
            await limited(sending(seconds=60))(READ)
    assert clock() - started == pytest.approx(1.0)


@virtual
async def test_the_layers_below_see_until_when_there_is_time():
    seen = []

    async def send(call: Call) -> Reply:
        seen.append(course.current().until)
        return ok()

    course.begin()
    await limited(send)(READ)
    assert seen == [clock() + 5.0]
    assert course.Course(on_behalf()).until == inf
