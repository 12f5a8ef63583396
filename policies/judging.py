"""Makes a test of the row rules of one type: Python code, written once for each set of roles, that judges many rows.

`not` is dissolved down to the comparisons, which are then asked for being met or for being unmet; a missing value is
neither. So the code needs only `and` and `or`, and stops where the outcome is certain.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import CodeType
from typing import Any, NamedTuple, TypeAlias

from policies.principal import Principal
from policies.rows import FACTS, Comparison, Every, Facts, Not, Operand, Tree

NOBODY: frozenset[str] = frozenset()
Roles: TypeAlias = frozenset[str]
_Run: TypeAlias = Callable[..., Any]
Judge: TypeAlias = Callable[[Sequence[Any], Sequence[Any], Sequence[Facts], Principal], list[Roles]]


class Opening(NamedTuple):
    """One condition and the roles to which it opens a row.

    `of`: whom it asks: `row`, the row itself; `account`, the row, which is an account; `via`, the account that owns it.
    """

    tree: Tree
    of: str
    roles: Roles


@dataclass(slots=True)
class _Code:
    """An expression being written: what it names, and which sequences it walks along."""

    of: str
    names: dict[str, object]
    walked: set[str]
    used: set[str]
    spare: int = 0

    def met(self, tree: Tree) -> str:
        """True where the tree is met."""
        if isinstance(tree, Not):
            return self.unmet(tree.inner)
        if isinstance(tree, Comparison):
            return self._comparison(tree, wanted=True)
        if isinstance(tree, Every):
            return f"({' and '.join(map(self.met, tree.parts))})"
        return f"({' or '.join(map(self.met, tree.options))})"

    def unmet(self, tree: Tree) -> str:
        """True where the tree is unmet, which is more than not met."""
        if isinstance(tree, Not):
            return self.met(tree.inner)
        if isinstance(tree, Comparison):
            return self._comparison(tree, wanted=False)
        if isinstance(tree, Every):
            return f"({' or '.join(map(self.unmet, tree.parts))})"
        return f"({' and '.join(map(self.unmet, tree.options))})"

    def _comparison(self, tree: Comparison, *, wanted: bool) -> str:
        left, right = self._value(tree.left), self._value(tree.right)
        if tree.operator == "==" and "none" in (tree.left.scope, tree.right.scope):
            asked = left if tree.right.scope == "none" else right
            return f"({asked} is {'' if wanted else 'not '}None)"
        if tree.operator == "in" and tree.right.is_user_list and wanted:
            return f"({left} in {self._set(tree.right)})"  # None is in none of these sets
        if tree.operator == "==" and wanted and "text" in (tree.left.scope, tree.right.scope):
            return f"({left} == {right})"
        one, guard = self._present(tree.left, left)
        other, second = self._present(tree.right, right)
        return f"({' and '.join([*guard, *second, self._said(tree, one, other, wanted)])})"

    def _said(self, tree: Comparison, one: str, other: str, wanted: bool) -> str:
        if tree.operator == "==":
            return f"{one} == {other}" if wanted else f"not {one} == {other}"
        many = self._set(tree.right) if tree.right.is_user_list else f"many({other})"
        if tree.operator == "in":
            return f"{one} {'in' if wanted else 'not in'} {many}"
        many = many if tree.right.is_user_list else f"frozenset({many})"
        return f"{'not ' if wanted else ''}{many}.isdisjoint(many({one}))"

    def _present(self, operand: Operand, value: str) -> tuple[str, list[str]]:
        if operand.scope == "text" or operand.is_user_list:
            return value, []
        name = self._temporary()
        return name, [f"({name} := {value}) is not None"]

    def _temporary(self) -> str:
        self.spare += 1
        return f"t{self.spare}"

    def _set(self, operand: Operand) -> str:
        self.used.add(f"set_{operand.path[0]}")
        return f"set_{operand.path[0]}"

    def _value(self, operand: Operand) -> str:
        if operand.scope == "none":
            return "None"
        if operand.scope == "text":
            name = f"text_{len(self.names)}"
            self.names[name] = operand.path[0]
            return name
        if operand.scope == "user":
            self.used.add(f"user_{operand.path[0]}")
            return f"user_{operand.path[0]}"
        return self._attribute(operand)

    def _attribute(self, operand: Operand) -> str:
        first, *rest = operand.path
        holder = {"row": operand.scope, "account": "row", "via": "account"}[self.of]
        self.walked.add(holder)
        found = f"{holder}.{first}"
        if first in FACTS and (holder == "account" or self.of == "account"):
            self.walked.add("facts")
            # Without the account itself the facts say nothing: reading an attribute of None fails, and that denies.
            there = " and account is not None" if self.of == "row" else ""
            found = f"(facts[{first!r}] if {first!r} in facts{there} else {found})"
        for name in rest:
            spare = self._temporary()
            found = f"(None if ({spare} := {found}) is None else {spare}.{name})"
        return found


def _written(opening: Opening, code: _Code) -> str:
    code.of = opening.of
    test = code.met(opening.tree)
    if opening.of != "via":
        return test
    code.walked.add("account")
    return f"(account is not None and {test})"


class _Table(dict[int, Roles]):
    """The roles for each combination of conditions that are met, as bits."""

    def __init__(self, always: Roles, openings: Sequence[Opening]) -> None:
        super().__init__()
        self._always, self._openings = always, openings

    def __missing__(self, bits: int) -> Roles:
        opened = [each.roles for at, each in enumerate(self._openings) if bits >> at & 1]
        found = self[bits] = self._always.union(*opened)
        return found


def judging(type_name: str, always: Roles, openings: Sequence[Opening]) -> Judge:
    """The test of one type: the roles in `always` see every row, those of an opening the rows that meet it."""
    if not openings:
        return lambda rows, _accounts, _facts, _principal: [always] * len(rows)
    code = _Code("", {}, set(), set())
    tests = [_written(each, code) for each in openings]
    table = _Table(always, openings)
    if all(each.roles == openings[0].roles for each in openings):
        test = " or ".join(tests)
        verdict = f"opened if {test} else always"
    else:
        bits = " + ".join(f"({1 << at} if {test} else 0)" for at, test in enumerate(tests))
        verdict = f"table[{bits}]"
    names = {"table": table, "always": always, "opened": always | openings[0].roles, "many": _many, **code.names}
    fast = _function(type_name, "judge", verdict, code, names)
    slow = [_function(type_name, "test", f"1 if {each} else 0", code, names) for each in tests]

    def judge(rows: Sequence[Any], accounts: Sequence[Any], facts: Sequence[Facts], user: Principal) -> list[Roles]:
        try:
            return fast(rows, accounts, facts, user)  # type: ignore[no-any-return]
        except Exception:
            return [_one_by_one(slow, table, each, user) for each in zip(rows, accounts, facts, strict=True)]

    return judge


def _one_by_one(tests: Sequence[_Run], table: _Table, judged: tuple[Any, Any, Facts], user: Principal) -> Roles:
    """One row, when a test failed on some row: what fails denies, and denies only what it was to open."""
    row, account, facts = judged
    bits = 0
    for at, test in enumerate(tests):
        try:
            bits |= test((row,), (account,), (facts,), user)[0] << at
        except Exception:  # noqa: S112 - denied: the row or its account lacks what the condition reads
            continue
    return table[bits]


_SEQUENCES = {"row": "rows", "account": "accounts", "facts": "known"}


def _function(type_name: str, name: str, verdict: str, code: _Code, names: Mapping[str, object]) -> _Run:
    walked = [each for each in _SEQUENCES if each in code.walked] or ["row"]
    sequences = ", ".join(_SEQUENCES[each] for each in walked)
    along = sequences if len(walked) == 1 else f"zip({sequences}, strict=True)"
    lines = [f"def {name}(rows, accounts, known, user):"]
    lines += [f"    {each} = {_of_user(each)}" for each in sorted(code.used)]
    lines.append(f"    return [{verdict} for {', '.join(walked)} in {along}]")
    space: dict[str, Any] = {"__builtins__": {"zip": zip, "frozenset": frozenset}, **names}
    # Only names that the parser let through and names of this file are in the text; texts are passed as values.
    compiled: CodeType = compile("\n".join(lines), f"<row rules of {type_name}>", "exec")
    exec(compiled, space)  # noqa: S102
    written: _Run = space[name]
    return written


def _of_user(name: str) -> str:
    kind, _, attribute = name.partition("_")
    return f"user.{attribute}" if kind == "user" else f"frozenset(many(user.{attribute})) - {{None}}"


def _many(value: Any) -> Any:
    """A list; a text is none, or `'E' in 'DE'` would hold."""
    if isinstance(value, (tuple, list, set, frozenset)):
        return value
    raise TypeError("no list")
