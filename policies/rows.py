"""Row conditions: a small language, parsed to a tree.

condition  = and { "or" and } ;  and = not { "and" not } ;  not = "not" not | "(" condition ")" | comparison
comparison = operand ( "==" | "!=" | "in" | "overlaps" ) operand
operand    = "row." name { "." name } | "account." name { "." name } | "user." name | 'text' | "none"

A comparison with a missing value is neither met nor unmet, `not` leaves it so, and only a condition that is met opens a
row. Whether a value is missing is asked with `== none` and `!= none`. A condition is read from left to right until it
is certain; what cannot be evaluated on the way denies. `policies.judging` makes a test of a tree, `policies.pushing` a
filter.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

from policies.yaml import Place, RuleError

Facts: TypeAlias = Mapping[str, Any]

_TOKEN = re.compile(r"\s*(?:(?P<word>[A-Za-z_][\w.]*)|(?P<text>'[^']*')|(?P<sign>==|!=|\(|\)))", re.ASCII)
_NAME = re.compile(r"[a-z][A-Za-z0-9]*", re.ASCII)
LISTS = frozenset({"regions", "entities", "accounts", "purposes"})
ROLE = "role"
_TEXTS = frozenset({"subject", "human", "person", ROLE})
USER = LISTS | _TEXTS
FACTS = frozenset({"legal_entities"})  # of an account: loaded beside it, no attribute of its record
_OPERATORS = "`==`, `!=`, `in` or `overlaps`"
_DEEPEST = 20
_NOTHING = "none"


class Operand(NamedTuple):
    """`scope`: row, account, user, text or none. `path` are attributes in snake case, a user's name, or the text."""

    scope: str
    path: tuple[str, ...] = ()

    @property
    def is_user_list(self) -> bool:
        """Whether it is one of the lists of the token."""
        return self.scope == "user" and self.path[0] in LISTS


class Comparison(NamedTuple):
    """`operator`: `==`, `in` or `overlaps`; `!=` is Not of `==`."""

    operator: str
    left: Operand
    right: Operand


class Not(NamedTuple):
    """Met where `inner` is unmet."""

    inner: Tree


class Every(NamedTuple):
    """`and`."""

    parts: tuple[Tree, ...]


class Some(NamedTuple):
    """`or`."""

    options: tuple[Tree, ...]


Tree: TypeAlias = Comparison | Not | Every | Some


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition; `paths` are what it reads, each as (row or account, `attribute` or `attribute.attribute`)."""

    text: str
    place: Place
    tree: Tree
    paths: frozenset[tuple[str, str]]

    @classmethod
    def of(cls, text: str, place: Place, tree: Tree) -> Condition:
        """The condition that a tree is."""
        paths = {(each.scope, ".".join(each.path)) for each in _operands(tree) if each.scope in ("row", "account")}
        return cls(text, place, tree, frozenset(paths))

    @property
    def reads(self) -> frozenset[str]:
        """The attributes it reads, of the row or of its account."""
        return frozenset(path.partition(".")[0] for _, path in self.paths)

    @property
    def users(self) -> tuple[str, ...]:
        """What it compares with of the one who asks, such as `regions`."""
        return tuple(dict.fromkeys(each.path[0] for each in _operands(self.tree) if each.scope == "user"))

    @property
    def asks_account(self) -> bool:
        """Whether it reads something of the account that owns the row."""
        return any(scope == "account" for scope, _ in self.paths)


def as_role(tree: Tree, role: str) -> Tree:
    """A condition as one role asks it: `user.role` is the role whose rule opens the row, whatever else somebody is."""
    if isinstance(tree, Comparison):
        return Comparison(tree.operator, _as_role(tree.left, role), _as_role(tree.right, role))
    if isinstance(tree, Not):
        return Not(as_role(tree.inner, role))
    inner = tuple(as_role(each, role) for each in (tree.parts if isinstance(tree, Every) else tree.options))
    return Every(inner) if isinstance(tree, Every) else Some(inner)


def _as_role(operand: Operand, role: str) -> Operand:
    return Operand("text", (role,)) if operand == ("user", (ROLE,)) else operand


def compile_condition(text: str, place: Place) -> Condition:
    """Parses a condition; raises RuleError with what was expected."""
    parser = _Parser(_tokens(text, place), text, place)
    tree = parser.disjunction()
    parser.end()
    return Condition.of(text, place, tree)


def _operands(tree: Tree) -> Iterator[Operand]:
    if isinstance(tree, Comparison):
        yield tree.left
        yield tree.right
        return
    inner = (tree.inner,) if isinstance(tree, Not) else tree.parts if isinstance(tree, Every) else tree.options
    for each in inner:
        yield from _operands(each)


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

    def disjunction(self) -> Tree:
        options = [self._conjunction()]
        while self._take("or"):
            options.append(self._conjunction())
        return options[0] if len(options) == 1 else Some(tuple(options))

    def _conjunction(self) -> Tree:
        parts = [self._negation()]
        while self._take("and"):
            parts.append(self._negation())
        return parts[0] if len(parts) == 1 else Every(tuple(parts))

    def _negation(self) -> Tree:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self._place.error(f"a condition has more than {_DEEPEST} brackets and `not` in each other: split it")
        try:
            if self._take("not"):
                return Not(self._negation())
            if self._take("("):
                within = self.disjunction()
                if not self._take(")"):
                    raise self._expected("`)`")
                return within
            return self._comparison()
        finally:
            self._depth -= 1

    def _comparison(self) -> Tree:
        left = self._operand()
        if not self._tokens or self._tokens[0] not in ("==", "!=", "in", "overlaps"):
            raise self._expected(_OPERATORS)
        operator = self._tokens.pop(0)
        right = self._operand()
        if operator in ("in", "overlaps") and not (right.scope in ("row", "account") or right.is_user_list):
            raise self._place.error(
                f"the condition `{self._text}` has no list to the right of `{operator}`: "
                f"use user.{', user.'.join(sorted(LISTS))} or a list of the row"
            )
        return Not(Comparison("==", left, right)) if operator == "!=" else Comparison(operator, left, right)

    def _operand(self) -> Operand:
        if not self._tokens:
            raise self._expected("`row.…`, `account.…`, `user.…`, a text in quotes or `none`")
        token = self._tokens.pop(0)
        if token.startswith("'"):
            return Operand("text", (token[1:-1],))
        if token == _NOTHING:
            return Operand(_NOTHING)
        scope, _, path = token.partition(".")
        if scope == "user" and path in USER:
            return Operand(scope, (path,))
        if scope in ("row", "account") and _is_path(path):
            return Operand(scope, tuple(map(snake, path.split("."))))
        raise self._place.error(
            f"`{token}` in the condition `{self._text}` is unknown: "
            f"use row.ATTRIBUTE, account.ATTRIBUTE, user.{', user.'.join(sorted(USER))}"
        )

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


def _is_path(path: str) -> bool:
    """One to five names that may stand in code: no underscore before or in them, no word of Python's own."""
    names = path.split(".")
    return len(names) <= 5 and all(_NAME.fullmatch(each) and not keyword.iskeyword(snake(each)) for each in names)


def camel(name: str) -> str:
    """`legal_entity` -> `legalEntity`."""
    return re.sub(r"_(\w)", lambda match: match[1].upper(), name)


def snake(name: str) -> str:
    """`legalEntity` -> `legal_entity`."""
    return re.sub(r"(?<!^)([A-Z])", lambda match: "_" + match[1].lower(), name)
