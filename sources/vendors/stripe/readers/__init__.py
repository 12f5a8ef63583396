"""What Stripe can be asked: one reader for each record class and index, with what it is able to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

import msgspec

from sources import canonical as c
from sources.canonical import Record
from sources.ports import Capability
from sources.vendors.stripe.readers import aftermath, catalogue, customers, invoices, payments, subscriptions
from sources.vendors.stripe.readers.filters import EQUAL, RANGE
from sources.vendors.stripe.readers.inquiry import Inquiry
from sources.vendors.stripe.settings import StripeSettings


class Entry(msgspec.Struct, frozen=True):
    """A reader. `searched`: its answer may be as old as a search index."""

    read: Callable[[Inquiry], Awaitable[None]]
    capability: Capability = Capability()
    searched: bool = False


_CREATED = ("created_at",)
_STATUS = {"status": EQUAL}
_DOCUMENTS = Capability(filters=_STATUS, orders=("issued_at",), per_parent_limit=True, own_account_ids=True)
_INVOICES = {"status": EQUAL, "due_at": RANGE, "created_at": RANGE, "legal_entity": EQUAL}
_OF_PARENT = Capability(
    filters={**_INVOICES, "issued_at": RANGE}, orders=("created_at", "issued_at"), per_parent_limit=True
)
_SUBSCRIPTIONS = Capability(filters=_STATUS, orders=_CREATED, per_parent_limit=True)
_CHARGES = Capability(filters=_STATUS, orders=_CREATED, per_parent_limit=True)
_PAGED = Capability(per_parent_limit=True)
_OWN = msgspec.structs.replace

READERS: Mapping[tuple[type[Record], str], Entry] = {
    (c.BillingCustomer, "key"): Entry(customers.by_key),
    (c.BillingCustomer, "account"): Entry(customers.by_account, searched=True),
    (c.BillingCustomer, "email"): Entry(customers.by_email, searched=True),
    (c.Product, "key"): Entry(catalogue.products_by_key),
    (c.Product, "list"): Entry(catalogue.products, _PAGED),
    (c.Price, "key"): Entry(catalogue.prices_by_key),
    (c.Price, "product"): Entry(catalogue.prices_by_product, _PAGED),
    (c.Price, "list"): Entry(catalogue.prices, _PAGED),
    (c.Meter, "key"): Entry(catalogue.meters_by_key),
    (c.Meter, "list"): Entry(catalogue.meters),
    (c.UsageSummary, "account_meter"): Entry(
        catalogue.usage, Capability(filters={"window_start": ("eq", "gte"), "window_end": ("eq", "lt")}, fan_out=True)
    ),
    (c.AccountSubscription, "key"): Entry(subscriptions.by_key),
    (c.AccountSubscription, "account"): Entry(subscriptions.by_account, _SUBSCRIPTIONS, searched=True),
    (c.AccountSubscription, "customer"): Entry(subscriptions.by_customer, _OWN(_SUBSCRIPTIONS, own_account_ids=True)),
    (c.AccountSubscription, "list"): Entry(subscriptions.every, _OWN(_SUBSCRIPTIONS, descending_only=_CREATED)),
    (c.Amendment, "subscription"): Entry(subscriptions.amendments_by_subscription),
    (c.Invoice, "key"): Entry(invoices.by_key),
    (c.Invoice, "account"): Entry(invoices.by_account, _OWN(_OF_PARENT, own_account_ids=True), searched=True),
    (c.Invoice, "subscription"): Entry(invoices.by_subscription, _OF_PARENT),
    (c.Invoice, "list"): Entry(
        invoices.every,
        Capability(filters=_INVOICES, orders=_CREATED, descending_only=_CREATED, per_parent_limit=True),
    ),
    (c.InvoiceLine, "invoice"): Entry(invoices.lines, _PAGED),
    (c.Payment, "key"): Entry(payments.by_key),
    (c.Payment, "account"): Entry(payments.by_account, _OWN(_DOCUMENTS, orders=("received_at",))),
    (c.Payment, "invoice"): Entry(
        payments.by_invoice, Capability(filters=_STATUS, orders=("received_at",), per_parent_limit=True)
    ),
    (c.GatewayPayment, "key"): Entry(payments.gateway_by_key),
    (c.CreditMemo, "key"): Entry(payments.credits_by_key),
    (c.CreditMemo, "account"): Entry(payments.credits_by_account, _DOCUMENTS),
    (c.CreditMemo, "invoice"): Entry(payments.credits_by_invoice, _OWN(_DOCUMENTS, own_account_ids=False)),
    (c.Refund, "payment"): Entry(aftermath.refunds_by_payment, _CHARGES),
    (c.Refund, "account"): Entry(aftermath.refunds_by_account, _OWN(_CHARGES, own_account_ids=True)),
    (c.Dispute, "payment"): Entry(aftermath.disputes_by_payment, _CHARGES),
    (c.Dispute, "account"): Entry(aftermath.disputes_by_account, _OWN(_CHARGES, own_account_ids=True)),
    (c.Entitlement, "account"): Entry(customers.entitlements, Capability(own_account_ids=True, fan_out=True)),
}


def capabilities(settings: StripeSettings) -> dict[tuple[type[Record], str], Capability]:
    """The capabilities of one source; only a search is behind."""
    return {
        index: _OWN(entry.capability, search_lag=settings.search_lag) if entry.searched else entry.capability
        for index, entry in READERS.items()
    }
