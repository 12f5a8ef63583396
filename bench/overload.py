"""Overload: what is answered when more is asked than can be answered, at one, two and ten times the capacity.

`python -m bench.overload [--seconds S] [--lines N]`: the gateway in a process of its own, from facts in memory and
under the rules; the load from another. The capacity is what a closed loop gets. Less than a minute and a half.

`of cpu` is what was good, in requests that the same processor time answers in the closed loops before and after: it is
judged, because a neighbour on the same core takes little from it. `busy` is the share of its core that the gateway had.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.arena import DEFAULT_ROLE, Arena
from bench.lineup import FACTS
from bench.processes import PYTHON, Program
from bench.workloads import BY_NAME, Workload

_HEADING = (
    "times  offered/s   good/s  of capacity  of cpu  busy  refused/s  unsent/s  late  lost  failed  p50 ms  p99 ms"
)
_TIMES = (1, 2, 10)
_GOAL = 0.8  # of the capacity
_QUESTIONS = ("lookup", "customer_360")
_CLOSED = 32  # connections that find out the capacity
_CALIBRATION = 2.0  # seconds of a closed loop, before and after each flood
_TIMEOUT = 1.5  # seconds: the budget of a lookup


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints a table; exit status 1 where the goodput at ten times the capacity is less than the goal."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=4.0, help="of each flood")
    parser.add_argument("--lines", type=int, default=1_000, help="connections of each flood")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder, Arena(Path(folder)) as arena:
        arena.start(FACTS)
        with Program("flood", [PYTHON, "-m", "bench.flood"], arena.cores.generator) as flood:
            flood.line()
            shares = [_study(arena, flood, BY_NAME[name], options.seconds, options.lines) for name in _QUESTIONS]
    return 0 if min(shares) >= _GOAL else 1


def _study(arena: Arena, flood: Program, question: Workload, seconds: float, lines: int) -> float:
    """Measures one question; gives the share of the capacity that is left at the worst."""
    for each in question.variables:
        arena.ask(FACTS.name, question, each)
    arena.measure(FACTS.name, question, seconds=1.0, connections=_CLOSED)
    before = arena.measure(FACTS.name, question, seconds=_CALIBRATION, connections=_CLOSED)
    capacity, share = before.rate, 0.0
    print(f"\n{question.title}: {capacity:,.0f} a second in a closed loop, p99 {before.p99:.0f} ms\n")
    print(
        "times  offered/s   good/s  of capacity  of cpu  busy  refused/s  unsent/s  late  lost  failed  p50 ms  p99 ms"
    )
    for times in _TIMES:
        found = _flooded(arena, flood, question, capacity * times, seconds, lines)
        after = arena.measure(FACTS.name, question, seconds=_CALIBRATION, connections=_CLOSED)
        took = found["seconds"]
        share = found["good"] * (before.cpu + after.cpu) / 2 / 1000 / found["cpu"]
        good, refused, unsent = (found[kind] / took for kind in ("good", "refused", "unsent"))
        print(
            f"{times:>5} {capacity * times:>10,.0f} {good:>8,.0f} {good / capacity:>12.0%}"
            f" {share:>7.0%} {found['cpu'] / took:>5.0%} {refused:>10,.0f} {unsent:>9,.0f}"
            f" {found['late']:>5.0f} {found['lost']:>5.0f} {found['failed']:>7.0f}"
            f" {found['p50']:>7.1f} {found['p99']:>7.1f}",
            flush=True,
        )
        before = after
    held = "holds" if share >= _GOAL else "DOES NOT HOLD"
    print(f"\n{held}: {share:.0%} of the capacity at {_TIMES[-1]} times of it", flush=True)
    return share


def _flooded(
    arena: Arena, flood: Program, question: Workload, rate: float, seconds: float, lines: int
) -> dict[str, float]:
    gateway = arena.running[FACTS.name]
    order = {
        "port": gateway.port,
        "pid": gateway.program.pid,
        "token": arena.tokens[DEFAULT_ROLE],
        "bodies": question.bodies,
        "rate": rate,
        "seconds": seconds,
        "lines": lines,
        "timeout": _TIMEOUT,
    }
    flood.say(json.dumps(order))
    found: dict[str, float] = json.loads(flood.line(seconds + 60))
    return found


if __name__ == "__main__":
    sys.exit(main())
