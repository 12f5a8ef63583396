"""SuiteQL as values: a select with its parameters, and several of them as one request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from sources.vendors.netsuite.facts import PAGE

_PREFIX = "x_"
_KEYS = frozenset({"id", "document"})


class Select(msgspec.Struct, frozen=True):
    """One query: `columns` alias -> expression; every value from outside is a parameter, never part of the text.

    `order` are expressions with a direction; `limit` rows at the most (1,000 fit into one answer).
    """

    columns: Mapping[str, str]
    tables: str
    where: tuple[str, ...] = ()
    parameters: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    limit: int = PAGE

    def text(self) -> str:
        """The query alone; the limit is the request's."""
        columns = ", ".join(f"{expression} AS {_alias(alias)}" for alias, expression in self.columns.items())
        return f"SELECT {columns} FROM {self.tables}{_where(self.where)}{_order(self.order)}"  # noqa: S608 - our own parts


def one_of(expression: str, values: Sequence[str]) -> str:
    """`expression IN (?, ?, …)`; the values are the caller's parameters."""
    return f"{expression} IN ({', '.join('?' * len(values))})"


def union(selects: Sequence[Select]) -> tuple[str, tuple[str, ...]]:
    """Several queries as one: column `q` says whose row it is, `c0`, `c1`, … are its columns in order, as texts."""
    width = max(len(select.columns) for select in selects)
    parts: list[str] = []
    parameters: list[str] = []
    for number, select in enumerate(selects):
        texts = [f"TO_CHAR({expression})" for expression in select.columns.values()]
        texts += ["NULL"] * (width - len(texts))
        columns = ", ".join(f"{text} AS c{index}" for index, text in enumerate(texts))
        inner = f"SELECT '{number}' AS q, {columns} FROM {select.tables}{_where(select.where)}{_order(select.order)}"  # noqa: S608 - our own parts
        parts.append(f"SELECT * FROM ({inner} FETCH FIRST {int(select.limit)} ROWS ONLY)")  # noqa: S608 - our own parts
        parameters += select.parameters
    return " UNION ALL ".join(parts), tuple(parameters)


def split(selects: Sequence[Select], rows: Sequence[Mapping[str, str]]) -> list[list[dict[str, str]]]:
    """The rows of a union, each query's own with its own column names. Raises KeyError for a row that is of none."""
    names = {str(number): tuple(select.columns) for number, select in enumerate(selects)}
    found: dict[str, list[dict[str, str]]] = {number: [] for number in names}
    for row in rows:
        number = row["q"]
        found[number].append(
            {name: row[f"c{index}"] for index, name in enumerate(names[number]) if row.get(f"c{index}") is not None}
        )
    return list(found.values())


def alone(rows: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    """The rows of a query that was asked by itself, with its column names."""
    return [{name.removeprefix(_PREFIX): value for name, value in row.items()} for row in rows]


def demand_keys(select: Select, rows: Sequence[Mapping[str, str]]) -> None:
    """Raises KeyError for a row without what identifies it."""
    for name in _KEYS & select.columns.keys():
        for row in rows:
            row[name]


def _where(conditions: Sequence[str]) -> str:
    return f" WHERE {' AND '.join(f'({each})' for each in conditions)}" if conditions else ""


def _order(order: Sequence[str]) -> str:
    return f" ORDER BY {', '.join(order)}" if order else ""


def _alias(name: str) -> str:
    """An alias that is no reserved word."""
    return f"{_PREFIX}{name}"
