"""Rates: no client gets more than its bucket holds, none that keeps to it is refused, and what is refused says how long."""

import logging
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.http.rates import Buckets, RateLimited, Rates
from gateway.settings import Rate, RateSettings, SettingsError, parse
from gateway.telemetry.exposition import text
from policies.principal import Principal
from tests.gateway.http.edge import ISSUER, Edge
from tests.gateway.test_app import gateway

ADA, BOB = ("ada", frozenset({"agent"})), ("bob", frozenset({"agent"}))
GAPS = st.lists(st.floats(0, 3), min_size=1, max_size=60)
RATES = st.builds(Rate, per_second=st.floats(0.1, 50), burst=st.integers(1, 20))
TINY = 1e-6


class Clock:
    """Time that goes on when it is told to."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@given(rate=RATES, gaps=GAPS)
def test_in_any_span_no_more_is_let_in_than_the_bucket_holds_and_gets_meanwhile(rate: Rate, gaps: list[float]) -> None:
    clock = Clock()
    buckets, taken = Buckets(clock), []
    for gap in gaps:
        clock.now += gap
        if buckets.take(ADA, rate) == 0:
            taken.append(clock.now)
    for first, start in enumerate(taken):
        for last in range(first, len(taken)):
            assert last - first + 1 <= rate.burst + (taken[last] - start) * rate.per_second + TINY


@given(rate=RATES, gaps=GAPS)
def test_it_decides_as_a_bucket_that_is_filled_up_drop_by_drop(rate: Rate, gaps: list[float]) -> None:
    clock = Clock()
    buckets, tokens = Buckets(clock), float(rate.burst)
    for gap in gaps:
        clock.now += gap
        tokens = min(rate.burst, tokens + gap * rate.per_second)
        wait = buckets.take(ADA, rate)
        if abs(tokens - 1) > TINY:  # within a rounding both are right
            assert (wait == 0) is (tokens > 1)
        tokens -= wait == 0


@given(rate=RATES, gaps=GAPS)
def test_who_waits_as_long_as_it_was_told_is_let_in_and_no_sooner(rate: Rate, gaps: list[float]) -> None:
    clock = Clock()
    buckets = Buckets(clock)
    for gap in gaps:
        clock.now += gap
        wait = buckets.take(ADA, rate)
        if wait > 10 * TINY:
            clock.now += wait * 0.9
            assert buckets.take(ADA, rate) > 0
            clock.now += wait * 0.1 + TINY
            assert buckets.take(ADA, rate) == 0


@given(rate=RATES, gaps=GAPS)
def test_who_is_refused_takes_nothing_and_nobody_takes_from_another(rate: Rate, gaps: list[float]) -> None:
    clock = Clock()
    alone, crowded = Buckets(clock), Buckets(clock)
    for gap in gaps:
        clock.now += gap
        expected = alone.take(ADA, rate)
        for _ in range(3):
            crowded.take(BOB, rate)
        assert crowded.take(ADA, rate) == expected
        if expected:
            assert crowded.take(ADA, rate) == expected


def test_memory_is_bounded_and_who_has_not_asked_for_longest_goes() -> None:
    clock = Clock()
    buckets, rate = Buckets(clock, remembered=3), Rate(per_second=1, burst=1)
    for name in "abc":
        assert buckets.take((name, frozenset()), rate) == 0
    assert buckets.take(("d", frozenset()), rate) == 0
    assert len(buckets) == 3
    assert buckets.take(("b", frozenset()), rate) > 0
    assert buckets.take(("a", frozenset()), rate) == 0


# ---------------------------------------------------------------- whose bucket


def settings(per_second: float = 0.0, **roles: float) -> RateSettings:
    each = {name: Rate(per_second=rate, burst=1) for name, rate in roles.items()}
    return RateSettings(per_second=per_second, burst=1, roles=each)


def admitted(rates: Rates, *who: Principal) -> list[bool]:
    found = []
    for each in who:
        try:
            rates.check(each)
        except RateLimited:
            found.append(False)
        else:
            found.append(True)
    return found


def who(*roles: str, subject: str = "ada", client: str | None = None) -> Principal:
    return Principal(subject, frozenset(roles), client=client)


@pytest.mark.parametrize(
    ("limits", "asking", "let_in"),
    [
        (settings(), [who("agent")] * 3, [True, True, True]),
        (settings(1), [who("agent")] * 2, [True, False]),
        (settings(1), [who("agent"), who("agent", subject="bob")], [True, True]),
        (settings(1), [who("agent", client="portal"), who("agent", subject="bob", client="portal")], [True, False]),
        (settings(1), [who("agent", client="portal"), who("lead", client="portal")], [True, True]),
        (settings(0, agent=1), [who("lead")] * 3, [True, True, True]),
        (settings(0, agent=1), [who("agent", "lead")] * 3, [True, True, True]),
        (settings(0, agent=1, lead=2), [who("agent", "lead")] * 2, [True, False]),
        (settings(1, lead=0), [who("lead")] * 3, [True, True, True]),
        (settings(1), [who()] * 2, [True, False]),
    ],
    ids=[
        "off",
        "one",
        "two people",
        "one client",
        "two roles",
        "another role",
        "a free role among two",
        "two rates",
        "a free role",
        "no role",
    ],
)
def test_a_bucket_is_of_one_client_and_its_roles(
    limits: RateSettings, asking: list[Principal], let_in: list[bool]
) -> None:
    assert admitted(Rates(limits, clock=Clock()), *asking) == let_in


def test_the_most_generous_of_several_roles_counts() -> None:
    clock = Clock()
    rates = Rates(settings(0, agent=1, lead=4), clock=clock)
    assert admitted(rates, who("agent", "lead")) == [True]
    clock.now += 0.25
    assert admitted(rates, who("agent", "lead")) == [True]


def test_one_that_warns_only_lets_everybody_in_counts_them_and_logs_one_line(caplog: pytest.LogCaptureFixture) -> None:
    rates = Rates(settings(0, agent=1), warns=True, clock=Clock())
    with caplog.at_level(logging.WARNING, "opsgraph.admission"):
        assert admitted(rates, *[who("agent")] * 5) == [True] * 5
    assert len(caplog.records) == 1
    assert 'opsgraph_requests_over_rate_total{roles="agent",done="warned"} 4' in text([rates.refused.lines()])


# ---------------------------------------------------------------- over HTTP


def edge(clock: Callable[[], float]) -> Edge:
    return Edge(rates=Rates(RateSettings(per_second=0.4, burst=2), clock=clock))


async def test_who_asks_too_often_is_answered_429_with_a_time_and_nothing_is_read_of_it() -> None:
    clock = Clock()
    made = edge(clock)
    assert [(await made.ask()).status for _ in range(2)] == [200, 200]
    refused = await made.ask()
    assert (refused.status, refused.headers["retry-after"], refused.reads) == (429, "3", 0)
    (error,) = refused.body["errors"]
    extensions = error["extensions"]
    assert (extensions["code"], extensions["retryable"], extensions["retryAfterMs"]) == ("RATE_LIMITED", True, 2500)
    assert extensions["docs"] == "docs/errors.md#rate_limited"
    assert len(made.engine.asked) == 2
    clock.now += 2.5
    assert (await made.ask()).status == 200


async def test_a_token_that_is_not_accepted_takes_nothing_from_anybody() -> None:
    made = edge(Clock())
    for _ in range(5):
        assert (await made.ask(authorization=b"Bearer none")).status == 401
    assert (await made.ask()).status == 200


async def test_clients_that_their_tokens_name_have_a_bucket_each() -> None:
    made = edge(Clock())
    tokens = [b"Bearer " + ISSUER.token(exp=99_999_999_999, client_id=name).encode() for name in ("portal", "cpq")]
    assert [(await made.ask(authorization=tokens[0])).status for _ in range(3)] == [200, 200, 429]
    assert (await made.ask(authorization=tokens[1])).status == 200


def test_the_settings_say_it_by_role_and_the_metrics_tell() -> None:
    rate = {"roles": {"platform": {"per_second": 0.001, "burst": 2}}}
    with gateway(admission={"rate": rate}) as made:
        codes = [
            made.ask("{ __typename }", "platform").get("errors", [{}])[0].get("extensions", {}).get("code")
            for _ in range(3)
        ]
        assert codes == [None, None, "RATE_LIMITED"]
        assert made.ask("{ __typename }", "finance")["data"]
        shown = made.client.get("/metrics").text
    assert 'opsgraph_requests_over_rate_total{roles="platform",done="refused"} 1' in shown


@pytest.mark.parametrize(
    ("rate", "line"),
    [
        ({"per_second": -1}, "`rate.per_second`: "),
        ({"burst": 0}, "`rate.burst`: "),
        (
            {"roles": {"agent": {"per_secnd": 1}}},
            "unknown key `per_secnd` in `rate.roles[...]`: did you mean `per_second`?",
        ),
    ],
)
def test_a_mistake_in_the_settings_is_one_line(rate: dict[str, Any], line: str) -> None:
    with pytest.raises(SettingsError) as refused:
        parse({"admission": {"rate": rate}}, {})
    assert line in str(refused.value)
