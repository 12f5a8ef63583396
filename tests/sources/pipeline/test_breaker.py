"""The circuit breaker: when it opens, whom it lets through, when it closes."""

import asyncio

import pytest

from sources import errors
from sources.alarms import Alarms
from sources.pipeline.breaker import Breaker, Ticket
from sources.pipeline.circuits import Circuits
from sources.ports import Call, Effect, Reply
from sources.settings import BreakerSettings
from tests.fakes.virtual import Turned, Wire, clock, virtual
from tests.sources.pipeline.calls import READ, WRITES, lost, ok


class Bench:
    """A breaker whose clock is turned by hand."""

    def __init__(self, random=lambda: 0.0, turns=20, **settings):
        self.clock = Turned()
        self.changes: list[tuple[str, str]] = []
        self.breaker = Breaker(
            "billing",
            BreakerSettings(**settings),
            turns=turns,
            clock=self.clock,
            random=random,
            changed=lambda change: self.changes.append((change.previous, change.state)),
        )

    def fail(self, times=1, error=None):
        """One every fifth of a second."""
        for _ in range(times):
            self.clock.turn(0.2)
            self.breaker.failed(self.breaker.enter(), error or lost())

    def answer(self, times=1):
        for _ in range(times):
            self.breaker.answered(self.breaker.enter())

    @property
    def state(self):
        return self.breaker.circuit().state

    def opened(self):
        self.fail(10)
        assert self.state == "open"
        return self


def test_it_opens_when_half_of_ten_calls_failed():
    bench = Bench(flaky=0.0)
    bench.answer(5)
    bench.fail(4)
    assert bench.state == "closed"
    bench.fail()
    assert bench.state == "open"
    assert bench.changes == [("closed", "open")]


def test_nine_failures_are_too_few_to_judge():
    bench = Bench()
    bench.fail(9)
    assert bench.state == "closed"


def test_fewer_than_half_do_not_open_it():
    bench = Bench()
    for _ in range(20):
        bench.answer(3)
        bench.fail(2)
    assert bench.state == "closed"


def test_what_failed_before_the_window_does_not_count():
    bench = Bench()
    bench.fail(9)
    bench.clock.turn(20.0)
    bench.fail(9)
    assert bench.state == "closed"


def test_an_open_circuit_refuses_and_says_when_to_come_back():
    bench = Bench().opened()
    bench.clock.turn(0.5)
    refused = bench.breaker.refusal()
    assert isinstance(refused, errors.CircuitOpen)
    assert refused.unsent
    assert refused.source == "billing"
    assert refused.retry_after == pytest.approx(1.5)
    with pytest.raises(errors.CircuitOpen):
        bench.breaker.enter()


@pytest.mark.parametrize(
    "error",
    [errors.Rejected("x"), errors.Missing("x"), errors.Unauthorised("x"), errors.Contended("x"), errors.Locked("x")],
)
def test_refusals_of_what_was_asked_do_not_count(error):
    bench = Bench()
    bench.fail(50, error)
    assert bench.state == "closed"


@pytest.mark.parametrize(
    "error", [lost(), errors.TimedOut("x"), errors.Garbled("x"), errors.TooLarge("x"), errors.Throttled("x")]
)
def test_what_says_that_the_source_is_unwell_counts(error):
    bench = Bench()
    bench.fail(10, error)
    assert bench.state == "open"


def test_calls_given_up_by_ourselves_do_not_count():
    bench = Bench()
    for _ in range(50):
        bench.breaker.left(bench.breaker.enter())
    assert bench.state == "closed"
    assert bench.breaker.circuit().calls == 0


def test_a_call_that_is_still_pending_counts_when_it_has_become_slow():
    bench = Bench(turns=100)
    tickets = [bench.breaker.enter() for _ in range(10)]
    for ticket in tickets:
        bench.breaker.slow(ticket)
    assert bench.state == "open"


def test_a_slow_call_counts_once():
    bench = Bench()
    ticket = bench.breaker.enter()
    bench.breaker.slow(ticket)
    bench.breaker.answered(ticket)
    assert (bench.breaker.circuit().calls, bench.breaker.circuit().failures) == (1, 1)


def test_one_probe_goes_when_the_time_has_come_and_nobody_beside_it():
    bench = Bench().opened()
    bench.clock.turn(2.0)
    assert bench.breaker.refusal() is None
    probe = bench.breaker.enter()
    assert bench.state == "half_open"
    assert bench.breaker.refusal() is not None
    with pytest.raises(errors.CircuitOpen):
        bench.breaker.enter()
    bench.breaker.answered(probe)
    assert bench.state == "closed"
    assert bench.changes == [("closed", "open"), ("open", "half_open"), ("half_open", "closed")]


def test_closing_begins_a_new_window():
    bench = Bench().opened()
    bench.clock.turn(2.0)
    bench.answer()
    assert (bench.breaker.circuit().calls, bench.breaker.circuit().failures) == (0, 0)
    bench.fail(9)
    assert bench.state == "closed"


def test_a_probe_that_is_told_no_shows_that_the_source_is_back():
    bench = Bench().opened()
    bench.clock.turn(2.0)
    bench.fail(error=errors.Missing("x"))
    assert bench.state == "closed"


def test_a_cancelled_probe_frees_its_place():
    bench = Bench().opened()
    bench.clock.turn(2.0)
    bench.breaker.left(bench.breaker.enter())
    assert bench.state == "half_open"
    bench.answer()
    assert bench.state == "closed"


def test_each_probe_that_fails_doubles_the_wait_up_to_its_bound():
    bench = Bench().opened()
    waits = []
    for _ in range(5):
        wait = bench.breaker.circuit().retry_in
        assert wait is not None
        waits.append(wait)
        bench.clock.turn(wait - 0.01)
        assert bench.breaker.refusal() is not None
        bench.clock.turn(0.02)
        bench.fail()
    assert waits == pytest.approx([2, 4, 8, 8, 8])


def test_closing_ends_the_doubling():
    bench = Bench().opened()
    bench.clock.turn(2.0)
    bench.fail()
    bench.clock.turn(4.0)
    bench.answer()
    bench.fail(10)
    assert bench.breaker.circuit().retry_in == pytest.approx(2.0)


def test_jitter_only_shortens_the_wait():
    bench = Bench(random=lambda: 0.999).opened()
    assert bench.breaker.circuit().retry_in == pytest.approx(1.5, abs=0.01)


def test_a_slow_probe_opens_the_circuit_again_and_keeps_its_place_until_it_ends():
    bench = Bench().opened()
    bench.clock.turn(2.0)
    probe = bench.breaker.enter()
    bench.breaker.slow(probe)
    assert bench.state == "open"
    bench.clock.turn(100.0)
    with pytest.raises(errors.CircuitOpen):
        bench.breaker.enter()
    bench.breaker.answered(probe)
    assert bench.state == "open"  # an answer after such a time is no proof of health
    bench.answer()
    assert bench.state == "closed"


def test_calls_from_before_are_no_evidence_afterwards():
    bench = Bench()
    before = [bench.breaker.enter() for _ in range(10)]
    bench.opened()
    bench.clock.turn(2.0)
    bench.answer()
    for ticket in before:
        bench.breaker.failed(ticket, lost())
    assert bench.state == "closed"
    assert bench.breaker.circuit().calls == 0


def test_a_used_up_quota_opens_it_at_once_until_its_reset():
    bench = Bench()
    bench.fail(error=errors.QuotaExhausted("x", retry_after=3_600.0))
    assert bench.breaker.circuit().retry_in == pytest.approx(3_600.0)


def test_a_used_up_quota_without_a_reset_waits_for_as_long_as_the_settings_say():
    bench = Bench(quota=120.0)
    bench.fail(error=errors.QuotaExhausted("x"))
    assert bench.breaker.circuit().retry_in == pytest.approx(120.0)


def circuits(send, **settings):
    """Both circuits of a source, and the two looks they take at a call, around `send`."""
    chosen = BreakerSettings(blip=0.0, **settings)
    reads, writes = (Breaker("billing", chosen, turns=20, clock=clock, random=lambda: 0.0) for _ in range(2))
    both = Circuits(reads, writes, chosen, clock=clock, alarms=Alarms(clock))
    once = both.watch(send)
    both.probes.through(lambda inner: inner, once)
    return both, both.gate(once)


async def opened(send, call):
    """Has ten calls fail."""
    for _ in range(10):
        with pytest.raises(errors.Unavailable):
            await send(call)


@virtual
async def test_a_hanging_source_opens_the_circuit_before_any_call_has_ended():
    _, send = circuits(Wire(ok(), seconds=60))
    tasks = [asyncio.ensure_future(send(READ)) for _ in range(10)]
    await asyncio.sleep(2.1)
    with pytest.raises(errors.CircuitOpen):
        await send(READ)
    assert {type(each) for each in await asyncio.gather(*tasks, return_exceptions=True)} == {errors.CircuitOpen}
    assert clock() < 1_003


@virtual
async def test_reads_that_are_pending_when_the_circuit_opens_are_given_up_and_nothing_else_is():
    wire = Wire(ok(), seconds=60)
    both, send = circuits(wire, slow=30)
    reads = [asyncio.ensure_future(send(READ)) for _ in range(3)]
    write = asyncio.ensure_future(send(WRITES[Effect.ONCE]))
    left = asyncio.ensure_future(send(READ))
    await asyncio.sleep(1)
    left.cancel()  # its asker goes away at the same moment
    for _ in range(10):
        both.reads.failed(both.reads.enter(), lost())
    both._give_up()
    ended = await asyncio.gather(*reads, left, return_exceptions=True)
    assert [type(each) for each in ended] == [errors.CircuitOpen] * 3 + [asyncio.CancelledError]
    assert clock() == 1_001
    assert not write.done()
    assert wire.running == 1
    assert (await write).status == 200


@virtual
async def test_reads_and_writes_have_a_circuit_each():
    wire = Wire(lost())
    _, send = circuits(wire)
    await opened(send, READ)
    wire.outcomes = [ok()]
    with pytest.raises(errors.CircuitOpen):
        await send(READ)
    for call in WRITES.values():
        await send(call)


@virtual
async def test_what_queued_before_the_circuit_opened_is_not_sent():
    wire = Wire(lost())
    turn = asyncio.Event()
    both, _ = circuits(wire)

    async def queue(call: Call) -> Reply:
        await turn.wait()
        reply: Reply = await both.watch(wire)(call)
        return reply

    waiting = [asyncio.ensure_future(both.gate(queue)(READ)) for _ in range(30)]
    await asyncio.sleep(0)
    turn.set()
    ended = await asyncio.gather(*waiting, return_exceptions=True)
    assert len(wire.calls) == 30  # all were let go at once; none had failed yet
    wire.calls.clear()
    later = [asyncio.ensure_future(both.watch(wire)(READ)) for _ in range(5)]
    assert all(isinstance(each, errors.CircuitOpen) for each in await asyncio.gather(*later, return_exceptions=True))
    assert not wire.calls
    assert all(isinstance(each, errors.Unavailable) for each in ended)


@virtual
async def test_of_many_who_come_when_it_is_time_one_is_sent():
    wire = Wire(lost())
    both, send = circuits(wire)
    await opened(send, READ)
    await asyncio.sleep(2.0)
    wire.calls.clear()
    wire.outcomes, wire.seconds = [ok()], 1.0
    ended = await asyncio.gather(*(send(READ) for _ in range(50)), return_exceptions=True)
    assert len(wire.calls) == 1
    assert all(isinstance(each, errors.CircuitOpen) for each in ended)
    await asyncio.sleep(1.0)
    await send(READ)
    assert both.writes.circuit().state == both.reads.circuit().state == "closed"
    assert READ.effect is Effect.READ


# ---------------------------------------------------------------- calls that hang


def hang(bench: Bench, times: int) -> list[Ticket]:
    """Calls that have been pending for as long as is slow."""
    tickets = [bench.breaker.enter() for _ in range(times)]
    bench.clock.turn(bench.breaker.slow_after)
    for ticket in tickets:
        bench.breaker.slow(ticket)
    return tickets


def test_ten_slow_questions_among_thousands_of_answers_are_no_outage():
    bench = Bench()
    tickets = [bench.breaker.enter() for _ in range(10)]
    for _ in range(200):
        bench.clock.turn(0.01)
        bench.answer(10)
    for ticket in tickets:
        bench.breaker.slow(ticket)
    assert bench.state == "closed"


def test_ten_that_hang_without_an_answer_in_between_are_an_outage():
    bench = Bench()
    bench.answer(500)
    hang(bench, 9)
    assert bench.state == "closed"
    bench.breaker.slow(bench.breaker.enter())
    assert bench.state == "open"


@pytest.mark.parametrize("turns", [1, 2])
def test_with_few_turns_they_are_all_late_twice_in_a_row(turns):
    bench = Bench(turns=turns)
    for _ in range(3):  # slow questions with answers in between
        for ticket in hang(bench, turns):
            bench.breaker.answered(ticket)
    assert bench.state == "closed"
    for ticket in hang(bench, turns):
        bench.breaker.failed(ticket, lost())
    assert bench.state == "closed"
    hang(bench, turns)
    assert bench.state == "open"


def test_a_quota_is_never_used_up_for_longer_than_a_day():
    bench = Bench()
    bench.fail(error=errors.QuotaExhausted("used up", retry_after=999_999_999.0))
    assert bench.breaker.circuit().retry_in == 86_400
