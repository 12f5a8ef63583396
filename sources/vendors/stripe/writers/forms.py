"""Parameters as Stripe's forms say them: `items[0][price]=...`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sources.vendors.stripe.client import Parameters

Tree = Mapping[str, Any]


def form(tree: Tree) -> Parameters:
    """A tree of parameters, flat. What is None is left out; an empty text takes a value away; instants are seconds."""
    return tuple(_pairs(tree))


def _pairs(tree: Tree, within: str = "") -> Iterator[tuple[str, str]]:
    for name, value in tree.items():
        yield from _leaves(f"{within}[{name}]" if within else name, value)


def _leaves(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if value is None:
        return
    if isinstance(value, Mapping):
        yield from _pairs(value, name)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for place, each in enumerate(value):
            yield from _leaves(f"{name}[{place}]", each)
    elif isinstance(value, bool):
        yield name, "true" if value else "false"
    else:
        yield name, str(seconds(value) if isinstance(value, datetime) else value)


def seconds(at: datetime) -> int:
    """Unix seconds; what is less than a second is dropped."""
    return int(at.timestamp())
