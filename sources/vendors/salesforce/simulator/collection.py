"""The sObject collections: many records in one call, each row with an outcome of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sources.vendors.salesforce.simulator import facts
from sources.vendors.salesforce.simulator.calls import Answer, Call, flag, split, texts
from sources.vendors.salesforce.simulator.errors import Refusal, assumed, not_found
from sources.vendors.salesforce.simulator.records import Records
from sources.vendors.salesforce.simulator.store import Store

_ROLLED_BACK = Refusal(
    400,
    "ALL_OR_NONE_OPERATION_ROLLED_BACK",
    "Record rolled back because not all records were valid and the request was using AllOrNone header",
)

Row = dict[str, Any]


class _Undo(Exception):
    """Leaves a transaction so that it is undone."""


class Collections:
    """`composite/sobjects`."""

    def __init__(self, store: Store, records: Records) -> None:
        self._store, self._records = store, records

    def answer(self, call: Call, place: Sequence[str]) -> Answer:
        """`place` is what follows `composite/sobjects`."""
        if not place:
            call.allow("POST", "PATCH", "DELETE")
            return {"POST": self._create, "PATCH": self._update, "DELETE": self._delete}[call.method](call)
        if len(place) == 1:
            call.allow("GET", "POST")
            return self._retrieve(call, place[0])
        if len(place) == 2:
            call.allow("PATCH")
            return self._upsert(call, place[0], place[1])
        raise not_found(facts.NOT_FOUND)

    def _retrieve(self, call: Call, name: str) -> Answer:
        """Records in the order of the ids, null for the missing; 2,000 by POST, as many as the URI holds by GET."""
        sobject = self._records.sobject(name)
        if call.method == "POST":
            ids = texts(call.listed("ids", facts.COLLECTION_READ), "ids")
            fields = texts(call.listed("fields", 1000), "fields")
        else:
            ids, fields = split(call.query.get("ids", "")), split(call.query.get("fields", ""))
        if not ids or not fields:
            raise Refusal(400, "MISSING_ARGUMENT", "ids and fields are required")
        return Answer(body=self._records.read(sobject, ids, fields, call.version))

    def _create(self, call: Call) -> Answer:
        def create(record: Row) -> Row:
            return {"id": self._records.create(self._records.sobject(_kind(record)), record)}

        return self._each(call.listed("records", facts.COLLECTION_WRITE), create, flag(call.fields().get("allOrNone")))

    def _update(self, call: Call) -> Answer:
        def update(record: Row) -> Row:
            names = {name.lower(): name for name in record}
            if "id" not in names:
                raise Refusal(400, "MISSING_ARGUMENT", "Id not specified in an update call")
            record_id = record[names["id"]]
            values = {name: value for name, value in record.items() if name != names["id"]}
            self._records.update(self._records.sobject(_kind(record)), str(record_id), values)
            return {"id": record_id}

        return self._each(call.listed("records", facts.COLLECTION_WRITE), update, flag(call.fields().get("allOrNone")))

    def _upsert(self, call: Call, name: str, external: str) -> Answer:
        sobject = self._records.sobject(name)
        field = self._records.external(sobject, external)

        def upsert(record: Row) -> Row:
            key = record.get(field.name)
            if not isinstance(key, str) or not key:
                raise Refusal(400, "MISSING_ARGUMENT", f"{field.name} not specified")
            values = {name: value for name, value in record.items() if name != field.name}
            record_id, created = self._records.upsert(sobject, field, key, values, call.version)
            return {"id": record_id, "created": created}

        return self._each(call.listed("records", facts.COLLECTION_WRITE), upsert, flag(call.fields().get("allOrNone")))

    def _delete(self, call: Call) -> Answer:
        ids = split(call.query.get("ids", ""))
        if len(ids) > facts.COLLECTION_WRITE:
            raise assumed(400, facts.Assumed.TOO_MANY, facts.COLLECTION_WRITE, "ids")
        prefixes = {sobject.prefix: sobject for sobject in self._store.schema.objects.values()}

        def delete(row: Row) -> Row:
            sobject = prefixes.get(row["id"][:3])
            if sobject is None:
                raise Refusal(400, "MALFORMED_ID", f"malformed id {row['id']}")
            self._records.delete(sobject, row["id"])
            return {"id": row["id"]}

        return self._each([{"id": one} for one in ids], delete, flag(call.query.get("allOrNone")))

    def _each(self, rows: Sequence[Any], write: Callable[[Row], Row], all_or_none: bool) -> Answer:
        """200 whatever became of the rows: each says so itself."""
        answers: list[Row] = []
        try:
            with self._store.transaction():
                answers += (self._outcome(row, write) for row in rows)
                if all_or_none and not all(answer["success"] for answer in answers):
                    raise _Undo
        except _Undo:
            rolled_back = {"success": False, "errors": [_ROLLED_BACK.row]}
            answers = [rolled_back if answer["success"] else answer for answer in answers]
        return Answer(body=answers)

    def _outcome(self, row: Any, write: Callable[[Row], Row]) -> Row:
        try:
            if not isinstance(row, dict):
                raise assumed(400, facts.Assumed.UNREADABLE)
            return {**write(row), "success": True, "errors": []}
        except Refusal as refusal:
            return {"success": False, "errors": [refusal.row]}


def _kind(record: Row) -> str:
    attributes = record.get("attributes")
    kind = attributes.get("type") if isinstance(attributes, dict) else None
    if not isinstance(kind, str):
        raise Refusal(400, "INVALID_TYPE", "the record's attributes name no type")
    return kind
