"""What came of a case."""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import msgspec

from tests.gateway.engine.differential.oracle import Outcome


class Verdict(msgspec.Struct):
    """The differences of a case, in words, and what kind of case it was."""

    differences: list[str]
    kind: str


def kind_of(expected: Outcome, compiled: bool) -> str:
    """What a case shows: that something is refused, that errors are told, or that the compiled builder is right."""
    if expected.refused:
        return "refused"
    if expected.data is None:
        return "null altogether"
    if expected.errors:
        return "with errors"
    return "compiled" if compiled else "without errors, not compiled"


async def run(
    seeds: Iterable[int], drawn: Callable[[int], Any], judged: Callable[[Any], Awaitable[Verdict]]
) -> tuple[Counter[str], list[tuple[Any, list[str]]]]:
    """All cases of some seeds: how many of each kind, and those with differences."""
    kinds: Counter[str] = Counter()
    failed: list[tuple[Any, list[str]]] = []
    for seed in seeds:
        case = drawn(seed)
        verdict = await judged(case)
        kinds[verdict.kind] += 1
        if verdict.differences:
            failed.append((case, verdict.differences))
    return kinds, failed
