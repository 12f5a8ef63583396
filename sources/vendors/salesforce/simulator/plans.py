"""Plans a query: the statements that find ids or aggregates, and the shape of what comes back."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

import msgspec

from sources.vendors.salesforce.simulator import syntax
from sources.vendors.salesforce.simulator.conditions import Conditions, live
from sources.vendors.salesforce.simulator.errors import assumed
from sources.vendors.salesforce.simulator.facts import NULLS_FIRST_ASSUMED, OFFSET_ROWS, Assumed
from sources.vendors.salesforce.simulator.schema import Field, Schema, SObject
from sources.vendors.salesforce.simulator.scope import Query, Resolved, Scope
from sources.vendors.salesforce.simulator.shapes import Listing, Shape
from sources.vendors.salesforce.simulator.store import statement

_MOST = 2**31  # more rows than there can be


class Grouping(msgspec.Struct, frozen=True):
    """An aggregate query: one statement, and the names and kinds of its columns."""

    statement: str
    parameters: tuple[Any, ...]
    columns: tuple[tuple[str, str], ...]


class Count(msgspec.Struct, frozen=True):
    """`SELECT COUNT()`: one number."""

    statement: str
    parameters: tuple[Any, ...]


def planned(
    select: syntax.Select, text: str, schema: Schema, today: date, *, deleted: bool
) -> Listing | Grouping | Count:
    """The plan of a whole query. Raises Refusal with the vendor's code for what is wrong with it."""
    query = Query(text, schema, deleted)
    sobject = schema.find(select.source)
    if sobject is None:
        message = (
            f"sObject type '{select.source}' is not supported. If you are attempting to use a custom object, be sure "
            "to append the '__c' after the entity name."
        )
        raise query.invalid("INVALID_TYPE", select.source_at, message)
    if select.offset > OFFSET_ROWS:
        raise assumed(400, Assumed.OFFSET)
    return _Planner(query, select, sobject, today).plan()


class _Planner:
    def __init__(self, query: Query, select: syntax.Select, sobject: SObject, today: date) -> None:
        self._query, self._select, self._today = query, select, today
        self._scope = Scope(query, sobject, select.alias)
        self._parameters: list[Any] = []

    def plan(self) -> Listing | Grouping | Count:
        expressions = [column.expression for column in self._select.columns if isinstance(column, syntax.Column)]
        counts = [
            one
            for one in expressions
            if isinstance(one, syntax.Function) and (one.name, one.argument) == ("COUNT", None)
        ]
        if counts:
            return self._counted(counts[0].at)
        aggregated = any(self._scope.expression(one).aggregate for one in expressions)
        return self._grouped() if aggregated or self._select.group else self._listed()

    # ------------------------------------------------------------ clauses

    def _where(self, *first: str) -> str:
        found = [*first, *live(self._scope)]
        if self._select.where is not None:
            found.append(Conditions(self._query, self._scope, self._today, self._parameters).sql(self._select.where))
        return f"WHERE {' AND '.join(found)}" if found else ""

    def _order(self, *tie: str) -> str:
        keys = [self._sorted(sort) for sort in self._select.order]
        keys += tie
        return f"ORDER BY {', '.join(keys)}" if keys else ""

    def _sorted(self, sort: syntax.Sort) -> str:
        resolved = self._scope.expression(sort.expression)
        if resolved.field is not None and not resolved.field.filterable:
            message = f"field '{resolved.field.name}' can not be sorted in a query call"
            raise self._query.invalid("INVALID_FIELD", sort.expression.at, message)
        direction = " DESC" if sort.descending else ""
        if resolved.field is not None and not resolved.field.nillable and isinstance(sort.expression, syntax.Path):
            return f"{resolved.sql}{direction}"  # an index can be walked only where nothing is said of nulls
        nulls = sort.nulls or ("FIRST" if NULLS_FIRST_ASSUMED else "LAST")
        return f"{resolved.sql}{direction} NULLS {nulls}"

    def _bounds(self) -> str:
        if self._select.limit is None and not self._select.offset:
            return ""
        limit = _MOST if self._select.limit is None else min(self._select.limit, _MOST)
        return f"LIMIT {limit} OFFSET {self._select.offset}"

    # ------------------------------------------------------------ kinds of queries

    def _counted(self, at: int) -> Count:
        if len(self._select.columns) > 1 or self._select.group or self._select.order:
            raise self._query.invalid(
                "MALFORMED_QUERY", at, "COUNT() stands alone in SELECT, without GROUP BY or ORDER BY"
            )
        where = self._where()
        inner = statement("SELECT 1 FROM", self._scope.source, where, self._bounds())
        return Count(statement("SELECT COUNT(*) FROM (", inner, ")"), tuple(self._parameters))

    def _grouped(self) -> Grouping:
        groups = {_folded(expression): self._key(expression) for expression in self._select.group}
        names: dict[str, Resolved] = {}
        for column in self._select.columns:
            if not isinstance(column, syntax.Column):
                raise self._query.invalid(
                    "MALFORMED_QUERY", self._select.source_at, "Grouped query cannot have sub-selects"
                )
            resolved = self._scope.expression(column.expression)
            if not resolved.aggregate and _folded(column.expression) not in groups:
                name = resolved.field.name if resolved.field else "expression"
                raise self._query.invalid(
                    "MALFORMED_QUERY", column.expression.at, f"Field must be grouped or aggregated: {name}"
                )
            name = column.alias or _named(column.expression, resolved, names)
            if name in names:
                raise self._query.invalid("MALFORMED_QUERY", column.expression.at, f"duplicate alias: {name}")
            names[name] = resolved
        where = self._where()
        having = ""
        if self._select.having is not None:
            conditions = Conditions(self._query, self._scope, self._today, self._parameters, grouped=True)
            having = f"HAVING {conditions.sql(self._select.having)}"
        by = f"GROUP BY {', '.join(resolved.sql for resolved in groups.values())}" if groups else ""
        order = self._order(*(resolved.sql for resolved in groups.values()))
        columns = ", ".join(resolved.sql for resolved in names.values())
        clauses = ("SELECT", columns, "FROM", self._scope.source, where, by, having, order, self._bounds())
        return Grouping(
            statement(*clauses),
            tuple(self._parameters),
            tuple((name, resolved.kind) for name, resolved in names.items()),
        )

    def _key(self, expression: syntax.Expression) -> Resolved:
        resolved = self._scope.expression(expression)
        if resolved.aggregate or resolved.field is None or not resolved.field.filterable:
            name = resolved.field.name if resolved.field else "expression"
            message = f"field '{name}' can not be grouped in a query call"
            raise self._query.invalid("MALFORMED_QUERY", expression.at, message)
        return resolved

    def _listed(self) -> Listing:
        shape = Shape(self._query, self._select, self._scope.sobject, self._nested)
        where, order = self._where(), self._order(f"{self._scope.alias}.Id")
        clauses = ("SELECT", f"{self._scope.alias}.Id", "FROM", self._scope.source, where, order, self._bounds())
        return Listing(
            find=statement(*clauses),
            parameters=tuple(self._parameters),
            fetch=shape.fetch,
            node=shape.node,
        )

    def _nested(self, select: syntax.Select, sobject: SObject, key: Field) -> Listing:
        return _Planner(self._query, select, sobject, self._today).children(key)

    def children(self, key: Field) -> Listing:
        """The same for a sub-select, whose rows belong to the parent that `key` names."""
        for column in self._select.columns:
            if isinstance(column, syntax.Column) and isinstance(column.expression, syntax.Function):
                raise self._query.invalid("MALFORMED_QUERY", column.expression.at, "no aggregates in a sub-select")
        shape = Shape(self._query, self._select, self._scope.sobject, self._nested)
        parent = self._scope.column(key)
        where, order = self._where(f"{parent} IN ({{ids}})"), self._order(f"{self._scope.alias}.Id")
        clauses = ("SELECT", f"{parent}, {self._scope.alias}.Id", "FROM", self._scope.source, where, order)
        return Listing(
            find=statement(*clauses),
            parameters=tuple(self._parameters),
            fetch=shape.fetch,
            node=shape.node,
            limit=self._select.limit,
            offset=self._select.offset,
        )


def _folded(expression: syntax.Expression) -> tuple[str, ...]:
    """An expression as GROUP BY compares it."""
    if isinstance(expression, syntax.Path):
        return tuple(part.lower() for part in expression.parts)
    return (expression.name, *(_folded(expression.argument) if expression.argument else ()))


def _named(expression: syntax.Expression, resolved: Resolved, names: Iterable[str]) -> str:
    """The name of an aggregate's column without an alias: a field's own, `expr0` and so on for the others."""
    if isinstance(expression, syntax.Path) and resolved.field is not None:
        return resolved.field.name
    return f"expr{sum(name.startswith('expr') for name in names)}"
