"""Pages: which part of a list a link reads, and what a connection shows of it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import repeat
from typing import TYPE_CHECKING, Any

import msgspec
from graphql import GraphQLField, GraphQLObjectType
from strawberry import UNSET

from gateway.engine.grants import Grants
from gateway.engine.graph import Graph
from gateway.engine.lookups import Forbidden
from gateway.engine.visible import findable, readable, shown_as
from resolvers.batch import Link, filter_of
from sources.canonical import Record, Served
from sources.errors import BadAsk, SourceError
from sources.ports import Filter, Order, Page, Position, Rows

if TYPE_CHECKING:
    from gateway.engine.plan import Field

MOST = 100
_EXACT = frozenset({"eq", "in"})


class Paging:
    """How a link's arguments become a `Page`; what is constant is worked out once."""

    __slots__ = (
        "_arguments",
        "_constant",
        "_failed",
        "_grants",
        "_link",
        "_order",
        "_readables",
        "_target",
        "_where",
        "coordinate",
        "target",
    )

    def __init__(self, graph: Graph, grants: Grants, field: Field, schema_field: GraphQLField) -> None:
        self._link: Link = field.link
        self._grants, self._arguments, self.coordinate = grants, field.arguments, field.coordinate
        self.target = graph.types.get(self._link.target, self._link.target.__name__)
        self._target = graph.object_type(self.target)
        self._readables: set[str] = set()  # attributes that were found to be
        self._where = _filters(schema_field)
        self._constant: Page | None = None
        self._failed: Callable[[], SourceError] | None = None  # an error raised again and again would grow
        self._order = self._shown_order()
        if self._target is not None and not findable(self._target, self._link, grants):
            self._failed = self._unfindable(self._target).again
        elif not self._link.paged:
            self._constant = Page(first=self._link.first, order=self._order, filters=self._link.fixed)
        elif field.arguments is None or field.arguments.constant:
            try:
                self._constant = self._page(field.arguments.given(None) if field.arguments is not None else {})
            except SourceError as error:
                self._failed = error.again if isinstance(error, Forbidden) else partial(type(error), error.message)

    @property
    def plain(self) -> Page | None:
        """The page where arguments decide neither of it, nor of the keys, nor where it begins."""
        given = self._arguments
        if self._constant is None or self._link.argument is not None:
            return None
        fixed = given is None or (given.constant and given.given(None).get("after") is None)
        return self._constant if fixed else None

    @property
    def first(self) -> int | None:
        """How many rows a page has at the most, as far as the document tells: the whole page where a variable does."""
        if self._constant is not None:
            return self._constant.first
        return MOST if self._link.paged else self._link.first

    def page(self, arguments: Mapping[str, Any]) -> Page:
        """The page that is asked for, without its cursor; raises BadAsk or Forbidden."""
        if self._failed is not None:
            raise self._failed()
        return self._constant if self._constant is not None else self._page(arguments)

    def scope(self, page: Page, key: str) -> str:
        """What a cursor of one list is good for: its field, parent, filter and order."""
        shape = (self.coordinate, (key,), page.order, page.filters)
        return hashlib.sha256(repr(shape).encode("utf-8", "surrogatepass")).hexdigest()

    def _page(self, arguments: Mapping[str, Any]) -> Page:
        link = self._link
        first = _given(arguments, "first")
        if first is not None and not 1 <= first <= MOST:
            raise BadAsk(f"`first` is {first}: ask for 1 to {MOST}")
        asked = self._asked(_given(arguments, "filter"))
        chosen = _given(arguments, "order_by")
        for each in asked:
            self._readable(each.field, exact=each.op in _EXACT)
        if chosen is None:
            return Page(first or link.first, None, self._order, link.fixed + asked)
        self._readable(chosen.field.value, exact=False)
        order = Order(chosen.field.value, chosen.direction.value == "DESC")
        return Page(first or link.first, None, order, link.fixed + asked)

    def _asked(self, given: Any) -> tuple[Filter, ...]:
        if given is None:
            return ()
        asked = []
        for python_name, (field, op) in self._where.items():
            value = getattr(given, python_name)
            if value is UNSET or value is None:
                continue
            asked.append(Filter(field, op, tuple(map(_plain, value)) if isinstance(value, list) else _plain(value)))
        return tuple(asked)

    def _shown_order(self) -> Order | None:
        """How a list is ordered that nobody orders: by what it tells of, or else as its source has it."""
        order = self._link.order
        if order is None or self._target is None or readable(self._target, order.field, self._grants):
            return order
        return None

    def _unfindable(self, target: GraphQLObjectType) -> Forbidden:
        link = self._link
        names = shown_as(target, link.sought or "") or [_camel(link.sought or "")]
        return Forbidden(f"{target.name}.{names[0]}", f"nothing is found by `{link.argument}`")

    def _readable(self, attribute: str, *, exact: bool) -> None:
        """Filtering or ordering by what one may not read would tell it all the same."""
        if self._target is None or attribute in self._readables:
            return
        if readable(self._target, attribute, self._grants):
            self._readables.add(attribute)
            return
        names = shown_as(self._target, attribute) or [_camel(attribute)]
        if exact and any(self._grants.lookup(self._target.name, name) for name in names):
            return
        raise Forbidden(f"{self._target.name}.{names[0]}", "leave it out of filter and order")


class ConnectionPage:
    """What a connection's fields read: one parent's page. Cursors are made only where they are asked for.

    `end` is where a page that stayed short goes on: behind rows that may not be seen, after the last one looked at.
    """

    __slots__ = ("_end", "_sign", "error", "has_next_page", "has_previous_page", "nodes", "places", "total_count")

    def __init__(
        self,
        nodes: Sequence[Any],
        places: Sequence[Position | None],
        more: bool,
        total: int | None = None,
        has_previous: bool = False,
        error: SourceError | None = None,
        sign: Callable[[Position], str] | None = None,
        end: Position | None = None,
    ) -> None:
        self.nodes, self.places, self.has_next_page, self.total_count = nodes, places, more, total
        self.has_previous_page, self.error, self._sign = has_previous, error, sign
        self._end = end

    @property
    def edges(self) -> list[ConnectionEdge]:
        """The rows with their places."""
        return [ConnectionEdge(self, index) for index in range(len(self.nodes))]

    @property
    def page_info(self) -> ConnectionPage:
        """The page's own bounds; what went wrong with the page is told once, where the page stands."""
        if self.error is None:
            return self
        more, previous = self.has_next_page, self.has_previous_page
        return ConnectionPage(self.nodes, self.places, more, self.total_count, previous, None, self._sign, self._end)

    @property
    def start_cursor(self) -> str | None:
        """The first row's place."""
        return self.cursor(0) if self.nodes else None

    @property
    def end_cursor(self) -> str | None:
        """The last row's place, or where a short page goes on."""
        if self._end is not None and self._sign is not None:
            return self._sign(self._end)
        return self.cursor(len(self.nodes) - 1) if self.nodes else None

    def cursor(self, index: int) -> str:
        """A row's place; empty where the source gives none."""
        place = self.places[index] if index < len(self.places) else None
        return self._sign(place) if place is not None and self._sign is not None else ""


class ConnectionEdge:
    """One row with its place."""

    __slots__ = ("_index", "_page")

    def __init__(self, page: ConnectionPage, index: int) -> None:
        self._page, self._index = page, index

    @property
    def node(self) -> Any:
        """The row."""
        return self._page.nodes[self._index]

    @property
    def cursor(self) -> str:
        """Its place."""
        return self._page.cursor(self._index)


def kept(rows: Rows, first: int | None, seen: Sequence[Any]) -> tuple[list[Any], Sequence[Position | None], bool]:
    """Of the judged rows (`seen`, None where hidden): those of the page, their places, whether more is known."""
    places: Sequence[Position | None] = rows.positions
    if (first is None or len(seen) <= first) and None not in seen:
        return list(seen), places, rows.more
    shown: list[Any] = []
    at: list[Position | None] = []
    for index, row in enumerate(seen):
        if row is None:
            continue
        if len(shown) == first:
            return shown, at, True
        shown.append(row)
        at.append(places[index] if index < len(places) else None)
    return shown, at, rows.more


def through(records: Sequence[Record], seen: Sequence[Any], wanted: int) -> Sequence[Record]:
    """The records up to the last of those that a page takes (`seen`, None where hidden)."""
    for index, row in enumerate(seen):
        wanted -= row is not None
        if wanted == 0:
            return records[: index + 1]
    return records


def stale(rows: Rows, seen: Sequence[Any], wanted: int) -> list[Rows]:
    """Those that a page takes of judged rows, where they are stale."""
    if rows.served is not Served.STALE:
        return []
    taken = [(row, how) for row, how in zip(seen, rows.each or repeat(rows.served), strict=False) if row is not None]
    old = [row for row, how in taken[:wanted] if how is Served.STALE and isinstance(row, Record)]
    return [Rows(old, served=Served.STALE)] if old else []


def onward(page: Page, rows: Rows) -> Page:
    """The next part of a list."""
    return msgspec.structs.replace(page, after=rows.next)


def _filters(field: GraphQLField) -> dict[str, tuple[str, str]]:
    argument = field.args.get("filter")
    if argument is None:
        return {}
    definition = argument.type.extensions["strawberry-definition"]  # type: ignore[union-attr]
    return filter_of(definition.origin)


def _given(arguments: Mapping[str, Any], name: str) -> Any:
    value = arguments.get(name)
    return None if value is UNSET else value


def _plain(value: Any) -> Any:
    return getattr(value, "value", value)


def _camel(attribute: str) -> str:
    head, *rest = attribute.split("_")
    return head + "".join(part.capitalize() for part in rest)
