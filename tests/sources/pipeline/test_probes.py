"""Probes: whether a source is back is found out beside those who ask it, by reads, one at a time."""

import asyncio

import pytest

from sources import errors
from sources.pipeline.pipeline import Pipeline
from sources.ports import Effect
from sources.settings import BreakerSettings, RetrySettings, SourceSettings
from tests.fakes.virtual import Wire, clock, virtual
from tests.sources.pipeline.calls import READ, WRITES, lost, ok, on_behalf
from tests.sources.pipeline.watcher import Watcher

SETTINGS = SourceSettings(
    vendor="", url="", retry=RetrySettings(attempts=1), breaker=BreakerSettings(flaky=0.0, blip=0.0)
)


class Sick:
    """A source that has just opened the circuit of its reads, and perhaps that of its writes. `random` 0: no jitter."""

    def __init__(self) -> None:
        self.wire, self.watcher = Wire(lost()), Watcher()
        self.pipeline = Pipeline(
            "billing", SETTINGS, self.wire, observers=[self.watcher], clock=clock, random=lambda: 0.0
        )

    async def opened(self, *calls):
        for call in calls or (READ,):
            for _ in range(10):
                with pytest.raises(errors.SourceError):
                    await self.pipeline.send(call)
        self.wire.calls.clear()
        self.wire.at.clear()
        self.watcher.calls.clear()
        return self

    def now(self, *outcomes, seconds=0.0):
        """How it answers from now on."""
        self.wire.outcomes, self.wire.seconds = list(outcomes), seconds

    async def refused(self, call=READ):
        """Asks, and is refused at once."""
        started = clock()
        with pytest.raises(errors.CircuitOpen) as caught:
            await self.pipeline.send(call)
        assert clock() == started
        return caught.value

    @property
    def reads(self):
        return self.pipeline.state().reads.state

    @property
    def writes(self):
        return self.pipeline.state().writes.state


@virtual
async def test_who_asks_a_source_that_hangs_never_waits_for_its_probes():
    sick = await Sick().opened()
    sick.now(ok(), seconds=3_600)
    for _ in range(600):
        await sick.refused()
        await asyncio.sleep(0.1)
    assert sick.wire.most_running == 1
    assert [round(at - sick.wire.at[0]) for at in sick.wire.at][:4] == [0, 5, 13, 21]  # 2, then 4 and 8 seconds
    assert all(call is READ for call in sick.wire.calls)


@virtual
async def test_what_was_refused_is_asked_again_as_soon_as_it_may_be_and_closes_the_circuit():
    sick = await Sick().opened()
    sick.now(ok(), seconds=0.1)
    await sick.refused()
    await asyncio.sleep(1.99)
    assert not sick.wire.calls
    await asyncio.sleep(0.2)
    assert len(sick.wire.calls) == 1
    assert sick.reads == "closed"
    await sick.pipeline.send(READ)


@virtual
async def test_a_source_that_nobody_has_asked_for_a_while_is_asked_by_the_next_who_comes():
    sick = await Sick().opened()
    await asyncio.sleep(600)
    sick.now(ok(), seconds=0.2)
    assert (await sick.pipeline.send(READ)).status == 200
    assert sick.reads == "closed"


@virtual
async def test_that_one_does_not_wait_long_and_its_probe_outlives_it():
    sick = await Sick().opened()
    await asyncio.sleep(600)
    sick.now(ok(), seconds=1.0)
    started = clock()
    with pytest.raises(errors.CircuitOpen):
        await sick.pipeline.send(READ)
    assert clock() - started == pytest.approx(0.25)
    await asyncio.sleep(1)
    assert sick.reads == "closed"


@virtual
async def test_whoever_has_less_time_than_that_is_refused_when_it_is_up():
    sick = await Sick().opened()
    await asyncio.sleep(600)
    sick.now(ok(), seconds=1.0)
    started = clock()
    on_behalf(until=started + 0.1)
    with pytest.raises(errors.SourceError):
        await sick.pipeline.send(READ)
    assert clock() - started == pytest.approx(0.1)


@virtual
async def test_who_leaves_does_not_end_the_probe():
    sick = await Sick().opened()
    await asyncio.sleep(600)
    sick.now(ok(), seconds=0.5)
    asking = asyncio.create_task(sick.pipeline.send(READ))
    await asyncio.sleep(0.1)
    asking.cancel()
    await asyncio.sleep(0.5)
    assert asking.cancelled()
    assert sick.reads == "closed"


@virtual
async def test_a_refusal_of_what_the_probe_asks_is_told_to_who_asked_and_closes_the_circuit():
    sick = await Sick().opened()
    await asyncio.sleep(600)
    sick.now(errors.Missing("no such thing"))
    with pytest.raises(errors.Missing):
        await sick.pipeline.send(READ)
    assert sick.reads == "closed"


@virtual
async def test_a_probe_is_counted_and_told_of_as_a_call():
    sick = await Sick().opened()
    sick.now(ok())
    await sick.refused()
    await asyncio.sleep(2.1)
    assert [(event.outcome, event.attempts) for event in sick.watcher.calls] == [("CIRCUIT_OPEN", 1), ("OK", 1)]
    assert sick.pipeline.state().latency.retries == 0


@virtual
async def test_a_probe_that_gets_no_turn_frees_its_place():
    few = SourceSettings(vendor="", url="", concurrency=1, breaker=SETTINGS.breaker, retry=SETTINGS.retry)
    sick = Sick()
    sick.pipeline = Pipeline("billing", few, sick.wire, clock=clock, random=lambda: 0.0)
    await sick.opened()
    sick.now(ok(), seconds=4.9)
    writing = asyncio.ensure_future(sick.pipeline.send(WRITES[Effect.KEYED]))  # holds the one turn there is
    await asyncio.sleep(2.0)
    with pytest.raises(errors.CircuitOpen):
        await sick.pipeline.send(READ)
    sick.now(ok(), seconds=0.1)
    await writing
    await asyncio.sleep(0.2)  # the second probe has its turn, the first one had none
    assert (sick.reads, len(sick.wire.calls)) == ("closed", 2)


@virtual
async def test_probes_end_when_nobody_asks_any_more():
    sick = await Sick().opened()
    await sick.refused()
    await asyncio.sleep(600)
    assert len(sick.wire.calls) == 2  # after 2 and 6 seconds


@virtual
@pytest.mark.parametrize("effect", WRITES)
async def test_a_write_is_no_probe_and_has_a_read_find_out(effect):
    sick = await Sick().opened(READ, WRITES[effect])
    await asyncio.sleep(600)
    sick.now(ok(), seconds=0.1)
    sick.wire.calls.clear()
    await sick.refused(WRITES[effect])
    await asyncio.sleep(0.2)
    assert sick.wire.calls == [READ]
    assert (sick.reads, sick.writes) == ("closed", "open")
    assert (await sick.pipeline.send(WRITES[effect])).status == 200
    assert sick.writes == "closed"


@virtual
async def test_while_reads_are_answered_one_write_at_a_time_goes():
    sick = await Sick().opened(WRITES[Effect.KEYED])
    sick.now(ok(), seconds=1.0)
    await sick.refused(WRITES[Effect.KEYED])
    await asyncio.sleep(2.0)
    writing = [asyncio.create_task(sick.pipeline.send(WRITES[Effect.KEYED])) for _ in range(5)]
    ended = await asyncio.gather(*writing, return_exceptions=True)
    assert sum(isinstance(each, errors.CircuitOpen) for each in ended) == 4
    assert (sick.writes, len(sick.wire.calls)) == ("closed", 1)


@virtual
async def test_nothing_is_left_when_the_pipeline_is_closed():
    sick = await Sick().opened()
    sick.now(ok(), seconds=3_600)
    await sick.refused()
    await asyncio.sleep(3)
    assert sick.wire.running == 1
    await sick.pipeline.close()
    assert sick.wire.running == 0
    await asyncio.sleep(60)
    assert len(sick.wire.calls) == 1
    assert asyncio.all_tasks() == {asyncio.current_task()}
