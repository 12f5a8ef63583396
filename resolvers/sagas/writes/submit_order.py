"""submitOrder: from a draft in the CRM to a running subscription, with a point of no return where the money begins.

Before it everything can be taken back; from it on there is only forward. Reversing an order that went through is a
governed write of its own.
"""

from __future__ import annotations

import asyncio
from datetime import datetime

import msgspec

from resolvers.sagas.reading import claimed, entity, one, profile_of, some, today
from resolvers.sagas.saga import Facts, Finding, Read, Saga
from resolvers.sagas.writes.co_term import co_termed
from resolvers.sagas.writes.fulfilment import credit_left, open_cases
from resolvers.sagas.writes.order import Judge, SubmitOrder, plain_judge, sound
from resolvers.sagas.writes.order_steps import STEPS, Known
from resolvers.sagas.writes.parties import owing
from sources import canonical as c

NEEDS = (
    (c.Account, "key"),
    (c.BillingProfile, "account"),
    (c.BillingCustomer, "account"),
    (c.LegalEntity, "key"),
    (c.AccountingPeriod, "list"),
    (c.Price, "list"),
    (c.SupportOrganization, "account"),
    (c.SubscriptionContract, "key"),
    (c.Case, "account"),
    (c.AccountSubscription, "key"),
    (c.SubscriptionContract, "subscription"),
)


def submit_order(judge: Judge = plain_judge) -> Saga:
    """The saga; `judge` is asked before an order is accepted, and again before it begins and after approvals."""

    async def gather(read: Read, order: SubmitOrder, now: datetime) -> Facts:
        sound(order)
        bill_to, user = order.parties.bill_to_key or order.account, order.parties.end_customer_key or order.account
        (billed, served), judged, known_as, cases, shared, seller = await asyncio.gather(
            _accounts(read, order.account, bill_to, user),
            judge(read, order, now),
            _known_as(read, order, bill_to, user),
            open_cases(read, user, order.support_tier),
            co_termed(read, order, bill_to),
            entity(read, order.legal_entity),
        )
        profile = known_as.profile
        exceeded, headroom = credit_left(judged.amount, judged.headroom)
        known = Known(
            user=user,
            user_name=served.name,
            billed_name=billed.name,
            billed_email=order.billing_email or (profile.email if profile else None),
            country=billed.country,
            customer=known_as.customer,
            bill_to=bill_to,
            payer=order.parties.payer_key or bill_to,
            quantity=judged.amount.minor if judged.amount else 0,
            headroom=headroom,
            organization=known_as.organization,
            cases=cases,
            today=today(seller, now),
            cycle_at=shared.cycle_at,
            contracted=known_as.contract.subscription_key if known_as.contract else None,
        )
        return Facts(
            account=order.account,
            entity=order.legal_entity,
            functional=seller.currency if seller else "",
            amount=judged.amount,
            figures={"discount": judged.discount} if judged.discount is not None else {},
            flags=judged.flags,
            documents=(*((f"quote:{order.quote}",) if order.quote else ()), *known_as.credit),
            findings=tuple(dict.fromkeys((*judged.findings, *exceeded, *known_as.findings, *shared.findings))),
            known=msgspec.to_builtins(known),
        )

    return Saga(mutation="submitOrder", input=SubmitOrder, known=Known, gather=gather, needs=NEEDS, steps=STEPS)


class _KnownAs(msgspec.Struct, frozen=True):
    """What the other systems have already of who is billed, in the selling entity, and of who uses it; `credit` are the
    documents of whose credit it takes of."""

    profile: c.BillingProfile | None
    customer: str | None
    organization: str | None
    contract: c.SubscriptionContract | None
    credit: tuple[str, ...]
    findings: tuple[Finding, ...]


async def _known_as(read: Read, order: SubmitOrder, bill_to: str, user: str) -> _KnownAs:
    sold_to = order.parties.sold_to_key or order.account
    paid = msgspec.structs.replace(order.parties, sold_to_key=sold_to, bill_to_key=bill_to)
    (profiles, first), (customers, second), (desks, third), contract, credit = await asyncio.gather(
        claimed(read, c.BillingProfile, bill_to),
        claimed(read, c.BillingCustomer, bill_to),
        claimed(read, c.SupportOrganization, user),
        some(read, c.SubscriptionContract, order.contract),
        owing(read, order.legal_entity, paid),
    )
    fitting = [
        each.key
        for each in customers
        if not each.deleted
        and each.legal_entity in (None, order.legal_entity)
        and each.currency in (None, order.currency)
    ]
    return _KnownAs(
        profile=profile_of(profiles, order.legal_entity),
        customer=fitting[0] if len(fitting) == 1 else None,
        organization=desks[0].key if desks else None,
        contract=contract,
        credit=credit,
        findings=(*first, *second, *third, *_wrong_contract(order, contract)),
    )


def _wrong_contract(order: SubmitOrder, contract: c.SubscriptionContract | None) -> list[Finding]:
    if order.contract is None or (contract is not None and contract.account_key == order.account):
        return []
    message = f"the account has no contract `{order.contract}`"
    return [Finding(code="CONTRACT_UNKNOWN", message=message, path="contract")]


async def _accounts(read: Read, *keys: str) -> tuple[c.Account, c.Account]:
    """Who is billed and who uses it; the buyer has to be there too. Raises BadAsk."""
    found = {key: await one(read, c.Account, key) for key in dict.fromkeys(keys)}
    _, billed, user = keys
    return found[billed], found[user]
