"""A command, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import ClassVar

import msgspec

from sources.canonical.money import Money, UnitPrice
from sources.canonical.record import Record


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """One change. `operation` is the governed operation it is part of, `correlation` the request's id: both travel into
    the vendor's record, so that a person there finds the way back."""

    target: ClassVar[type[Record]]

    operation: str
    correlation: str = ""


class SoldLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of what is sold: `key` is the line's own in the operation, prices are before tax."""

    key: str
    product_code: str
    quantity: Decimal
    unit_price: UnitPrice
    service_on: date | None = None
    end_on: date | None = None
    description: str | None = None


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """What a system says it did.

    `key` and `number` are its own names of what was written, `parts` those of its lines by the command's line keys,
    `amounts` what it reckoned (total, tax, proration ...). `invoice_key` is the invoice that came of it: the one that
    billing issued for a subscription, or the one that an ERP made of an approved order by itself, to be posted yet.
    `request_id` is for the vendor's support desk. `replayed`: it had been done before, under the same key or the same
    external id.
    """

    source: str
    key: str
    number: str | None = None
    at: datetime
    parts: Mapping[str, str] = msgspec.field(default_factory=dict)
    amounts: Mapping[str, Money] = msgspec.field(default_factory=dict)
    invoice_key: str | None = None
    request_id: str | None = None
    replayed: bool = False
