"""Meters: counts calls to sources and answers to clients."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from gateway.telemetry.exposition import Counter, Histogram, gauge
from sources.overview import Overview, Remembered
from sources.pipeline.telemetry import Called, Changed

_STATES = ("closed", "half_open", "open")


class Meters:
    """An observer of the pipelines, which is also told of every answer."""

    def __init__(self) -> None:
        source = ["source"]
        self._calls = Counter("opsgraph_source_calls_total", "Calls that ended, by outcome.", [*source, "outcome"])
        self._seconds = Histogram("opsgraph_source_call_seconds", "How long calls took, repetitions included.", source)
        self._queued = Counter("opsgraph_source_queued_seconds_total", "Time that calls waited for a place.", source)
        self._retries = Counter("opsgraph_source_retries_total", "Repetitions of calls.", source)
        self._changes = Counter(
            "opsgraph_circuit_changes_total", "Changes of circuits, by the new state.", [*source, "kind", "state"]
        )
        self._facts = Counter("opsgraph_source_keys_total", "Keys answered without a call.", [*source, "from"])
        self._operations = Counter(
            "opsgraph_operations_total", "Answers, by class and what became of them.", ["class", "outcome"]
        )
        self._errors = Counter("opsgraph_errors_total", "Errors in answers, by code.", ["code"])
        self._took = Histogram("opsgraph_operation_seconds", "How long operations took.", ["class"])
        self._limits = Counter(
            "opsgraph_limits_exceeded_total",
            "Documents that passed a limit, by it and by what was done.",
            ["limit", "done"],
        )
        self._untrusted = Counter(
            "opsgraph_untrusted_documents_total",
            "Documents that are not in their client's manifest, by client, why, and what was done.",
            ["client", "reason", "done"],
        )
        self._families = (
            self._calls,
            self._seconds,
            self._queued,
            self._retries,
            self._changes,
            self._facts,
            self._operations,
            self._errors,
            self._took,
            self._limits,
            self._untrusted,
        )

    def called(self, event: Called) -> None:
        """A call has ended."""
        self._calls.add(event.source, event.outcome)
        self._seconds.observe(event.milliseconds / 1000, event.source)
        if event.attempts > 1:
            self._retries.add(event.source, by=event.attempts - 1)
        if event.queued_ms:
            self._queued.add(event.source, by=event.queued_ms / 1000)

    def circuit(self, event: Changed) -> None:
        """A circuit has changed."""
        self._changes.add(event.source, event.kind, event.state)

    def exceeded(self, limit: str, refused: bool) -> None:
        """A document has passed a limit."""
        self._limits.add(limit, "refused" if refused else "warned")

    def untrusted(self, client: str, reason: str, refused: bool) -> None:
        """Somebody asked for a document that is not trusted."""
        self._untrusted.add(client, reason, "refused" if refused else "run")

    def answered(self, body: Mapping[str, Any], started: bool, seconds: float, classes: Sequence[str]) -> None:
        """An operation was answered, or refused before it started: its body says how it went."""
        errors, kind = body.get("errors", ()), "+".join(classes) or "none"
        self._operations.add(kind, ("PARTIAL" if started else "REFUSED") if errors else "OK")
        self._took.observe(seconds, kind)
        for error in errors:
            self._errors.add(error["extensions"]["code"])
        for source in body.get("extensions", {}).get("sources", ()):
            if source["cached"]:
                self._facts.add(source["source"], "cache", by=source["cached"])
            if source["joined"]:
                self._facts.add(source["source"], "flight", by=source["joined"])

    def streamed(self, body: Mapping[str, Any]) -> None:
        """A stream was sent an answer."""
        for error in body.get("errors", ()):
            self._errors.add(error["extensions"]["code"])

    def lines(self) -> Iterator[Iterable[str]]:
        """As text, a family after the other."""
        return (family.lines() for family in self._families)


def of_sources(sources: Iterable[Overview]) -> Iterator[Iterable[str]]:
    """The gauges of sources: their circuits, queues and limits."""
    every = [(each.name, each.pipeline) for each in sources]
    yield gauge(
        "opsgraph_circuit_state",
        "1 for the state that a circuit has.",
        (
            ({"source": name, "kind": kind, "state": state}, float(circuit.state == state))
            for name, pipeline in every
            for kind, circuit in (("reads", pipeline.reads), ("writes", pipeline.writes))
            for state in _STATES
        ),
    )
    yield gauge(
        "opsgraph_source_queue",
        "Calls that run and calls that wait.",
        (
            ({"source": name, "calls": kind}, float(count))
            for name, pipeline in every
            for kind, count in (("running", pipeline.queue.running), ("waiting", pipeline.queue.waiting))
        ),
    )
    yield gauge(
        "opsgraph_source_limit_remaining",
        "What is left of a vendor's limit.",
        (
            ({"source": name, "limit": limit.name}, float(limit.remaining))
            for name, pipeline in every
            for limit in pipeline.limits
        ),
    )


def of_cache(held: Remembered) -> Iterator[Iterable[str]]:
    """The gauges of the cache."""
    yield gauge("opsgraph_cache_bytes", "What the cache holds.", [({}, held.bytes)])
    yield gauge("opsgraph_cache_bound_bytes", "What it may hold.", [({}, held.bound)])
    yield gauge("opsgraph_cache_answers", "Answers that it holds.", [({}, held.answers)])
    yield gauge("opsgraph_cache_evicted", "Answers given up for want of room.", [({}, held.evicted)])
    if held.redis is not None:
        yield gauge("opsgraph_cache_redis_in_use", "0 while the shared cache is left alone.", [({}, held.redis)])
