"""The decision table: gates for the account, then every right judged, the best verdict wins."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import msgspec

from resolvers.context import live
from resolvers.entitlement import window
from resolvers.entitlement.model import (
    Decision,
    EvidenceValue,
    Facts,
    Figures,
    Intent,
    Judgement,
    Request,
    Right,
    Verdict,
)
from resolvers.entitlement.rows import judge_right
from sources import canonical as c

_RANK = {verdict: rank for rank, verdict in enumerate(Verdict)}
_AUTHORITY = {each: rank for rank, each in enumerate(c.SupportAuthority)}
_NEEDED = {
    Intent.USE_FEATURE: c.SupportAuthority.VIEW,
    Intent.OPEN_CASE: c.SupportAuthority.OPEN,
    Intent.CONTINUE_CASE: c.SupportAuthority.OPEN,
    Intent.CHANGE: c.SupportAuthority.ADMIN,
}
"""What a contact must be allowed to do at the desk before the desk does it in the account's name."""


def decide(
    facts: Facts,
    request: Request,
    figures: Figures,
    asked_at: datetime | None = None,
    served: Callable[[c.Record], c.Served] = live,
) -> Decision:
    """Pure: the same facts give the same answer. Evidence is dated by `asked_at`: now, whatever time is asked about;
    `served` tells how each fact came."""
    judged, fallback = judge(facts, request, figures), None
    if facts.stale and judged.rule not in (1, 2):
        judged, fallback = _more(judged, "STALE"), "14"
    if judged.rule == 14:
        fallback = "14"
    evidence = tuple(_evidence(record, served(record), asked_at or request.now) for record in facts.evidence)
    return _answer(judged, facts, request, figures, fallback, evidence)


def judge(facts: Facts, request: Request, figures: Figures) -> Judgement:
    """The verdict alone."""
    stopped = _gates(facts, request)
    if stopped is not None:
        return stopped
    judged = [each for right in facts.rights if (each := judge_right(right, request, figures)) is not None]
    best = _best(judged, figures) if judged else _no_right(facts, request, figures)
    if best.verdict is Verdict.ALLOW and not (request.intent is Intent.CHANGE and facts.on_hold is None):
        return _with_effect(best, facts, figures)
    if facts.missing or any(each.rule == 14 for each in judged) or best.verdict is Verdict.ALLOW:
        return _without_evidence(best, facts, request, figures)
    return best


def covers(entitlement: c.Entitlement, request: Request, figures: Figures) -> bool:
    """Whether a right is for what is asked: the feature, or the tier or a better one."""
    if request.feature is not None:
        return entitlement.feature == request.feature.lower()
    if entitlement.support_tier is None:
        return False
    return request.support_tier is None or _reaches(entitlement.support_tier, request, figures)


def covered(right: Right, at: datetime) -> bool:
    """Whether a right was in its window at an instant of the past."""
    entitlement = right.entitlement
    first, last = window.starts(right), window.last_instant(right)
    if last is None and entitlement.status is c.EntitlementStatus.EXPIRED:
        return False
    started = first <= at if first is not None else entitlement.status is not c.EntitlementStatus.PENDING
    return started and (last is None or at < last)


# ---------------------------------------------------------------- rows 1 to 4: the account


def _gates(facts: Facts, request: Request) -> Judgement | None:
    """What settles the matter, whatever the account has a right to. The cause of a restriction is not told."""
    account = facts.account
    if facts.ambiguous or account is None:
        return Judgement(Verdict.REFER, ("IDENTITY_AMBIGUOUS",), 1, owner="platform")
    if account.restrictions:
        return Judgement(Verdict.REFER, ("RESTRICTED",), 1, owner="legal")
    if request.contact_key is not None and not _authorised(facts, request):
        reason = "CONTACT_UNKNOWN" if facts.contact_missing else "CONTACT_NOT_AUTHORISED"
        return Judgement(Verdict.REFER, (reason,), 2, owner="support_lead")
    if request.intent is Intent.CONTINUE_CASE and facts.covered_at_opening:
        tier = facts.tier_at_opening
        return Judgement(Verdict.ALLOW, ("COVERED_AT_OPENING",), 3, tier=tier, holder=account.key)
    if request.intent is Intent.CHANGE and facts.on_hold:
        return Judgement(Verdict.DENY, ("CREDIT_HOLD",), 4, owner="finance")
    return None


def _authorised(facts: Facts, request: Request) -> bool:
    contact = facts.contact
    if contact is None or contact.deleted or contact.account_key not in facts.known_as:
        return False
    if contact.authorised_until is not None and contact.authorised_until < request.now:
        return False
    return _AUTHORITY[contact.support_authority] >= _AUTHORITY[_NEEDED[request.intent]]


# ---------------------------------------------------------------- rows 12 to 14


def _with_effect(judged: Judgement, facts: Facts, figures: Figures) -> Judgement:
    """12: the right is there and the desk does not show it: allowed all the same, and somebody should look."""
    if judged.tier is None or judged.inherited or facts.effect_missing:
        return judged
    shown = _shown(facts)
    if shown == judged.tier or figures.rank(shown) >= figures.rank(judged.tier) >= 0:
        return judged
    return _more(judged, "DRIFT_RIGHT_WITHOUT_EFFECT")


def _no_right(facts: Facts, request: Request, figures: Figures) -> Judgement:
    """12 and 13: no right is left. What the desk shows all the same may be on its way out, for a while."""
    ended = [right for right in facts.rights if window.over(right, request.now)]
    reasons = ("ENDED",) if ended else ("NO_RIGHT",)
    effect, shown = facts.effect, _shown(facts)
    if effect is None or request.support_tier is None or not shown or not _reaches(shown, request, figures):
        return Judgement(Verdict.DENY, (*reasons, "INTAKE_OPEN"), 13, owner="renewals")
    ends = [each for right in ended if (each := window.ended_at(right, request.now)) is not None]
    since = max([*ends, *([effect.updated_at] if effect.updated_at is not None else [])], default=request.now)
    lag = since + timedelta(minutes=figures.effect_lag_minutes)
    if request.now <= lag:
        return Judgement(Verdict.REFER, ("EFFECT_WITHOUT_RIGHT", *reasons), 12, owner="support_lead", until=(lag,))
    return Judgement(Verdict.DENY, ("EFFECT_WITHOUT_RIGHT", *reasons, "INTAKE_OPEN"), 12, owner="support_lead")


def _without_evidence(judged: Judgement, facts: Facts, request: Request, figures: Figures) -> Judgement:
    """14: a fact was needed and nobody could be asked: never a denial for want of evidence."""
    gone = [f"MISSING:{error.source}" for error in facts.missing if error.source]
    reasons = tuple(dict.fromkeys(("EVIDENCE_MISSING", *gone)))
    kept = tuple(each for each in judged.reasons if each not in ("NO_RIGHT", "IN_FORCE"))
    verdict, owner = Verdict.REFER, judged.owner or "platform"
    if request.intent in (Intent.OPEN_CASE, Intent.CONTINUE_CASE):
        verdict, reasons = Verdict.ALLOW_LIMITED, (*reasons, "FOLLOW_UP")
    elif request.intent is Intent.USE_FEATURE and _lately_allowed(facts, request, figures):
        verdict, reasons = Verdict.ALLOW, (*reasons, "LAST_KNOWN")
    return msgspec.structs.replace(judged, verdict=verdict, reasons=reasons + kept, rule=14, owner=owner)


def _lately_allowed(facts: Facts, request: Request, figures: Figures) -> bool:
    known = facts.last_known
    if known is None or known.verdict is not Verdict.ALLOW:
        return False
    return request.now - known.at <= timedelta(hours=figures.last_known_use_hours)


def _shown(facts: Facts) -> str:
    """The plan that the desk shows, in lower case."""
    return (facts.effect.support_plan or "").lower() if facts.effect is not None else ""


def _reaches(tier: str, request: Request, figures: Figures) -> bool:
    wanted = (request.support_tier or "").lower()
    return tier == wanted or figures.rank(tier) >= figures.rank(wanted) >= 0


# ---------------------------------------------------------------- choosing and answering


def _best(judged: Sequence[Judgement], figures: Figures) -> Judgement:
    """The best verdict, then the best tier, then an own right; with the reasons of all."""
    best = min(judged, key=lambda each: (_RANK[each.verdict], -figures.rank(each.tier), each.inherited))
    others = dict.fromkeys(reason for each in judged for reason in each.reasons if reason not in best.reasons)
    return _more(best, *others)


def _more(judged: Judgement, *reasons: str) -> Judgement:
    return msgspec.structs.replace(judged, reasons=judged.reasons + reasons)


def _answer(
    judged: Judgement,
    facts: Facts,
    request: Request,
    figures: Figures,
    fallback: str | None,
    evidence: tuple[EvidenceValue, ...],
) -> Decision:
    bound = request.now + timedelta(minutes=figures.fact_minutes)
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
        time_zone=judged.time_zone,
        standing=facts.standing,
        evidence=evidence,
        served=_served(judged, facts, evidence),
        fallback_rule=fallback,
        owner=judged.owner,
        valid_until=min([bound, *(each for each in judged.until if each > request.now)]),
        case_key=request.case_key,
    )


def _evidence(record: c.Record, served: c.Served, now: datetime) -> EvidenceValue:
    age = max(0, int((now - record.as_of).total_seconds() * 1000))
    return EvidenceValue(type(record).__name__, record.source, record.key, record.as_of, served, age)


def _served(judged: Judgement, facts: Facts, evidence: Sequence[EvidenceValue]) -> c.Served:
    """How the decision as a whole was served; what it does not rest on makes it no staler."""
    if judged.rule == 14:
        return c.Served.FALLBACK
    if facts.stale:
        return c.Served.STALE
    return c.Served.CACHE if any(each.served is not c.Served.LIVE for each in evidence) else c.Served.LIVE
