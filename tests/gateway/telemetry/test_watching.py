"""What is watched of the pipelines: circuits are logged and remembered, calls are counted."""

import json
import logging
from datetime import UTC, datetime, timedelta

import pytest

from gateway.telemetry.exposition import text
from gateway.telemetry.journal import Journal
from gateway.telemetry.meters import Meters, of_cache, of_sources
from sources.canonical import System
from sources.errand import Lane
from sources.overview import Condition, History, Mishap, Overview, Remembered
from sources.pipeline.state import Circuit, Latency, Queue, State
from sources.pipeline.telemetry import Called, Changed
from sources.ports import Effect, Limit

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


def called(outcome: str = "OK", *, attempts: int = 1, milliseconds: float = 40.0, queued: float = 0.0) -> Called:
    return Called("billing", "query", Effect.READ, Lane.PORTAL, attempts, milliseconds, outcome, queued)


def changed(state: str, previous: str, kind: str = "reads", retry_in: float | None = None) -> Changed:
    return Changed("billing", kind, state, previous, retry_in, "half of 10 calls failed")  # type: ignore[arg-type]


def test_a_change_of_a_circuit_is_one_line_of_json(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="opsgraph.sources"):
        Journal(Clock()).circuit(changed("open", "closed", retry_in=2.125))
    (record,) = caplog.records
    line = record.getMessage()
    assert "\n" not in line
    assert json.loads(line) == {
        "event": "circuit_changed",
        "at": "2026-03-10T12:00:00Z",
        "source": "billing",
        "kind": "reads",
        "state": "open",
        "previous": "closed",
        "retryInMs": 2125,
        "reason": "half of 10 calls failed",
    }


def test_the_journal_remembers_since_when_a_circuit_is_not_closed() -> None:
    clock = Clock()
    journal = Journal(clock)
    journal.circuit(changed("open", "closed"))
    clock.now += timedelta(seconds=9)
    journal.circuit(changed("half_open", "open"))
    journal.circuit(changed("open", "closed", kind="writes"))
    assert journal.histories()["billing"].open_since == NOW
    journal.circuit(changed("closed", "half_open"))
    assert journal.histories()["billing"].open_since == clock.now
    journal.circuit(changed("closed", "open", kind="writes"))
    assert journal.histories()["billing"].open_since is None


def test_the_journal_remembers_what_went_wrong_last_and_when() -> None:
    clock = Clock()
    journal = Journal(clock)
    journal.called(called("SOURCE_TIMEOUT"))
    clock.now += timedelta(seconds=5)
    journal.called(called("CANCELLED"))
    journal.called(called("OK"))
    assert journal.histories() == {"billing": History(Mishap("SOURCE_TIMEOUT", NOW), None)}


def test_calls_are_counted_with_their_time_and_repetitions() -> None:
    meters = Meters()
    meters.called(called())
    meters.called(called("SOURCE_TIMEOUT", attempts=3, milliseconds=2_000.0, queued=500.0))
    meters.circuit(changed("open", "closed"))
    page = text(meters.lines()).splitlines()
    assert 'opsgraph_source_calls_total{source="billing",outcome="OK"} 1' in page
    assert 'opsgraph_source_calls_total{source="billing",outcome="SOURCE_TIMEOUT"} 1' in page
    assert 'opsgraph_source_call_seconds_bucket{source="billing",le="0.05"} 1' in page
    assert 'opsgraph_source_call_seconds_sum{source="billing"} 2.04' in page
    assert 'opsgraph_source_retries_total{source="billing"} 2' in page
    assert 'opsgraph_source_queued_seconds_total{source="billing"} 0.5' in page
    assert 'opsgraph_circuit_changes_total{source="billing",kind="reads",state="open"} 1' in page


def test_answers_are_counted_by_class_outcome_and_code_with_what_memory_saved() -> None:
    meters = Meters()
    saved = [{"source": "crm", "cached": 3, "joined": 1}, {"source": "erp", "cached": 0, "joined": 0}]
    error = {"message": "x", "extensions": {"code": "SOURCE_TIMEOUT"}}
    meters.answered({"data": {}, "extensions": {"sources": saved}}, True, 0.02, ("lookup",))
    meters.answered({"data": {}, "errors": [error, error], "extensions": {"sources": []}}, True, 0.2, ("lookup",))
    meters.answered({"errors": [{"extensions": {"code": "BAD_INPUT"}}]}, False, 0.001, ())
    page = text(meters.lines()).splitlines()
    assert 'opsgraph_operations_total{class="lookup",outcome="OK"} 1' in page
    assert 'opsgraph_operations_total{class="lookup",outcome="PARTIAL"} 1' in page
    assert 'opsgraph_operations_total{class="none",outcome="REFUSED"} 1' in page
    assert 'opsgraph_operation_seconds_count{class="lookup"} 2' in page
    assert 'opsgraph_errors_total{code="SOURCE_TIMEOUT"} 2' in page
    assert 'opsgraph_source_keys_total{source="crm",from="cache"} 3' in page
    assert 'opsgraph_source_keys_total{source="crm",from="flight"} 1' in page
    assert not any('source="erp"' in line for line in page)


def test_how_sources_and_the_cache_stand_is_read_at_the_moment() -> None:
    state = State(
        "billing",
        Circuit("open", 12, 9, 1.5),
        Circuit("closed", 0, 0, None),
        Queue(3, 2, 20, 100),
        Latency(10.0, 90.0, 12, 9, 1, 0),
        (Limit("daily", 1_000, 12),),
        None,
        "SOURCE_TIMEOUT",
    )
    one = Overview("billing", "stripe", System.BILLING, "default", (), (), Condition.OPEN, state, History())
    page = text([*of_sources([one]), *of_cache(Remembered(5, 10, 2, 0, redis=False))]).splitlines()
    assert 'opsgraph_circuit_state{source="billing",kind="reads",state="open"} 1' in page
    assert 'opsgraph_circuit_state{source="billing",kind="reads",state="closed"} 0' in page
    assert 'opsgraph_circuit_state{source="billing",kind="writes",state="closed"} 1' in page
    assert 'opsgraph_source_queue{source="billing",calls="waiting"} 2' in page
    assert 'opsgraph_source_limit_remaining{source="billing",limit="daily"} 12' in page
    assert "opsgraph_cache_bytes 5" in page
    assert "opsgraph_cache_redis_in_use 0" in page
