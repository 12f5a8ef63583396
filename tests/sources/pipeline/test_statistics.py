"""Statistics: counts and percentiles of the last minute."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.pipeline.statistics import Statistics


def test_nothing_called_is_nothing_known():
    latency = Statistics().latency(1_000.0)
    assert (latency.p50_ms, latency.p99_ms, latency.calls) == (None, None, 0)


def test_everything_is_counted_as_what_it_was():
    counted = Statistics()
    counted.answered(1_000.0, 0.010, 0)
    counted.answered(1_001.0, 0.010, 2)
    counted.failed(1_002.0, 0.010, 1, "SOURCE_TIMEOUT")
    counted.refused(1_003.0, 0)
    latency = counted.latency(1_003.0)
    assert (latency.calls, latency.failures, latency.retries, latency.refused) == (4, 1, 3, 1)
    assert counted.last_error == "SOURCE_TIMEOUT"


def test_a_refused_call_says_nothing_about_the_sources_latency():
    counted = Statistics()
    counted.refused(1_000.0, 0)
    assert counted.latency(1_000.0).p50_ms is None


def test_what_is_older_than_a_minute_is_forgotten():
    counted = Statistics()
    counted.answered(1_000.0, 0.010, 0)
    assert counted.latency(1_049.0).calls == 1
    assert counted.latency(1_060.0).calls == 0


def test_a_place_that_is_used_again_begins_empty():
    counted = Statistics()
    for minute in range(10):
        counted.answered(1_000.0 + 60 * minute, 0.010, 0)
    assert counted.latency(1_540.0).calls == 1


@given(st.lists(st.floats(0.0002, 50.0), min_size=1, max_size=300))
def test_percentiles_are_right_to_a_bucket(seconds):
    counted = Statistics()
    for each in seconds:
        counted.answered(1_000.0, each, 0)
    latency = counted.latency(1_000.0)
    ordered = sorted(seconds)
    for found, share in ((latency.p50_ms, 0.50), (latency.p99_ms, 0.99)):
        wanted = ordered[max(0, -int(-share * len(ordered) // 1) - 1)] * 1_000
        assert found == pytest.approx(wanted, rel=0.09)


def test_the_extremes_have_a_place():
    counted = Statistics()
    for seconds in (0.0, 1e-9, 3_600.0):
        counted.answered(1_000.0, seconds, 0)
    latency = counted.latency(1_000.0)
    assert latency.p50_ms is not None
    assert latency.p99_ms is not None
    assert latency.p50_ms <= 0.1
    assert latency.p99_ms >= 50_000
