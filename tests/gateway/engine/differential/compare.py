"""What equal means: the same data, the same errors; below a null that spread, errors that graphql-core could raise.

Errors are compared as multisets of (path, locations, code). Where a null spread (an error's path leads through a null of
the data), the specification leaves open which of the errors below it are told: there each side must tell one at least,
and none that graphql-core could not raise.

A refused field that cannot be null nulls its object and is told once for all rows, with `@` for the index: which of the
refusals below it are told is left open too, and so is what was masked beside a null that spread. The same holds for a
refusal that was met only below nulls that spread.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from tests.gateway.engine.differential.oracle import Outcome, Path, Place

Possible = Callable[[], Awaitable[set[Place]]]


async def differences(
    expected: Outcome, got: Outcome, possible: Possible, name: str = "engine", *, single: bool = True
) -> list[str]:
    """What is different, in words; nothing if all is as it should be. `single`: one error at the most at each place."""
    if expected.refused != got.refused:
        return [
            f"{name} {'refuses' if got.refused else 'runs'} what graphql-core {'refuses' if expected.refused else 'runs'}"
        ]
    if expected.refused:
        return []
    if json.dumps(expected.data) != json.dumps(got.data):
        return [f"{name}'s data differ: {_first_difference(expected.data, got.data)}"]
    found = await _errors(expected, got, possible, name)
    places = Counter(path for path, _, _ in got.errors)
    return found + [f"{name} has several errors at {path}" for path in places if single and places[path] > 1]


async def _errors(expected: Outcome, got: Outcome, possible: Possible, name: str) -> list[str]:
    data = expected.data
    spread = {
        null
        for path, _, _ in (*expected.errors, *got.errors)
        if (null := nulled_at(data, path)) is not None and null != path
    }
    theirs, theirs_below = _split(expected.errors, data, spread)
    ours, ours_below = _split(got.errors, data, spread)
    excused = {nulled_at(data, path) for path in expected.cuts}
    missing = [
        each
        for each in (theirs - ours).elements()
        if each not in expected.unshown and not (expected.cuts and "@" in each[0])
    ]
    found = [f"{name} misses the error {each}" for each in missing]
    found += [f"{name} has the error {each} too many" for each in (ours - theirs).elements()]
    found += [f"{name} tells nothing of the null at {each}" for each in spread - excused if not ours_below[each]]
    found += [
        f"graphql-core tells nothing of the null at {each}" for each in spread - excused if not theirs_below[each]
    ]
    if set(got.masked) - set(expected.masked) or (expected.masked != got.masked and not spread):
        found.append(f"{name} masks {got.masked}, not {expected.masked}")
    if spread:
        could = await possible()
        wrong = [each for below in (ours_below, theirs_below) for errors in below.values() for each in errors]
        found += [
            f"{name} has the error {each}, which graphql-core could not raise" for each in wrong if each not in could
        ]
    return found


def nulled_at(data: Any, path: Path) -> Path | None:
    """The longest part of a path that is there in the data, if it is null there."""
    for depth, part in enumerate(path):
        if data is None:
            return path[:depth]
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            return None
    return path if data is None else None


def is_gone(data: Any, path: Path) -> bool:
    """Whether nothing is left of a place, because a null above it spread."""
    null = nulled_at(data, path)
    return null is not None and null != path


def _split(errors: Sequence[Place], data: Any, spread: set[Path]) -> tuple[Counter[Place], dict[Path, list[Place]]]:
    exact: Counter[Place] = Counter()
    below: dict[Path, list[Place]] = defaultdict(list)
    for error in errors:
        null = nulled_at(data, error[0])
        if null in spread:
            below[null].append(error)
        else:
            exact[error] += 1
    return exact, below


def _first_difference(one: Any, other: Any, at: str = "data") -> str:
    if isinstance(one, dict) and isinstance(other, dict):
        if list(one) != list(other):
            return f"{at} has the keys {list(other)}, not {list(one)}"
        pairs = [(f"{at}.{key}", one[key], other[key]) for key in one]
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        pairs = [(f"{at}[{index}]", *each) for index, each in enumerate(zip(one, other, strict=True))]
    else:
        return f"{at} is {json.dumps(other)[:200]}, not {json.dumps(one)[:200]}"
    return next(_first_difference(a, b, where) for where, a, b in pairs if json.dumps(a) != json.dumps(b))
