"""The REST resources of one version: which call is answered by what."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sources.simulation.kit import Clock
from sources.vendors.salesforce.simulator import describe, facts
from sources.vendors.salesforce.simulator.calls import ROOT, Answer, Call, split
from sources.vendors.salesforce.simulator.collection import Collections
from sources.vendors.salesforce.simulator.composite import Batch, Composite
from sources.vendors.salesforce.simulator.errors import Refusal, not_found
from sources.vendors.salesforce.simulator.limits import Limits, Meter
from sources.vendors.salesforce.simulator.locks import Locks
from sources.vendors.salesforce.simulator.queries import Queries
from sources.vendors.salesforce.simulator.records import Records
from sources.vendors.salesforce.simulator.rules import turned
from sources.vendors.salesforce.simulator.schema import SObject
from sources.vendors.salesforce.simulator.store import Store

Resource = Callable[[Call], Answer]


def versions() -> list[dict[str, str]]:
    """GET /services/data."""
    return [
        {"label": label, "url": f"{ROOT}/v{version}", "version": version} for version, label in facts.VERSIONS.items()
    ]


class Resources:
    """Everything below `/services/data/v66.0`."""

    def __init__(self, store: Store, limits: Limits, meter: Meter, clock: Clock, user_id: str, locks: Locks) -> None:
        self._store, self._limits, self._meter = store, limits, meter
        self._queries = Queries(store, limits, clock)
        self._records = Records(store, self._queries, clock, user_id, locks)
        self._clock, self._day = clock, clock.now().date()
        self._collections = Collections(store, self._records)
        self._batch = Batch(self.dispatch, meter.spend)
        self._composite = Composite(self.dispatch, store)
        self._resources: dict[str, Resource] = {
            "limits": self._allowed,
            "query": self._query,
            "queryAll": self._query,
            "sobjects": self._sobjects,
            "composite": self._several,
        }

    def dispatch(self, call: Call) -> Answer:
        """The answer to a call. Raises Refusal."""
        self._turn()
        if not call.segments:
            call.allow("GET")
            return Answer(body={name: f"{ROOT}/v{call.version}/{name}" for name in self._resources})
        resource = self._resources.get(call.segments[0])
        if resource is None:
            raise not_found(facts.NOT_FOUND)
        return resource(call)

    def _turn(self) -> None:
        today = self._clock.now().date()
        if today != self._day:
            turned(self._store, self._day.isoformat(), today.isoformat())
            self._day = today

    def _allowed(self, call: Call) -> Answer:
        call.allow("GET")
        calls = {"Max": self._limits.daily_calls, "Remaining": self._meter.remaining}
        storage = {"Max": 10_240, "Remaining": 10_000}
        return Answer(body={"DailyApiRequests": calls, "DataStorageMB": storage, "FileStorageMB": storage})

    def _query(self, call: Call) -> Answer:
        call.allow("GET")
        if len(call.segments) == 2:
            return Answer(body=self._queries.more(call.segments[1], call.version))
        text = call.query.get("q")
        if not text or len(call.segments) > 2:
            raise Refusal(400, "MALFORMED_QUERY", "A query string has to be specified")
        deleted = call.segments[0] == "queryAll"
        return Answer(body=self._queries.run(text, call.version, call.batch_size, deleted=deleted))

    def _several(self, call: Call) -> Answer:
        place = call.segments[1:]
        if not place:
            return self._composite.answer(call)
        if place == ("batch",):
            return self._batch.answer(call)
        if place[0] == "sobjects":
            return self._collections.answer(call, place[1:])
        raise not_found(facts.NOT_FOUND)

    # ------------------------------------------------------------ sobjects

    def _sobjects(self, call: Call) -> Answer:
        place = call.segments[1:]
        if not place:
            call.allow("GET")
            return Answer(body=describe.listed(self._store.schema, call.version))
        sobject = self._records.sobject(place[0])
        if len(place) == 1:
            return self._object(call, sobject)
        if place[1:] == ("describe",):
            call.allow("GET")
            return Answer(body=describe.described(sobject, call.version))
        if len(place) == 2:
            return self._record(call, sobject, place[1])
        if len(place) == 3:
            return self._external(call, sobject, place[1], place[2])
        raise not_found(facts.NOT_FOUND)

    def _object(self, call: Call, sobject: SObject) -> Answer:
        call.allow("GET", "POST")
        if call.method == "GET":
            return Answer(body=describe.basic(sobject, call.version))
        record_id = self._records.create(sobject, call.fields())
        return Answer(
            201, _done(record_id), {"Location": f"{ROOT}/v{call.version}/sobjects/{sobject.name}/{record_id}"}
        )

    def _record(self, call: Call, sobject: SObject, record_id: str) -> Answer:
        call.allow("GET", "PATCH", "DELETE")
        if call.method == "PATCH":
            self._records.update(sobject, record_id, call.fields(), call.unmodified_since)
            return Answer(204)
        if call.method == "DELETE":
            self._records.delete(sobject, record_id)
            return Answer(204)
        return Answer(body=self._records.one(sobject, record_id, _wanted(call), call.version))

    def _external(self, call: Call, sobject: SObject, name: str, value: str) -> Answer:
        call.allow("GET", "PATCH", "DELETE")
        field = self._records.external(sobject, name)
        if call.method == "PATCH":
            since = call.unmodified_since
            record_id, created = self._records.upsert(sobject, field, value, call.fields(), call.version, since)
            return Answer(201 if created else 200, {**_done(record_id), "created": created})
        found = self._records.addressed(sobject, field, value, call.version)
        if found is None:
            raise not_found(facts.NOT_FOUND)
        if call.method == "DELETE":
            self._records.delete(sobject, found)
            return Answer(204)
        return Answer(body=self._records.one(sobject, found, _wanted(call), call.version))


def _wanted(call: Call) -> list[str] | None:
    return split(call.query["fields"]) if call.query.get("fields") else None


def _done(record_id: str) -> dict[str, Any]:
    return {"id": record_id, "success": True, "errors": []}
