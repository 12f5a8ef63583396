"""When a circuit opens: soon where a source is out, and never for flakiness or a hiccup. Whole pipelines, virtual time."""

import asyncio
import random
from collections.abc import Callable
from math import log

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sources import errors
from sources.errand import Errand, begin
from sources.pipeline.evidence import divergence
from sources.pipeline.pipeline import Pipeline
from sources.ports import Call, Reply
from sources.settings import BreakerSettings, SourceSettings
from tests.fakes.virtual import clock, virtual
from tests.fakes.virtual_time import run
from tests.sources.pipeline.calls import READ, lost, ok

Weather = Callable[[float], float | None]  # seconds of the play -> seconds until the answer; None: it fails at once


class Play:
    """A source in some weather, asked by many who come at random; an observer of its own pipeline."""

    def __init__(self, weather: Weather, *, seed: int = 0, concurrency: int = 20) -> None:
        self._weather, self._chance, self._began = weather, random.Random(seed), clock()
        self.sent, self.failed = 0, 0
        self.opened: list[float] = []
        settings = SourceSettings(vendor="", url="", concurrency=concurrency)
        self.pipeline = Pipeline(
            "billing", settings, self._send, observers=[self], clock=clock, random=self._chance.random
        )

    def called(self, event: object) -> None:
        """See Observer."""

    def circuit(self, event) -> None:
        """See Observer."""
        if (event.previous, event.state) == ("closed", "open"):
            self.opened.append(clock() - self._began)

    async def _send(self, _call: Call) -> Reply:
        self.sent += 1
        await asyncio.sleep(self._chance.uniform(0.01, 0.03))
        seconds = self._weather(clock() - self._began)
        if seconds is None:
            raise lost()
        await asyncio.sleep(seconds)
        return ok()

    async def ask(self, seconds: float, rate: float, burst: int = 1) -> None:
        """Asks until so much of the play has passed: `rate` calls a second, `burst` of them together."""
        asking = []
        while clock() - self._began < seconds:
            asking += [asyncio.create_task(self._one()) for _ in range(burst)]
            await asyncio.sleep(self._chance.expovariate(rate / burst))
        await asyncio.gather(*asking)

    async def _one(self) -> None:
        begin(Errand())
        try:
            await self.pipeline.send(READ)
        except errors.SourceError:
            self.failed += 1


def out_from(begin_at: float, until: float = 1e9, seconds: float | None = None) -> Weather:
    return lambda now: 0.0 if now < begin_at or now >= until else seconds


@virtual
@pytest.mark.parametrize(("rate", "within"), [(1.0, 14.0), (8.0, 4.0), (30.0, 3.0), (200.0, 2.5)])
async def test_an_outage_opens_the_circuit_soon_however_well_the_source_was_before(rate, within):
    play = Play(out_from(60.0))
    await play.ask(60.0 + within, rate)
    assert len(play.opened) == 1
    assert 60.0 < play.opened[0] <= 60.0 + within


@virtual
@pytest.mark.parametrize(("rate", "concurrency"), [(8.0, 20), (8.0, 10), (30.0, 4), (200.0, 20)])
async def test_a_hanging_source_is_known_before_its_first_call_has_timed_out(rate, concurrency):
    play = Play(out_from(60.0, seconds=3_600.0), concurrency=concurrency)
    await play.ask(65.0, rate)
    assert len(play.opened) == 1
    assert 62.0 <= play.opened[0] <= 64.5


@virtual
async def test_few_calls_that_take_long_are_no_outage():
    play = Play(lambda _: 3.0, concurrency=20)
    await asyncio.gather(*(play._one() for _ in range(9)))
    assert play.opened == []


@pytest.mark.parametrize("rate", [0.5, 3.0, 8.0, 20.0])
def test_a_flaky_source_goes_on_being_asked(rate):
    async def minutes(seed: int) -> list[float]:
        chance = random.Random(seed)
        play = Play(lambda _: None if chance.random() < 0.3 else 0.0, seed=seed)
        await play.ask(120.0, rate)
        assert play.sent > 50 * rate
        return play.opened

    async def all_of_them() -> list[list[float]]:
        return [await minutes(seed) for seed in range(4)]

    assert run(all_of_them()) == [[]] * 4


@settings(max_examples=30)
@given(
    seed=st.integers(0, 10_000),
    length=st.floats(0.05, 0.5),
    rate=st.sampled_from([1.0, 10.0, 100.0]),
    burst=st.sampled_from([1, 10, 30]),
)
def test_a_hiccup_opens_nothing(seed, length, rate, burst):
    async def hiccup() -> list[float]:
        play = Play(out_from(5.0, 5.0 + length), seed=seed)
        await play.ask(9.0, rate, burst)
        return play.opened

    assert run(hiccup()) == []


@virtual
async def test_repetitions_hide_a_hiccup_of_a_source_that_is_well_otherwise():
    play = Play(out_from(30.0, 30.1))
    await play.ask(40.0, 20.0)
    assert (play.failed, play.opened) == (0, [])


@given(st.floats(0.0, 1.0), st.floats(0.0, 0.9))
def test_the_divergence_grows_with_the_share_and_is_nothing_below_what_is_expected(share, expected):
    found = divergence(share, expected)
    assert found >= 0.0
    assert divergence(min(1.0, share + 0.05), expected) >= found
    assert (found == 0.0) == (share <= expected) or found < 1e-12


def test_the_divergence_of_failures_alone_is_how_unlikely_each_is():
    assert divergence(1.0, 0.3) == pytest.approx(-log(0.3))
    assert BreakerSettings().calls * divergence(1.0, BreakerSettings().flaky) > log(100_000)
