"""Judges a condition by walking its tree with three values: what the compiled code is held to."""

from typing import Any, NamedTuple

from policies.principal import Principal
from policies.rows import FACTS, Comparison, Every, Not, Operand, Tree


class Judged(NamedTuple):
    """What a condition looks at. `of` as in `policies.judging.Opening`."""

    row: Any
    account: Any
    facts: dict[str, Any]
    user: Principal
    of: str = "row"


def says(tree: Tree, judged: Judged) -> bool | None:
    """Met, unmet, or neither; raises what a failing comparison raises, wherever it stands."""
    if isinstance(tree, Comparison):
        return compared(tree, judged)
    if isinstance(tree, Not):
        inner = says(tree.inner, judged)
        return None if inner is None else not inner
    if isinstance(tree, Every):
        found = [says(each, judged) for each in tree.parts]
        return False if False in found else None if None in found else True
    found = [says(each, judged) for each in tree.options]
    return True if True in found else None if None in found else False


def compared(tree: Comparison, judged: Judged) -> bool | None:
    """One comparison."""
    left, right = value(tree.left, judged), value(tree.right, judged)
    if tree.operator == "==" and "none" in (tree.left.scope, tree.right.scope):
        return (left if tree.right.scope == "none" else right) is None
    if left is None or right is None:
        return None
    if tree.operator == "==":
        return bool(left == right)
    if not isinstance(right, (tuple, list, set, frozenset)):
        raise TypeError("no list")
    if tree.operator == "in":
        return left in right
    if not isinstance(left, (tuple, list, set, frozenset)):
        raise TypeError("no list")
    return any(each in right for each in left)


def value(operand: Operand, judged: Judged) -> Any:
    """What an operand stands for."""
    if operand.scope in ("none", "text"):
        return operand.path[0] if operand.path else None
    if operand.scope == "user":
        return getattr(judged.user, operand.path[0])
    holder = {"row": operand.scope, "account": "row", "via": "account"}[judged.of]
    first, *rest = operand.path
    about_account = holder == "account" or judged.of == "account"
    if getattr(judged, holder) is None:
        raise LookupError("no account")
    known = first in FACTS and about_account and first in judged.facts
    found = judged.facts[first] if known else getattr(getattr(judged, holder), first)
    for name in rest:
        found = None if found is None else getattr(found, name)
    return found
