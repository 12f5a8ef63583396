"""The decision table: gates for the account, then every right judged, the best verdict wins."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from resolvers.entitlement.model import (
    Decision,
    EvidenceValue,
    Facts,
    Figures,
    Intent,
    Judgement,
    Request,
    Right,
    Severity,
    Verdict,
)
from sources import canonical as c
from sources.canonical import SubscriptionStatus as Sub

_RANK = {verdict: rank for rank, verdict in enumerate(Verdict)}
_LIVE = frozenset({Sub.ACTIVE, Sub.TRIALING})
_GONE = frozenset({Sub.CANCELED, Sub.TERMINATED, Sub.EXPIRED, Sub.NEVER_ACTIVATED})
_AUTHORITY = {each: rank for rank, each in enumerate(c.SupportAuthority)}


def decide(facts: Facts, request: Request, figures: Figures) -> Decision:
    """Pure: the same facts give the same answer."""
    judged = _gates(facts, request)
    fallback = None
    if judged is None:
        judged = _best(_rights(facts, request, figures), figures) or _no_right(facts, request, figures)
        hold_unknown = request.intent is Intent.CHANGE and facts.on_hold is None
        if facts.missing and (judged.verdict is not Verdict.ALLOW or hold_unknown):
            judged, fallback = _without_evidence(judged, facts, request), "14"
    return _answer(judged, facts, request, figures, fallback)


# ---------------------------------------------------------------- gates 1 to 4


def _gates(facts: Facts, request: Request) -> Judgement | None:
    """What settles the matter for the account, whatever it has a right to."""
    account = facts.account
    if facts.ambiguous or account is None:
        return Judgement(Verdict.REFER, ("IDENTITY_AMBIGUOUS",), 1, owner="platform")
    if account.restrictions:
        return Judgement(Verdict.REFER, ("RESTRICTED",), 1, owner="legal")
    if request.contact_key is not None and not _authorised(facts.contact, request):
        return Judgement(Verdict.REFER, ("CONTACT_NOT_AUTHORISED",), 2, owner="support_lead")
    if request.intent is Intent.CONTINUE_CASE and facts.case is not None and facts.case_entitled_at_opening:
        tier = facts.effect.support_plan if facts.effect is not None else None
        return Judgement(Verdict.ALLOW, ("COVERED_AT_OPENING",), 3, tier=tier, holder=account.key)
    if request.intent is Intent.CHANGE and facts.on_hold:
        return Judgement(Verdict.DENY, ("CREDIT_HOLD",), 4, owner="finance")
    return None


def _authorised(contact: c.Contact | None, request: Request) -> bool:
    if contact is None or contact.deleted:
        return False
    if contact.authorised_until is not None and contact.authorised_until < request.now:
        return False
    needed = c.SupportAuthority.VIEW if request.intent is Intent.USE_FEATURE else c.SupportAuthority.OPEN
    return _AUTHORITY[contact.support_authority] >= _AUTHORITY[needed]


# ---------------------------------------------------------------- rows 5 to 12, for one right


def _rights(facts: Facts, request: Request, figures: Figures) -> list[Judgement]:
    return [_with_effect(_right(right, request, figures), right, facts, figures) for right in facts.rights]


def _right(right: Right, request: Request, figures: Figures) -> Judgement:
    """The first row that fits."""
    for rule in _ROWS:
        judged = rule(right, request, figures)
        if judged is not None:
            return judged
    return _judge(right, Verdict.DENY, "ENDED", 13, owner="renewals")


def _suspended(right: Right, request: Request, _figures: Figures) -> Judgement | None:
    """5: only a recorded suspension counts: decided by an operation, with notice, and in effect."""
    subscription = right.subscription
    suspension = subscription.suspension if subscription is not None else None
    if suspension is None or suspension.operation is None or suspension.notice_sent_at is None:
        return None
    if suspension.since is not None and suspension.since > request.now:
        return None
    limited = request.intent in (Intent.OPEN_CASE, Intent.CONTINUE_CASE)
    verdict = Verdict.ALLOW_LIMITED if limited else Verdict.DENY
    return _judge(right, verdict, "SUSPENDED", 5, owner="credit_manager")


def _exhausted(right: Right, request: Request, _figures: Figures) -> Judgement | None:
    """6: a pack that is used up."""
    pack = right.entitlement.pack
    if pack is None or pack.remaining - pack.reserved > 0:
        return None
    verdict = Verdict.REFER if request.severity is Severity.SEVERITY_1 else Verdict.DENY
    return _judge(right, verdict, "EXHAUSTED", 6, owner="renewals")


def _future(right: Right, request: Request, _figures: Figures) -> Judgement | None:
    """10: starts later."""
    starts = _starts(right)
    pending = right.entitlement.status is c.EntitlementStatus.PENDING
    if (starts is None or starts <= request.now) and not (pending and starts is None):
        return None
    verdict = Verdict.ALLOW_LIMITED if request.intent is Intent.OPEN_CASE else Verdict.DENY
    until = (starts,) if starts is not None else ()
    return _judge(right, verdict, "NOT_STARTED", 10, owner="renewals", until=until)


def _renewing(right: Right, request: Request, figures: Figures) -> Judgement | None:
    """11: ended not long ago and about to go on."""
    ended = _ended(right, request.now)
    if ended is None:
        return None
    grace_until = right.entitlement.grace_until or ended + timedelta(days=figures.renewal_grace_days)
    automatic = right.subscription is not None and right.subscription.renewal_mode is c.RenewalMode.AUTO
    goes_on = right.renewing or (automatic and right.subscription is not None and right.subscription.status in _LIVE)
    if not goes_on or grace_until < request.now:
        return None
    return _judge(right, Verdict.ALLOW, "GRACE_RENEWAL", 11, owner="renewals", until=(grace_until,), grace=grace_until)


def _over(right: Right, request: Request, _figures: Figures) -> Judgement | None:
    """13, for a right that ended."""
    gone = right.subscription is not None and right.subscription.status in _GONE
    if _ended(right, request.now) is None and not gone:
        return None
    return _judge(right, Verdict.DENY, "ENDED", 13, owner="renewals")


def _past_due(right: Right, request: Request, figures: Figures) -> Judgement | None:
    """8 and 9: unpaid, and nobody recorded a suspension: nobody is cut off by a computation."""
    subscription = right.subscription
    if subscription is None or subscription.status not in (Sub.PAST_DUE, Sub.SUSPENDED):
        return None
    since = subscription.status_since or subscription.period_start
    grace_until = since + timedelta(days=figures.dunning_grace_days) if since is not None else None
    if subscription.status is Sub.PAST_DUE and (grace_until is None or request.now <= grace_until):
        until = (grace_until,) if grace_until is not None else ()
        return _judge(right, Verdict.ALLOW, "PAST_DUE_IN_GRACE", 8, until=until, grace=grace_until)
    if request.intent is Intent.CHANGE:
        return _judge(right, Verdict.REFER, "PAST_DUE_GRACE_OVER", 9, owner="finance")
    return _judge(right, Verdict.ALLOW, "PAST_DUE_GRACE_OVER", 9, owner="finance")


def _in_window(right: Right, _request: Request, _figures: Figures) -> Judgement | None:
    """7: in its window and active."""
    if right.subscription_missing:
        return _judge(right, Verdict.REFER, "SUBSCRIPTION_UNKNOWN", 14, owner="platform")
    return _judge(right, Verdict.ALLOW, "IN_FORCE", 7)


_ROWS: tuple[Callable[[Right, Request, Figures], Judgement | None], ...] = (
    _suspended,
    _exhausted,
    _future,
    _renewing,
    _over,
    _past_due,
    _in_window,
)


def _with_effect(judged: Judgement, right: Right, facts: Facts, figures: Figures) -> Judgement:
    """12: the right is there and the desk does not show it: allowed all the same, and somebody should look."""
    tier, effect = right.entitlement.support_tier, facts.effect
    if judged.verdict is not Verdict.ALLOW or tier is None or right.inherited or effect is None:
        return judged
    shown = (effect.support_plan or "").lower()
    if shown == tier or _tier_rank(shown, figures) >= _tier_rank(tier, figures) >= 0:
        return judged
    return _more(judged, "DRIFT_RIGHT_WITHOUT_EFFECT")


# ---------------------------------------------------------------- rows 12 to 14, for no right


def _no_right(facts: Facts, request: Request, figures: Figures) -> Judgement:
    """12 and 13: nothing covers the request."""
    effect = facts.effect
    shown = (effect.support_plan or "").lower() if effect is not None else ""
    if effect is not None and request.support_tier is not None and shown and _reaches(shown, request, figures):
        lag = timedelta(minutes=figures.effect_lag_minutes)
        if effect.updated_at is not None and request.now - effect.updated_at <= lag:
            return Judgement(Verdict.REFER, ("EFFECT_WITHOUT_RIGHT",), 12, owner="support_lead")
        return Judgement(Verdict.DENY, ("EFFECT_WITHOUT_RIGHT", "NO_RIGHT"), 12, owner="support_lead")
    return Judgement(Verdict.DENY, ("NO_RIGHT",), 13, owner="renewals")


def _without_evidence(judged: Judgement, facts: Facts, request: Request) -> Judgement:
    """14: a fact was needed and nobody could be asked: never a denial for want of evidence."""
    reasons = tuple(
        dict.fromkeys(("EVIDENCE_MISSING", *(f"MISSING:{error.source or 'source'}" for error in facts.missing)))
    )
    if request.intent in (Intent.OPEN_CASE, Intent.CONTINUE_CASE):
        verdict = Verdict.ALLOW_LIMITED
        reasons += ("FOLLOW_UP",)
    else:
        verdict = Verdict.REFER
    kept = judged.reasons if judged.verdict in (Verdict.ALLOW_LIMITED, Verdict.REFER) else ()
    return Judgement(
        verdict, reasons + kept, 14, owner=judged.owner or "platform", tier=judged.tier, holder=judged.holder
    )


# ---------------------------------------------------------------- choosing and answering


def _best(judged: Sequence[Judgement], figures: Figures) -> Judgement | None:
    if not judged:
        return None
    best = min(judged, key=lambda each: (_RANK[each.verdict], -_tier_rank(each.tier, figures), each.inherited))
    others = [reason for each in judged for reason in each.reasons if reason not in best.reasons]
    return _more(best, *dict.fromkeys(others))


def covers(entitlement: c.Entitlement, request: Request, figures: Figures) -> bool:
    """Whether a right is for what is asked: the feature, or the tier or a better one."""
    if request.feature is not None:
        return entitlement.feature == request.feature.lower()
    if entitlement.support_tier is None:
        return False
    return request.support_tier is None or _reaches(entitlement.support_tier, request, figures)


def _reaches(tier: str, request: Request, figures: Figures) -> bool:
    wanted = (request.support_tier or "").lower()
    return tier == wanted or _tier_rank(tier, figures) >= _tier_rank(wanted, figures) >= 0


def _tier_rank(tier: str | None, figures: Figures) -> int:
    return figures.tiers.index(tier) if tier in figures.tiers else -1


def _judge(
    right: Right,
    verdict: Verdict,
    reason: str,
    rule: int,
    owner: str | None = None,
    until: tuple[datetime, ...] = (),
    grace: datetime | None = None,
) -> Judgement:
    pack = right.entitlement.pack
    return Judgement(
        verdict,
        (reason,),
        rule,
        owner=owner,
        tier=right.entitlement.support_tier,
        holder=right.holder,
        inherited=right.inherited,
        remaining=pack.remaining - pack.reserved if pack is not None else None,
        grace_until=grace,
        until=until + _bounds(right),
    )


def _more(judged: Judgement, *reasons: str) -> Judgement:
    return msgspec.structs.replace(judged, reasons=judged.reasons + reasons)


def _bounds(right: Right) -> tuple[datetime, ...]:
    """Instants after which the judgement may be another."""
    found = [_last_instant(right.entitlement)]
    if right.subscription is not None:
        found.append(right.subscription.cancel_at)
        found.append(right.subscription.next_phase.start if right.subscription.next_phase is not None else None)
    return tuple(each for each in found if each is not None)


def _answer(judged: Judgement, facts: Facts, request: Request, figures: Figures, fallback: str | None) -> Decision:
    bound = request.now + timedelta(minutes=figures.fact_minutes)
    until = min([bound, *(each for each in judged.until if each > request.now)])
    return Decision(
        decision=judged.verdict,
        reasons=judged.reasons,
        rule=judged.rule,
        version=figures.version,
        tier=judged.tier,
        covered_by=judged.holder,
        inherited=judged.inherited,
        remaining=judged.remaining,
        grace_until=judged.grace_until,
        standing=facts.standing,
        evidence=tuple(_evidence(record, request.now) for record in facts.evidence),
        fallback_rule=fallback,
        owner=judged.owner,
        valid_until=until,
        case_key=request.case_key,
    )


def _evidence(record: c.Record, now: datetime) -> EvidenceValue:
    age = max(0, int((now - record.as_of).total_seconds() * 1000))
    return EvidenceValue(type(record).__name__, record.source, record.key, record.as_of, age)


# ---------------------------------------------------------------- days and instants


def _zone(entitlement: c.Entitlement) -> ZoneInfo:
    try:
        return ZoneInfo(entitlement.time_zone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def _midnight(day: date, entitlement: c.Entitlement) -> datetime:
    return datetime.combine(day, time(), _zone(entitlement)).astimezone(UTC)


def _last_instant(entitlement: c.Entitlement) -> datetime | None:
    """Days are inclusive: a right ends at 24:00 of its last day, in its own zone."""
    return _midnight(entitlement.ends_on + timedelta(days=1), entitlement) if entitlement.ends_on is not None else None


def _starts(right: Right) -> datetime | None:
    starts = right.entitlement.starts_on
    return _midnight(starts, right.entitlement) if starts is not None else None


def _ended(right: Right, now: datetime) -> datetime | None:
    """When the right ended; None while it runs."""
    last = _last_instant(right.entitlement)
    if last is not None and last <= now:
        return last
    if right.entitlement.status is c.EntitlementStatus.EXPIRED:
        return last if last is not None and last <= now else right.entitlement.as_of
    return None
