"""The benchmark's connector: one of four systems of `bench.upstreams`, plugged in like any vendor's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeAlias

import msgspec

from bench.gateways import records as r
from sources import canonical as c
from sources.canonical import Record, System
from sources.decode import decode
from sources.errors import BadAsk, Unavailable
from sources.ports import Ask, Call, Capability, Effect, Reading, Reply, Report, Rows, Send

Index: TypeAlias = tuple[type[Record], str]
_PLAIN = Capability()
_BY_STATUS = Capability(filters={"status": ("eq",)})
_HEADERS = {"accept": "application/json"}


class Resource(msgspec.Struct, frozen=True):
    """What one index of a record is read from: path, parameter of the keys, the attribute that holds a row's key."""

    path: str
    parameter: str
    attribute: str
    shape: Any
    capability: Capability = _PLAIN


def _owned(record: type[Record], path: str, capability: Capability = _PLAIN) -> tuple[Index, Resource]:
    return (record, "account"), Resource(path, "account_ids", "account_key", _shape(record), capability)


def _shape(record: type[Record]) -> Any:
    return msgspec.defstruct(f"{record.__name__}Answer", [("data", list[record])], frozen=True, gc=False)  # type: ignore[valid-type]


RESOURCES: Mapping[System, Mapping[Index, Resource]] = {
    System.CRM: {
        (c.Account, "key"): Resource("/crm/accounts", "ids", "key", _shape(r.Account)),
        (c.Account, "region"): Resource("/crm/accounts", "region", "region", _shape(r.Account)),
        (r.Product, "key"): Resource("/crm/products", "ids", "key", _shape(r.Product)),
        **dict([_owned(r.Contact, "/crm/contacts"), _owned(r.Order, "/crm/orders")]),
    },
    System.BILLING: dict(
        [
            _owned(r.Subscription, "/billing/subscriptions"),
            _owned(r.Invoice, "/billing/invoices", _BY_STATUS),
            _owned(r.Entitlement, "/billing/entitlements"),
        ]
    ),
    System.ERP: {
        (r.Period, "entity"): Resource("/erp/periods", "entity", "entity", _shape(r.Period)),
        **dict([_owned(r.Profile, "/erp/profiles"), _owned(r.Payment, "/erp/payments")]),
    },
    System.SUPPORT: dict(
        [_owned(r.Organization, "/support/organizations"), _owned(r.Case, "/support/cases", _BY_STATUS)]
    ),
}


class Connector:
    """One system. Every index is one call, however many keys are asked for."""

    vendor = "bench"
    account_facet: type[Record] | None = None

    def __init__(self, system: System, url: str, send: Send) -> None:
        self.name, self.system = system.value.lower(), system
        self._url, self._send = url, send
        self._resources = RESOURCES[system]
        self.capabilities: Mapping[Index, Capability] = {
            index: resource.capability for index, resource in self._resources.items()
        }

    async def read(self, ask: Ask) -> Reading:
        """Rows for every key; raises BadAsk for what cannot be asked, SourceError when the source fails."""
        resource = self._resources.get((ask.record, ask.by))
        if resource is None:
            raise BadAsk(f"`{self.name}` cannot find `{ask.record.__name__}` by `{ask.by}`: ask by what it declares")

        def read(reply: Reply) -> Any:
            if reply.status != 200:
                raise Unavailable(f"`{self.name}` failed ({reply.status})", source=self.name, status=reply.status)
            return decode(resource.shape, reply, self.name)

        address = self._address(resource, ask)
        reply = await self._send(Call("GET", address, _HEADERS, operation=resource.path, effect=Effect.READ, read=read))
        found = r.mapped(reply.value.data, self.name, datetime.now(UTC))
        report = Report(self.name, calls=1, milliseconds=reply.milliseconds)
        return Reading(grouped(resource, ask.keys, found), report)

    def _address(self, resource: Resource, ask: Ask) -> str:
        address = f"{self._url}{resource.path}?{resource.parameter}={','.join(ask.keys)}"
        for each in ask.page.filters:
            address += f"&{each.field}={each.value}"
        return f"{address}&limit={ask.page.first}" if ask.page.first is not None else address

    async def check(self) -> str:
        """A line for people."""
        return f"`{self.name}` is one of the benchmark's upstreams"

    async def close(self) -> None:
        """Nothing of its own to close."""


def grouped(resource: Resource, keys: Sequence[str], found: Sequence[Record]) -> dict[str, Rows]:
    """The records of each key."""
    if len(keys) == 1:
        return {keys[0]: Rows(found)} if found else {}
    by_key: dict[str, list[Record]] = {}
    attribute = resource.attribute
    for record in found:
        by_key.setdefault(getattr(record, attribute), []).append(record)
    return {key: Rows(rows) for key, rows in by_key.items()}
