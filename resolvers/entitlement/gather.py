"""Gathers the facts of an entitlement decision: a few batched reads, side by side where they can be."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from resolvers.batch import Need, Read
from resolvers.context import Context
from resolvers.entitlement import rights as entitled
from resolvers.entitlement.decide import covered, decide
from resolvers.entitlement.model import Decision, Facts, Figures, Intent, Request, Right, Severity
from resolvers.entitlement.rights import Notes
from resolvers.entitlement.rows import judge_right
from resolvers.facts import standing
from resolvers.facts.reading import rows
from resolvers.ids import key_of
from resolvers.sagas.reading import hold_reason
from sources import canonical as c
from sources.errors import BadAsk, Missing, SourceError
from sources.ports import Reading

NEEDS: tuple[Need, ...] = (
    *entitled.NEEDS,
    *standing.NEEDS,
    (c.BillingProfile, "key"),
    (c.SupportOrganization, "account"),
    (c.Contact, "key"),
    (c.Case, "key"),
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
    at: datetime | None = None,
) -> list[Decision | SourceError]:
    """The root's computation: one decision, or the error of a question that cannot be answered."""
    if (feature is None) == (support_tier is None):
        return [BadAsk("ask for a `feature` or for a `supportTier`: exactly one of them")]
    if at is not None and at.tzinfo is None:
        return [BadAsk(f"`at` is `{at.isoformat()}`: say in which time zone, for example with a `Z` at the end")]
    contact_key = key_of(contact, c.Contact) if contact is not None else None
    case_key = key_of(case, c.Case) if case is not None else None
    request = Request(intent, at or context.now, feature, support_tier, severity, contact_key, case_key)
    figures = figures_of(context)
    try:
        facts = await gather(key_of(account, c.Account), Notes(read, request, figures), context)
    except SourceError as error:
        return [error]
    return [decide(facts, request, figures, context.now, context.served)]


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


async def gather(key: str, notes: Notes, context: Context) -> Facts:
    """Everything about one account; raises NOT_FOUND for one that is not there or not to be seen."""
    account = await _account(key, notes)
    keys, request = [account.key], notes.request
    rights, organizations, profiles, judged, contacts, cases = await asyncio.gather(
        entitled.rights_for(account, notes),
        notes.read(c.SupportOrganization, "account", keys),
        notes.read(c.BillingProfile, "account", keys),
        standing.standings(keys, notes.read, context),
        _one(c.Contact, request.contact_key, notes),
        _one(c.Case, request.case_key, notes),
    )
    on_hold = await _on_hold(profiles, account.key, notes)
    unexplained = not any(judge_right(right, request, notes.figures) for right in rights)
    effect = notes.rows(organizations, account.key, needed=request.support_tier is not None and unexplained)
    notes.evidence += effect
    contact, case = _found(contacts, notes), _found(cases, notes, needed=request.intent is Intent.CONTINUE_CASE)
    then = _covered_at_opening(case, rights, notes)
    return Facts(
        account=account,
        known_as=notes.known_as,
        rights=tuple(rights),
        contact=contact,
        contact_missing=bool(contacts.errors) if contacts is not None else False,
        covered_at_opening=bool(then),
        tier_at_opening=_best_tier(then, rights, notes),
        on_hold=on_hold,
        standing="UNKNOWN" if isinstance(judged[0], SourceError) else judged[0].value.value,
        effect=effect[0] if effect else None,
        effect_missing=account.key in organizations.errors,
        ambiguous=notes.ambiguous,
        missing=tuple(notes.missing),
        stale=notes.stale,
        last_known=entitled.last_known(rights, notes),
        evidence=tuple(notes.evidence),
    )


async def _account(key: str, notes: Notes) -> c.Account:
    """The account, or the winner it was merged into; all its names are remembered."""
    for _ in range(notes.figures.ancestors):
        reading = await notes.read(c.Account, "key", [key])
        found = rows(reading, key)
        notes.rests_on(reading)
        if not found:
            raise reading.errors.get(key) or Missing(f"there is no account `{key}`")
        account: c.Account = found[0]
        notes.evidence.append(account)
        notes.known_as |= {account.key}
        if account.merged_into_key is None:
            return account
        key = account.merged_into_key
    raise BadAsk(f"account `{key}` was merged too often to follow: ask for the account that won")


async def _one(record: type[c.Record], key: str | None, notes: Notes) -> Reading | None:
    return await notes.read(record, "key", [key]) if key is not None else None


def _found(reading: Reading | None, notes: Notes, *, needed: bool = True) -> Any:
    """The one record of a reading by key."""
    if reading is None:
        return None
    if needed:
        notes.missing += reading.errors.values()
        notes.rests_on(reading)
    found = [record for each in reading.rows.values() for record in each.records]
    notes.evidence += found
    return found[0] if found else None


async def _on_hold(reading: Reading, key: str, notes: Notes) -> bool | None:
    """The hold of the account's own records and of those who pay for them; it matters for a change only."""
    change = notes.request.intent is Intent.CHANGE
    profiles: list[c.BillingProfile] = [*notes.rows(reading, key, needed=change)]
    failed = key in reading.errors
    payers = sorted({each.payer_id for each in profiles if each.payer_id} - {each.key for each in profiles})
    if payers and change:
        paying = await notes.read(c.BillingProfile, "key", payers)
        notes.missing += paying.errors.values()
        notes.rests_on(paying)
        failed = failed or bool(paying.errors)
        profiles += [each for payer in payers for each in rows(paying, payer)]
    notes.evidence += profiles
    if any(hold_reason(each) is not None for each in profiles):
        return True
    return None if failed else False


def _covered_at_opening(case: c.Case | None, rights: Sequence[Right], notes: Notes) -> list[Right]:
    """The rights that were in their window when the case was opened; none once it is closed."""
    if case is None or case.created_at is None or case.account_key not in notes.known_as:
        return []
    if case.status is c.CaseStatus.CLOSED:
        return []
    opened = case.created_at
    return [right for right in rights if covered(right, opened)]


def _best_tier(then: Sequence[Right], rights: Sequence[Right], notes: Notes) -> str | None:
    """The tier at the opening, or a better one of today."""
    tiers = [right.entitlement.support_tier for right in (*then, *filter(notes.allows, rights))]
    return max(tiers, key=notes.figures.rank, default=None)
