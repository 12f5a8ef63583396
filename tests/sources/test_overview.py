"""The overview: how a source is doing, in one word."""

import pytest

from sources.overview import Condition, condition
from sources.pipeline.state import Circuit, Latency, Queue, State

CLOSED, OPEN, HALF = Circuit("closed", 0, 0, None), Circuit("open", 10, 9, 1.0), Circuit("half_open", 0, 0, None)
IDLE, BUSY, AILING, SHAKY = (
    Latency(None, None, calls, failures, retries, 0)
    for calls, failures, retries in ((0, 0, 0), (5, 0, 0), (5, 1, 0), (5, 0, 1))
)


@pytest.mark.parametrize(
    ("reads", "writes", "latency", "paused", "last", "word"),
    [
        (CLOSED, CLOSED, IDLE, None, None, Condition.NOT_ASKED_YET),
        (CLOSED, CLOSED, IDLE, None, "OK", Condition.OK),
        (CLOSED, CLOSED, BUSY, None, None, Condition.OK),  # it was asked by somebody else than the graph
        (CLOSED, CLOSED, AILING, None, "OK", Condition.DEGRADED),
        (CLOSED, CLOSED, SHAKY, None, "OK", Condition.DEGRADED),  # answered in the end
        (CLOSED, CLOSED, BUSY, 3.0, "OK", Condition.DEGRADED),
        (CLOSED, CLOSED, AILING, None, "SOURCE_TIMEOUT", Condition.FAILING),
        (OPEN, CLOSED, AILING, None, "OK", Condition.OPEN),
        (CLOSED, OPEN, BUSY, None, "OK", Condition.OPEN),
        (HALF, CLOSED, BUSY, None, "OK", Condition.OPEN),
    ],
)
def test_the_worst_of_what_is_known_is_the_word(
    reads: Circuit, writes: Circuit, latency: Latency, paused: float | None, last: str | None, word: Condition
) -> None:
    state = State("crm", reads, writes, Queue(0, 0, 5, 5), latency, (), paused, None)
    assert condition(state, last) is word
