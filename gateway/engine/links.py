"""Links: from the keys in all parents to the records of each, judged, in pages where the field is a connection."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from operator import is_
from typing import Any

import msgspec

from gateway.engine.connections import Pages, filled, is_thin
from gateway.engine.cursors import Cursors
from gateway.engine.keys import all_plain, column_of, keys_of, one_plain, wanted_of
from gateway.engine.ledger import Ledger
from gateway.engine.loads import Found, Loads, along_of
from gateway.engine.missed import Sought, calls_before, in_vain, looked_up
from gateway.engine.paging import ConnectionPage
from gateway.engine.plan import Field, Plan
from gateway.engine.seen import Seen
from policies.principal import Principal
from resolvers.batch import Link
from sources.canonical import Account, Record
from sources.catalog import Catalog
from sources.errors import SourceError
from sources.ports import Ask, Filter, Page, Reading

Given = Callable[[Field], Mapping[str, Any]]
_NONE: Mapping[str, Any] = {}


class Links:
    """Reads the links of one operation."""

    def __init__(
        self, plan: Plan, catalog: Catalog, loads: Loads, seen: Seen, cursors: Cursors, principal: Principal
    ) -> None:
        self._plan = plan
        self._catalog, self._loads, self._seen = catalog, loads, seen
        self._cursors, self._principal = cursors, principal

    def beside(self) -> Links:
        """The same links, for rows of which it is not known yet whether anybody asked for them."""
        twin = object.__new__(Links)
        vars(twin).update(vars(self))
        twin._seen = self._seen.beside()
        return twin

    def join(self, other: Links, only: Collection[Record] | None = None) -> None:
        """Becomes part of another: they were asked for, all of them or some only."""
        self._seen.join(other._seen, only)

    def is_at_hand(self, field: Field, rows: Sequence[Any], given: Given, ledger: Ledger) -> bool:
        """Whether a link's records are known without waiting, and can be judged."""
        link = field.link
        if not self._catalog.recalls:
            return False
        try:
            arguments = given(field)
            page = field.paging.page(arguments)
        except SourceError:
            return False
        if arguments.get("after") is not None:
            return False
        keys = wanted_of(link, rows, arguments, column_of(link, rows, arguments))
        if not keys:
            return True
        if field.judged is not None and not self._seen.is_at_hand(field.judged, link.by, keys):
            return False
        return self._loads.recall(link.target, link.by, keys, page, ledger) is not None

    def recalled(self, field: Field, rows: Sequence[Any], given: Given, ledger: Ledger) -> list[Any] | None:
        """The values of a link that takes no question, and of which nothing is hidden; None where there is more to it:
        then `is_at_hand` and `values` go through it step by step, with the same result."""
        link, page, rule, arguments = field.link, field.page, field.judged, _NONE
        if not self._catalog.recalls:
            return None
        if page is None:
            try:
                arguments = given(field)
                page = field.paging.page(arguments)
            except SourceError:
                return None
            if arguments.get("after") is not None:
                return None
        column = column_of(link, rows, arguments)
        wanted = wanted_of(link, rows, arguments, column)
        if rule is not None and wanted and not self._seen.is_at_hand(rule, link.by, wanted):
            return None
        found = self._loads.recall(link.target, link.by, wanted, page, ledger) if wanted else _NONE
        if found is None:
            return None
        shown: dict[str, Sequence[Record]] = {}
        along: list[Record] = []
        for key, each in found.items():
            if each.error is not None:
                return None
            shown[key] = each.rows.records if each.rows is not None else ()
            if each.along:
                along += each.along
        if rule is not None:
            judged = [row for mine in shown.values() for row in mine]
            if not self._seen.sees_all(rule, judged, field.roles):
                return None
        if link.paged:
            keys = [(key,) for key in column] if column is not None else [keys_of(link, row, arguments) for row in rows]
            pages = Pages(self, field, keys, page, arguments, counted=field.rule is None)
            return pages.at_hand(found)
        self.take(link, shown.values(), along, whole=True)
        return all_plain(link, rows, arguments, shown, column)

    async def values(self, field: Field, rows: Sequence[Any], given: Mapping[str, Any], ledger: Ledger) -> list[Any]:
        """One value for each parent: a record or None, a list, or a page; an error where it cannot be read."""
        link, page = field.link, field.paging.page(given)
        if not link.paged:
            return await self._plain(field, rows, given, page, ledger)
        narrowed, counted = self._pushed(field, page)
        if narrowed is None:
            return [ConnectionPage((), (), False, total=0)] * len(rows)
        keys = [keys_of(link, row, given) for row in rows]
        return await Pages(self, field, keys, narrowed, given, counted=counted).read(ledger)

    def _pushed(self, field: Field, page: Page) -> tuple[Page | None, bool]:
        """The page with the row rule as filters, where the source can apply them; None where they open nothing at all.
        Second: whether the source then judges every row itself, so that a count counts only visible ones."""
        link, rule = field.link, field.rule
        if rule is None:
            return page, True
        filters = rule.filters(self._principal) if link.by == "list" else None
        if filters is None:
            return page, False
        if any(not values for _, _, values in filters):
            return None, True
        capability = self._catalog.capability(link.target, link.by)
        if capability is None or any(op not in capability.filters.get(name, ()) for op, name, _ in filters):
            return page, False
        mine = tuple(Filter(name, op, values) for op, name, values in filters)
        return msgspec.structs.replace(page, filters=(*page.filters, *mine)), True

    # ------------------------------------------------------------ one record, or a few

    async def _plain(
        self, field: Field, rows: Sequence[Any], given: Mapping[str, Any], page: Page, ledger: Ledger
    ) -> list[Any]:
        link = field.link
        column = column_of(link, rows, given)
        wanted = wanted_of(link, rows, given, column)
        loaded = await self.load(link, wanted, page, ledger)
        found = dict(zip(wanted, loaded, strict=True))
        is_root = link.argument is not None or link.by == "list"
        sought = Sought(link.target, link.by, found) if is_root else None
        if sought is not None and loaded[0].is_missing:
            _, failed = await looked_up(self._seen, (), field.roles, sought)
            if failed is not None:
                return [failed] * len(rows)
        before = calls_before(self._seen, sought) if sought is not None else 0
        shown = await self.seen_of(field, found)
        hidden = field.judged is not None and not all(_all_seen(found[key], rows) for key, rows in shown.items())
        if sought is not None and hidden and self._seen.calls == before:
            failed = await in_vain(self._seen, sought, [key for key, each in shown.items() if None in each])
            if failed is not None:
                return [failed] * len(rows)
        along = along_of(loaded)
        if hidden and page.first is not None:
            found, shown = await self._filled(field, page, found, shown, along, ledger)
        self.take(link, shown.values(), along, whole=not (hidden and any(None in each for each in shown.values())))
        if hidden or any(each.error is not None for each in loaded):
            return [one_plain(link, keys_of(link, row, given), found, shown) for row in rows]
        return all_plain(link, rows, given, shown, column)

    async def _filled(
        self,
        field: Field,
        page: Page,
        found: Mapping[str, Found],
        seen: Mapping[str, Sequence[Any]],
        along: list[Record],
        ledger: Ledger,
    ) -> tuple[dict[str, Found], dict[str, Sequence[Any]]]:
        """Bounded lists that judging thinned out, filled up; what came with the further parts joins `along`."""
        whole, shown = dict(found), dict(seen)
        for key, each in found.items():
            if each.rows is not None and is_thin(page, each.rows, seen[key]):
                made = await filled(self, field, key, page, each.rows, seen[key])
                whole[key] = Found(each.rows, each.error or made.error)
                shown[key] = [None, *made.shown]  # so that it is known that some were hidden
                along += made.along
                ledger.show(made.old)
        return whole, shown

    async def visible(self, field: Field, records: Sequence[Record]) -> list[Any]:
        """What is seen of records to which a field leads; see `Seen.visible`."""
        return await self._seen.visible(records, field.roles)

    async def seen_of(self, field: Field, found: Mapping[str, Found]) -> dict[str, Sequence[Any]]:
        """The rows of each key, None in the place of those that may not be seen."""
        records = {key: rows_of(each) for key, each in found.items()}
        if field.judged is None:
            return dict(records)
        seen = await self.visible(field, [row for rows in records.values() for row in rows])
        shown: dict[str, Sequence[Any]] = {}
        at = 0
        for key, rows in records.items():
            shown[key] = seen[at : at + len(rows)]
            at += len(rows)
        return shown

    def take(self, link: Link, shown: Collection[Sequence[Any]], along: Sequence[Record], *, whole: bool) -> None:
        """What is shown, and what came along with it, need not be read again by key. `whole`: all that was found is
        shown."""
        if link.target is Account and link.by != "key":
            self._loads.prime([row for each in shown for row in each])
        if along:
            self._loads.take_along(along, (row for each in shown for row in each), whole=whole)

    async def load(self, link: Link, keys: Sequence[str], page: Page, ledger: Ledger) -> list[Found]:
        """See `Loads.get`."""
        alone = self._plan.alone(link.target, link.by)
        return await self._loads.get(link.target, link.by, keys, page, ledger, alone=alone)

    async def go_on(self, link: Link, key: str, page: Page) -> Reading:
        """A further part of one parent's list. It is not told among the calls: that there were hidden rows is nobody's
        business."""
        return await self._loads.read(Ask(link.target, link.by, (key,), page), Ledger())

    def holds(self, record: type[Record], by: str, key: str) -> bool:
        """Whether it is in memory what is found by a key, or that nothing is: then nobody has to wait for it."""
        return self._catalog.recalls and self._catalog.recall(Ask(record, by, (key,))) is not None

    def is_ready(self, link: Link, key: str) -> bool:
        """Whether a child of a row with this key may be read before the row is there."""
        return self._catalog.ready(link.target, link.by, key)

    @property
    def seen(self) -> Seen:
        """Who sees which row."""
        return self._seen

    @property
    def cursors(self) -> Cursors:
        """Signs and checks places in lists."""
        return self._cursors


def rows_of(found: Found) -> Sequence[Record]:
    """The rows that were found, none where there are none."""
    return found.rows.records if found.rows is not None else ()


def _all_seen(found: Found, seen: Sequence[Any]) -> bool:
    """Whether judging took nothing from a key's rows."""
    return found.rows is None or all(map(is_, found.rows.records, seen))
