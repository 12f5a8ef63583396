"""What a run of the benchmark found, as it is kept in `docs/benchmarks/results.json`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import comb
from statistics import median
from typing import TypeAlias

import msgspec

from bench.arena import Sample
from bench.home.study import Home

Cells: TypeAlias = dict[str, dict[str, list[Sample]]]
"""workload -> gateway -> one sample for each round."""


class Plan(msgspec.Struct, frozen=True):
    """How long (seconds of a cell) and how often is measured, roles in so many pairs of slices (`policy_pairs`); which
    questions are asked at fixed rates, and how long (`timeout`, seconds) an answer is waited for there."""

    seconds: float
    rounds: int
    policy_seconds: float
    policy_pairs: Mapping[str, int]
    open_seconds: float
    home_seconds: float
    open_questions: tuple[str, ...]
    slow_rounds: int
    timeout: float
    warm_seconds: float


class Memory(msgspec.Struct, frozen=True):
    """MB resident: with everything imported (0 where that is not known), ready, after the load, and after a flood of
    documents that nobody had seen before (0 where there was none)."""

    imports: float
    ready: float
    loaded: float
    flooded: float = 0.0


class Upstreams(msgspec.Struct, frozen=True):
    """Microseconds of processor time of a call, and the calls a second that one core could answer."""

    microseconds: float
    rate: float


class Pairs(msgspec.Struct, frozen=True):
    """Milliseconds of processor time of a request, pair by pair: in a slice without rules, and in one by the rules of a
    role directly before or after it."""

    free: list[float] = msgspec.field(default_factory=list)
    ruled: list[float] = msgspec.field(default_factory=list)

    def ratios(self) -> list[float]:
        """What the rules make of the time, pair by pair."""
        return [ruled / free for free, ruled in zip(self.free, self.ruled, strict=True)]


class Results(msgspec.Struct):
    """Everything. `open` has the offered rate beside each sample, `policy` is by gateway and role."""

    machine: dict[str, str]
    plan: Plan
    titles: dict[str, str]
    left_out: dict[str, str]
    calls: dict[str, dict[str, dict[str, int]]]
    upstreams: Upstreams
    closed: Cells = msgspec.field(default_factory=dict)
    open: dict[str, dict[str, list[tuple[float, Sample]]]] = msgspec.field(default_factory=dict)
    slow: Cells = msgspec.field(default_factory=dict)
    unseen: Cells = msgspec.field(default_factory=dict)
    policy: dict[str, dict[str, Pairs]] = msgspec.field(default_factory=dict)
    shares: dict[str, dict[str, dict[str, float]]] = msgspec.field(default_factory=dict)
    memory: dict[str, Memory] = msgspec.field(default_factory=dict)
    home: Home | None = None


def middle(samples: Sequence[Sample], what: Callable[[Sample], float] = lambda sample: sample.cpu) -> float:
    """The median of the rounds."""
    return median(what(sample) for sample in samples)


def spread(
    samples: Sequence[Sample], what: Callable[[Sample], float] = lambda sample: sample.cpu
) -> tuple[float, float]:
    """The least and the most of the rounds."""
    values = [what(sample) for sample in samples]
    return min(values), max(values)


def ratios(one: Sequence[Sample], other: Sequence[Sample]) -> list[float]:
    """How often `other`'s processor time is `one`'s, round by round: both were measured one after the other."""
    return [theirs.cpu / mine.cpu for mine, theirs in zip(one, other, strict=True)]


def ratio(one: Sequence[Sample], other: Sequence[Sample]) -> float:
    """The median of the rounds' ratios: what disturbs a round disturbs both."""
    return median(ratios(one, other))


def interval(values: Sequence[float]) -> tuple[float, float]:
    """Where the median of all that could be measured lies in 95 of 100 cases, whatever its distribution: between two of
    the sorted values. Of fewer than six it is between the least and the most, in fewer cases."""
    count, cut, outside = len(values), 0, 0.0
    while cut < count // 2:
        outside += 2 * comb(count, cut) / 2**count  # that at most `cut` lie on one side of the median
        if outside > 0.05:
            break
        cut += 1
    lowest = max(cut - 1, 0)
    ranked = sorted(values)
    return ranked[lowest], ranked[count - 1 - lowest]
