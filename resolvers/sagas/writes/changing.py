"""A change of what runs, as it is judged: what a subscription is to have from a day on, and what speaks against it.

A gateway judges changes by its validation of orders (`JUDGED`); the rest their writes find out themselves, in the same
words.
"""

from __future__ import annotations

import asyncio
from datetime import date, datetime
from decimal import Decimal
from typing import Protocol

import msgspec

from resolvers.sagas.against import COLLECT_FIRST, KEEP_TIER, broken, unpaid
from resolvers.sagas.reading import URGENT, claimed, held, many, profile_of, some, some_of
from resolvers.sagas.saga import Finding, Read
from resolvers.sagas.writes.fulfilment import is_open
from resolvers.sagas.writes.order import Judgement, headroom
from resolvers.sagas.writes.tiers import ranks
from sources import canonical as c
from sources.canonical import Money

JUDGED = frozenset({"CREDIT_HOLD", "CREDIT_EXCEEDED", "ENTITLEMENT_CONFLICT"})
"""The codes of a validation that a judge of changes answers with."""

_UNPAID, _LOWERED = "UNPAID_PRORATION", "ENTITLEMENT_CONFLICT"


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """What a subscription has: `unit_price` is what was agreed in major units, None: what the price says."""

    price: str
    quantity: Decimal
    unit_price: Decimal | None = None


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A subscription and all that it is to have from `start_on` on: until its end, or where it `renews` until `end_on`,
    the last day. `adds`: the contract value that comes with it at list, None where nobody can tell."""

    subscription: c.AccountSubscription
    parties: c.Parties
    items: tuple[Item, ...]
    adds: Money | None
    start_on: date
    end_on: date | None = None
    renews: bool = False


class ChangeJudge(Protocol):
    """Judges a change: hold and exposure, and whether support falls while something is broken. `amount` of its
    judgement is what it adds to what is owed. Raises SourceError where what it must know cannot be read."""

    async def __call__(self, read: Read, change: Change, now: datetime) -> Judgement: ...


async def plain_change(read: Read, change: Change, now: datetime) -> Judgement:
    """The least there is to judge: the hold and the limit of who is billed and of who pays."""
    entity, billed = change.subscription.legal_entity, change.parties.bill_to_key or change.subscription.account_key
    payer = change.parties.payer_key or billed
    told = await asyncio.gather(*(claimed(read, c.BillingProfile, each) for each in dict.fromkeys((billed, payer))))
    profiles = [profile_of(found, entity) for found, _ in told]
    unlinked = [each for _, findings in told for each in findings]
    return Judgement(findings=(*unlinked, *held(*profiles)), amount=change.adds, headroom=headroom(profiles[-1]))


# ------------------------------------------------------------------------------------------- the money of what is there


async def paid_for(read: Read, subscription: c.AccountSubscription, *, gives_back: bool) -> list[Finding]:
    """Why a change that `gives_back` what was billed in advance is none: it was never paid. Without an invoice there is
    nothing to pay."""
    if not gives_back or subscription.latest_invoice_key is None:
        return []
    invoice = await some(read, c.Invoice, subscription.latest_invoice_key)
    if invoice is None:
        message = "the invoice of the running period is not there to be seen"
        return [Finding(code=_UNPAID, message=message, path="subscription", owner="revops")]
    why = unpaid(invoice)
    return [Finding(code=_UNPAID, message=f"{why}: {COLLECT_FIRST}", path="subscription")] if why else []


# --------------------------------------------------------------------------------------------------------- the support


async def tier_kept(read: Read, user: str, before: str | None, wanted: str | None) -> list[Finding]:
    """Why the desk's plan does not fall: something is broken. A tier without a rank is the lowest."""
    if before is None or wanted is None or wanted == before:
        return []
    plans, (cases, whole) = await asyncio.gather(
        many(read, c.SupportPlan, "list", ""), some_of(read, c.Case, user, URGENT)
    )
    rank = ranks(plans)
    if rank.get(wanted, 0) >= rank.get(before, 0):
        return []
    urgent = [each for each in cases if each.priority is c.Priority.URGENT and is_open(each)]
    if urgent:
        return [Finding(code=_LOWERED, message=f"{broken(urgent)}: {KEEP_TIER}", path="supportTier")]
    if whole:
        return []
    message = "the desk does not tell all its cases: whether an urgent one is open is not known"
    return [Finding(code=_LOWERED, message=message, path="supportTier", owner="support_lead")]
