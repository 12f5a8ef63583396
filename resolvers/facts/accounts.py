"""Account: lifecycle, legal entities, identities."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from resolvers.batch import Need, Read
from resolvers.context import Context
from resolvers.facts.reading import rows
from sources import canonical as c
from sources.canonical import Evidence, ExternalId, System
from sources.errors import SourceError
from sources.ports import Reading

_ENDED = frozenset({c.SubscriptionStatus.CANCELED, c.SubscriptionStatus.TERMINATED, c.SubscriptionStatus.EXPIRED})
_MAY_HAVE_CHURNED = frozenset({c.Lifecycle.ACTIVE, c.Lifecycle.INACTIVE})
LIFECYCLE_NEEDS: tuple[Need, ...] = ((c.AccountSubscription, "account"),)
ENTITY_NEEDS: tuple[Need, ...] = ((c.BillingProfile, "account"), (c.BillingCustomer, "account"))
IDENTITY_NEEDS: tuple[Need, ...] = (*ENTITY_NEEDS, (c.SupportOrganization, "account"))
SYSTEMS = {
    c.BillingProfile: System.ERP,
    c.BillingCustomer: System.BILLING,
    c.SupportOrganization: System.SUPPORT,
}


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


async def lifecycle(accounts: Sequence[c.Account], read: Read, _context: Context) -> list[LifecycleValue | SourceError]:
    """The CRM's word; a customer all of whose subscriptions ended, one of which was ever active, is CHURNED."""
    asked = [account.key for account in accounts if account.lifecycle in _MAY_HAVE_CHURNED]
    reading = await read(c.AccountSubscription, "account", asked)
    return [_lifecycle(account, reading) for account in accounts]


def _lifecycle(account: c.Account, reading: Reading) -> LifecycleValue | SourceError:
    if account.lifecycle not in _MAY_HAVE_CHURNED:
        return LifecycleValue(account.lifecycle, None, account.lifecycle_evidence)
    if account.key in reading.errors:
        return reading.errors[account.key]
    return judge_lifecycle(account, rows(reading, account.key))


def judge_lifecycle(account: c.Account, subscriptions: Sequence[c.AccountSubscription]) -> LifecycleValue:
    """Pure: the lifecycle that these facts give. What was never activated, or ended on trial, was never active."""
    counted = [each for each in subscriptions if each.status is not c.SubscriptionStatus.NEVER_ACTIVATED]
    if not all(each.status in _ENDED for each in counted) or not any(_was_active(each) for each in counted):
        return LifecycleValue(account.lifecycle, None, account.lifecycle_evidence)
    ended = [each.ended_at for each in counted if each.ended_at is not None]
    evidence = tuple(item for each in counted for item in each.status_evidence)
    return LifecycleValue(c.Lifecycle.CHURNED, max(ended, default=None), account.lifecycle_evidence + evidence)


def _was_active(subscription: c.AccountSubscription) -> bool:
    trial, ended = subscription.trial_end, subscription.ended_at
    return trial is None or ended is None or ended > trial


async def legal_entities(accounts: Sequence[c.Account], read: Read, _context: Context) -> list[Any]:
    """Codes, from the ERP's and billing's customer records; the error of one that cannot be asked: a list that may lack
    an entity is a guess."""
    keys = [account.key for account in accounts]
    readings = await _side_by_side(read, ENTITY_NEEDS, keys)
    answers: list[Any] = []
    for key in keys:
        failed = _failed(readings, key)
        codes = {each.legal_entity for reading in readings for each in rows(reading, key) if each.legal_entity}
        answers.append(failed[0] if failed else sorted(codes))
    return answers


async def identities(accounts: Sequence[c.Account], read: Read, _context: Context) -> list[Any]:
    """The account's records in each system, each with the source that says so; a system that cannot be asked is left
    out, the rest stands."""
    readings = await _side_by_side(read, IDENTITY_NEEDS, [account.key for account in accounts])
    answers: list[Any] = []
    for account in accounts:
        found = [IdentityValue("CRM", account.source, account.key, "EXPLICIT")]
        for (record, _), reading in zip(IDENTITY_NEEDS, readings, strict=True):
            found += [
                IdentityValue(SYSTEMS[record].value, each.source, each.source_id, _via(each, account))
                for each in rows(reading, account.key)
            ]
        errors = _failed(readings, account.key)
        answers.append(errors[0] if errors and len(found) == 1 else found)
    return answers


async def external_ids(accounts: Sequence[c.Account], read: Read, _context: Context) -> list[Any]:
    """What every system calls the account: its records there, and what the CRM notes. The error of a system that cannot
    be asked and of which the CRM notes nothing."""
    readings = await _side_by_side(read, IDENTITY_NEEDS, [account.key for account in accounts])
    answers: list[Any] = []
    for account in accounts:
        found = dict.fromkeys([ExternalId(System.CRM, account.key), *account.external_ids])
        failed: SourceError | None = None
        for (record, _), reading in zip(IDENTITY_NEEDS, readings, strict=True):
            found |= dict.fromkeys(ExternalId(SYSTEMS[record], each.source_id) for each in rows(reading, account.key))
            if account.key in reading.errors and all(each.system is not SYSTEMS[record] for each in found):
                failed = failed or reading.errors[account.key]
        answers.append(failed or list(found))
    return answers


async def _side_by_side(read: Read, needs: Sequence[Need], keys: Sequence[str]) -> list[Reading]:
    return await asyncio.gather(*(read(record, by, keys) for record, by in needs))


def _failed(readings: Sequence[Reading], key: str) -> list[SourceError]:
    return [reading.errors[key] for reading in readings if key in reading.errors]


def _via(record: c.Owned, account: c.Account) -> str:
    return "EXPLICIT" if record.account_key == account.key else "RULE"
