"""Admission: the lowest lane is refused first, a pause of the loop refuses nobody, and what was let in stays."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.http.admission import Admission, Shed
from gateway.http.lag import PERIOD, Lag
from gateway.settings import AdmissionSettings, ByLane
from sources.errand import Lane

SETTINGS = AdmissionSettings(concurrency=100)  # so that backfill has 20, portals 60, lookups 90
PORTAL_DELAY = SETTINGS.delays.portal


def admission(settings: AdmissionSettings = SETTINGS) -> Admission:
    return Admission(settings)


def open_lanes(made: Admission) -> set[Lane]:
    return {lane for lane in Lane if made.open_to(lane, made.under_way, made.turn)}


def late(made: Admission, delay: float, start: float, seconds: float) -> float:
    """The loop is late by `delay` whenever it is looked, for so long; gives when that ends."""
    now = start
    while now < start + seconds:
        made.observe(delay, now)
        now += PERIOD + delay
    return now


@pytest.mark.parametrize(
    ("under_way", "lanes"),
    [
        (0, set(Lane)),
        (19, set(Lane)),
        (20, {Lane.VALIDATE, Lane.LOOKUP, Lane.PORTAL}),
        (60, {Lane.VALIDATE, Lane.LOOKUP}),
        (90, {Lane.VALIDATE}),
        (100, set()),
    ],
)
def test_each_lane_is_refused_when_all_together_fill_its_share(under_way: int, lanes: set[Lane]) -> None:
    made = admission()
    made.under_way = under_way
    assert open_lanes(made) == lanes


def test_nobody_is_refused_while_there_is_room_and_the_loop_is_in_time() -> None:
    made = admission()
    made.under_way = 20
    late(made, 0.0, 0.0, 1.0)
    assert not made.pressed
    made.under_way = 21
    assert made.pressed


def test_one_long_pause_refuses_nobody() -> None:
    made = admission()
    now = late(made, 0.0, 0.0, 0.5)
    made.observe(3.0, now + 3)
    assert open_lanes(made) == set(Lane)
    made.observe(0.0, now + 3.01)
    assert open_lanes(made) == set(Lane)


def test_a_loop_that_is_late_all_the_time_refuses_the_lanes_that_it_is_too_late_for() -> None:
    made = admission()
    now = late(made, PORTAL_DELAY, 0.0, 0.5)
    assert open_lanes(made) == {Lane.VALIDATE, Lane.LOOKUP}
    late(made, SETTINGS.delays.validate, now, 1.5)
    assert open_lanes(made) == set()


def test_a_lane_opens_as_soon_as_the_loop_is_well_in_time_and_not_before() -> None:
    made = admission()
    now = late(made, PORTAL_DELAY, 0.0, 0.5)
    made.observe(PORTAL_DELAY * 0.9, now)
    assert Lane.PORTAL not in open_lanes(made)
    made.observe(PORTAL_DELAY * 0.4, now + 0.1)
    assert Lane.PORTAL in open_lanes(made)


def test_a_relapse_is_believed_at_once_and_a_new_lateness_is_not() -> None:
    made = admission()
    now = late(made, PORTAL_DELAY, 0.0, 0.5)
    made.observe(0.0, now)
    made.observe(PORTAL_DELAY, now + 0.1)
    assert Lane.PORTAL in open_lanes(made)
    made.observe(PORTAL_DELAY, now + 0.15)
    assert Lane.PORTAL not in open_lanes(made)
    made.observe(0.0, now + 0.2)
    made.observe(PORTAL_DELAY, now + 5.0)
    made.observe(PORTAL_DELAY, now + 5.06)
    assert Lane.PORTAL in open_lanes(made)


def test_what_was_let_in_is_not_thrown_out_because_the_loop_is_late_now() -> None:
    made = admission()
    made.under_way = 1
    arrived = made.turn
    late(made, PORTAL_DELAY, 0.0, 0.5)
    made.check(Lane.PORTAL, b"a", arrived)
    with pytest.raises(Shed):
        made.check(Lane.PORTAL, b"a", made.turn)


def test_a_request_counts_itself_out() -> None:
    made = admission()
    made.under_way = 60  # this one and 59 others
    made.check(Lane.PORTAL, b"a", made.turn)
    made.under_way = 61
    with pytest.raises(Shed) as shed:
        made.check(Lane.PORTAL, b"a", made.turn)
    assert shed.value.lane is Lane.PORTAL


def asks(made: Admission, lane: Lane, caller: bytes, times: int = 1) -> list[bool]:
    """How often a caller that asks for one lane was refused unread; one that is read is judged by its lane."""
    unread = []
    for _ in range(times):
        unread.append(made.turns_away(caller, made.under_way, made.turn))
        if not unread[-1]:
            with contextlib.suppress(Shed):
                made.check(lane, caller, made.turn)
    return unread


def test_a_caller_that_asks_for_one_lane_only_is_soon_refused_unread() -> None:
    made = admission()
    made.under_way = 61
    asks(made, Lane.PORTAL, b"portal", 8)
    asks(made, Lane.LOOKUP, b"desk", 8)
    assert sum(asks(made, Lane.PORTAL, b"portal", 160)) == 150  # one of sixteen is read
    assert not any(asks(made, Lane.LOOKUP, b"desk", 160))
    assert not made.turns_away(b"somebody new", made.under_way, made.turn)
    made.under_way = 100
    assert made.turns_away(b"somebody new", made.under_way, made.turn)


def test_a_few_refusals_do_not_tell_what_a_caller_asks_for_next() -> None:
    made = admission()
    made.under_way = 61
    assert not any(asks(made, Lane.PORTAL, b"agent", 7))
    made.check(Lane.LOOKUP, b"agent", made.turn)


def test_a_caller_that_asks_for_urgent_things_too_has_to_be_read() -> None:
    made = admission()
    made.under_way = 61
    asks(made, Lane.PORTAL, b"agent", 100)
    made.check(Lane.LOOKUP, b"agent", made.turn)
    assert not any(asks(made, Lane.PORTAL, b"agent", 100))


def test_what_a_caller_asked_for_is_forgotten_soon() -> None:
    made = admission()
    made.under_way = 61
    made.observe(0.0, 10.0)
    asks(made, Lane.PORTAL, b"portal", 10)
    made.observe(0.0, 11.0)
    assert made.turns_away(b"portal", made.under_way, made.turn)
    made.observe(0.0, 13.0)
    assert not made.turns_away(b"portal", made.under_way, made.turn)


def test_callers_are_remembered_in_a_bounded_number() -> None:
    made = admission()
    made.under_way = 61
    for number in range(25_000):
        asks(made, Lane.PORTAL, str(number).encode())
    assert len(made._habits) <= 10_000


def test_those_who_are_refused_are_not_told_to_come_back_all_at_once() -> None:
    made = admission()
    assert {made.retry_after() for _ in range(6)} == {1, 2, 3}


def test_where_it_is_switched_off_nobody_is_refused() -> None:
    made = admission(AdmissionSettings(enabled=False, concurrency=1))
    made.under_way = 1_000
    late(made, 9.0, 0.0, 30.0)
    assert not made.pressed


@given(
    st.lists(st.tuples(st.floats(0, 1), st.floats(0.001, 0.5)), max_size=60),
    st.integers(0, 120),
    st.lists(st.floats(0.01, 1), min_size=4, max_size=4),
    st.lists(st.floats(0.01, 1), min_size=4, max_size=4),
)
def test_a_more_urgent_lane_is_never_refused_where_a_lesser_one_is_let_in(
    observed: list[tuple[float, float]], under_way: int, shares: list[float], delays: list[float]
) -> None:
    names = [lane.name.lower() for lane in Lane]
    made = admission(
        AdmissionSettings(
            concurrency=100,
            shares=ByLane(**dict(zip(names, sorted(shares, reverse=True), strict=True))),
            delays=ByLane(**dict(zip(names, sorted(delays, reverse=True), strict=True))),
        )
    )
    now = 0.0
    for delay, step in observed:
        now += step
        made.observe(delay, now)
        made.under_way = under_way
        lanes = [made.open_to(lane, under_way, made.turn) for lane in Lane]
        assert lanes == sorted(lanes, reverse=True)
        if not all(made.open_to(lane, under_way - 1, made.turn) for lane in Lane):
            assert made.pressed  # or nobody would look


async def test_the_lag_tells_how_much_later_than_due_it_came() -> None:
    told: list[tuple[float, float]] = []
    clock = iter([100.0, 100.0 + PERIOD + 0.25, 101.0])
    lag = Lag(lambda delay, now: told.append((delay, now)), lambda: next(clock))
    lag.start()
    for _ in range(2):
        lag.stop()  # the loop's own timer: this test is the loop
        lag._look()
    lag.stop()
    assert [now for _, now in told] == [100.0 + PERIOD + 0.25, 101.0]
    assert [delay for delay, _ in told] == pytest.approx([0.25, 0.75 - PERIOD * 2])


def test_a_limit_that_warns_only_lets_everybody_in_and_counts_those_past_it() -> None:
    made = Admission(AdmissionSettings(concurrency=100, warn_only=("concurrency", "delay")))
    made.under_way = 101
    late(made, 0.5, 0.0, 2.0)
    assert made.pressed  # so that lanes are found out
    assert open_lanes(made) == set(Lane)
    made.meet(b"ada", made.turn)
    made.check(Lane.PORTAL, b"ada", made.turn)
    counted = [line for line in made.warned.lines() if not line.startswith("#")]
    assert counted == [
        'opsgraph_requests_warned_total{limit="concurrency",lane="PORTAL"} 1',
        'opsgraph_requests_warned_total{limit="delay",lane="PORTAL"} 1',
    ]
    assert not [line for line in made.shed.lines() if not line.startswith("#")]


@pytest.mark.parametrize(("warns", "refusing"), [("concurrency", "delay"), ("delay", "concurrency")])
def test_the_other_limit_still_refuses(warns: str, refusing: str) -> None:
    made = Admission(AdmissionSettings(concurrency=100, warn_only=(warns,)))  # type: ignore[arg-type]
    made.under_way = 101 if refusing == "concurrency" else 1
    if refusing == "delay":
        late(made, 0.5, 0.0, 2.0)
    with pytest.raises(Shed):
        made.check(Lane.PORTAL, b"ada", made.turn)
