"""Records of one org as a writer needs them: read by id or external id, made and changed whole or not at all.

What is written travels in one composite request with `allOrNone`, whose last part reads the record back. A record that
we make has the change's key in a unique field: made a second time it is refused as a duplicate. A change puts its key
into the record's own list, and is refused (412) where the record has changed since it was read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import partial
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec

from sources.canonical.commands import Command
from sources.decode import decode, try_decode
from sources.deeds import with_key
from sources.errors import BadAsk, Garbled, Missing
from sources.ports import Call, Effect, Reply
from sources.vendors.salesforce import facts
from sources.vendors.salesforce.client import Client
from sources.vendors.salesforce.mapping import instant
from sources.vendors.salesforce.refusals import failure
from sources.vendors.salesforce.soql import Query, literal
from sources.vendors.salesforce.wire import Problem
from sources.vendors.salesforce.writers import wire

S = TypeVar("S", bound=wire.Stamped)
T = TypeVar("T")
_JSON = msgspec.json.Encoder(decimal_format="number")


class Step(msgspec.Struct, frozen=True):
    """One part of a composite request: `path` below the API's version; `name` is what later parts refer to."""

    name: str
    method: str
    path: str
    body: Mapping[str, Any] | None = None
    headers: Mapping[str, str] | None = None


class Told(msgspec.Struct, frozen=True):
    """The answers of a composite request by name, and the vendor's id of it."""

    parts: Mapping[str, msgspec.Raw]
    request_id: str | None


class Org:
    """One org. `source` is its name in our configuration."""

    def __init__(self, source: str, client: Client, version: str) -> None:
        self.source, self._client, self._version = source, client, version

    # ------------------------------------------------------------ reading

    async def one(self, shape: type[S], record: str) -> S:
        """The record with this id; raises Missing."""
        return await self._read(shape, quote(record, safe=""))

    async def made(self, shape: type[S], key: str) -> S | None:
        """The record that the change with this key made, by external id, never by a search index."""
        try:
            return await self._read(shape, f"{facts.OP_ID}/{quote(key, safe='')}")
        except Missing:
            return None

    async def items(self, order: str) -> list[wire.OrderItem]:
        """The products of an order."""
        query = Query(wire.fields(wire.OrderItem), "OrderItem", (f"OrderId = {literal(order)}",), ("Id ASC",))
        return (await self._client.select(query, wire.OrderItem)).records

    async def select(self, query: Query, shape: type[T]) -> list[T]:
        """The rows of a query."""
        return (await self._client.select(query, shape)).records

    async def _read(self, shape: type[S], place: str) -> S:
        path = f"/services/data/{self._version}/sobjects/{shape.__name__}/{place}?fields={wire.fields(shape)}"
        found: S = (await self._client.get(path, shape, f"{shape.__name__.lower()}.get")).value
        return found

    # ------------------------------------------------------------ writing

    async def write(self, operation: str, steps: Sequence[Step]) -> Told:
        """All of it or nothing. Raises the SourceError of the part that was refused."""
        requests = [self._request(step) for step in steps]
        call = Call(
            "POST",
            f"/services/data/{self._version}/composite",
            {"content-type": "application/json"},
            _JSON.encode({"allOrNone": True, "compositeRequest": requests}),
            operation,
            effect=Effect.UPSERT,
            read=partial(_told, self.source, [step.name for step in steps]),
        )
        told: Told = (await self._client.authorised(call)).value
        return told

    async def change(
        self,
        before: S,
        given: Mapping[str, Any],
        command: Command,
        key: str,
        operation: str,
        more: Sequence[Step] = (),
    ) -> tuple[S, str | None]:
        """The record with other values, where nobody has changed it since it was read; `more` is done with it."""
        shape = type(before)
        body = {**given, **signed(command), facts.CHANGES: with_key(before.Gateway_Changes__c, key, facts.CHANGES_KEPT)}
        path = f"/sobjects/{shape.__name__}/{quote(before.Id, safe='')}"
        headers = {}
        at = instant(f"{shape.__name__}.LastModifiedDate", before.LastModifiedDate)
        if at is not None:
            headers["If-Unmodified-Since"] = format_datetime(at, usegmt=True)
        steps = [Step("change", "PATCH", path, body, headers), *more, self.back(shape, before.Id)]
        told = await self.write(operation, steps)
        return self.shown(told, shape), told.request_id

    def back(self, shape: type[S], record: str) -> Step:
        """The part that reads a record back; `record` may refer to an earlier part."""
        return Step("back", "GET", f"/sobjects/{shape.__name__}/{record}?fields={wire.fields(shape)}")

    def shown(self, told: Told, shape: type[T], name: str = "back") -> T:
        """The answer of a part as a `shape`."""
        return decode(shape, bytes(told.parts[name]), self.source)

    def at(self, record: wire.Stamped) -> datetime:
        """When a record was last changed."""
        found = instant(f"{type(record).__name__}.LastModifiedDate", record.LastModifiedDate or record.CreatedDate)
        return found or datetime.now(UTC)

    def _request(self, step: Step) -> dict[str, Any]:
        """A part on the wire. Raises BadAsk for text that would be read as a reference to another part."""
        request: dict[str, Any] = {
            "method": step.method,
            "url": f"/services/data/{self._version}{step.path}",
            "referenceId": step.name,
        }
        if step.headers:
            request["httpHeaders"] = dict(step.headers)
        if step.body is not None:
            request["body"] = {name: self._value(name, value) for name, value in step.body.items()}
        return request

    def _value(self, name: str, value: Any) -> Any:
        if isinstance(value, Ref):
            return f"@{{{value.name}.id}}"
        if isinstance(value, str) and "@{" in value:
            raise BadAsk(
                f"`{self.source}` cannot take `@{{` in `{name}`: it stands for a reference", source=self.source
            )
        return value


class Ref(msgspec.Struct, frozen=True):
    """The id that an earlier part of the same request will have made."""

    name: str


def signed(command: Command) -> dict[str, Any]:
    """Who asked, in the record: the governed operation, and the request's id where there is one."""
    return {facts.OPERATION: command.operation, facts.CORRELATION: command.correlation or None}


def born(command: Command, key: str) -> dict[str, Any]:
    """What a new record says of its making."""
    return {**signed(command), facts.OP_ID: key}


def said(given: Mapping[str, Any]) -> dict[str, Any]:
    """Without what nobody said: a field that is left out stays as it is."""
    return {name: value for name, value in given.items() if value is not None}


def _told(source: str, names: Sequence[str], reply: Reply) -> Told:
    """The answers by name. Where a part was refused all were: the one that says why is raised."""
    if reply.status != 200:
        raise failure(source, reply)
    parts = decode(wire.Composite, reply, source).compositeResponse
    if [part.referenceId for part in parts] != list(names):
        raise Garbled(f"`{source}` answered other parts than it was asked", source=source, status=reply.status)
    refused = [part for part in parts if not 200 <= part.httpStatusCode < 300]
    if refused:
        part = next((each for each in refused if not _halted(each)), refused[0])
        raise failure(source, Reply(part.httpStatusCode, reply.headers, bytes(part.body)))
    return Told({part.referenceId: part.body for part in parts}, reply.headers.get(facts.REQUEST_ID))


def _halted(part: wire.Part) -> bool:
    problems = try_decode(list[Problem], bytes(part.body))
    return bool(problems) and problems is not None and problems[0].errorCode == facts.HALTED
