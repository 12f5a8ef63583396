"""Says the row rules of one type as filters for a source, where filters can say exactly the same.

A condition is taken as alternatives of filters: `in` a list of the token, `==` a text, joined by `and` and `or`. What
needs `not`, the account, or an attribute of an attribute is no filter, and then nothing is pushed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

from policies.principal import Principal
from policies.rows import FACTS, Comparison, Every, Not, Operand, Some, Tree

Pushed: TypeAlias = tuple[str, str, tuple[str, ...]]
"""`("in", attribute, values)`."""
_Filters: TypeAlias = dict[str, tuple[str, ...]]  # attribute -> values, all of them at once


def filters(trees: Sequence[Tree], principal: Principal) -> tuple[Pushed, ...] | None:
    """Filters that all hold exactly for the rows that meet one of the conditions; None where there are none."""
    alternatives: list[_Filters] = []
    for tree in trees:
        found = _alternatives(tree, principal)
        if found is None:
            return None
        alternatives += found
    joined = _joined(alternatives)
    return None if joined is None else tuple(("in", attribute, values) for attribute, values in joined.items())


def _alternatives(tree: Tree, principal: Principal) -> list[_Filters] | None:
    if isinstance(tree, Not):
        return None
    if isinstance(tree, Comparison):
        found = _filter(tree, principal)
        return None if found is None else [found]
    parts = [_alternatives(each, principal) for each in (tree.parts if isinstance(tree, Every) else tree.options)]
    if isinstance(tree, Some):
        return None if None in parts else [each for part in parts for each in part or ()]
    met: list[_Filters] = [{}]
    for part in parts:
        if part is None or len(met) * len(part) > 16:
            return None
        met = [_both(one, other) for one in met for other in part]
    return met


def _filter(tree: Comparison, principal: Principal) -> _Filters | None:
    left, right = tree.left, tree.right
    if tree.operator == "==" and right.scope == "row":
        left, right = right, left
    if left.scope != "row" or len(left.path) > 1 or left.path[0] in FACTS:
        return None
    values = _values(tree.operator, right, principal)
    return None if values is None else {left.path[0]: values}


def _values(operator: str, operand: Operand, principal: Principal) -> tuple[str, ...] | None:
    if operator == "in" and operand.is_user_list:
        return tuple(dict.fromkeys(getattr(principal, operand.path[0])))
    if operator == "==" and operand.scope == "text":
        return operand.path
    if operator == "==" and operand.scope == "user" and not operand.is_user_list:
        named = getattr(principal, operand.path[0])
        return () if named is None else (named,)
    return None


def _both(one: _Filters, other: _Filters) -> _Filters:
    met = dict(one)
    for attribute, values in other.items():
        met[attribute] = tuple(each for each in values if each in met[attribute]) if attribute in met else values
    return met


def _joined(alternatives: Iterable[_Filters]) -> _Filters | None:
    """One set of filters for several: where they are the same but for one attribute, its values are joined."""
    possible: list[_Filters] = []
    nothing: _Filters = {}
    for each in alternatives:
        if not all(each.values()):  # no value is in an empty list: this one is never met
            nothing = nothing or each
        elif each not in possible:
            possible.append(each)
    if not possible:
        return nothing
    joined = possible[0]
    for each in possible[1:]:
        merged = _merged(joined, each)
        if merged is None:
            return None
        joined = merged
    return joined


def _merged(one: _Filters, other: _Filters) -> _Filters | None:
    if one.keys() != other.keys():
        return None
    different = [attribute for attribute in one if set(one[attribute]) != set(other[attribute])]
    if len(different) > 1:
        return None
    if not different:
        return one
    attribute = different[0]
    return {**one, attribute: tuple(dict.fromkeys((*one[attribute], *other[attribute])))}
