"""The peer's types: plain Strawberry, made from rows by name; relations are loaded by data loaders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import strawberry
from strawberry import ID

if TYPE_CHECKING:
    from bench.peers.strawberry_loaders import Loaders

T = TypeVar("T")
Info: TypeAlias = strawberry.Info[dict[str, Any], None]


def camel(name: str) -> str:
    """`legal_name` -> `legalName`"""
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


def names(kind: type[Any], row: dict[str, Any]) -> list[tuple[str, str]]:
    """Attribute of a type -> key of its rows."""
    fields = (field.python_name for field in kind.__strawberry_definition__.fields)
    return [(name, camel(name)) for name in fields if camel(name) in row]


_NAMES: dict[type[Any], list[tuple[str, str]]] = {}


def of(kind: type[T], row: dict[str, Any]) -> T:
    """An object of a row."""
    known = _NAMES.get(kind)
    if known is None:
        known = _NAMES[kind] = names(kind, row)
    return kind(**{attribute: row[key] for attribute, key in known})


@strawberry.type
class Contact:
    id: ID
    account_id: ID
    first_name: str | None
    last_name: str | None
    email: str | None
    phone: str | None
    role: str
    language: str
    primary: bool
    created_at: str


@strawberry.type
class Order:
    id: ID
    account_id: ID
    number: str
    status: str
    currency: str
    total_cents: int
    placed_at: str
    requested_at: str | None
    purchase_order: str | None
    channel: str


@strawberry.type
class Subscription:
    id: ID
    account_id: ID
    product_id: ID
    name: str
    status: str
    quantity: int
    unit_cents: int
    currency: str
    interval: str
    started_at: str
    renews_at: str | None
    auto_renew: bool


@strawberry.type
class Invoice:
    id: ID
    account_id: ID
    number: str | None
    status: str
    currency: str
    total_cents: int | None
    paid_cents: int
    due_cents: int
    issued_at: str
    due_at: str
    purchase_order: str | None


@strawberry.type
class Entitlement:
    id: ID
    account_id: ID
    feature: str
    status: str
    granted: int
    used: int
    unit: str
    valid_from: str
    valid_until: str | None


@strawberry.type
class Profile:
    id: ID
    account_id: ID
    legal_entity: str
    payment_terms: str
    credit_limit_cents: int | None
    open_cents: int
    currency: str
    credit_hold: bool
    tax_number: str | None
    updated_at: str


@strawberry.type
class Payment:
    id: ID
    account_id: ID
    invoice_id: ID | None
    amount_cents: int
    currency: str
    method: str
    status: str
    received_at: str
    reference: str | None


@strawberry.type
class Organization:
    id: ID
    account_id: ID
    name: str
    plan: str
    domain: str | None
    open_count: int
    satisfaction: int | None
    updated_at: str


@strawberry.type
class Case:
    id: ID
    account_id: ID
    number: str
    subject: str
    status: str
    priority: str
    channel: str
    requester: str | None
    created_at: str
    updated_at: str


def _loaders(info: Info) -> Loaders:
    loaders: Loaders = info.context["loaders"]
    return loaders


@strawberry.type
class Account:
    id: ID
    name: str
    legal_name: str | None
    status: str
    tier: str
    region: str
    country: str
    currency: str
    industry: str | None
    website: str | None
    employees: int | None
    created_at: str

    @strawberry.field
    async def contacts(self, info: Info) -> list[Contact]:
        return await _loaders(info).contacts.load(self.id)

    @strawberry.field
    async def orders(self, info: Info) -> list[Order]:
        return await _loaders(info).orders.load(self.id)

    @strawberry.field
    async def subscriptions(self, info: Info) -> list[Subscription]:
        return await _loaders(info).subscriptions.load(self.id)

    @strawberry.field
    async def invoices(self, info: Info) -> list[Invoice]:
        return await _loaders(info).invoices.load(self.id)

    @strawberry.field
    async def open_invoices(self, info: Info) -> list[Invoice]:
        return await _loaders(info).open_invoices.load(self.id)

    @strawberry.field
    async def entitlements(self, info: Info) -> list[Entitlement]:
        return await _loaders(info).entitlements.load(self.id)

    @strawberry.field
    async def profile(self, info: Info) -> Profile | None:
        return next(iter(await _loaders(info).profiles.load(self.id)), None)

    @strawberry.field
    async def payments(self, info: Info) -> list[Payment]:
        return await _loaders(info).payments.load(self.id)

    @strawberry.field
    async def organization(self, info: Info) -> Organization | None:
        return next(iter(await _loaders(info).organizations.load(self.id)), None)

    @strawberry.field
    async def cases(self, info: Info) -> list[Case]:
        return await _loaders(info).cases.load(self.id)

    @strawberry.field
    async def open_cases(self, info: Info) -> list[Case]:
        return await _loaders(info).open_cases.load(self.id)
