"""Form bodies and query strings with nested brackets: `items[0][price]=p&expand[]=x` into trees."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl

from sources.vendors.stripe.simulator.errors import Refusal

_PART = re.compile(r"\[([^\]]*)\]")


def parse(text: str) -> dict[str, Any]:
    """A tree of dictionaries, lists and texts."""
    tree: dict[str, Any] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        head, bracket, rest = name.partition("[")
        _put(tree, [head, *_PART.findall(bracket + rest)], value, name)
    return {name: _listed(value) for name, value in tree.items()}


def _put(tree: dict[str, Any], path: list[str], value: str, name: str) -> None:
    *parents, last = path
    for part in parents:
        inner = tree.setdefault(part or str(len(tree)), {})
        if not isinstance(inner, dict):
            raise Refusal(400, f"Invalid nesting of {name}", param=name)
        tree = inner
    tree[last or str(len(tree))] = value


def _listed(value: Any) -> Any:
    """Dictionaries with the keys 0, 1, 2 are lists."""
    if not isinstance(value, dict):
        return value
    inner = {name: _listed(each) for name, each in value.items()}
    if inner and all(name.isdigit() for name in inner):
        return [inner[name] for name in sorted(inner, key=int)]
    return inner
