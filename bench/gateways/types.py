"""`bench/schema.graphql` as declarations: no resolver, only what is read and how it hangs together."""

from __future__ import annotations

import strawberry
from strawberry import ID

from bench.gateways import records as r
from bench.gateways.validation import NEEDS, OrderLine, Validation, validate
from resolvers.batch import Read, batched, link, links
from resolvers.budget import OperationClass
from resolvers.context import Context
from sources import canonical as c
from sources.ports import Filter, Page

_OPEN = (Filter("status", "eq", "open"),)
_named = strawberry.field


@strawberry.type
class Contact:
    key: ID = _named(name="id")
    account_key: ID = _named(name="accountId")
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
    key: ID = _named(name="id")
    account_key: ID = _named(name="accountId")
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
    key: ID = _named(name="id")
    account_key: ID = _named(name="accountId")
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
    key: ID = _named(name="id")
    account_key: ID = _named(name="accountId")
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
    key: ID = _named(name="id")
    account_key: ID = _named(name="accountId")
    feature: str
    status: str
    granted: int
    used: int
    unit: str
    valid_from: str
    valid_until: str | None


@strawberry.type
class Profile:
    key: ID = _named(name="id")
    account_key: ID = _named(name="accountId")
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
    key: ID = _named(name="id")
    account_key: ID = _named(name="accountId")
    invoice_id: ID | None
    amount_cents: int
    currency: str
    method: str
    status: str
    received_at: str
    reference: str | None


@strawberry.type
class Organization:
    key: ID = _named(name="id")
    account_key: ID = _named(name="accountId")
    name: str
    plan: str
    domain: str | None
    open_count: int
    satisfaction: int | None
    updated_at: str


@strawberry.type
class Case:
    key: ID = _named(name="id")
    account_key: ID = _named(name="accountId")
    number: str
    subject: str
    status: str
    priority: str
    channel: str
    requester: str | None
    created_at: str
    updated_at: str


@strawberry.type
class Account:
    key: ID = _named(name="id")
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
    created: str = _named(name="createdAt")
    contacts: list[Contact] = links(r.Contact, by="account")
    orders: list[Order] = links(r.Order, by="account")
    subscriptions: list[Subscription] = links(r.Subscription, by="account")
    invoices: list[Invoice] = links(r.Invoice, by="account")
    open_invoices: list[Invoice] = links(r.Invoice, by="account", fixed=_OPEN)
    entitlements: list[Entitlement] = links(r.Entitlement, by="account")
    profile: Profile | None = link(r.Profile, by="account")
    payments: list[Payment] = links(r.Payment, by="account")
    organization: Organization | None = link(r.Organization, by="account")
    cases: list[Case] = links(r.Case, by="account")
    open_cases: list[Case] = links(r.Case, by="account", fixed=_OPEN)


async def accounts(_: object, read: Read, context: Context, region: str, first: int) -> list[list[c.Record]]:
    """The accounts of a region."""
    found = await read(c.Account, "region", [region], Page(first=first))
    if region in found.errors:
        raise found.errors[region]
    return [list(found.rows[region].records) if region in found.rows else []]


@strawberry.type
class Query:
    account: Account | None = link(c.Account, argument="id", budget=OperationClass.CUSTOMER360)
    accounts: list[Account] = batched(
        accounts,
        needs=[(c.Account, "region")],
        arguments={"region": str, "first": int},
        budget=OperationClass.CUSTOMER360,
    )
    validate: Validation = batched(
        validate,
        needs=NEEDS,
        arguments={"account": ID, "entity": str, "lines": list[OrderLine]},
        budget=OperationClass.VALIDATE,
    )


SCHEMA = strawberry.Schema(Query)
NAMES: dict[type, str] = {
    c.Account: "Account",
    r.Account: "Account",
    **{
        record: record.__name__
        for record in (
            r.Contact,
            r.Order,
            r.Subscription,
            r.Invoice,
            r.Entitlement,
            r.Profile,
            r.Payment,
            r.Organization,
            r.Case,
        )
    },
}
"""Record class -> GraphQL type: every class whose rows are judged."""
