"""Who takes part in what runs, and who sells it: as it was ordered, where that is known."""

from __future__ import annotations

import asyncio

import msgspec

from resolvers.sagas.reading import claimed, profile_of, selling, some
from resolvers.sagas.saga import Finding, Read
from sources import canonical as c
from sources.errors import Ambiguous
from sources.ports import Rows


async def ordered(read: Read, subscription: c.AccountSubscription) -> c.Order | None:
    """The CRM's order that a subscription began with; None where it was not ordered through us."""
    return await some(read, c.Order, subscription.order_key)


def parties_of(subscription: c.AccountSubscription, order: c.Order | None) -> c.Parties:
    """Who ordered, is billed, pays and uses it. Billing says who is billed and who uses it, the order the rest."""
    told = order.parties if order is not None else c.Parties()
    return c.Parties(
        sold_to_key=told.sold_to_key or (order.account_key if order is not None else subscription.account_key),
        bill_to_key=subscription.account_key,
        ship_to_key=told.ship_to_key,
        payer_key=told.payer_key,
        end_customer_key=subscription.end_customer_key or told.end_customer_key or subscription.account_key,
        reseller_key=subscription.reseller_key or told.reseller_key,
    )


async def owing(read: Read, legal_entity: str | None, parties: c.Parties) -> tuple[str, ...]:
    """Whose credit a sale takes of, as documents: the ERP's customers of who orders, is billed and pays in the legal
    entity, and whoever pays for them by the ERP's word. Who orders for them sets no limit of theirs."""
    accounts = dict.fromkeys(filter(None, (parties.sold_to_key, parties.bill_to_key, parties.payer_key)))
    told = await asyncio.gather(*(claimed(read, c.BillingProfile, each) for each in accounts))
    profiles = [profile for found, _ in told if (profile := profile_of(found, legal_entity)) is not None]
    keys = [key for each in profiles for key in (each.key, each.payer_id) if key]
    return tuple(f"billingprofile:{key}" for key in dict.fromkeys(keys))


async def sold_by(read: Read, subscription: c.AccountSubscription) -> tuple[c.AccountSubscription, list[Finding]]:
    """A subscription with the legal entity that sells it. Where billing names none it is found as an order's is that
    names none, by the ERP's customers of who is billed; where these do not tell either, somebody has to look, because
    nobody knows whose credit it takes of."""
    if subscription.legal_entity is not None:
        return subscription, []
    account = subscription.account_key
    reading = await read(c.BillingProfile, "account", (account,))
    error, rows = reading.errors.get(account), reading.rows.get(account, Rows())
    if isinstance(error, Ambiguous):
        return subscription, [Finding(code=error.code, message=error.message, owner="revops")]
    if error is not None:
        raise error
    known = [each for each in rows.records if isinstance(each, c.BillingProfile)]
    entity = None if rows.more or rows.hidden else selling(known, subscription.currency)
    if entity is not None:
        return msgspec.structs.replace(subscription, legal_entity=entity), []
    message = (
        "billing does not say which of our companies sells it, and not exactly one of them has the account as a "
        f"customer in {subscription.currency}: name the company with the subscription"
    )
    return subscription, [Finding(code="ENTITY_NOT_ALLOWED", message=message, path="subscription", owner="revops")]
