"""The benchmark's records: what its upstreams' rows are to a gateway.

The upstreams name things almost as we do, so that the decoder makes the records itself (`id` is a record's `key`,
`accountId` its `account_key`); `mapped` then says where and when each was read, and what the words of the CRM mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TypeVar

from msgspec.structs import replace

from sources import canonical as c

R = TypeVar("R", bound=c.Record)
_UNSAID = datetime(1970, 1, 1, tzinfo=UTC)
_KEYS = {"key": "id", "account_key": "accountId"}


class _Account(c.Account, frozen=True, gc=False, kw_only=True, rename=_KEYS):
    key: str
    source: str = ""
    source_id: str = ""
    as_of: datetime = _UNSAID
    lifecycle: c.Lifecycle = c.Lifecycle.INACTIVE


class _Owned(c.Owned, frozen=True, gc=False, kw_only=True, rename=_KEYS):
    key: str
    account_key: str
    source: str = ""
    source_id: str = ""
    as_of: datetime = _UNSAID


class _Shared(c.Record, frozen=True, gc=False, kw_only=True, rename=_KEYS):
    key: str
    source: str = ""
    source_id: str = ""
    as_of: datetime = _UNSAID


class Account(
    _Account, frozen=True, gc=False, kw_only=True, rename={"legal_name": "legalName", "created": "createdAt"}
):
    """The canonical account with what these upstreams add."""

    legal_name: str
    status: str
    tier: str
    currency: str
    website: str | None = None
    employees: int | None = None
    created: str


class Contact(_Owned, frozen=True, gc=False, kw_only=True, rename="camel"):
    """A person of an account."""

    first_name: str
    last_name: str
    email: str
    phone: str | None
    role: str
    language: str
    primary: bool
    created_at: str


class Order(_Owned, frozen=True, gc=False, kw_only=True, rename="camel"):
    """An order."""

    number: str
    status: str
    currency: str
    total_cents: int
    placed_at: str
    requested_at: str | None
    purchase_order: str | None
    channel: str


class Subscription(_Owned, frozen=True, gc=False, kw_only=True, rename="camel"):
    """A subscription."""

    product_id: str
    name: str
    status: str
    quantity: int
    unit_cents: int
    currency: str
    interval: str
    started_at: str
    renews_at: str | None
    auto_renew: bool


class Invoice(_Owned, frozen=True, gc=False, kw_only=True, rename="camel"):
    """An invoice."""

    number: str
    status: str
    currency: str
    total_cents: int
    paid_cents: int
    due_cents: int
    issued_at: str
    due_at: str
    purchase_order: str | None


class Entitlement(_Owned, frozen=True, gc=False, kw_only=True, rename="camel"):
    """A right."""

    feature: str
    status: str
    granted: int
    used: int
    unit: str
    valid_from: str
    valid_until: str | None


class Profile(_Owned, frozen=True, gc=False, kw_only=True, rename="camel"):
    """What the ERP knows of an account."""

    legal_entity: str
    payment_terms: str
    credit_limit_cents: int
    open_cents: int
    currency: str
    credit_hold: bool
    tax_number: str | None
    updated_at: str


class Payment(_Owned, frozen=True, gc=False, kw_only=True, rename="camel"):
    """A payment."""

    invoice_id: str | None
    amount_cents: int
    currency: str
    method: str
    status: str
    received_at: str
    reference: str | None


class Organization(_Owned, frozen=True, gc=False, kw_only=True, rename="camel"):
    """What the support desk knows of an account."""

    name: str
    plan: str
    domain: str | None
    open_count: int
    satisfaction: int | None
    updated_at: str


class Case(_Owned, frozen=True, gc=False, kw_only=True, rename="camel"):
    """A case."""

    number: str
    subject: str
    status: str
    priority: str
    channel: str
    requester: str
    created_at: str
    updated_at: str


class Product(_Shared, frozen=True, gc=False, kw_only=True, rename="camel"):
    """A product."""

    name: str
    sku: str
    status: str
    currency: str
    unit_cents: int
    tax_code: str
    min_quantity: int
    max_quantity: int


class Period(_Shared, frozen=True, gc=False, kw_only=True, rename="camel"):
    """An accounting period; belongs to `entity`."""

    entity: str
    name: str
    status: str
    starts_on: str
    ends_on: str
    closed_at: str | None
    year: int


def mapped(rows: Sequence[R], source: str, as_of: datetime) -> list[R]:
    """The rows of one answer as records of a source."""
    if rows and isinstance(rows[0], Account):
        return [
            replace(row, source=source, source_id=row.key, as_of=as_of, lifecycle=_LIFECYCLES[row.status])  # type: ignore[attr-defined]
            for row in rows
        ]
    return [replace(row, source=source, source_id=row.key, as_of=as_of) for row in rows]


_LIFECYCLES = {"active": c.Lifecycle.ACTIVE, "closed": c.Lifecycle.INACTIVE}
