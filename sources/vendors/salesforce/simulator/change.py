"""A record about to be written, as the organisation's rules see it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec

from sources.vendors.salesforce.simulator.errors import Refusal
from sources.vendors.salesforce.simulator.store import Store


class Change(msgspec.Struct, frozen=True):
    """`old` is None when the record is new; `new` holds only what was asked for."""

    store: Store
    old: Mapping[str, Any] | None
    new: Mapping[str, Any]
    now: str
    number: int

    def value(self, name: str) -> Any:
        """What a field will hold."""
        if name in self.new:
            return self.new[name]
        return self.old.get(name) if self.old else None

    def says(self, *names: str) -> bool:
        """Whether any of these fields is written: always, when the record is new."""
        return self.old is None or any(name in self.new for name in names)

    def parent(self, name: str, sobject: str) -> Mapping[str, Any]:
        """The record a reference will point to; empty where there is none."""
        key = self.value(name)
        return (self.store.record(self.store.schema.objects[sobject], key) or {}) if key else {}


def integrity(message: str, *fields: str) -> Refusal:
    """The refusal of values that do not fit each other."""
    return Refusal(400, "FIELD_INTEGRITY_EXCEPTION", message, list(fields))


def failed_activation(message: str, *fields: str) -> Refusal:
    """The refusal of a status that cannot be reached like this."""
    return Refusal(400, "FAILED_ACTIVATION", message, list(fields))


def picked(sobject: str, field: str, value: Any, allowed: Any) -> Any:
    """A value of a restricted picklist."""
    if value not in allowed:
        raise Refusal(400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", f"{field}: bad value: {value}", [field])
    return value


def exact(value: Any) -> Decimal:
    """A number of the store, which keeps what JSON said, without what binary made of it."""
    return Decimal(repr(float(value or 0)))
