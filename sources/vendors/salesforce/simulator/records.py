"""Single records: found by id or external id, created, changed, deleted."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from sources.simulation.kit import Clock
from sources.vendors.salesforce.simulator import dates, effects, facts, identifiers
from sources.vendors.salesforce.simulator.change import Change
from sources.vendors.salesforce.simulator.errors import Choices, Refusal, assumed, no_column, not_found
from sources.vendors.salesforce.simulator.locks import Locks
from sources.vendors.salesforce.simulator.orders import erasable, settle
from sources.vendors.salesforce.simulator.queries import Queries
from sources.vendors.salesforce.simulator.rules import derived
from sources.vendors.salesforce.simulator.schema import Field, SObject
from sources.vendors.salesforce.simulator.store import Store, quoted, statement
from sources.vendors.salesforce.simulator.values import written

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.]*")


class Records:
    """Reads and writes rows one by one. `user_id` is whom the connected app runs as."""

    def __init__(self, store: Store, queries: Queries, clock: Clock, user_id: str, locks: Locks) -> None:
        self._store, self._queries, self._clock, self._user = store, queries, clock, user_id
        self._locks = locks
        self._made = 0

    # ------------------------------------------------------------ reading

    def sobject(self, name: str) -> SObject:
        """The object of this name. Raises 404."""
        found = self._store.schema.find(name)
        if found is None:
            raise not_found(facts.NOT_FOUND)
        return found

    def external(self, sobject: SObject, name: str) -> Field:
        """A field that may address a record. Raises 404."""
        field = sobject.fields.get(name.lower())
        if field is None or not (field.external or field.name == "Id"):
            raise not_found("Provided external ID field does not exist or is not accessible: " + name)
        return field

    def read(
        self, sobject: SObject, ids: Sequence[str], names: Sequence[str], version: str
    ) -> list[dict[str, Any] | None]:
        """Records in the order of `ids`, None for those that are missing or deleted; names may follow parents."""
        wanted = list(dict.fromkeys([*names, "Id"] if "id" not in {name.lower() for name in names} else names))
        for name in wanted:
            if not _NAME.fullmatch(name):
                raise no_column(name, sobject.name)
        normal = [identifiers.normal(one) for one in ids]
        text = statement("SELECT", ", ".join(wanted), "FROM", sobject.name)
        found = self._queries.by_ids(text, [one for one in normal if one], version)
        return [found.get(one) if one else None for one in normal]

    def one(self, sobject: SObject, record_id: str, names: Sequence[str] | None, version: str) -> dict[str, Any]:
        """One record; every field of it when `names` is None. Raises 404."""
        row = self._row(sobject, record_id)
        every = [field.name for field in sobject.fields.values()]
        found = self.read(sobject, [row["Id"]], every if names is None else names, version)[0]
        if found is None:
            raise not_found(facts.NOT_FOUND)
        return found

    def addressed(self, sobject: SObject, field: Field, value: str, version: str) -> str | None:
        """The id of the record with this external id; None when there is none. Raises 300 when there are several."""
        if field.name == "Id":
            return str(self._row(sobject, value)["Id"])
        ids = self._store.ids(sobject, field, value)
        if len(ids) > 1:
            raise Choices([f"/services/data/v{version}/sobjects/{sobject.name}/{one}" for one in ids])
        return ids[0] if ids else None

    def _row(self, sobject: SObject, record_id: str) -> dict[str, Any]:
        normal = identifiers.normal(record_id)
        row = self._store.record(sobject, normal) if normal else None
        if row is None:
            raise not_found("Provided external ID field does not exist or is not accessible: " + record_id)
        if row.get("IsDeleted"):
            raise assumed(404, facts.Assumed.DELETED)
        return row

    # ------------------------------------------------------------ writing

    def create(self, sobject: SObject, body: Mapping[str, Any]) -> str:
        """A new record's id. Raises Refusal; nothing is written then."""
        values = written(self._store, sobject, body, new=True)
        self._require(sobject, [name for name in sobject.required if values.get(name) is None])
        now = dates.instant(self._clock.now())
        self._made += 1
        record_id = identifiers.minted(sobject.prefix, self._made)
        values = {"Id": record_id, **values}
        self._locks.check(sobject.name, values)
        if "ownerid" in sobject.fields:
            values.setdefault("OwnerId", self._user)
        values |= derived(sobject.name, Change(self._store, None, values, now, self._made))
        stamps = {"CreatedDate": now, "CreatedById": self._user, **self._touched(now)}
        with self._store.transaction():
            self._unique(sobject, record_id, values)
            self._store.insert(sobject.name, {**values, **stamps})
            self._settled(sobject, record_id, effects.created(sobject.name))
        return record_id

    def update(
        self, sobject: SObject, record_id: str, body: Mapping[str, Any], unmodified_since: float | None = None
    ) -> None:
        """Changes a record. `unmodified_since` (seconds) refuses with 412 when it was changed later."""
        row = self._row(sobject, record_id)
        if unmodified_since is not None and _seconds(row["LastModifiedDate"]) > unmodified_since:
            raise assumed(412, facts.Assumed.STALE)
        values = written(self._store, sobject, body, new=False)
        self._require(sobject, [name for name in sobject.required if name in values and values[name] is None])
        self._locks.check(sobject.name, row)
        now = dates.instant(self._clock.now())
        values |= derived(sobject.name, Change(self._store, row, values, now, 0))
        with self._store.transaction():
            self._unique(sobject, row["Id"], values)
            self._store.update(sobject.name, row["Id"], {**values, **self._touched(now)})
            self._settled(sobject, row["Id"], effects.changed(sobject.name, row, values))

    def upsert(
        self,
        sobject: SObject,
        field: Field,
        value: str,
        body: Mapping[str, Any],
        version: str,
        unmodified_since: float | None = None,
    ) -> tuple[str, bool]:
        """Changes the record with this external id, or makes it: its id, and whether it is new."""
        if field.name in body:
            message = f"The {field.name} field should not be specified in the sobject data."
            raise Refusal(400, "INVALID_FIELD", message, [field.name])
        found = self.addressed(sobject, field, value, version)
        if found is not None:
            self.update(sobject, found, body, unmodified_since)
            return found, False
        return self.create(sobject, {field.name: value, **body}), True

    def delete(self, sobject: SObject, record_id: str) -> None:
        """Hides a record, and an order's products with it; queryAll still shows them."""
        row = self._row(sobject, record_id)
        if not sobject.deletable:
            message = f"DML operation Delete not allowed on {sobject.name}"
            raise Refusal(400, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", message)
        self._locks.check(sobject.name, row)
        erasable(sobject.name, row)
        if sobject.name == "OrderItem":
            derived("OrderItem", Change(self._store, row, {}, "", 0))
        with self._store.transaction():
            if sobject.name == "Order":
                products = self.sobject("OrderItem")
                for product in self._store.ids(products, products.fields["orderid"], row["Id"]):
                    self._hide(products, product)
            self._hide(sobject, row["Id"])

    def _hide(self, sobject: SObject, record_id: str) -> None:
        stamps = self._touched(dates.instant(self._clock.now()))
        self._store.update(sobject.name, record_id, {"IsDeleted": 1, **stamps})
        self._settled(sobject, record_id, effects.deleted(sobject.name))

    def _settled(self, sobject: SObject, record_id: str, effect: str | None) -> None:
        """What other records owe to a write, and its place in the ledger."""
        row = self._store.record(sobject, record_id) or {}
        settle(self._store, sobject.name, row)
        if effect:
            row = self._store.record(sobject, record_id) or {}
            self._store.happened(effect, record_id, effects.described(sobject.name, row))

    def _unique(self, sobject: SObject, record_id: str, values: Mapping[str, Any]) -> None:
        for field in sobject.fields.values():
            if not field.unique or values.get(field.name) is None:
                continue
            live = "AND IsDeleted = 0" if sobject.deletable else ""
            where = statement("WHERE", quoted(field.name), "= ? AND Id <> ?", live)
            sql = statement("SELECT Id FROM", quoted(sobject.name), where)
            for (other,) in self._store.rows(sql, (values[field.name], record_id)):
                message = f"duplicate value found: {field.name} duplicates value on record with id: {other}"
                raise Refusal(400, "DUPLICATE_VALUE", message, [])

    def _require(self, sobject: SObject, missing: Sequence[str]) -> None:
        if missing:
            message = f"Required fields are missing: [{', '.join(missing)}]"
            raise Refusal(400, "REQUIRED_FIELD_MISSING", message, missing)

    def _touched(self, now: str) -> dict[str, Any]:
        return {"LastModifiedDate": now, "LastModifiedById": self._user, "SystemModstamp": now}


def _seconds(stored: str) -> float:
    """An instant as an HTTP header counts it: whole seconds."""
    return float(int(dates.moment(stored).timestamp()))
