"""Events: as much as the telemetry needs of what the pipeline tells of calls and circuits."""

from __future__ import annotations

from typing import Protocol

OK, CANCELLED = "OK", "CANCELLED"


class Called(Protocol):
    """A call to a source has ended; `outcome` is OK, CANCELLED or a public code."""

    @property
    def source(self) -> str: ...
    @property
    def attempts(self) -> int: ...
    @property
    def milliseconds(self) -> float: ...
    @property
    def queued_ms(self) -> float: ...
    @property
    def outcome(self) -> str: ...


class Changed(Protocol):
    """A circuit has changed its state."""

    @property
    def source(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def previous(self) -> str: ...
    @property
    def retry_in(self) -> float | None: ...
    @property
    def reason(self) -> str: ...
