"""From the log of a run to its figures, and from figures to verdicts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from math import inf

import msgspec

from bench.resilience.asks import TYPED, Outcome, affected
from bench.resilience.scene import Log, Seen

BUDGET_MS = {"b": 4000.0, "c": 1500.0}  # of the classes: customer 360, lookup
_WIRE_MS = 50.0  # between the gateway's clock and the client's
_SETTLED = 2.0  # seconds that a run has to be normal at its end, to have become normal


class Times(msgspec.Struct, frozen=True):
    """Milliseconds of the asks of one kind in one part of a run."""

    count: int
    p50: float
    p99: float
    most: float


class Figures(msgspec.Struct, frozen=True):
    """One run. Times by kind and part (`healthy failing recovering`, `open` while the circuit was). `elsewhere`: errors
    and silent nulls in fields of other sources; `untyped`: errors without a typed code and silent nulls of the sick
    source's. Shares are of 1; None where it cannot be told."""

    fault: str
    times: dict[str, dict[str, Times]]
    elsewhere: int
    untyped: int
    codes: dict[str, int]
    served: dict[str, int]
    stale_share: float
    open_seconds: float | None
    asks_while_open: float | None
    retries: float | None
    normal_after: float | None
    healthy_rate: float
    abnormal_before: int


class Verdict(msgspec.Struct, frozen=True):
    """Whether a figure holds; what is not told does not. None where it does not apply: the circuit never opened."""

    claim: str
    figure: str
    holds: bool | None


def times(outcomes: Iterable[Outcome]) -> Times:
    """Of some asks."""
    taken = sorted(each.ms for each in outcomes)
    return Times(len(taken), _at(taken, 0.50), _at(taken, 0.99), taken[-1] if taken else 0.0)


def _at(taken: Sequence[float], share: float) -> float:
    return taken[min(len(taken) - 1, int(len(taken) * share))] if taken else 0.0


def figures(log: Log, sick: str) -> Figures:
    """Of one run. The first third of its healthy part warms up and does not count."""
    began = log.began + (log.on - log.began) / 3
    healthy = [each for each in log.outcomes if began <= each.began < log.on]
    failing = [each for each in log.outcomes if log.on <= each.began < log.off]
    recovering = [each for each in log.outcomes if log.off <= each.began]
    opened = _open(log.seen, log.on, log.off)
    parts = {
        "healthy": healthy,
        "failing": failing,
        "recovering": recovering,
        "closed": [each for each in failing if not _inside(opened or (), each.began)],
        "open": [each for each in failing if _inside(opened or (), each.began)],
    }
    served: Counter[str] = Counter()
    for each in failing:
        served.update(each.served.get(sick, {}))
    rate = sum(began <= at < log.on for at in log.reached) / (log.on - began)
    return Figures(
        fault=log.fault,
        times={kind: {part: times(_of(kind, found)) for part, found in parts.items()} for kind in "abc"},
        elsewhere=sum(_elsewhere(each, sick) for each in failing),
        untyped=sum(_untyped(each, sick) for each in failing),
        codes=dict(Counter(code for each in failing for path, code in each.errors if affected(sick, path))),
        served=dict(served),
        stale_share=served["STALE"] / total if (total := sum(served.values())) else 0.0,
        open_seconds=None if opened is None else sum(end - start for start, end in opened),
        asks_while_open=_asked(log, opened, rate),
        retries=_retries(log),
        normal_after=_normal_after(log),
        healthy_rate=rate,
        abnormal_before=sum(not _normal(each) for each in healthy),
    )


def _of(kind: str, outcomes: Iterable[Outcome]) -> list[Outcome]:
    return [each for each in outcomes if each.kind == kind]


def _elsewhere(outcome: Outcome, sick: str) -> int:
    """Errors and silent nulls where the sick source has no business. An ask of kind `a` has no other places."""
    paths = [path for path, _ in outcome.errors] + list(outcome.missing)
    return sum(outcome.kind == "a" or not affected(sick, path) for path in paths)


def _untyped(outcome: Outcome, sick: str) -> int:
    if outcome.kind == "a":
        return 0
    untyped = sum(affected(sick, path) and code not in TYPED for path, code in outcome.errors)
    return untyped + sum(affected(sick, path) for path in outcome.missing)


def _normal(outcome: Outcome) -> bool:
    """A stale fact is normal: facts past their time are served while they are read again, of healthy sources too."""
    return outcome.status == 200 and not outcome.errors and not outcome.missing


def _open(seen: Sequence[Seen], on: float, off: float) -> tuple[tuple[float, float], ...] | None:
    """When the circuit was not closed while the fault was on, as the gateway told; None where it does not tell."""
    told = [each for each in seen if each.circuit is not None and on <= each.at <= off]
    if not told:
        return None
    found: list[tuple[float, float]] = []
    for one, other in zip(told, [*told[1:], None], strict=True):
        if one.circuit != "closed":
            found.append((one.at, other.at if other else off))
    return tuple(found)


def _inside(spans: Iterable[tuple[float, float]], at: float) -> bool:
    return any(start <= at < end for start, end in spans)


def _asked(log: Log, opened: Sequence[tuple[float, float]] | None, rate: float) -> float | None:
    """Requests that reached the source while its circuit was open, of those a healthy source would have seen."""
    length = sum(end - start for start, end in opened or ())
    if not length or not rate:
        return None
    return sum(_inside(opened or (), at) for at in log.reached if log.on <= at <= log.off) / (rate * length)


def _retries(log: Log) -> float | None:
    """Retries for each call, the worst minute that the gateway told of; None where nothing was called."""
    told = [
        each.retries / each.calls
        for each in log.seen
        if log.on <= each.at <= log.off and each.calls and each.retries is not None
    ]
    return max(told) if told else None


def _normal_after(log: Log) -> float | None:
    """Seconds from the end of the fault to the last ask that was not answered as usual, or the circuit closed; None
    where it did not become normal."""
    late = [each.began for each in log.outcomes if each.began >= log.off and not _normal(each)]
    late += [each.at for each in log.seen if each.at >= log.off and each.circuit not in ("closed", None)]
    last = max(late, default=log.off)
    return None if log.ended - last < _SETTLED else last - log.off


def verdicts(found: Figures, before: dict[str, Times]) -> list[Verdict]:
    """The claims about one run. `before`: the healthy times by kind, of all runs."""
    a, b = before["a"].p99, before["b"].p99
    worst_a = max(found.times["a"][part].p99 for part in ("failing", "recovering"))
    closed = {kind: found.times[kind]["closed"].most for kind in BUDGET_MS}
    opened = found.times["b"]["open"]
    never = found.open_seconds == 0
    return [
        Verdict("other operations keep p99 within 1.2x or 20 ms", _ms(a, worst_a), worst_a <= max(1.2 * a, a + 20)),
        Verdict("no error in other sources' fields", str(found.elsewhere), found.elsewhere == 0),
        Verdict(
            "inside the budget of the class while the circuit is closed",
            ", ".join(f"{kind} {most:.0f} ms" for kind, most in closed.items()),
            all(most <= BUDGET_MS[kind] + _WIRE_MS for kind, most in closed.items()),
        ),
        Verdict(
            "operations that ask it keep p99 within 1.5x or 50 ms once the circuit is open",
            "never open" if never else _ms(b, opened.p99) if opened.count else "not told",
            None if never else opened.count > 0 and opened.p99 <= max(1.5 * b, b + 50),
        ),
        Verdict("affected fields are typed or stale", f"{found.untyped} untyped", found.untyped == 0),
        Verdict("at most 10 % of the asks while the circuit is open", "never open", None)
        if never
        else _bounded("at most 10 % of the asks while the circuit is open", found.asks_while_open, 0.10),
        _bounded("at most 1.1x calls from retries", found.retries, 0.10, lambda share: f"{1 + share:.2f}x"),
        Verdict(
            "normal within 10 s of recovery",
            "not in this run" if found.normal_after is None else f"{found.normal_after:.1f} s",
            (inf if found.normal_after is None else found.normal_after) <= 10,
        ),
    ]


def _ms(before: float, now: float) -> str:
    return f"{before:.0f} → {now:.0f} ms"


def _bounded(
    claim: str, share: float | None, most: float, said: Callable[[float], str] = lambda share: f"{share:.1%}"
) -> Verdict:
    return Verdict(claim, "not told" if share is None else said(share), share is not None and share <= most + 1e-9)


def together(runs: Sequence[tuple[Log, Figures]]) -> dict[str, Times]:
    """The healthy times of all runs, by kind."""
    healthy = [
        each for log, _ in runs for each in log.outcomes if log.began + (log.on - log.began) / 3 <= each.began < log.on
    ]
    return {kind: times(_of(kind, healthy)) for kind in "abc"}
