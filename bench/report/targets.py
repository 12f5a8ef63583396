"""The targets, each beside what was found."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

import msgspec

from bench.lineup import FACTS, OPSGRAPH, PLAIN
from bench.results import Results, interval, middle, ratio, ratios
from bench.study import best_rival
from bench.workloads import BY_NAME

_LISTED = ("lookup", "customer_360", "portal_list")
_COLD = dict(zip(_LISTED, (7.0, 5.5, 9.0), strict=True))
_WARM = dict(zip(_LISTED, (25.0, 30.0, 25.0), strict=True))
_NODE = dict(zip(_LISTED, (1.0, 1.6, 1.25), strict=True))
_YOGA, _TAILCALL = "yoga", "tailcall"
_POLICY = {
    "reader": ("rules that allow all", 1.02),
    "masked": ("masks on ten fields", 1.25),
    "regional": ("row rules", 1.25),
}


class Target(msgspec.Struct, frozen=True):
    """What is to be reached, what was found; `reached` None where it could not be measured."""

    what: str
    goal: str
    found: str
    reached: bool | None


def targets(results: Results) -> list[Target]:
    """Every target in the order of the design."""
    return [
        *_against_strawberry(results),
        *_unseen(results),
        *_against_node(results),
        *_against_tailcall(results),
        *_policies(results),
        *_memory(results),
    ]


def at_least(what: str, found: float, goal: float, detail: str = "") -> Target:
    """`found` times or more."""
    return Target(what, f"at least {goal:g} times", f"{found:.2f} times{detail}", found >= goal)


def at_most(what: str, found: float, goal: float, unit: str = " times", detail: str = "", digits: int = 2) -> Target:
    """`found` or less."""
    return Target(what, f"at most {goal:g}{unit}", f"{found:.{digits}f}{unit}{detail}", found <= goal)


def _against_strawberry(results: Results) -> Iterator[Target]:
    for name, kind, goals in ((OPSGRAPH.name, "cold", _COLD), (FACTS.name, "from facts", _WARM)):
        for workload, goal in goals.items():
            cells = results.closed[workload]
            by_round = ratios(cells[name], cells[PLAIN.name])
            found = median(by_round)
            what = f"{BY_NAME[workload].title}, {kind}: cheaper than plain Strawberry"
            yield at_least(what, found, goal, f" ({min(by_round):.1f} to {max(by_round):.1f})")


def _unseen(results: Results) -> Iterator[Target]:
    for workload, cells in results.unseen.items():
        by_round = ratios(cells[PLAIN.name], cells[OPSGRAPH.name])
        found = median(by_round)
        what = f"{BY_NAME[workload].title}, first run of an unseen document: processor time of plain Strawberry's"
        yield at_most(what, found, 1.3, detail=f" ({min(by_round):.2f} to {max(by_round):.2f})")


def _against_node(results: Results) -> Iterator[Target]:
    for workload, goal in _NODE.items():
        cells = results.closed[workload]
        what = f"{BY_NAME[workload].title}, cold: processor time of"
        if _YOGA not in cells:
            yield Target(f"{what} Yoga", f"at most {goal:g} times", "no Node gateway took part", None)
            continue
        yield at_most(f"{what} {results.titles[_YOGA]}", ratio(cells[_YOGA], cells[OPSGRAPH.name]), goal)
        best = best_rival(results, workload)
        if best is not None and best != _YOGA:
            found = ratio(cells[best], cells[OPSGRAPH.name])
            yield at_most(f"{what} {results.titles[best]}, stronger still", found, goal)


def _against_tailcall(results: Results) -> Iterator[Target]:
    wanted: tuple[tuple[str, str, float], ...] = (
        ("portal_list", OPSGRAPH.name, 1.0),
        ("portal_list", FACTS.name, 1.0),
        ("customer_360", FACTS.name, 1.0),
        ("lookup", FACTS.name, 1.2),
    )
    for workload, name, goal in wanted:
        kind = "cold" if name == OPSGRAPH.name else "from facts"
        what = f"{BY_NAME[workload].title}, {kind}: processor time of Tailcall's"
        cells = results.closed[workload]
        if _TAILCALL not in cells:
            yield Target(what, f"at most {goal:g} times", "Tailcall did not take part", None)
        else:
            yield at_most(what, ratio(cells[_TAILCALL], cells[name]), goal)
    for workload in ("lookup", "customer_360"):
        what = f"{BY_NAME[workload].title}, upstreams 20 ms slower: half the latency (p50) of Tailcall's"
        slow = results.slow.get(workload, {})
        if _TAILCALL not in slow:
            yield Target(what, "at most 0.5 times", "Tailcall did not take part", None)
        else:
            mine, theirs = (middle(slow[name], lambda sample: sample.p50) for name in (OPSGRAPH.name, _TAILCALL))
            yield at_most(what, mine / theirs, 0.5, detail=f" ({mine:.0f} and {theirs:.0f} ms)")


def _policies(results: Results) -> Iterator[Target]:
    for name, title in ((FACTS.name, "from facts"), (OPSGRAPH.name, "cold")):
        cells = results.policy.get(name, {})
        for role, (rules, goal) in _POLICY.items():
            if role in cells:
                by_pair = cells[role].ratios()
                low, high = interval(by_pair)
                what = f"Customer 360, {title}, {rules}: processor time of no rules at all"
                detail = f" (95 % interval {low:.3f} to {high:.3f})"
                yield at_most(what, median(by_pair), goal, detail=detail, digits=3)


def _memory(results: Results) -> Iterator[Target]:
    mine = results.memory[OPSGRAPH.name]
    yield at_most("Side by side: memory above the imports, after the load", mine.loaded - mine.imports, 60, " MB")
    if results.home is not None:
        home = results.home.memory
        yield at_most("At home: memory above the imports, after the load", home.loaded - home.imports, 60, " MB")
        yield at_most("At home: memory in all, after the load", home.loaded, 150, " MB")


def verdict(target: Target) -> str:
    """In a word."""
    return {True: "reached", False: "**not reached**", None: "not measured"}[target.reached]
