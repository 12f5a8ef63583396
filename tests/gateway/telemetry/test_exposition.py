"""The text that Prometheus reads: its format, to the letter."""

import re

from gateway.telemetry.exposition import Counter, Histogram, gauge, text

# As Prometheus' own parser has it: a name, labels with escaped values, a number.
LINE = re.compile(r'[a-z_:][a-z0-9_:]*(\{([a-z_]+="([^"\\\n]|\\[\\"n])*",?)+\})? -?[0-9.e+-]+$')


def test_a_counter_counts_by_its_labels() -> None:
    calls = Counter("calls_total", "Calls.", ["source", "outcome"])
    calls.add("crm", "OK")
    calls.add("crm", "OK", by=2)
    calls.add("erp", "SOURCE_TIMEOUT")
    assert list(calls.lines()) == [
        "# HELP calls_total Calls.",
        "# TYPE calls_total counter",
        'calls_total{source="crm",outcome="OK"} 3',
        'calls_total{source="erp",outcome="SOURCE_TIMEOUT"} 1',
    ]


def test_a_histogram_counts_what_is_at_most_as_large_as_each_bound() -> None:
    seconds = Histogram("call_seconds", "How long.", ["source"], bounds=(0.1, 1.0))
    for value in (0.05, 0.1, 0.5, 7.0):
        seconds.observe(value, "crm")
    assert list(seconds.lines())[2:] == [
        'call_seconds_bucket{source="crm",le="0.1"} 2',
        'call_seconds_bucket{source="crm",le="1"} 3',
        'call_seconds_bucket{source="crm",le="+Inf"} 4',
        'call_seconds_sum{source="crm"} 7.65',
        'call_seconds_count{source="crm"} 4',
    ]


def test_a_gauge_is_what_it_is_at_this_moment() -> None:
    assert list(gauge("late_seconds", "Late.", [({}, 0.25)]))[2:] == ["late_seconds 0.25"]


def test_a_label_cannot_break_out_of_its_line() -> None:
    counter = Counter("x_total", "X.", ["name"])
    counter.add('a"} 1\nevil{name="\\')
    line = list(counter.lines())[2]
    assert line == 'x_total{name="a\\"} 1\\nevil{name=\\"\\\\"} 1'
    assert LINE.match(line)


def test_a_page_ends_with_a_line_feed() -> None:
    assert text([gauge("a", "A.", [({}, 1)]), gauge("b", "B.", [])]).endswith("# TYPE b gauge\n")
