"""Runs queries: pages, locators that continue them, child lists, aggregates."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from sources.simulation.kit import Clock
from sources.vendors.salesforce.simulator import facts, identifiers
from sources.vendors.salesforce.simulator.errors import Refusal, assumed
from sources.vendors.salesforce.simulator.limits import Limits
from sources.vendors.salesforce.simulator.parser import parsed
from sources.vendors.salesforce.simulator.plans import Count, Grouping, planned
from sources.vendors.salesforce.simulator.shapes import Child, Compound, Entry, Leaf, Listing, Node
from sources.vendors.salesforce.simulator.store import Store, quoted, statement


class _Locator(msgspec.Struct, frozen=True):
    """Where a query goes on: the ids it found, and how to fetch them. Rows are read when their page is."""

    listing: Listing
    ids: tuple[str, ...]
    rows: int
    made: datetime


class Queries:
    """SOQL over the store."""

    def __init__(self, store: Store, limits: Limits, clock: Clock) -> None:
        self._store, self._limits, self._clock = store, limits, clock
        self._locators: OrderedDict[str, _Locator] = OrderedDict()
        self._minted = 0

    def run(self, text: str, version: str, batch: int | None, *, deleted: bool = False) -> dict[str, Any]:
        """The first page of a query. `version` is for the addresses in it, `batch` the wish of the caller."""
        plan = planned(parsed(text), text, self._store.schema, self._clock.now().date(), deleted=deleted)
        if isinstance(plan, Count):
            total = self._store.rows(plan.statement, plan.parameters)[0][0]
            return {"totalSize": total, "done": True, "records": []}
        if isinstance(plan, Grouping):
            return self._grouped(plan)
        ids = tuple(row[0] for row in self._store.rows(plan.find, plan.parameters))
        return self._page(plan, ids, _Reader(self, version), self._limits.page(batch), 0)

    def by_ids(self, text: str, ids: Sequence[str], version: str) -> dict[str, dict[str, Any]]:
        """Records of a query without conditions, fetched by id; the deleted ones are left out."""
        plan = planned(parsed(text), text, self._store.schema, self._clock.now().date(), deleted=False)
        if not isinstance(plan, Listing):
            raise Refusal(400, "MALFORMED_QUERY", "no aggregates here")
        sobject = self._store.schema.objects[plan.node.sobject]
        live = "AND IsDeleted = 0" if sobject.deletable else ""
        find = statement("SELECT Id FROM", quoted(sobject.name), "WHERE Id IN ({ids})", live)
        return _Reader(self, version).records(plan, [row[0] for row in self._store.rows_in(find, ids)])

    def more(self, locator: str, version: str) -> dict[str, Any]:
        """A further page: `locator` is an id and an offset."""
        name, _, offset = locator.rpartition("-")
        found = self._locators.get(name)
        if found is None or not offset.isdigit() or int(offset) >= len(found.ids):
            raise assumed(400, facts.Assumed.LOCATOR)
        if (self._clock.now() - found.made).total_seconds() > facts.LOCATOR_SECONDS:
            raise assumed(400, facts.Assumed.LOCATOR)
        return self._page(found.listing, found.ids, _Reader(self, version), found.rows, int(offset), name)

    def _page(
        self, listing: Listing, ids: Sequence[str], reader: _Reader, rows: int, start: int, locator: str | None = None
    ) -> dict[str, Any]:
        page = ids[start : start + rows]
        records = reader.records(listing, page)
        found = (records[record_id] for record_id in page if record_id in records)
        return self.opened(listing, ids, reader.version, rows, start, list(found), locator)

    def opened(
        self,
        listing: Listing,
        ids: Sequence[str],
        version: str,
        rows: int,
        start: int,
        records: list[dict[str, Any]],
        locator: str | None = None,
    ) -> dict[str, Any]:
        """A page as it goes on the wire; where it is not the last, with the address of the next."""
        body: dict[str, Any] = {"totalSize": len(ids), "done": start + rows >= len(ids)}
        if not body["done"]:
            name = locator or self._kept(_Locator(listing, tuple(ids), rows, self._clock.now()))
            body["nextRecordsUrl"] = f"/services/data/v{version}/query/{name}-{start + rows}"
        body["records"] = records
        return body

    def _kept(self, locator: _Locator) -> str:
        self._minted += 1
        name = identifiers.minted("01g", self._minted)
        self._locators[name] = locator
        if len(self._locators) > facts.OPEN_LOCATORS_ASSUMED:
            self._locators.popitem(last=False)
        return name

    def _grouped(self, plan: Grouping) -> dict[str, Any]:
        rows = self._store.rows(plan.statement, plan.parameters)
        if len(rows) > facts.AGGREGATE_ROWS:
            raise Refusal(
                400,
                "EXCEEDED_ID_LIMIT",
                "Aggregate query does not support queryMore(), use LIMIT to restrict the results",
            )
        records = [
            {
                "attributes": {"type": "AggregateResult"},
                **{name: value(cell, kind) for (name, kind), cell in zip(plan.columns, row, strict=True)},
            }
            for row in rows
        ]
        return {"totalSize": len(records), "done": True, "records": records}

    def children(self, listing: Listing, parents: Sequence[str], reader: _Reader) -> dict[str, dict[str, Any]]:
        """The lists of children, by parent; a parent without any is left out."""
        found: defaultdict[str, list[str]] = defaultdict(list)
        for parent, record_id in self._store.rows_in(listing.find, parents, listing.parameters):
            found[parent].append(record_id)
        end = None if listing.limit is None else listing.offset + listing.limit
        kept = {parent: part for parent, ids in found.items() if (part := ids[listing.offset : end])}
        rows = self._limits.child_rows
        records = reader.records(listing, [record_id for ids in kept.values() for record_id in ids[:rows]])
        return {
            parent: self.opened(listing, ids, reader.version, rows, 0, [records[one] for one in ids[:rows]])
            for parent, ids in kept.items()
        }

    def fetched(self, listing: Listing, ids: Sequence[str]) -> list[tuple[Any, ...]]:
        """The rows of a page, in any order."""
        return list(self._store.rows_in(listing.fetch, ids))


class _Reader:
    """Makes records out of rows, for one answer."""

    def __init__(self, queries: Queries, version: str) -> None:
        self._queries, self.version = queries, version

    def records(self, listing: Listing, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Records by id."""
        rows = self._queries.fetched(listing, ids) if ids else []
        lists = {
            name: self._queries.children(entry.listing, [row[0] for row in rows], self)
            for name, entry in listing.node.entries.items()
            if isinstance(entry, Child)
        }
        return {row[0]: self._record(listing.node, row, lists) for row in rows}

    def _record(self, node: Node, row: Sequence[Any], lists: dict[str, dict[str, dict[str, Any]]]) -> dict[str, Any]:
        record: dict[str, Any] = {"attributes": attributes(node.sobject, row[node.place], self.version)}
        for name, entry in node.entries.items():
            record[name] = lists[name].get(row[node.place]) if isinstance(entry, Child) else self._value(entry, row)
        return record

    def _value(self, entry: Entry, row: Sequence[Any]) -> Any:
        if isinstance(entry, Leaf):
            return value(row[entry.place], entry.kind)
        if isinstance(entry, Node):
            return None if row[entry.place] is None else self._record(entry, row, {})
        if isinstance(entry, Compound):
            parts = {name: row[place] for name, place in entry.places.items()}
            return parts if any(part is not None for part in parts.values()) else None
        raise TypeError(f"children inside a parent: `{entry}`")


def attributes(sobject: str, record_id: str, version: str) -> dict[str, Any]:
    """What every record says of itself."""
    return {"type": sobject, "url": f"/services/data/v{version}/sobjects/{sobject}/{record_id}"}


def value(cell: Any, kind: str) -> Any:
    """A stored value as it goes on the wire."""
    if kind == "boolean":
        return bool(cell)
    if kind in ("double", "currency", "percent") and cell is not None:
        return round(float(cell), 8)  # sums of decimals, not of binary fractions
    return cell
