"""Exposition: counters and histograms, and the text in which Prometheus reads them (format 0.0.4)."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


class Counter:
    """Only grows. `labels` are the names of what tells its values apart."""

    def __init__(self, name: str, about: str, labels: Sequence[str] = ()) -> None:
        self.name, self.about, self._labels = name, about, tuple(labels)
        self._values: dict[tuple[str, ...], float] = {}

    def add(self, *labels: str, by: float = 1) -> None:
        """Counts."""
        self._values[labels] = self._values.get(labels, 0) + by

    def lines(self) -> Iterator[str]:
        """As text."""
        yield from _heading(self.name, self.about, "counter")
        for labels, value in self._values.items():
            yield _line(self.name, zip(self._labels, labels, strict=True), value)


class Histogram:
    """How many values were at most as large as each of `bounds`."""

    def __init__(self, name: str, about: str, labels: Sequence[str] = (), bounds: Sequence[float] = SECONDS) -> None:
        self.name, self.about, self._labels, self._bounds = name, about, tuple(labels), tuple(bounds)
        self._counts: dict[tuple[str, ...], list[int]] = {}
        self._sums: dict[tuple[str, ...], float] = {}

    def observe(self, value: float, *labels: str) -> None:
        """Takes down a value."""
        counts = self._counts.get(labels)
        if counts is None:
            counts = self._counts[labels] = [0] * (len(self._bounds) + 1)
            self._sums[labels] = 0.0
        counts[bisect_left(self._bounds, value)] += 1
        self._sums[labels] += value

    def lines(self) -> Iterator[str]:
        """As text."""
        yield from _heading(self.name, self.about, "histogram")
        for labels, counts in self._counts.items():
            named = list(zip(self._labels, labels, strict=True))
            for bound, count in zip((*map(_number, self._bounds), "+Inf"), accumulate(counts), strict=True):
                yield _line(f"{self.name}_bucket", [*named, ("le", bound)], count)
            yield _line(f"{self.name}_sum", named, self._sums[labels])
            yield _line(f"{self.name}_count", named, sum(counts))


def gauge(name: str, about: str, values: Iterable[tuple[Mapping[str, str], float]]) -> Iterator[str]:
    """The text of what is read at this moment: labels and a value each."""
    yield from _heading(name, about, "gauge")
    for labels, value in values:
        yield _line(name, labels.items(), value)


def text(families: Iterable[Iterable[str]]) -> str:
    """The whole page."""
    return "\n".join([*(line for family in families for line in family), ""])


def _heading(name: str, about: str, kind: str) -> Iterator[str]:
    yield f"# HELP {name} {about}"
    yield f"# TYPE {name} {kind}"


def _line(name: str, labels: Iterable[tuple[str, str]], value: float) -> str:
    shown = ",".join(f'{label}="{text.translate(_ESCAPES)}"' for label, text in labels)
    return f"{name}{{{shown}}} {_number(value)}" if shown else f"{name} {_number(value)}"


def _number(value: float) -> str:
    return repr(int(value)) if value == int(value) else repr(value)
