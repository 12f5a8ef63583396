"""grantEntitlement and revokeEntitlement: a right for a time, and its end."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import msgspec

from resolvers.sagas.concerns import SERVICE
from resolvers.sagas.reading import many, one
from resolvers.sagas.saga import Facts, Finding, Read, Saga, State, Step
from resolvers.sagas.writes.fulfilment import right_granted
from resolvers.sagas.writes.tiers import ranks
from sources import canonical as c
from sources.canonical import commands as do


class GrantEntitlement(msgspec.Struct, frozen=True, kw_only=True):
    """A right from `start_on` to `end_on`, both inclusive; `incidents`: how many cases, None for no count."""

    account: str
    name: str
    tier: str
    start_on: date
    end_on: date
    incidents: int | None = None


class RevokeEntitlement(msgspec.Struct, frozen=True, kw_only=True):
    """The last day of a right."""

    entitlement: str
    end_on: date


class Nothing(msgspec.Struct, frozen=True):
    """Nothing has to be known besides what is asked."""


async def gather_grant(read: Read, asked: GrantEntitlement, now: datetime) -> Facts:
    """How long, and by how many tiers the account's right rises; a tier without a place among the plans is unknown."""
    account = await one(read, c.Account, asked.account)
    days = (asked.end_on - asked.start_on).days + 1
    plans = await many(read, c.SupportPlan, "list", "")
    rank = ranks(plans)
    rights = await many(read, c.Entitlement, "account", account.key)
    held = [rank.get(each.support_tier or "", 0) for each in rights if each.status is c.EntitlementStatus.ACTIVE]
    figures: dict[str, c.Money | Decimal] = {"days": Decimal(days)}
    wanted, now_at = rank.get(asked.tier), max(held, default=0)
    if wanted is not None:
        figures["tiers"] = Decimal(max(wanted - now_at, 0))
    return Facts(
        account=account.key,
        figures=figures,
        findings=tuple(_wrong(asked, days, asked.tier in {plan.key for plan in plans})),
        documents=(f"account:{account.key}",),
        known={},
    )


def _wrong(asked: GrantEntitlement, days: int, known: bool) -> list[Finding]:
    found = []
    if days < 1:
        found.append(Finding(code="TERM_INVALID", message="it ends before it starts", path="endOn"))
    if not known:
        found.append(Finding(code="TIER_UNKNOWN", message=f"there is no support plan `{asked.tier}`", path="tier"))
    if asked.incidents is not None and asked.incidents < 1:
        found.append(Finding(code="BAD_INPUT", message="a pack has one incident at least", path="incidents"))
    return found


async def gather_revoke(read: Read, asked: RevokeEntitlement, now: datetime) -> Facts:
    """The right, and whether it only runs out."""
    right = await one(read, c.Entitlement, asked.entitlement)
    runs_out = right.ends_on is not None and asked.end_on >= right.ends_on
    return Facts(
        account=right.account_key or None,
        flags={"at_period_end": runs_out, "refund": False},
        documents=(f"entitlement:{right.key}",),
        known={},
    )


def _grant(state: State[GrantEntitlement, Nothing]) -> do.GrantRight | None:
    asked = state.input
    return right_granted(
        state,
        account=asked.account,
        tier=asked.tier,
        start_on=asked.start_on,
        end_on=asked.end_on,
        name=asked.name,
        incidents=asked.incidents,
    )


def _revoke(state: State[RevokeEntitlement, Nothing]) -> do.EndRight:
    return do.EndRight(
        operation=state.operation,
        correlation=state.correlation,
        entitlement_key=state.input.entitlement,
        end_on=state.input.end_on,
    )


GRANT_ENTITLEMENT = Saga(
    mutation="grantEntitlement",
    input=GrantEntitlement,
    known=Nothing,
    gather=gather_grant,
    needs=((c.Account, "key"), (c.SupportPlan, "list"), (c.Entitlement, "account")),
    steps=(Step("right", do.GrantRight, _grant, concern=SERVICE),),
    prompt=True,
)
REVOKE_ENTITLEMENT = Saga(
    mutation="revokeEntitlement",
    input=RevokeEntitlement,
    known=Nothing,
    gather=gather_revoke,
    needs=((c.Entitlement, "key"),),
    steps=(Step("right", do.EndRight, _revoke, concern=SERVICE),),
    prompt=True,
)
