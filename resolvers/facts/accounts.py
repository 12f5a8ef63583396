"""Account: lifecycle, standing, legal entities, identities."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

import msgspec

from resolvers.batch import Need, Read
from resolvers.context import Context
from sources import canonical as c
from sources.canonical import Evidence
from sources.errors import SourceError
from sources.ports import Reading


class Standing(StrEnum):
    """How an account stands with us about money."""

    GOOD = "GOOD"
    DELINQUENT = "DELINQUENT"
    CREDIT_HOLD = "CREDIT_HOLD"
    UNKNOWN = "UNKNOWN"


class StandingValue(msgspec.Struct, frozen=True):
    """A standing with its evidence; `as_of` is that of the oldest fact used."""

    value: Standing
    as_of: datetime | None
    derived_from: tuple[Evidence, ...]


class LifecycleValue(msgspec.Struct, frozen=True):
    """A lifecycle with its evidence."""

    value: c.Lifecycle
    since: datetime | None
    derived_from: tuple[Evidence, ...]


class IdentityValue(msgspec.Struct, frozen=True):
    """What one source calls an account."""

    system: str
    source: str
    id: str
    via: str


_ENDED = frozenset({c.SubscriptionStatus.CANCELED, c.SubscriptionStatus.TERMINATED, c.SubscriptionStatus.EXPIRED})
LIFECYCLE_NEEDS: tuple[Need, ...] = ((c.AccountSubscription, "account"),)
STANDING_NEEDS: tuple[Need, ...] = ((c.BillingProfile, "account"), (c.BillingCustomer, "account"))
ENTITY_NEEDS = STANDING_NEEDS
IDENTITY_NEEDS: tuple[Need, ...] = (*STANDING_NEEDS, (c.SupportOrganization, "account"))


async def through_account(
    parents: Sequence[c.Owned], read: Read, record: type[c.Record], named: str, index: str
) -> list[Any]:
    """The records whose `named` attribute is the parent's key, read through the account, so that one read serves all
    that an account has; where an account has too many of them they are read by `index` instead."""
    keys = [each.account_key for each in parents if each.account_key]
    reading = await read(record, "account", keys)
    direct = [each.key for each in parents if not each.account_key or _cut(reading, each.account_key)]
    apart = await read(record, index, direct)
    answers: list[Any] = []
    for each in parents:
        if each.key in direct:
            answers.append(apart.errors.get(each.key) or list(rows(apart, each.key)))
            continue
        failed = reading.errors.get(each.account_key)
        found = [one for one in rows(reading, each.account_key) if getattr(one, named) == each.key]
        answers.append(failed if failed is not None and not found else found)
    return answers


def _cut(reading: Reading, key: str) -> bool:
    found = reading.rows.get(key)
    return found is not None and found.more


async def _both(read: Read, keys: Sequence[str]) -> tuple[Reading, Reading]:
    """The ERP's and billing's customer records, asked side by side."""
    return await asyncio.gather(read(c.BillingProfile, "account", keys), read(c.BillingCustomer, "account", keys))


def rows(reading: Reading, key: str) -> Sequence[Any]:
    """The records of a key, none where there are none."""
    found = reading.rows.get(key)
    return found.records if found is not None else ()


async def lifecycle(accounts: Sequence[c.Account], read: Read, _context: Context) -> list[LifecycleValue | SourceError]:
    """The CRM's word; an ACTIVE account all of whose subscriptions ended, one of which was ever active, is CHURNED."""
    asked = [account.key for account in accounts if account.lifecycle is c.Lifecycle.ACTIVE]
    reading = await read(c.AccountSubscription, "account", asked)
    return [_lifecycle(account, reading) for account in accounts]


def _lifecycle(account: c.Account, reading: Reading) -> LifecycleValue | SourceError:
    plain = LifecycleValue(account.lifecycle, None, account.lifecycle_evidence)
    if account.lifecycle is not c.Lifecycle.ACTIVE:
        return plain
    if account.key in reading.errors:
        return reading.errors[account.key]
    subscriptions = rows(reading, account.key)
    counted = [each for each in subscriptions if each.status is not c.SubscriptionStatus.NEVER_ACTIVATED]
    if not counted or not all(each.status in _ENDED for each in counted):
        return plain
    ended = [each.ended_at for each in counted if each.ended_at is not None]
    evidence = tuple(item for each in counted for item in each.status_evidence)
    return LifecycleValue(c.Lifecycle.CHURNED, max(ended, default=None), account.lifecycle_evidence + evidence)


async def standing(accounts: Sequence[c.Account], read: Read, context: Context) -> list[StandingValue | SourceError]:
    """Credit hold before delinquency; a missing source is that account's error, unless the other one decides alone."""
    keys = [account.key for account in accounts]
    profiles, customers = await _both(read, keys)
    floor, grace = limits(context)
    answers: list[StandingValue | SourceError] = []
    for key in keys:
        judged = judge_standing(rows(profiles, key), rows(customers, key), floor, grace)
        failed = profiles.errors.get(key) or (customers.errors.get(key) if judged.value is Standing.GOOD else None)
        answers.append(failed if failed is not None and judged.value is not Standing.CREDIT_HOLD else judged)
    return answers


def judge_standing(
    profiles: Sequence[c.BillingProfile], customers: Sequence[c.BillingCustomer], floor: Decimal, grace_days: int
) -> StandingValue:
    """Pure: the standing that these facts give."""
    evidence: list[Evidence] = []
    known = [each.as_of for each in (*profiles, *customers)]
    oldest = min(known, default=None)
    for profile in profiles:
        reason = hold_reason(profile)
        if reason is not None:
            evidence.append(Evidence(profile.source, "creditHoldOverride", reason))
    if evidence:
        return StandingValue(Standing.CREDIT_HOLD, oldest, tuple(evidence))
    for profile in profiles:
        overdue = profile.overdue_balance
        if overdue is not None and overdue.amount > floor and profile.days_overdue > grace_days:
            evidence.append(Evidence(profile.source, "daysOverdue", str(profile.days_overdue)))
    evidence += [Evidence(each.source, "delinquent", "true") for each in customers if each.delinquent]
    if evidence:
        return StandingValue(Standing.DELINQUENT, oldest, tuple(evidence))
    return StandingValue(Standing.GOOD, oldest, ())


def hold_reason(profile: c.BillingProfile) -> str | None:
    """Why a profile is on hold: ON; or AUTO with exposure at the limit or overdue beyond the preference's days. OFF
    never, and a preference that only warns holds nothing."""
    if profile.hold_preference is not c.HoldPreference.ENFORCE:
        return None
    if profile.credit_hold_override is c.CreditHoldOverride.ON:
        return "ON"
    if profile.credit_hold_override is c.CreditHoldOverride.OFF:
        return None
    if profile.credit_limit is not None and profile.credit_limit.minor > 0 and profile.balance is not None:
        unbilled = profile.unbilled_orders.minor if profile.unbilled_orders is not None else 0
        if profile.balance.minor + unbilled >= profile.credit_limit.minor:
            return "AUTO"
    days = profile.hold_overdue_days
    overdue = profile.overdue_balance is not None and profile.overdue_balance.minor > 0
    return "AUTO" if days is not None and overdue and profile.days_overdue > days else None


def limits(context: Context) -> tuple[Decimal, int]:
    """The floor (major units) and the grace (days) of delinquency."""
    figures = getattr(context.rules, "entitlement", None) or {}
    return Decimal(figures.get("standing_floor", "10.00")), int(figures.get("standing_grace_days", "5"))


async def legal_entities(accounts: Sequence[c.Account], read: Read, _context: Context) -> list[Any]:
    """Codes, from the ERP's and billing's customer records."""
    keys = [account.key for account in accounts]
    profiles, customers = await _both(read, keys)
    answers: list[Any] = []
    for key in keys:
        failed = profiles.errors.get(key)
        codes = {each.legal_entity for each in (*rows(profiles, key), *rows(customers, key)) if each.legal_entity}
        answers.append(failed if failed is not None and not codes else sorted(codes))
    return answers


async def identities(accounts: Sequence[c.Account], read: Read, _context: Context) -> list[Any]:
    """The account's records in each system; a system that cannot be asked is left out, the rest stands."""
    keys = [account.key for account in accounts]
    readings = await asyncio.gather(*(read(record, by, keys) for record, by in IDENTITY_NEEDS))
    facets = [(record, reading) for (record, _), reading in zip(IDENTITY_NEEDS, readings, strict=True)]
    systems = {c.BillingProfile: "ERP", c.BillingCustomer: "BILLING", c.SupportOrganization: "SUPPORT"}
    answers: list[Any] = []
    for account in accounts:
        found = [IdentityValue("CRM", account.source, account.key, "EXPLICIT")]
        for record, reading in facets:
            found += [
                IdentityValue(systems[record], each.source, each.source_id, _via(each, account))
                for each in rows(reading, account.key)
            ]
        errors = [reading.errors[account.key] for _, reading in facets if account.key in reading.errors]
        answers.append(errors[0] if errors and len(found) == 1 else found)
    return answers


def _via(record: c.Owned, account: c.Account) -> str:
    return "EXPLICIT" if record.account_key == account.key else "RULE"
