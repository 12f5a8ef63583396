"""Reads bounds: figures at most so much, flags that must be stated yes or no."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from policies.writes.records import Bounds
from policies.yaml import Mapping as Node
from policies.yaml import Place, amount, entries, texts

UNITS = ("money", "percent", "days", "count")


@dataclass(frozen=True, slots=True)
class Words:
    """The roles, and the figures (with units) and flags that bounds may name; `places`: where the latter two stand."""

    roles: tuple[str, ...]
    figures: Mapping[str, str]
    flags: Mapping[str, Place]
    places: Mapping[str, Place]


def bounds(source: Node, what: str, words: Words, beside: frozenset[str] = frozenset()) -> Bounds:
    """The bounds in a mapping, which may have the keys `beside` too; raises RuleError."""
    figures = {}
    flags: dict[str, tuple[str, ...]] = {"if": (), "unless": ()}
    for key, value, place in entries(source):
        if key in beside:
            continue
        if key in flags:
            flags[key] = flags_of(((each.value, each.place) for each in texts(value, f"`{key}`")), what, words)
            continue
        if key not in words.figures:
            allowed = ", ".join(sorted({*words.figures, *flags, *beside}))
            raise place.error(f"unknown key `{key}` in {what}: one of {allowed} is expected")
        figures[key] = amount(value, f"`{key}` of {what}")
    both = set(flags["if"]) & set(flags["unless"])
    if both:
        raise source.place.error(f"{what} both needs and excludes `{min(both)}`: keep one of them")
    return Bounds(figures, flags["if"], flags["unless"], source.place)


def flags_of(written: Iterable[tuple[str, Place]], what: str, words: Words) -> tuple[str, ...]:
    """The flags, each of them known; raises RuleError."""
    found = []
    for flag, place in written:
        if flag not in words.flags:
            raise place.error(f"{what} names the unknown flag `{flag}`: list it under `flags`, or correct it")
        found.append(flag)
    return tuple(found)
