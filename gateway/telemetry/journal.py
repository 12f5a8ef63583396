"""The journal: logs every change of a circuit, and remembers of each source what befell it last."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import msgspec

from sources.overview import History, Mishap
from sources.pipeline.telemetry import CANCELLED, OK, Called, Changed

_log = logging.getLogger("opsgraph.sources")
_CLOSED = "closed"


class Journal:
    """An observer of the pipelines. `clock` gives the present, in UTC."""

    def __init__(self, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._clock = clock
        self._mishaps: dict[str, Mishap] = {}
        self._open: dict[str, dict[str, datetime]] = {}  # source -> kind of circuit -> since when

    def called(self, event: Called) -> None:
        """A call has ended."""
        if event.outcome not in (OK, CANCELLED):
            self._mishaps[event.source] = Mishap(event.outcome, self._clock())

    def circuit(self, event: Changed) -> None:
        """A circuit has changed: one line, as JSON. Only names, states, figures and our own words are in it."""
        now, open_ = self._clock(), self._open.setdefault(event.source, {})
        if event.state == _CLOSED:
            open_.pop(event.kind, None)
        else:
            open_.setdefault(event.kind, now)
        line = {
            "event": "circuit_changed",
            "at": now,
            "source": event.source,
            "kind": event.kind,
            "state": event.state,
            "previous": event.previous,
            "retryInMs": None if event.retry_in is None else round(event.retry_in * 1000),
            "reason": event.reason,
        }
        _log.warning("%s", msgspec.json.encode(line).decode())

    def histories(self) -> Mapping[str, History]:
        """What is remembered of each source."""
        return {
            name: History(self._mishaps.get(name), min(self._open.get(name, {}).values(), default=None))
            for name in self._mishaps.keys() | self._open.keys()
        }
