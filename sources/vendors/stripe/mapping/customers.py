"""Customers, and the features they may use."""

from __future__ import annotations

from sources.canonical import BillingCustomer, Entitlement, EntitlementStatus, System
from sources.canonical.record import ExternalId
from sources.vendors.stripe import facts
from sources.vendors.stripe.mapping.origin import Origin, currency, id_of, known, moment, money, noted_as
from sources.vendors.stripe.wire import ActiveEntitlement, Customer

_EXEMPTIONS = {"none": "none", "exempt": "exempt", "reverse": "reverse", None: None}


def billing_customer(wire: Customer, origin: Origin) -> BillingCustomer:
    """A customer; of a deleted one only the id is left, and that it is deleted."""
    account = noted_as(facts.ACCOUNT, wire.metadata)
    return BillingCustomer(
        key=wire.id,
        source=origin.source,
        source_id=wire.id,
        as_of=origin.as_of,
        external_ids=(ExternalId(System.CRM, account),) if account else (),
        account_key=account or origin.accounts.get(wire.id, ""),
        source_account_id=wire.id,
        name=wire.name,
        email=wire.email,
        legal_entity=origin.legal_entity(wire.metadata),
        currency=currency(wire.currency) if wire.currency else None,
        delinquent=bool(wire.delinquent),
        balance=money(wire.balance, wire.currency, "customer.balance")
        if wire.balance is not None and wire.currency
        else None,
        tax_exempt=known(_EXEMPTIONS, "customer.tax_exempt", wire.tax_exempt),
        deleted=wire.deleted,
        created_at=moment(wire.created, "customer.created"),
    )


def entitlement(wire: ActiveEntitlement, customer: str, origin: Origin) -> Entitlement:
    """A feature. Only those in force are listed, so being there is being ACTIVE."""
    return Entitlement(
        key=wire.id,
        source=origin.source,
        source_id=wire.id,
        as_of=origin.as_of,
        external_ids=(),
        account_key=origin.account(customer),
        source_account_id=customer,
        name=wire.lookup_key,
        feature=wire.lookup_key.lower(),
        status=EntitlementStatus.ACTIVE,
        status_evidence=(origin.evidence("entitlements.active_entitlement.feature", id_of(wire.feature)),),
    )
