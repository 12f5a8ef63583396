"""What a renewal knows: the subscription as each system has it, and what goes on of it."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta

import msgspec

from resolvers.sagas.reading import many, some
from resolvers.sagas.saga import Finding, Read
from resolvers.sagas.writes.changing import tier_kept
from resolvers.sagas.writes.fulfilment import open_cases
from resolvers.sagas.writes.order_terms import OrderedLine
from resolvers.sagas.writes.renewal_terms import Term
from sources import canonical as c
from sources.canonical.commands import Collection


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """Of the `parties` the `buyer` orders and the `user` uses it; `party` is the ERP's customer, `customer` billing's.
    `ended`: it is begun again. `tier` is granted from `right_from` (None: the right lasts already), `replan` is the
    desk's new plan. `payer` pays, and `headroom` is what is left of its credit in minor units. `contract_of`: the
    account of the contract that there is, or that there will be."""

    buyer: str
    parties: c.Parties
    user: str
    payer: str
    party: str
    customer: str
    entity: str
    currency: str
    ended: bool
    lines: tuple[OrderedLine, ...]
    start_on: date
    end_on: date
    today: date
    collection: Collection
    due_days: int | None
    headroom: int | None
    contract: str | None
    contract_of: str
    contract_runs: bool
    opportunity: str | None
    tier: str | None
    right_from: date | None
    incidents: int | None
    organization: str | None
    replan: str | None
    cases: tuple[str, ...]


class Support(msgspec.Struct, frozen=True, kw_only=True):
    """The support that goes on with a subscription; see `Known`."""

    tier: str | None = None
    right_from: date | None = None
    incidents: int | None = None
    organization: str | None = None
    replan: str | None = None
    cases: tuple[str, ...] = ()


async def support(
    read: Read, subscription: c.AccountSubscription, user: str, wanted: str | None, term: Term
) -> tuple[Support, list[Finding]]:
    """The tier that is wanted, else the one there was, from the day on which the right there was is over; and why it
    cannot come."""
    desk, rights = await asyncio.gather(
        some(read, c.SupportOrganization, user, "account"), many(read, c.Entitlement, "account", user)
    )
    own = [each for each in rights if each.support_tier and each.subscription_key == subscription.key]
    last = max(own, key=lambda each: each.ends_on or date.max, default=None)
    tier = wanted or (last.support_tier if last is not None else None)
    replan = tier if desk is not None and tier is not None and desk.support_plan != tier else None
    cases, lowered = await asyncio.gather(
        open_cases(read, user, replan), tier_kept(read, user, desk.support_plan if desk is not None else None, replan)
    )
    found = Support(
        tier=tier,
        right_from=_from(last, tier, term),
        incidents=last.pack.total if last is not None and last.pack is not None else None,
        organization=desk.key if desk is not None else None,
        replan=replan,
        cases=cases,
    )
    return found, lowered


def _from(last: c.Entitlement | None, tier: str | None, term: Term) -> date | None:
    """The first day that no right covers yet; None where one covers the term, or none was ever bought."""
    if tier is None:
        return None
    if last is None or last.support_tier != tier:
        return term.start_on
    if last.ends_on is None or last.ends_on >= term.end_on:
        return None
    return max(term.start_on, last.ends_on + timedelta(days=1))
