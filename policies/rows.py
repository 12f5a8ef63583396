"""Row conditions: a small language, compiled to a test and, where its form allows it, to a filter to push down.

condition  = and { "or" and } ;  and = not { "and" not } ;  not = "not" not | "(" condition ")" | comparison
comparison = operand ( "==" | "!=" | "in" | "overlaps" ) operand
operand    = "row." name { "." name } | "account." name { "." name } | "user." name | 'text' | "none"

A comparison with a missing value is neither met nor unmet, `not` leaves it so, and only a condition that is met opens a
row. Whether a value is missing is asked with `== none` and `!= none`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

from policies.principal import Principal
from policies.yaml import Place, RuleError

Facts: TypeAlias = Mapping[str, Any]
Pushed: TypeAlias = tuple[str, str, tuple[str, ...]]

_TOKEN = re.compile(r"\s*(?:(?P<word>[A-Za-z_][\w.]*)|(?P<text>'[^']*')|(?P<sign>==|!=|\(|\)))")
_LISTS = frozenset({"regions", "entities", "accounts", "purposes"})
_TEXTS = frozenset({"subject", "human"})
USER = _LISTS | _TEXTS
_OPERATORS = "`==`, `!=`, `in` or `overlaps`"
_DEEPEST = 20
_NOTHING = "none"


class Judged(NamedTuple):
    """What a condition looks at: the row, the account that owns it, loaded facts about that account, and who asks."""

    row: Any
    account: Any
    facts: Facts
    user: Principal


_Test: TypeAlias = Callable[[Judged], bool | None]
_Value: TypeAlias = Callable[[Judged], Any]


class _Operand(NamedTuple):
    value: _Value
    kind: str  # row, account, list or text of the user, literal, none
    name: str


@dataclass(frozen=True, slots=True)
class Condition:
    """`met` judges a row; `row_attributes` and `account_attributes` are what it reads of the row and of its account.

    `pushed` gives a filter that says exactly the same for a principal, or None.
    """

    text: str
    place: Place
    met: Callable[[Any, Any, Facts, Principal], bool]
    row_attributes: frozenset[str]
    account_attributes: frozenset[str]
    pushed: Callable[[Principal], Pushed | None]


def compile_condition(text: str, place: Place) -> Condition:
    """Parses a condition; raises RuleError with what was expected."""
    parser = _Parser(_tokens(text, place), text, place)
    test = parser.disjunction()
    parser.end()
    simple = re.fullmatch(r"\s*row\.(\w+)\s+in\s+user\.(\w+)\s*", text)

    def pushed(principal: Principal) -> Pushed | None:
        return None if simple is None else ("in", snake(simple[1]), tuple(getattr(principal, simple[2])))

    def met(row: Any, account: Any, facts: Facts, user: Principal) -> bool:
        try:
            return test(Judged(row, account, facts, user)) is True
        except Exception:
            return False

    return Condition(text, place, met, frozenset(parser.rows), frozenset(parser.accounts), pushed)


def _tokens(text: str, place: Place) -> list[str]:
    found, at = [], 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if match is None:
            raise place.error(
                f"the condition `{text}` has something unknown at `{text[at:].strip()[:12]}`: "
                "use row.…, account.…, user.…, a text in single quotes, and, or, not and brackets"
            )
        found.append(match.group().strip())
        at = match.end()
    return found


class _Parser:
    def __init__(self, tokens: list[str], text: str, place: Place) -> None:
        self._tokens, self._text, self._place, self._depth = tokens, text, place, 0
        self.rows: set[str] = set()
        self.accounts: set[str] = set()

    def disjunction(self) -> _Test:
        tests = [self._conjunction()]
        while self._take("or"):
            tests.append(self._conjunction())
        return tests[0] if len(tests) == 1 else lambda judged: _any(test(judged) for test in tests)

    def _conjunction(self) -> _Test:
        tests = [self._negation()]
        while self._take("and"):
            tests.append(self._negation())
        return tests[0] if len(tests) == 1 else lambda judged: _all(test(judged) for test in tests)

    def _negation(self) -> _Test:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self._place.error(f"a condition has more than {_DEEPEST} brackets and `not` in each other: split it")
        try:
            if self._take("not"):
                inner = self._negation()
                return lambda judged: _not(inner(judged))
            if self._take("("):
                within = self.disjunction()
                if not self._take(")"):
                    raise self._expected("`)`")
                return within
            return self._comparison()
        finally:
            self._depth -= 1

    def _comparison(self) -> _Test:
        left = self._operand()
        if not self._tokens or self._tokens[0] not in ("==", "!=", "in", "overlaps"):
            raise self._expected(_OPERATORS)
        operator = self._tokens.pop(0)
        right = self._operand()
        if operator in ("in", "overlaps"):
            if right.kind not in ("row", "account", "list"):
                raise self._place.error(
                    f"the condition `{self._text}` has no list to the right of `{operator}`: "
                    f"use user.{', user.'.join(sorted(_LISTS))} or a list of the row"
                )
            return _membership(left.value, right.value) if operator == "in" else _overlap(left.value, right.value)
        return _equality(left, right, wanted=operator == "==")

    def _operand(self) -> _Operand:
        if not self._tokens:
            raise self._expected("`row.…`, `account.…`, `user.…`, a text in quotes or `none`")
        token = self._tokens.pop(0)
        if token.startswith("'"):
            literal = token[1:-1]
            return _Operand(lambda _judged: literal, "literal", token)
        if token == _NOTHING:
            return _Operand(lambda _judged: None, _NOTHING, token)
        scope, _, path = token.partition(".")
        if scope == "user" and path in USER:
            return _Operand(lambda judged: getattr(judged.user, path), "list" if path in _LISTS else "text", path)
        if scope in ("row", "account") and all(path.split(".")):
            return self._attribute(scope, path)
        raise self._place.error(
            f"`{token}` in the condition `{self._text}` is unknown: "
            f"use row.ATTRIBUTE, account.ATTRIBUTE, user.{', user.'.join(sorted(USER))}"
        )

    def _attribute(self, scope: str, path: str) -> _Operand:
        first, *rest = [snake(each) for each in path.split(".")]
        (self.rows if scope == "row" else self.accounts).add(first)
        of_row = scope == "row"

        def value(judged: Judged) -> Any:
            found = judged.row if of_row else judged.account
            if found is None:
                raise LookupError("an account that was not loaded is not one without the value")
            known = first in judged.facts and found is judged.account
            found = judged.facts[first] if known else getattr(found, first)
            for name in rest:
                found = None if found is None else getattr(found, name)
            return found

        return _Operand(value, scope, path)

    def _take(self, token: str) -> bool:
        if self._tokens and self._tokens[0] == token:
            self._tokens.pop(0)
            return True
        return False

    def _expected(self, expected: str) -> RuleError:
        at = f"before `{self._tokens[0]}`" if self._tokens else "at the end"
        return self._place.error(f"the condition `{self._text}` lacks {expected} {at}")

    def end(self) -> None:
        if self._tokens:
            raise self._expected("`and` or `or`")


def _equality(left: _Operand, right: _Operand, *, wanted: bool) -> _Test:
    if _NOTHING in (left.kind, right.kind):
        asked = left.value if right.kind == _NOTHING else right.value
        return lambda judged: (asked(judged) is None) is wanted

    def equal(judged: Judged) -> bool | None:
        one, other = left.value(judged), right.value(judged)
        return None if one is None or other is None else bool((one == other) is wanted)

    return equal


def _membership(left: _Value, right: _Value) -> _Test:
    def member(judged: Judged) -> bool | None:
        one, many = left(judged), right(judged)
        return None if one is None or many is None else one in _many(many)

    return member


def _overlap(left: _Value, right: _Value) -> _Test:
    def overlaps(judged: Judged) -> bool | None:
        some, others = left(judged), right(judged)
        return None if some is None or others is None else not set(_many(some)).isdisjoint(_many(others))

    return overlaps


def _many(value: Any) -> Iterable[Any]:
    """A list; a text is none, or `'E' in 'DE'` would hold."""
    if isinstance(value, (tuple, list, set, frozenset)):
        return value
    raise TypeError("no list")


def _any(results: Iterable[bool | None]) -> bool | None:
    found: bool | None = False
    for result in results:
        if result:
            return True
        found = None if result is None else found
    return found


def _all(results: Iterable[bool | None]) -> bool | None:
    found: bool | None = True
    for result in results:
        if result is False:
            return False
        found = None if result is None else found
    return found


def _not(result: bool | None) -> bool | None:
    return None if result is None else not result


def snake(name: str) -> str:
    """`legalEntity` -> `legal_entity`."""
    return re.sub(r"(?<!^)([A-Z])", lambda match: "_" + match[1].lower(), name)
