"""What SELECT asks of one object: the statement that fetches it by id, and the record it becomes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import msgspec

from sources.vendors.salesforce.simulator import syntax
from sources.vendors.salesforce.simulator.facts import CHILD_QUERIES, FIELDS_ROWS
from sources.vendors.salesforce.simulator.schema import ADDRESS, Field, SObject
from sources.vendors.salesforce.simulator.scope import Query, Scope
from sources.vendors.salesforce.simulator.store import quoted, statement


class Leaf(msgspec.Struct, frozen=True):
    """A value: its place in the fetched row, and its kind."""

    place: int
    kind: str


class Compound(msgspec.Struct, frozen=True):
    """An address, made of the values of its parts: name on the wire -> place."""

    places: dict[str, int]


class Node(msgspec.Struct):
    """A record, of the object itself or of a parent: the place of its id, and its entries in the order asked for."""

    sobject: str
    place: int
    entries: dict[str, Entry] = msgspec.field(default_factory=dict)


class Child(msgspec.Struct, frozen=True):
    """A list of children under each record."""

    listing: Listing


Entry: TypeAlias = Leaf | Compound | Node | Child


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """Finds ids with `find` and `parameters`, then fetches pages with `fetch`, whose first column is the id.

    Of children, `find` gives (parent id, id) and `{ids}` stands for the parents; `limit` and `offset` count per parent.
    """

    find: str
    parameters: tuple[Any, ...]
    fetch: str
    node: Node
    limit: int | None = None
    offset: int = 0


Nested: TypeAlias = Callable[[syntax.Select, SObject, Field], Listing]
"""Plans a sub-select: its syntax, its object, and the reference that leads back to the parent."""


class Shape:
    """What SELECT asks of one object: the statement that fetches it by id, and the record it becomes."""

    def __init__(self, query: Query, select: syntax.Select, sobject: SObject, children: Nested) -> None:
        self._query, self._select, self._nested = query, select, children
        self._scope = Scope(query, sobject, select.alias)
        self._columns = [f"{self._scope.alias}.Id"]
        self.node = Node(sobject.name, 0)
        for column in select.columns:
            self._add(column)

    @property
    def fetch(self) -> str:
        """The statement; `{ids}` stands for the ids of a page."""
        columns = ", ".join(self._columns)
        where = f"WHERE {self._scope.alias}.Id IN ({{ids}})"
        return statement("SELECT", columns, "FROM", self._scope.source, where)

    def _add(self, column: syntax.Column | syntax.AllFields | syntax.Children) -> None:
        if isinstance(column, syntax.Children):
            self._add_children(column.select)
        elif isinstance(column, syntax.AllFields):
            self._add_all(column)
        elif column.alias is not None:
            message = "only aggregate expressions use field aliasing"
            raise self._query.invalid("MALFORMED_QUERY", column.expression.at, message)
        else:
            self._add_expression(column.expression)

    def _add_expression(self, expression: syntax.Expression) -> None:
        if isinstance(expression, syntax.Path):
            self._add_path(expression)
            return
        resolved = self._scope.expression(expression)
        if resolved.field is None or expression.name != "TOLABEL":
            raise self._query.invalid("MALFORMED_QUERY", expression.at, f"function {expression.name} needs GROUP BY")
        self._put(self.node, resolved.field.name, Leaf(self._place(resolved.sql), resolved.kind), expression.at)

    def _add_path(self, path: syntax.Path) -> None:
        alias, sobject, followed = self._scope.parents(path)
        field = self._scope.field(sobject, path)
        node, trail = self.node, path.parts[len(path.parts) - 1 - len(followed) : -1]
        for step, reference in enumerate(followed):
            node = self._parent(node, reference, syntax.Path((*trail[: step + 1], "Id"), path.at))
        self._put(node, field.name, self._entry(alias, field), path.at)

    def _parent(self, node: Node, reference: Field, identity: syntax.Path) -> Node:
        name = str(reference.relationship)
        found = node.entries.get(name)
        if not isinstance(found, Node):
            found = Node(str(reference.target), self._place(self._scope.path(identity).sql))
            node.entries[name] = found
        return found

    def _put(self, node: Node, name: str, entry: Entry, at: int) -> None:
        if name in node.entries:
            raise self._query.invalid("INVALID_FIELD", at, f"duplicate field selected: {name}")
        node.entries[name] = entry

    def _entry(self, alias: str, field: Field) -> Leaf | Compound:
        if field.kind != "address":
            return Leaf(self._place(f"{alias}.{quoted(field.name)}"), field.kind)
        prefix = field.name.removesuffix("Address")
        return Compound({_camel(part): self._place(f"{alias}.{quoted(prefix + part)}") for part in ADDRESS})

    def _place(self, column: str) -> int:
        self._columns.append(column)
        return len(self._columns) - 1

    def _add_all(self, column: syntax.AllFields) -> None:
        limit = self._select.limit
        if column.which != "STANDARD" and (limit is None or limit > FIELDS_ROWS):
            message = f"The SOQL FIELDS function must have a LIMIT of at most {FIELDS_ROWS}"
            raise self._query.invalid("MALFORMED_QUERY", column.at, message)
        for field in self._scope.sobject.fields.values():
            if column.which == "ALL" or field.custom == (column.which == "CUSTOM"):
                self._put(self.node, field.name, self._entry(self._scope.alias, field), column.at)

    def _add_children(self, select: syntax.Select) -> None:
        found = self._scope.sobject.children.get(select.source.lower())
        if found is None:
            message = (
                f"Didn't understand relationship '{select.source}' in FROM part of query call. If you are attempting "
                "to use a custom relationship, be sure to append the '__r' after the custom relationship name."
            )
            raise self._query.invalid("INVALID_TYPE", select.source_at, message)
        if next(self._query.lists) >= CHILD_QUERIES:
            raise self._query.invalid("MALFORMED_QUERY", select.source_at, f"at most {CHILD_QUERIES} sub-selects")
        name, key = found
        listing = self._nested(select, self._query.schema.objects[name], key)
        self._put(self.node, str(key.children), Child(listing), select.source_at)


def _camel(part: str) -> str:
    return part[0].lower() + part[1:]
