"""Turns WHERE and HAVING into SQL with SOQL's own logic: no unknown truth, and letters compared without case."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from sources.vendors.salesforce.simulator import dates, identifiers, syntax
from sources.vendors.salesforce.simulator.errors import Refusal
from sources.vendors.salesforce.simulator.lexer import pattern, unescaped
from sources.vendors.salesforce.simulator.schema import NUMERIC, TEXTUAL
from sources.vendors.salesforce.simulator.scope import Query, Resolved, Scope
from sources.vendors.salesforce.simulator.store import marks, quoted, statement

_RANGED = {"=": "({0} >= ? AND {0} < ?)", "!=": "({0} IS NULL OR {0} < ? OR {0} >= ?)"}
_BOUNDED = {"<": ("<", 0), "<=": ("<", 1), ">": (">=", 1), ">=": (">=", 0)}
_EXACT = ("id", "reference")


class Conditions:
    """Conditions over one scope; `parameters` grow in the order their marks appear in the SQL."""

    def __init__(
        self, query: Query, scope: Scope, today: date, parameters: list[Any], *, grouped: bool = False
    ) -> None:
        self._query, self._scope, self._today, self._grouped = query, scope, today, grouped
        self.parameters = parameters

    def sql(self, condition: syntax.Condition) -> str:
        """The SQL of a condition."""
        if isinstance(condition, syntax.Not):
            # A comparison with nothing is false in SOQL, so that its NOT is true; SQL would say unknown to both.
            return f"NOT ifnull({self.sql(condition.part)}, 0)"
        if isinstance(condition, syntax.All):
            return _balanced([self.sql(part) for part in condition.parts], "AND")
        if isinstance(condition, syntax.Either):
            return _balanced([self.sql(part) for part in condition.parts], "OR")
        return self._test(condition)

    def _test(self, test: syntax.Test) -> str:
        left = self._scope.expression(test.left)
        if left.aggregate and not self._grouped:
            raise self._query.invalid("MALFORMED_QUERY", test.at, "aggregate functions stand in HAVING, not in WHERE")
        if left.field is not None and not left.field.filterable:
            message = f"field '{left.field.name}' can not be filtered in a query call"
            raise self._query.invalid("INVALID_FIELD", test.at, message)
        if isinstance(test.right, syntax.Select):
            return self._joined(left, test.right, test.at)
        if isinstance(test.right, tuple):
            return self._among(left, test.right)
        if test.operator == "LIKE":
            return self._like(left, test.right, test.at)
        return self._compared(left, test.operator, test.right)

    # ------------------------------------------------------------ operators

    def _compared(self, left: Resolved, operator: str, right: syntax.Literal) -> str:
        if right.kind == "named":
            return self._within(left, operator, right)
        value = self._value(left, right)
        if value is None:
            if operator not in ("=", "!="):
                raise self._operator(left, right.at)
            return f"{left.sql} IS {'NOT ' if operator == '!=' else ''}NULL"
        if left.kind == "boolean" and operator not in ("=", "!="):
            raise self._operator(left, right.at)
        column, mark = (f"folded({left.sql})", "folded(?)") if _needs_folding(left, value) else (left.sql, "?")
        self.parameters.append(value)
        return f"{column} {'IS NOT' if operator == '!=' else operator} {mark}"

    def _within(self, left: Resolved, operator: str, right: syntax.Literal) -> str:
        low, high = self._range(left, right)
        if operator in _RANGED:
            self.parameters += (low, high)
            return _RANGED[operator].format(left.sql)
        sign, which = _BOUNDED[operator]
        self.parameters.append((low, high)[which])
        return f"{left.sql} {sign} ?"

    def _among(self, left: Resolved, right: tuple[syntax.Literal, ...]) -> str:
        if any(literal.kind == "named" for literal in right):
            return _balanced([self._compared(left, "=", literal) for literal in right], "OR")
        values = [self._value(left, literal) for literal in right]
        present = [value for value in values if value is not None]
        column = left.sql
        if any(_needs_folding(left, value) for value in present):
            column, present = f"folded({left.sql})", [str(value).casefold() for value in present]
        self.parameters += present
        found = f"{column} IN ({marks(present)})"
        return found if len(present) == len(values) else f"({found} OR {left.sql} IS NULL)"

    def _like(self, left: Resolved, right: syntax.Literal, at: int) -> str:
        if left.kind not in TEXTUAL or left.kind in _EXACT:
            raise self._operator(left, at)
        if right.kind != "string":
            raise self._mistyped(left, right)
        wanted = pattern(right.text)
        column = left.sql
        if not wanted.isascii():
            column, wanted = f"folded({left.sql})", wanted.casefold()
        self.parameters.append(wanted)
        return f"{column} LIKE ? ESCAPE '\\'"

    def _joined(self, left: Resolved, right: syntax.Select, at: int) -> str:
        """A semi-join: IN over one column of another object."""
        sobject = self._query.schema.find(right.source)
        if sobject is None:
            raise self._query.invalid(
                "INVALID_TYPE", right.source_at, f"sObject type '{right.source}' is not supported."
            )
        column = right.columns[0] if len(right.columns) == 1 else None
        if left.kind not in _EXACT or not isinstance(column, syntax.Column) or right.group or right.order:
            raise self._query.invalid("MALFORMED_QUERY", at, "a semi-join compares an id with one reference column")
        scope = Scope(self._query, sobject, right.alias)
        inner = scope.expression(column.expression)
        if inner.kind not in _EXACT:
            raise self._query.invalid(
                "MALFORMED_QUERY", at, "the inner and outer field of a semi-join must be references"
            )
        conditions = Conditions(self._query, scope, self._today, self.parameters)
        where = [f"{inner.sql} IS NOT NULL", *live(scope)]
        if right.where is not None:
            where.append(conditions.sql(right.where))
        return statement(left.sql, "IN (SELECT", inner.sql, "FROM", scope.source, "WHERE", " AND ".join(where), ")")

    # ------------------------------------------------------------ values

    def _value(self, left: Resolved, literal: syntax.Literal) -> Any:
        """What SQLite compares with; None for NULL and for the empty string, which are the same."""
        if literal.kind == "null":
            return None
        if left.kind in _EXACT and literal.kind == "string":
            return self._id(left, unescaped(literal.text), literal.at)
        if left.kind in TEXTUAL and literal.kind == "string":
            return unescaped(literal.text) or None
        if left.kind in NUMERIC and literal.kind == "number":
            return float(literal.text)
        if left.kind == "boolean" and literal.kind == "boolean":
            return int(literal.text == "TRUE")
        if left.kind == literal.kind and literal.kind in ("date", "datetime"):
            return self._moment(literal)
        raise self._mistyped(left, literal)

    def _moment(self, literal: syntax.Literal) -> str:
        try:
            return (
                date.fromisoformat(literal.text).isoformat()
                if literal.kind == "date"
                else dates.read_instant(literal.text)
            )
        except (ValueError, OverflowError):
            message = f"line 1:{literal.at} invalid {literal.kind}: {literal.text}"
            raise self._query.invalid("MALFORMED_QUERY", literal.at, message) from None

    def _id(self, left: Resolved, text: str, at: int) -> str | None:
        if not text:
            return None
        record_id = identifiers.normal(text)
        if record_id is None:
            raise self._query.invalid("INVALID_QUERY_FILTER_OPERATOR", at, f"invalid ID field: {text}")
        return record_id

    def _range(self, left: Resolved, literal: syntax.Literal) -> tuple[str, str]:
        try:
            days = dates.named(literal.text, self._today)
        except (ValueError, OverflowError):
            days = None
        if days is None:
            raise self._query.invalid("MALFORMED_QUERY", literal.at, f"unexpected token: '{literal.text}'")
        if left.kind == "date":
            return days[0].isoformat(), days[1].isoformat()
        if left.kind == "datetime":
            return dates.midnight(days[0]), dates.midnight(days[1])
        raise self._mistyped(left, literal)

    def _mistyped(self, left: Resolved, literal: syntax.Literal) -> Refusal:
        name = left.field.name if left.field else "expression"
        kind = "string" if left.kind in TEXTUAL else {"datetime": "dateTime"}.get(left.kind, left.kind)
        quotes = "should be enclosed in quotes" if kind == "string" else "should not be enclosed in quotes"
        message = f"value of filter criterion for field '{name}' must be of type {kind} and {quotes}"
        return self._query.invalid("INVALID_FIELD", literal.at, message)

    def _operator(self, left: Resolved, at: int) -> Refusal:
        name = left.field.name if left.field else "expression"
        return self._query.invalid("INVALID_QUERY_FILTER_OPERATOR", at, f"invalid operator on field '{name}'")


def live(scope: Scope) -> Sequence[str]:
    """The condition that hides deleted rows, where the object has any and the caller did not ask for them."""
    if scope.query.deleted or not scope.sobject.deletable:
        return ()
    return (f"{scope.alias}.{quoted('IsDeleted')} = 0",)


def _needs_folding(left: Resolved, value: Any) -> bool:
    return left.kind in TEXTUAL and left.kind not in _EXACT and isinstance(value, str) and not value.isascii()


def _balanced(parts: Sequence[str], word: str) -> str:
    """Joined by halves, because SQLite bounds how deep an expression may nest."""
    if len(parts) == 1:
        return parts[0]
    middle = len(parts) // 2
    return f"({_balanced(parts[:middle], word)} {word} {_balanced(parts[middle:], word)})"
