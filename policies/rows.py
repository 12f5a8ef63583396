"""Row conditions: a small language, compiled to a test and, where its form allows it, to a filter to push down.

condition  = and { "or" and } ;  and = not { "and" not } ;  not = "not" not | "(" condition ")" | comparison
comparison = operand ( "==" | "!=" | "in" | "overlaps" ) operand
operand    = "row." name { "." name } | "user." name | 'text'
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from policies.principal import Principal
from policies.yaml import Place

Facts: TypeAlias = Mapping[str, Any]
Test: TypeAlias = Callable[[Any, Facts, Principal], bool]
Pushed: TypeAlias = tuple[str, str, tuple[str, ...]]
_Operand: TypeAlias = Callable[[Any, Facts, Principal], Any]

_TOKEN = re.compile(r"\s*(?:(?P<word>[A-Za-z_][\w.]*)|(?P<text>'[^']*')|(?P<sign>==|!=|\(|\)))")
USER = frozenset({"subject", "regions", "entities", "accounts", "human"})


@dataclass(frozen=True, slots=True)
class Condition:
    """`test(row, facts, principal)`; `row_attributes` it reads; `pushed` gives a filter for a principal, or None."""

    text: str
    place: Place
    test: Test
    row_attributes: frozenset[str]
    pushed: Callable[[Principal], Pushed | None]


def compile_condition(text: str, place: Place) -> Condition:
    """Parses a condition; raises RuleError with what was expected."""
    parser = _Parser(_tokens(text, place), text, place)
    test = parser.disjunction()
    parser.end()
    simple = re.fullmatch(r"\s*row\.(\w+)\s+in\s+user\.(\w+)\s*", text)

    def pushed(principal: Principal) -> Pushed | None:
        if simple is None:
            return None
        return ("in", _snake(simple[1]), tuple(getattr(principal, simple[2])))

    return Condition(text, place, _denying(test), frozenset(parser.attributes), pushed)


def _denying(test: Test) -> Test:
    """A condition that cannot be evaluated is not met."""

    def safely(row: Any, facts: Facts, principal: Principal) -> bool:
        try:
            return test(row, facts, principal) is True
        except Exception:
            return False

    return safely


def _tokens(text: str, place: Place) -> list[str]:
    found, at = [], 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if match is None:
            raise place.error(f"the condition `{text}` has something unknown at `{text[at:].strip()[:12]}`")
        found.append(match.group().strip())
        at = match.end()
    return found


class _Parser:
    def __init__(self, tokens: list[str], text: str, place: Place) -> None:
        self._tokens, self._text, self._place = tokens, text, place
        self.attributes: set[str] = set()

    def disjunction(self) -> Test:
        tests = [self._conjunction()]
        while self._take("or"):
            tests.append(self._conjunction())
        return tests[0] if len(tests) == 1 else lambda row, facts, user: any(each(row, facts, user) for each in tests)

    def _conjunction(self) -> Test:
        tests = [self._negation()]
        while self._take("and"):
            tests.append(self._negation())
        return tests[0] if len(tests) == 1 else lambda row, facts, user: all(each(row, facts, user) for each in tests)

    def _negation(self) -> Test:
        if self._take("not"):
            inner = self._negation()
            return lambda row, facts, user: not inner(row, facts, user)
        if self._take("("):
            inner = self.disjunction()
            if not self._take(")"):
                raise self._expected("`)`")
            return inner
        return self._comparison()

    def _comparison(self) -> Test:
        left = self._operand()
        operator = self._next("`==`, `!=`, `in` or `overlaps`")
        right = self._operand()
        if operator == "==":
            return lambda row, facts, user: _known(left(row, facts, user)) == right(row, facts, user)
        if operator == "!=":
            return lambda row, facts, user: _known(left(row, facts, user)) != right(row, facts, user)
        if operator == "in":
            return lambda row, facts, user: _known(left(row, facts, user)) in right(row, facts, user)
        if operator == "overlaps":
            return lambda row, facts, user: not set(left(row, facts, user)).isdisjoint(right(row, facts, user))
        raise self._expected("`==`, `!=`, `in` or `overlaps`")

    def _operand(self) -> _Operand:
        token = self._next("`row.…`, `user.…` or a text in quotes")
        if token.startswith("'"):
            text = token[1:-1]
            return lambda _row, _facts, _user: text
        scope, _, path = token.partition(".")
        if scope == "user" and path in USER:
            return lambda _row, _facts, user: getattr(user, path)
        if scope == "row" and path:
            return self._row(path)
        raise self._place.error(
            f"`{token}` in the condition `{self._text}` is unknown: "
            f"use row.ATTRIBUTE, user.{', user.'.join(sorted(USER))}"
        )

    def _row(self, path: str) -> _Operand:
        names = [_snake(each) for each in path.split(".")]
        self.attributes.add(names[0])
        first = names[0]

        def value(row: Any, facts: Facts, _user: Principal) -> Any:
            found = facts[first] if first in facts else getattr(row, first)
            for name in names[1:]:
                found = getattr(found, name)
            return found

        return value

    def _take(self, token: str) -> bool:
        if self._tokens and self._tokens[0] == token:
            self._tokens.pop(0)
            return True
        return False

    def _next(self, expected: str) -> str:
        if not self._tokens:
            raise self._expected(expected)
        return self._tokens.pop(0)

    def _expected(self, expected: str) -> Exception:
        at = f"before `{self._tokens[0]}`" if self._tokens else "at the end"
        return self._place.error(f"the condition `{self._text}` lacks {expected} {at}")

    def end(self) -> None:
        if self._tokens:
            raise self._expected("`and` or `or`")


class _Unknown(Exception):
    pass


def _known(value: Any) -> Any:
    """A missing value meets no condition, not even `!=`."""
    if value is None:
        raise _Unknown
    return value


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)([A-Z])", lambda match: "_" + match[1].lower(), name)
