"""The rights that cover a request, an account's own and those of the accounts above it, each with what it hangs on."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec

from resolvers.batch import Need, Read
from resolvers.entitlement import window
from resolvers.entitlement.decide import covers
from resolvers.entitlement.model import Figures, LastKnown, Request, Right, Verdict
from resolvers.entitlement.rows import judge_right
from resolvers.facts.reading import rows
from sources import canonical as c
from sources.errors import Ambiguous, Missing, SourceError
from sources.ports import Reading

NEEDS: tuple[Need, ...] = (
    (c.Account, "key"),
    (c.Entitlement, "account"),
    (c.AccountSubscription, "account"),
    (c.AccountSubscription, "key"),
    (c.Renewal, "account"),
)
_LIVE_FIRST = (
    c.SubscriptionStatus.ACTIVE,
    c.SubscriptionStatus.TRIALING,
    c.SubscriptionStatus.PAST_DUE,
    c.SubscriptionStatus.SUSPENDED,
)


class Notes:
    """What was read for one question, and what could not be read."""

    def __init__(self, read: Read, request: Request, figures: Figures) -> None:
        self.read, self.request, self.figures = read, request, figures
        self.missing: list[SourceError] = []
        self.evidence: list[c.Record] = []
        self.known_as: frozenset[str] = frozenset()
        self.ambiguous = False
        self.stale = False

    def rows(self, reading: Reading, key: str, *, needed: bool = True) -> Sequence[Any]:
        """An account's rows of a fact; what went wrong is remembered where the decision needs the fact, and whether it
        is past its time."""
        error = reading.errors.get(key)
        if needed:
            self.rests_on(reading)
        if isinstance(error, Ambiguous) and key in self.known_as:
            self.ambiguous = True
        elif error is not None and needed:
            self.missing.append(error)
        return rows(reading, key)

    def rests_on(self, reading: Reading) -> None:
        """The decision needs what was read: it is stale where one of the facts is."""
        self.stale = self.stale or any(each.served is c.Served.STALE for each in reading.rows.values())

    def allows(self, right: Right) -> bool:
        """Whether a right alone would be enough."""
        judged = judge_right(right, self.request, self.figures)
        return judged is not None and judged.verdict is Verdict.ALLOW


async def rights_for(account: c.Account, notes: Notes) -> list[Right]:
    """Own rights and, as long as none allows, those of the ancestors that cover this account, the nearest first. An
    ancestor that cannot be read is a missing fact."""
    entitlements, subscriptions = await asyncio.gather(
        notes.read(c.Entitlement, "account", [account.key]), notes.read(c.AccountSubscription, "account", [account.key])
    )
    found = await _rights(account.key, entitlements, subscriptions, notes, inherited=False)
    parent = account.parent_key
    for _ in range(notes.figures.ancestors):
        if parent is None or any(notes.allows(right) for right in found):
            return found
        above, entitlements, subscriptions = await asyncio.gather(
            notes.read(c.Account, "key", [parent]),
            notes.read(c.Entitlement, "account", [parent]),
            notes.read(c.AccountSubscription, "account", [parent]),
        )
        notes.rests_on(above)
        if not rows(above, parent):
            notes.missing.append(above.errors.get(parent) or Missing("an account above this one cannot be read"))
            return found
        found += await _rights(parent, entitlements, subscriptions, notes, inherited=True)
        parent = rows(above, parent)[0].parent_key
    return found


async def _rights(
    key: str, entitlements: Reading, subscriptions: Reading, notes: Notes, *, inherited: bool
) -> list[Right]:
    granted = [
        each
        for each in notes.rows(entitlements, key)
        if covers(each, notes.request, notes.figures) and (not inherited or _extends(each, notes))
    ]
    if not granted:
        return []
    known = {each.key: each for each in notes.rows(subscriptions, key)}
    unread = key in subscriptions.errors
    lost = frozenset[str]() if unread else await _elsewhere(granted, known, notes)
    rights = [_right(each, key, known, unread, lost, inherited=inherited) for each in granted]
    used = {right.subscription.key: right.subscription for right in rights if right.subscription is not None}
    notes.evidence += [*granted, *used.values()]
    return await _with_renewals(key, rights, notes)


def _right(
    entitlement: c.Entitlement,
    holder: str,
    known: dict[str, c.AccountSubscription],
    unread: bool,
    lost: frozenset[str],
    *,
    inherited: bool,
) -> Right:
    named, found = entitlement.subscription_key, _hangs_on(entitlement, known)
    hangs = entitlement.feature is not None or named is not None
    missing = hangs and found is None and (unread or named in lost)
    return Right(
        entitlement=entitlement,
        holder=holder,
        inherited=inherited,
        subscription=found,
        subscription_missing=missing,
        subscription_absent=named is not None and found is None and not missing,
    )


async def _elsewhere(
    granted: Sequence[c.Entitlement], known: dict[str, c.AccountSubscription], notes: Notes
) -> frozenset[str]:
    """Adds the subscriptions that rights name and another account pays for (a reseller's); returns the unreadable."""
    named = sorted({each.subscription_key for each in granted if each.subscription_key} - known.keys())
    if not named:
        return frozenset()
    reading = await notes.read(c.AccountSubscription, "key", named)
    notes.rests_on(reading)
    known |= {each.key: each for name in named for each in rows(reading, name)}
    notes.missing += reading.errors.values()
    return frozenset(reading.errors)


async def _with_renewals(key: str, rights: list[Right], notes: Notes) -> list[Right]:
    """Whether a renewal is open, asked only for rights that are over."""
    if not any(window.over(right, notes.request.now) for right in rights):
        return rights
    reading = await notes.read(c.Renewal, "account", [key])
    notes.rests_on(reading)
    open_ones = [each for each in rows(reading, key) if each.open]
    told = []
    for right in rights:
        named = right.entitlement.subscription_key
        mine = [each for each in open_ones if named is None or each.subscription_key in (None, named)]
        notes.evidence += [each for each in mine if each not in notes.evidence]
        unknown = None if key in reading.errors else False
        told.append(msgspec.structs.replace(right, renewing=True if mine else unknown))
    return told


def last_known(rights: Sequence[Right], notes: Notes) -> LastKnown | None:
    """What was known last of a feature whose subscription cannot be read. Billing grants a feature only as long as a
    subscription with it lives: a grant in force says that there was one then, a right by a plan's name says no such
    thing."""
    granted = [
        right.entitlement.as_of
        for right in rights
        if right.subscription_missing and right.entitlement.feature is not None
        if right.entitlement.subscription_key is None
        if _in_force(msgspec.structs.replace(right, subscription_missing=False), notes)
    ]
    return LastKnown(Verdict.ALLOW, max(granted)) if granted else None


def _in_force(right: Right, notes: Notes) -> bool:
    judged = judge_right(right, notes.request, notes.figures)
    return judged is not None and judged.verdict is Verdict.ALLOW and judged.rule == 7


def _extends(entitlement: c.Entitlement, notes: Notes) -> bool:
    """Whether an ancestor's right reaches down to the account that is asked about."""
    if entitlement.coverage is c.Coverage.AFFILIATES:
        return True
    return entitlement.coverage is c.Coverage.LISTED and not notes.known_as.isdisjoint(entitlement.covers)


def _hangs_on(entitlement: c.Entitlement, known: dict[str, c.AccountSubscription]) -> c.AccountSubscription | None:
    """The subscription a right hangs on: the one it names. A feature names none; then the best live one of the account
    stands for it, because billing grants a feature as long as any subscription with it lives."""
    if entitlement.subscription_key is not None:
        return known.get(entitlement.subscription_key)
    if entitlement.feature is None:
        return None
    live = [each for each in known.values() if each.status in _LIVE_FIRST]
    return min(live, key=lambda each: _LIVE_FIRST.index(each.status), default=None)
