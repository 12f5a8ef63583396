"""Gathers the facts of an entitlement decision: a few batched reads, side by side where they can be."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from resolvers.batch import Need, Read
from resolvers.context import Context
from resolvers.entitlement.decide import covers, decide
from resolvers.entitlement.model import Decision, Facts, Figures, Intent, Request, Right, Severity
from resolvers.facts.accounts import hold_reason, judge_standing, limits, rows
from resolvers.ids import parse_id
from sources import canonical as c
from sources.errors import Ambiguous, BadAsk, Missing, SourceError
from sources.ports import Reading

NEEDS: tuple[Need, ...] = (
    (c.Account, "key"),
    (c.Entitlement, "account"),
    (c.AccountSubscription, "account"),
    (c.BillingProfile, "account"),
    (c.BillingProfile, "key"),
    (c.BillingCustomer, "account"),
    (c.SupportOrganization, "account"),
    (c.Renewal, "account"),
    (c.Contact, "key"),
    (c.Case, "key"),
)
_LIVE_FIRST = (
    c.SubscriptionStatus.ACTIVE,
    c.SubscriptionStatus.TRIALING,
    c.SubscriptionStatus.PAST_DUE,
    c.SubscriptionStatus.SUSPENDED,
)


async def entitlement_check(  # noqa: PLR0913 - the question's arguments
    _parents: Sequence[None],
    read: Read,
    context: Context,
    *,
    account: str,
    feature: str | None = None,
    support_tier: str | None = None,
    intent: Intent = Intent.OPEN_CASE,
    contact: str | None = None,
    severity: Severity | None = None,
    case: str | None = None,
    at: Any = None,
) -> list[Decision | SourceError]:
    """The root's computation: one decision, or the error of a question that cannot be answered."""
    if (feature is None) == (support_tier is None):
        return [BadAsk("ask for a `feature` or for a `supportTier`: exactly one of them")]
    request = Request(intent, at or context.now, feature, support_tier, severity, contact, case)
    figures = figures_of(context)
    try:
        facts = await Gathering(read, context, request, figures).facts(_key(account, c.Account))
    except SourceError as error:
        return [error]
    return [decide(facts, request, figures)]


def figures_of(context: Context) -> Figures:
    """The figures of the rules, where there are any."""
    written = getattr(context.rules, "entitlement", None) or {}
    known: dict[str, Any] = {name: written[name] for name in Figures.__struct_fields__ if name in written}
    for name, text in known.items():
        if name == "tiers":
            known[name] = tuple(text.replace(" ", "").split(","))
        elif name != "version":
            known[name] = int(text)
    return Figures(**known)


def _key(text: str, record: type[c.Record]) -> str:
    """A key, from a key or from one of our ids."""
    try:
        found, _, key = parse_id(text)
    except BadAsk:
        return text
    return key if found is record else text


class Gathering:
    """Collects records, and what could not be read, while it reads."""

    def __init__(self, read: Read, context: Context, request: Request, figures: Figures) -> None:
        self._read, self._context, self._request, self._figures = read, context, request, figures
        self._missing: list[SourceError] = []
        self._evidence: list[c.Record] = []
        self._ambiguous = False

    async def facts(self, key: str) -> Facts:
        """Everything about one account; raises NOT_FOUND for one that is not there or not to be seen."""
        account = await self._account(key)
        readings = await asyncio.gather(
            self._read(c.Entitlement, "account", [account.key]),
            self._read(c.AccountSubscription, "account", [account.key]),
            self._read(c.BillingProfile, "account", [account.key]),
            self._read(c.BillingCustomer, "account", [account.key]),
            self._read(c.SupportOrganization, "account", [account.key]),
            self._read(c.Renewal, "account", [account.key]),
            self._one(c.Contact, self._request.contact_key),
            self._one(c.Case, self._request.case_key),
        )
        entitlements, subscriptions, profiles, customers, organizations, renewals, contact, case = readings
        rights = self._rights(account.key, entitlements, subscriptions, renewals, inherited=False)
        if not self._settled(rights):
            rights += await self._inherited(account)
        profile_rows: list[c.BillingProfile] = [*self._needed(profiles, account.key, only_change=True)]
        organization_rows = rows(organizations, account.key)
        on_hold = await self._on_hold(profile_rows, account.key in profiles.errors)
        standing = self._standing(profile_rows, rows(customers, account.key), profiles, customers, account.key)
        self._evidence += [*profile_rows, *rows(customers, account.key), *organization_rows]
        return Facts(
            account=account,
            rights=tuple(rights),
            contact=contact,
            case=case if case is not None and case.account_key in ("", account.key) else None,
            case_entitled_at_opening=self._entitled_at_opening(case, rights),
            on_hold=on_hold,
            standing=standing,
            effect=organization_rows[0] if organization_rows else None,
            ambiguous=self._ambiguous,
            missing=tuple(self._missing),
            evidence=tuple(self._evidence),
        )

    async def _account(self, key: str) -> c.Account:
        """The account, or the winner it was merged into."""
        for _ in range(self._figures.ancestors):
            reading = await self._read(c.Account, "key", [key])
            if key in reading.errors and not rows(reading, key):
                raise reading.errors[key]
            found = rows(reading, key)
            if not found:
                raise Missing(f"there is no account `{key}`")
            account: c.Account = found[0]
            self._evidence.append(account)
            if account.merged_into_key is None:
                return account
            key = account.merged_into_key
        raise BadAsk(f"account `{key}` was merged too often to follow")

    async def _one(self, record: type[c.Record], key: str | None) -> Any:
        if key is None:
            return None
        reading = await self._read(record, "key", [_key(key, record)])
        self._missing += reading.errors.values()
        found = [record for each in reading.rows.values() for record in each.records]
        self._evidence += found
        return found[0] if found else None

    def _needed(self, reading: Reading, key: str, *, only_change: bool = False) -> Sequence[Any]:
        """The rows of a fact that the decision needs; its failure is remembered."""
        error = reading.errors.get(key)
        if isinstance(error, Ambiguous):
            self._ambiguous = True
        elif error is not None and (not only_change or self._request.intent is Intent.CHANGE):
            self._missing.append(error)
        return rows(reading, key)

    def _rights(
        self, key: str, entitlements: Reading, subscriptions: Reading, renewals: Reading, *, inherited: bool
    ) -> list[Right]:
        granted = [each for each in self._needed(entitlements, key) if covers(each, self._request, self._figures)]
        if inherited:
            granted = [each for each in granted if self._reaches(each)]
        if not granted:
            return []
        owned = self._needed(subscriptions, key)
        renewing = any(each.open for each in rows(renewals, key))
        rights = [
            Right(
                entitlement=each,
                holder=key,
                inherited=inherited,
                subscription=_subscription(each, owned),
                subscription_missing=key in subscriptions.errors and not owned and _hangs(each),
                renewing=renewing,
            )
            for each in granted
        ]
        used = [right.subscription for right in rights if right.subscription is not None]
        self._evidence += [*granted, *{each.key: each for each in used}.values()]
        return rights

    def _reaches(self, entitlement: c.Entitlement) -> bool:
        if entitlement.coverage is c.Coverage.AFFILIATES:
            return True
        return entitlement.coverage is c.Coverage.LISTED and self._asked in entitlement.covers

    def _settled(self, rights: Sequence[Right]) -> bool:
        """Whether own rights allow already: then no ancestor is asked."""
        account = next(each for each in self._evidence if isinstance(each, c.Account) and each.merged_into_key is None)
        self._asked = account.key
        alone = Facts(account=account, rights=tuple(rights), on_hold=False)
        return bool(rights) and decide(alone, self._request, self._figures).decision.value == "ALLOW"

    async def _inherited(self, account: c.Account) -> list[Right]:
        """Rights of the nearest ancestors that cover this account; one that cannot be read is a missing fact."""
        parent = account.parent_key
        found: list[Right] = []
        for _ in range(self._figures.ancestors):
            if parent is None:
                return found
            above, entitlements, subscriptions, renewals = await asyncio.gather(
                self._read(c.Account, "key", [parent]),
                self._read(c.Entitlement, "account", [parent]),
                self._read(c.AccountSubscription, "account", [parent]),
                self._read(c.Renewal, "account", [parent]),
            )
            if not rows(above, parent):
                self._missing.append(above.errors.get(parent) or Missing("an account above this one cannot be read"))
                return found
            found = self._rights(parent, entitlements, subscriptions, renewals, inherited=True)
            if found:
                return found
            parent = rows(above, parent)[0].parent_key
        return found

    async def _on_hold(self, profiles: Sequence[c.BillingProfile], failed: bool) -> bool | None:
        """The hold of the account's own records and of those who pay for them."""
        payers = [each.payer_id for each in profiles if each.payer_id is not None and each.payer_id != each.key]
        paying: Sequence[Any] = ()
        if payers and self._request.intent is Intent.CHANGE:
            reading = await self._read(c.BillingProfile, "key", payers)
            self._missing += reading.errors.values()
            failed = failed or bool(reading.errors)
            paying = [each for found in reading.rows.values() for each in found.records]
        if any(hold_reason(each) is not None for each in (*profiles, *paying)):
            return True
        return None if failed else False

    def _standing(
        self,
        profiles: Sequence[c.BillingProfile],
        customers: Sequence[c.BillingCustomer],
        profile_reading: Reading,
        customer_reading: Reading,
        key: str,
    ) -> str:
        judged = judge_standing(profiles, customers, *limits(self._context)).value.value
        incomplete = key in profile_reading.errors or key in customer_reading.errors
        return "UNKNOWN" if incomplete and judged == "GOOD" else judged

    def _entitled_at_opening(self, case: c.Case | None, rights: Sequence[Right]) -> bool:
        if case is None or case.created_at is None:
            return False
        opened = case.created_at.date()
        return any(
            (right.entitlement.starts_on is None or right.entitlement.starts_on <= opened)
            and (right.entitlement.ends_on is None or opened <= right.entitlement.ends_on)
            for right in rights
        )


def _hangs(entitlement: c.Entitlement) -> bool:
    """Features always hang on a subscription, support rights where they name one."""
    return entitlement.feature is not None or entitlement.subscription_key is not None


def _subscription(entitlement: c.Entitlement, owned: Sequence[c.AccountSubscription]) -> c.AccountSubscription | None:
    """The subscription a right hangs on: the one it names. A feature names none; then the best live one of the account
    stands for it, because billing grants a feature as long as any subscription with it lives."""
    if entitlement.subscription_key is not None:
        return next((each for each in owned if each.key == entitlement.subscription_key), None)
    if entitlement.feature is None:
        return None
    live = [each for each in owned if each.status in _LIVE_FIRST]
    return min(live, key=lambda each: _LIVE_FIRST.index(each.status), default=None)
