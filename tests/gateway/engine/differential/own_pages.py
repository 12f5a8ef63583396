"""Connections as the oracle of our own schema reads them: one parent, one page, read on until it is full."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from graphql import GraphQLField, GraphQLObjectType, GraphQLSchema
from strawberry import UNSET

from resolvers.batch import Link, declaration_of, filter_of
from resolvers.registry import names
from sources.errors import BadAsk, SourceError
from sources.ports import Filter, Order, Page, Position, Rows
from tests.gateway.engine.differential.own_rows import Asking

_MOST, _EXTRA = 100, 5


class Refused(SourceError):
    """A filter or an order that would tell what may not be read."""

    code = "FORBIDDEN"


class OneEdge(msgspec.Struct, frozen=True, eq=False):
    """What an edge's fields read."""

    node: Any
    cursor: str


class OnePage(msgspec.Struct, frozen=True, eq=False):
    """What a connection's fields read. `end`: where a page that stayed short goes on."""

    nodes: Sequence[Any]
    edges: Sequence[OneEdge]
    has_next_page: bool
    has_previous_page: bool
    total_count: int | None
    end: str | None = None

    @property
    def page_info(self) -> OnePage:
        """The page's own bounds."""
        return self

    @property
    def start_cursor(self) -> str | None:
        """Of the first row."""
        return self.edges[0].cursor if self.edges else None

    @property
    def end_cursor(self) -> str | None:
        """Of the last row, or of the last one looked at."""
        return self.end or (self.edges[-1].cursor if self.edges else None)


_NOTHING = OnePage((), (), False, False, 0)


class Listing(msgspec.Struct, frozen=True):
    """One link field: where it stands, what can be asked of it, and which field shows which attribute of its rows."""

    coordinate: str
    link: Link
    target: str
    where: Mapping[str, tuple[str, str]]
    shown: Mapping[str, str]

    def start(self, asking: Asking) -> Page:
        """What a plain link reads."""
        self._seek(asking)
        return Page(first=self.link.first, order=self._own_order(asking), filters=self.link.fixed)

    async def page(
        self, asking: Asking, keys: Sequence[str], given: Mapping[str, Any], granting: frozenset[str]
    ) -> tuple[OnePage, SourceError | None]:
        """A page, and what is told besides it; raises SourceError where there is none."""
        page, counted = self._pushed(asking, self._asked(asking, given), granting)
        if page is None or not keys:
            return _NOTHING, None
        after = given.get("after")
        if after is not None:
            page = msgspec.structs.replace(page, after=asking.cursors.decode(after, self._scope(page, keys[0])))
        thinned = not counted and self._is_thinned(asking, granting)
        rows, error = await asking.read(self.link.target, self.link.by, keys[0], page)
        if rows is None and error is not None:
            raise error
        first = rows or Rows()
        kept, more, error, end = await self._kept(asking, keys[0], page, granting, first, error, ahead=thinned)
        scope = self._scope(page, keys[0])
        edges = [OneEdge(row, asking.cursors.encode(place, scope)) for row, place in kept]
        total = first.total if counted else None
        going_on = asking.cursors.encode(end, scope) if end is not None else None
        return OnePage([row for row, _ in kept], edges, more, after is not None, total, going_on), error

    def _is_thinned(self, asking: Asking, granting: frozenset[str]) -> bool:
        """Whether of the list some rows may be hidden and others not."""
        rule = asking.grants.rows(self.target, granting)
        return not rule.open and not (rule.by_account and self.link.by == "account")

    async def _kept(
        self,
        asking: Asking,
        key: str,
        page: Page,
        granting: frozenset[str],
        rows: Rows,
        error: SourceError | None,
        *,
        ahead: bool,
    ) -> tuple[list[tuple[Any, Position]], bool, SourceError | None, Position | None]:
        """Visible rows with their places, whether there are more, what is told besides them, where a short page ends."""
        assert page.first is not None
        end = rows.next
        kept: list[tuple[Any, Position]] = []
        visible = 0
        size = page.first
        for attempt in range(_EXTRA + 1):
            judged = [await asking.seen(each, granting) for each in rows.records]
            there = [pair for pair in zip(judged, rows.positions, strict=True) if pair[0] is not None]
            visible += len(there)
            more = rows.more or visible > page.first
            kept = [*kept, *there][: page.first]
            enough = page.first + ahead  # where hidden rows may follow, somebody looks behind the page
            if not rows.more or visible >= enough or attempt == _EXTRA or rows.next is None:
                break
            part = msgspec.structs.replace(page, first=size, after=rows.next)
            following, failed = await asking.read(self.link.target, self.link.by, key, part)
            size = min(2 * size, _MOST)
            if failed is not None:
                more, error = True, error or (failed if len(kept) < page.first else None)
                break
            rows = following or Rows()
            end = rows.next
        unjudged = [row for row, _ in kept if isinstance(row, SourceError)]
        end = end if more and len(kept) < page.first else None
        left = [pair for pair in kept if pair[0] not in unjudged]
        more = more and (bool(left) or not unjudged)  # what cannot be judged at all may as well not be there
        return left, more, error or next(iter(unjudged), None), end

    # ------------------------------------------------------------ what is asked

    def _asked(self, asking: Asking, given: Mapping[str, Any]) -> Page:
        self._seek(asking)
        first = given.get("first")
        if first is not None and not 1 <= first <= _MOST:
            raise BadAsk(f"`first` is {first}")
        filters = []
        for name, (attribute, op) in self.where.items():
            value = getattr(given.get("filter"), name, None)
            if value is None or value is UNSET:
                continue
            plain = tuple(_plain(each) for each in value) if isinstance(value, list) else _plain(value)
            filters.append(Filter(attribute, op, plain))
            self._check(asking, attribute, exact=op in ("eq", "in"))
        order, chosen = self._own_order(asking), given.get("order_by")
        if chosen is not None:
            self._check(asking, chosen.field.value, exact=False)
            order = Order(chosen.field.value, chosen.direction.value == "DESC")
        return Page(first or self.link.first, None, order, (*self.link.fixed, *filters))

    def _seek(self, asking: Asking) -> None:
        if self.link.argument is not None:
            self._check(asking, self.link.words or self.link.by, exact=self.link.words is None)

    def _own_order(self, asking: Asking) -> Order | None:
        order = self.link.order
        try:
            if order is not None:
                self._check(asking, order.field, exact=False)
        except Refused:
            return None
        return order

    def _check(self, asking: Asking, attribute: str, *, exact: bool) -> None:
        name, grants = self.shown[attribute], asking.grants
        every = [grants.field(self.target, name, frozenset([role])).verdict == "allow" for role in grants.roles]
        if not all(every) and not (exact and grants.lookup(self.target, name)):
            raise Refused(f"`{self.target}.{name}` is not for your role")

    def _pushed(self, asking: Asking, page: Page, granting: frozenset[str]) -> tuple[Page | None, bool]:
        """The page with the row rule as its filters, where the source can apply them; whether counts are then right."""
        rule = asking.grants.rows(self.target, granting)
        if rule.open:
            return page, True
        pushed = rule.filters(asking.context.principal) if self.link.by == "list" else None
        if pushed is None:
            return page, False
        if any(not values for _, _, values in pushed):
            return None, True
        able = asking.catalog.capability(self.link.target, self.link.by)
        if able is None or any(op not in able.filters.get(name, ()) for op, name, _ in pushed):
            return page, False
        mine = tuple(Filter(name, op, values) for op, name, values in pushed)
        return msgspec.structs.replace(page, filters=(*page.filters, *mine)), True

    def _scope(self, page: Page, key: str) -> str:
        asked = (self.coordinate, (key,), page.order, page.filters)
        return hashlib.sha256(repr(asked).encode("utf-8", "surrogatepass")).hexdigest()


def listing_of(core: GraphQLSchema, coordinate: str, link: Link, field: GraphQLField) -> Listing:
    """A link field, looked up once."""
    target = names()[link.target]
    filters = field.args["filter"].type.extensions["strawberry-definition"] if "filter" in field.args else None  # type: ignore[union-attr]
    return Listing(coordinate, link, target, filter_of(filters.origin) if filters else {}, _shown(core, target))


def _shown(core: GraphQLSchema, target: str) -> Mapping[str, str]:
    """Attribute -> the field that shows it: the one of its name, else the link that follows it."""
    type_ = core.type_map[target]
    assert isinstance(type_, GraphQLObjectType)
    shown: dict[str, str] = {}
    for name, field in type_.fields.items():
        declared = declaration_of(field)
        if isinstance(declared, Link):
            shown.setdefault(declared.key, name)
    return shown | {field.extensions["strawberry-definition"].python_name: name for name, field in type_.fields.items()}


def _plain(value: Any) -> Any:
    return getattr(value, "value", value)
