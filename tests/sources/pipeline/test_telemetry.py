"""Telemetry: what observers are told of a call, however it ended."""

import asyncio

import pytest

from sources import errors
from sources.errand import Lane
from sources.pipeline import course
from sources.pipeline.statistics import Statistics
from sources.pipeline.telemetry import telemetry
from sources.ports import Call, Effect, Reply
from tests.fakes.virtual import Wire, clock, virtual
from tests.sources.pipeline.calls import READ, WRITES, lost, ok, on_behalf
from tests.sources.pipeline.watcher import Broken, Watcher


class Told:
    """A telemetry layer, its observer and its statistics."""

    def __init__(self, wire, *more):
        self.watcher, self.statistics = Watcher(), Statistics()
        self.send = telemetry("billing", self.statistics, (*more, self.watcher), clock)(wire)

    @property
    def outcome(self):
        (event,) = self.watcher.calls
        return event.outcome


@virtual
async def test_a_call_is_told_with_its_circumstances():
    on_behalf(Lane.LOOKUP)

    async def send(call: Call) -> Reply:
        under_way = course.current()
        under_way.attempts, under_way.queued = 2, 0.25
        await asyncio.sleep(1.5)
        return ok()

    told = Told(send)
    await told.send(WRITES[Effect.KEYED])
    (event,) = told.watcher.calls
    assert (event.source, event.operation, event.effect) == ("billing", "things.create", Effect.KEYED)
    assert (event.lane, event.attempts, event.outcome) == (Lane.LOOKUP, 2, "OK")
    assert event.milliseconds == pytest.approx(1_500.0)
    assert event.queued_ms == pytest.approx(250.0)
    assert told.statistics.latency(clock()).retries == 1


@virtual
@pytest.mark.parametrize(
    ("error", "failures", "refused"),
    [
        (lost(), 1, 0),
        (errors.TimedOut("x"), 1, 0),
        (errors.Unauthorised("x"), 1, 0),
        (errors.OutcomeUnknown("x"), 1, 0),
        (errors.Rejected("x"), 0, 0),
        (errors.Missing("x"), 0, 0),
        (errors.CircuitOpen("x", unsent=True), 0, 1),
        (errors.Overloaded("x", unsent=True), 0, 1),
    ],
)
async def test_an_error_is_told_by_its_code_and_counted_as_what_it_is(error, failures, refused):
    told = Told(Wire(error))
    with pytest.raises(type(error)):
        await told.send(READ)
    assert told.outcome == error.code
    latency = told.statistics.latency(clock())
    assert (latency.calls, latency.failures, latency.refused) == (1, failures, refused)


@virtual
async def test_a_call_that_was_lost_and_then_refused_is_a_failure_of_the_source():
    async def send(call: Call) -> Reply:
        course.current().sent = True  # as retry leaves it after an attempt that nothing has settled
        raise errors.CircuitOpen("x", unsent=True)

    told = Told(send)
    with pytest.raises(errors.CircuitOpen):
        await told.send(READ)
    latency = told.statistics.latency(clock())
    assert (latency.failures, latency.refused) == (1, 0)


@virtual
async def test_an_error_without_a_source_gets_it():
    told = Told(Wire(lost()))
    with pytest.raises(errors.Unavailable) as caught:
        await told.send(READ)
    assert caught.value.source == "billing"


@virtual
async def test_who_leaves_is_told_as_such_and_is_no_failure():
    told = Told(Wire(ok(), seconds=60))
    task = asyncio.ensure_future(told.send(READ))
    await asyncio.sleep(1)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert told.outcome == "CANCELLED"
    assert told.statistics.latency(clock()).failures == 0


@virtual
async def test_a_mistake_of_ours_is_told_as_such():
    told = Told(Wire(KeyError("x")))
    with pytest.raises(KeyError):
        await told.send(READ)
    assert told.outcome == "INTERNAL"


@virtual
async def test_an_observer_that_fails_harms_neither_the_call_nor_the_others(caplog):
    told = Told(Wire(ok()), Broken())
    await told.send(READ)
    assert told.outcome == "OK"
    assert "an observer of `billing` failed" in caplog.text


@virtual
async def test_each_call_has_a_course_of_its_own():
    seen = []

    async def send(call: Call) -> Reply:
        course.current().attempts += 1
        seen.append(course.current().attempts)
        await asyncio.sleep(0)
        return ok()

    told = Told(send)
    await told.send(READ)
    await asyncio.gather(told.send(READ), told.send(READ))
    assert seen == [1, 1, 1]
