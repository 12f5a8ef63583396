"""Account: how it stands with us about money, from the ERP's and billing's customer records."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

import msgspec

from resolvers.batch import Need, Read
from resolvers.context import Context
from resolvers.facts.reading import rows
from resolvers.sagas.reading import hold_reason
from sources import canonical as c
from sources.canonical import Evidence
from sources.errors import SourceError

NEEDS: tuple[Need, ...] = (
    (c.BillingProfile, "account"),
    (c.BillingCustomer, "account"),
    (c.PostedInvoice, "account"),
)


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


class Tolerance(msgspec.Struct, frozen=True):
    """What is not yet delinquent: a balance up to `floor` (major units), overdue for up to `grace_days`."""

    floor: Decimal = Decimal("10.00")
    grace_days: int = 5


async def standing(accounts: Sequence[c.Account], read: Read, context: Context) -> list[StandingValue | SourceError]:
    """Credit hold before delinquency; a missing source is that account's error, unless the other one decides alone."""
    return await standings([account.key for account in accounts], read, context)


async def standings(keys: Sequence[str], read: Read, context: Context) -> list[StandingValue | SourceError]:
    """The same by account keys. The ERP's invoices are asked for only where a balance is overdue for too long: then it
    matters whether the customer disputes them."""
    profiles, customers = await asyncio.gather(
        read(c.BillingProfile, "account", keys), read(c.BillingCustomer, "account", keys)
    )
    tolerance, today = tolerance_of(context), context.now.date()
    late = [key for key in keys if any(_late(each, tolerance) for each in rows(profiles, key))]
    invoices = await read(c.PostedInvoice, "account", late)
    answers: list[StandingValue | SourceError] = []
    for key in keys:
        judged = judge_standing(rows(profiles, key), rows(customers, key), rows(invoices, key), tolerance, today)
        answers.append(_missing(key, judged, profiles.errors, customers.errors, invoices.errors) or judged)
    return answers


def _missing(key: str, judged: StandingValue, *errors: dict[str, SourceError]) -> SourceError | None:
    """The error of a source whose word could still make it another standing."""
    profiles, customers, invoices = (each.get(key) for each in errors)
    if judged.value is Standing.CREDIT_HOLD:
        return None
    if judged.value is Standing.GOOD:
        return profiles or customers or invoices
    delinquent_anyway = any(each.field == "delinquent" for each in judged.derived_from)
    return profiles or (None if delinquent_anyway else invoices)


def judge_standing(
    profiles: Sequence[c.BillingProfile],
    customers: Sequence[c.BillingCustomer],
    invoices: Sequence[c.PostedInvoice],
    tolerance: Tolerance,
    today: date,
) -> StandingValue:
    """Pure: the standing that these facts give; `invoices` are the ERP's. Nothing known against it = GOOD."""
    oldest = min((each.as_of for each in (*profiles, *customers)), default=None)
    held = [
        Evidence(profile.source, "creditHoldOverride", reason)
        for profile in profiles
        if (reason := hold_reason(profile)) is not None
    ]
    if held:
        return StandingValue(Standing.CREDIT_HOLD, oldest, tuple(held))
    evidence = []
    for profile in profiles:
        balance, days = undisputed(profile, invoices, today)
        if balance > tolerance.floor and days > tolerance.grace_days:
            evidence.append(Evidence(profile.source, "daysOverdue", str(days)))
    evidence += [Evidence(each.source, "delinquent", "true") for each in customers if each.delinquent]
    if evidence:
        return StandingValue(Standing.DELINQUENT, oldest, tuple(evidence))
    return StandingValue(Standing.GOOD, oldest, ())


def undisputed(profile: c.BillingProfile, invoices: Sequence[c.PostedInvoice], today: date) -> tuple[Decimal, int]:
    """What a customer record has overdue without disputing it (major units), and for how many days.

    The ERP's own sums count disputed invoices too. Days are of UTC: grace is counted in days, not in hours.
    """
    if profile.overdue_balance is None:
        return Decimal(0), 0
    overdue = [
        each
        for each in invoices
        if each.source_account_id == profile.key
        and each.status is c.PostedStatus.OPEN
        and each.due_on is not None
        and each.due_on < today
    ]
    disputed = [each for each in overdue if each.disputed and each.currency == profile.overdue_balance.currency]
    if not disputed:
        return profile.overdue_balance.amount, profile.days_overdue
    balance = profile.overdue_balance.minor - sum(each.remaining.minor for each in disputed)
    due = [each.due_on for each in overdue if not each.disputed and each.due_on is not None]
    days = (today - min(due)).days if due else profile.days_overdue
    return c.Money(balance, profile.overdue_balance.currency).amount, days


def tolerance_of(context: Context) -> Tolerance:
    """The figures of the rules, where there are any."""
    written = getattr(context.rules, "entitlement", None) or {}
    plain = Tolerance()
    return Tolerance(
        Decimal(written.get("standing_floor", plain.floor)), int(written.get("standing_grace_days", plain.grace_days))
    )


def _late(profile: c.BillingProfile, tolerance: Tolerance) -> bool:
    balance = profile.overdue_balance
    return balance is not None and balance.amount > tolerance.floor and profile.days_overdue > tolerance.grace_days
