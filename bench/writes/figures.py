"""What the times of a layout come to, and which promises hold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from bench.writes.study import Layout, Turn

_RATIO, _MORE = 1.5, 10.0


class Spread(msgspec.Struct, frozen=True):
    """Milliseconds."""

    count: int
    p50: float
    p99: float
    most: float


class Promise(msgspec.Struct, frozen=True):
    """What is promised, what was found, and whether it holds."""

    text: str
    found: str
    holds: bool


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """`added`: accepting without reading the facts; `accepting`: with it; both in the gateway. `ordering`: as a caller
    sees it. `reads` alone and `beside` orders, as the caller sees them."""

    layout: Layout
    added: Spread
    accepting: Spread
    ordering: Spread
    reads: Spread
    beside: Spread
    failed: int
    promises: tuple[Promise, ...]


def figures(layout: Layout, turns: Sequence[Turn]) -> Figures:
    """Of all turns together."""
    accepted = [each for turn in turns for each in turn.beside.accepted]
    added = spread(each.total - each.facts for each in accepted)
    reads = spread(took for turn in turns for took in turn.alone.reads)
    beside = spread(took for turn in turns for took in turn.beside.reads)
    return Figures(
        layout=layout,
        added=added,
        accepting=spread(each.total for each in accepted),
        ordering=spread(took for turn in turns for took in turn.beside.orders),
        reads=reads,
        beside=beside,
        failed=sum(turn.alone.failed + turn.beside.failed for turn in turns),
        promises=(*_added(layout, added), _beside("p50", reads.p50, beside.p50), _beside("p99", reads.p99, beside.p99)),
    )


def spread(times: Iterable[float]) -> Spread:
    """Of at least one time."""
    ordered = sorted(times)
    return Spread(len(ordered), _at(ordered, 0.5), _at(ordered, 0.99), ordered[-1])


def _at(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def _added(layout: Layout, added: Spread) -> list[Promise]:
    bounds = (("p50", added.p50, layout.p50), ("p99", added.p99, layout.p99))
    return [
        Promise(f"accepting adds less than {bound:g} ms at {name}", f"{found:.1f} ms", found < bound)
        for name, found, bound in bounds
        if bound is not None
    ]


def _beside(name: str, alone: float, beside: float) -> Promise:
    """Reads get slower by half at most, or by so many milliseconds."""
    text = f"reads beside it at {name}: {_RATIO:g} times at most, or {_MORE:g} ms more"
    found = f"{beside / alone:.2f} times, {beside - alone:+.1f} ms"
    return Promise(text, found, beside <= alone * _RATIO or beside - alone <= _MORE)
