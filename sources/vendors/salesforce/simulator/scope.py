"""Resolves a query's names: which column a path means, and which parents have to be joined for it."""

from __future__ import annotations

from itertools import count

import msgspec

from sources.vendors.salesforce.simulator import syntax
from sources.vendors.salesforce.simulator.errors import Refusal, query_error
from sources.vendors.salesforce.simulator.facts import PARENT_JOINS_ASSUMED, PARENT_LEVELS
from sources.vendors.salesforce.simulator.schema import Field, Schema, SObject
from sources.vendors.salesforce.simulator.store import quoted

_AGGREGATES = {"COUNT", "COUNT_DISTINCT", "SUM", "AVG", "MIN", "MAX"}
_CUTS = {"CALENDAR_YEAR": (1, 4), "CALENDAR_MONTH": (6, 2), "DAY_IN_MONTH": (9, 2)}


class Resolved(msgspec.Struct, frozen=True):
    """A column: its SQL, the field behind it, and the kind of its values."""

    sql: str
    field: Field | None
    kind: str
    aggregate: bool = False


class Query(msgspec.Struct, frozen=True):
    """What all scopes of one query share: its text, the schema, whether deleted rows are seen, the next alias and the
    number of the next sub-select."""

    text: str
    schema: Schema
    deleted: bool
    aliases: count[int] = msgspec.field(default_factory=count)
    lists: count[int] = msgspec.field(default_factory=count)

    def invalid(self, code: str, at: int, message: str) -> Refusal:
        """A refusal that points at a place in the query."""
        return query_error(code, self.text, at, message)


class Scope:
    """One FROM: an object, the names that may stand for it, the parents joined to it so far."""

    def __init__(self, query: Query, sobject: SObject, *names: str | None) -> None:
        self.query, self.sobject = query, sobject
        self.alias = f"t{next(query.aliases)}"
        self._names = {name.lower() for name in (*names, sobject.name) if name}
        self._joins: dict[tuple[str, ...], str] = {}
        self._clauses: list[str] = []

    @property
    def source(self) -> str:
        """What stands after FROM."""
        return " ".join((quoted(self.sobject.name), "AS", self.alias, *self._clauses))

    def column(self, field: Field) -> str:
        """A column of the object itself."""
        return f"{self.alias}.{quoted(field.name)}"

    def parents(self, path: syntax.Path) -> tuple[str, SObject, tuple[Field, ...]]:
        """Joins the parents of a path: the alias and object of the last one, and the references followed."""
        parts = path.parts[:-1]
        if parts and parts[0].lower() in self._names and parts[0].lower() not in self.sobject.parents:
            parts = parts[1:]
        if len(parts) > PARENT_LEVELS:
            raise self.query.invalid("INVALID_FIELD", path.at, "at most 5 levels of parents in one field path")
        alias, sobject, followed = self.alias, self.sobject, []
        trail: tuple[str, ...] = ()
        for part in parts:
            field = sobject.parents.get(part.lower())
            if field is None or field.target is None:
                message = f"Didn't understand relationship '{part}' in field path."
                raise self.query.invalid("INVALID_FIELD", path.at, message)
            trail = (*trail, part.lower())
            alias, sobject = self._joined(trail, alias, field, path.at)
            followed.append(field)
        return alias, sobject, tuple(followed)

    def _joined(self, trail: tuple[str, ...], alias: str, field: Field, at: int) -> tuple[str, SObject]:
        parent = self.query.schema.objects[str(field.target)]
        if trail not in self._joins:
            if len(self._joins) >= PARENT_JOINS_ASSUMED:
                raise self.query.invalid("MALFORMED_QUERY", at, "too many parent relationships in one query")
            self._joins[trail] = joined = f"t{next(self.query.aliases)}"
            on = f'{joined}."Id" = {alias}.{quoted(field.name)}'
            self._clauses.append(f"LEFT JOIN {quoted(parent.name)} AS {joined} ON {on}")
        return self._joins[trail], parent

    def path(self, path: syntax.Path) -> Resolved:
        """The column of a path."""
        alias, sobject, _ = self.parents(path)
        field = self.field(sobject, path)
        return Resolved(f"{alias}.{quoted(field.name)}", field, field.kind)

    def field(self, sobject: SObject, path: syntax.Path) -> Field:
        """The field a path ends in. Raises INVALID_FIELD."""
        field = sobject.fields.get(path.parts[-1].lower())
        if field is None:
            message = (
                f"No such column '{path.parts[-1]}' on entity '{sobject.name}'. If you are attempting to use a custom "
                "field, be sure to append the '__c' after the custom field name."
            )
            raise self.query.invalid("INVALID_FIELD", path.at, message)
        return field

    def expression(self, expression: syntax.Expression) -> Resolved:
        """The column of a path, or of a function over one."""
        if isinstance(expression, syntax.Path):
            return self.path(expression)
        name, at = expression.name, expression.at
        if expression.argument is None:
            if name == "COUNT":
                return Resolved("COUNT(*)", None, "int", aggregate=True)
            raise self.query.invalid("MALFORMED_QUERY", at, f"unexpected token: '{name}'")
        inner = self.path(expression.argument)
        if name in _AGGREGATES:
            return self._aggregate(name, inner, at)
        if name == "TOLABEL":
            return inner
        return self._cut(name, inner, at)

    def _aggregate(self, name: str, inner: Resolved, at: int) -> Resolved:
        numeric = inner.kind in ("int", "double", "currency", "percent")
        if inner.field is None or not inner.field.filterable or (name in ("SUM", "AVG") and not numeric):
            raise self.query.invalid("MALFORMED_QUERY", at, f"field does not support aggregate operator {name}")
        if name == "COUNT_DISTINCT":
            return Resolved(f"COUNT(DISTINCT {inner.sql})", None, "int", aggregate=True)
        kind = {"COUNT": "int", "MIN": inner.kind, "MAX": inner.kind}.get(name, "double")
        return Resolved(f"{name}({inner.sql})", None, kind, aggregate=True)

    def _cut(self, name: str, inner: Resolved, at: int) -> Resolved:
        """Functions that take a part of a date, which is text that starts with the day."""
        if inner.kind not in ("date", "datetime"):
            raise self.query.invalid("INVALID_FIELD", at, f"function {name} needs a date")
        if name == "DAY_ONLY":
            return Resolved(f"substr({inner.sql}, 1, 10)", inner.field, "date")
        if name not in _CUTS:
            raise self.query.invalid("MALFORMED_QUERY", at, f"unknown function {name}")
        start, length = _CUTS[name]
        return Resolved(f"CAST(substr({inner.sql}, {start}, {length}) AS INTEGER)", inner.field, "int")
