"""Retry: exactly the design's permissions, the vendor's hints, and what is said of a write that got lost."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources import errors
from sources.errors import OutcomeUnknown, Remedy, SourceError
from sources.pipeline import course
from sources.pipeline.budget import Budget
from sources.pipeline.outcome import Failure, failure
from sources.pipeline.retry import PERMITTED, Retry, permitted
from sources.ports import Effect
from sources.settings import RetrySettings
from tests.fakes.virtual import Turned, Wire, clock, virtual
from tests.sources.pipeline.calls import CALLS, READ, WRITES, lost, ok, throttled, unsent

YES, NO = True, False
DESIGN = {  # resilience: read, write with a key, upsert, neither
    Failure.UNSENT: (YES, YES, YES, YES),
    Failure.THROTTLED: (YES, YES, YES, NO),
    Failure.CONTENDED: (YES, YES, NO, NO),
    Failure.LOST: (YES, YES, NO, NO),  # an upsert is read back first, by whoever knows how
    Failure.REFUSED: (NO, NO, NO, NO),
}
EFFECTS = (Effect.READ, Effect.KEYED, Effect.UPSERT, Effect.ONCE)
KINDS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, SourceError) and kind is not errors.UnknownValue
]


GENEROUS = RetrySettings(share=1.0, floor=100)


def repeated(wire, *, settings=GENEROUS, random=lambda: 0.5, budget=None):
    layer = Retry("billing", settings, clock=clock, random=random, budget=budget)
    return layer.layer(wire)


def test_the_table_is_the_designs():
    assert {kind: tuple(effect in PERMITTED[kind] for effect in EFFECTS) for kind in Failure} == DESIGN


@pytest.mark.parametrize(("kind", "effect"), list(itertools.product(KINDS, Effect)))
@pytest.mark.parametrize("is_unsent", [True, False])
def test_every_error_has_a_kind_and_the_table_decides(kind, effect, is_unsent):
    error = kind("x", unsent=is_unsent)
    expected = DESIGN[failure(error, effect)][EFFECTS.index(effect)]
    assert permitted(error, effect) is expected


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (unsent(), Failure.UNSENT),
        (errors.Overloaded("full", unsent=True), Failure.UNSENT),
        (errors.TimedOut("no connection", unsent=True), Failure.UNSENT),
        (throttled(), Failure.THROTTLED),
        (errors.Throttled("refused before it acted", unsent=True), Failure.UNSENT),
        (errors.Contended("locked"), Failure.CONTENDED),
        (lost(), Failure.LOST),
        (errors.TimedOut("slow"), Failure.LOST),
        (errors.Garbled("html"), Failure.LOST),
        (errors.CircuitOpen("open", unsent=True), Failure.REFUSED),
        (errors.QuotaExhausted("none left"), Failure.REFUSED),
        (errors.QuotaExhausted("none left", unsent=True), Failure.REFUSED),
        (errors.Unauthorised("who are you"), Failure.REFUSED),
        (errors.Rejected("no"), Failure.REFUSED),
        (errors.Missing("what"), Failure.REFUSED),
        (errors.BadAsk("eh"), Failure.REFUSED),
    ],
)
def test_the_kind_of_a_failure(error, kind):
    assert failure(error, Effect.READ) is kind


def test_a_value_that_would_only_come_again_is_no_reason_to_read_again():
    error = errors.UnknownValue("stripe", "status", "odd")
    assert failure(error, Effect.READ) is Failure.REFUSED
    assert failure(errors.TooLarge("huge"), Effect.READ) is Failure.REFUSED
    assert failure(error, Effect.ONCE) is Failure.LOST  # the write was carried out


@pytest.mark.parametrize("effect", Effect)
@pytest.mark.parametrize("advice", [True, False])
def test_what_the_vendor_advises_wins_where_repeating_is_harmless(effect, advice):
    for error in (lost(), errors.Rejected("no"), throttled()):
        error.retryable = advice
        if effect in (Effect.READ, Effect.KEYED):
            assert permitted(error, effect) is advice
        else:
            assert permitted(error, effect) is (effect in PERMITTED[failure(error, effect)])


def test_no_advice_opens_a_circuit():
    error = errors.CircuitOpen("open", unsent=True)
    error.retryable = True
    assert not permitted(error, Effect.READ)


@virtual
@pytest.mark.parametrize("effect", Effect)
async def test_what_was_never_sent_is_sent_again(effect):
    wire = Wire(unsent(), ok())
    await repeated(wire)(CALLS[effect])
    assert wire.calls == [CALLS[effect]] * 2


@virtual
async def test_a_call_is_sent_so_many_times_at_most():
    wire = Wire(lost())
    with pytest.raises(errors.Unavailable):
        await repeated(wire)(READ)
    assert len(wire.calls) == 3
    assert course.current().attempts == 3


@virtual
@pytest.mark.parametrize("error", [errors.QuotaExhausted("x"), errors.Unauthorised("x"), errors.CircuitOpen("x")])
async def test_some_failures_are_final(error):
    wire = Wire(error)
    with pytest.raises(type(error)):
        await repeated(wire)(READ)
    assert len(wire.calls) == 1


@virtual
async def test_the_wait_before_a_repetition_doubles_within_its_cap():
    wire = Wire(lost())
    settings = RetrySettings(attempts=6, base=0.4, cap=1.0, share=1.0, floor=100)
    with pytest.raises(errors.Unavailable):
        await repeated(wire, settings=settings, random=lambda: 0.5)(READ)
    waits = [later - earlier for earlier, later in itertools.pairwise(wire.at)]
    assert waits == pytest.approx([0.2, 0.4, 0.5, 0.5, 0.5])


@virtual
async def test_a_hint_is_waited_for():
    wire = Wire(throttled(1.5), ok())
    await repeated(wire, random=lambda: 0.0)(READ)
    assert wire.at[1] - wire.at[0] == pytest.approx(1.5)


@virtual
async def test_a_hint_beyond_the_time_there_is_fails_at_once_with_the_original_error():
    course.begin().until = clock() + 2.0
    error = throttled(3.0)
    with pytest.raises(errors.Throttled) as caught:
        await repeated(Wire(error))(READ)
    assert caught.value is error
    assert clock() == 1_000.0


@virtual
async def test_nobody_waits_longer_than_there_is_time():
    course.begin().until = clock() + 0.03
    wire = Wire(lost())
    with pytest.raises(errors.Unavailable):
        await repeated(wire)(READ)
    assert len(wire.calls) == 1


@virtual
async def test_without_a_budget_nothing_is_repeated():
    wire = Wire(lost())
    budget = Budget(0.0, 0.0, clock)
    with pytest.raises(errors.Unavailable):
        await repeated(wire, budget=budget)(READ)
    assert len(wire.calls) == 1


@virtual
async def test_a_write_with_a_key_is_sent_again_as_it_is():
    wire = Wire(lost(), ok())
    await repeated(wire)(WRITES[Effect.KEYED])
    assert wire.calls[0] is wire.calls[1]


@virtual
@pytest.mark.parametrize(
    ("effect", "attempts", "remedy"),
    [
        (Effect.KEYED, 3, Remedy.REPEAT),
        (Effect.UPSERT, 1, Remedy.READ_THEN_REPEAT),
        (Effect.ONCE, 1, Remedy.READ),
    ],
)
@pytest.mark.parametrize("error", [lost(), errors.TimedOut("slow"), errors.Garbled("html")])
async def test_the_outcome_of_a_write_without_an_answer_is_unknown(effect, attempts, remedy, error):
    wire = Wire(error)
    with pytest.raises(OutcomeUnknown) as caught:
        await repeated(wire)(WRITES[effect])
    assert len(wire.calls) == attempts
    assert caught.value.remedy is remedy
    assert caught.value.source == "billing"
    assert caught.value.__cause__ is error


@virtual
@pytest.mark.parametrize(
    "second",
    [unsent(), errors.CircuitOpen("x", unsent=True), throttled(), errors.Contended("x"), errors.Unauthorised("x")],
)
async def test_a_lost_write_stays_lost_when_the_next_attempt_does_not_get_through(second):
    with pytest.raises(OutcomeUnknown) as caught:
        await repeated(Wire(lost(), second))(WRITES[Effect.KEYED])
    assert caught.value.remedy is Remedy.REPEAT


@virtual
@pytest.mark.parametrize("second", [errors.Rejected("x"), errors.Locked("x"), errors.Duplicate("x")])
async def test_an_answer_under_the_same_key_settles_what_was_lost(second):
    with pytest.raises(type(second)):
        await repeated(Wire(lost(), second))(WRITES[Effect.KEYED])


@virtual
@pytest.mark.parametrize(
    ("first", "is_sent"), [(lost(), True), (unsent(), False), (throttled(), False), (errors.Rejected("x"), False)]
)
async def test_what_is_still_unsettled_is_noted_for_the_layers_above(first, is_sent):
    with pytest.raises(SourceError):
        await repeated(Wire(first), settings=RetrySettings(attempts=1))(WRITES[Effect.KEYED])
    assert course.current().sent is is_sent


@given(
    share=st.floats(0, 1),
    floor=st.integers(0, 10),
    steps=st.lists(st.tuples(st.integers(0, 20), st.booleans(), st.floats(0, 30)), max_size=100),
)
def test_repetitions_stay_within_their_share_of_the_calls_and_the_floor(share, floor, steps):
    turned = Turned()
    budget = Budget(share, floor, turned)
    calls = spent = 0
    for earned, wants, seconds in steps:
        for _ in range(earned):
            budget.earn()
        calls += earned
        if wants:
            spent += budget.spend()
        turned.turn(seconds)
        elapsed = turned.now - 1_000.0
        assert spent <= share * calls + floor * (1 + elapsed / 60) + 1e-6


def test_a_quiet_source_gets_its_floor_back_within_a_minute():
    turned = Turned()
    budget = Budget(0.1, 3, turned)
    assert [budget.spend() for _ in range(4)] == [True, True, True, False]
    turned.turn(60.1)
    assert [budget.spend() for _ in range(4)] == [True, True, True, False]


def test_a_long_time_of_health_does_not_pay_for_a_storm():
    budget = Budget(0.1, 3, Turned())
    for _ in range(100_000):
        budget.earn()
    assert sum(budget.spend() for _ in range(1_000)) == 10


def test_a_long_quiet_does_not_pay_for_a_storm_either():
    turned = Turned()
    budget = Budget(0.1, 3, turned)
    turned.turn(36_000)
    assert sum(budget.spend() for _ in range(1_000)) == 10


def test_a_busy_source_that_fails_is_asked_at_most_a_tenth_more_than_it_would_be():
    turned, settings = Turned(), RetrySettings()
    budget = Budget(settings.share, settings.floor, turned)
    for _ in range(600):  # well for a while: what may be saved is saved
        turned.turn(1 / 15)
        budget.earn()
    spent = 0
    for _ in range(900):
        turned.turn(1 / 15)
        budget.earn()
        spent += budget.spend()
    assert 0.07 * 900 < spent <= 0.1 * 900
