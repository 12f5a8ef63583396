"""Where each column of a query comes from, and whether it is a date."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp
from sqlglot.optimizer.scope import Scope

from sources.vendors.netsuite.simulator import facts
from sources.vendors.netsuite.simulator.errors import Refusal

_DATE_CALLS = frozenset({"TO_DATE", "TO_TIMESTAMP", "ADD_MONTHS", "LAST_DAY"})
_KEEPERS = exp.Max | exp.Min | exp.Coalesce | exp.Paren | exp.Alias | exp.Nullif | exp.Window
PSEUDO = "rownum"


class Columns:
    """Resolves every column of the scopes; raises Refusal for a name nobody has."""

    def __init__(self, scopes: Sequence[Scope]) -> None:
        self._sources: dict[int, tuple[str, exp.Table | Scope]] = {}
        for scope in scopes:
            for column in scope.columns:
                self._place(column, scope)

    def table_column(self, column: exp.Column) -> facts.Column | None:
        """The table's own column, or None for a column of a sub-select or an alias."""
        _, source = self._sources.get(id(column), ("", None))
        return facts.TABLES[source.name].get(column.name) if isinstance(source, exp.Table) else None

    def alias_and_table(self, column: exp.Column) -> tuple[str, str] | None:
        """What the query calls the column's table, and the table's name."""
        alias, source = self._sources.get(id(column), ("", None))
        return (alias, source.name) if isinstance(source, exp.Table) else None

    def is_date(self, node: exp.Expr | None) -> bool:
        """Does this expression give a date?"""
        if isinstance(node, exp.Column):
            known = self.table_column(node)
            return known.kind == "date" if known else self._derived_date(node)
        if isinstance(node, exp.Anonymous):
            name = node.name.upper()
            return name in _DATE_CALLS or (name == "TRUNC" and self.is_date(node.expressions[0]))
        if isinstance(node, exp.CurrentDate | exp.CurrentTimestamp):
            return True
        if isinstance(node, exp.Add | exp.Sub):
            return self.is_date(node.this) and not self.is_date(node.expression)
        return isinstance(node, _KEEPERS) and self.is_date(node.this)

    def _derived_date(self, column: exp.Column) -> bool:
        _, source = self._sources.get(id(column), ("", None))
        return isinstance(source, Scope) and self._gives_date(source, column.name)

    def _gives_date(self, source: exp.Table | Scope, name: str) -> bool:
        """Is the source's output of that name a date, through any number of stars?"""
        if isinstance(source, exp.Table):
            known = facts.TABLES[source.name].get(name)
            return known is not None and known.kind == "date"
        first = _first_scope(source)
        for one in getattr(first.expression, "expressions", ()):
            if one.alias_or_name == name:
                return self.is_date(one)
            if any(self._gives_date(each, name) for each in _starred(one, first)):
                return True
        return False

    def _place(self, column: exp.Column, scope: Scope) -> None:
        name, wanted = column.name, column.table
        if isinstance(column.this, exp.Star) or (name == PSEUDO and not wanted):
            return
        if wanted:
            found = _visible(scope, wanted)
            if found is None or not _has(found, name):
                raise _unknown(f"{wanted}.{name}" if found is None else name, scope)
            self._sources[id(column)] = (wanted, found)
            return
        level: Scope | None = scope
        while level is not None:
            owners = [(alias, one) for alias, one in _selected(level).items() if _has(one, name)]
            if len(owners) > 1:
                raise _unknown(name, scope)
            if owners:
                self._sources[id(column)] = owners[0]
                return
            if level is scope and _is_output(column, scope):
                return
            level = level.parent
        raise _unknown(name, scope)


def _selected(scope: Scope) -> dict[str, exp.Table | Scope]:
    return {alias: source for alias, (_, source) in scope.selected_sources.items()}


def _visible(scope: Scope, alias: str) -> exp.Table | Scope | None:
    level: Scope | None = scope
    while level is not None:
        if (found := _selected(level).get(alias)) is not None:
            return found
        level = level.parent
    return None


def _has(source: exp.Table | Scope, name: str) -> bool:
    if isinstance(source, exp.Table):
        return name in facts.TABLES.get(source.name, {})
    first = _first_scope(source)
    for one in getattr(first.expression, "expressions", ()):
        if one.alias_or_name == name:
            return True
        if any(_has(each, name) for each in _starred(one, first)):
            return True
    return False


def _starred(output: exp.Expr, scope: Scope) -> list[exp.Table | Scope]:
    """The sources that `*` or `t.*` stands for."""
    if not isinstance(output, exp.Star) and not (isinstance(output, exp.Column) and isinstance(output.this, exp.Star)):
        return []
    wanted = output.table if isinstance(output, exp.Column) else ""
    return [source for alias, source in _selected(scope).items() if wanted in ("", alias)]


def _first_scope(scope: Scope) -> Scope:
    """Of a set operation, the scope that names the columns."""
    while scope.set_operation_scopes:
        scope = scope.set_operation_scopes[0]
    return scope


def _first_select(query: exp.Expr) -> exp.Expr:
    while isinstance(query, exp.SetOperation | exp.Subquery):
        query = query.this
    return query


def _is_output(column: exp.Column, scope: Scope) -> bool:
    """ORDER BY may name an output column, and after a set operation nothing else."""
    if not column.find_ancestor(exp.Order):
        return False
    outputs = getattr(_first_select(scope.expression), "expressions", ())
    return any(one.alias_or_name == column.name for one in outputs)


def _unknown(name: str, scope: Scope) -> Refusal:
    sources = ", ".join(
        f"{alias}={source.name if isinstance(source, exp.Table) else alias}"
        for alias, source in _selected(scope).items()
    )
    return Refusal(400, "INVALID_PARAMETER", facts.UNKNOWN_COLUMN.format(name=name, sources=sources), query="q")
