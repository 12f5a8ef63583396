"""The faults: which there are, what each takes, and how one is told from outside."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import msgspec


class Kind(StrEnum):
    """What the upstream seems to do."""

    OFF = "off"  # nothing: the proxy is not to be noticed
    LATENCY = "latency"  # answers `seconds` later, give or take `jitter`
    DOWN = "down"  # refuses connections, and resets those there are
    DEAD = "dead"  # accepts connections and resets them
    HANG = "hang"  # accepts requests and never answers
    INTERNAL = "500"
    UNREADY = "503"  # with Retry-After, where `retry_after` is set
    THROTTLED = "429"  # with Retry-After, where `retry_after` is set
    GARBAGE = "garbage"  # 200 and random bytes
    HTML = "html"  # 200 and a page for people
    WRONG_SHAPE = "wrong-shape"  # 200 and valid JSON that nobody expects
    TRUNCATED = "truncated"  # promises more bytes than it sends
    HUGE = "huge"  # an answer without an end
    FLAKY = "flaky"  # some requests get a 500 or a reset
    SLOW_DRIP = "slow-drip"  # a byte every `seconds`
    LATE = "late"  # does what it is asked, and answers `seconds` later, when nobody waits any more


class BadFault(ValueError):
    """A fault that cannot be played; the message says what to do."""


_SECONDS = {Kind.LATENCY: 4.0, Kind.SLOW_DRIP: 0.2, Kind.LATE: 30.0}
_RETRY_AFTER = {Kind.UNREADY: 2.0, Kind.THROTTLED: 1.0}
_PERCENT = {Kind.FLAKY: 30.0}
_LONGEST = 24 * 3600.0


class Fault(msgspec.Struct, frozen=True):
    """One fault. `seconds`, `jitter`, `retry_after` in seconds; `percent` of the requests meet it, the others pass."""

    kind: Kind = Kind.OFF
    seconds: float = 0.0
    jitter: float = 0.0
    percent: float = 100.0
    retry_after: float | None = None

    def __post_init__(self) -> None:
        for name in ("seconds", "jitter"):
            if not 0 <= getattr(self, name) <= _LONGEST:
                raise BadFault(f"`{name}` is {getattr(self, name):g}: 0 to {_LONGEST:g} seconds are possible")
        if not 0 < self.percent <= 100:
            raise BadFault(f"`percent` is {self.percent:g}: more than 0 and at most 100 is possible")
        if self.kind is Kind.DOWN and self.percent != 100:
            raise BadFault("`down` is for every connection: leave `percent` out, or take `flaky`")


OFF = Fault()


def of(kind: Kind, *, seconds: float | None = None, jitter: float = 0.0, percent: float | None = None) -> Fault:
    """A fault with what is usual for its kind."""
    return Fault(
        kind,
        _SECONDS.get(kind, 0.0) if seconds is None else seconds,
        jitter,
        _PERCENT.get(kind, 100.0) if percent is None else percent,
        _RETRY_AFTER.get(kind),
    )


def parse(told: Mapping[str, Any]) -> tuple[Fault, float | None]:
    """A fault as JSON tells it, and for how many seconds it lasts (None: until told otherwise); raises BadFault.

    `fault` is the kind; `seconds jitter percent for` are numbers; `retryAfter` is one, or null for an answer without
    the header. What is left out is what is usual.
    """
    kind = _kind(told.get("fault"))
    unknown = sorted(told.keys() - {"fault", "seconds", "jitter", "percent", "for", "retryAfter"})
    if unknown:
        raise BadFault(f"`{unknown[0]}` is unknown: `seconds jitter percent for retryAfter` are possible")
    seconds, jitter, percent = (_number(told, name) for name in ("seconds", "jitter", "percent"))
    fault = of(kind, seconds=seconds, jitter=jitter or 0.0, percent=percent)
    if "retryAfter" in told:
        fault = msgspec.structs.replace(fault, retry_after=_number(told, "retryAfter"))
    lasts = _number(told, "for")
    if lasts is not None and not 0 < lasts <= _LONGEST:
        raise BadFault(f"`for` is {lasts:g}: more than 0 and at most {_LONGEST:g} seconds are possible")
    return fault, lasts


def _kind(told: object) -> Kind:
    try:
        return Kind(str(told))
    except ValueError:
        raise BadFault(f"there is no fault `{told}`: one of {', '.join(Kind)} is possible") from None


def _number(told: Mapping[str, Any], name: str) -> float | None:
    value = told.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadFault(f"`{name}` is `{value}`: a number is expected")
    return float(value)


def described(fault: Fault) -> str:
    """A fault in a few words: `latency 4 s`, `flaky 30 %`."""
    words = [fault.kind.value]
    if fault.kind in _SECONDS:
        words.append(f"{fault.seconds:g} s")
    if fault.jitter:
        words.append(f"± {fault.jitter:g} s")
    if fault.percent != 100:
        words.append(f"{fault.percent:g} %")
    if fault.kind in _RETRY_AFTER and fault.retry_after is None:
        words.append("without Retry-After")
    return " ".join(words)
