"""Rows 5 to 11 of the decision table: what each says of one right. The first that fits decides."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeAlias

from resolvers.entitlement import window
from resolvers.entitlement.model import Figures, Intent, Judgement, Request, Right, Severity, Verdict
from sources import canonical as c
from sources.canonical import SubscriptionStatus as Sub

Row: TypeAlias = Callable[[Right, Request, Figures], Judgement | None]
_LIVE = frozenset({Sub.ACTIVE, Sub.TRIALING})


def judge_right(right: Right, request: Request, figures: Figures) -> Judgement | None:
    """What the first fitting row says; None for a right that is over."""
    for row in ROWS:
        judged = row(right, request, figures)
        if judged is not None:
            return judged
    return None


def _suspended(right: Right, request: Request, _figures: Figures) -> Judgement | None:
    """5: only a recorded suspension counts: decided by an operation, with notice sent, and in effect.

    One without a date of its own is in effect: billing shows it only once it has been carried out.
    """
    suspension = right.subscription.suspension if right.subscription is not None else None
    if suspension is None or suspension.operation is None or suspension.notice_sent_at is None:
        return None
    if max(suspension.notice_sent_at, suspension.since or suspension.notice_sent_at) > request.now:
        return None
    outage = request.severity is Severity.SEVERITY_1 and request.intent is Intent.CONTINUE_CASE
    if request.intent is Intent.OPEN_CASE or outage:
        return judgement(right, Verdict.ALLOW_LIMITED, 5, "SUSPENDED", "INTAKE_OPEN", owner="revops")
    return judgement(right, Verdict.DENY, 5, "SUSPENDED", owner="revops")


def _exhausted(right: Right, request: Request, _figures: Figures) -> Judgement | None:
    """6: a pack that is used up."""
    pack = right.entitlement.pack
    used_up = pack.remaining - pack.reserved <= 0 if pack is not None else _says(right, "EXHAUSTED")
    if not used_up:
        return None
    if request.severity is Severity.SEVERITY_1:
        return judgement(right, Verdict.REFER, 6, "EXHAUSTED", "BUY_PACK", owner="support_lead")
    return judgement(right, Verdict.DENY, 6, "EXHAUSTED", "BUY_PACK", owner="renewals")


def _unknown(right: Right, request: Request, _figures: Figures) -> Judgement | None:
    """14: it runs, but what it hangs on could not be read: not allowed, and not denied either."""
    if not right.subscription_missing or not _runs(right, request):
        return None
    return judgement(right, Verdict.REFER, 14, "SUBSCRIPTION_UNKNOWN", owner="platform")


def _in_force(right: Right, request: Request, _figures: Figures) -> Judgement | None:
    """7: in its window and active, or unpaid only as far as it is disputed."""
    if not _runs(right, request) or _says(right, "SUSPENDED"):
        return None
    if right.subscription_absent:
        return judgement(right, Verdict.ALLOW, 7, "IN_FORCE", "DRIFT_SUBSCRIPTION_ABSENT", owner="revops")
    subscription = right.subscription
    if subscription is None or subscription.status in _LIVE:
        return judgement(right, Verdict.ALLOW, 7, "IN_FORCE")
    if subscription.status is Sub.PAST_DUE and c.SubscriptionOverlay.DISPUTED in subscription.overlays:
        return judgement(right, Verdict.ALLOW, 7, "IN_FORCE", "DISPUTED")
    return None


def _past_due(right: Right, request: Request, figures: Figures) -> Judgement | None:
    """8: unpaid, inside the grace of dunning. Since when is not always known; then it is inside."""
    subscription = right.subscription
    if not _runs(right, request) or subscription is None or subscription.status is not Sub.PAST_DUE:
        return None
    since = subscription.status_since or subscription.period_start
    grace = since + timedelta(days=figures.dunning_grace_days) if since is not None else None
    if grace is not None and request.now > grace:
        return None
    return judgement(right, Verdict.ALLOW, 8, "PAST_DUE_IN_GRACE", grace=grace)


def _unrecorded(right: Right, request: Request, _figures: Figures) -> Judgement | None:
    """9: unpaid for too long or suspended by nobody we know of: nobody is cut off by a computation."""
    if not _runs(right, request):
        return None
    unpaid = right.subscription is not None and right.subscription.status is Sub.PAST_DUE
    reason = "PAST_DUE_GRACE_OVER" if unpaid else "SUSPENSION_NOT_RECORDED"
    verdict = Verdict.REFER if request.intent is Intent.CHANGE else Verdict.ALLOW
    return judgement(right, verdict, 9, reason, owner="finance")


def _future(right: Right, request: Request, _figures: Figures) -> Judgement | None:
    """10: starts later; cases about getting started are taken."""
    if not window.not_started(right, request.now) or window.over(right, request.now):
        return None
    verdict = Verdict.ALLOW_LIMITED if request.intent is Intent.OPEN_CASE else Verdict.DENY
    return judgement(right, verdict, 10, "NOT_STARTED", owner="renewals")


def _renewing(right: Right, request: Request, figures: Figures) -> Judgement | None:
    """11: ended not long ago and about to go on. Whether a renewal is open must be known to deny it (14)."""
    ended = window.ended_at(right, request.now) if window.over(right, request.now) else None
    if ended is None:
        return None
    grace = right.entitlement.grace_until or ended + timedelta(days=figures.renewal_grace_days)
    if grace < request.now:
        return None
    subscription = right.subscription
    by_itself = (
        subscription is not None
        and subscription.renewal_mode is c.RenewalMode.AUTO
        and subscription.status in _LIVE | {Sub.PAST_DUE}
    )
    if right.renewing or by_itself:
        return judgement(right, Verdict.ALLOW, 11, "GRACE_RENEWAL", owner="renewals", grace=grace)
    if right.renewing is None or right.subscription_missing:
        return judgement(right, Verdict.REFER, 14, "RENEWAL_UNKNOWN", owner="renewals")
    return None


ROWS: tuple[Row, ...] = (_suspended, _exhausted, _unknown, _in_force, _past_due, _unrecorded, _future, _renewing)
"""In the order of the table; each judgement names its row."""


def judgement(
    right: Right,
    verdict: Verdict,
    rule: int,
    *reasons: str,
    owner: str | None = None,
    grace: datetime | None = None,
) -> Judgement:
    """A verdict on one right, with what an answer tells of it."""
    pack = right.entitlement.pack
    return Judgement(
        verdict,
        reasons,
        rule,
        owner=owner,
        tier=right.entitlement.support_tier,
        holder=right.holder,
        inherited=right.inherited,
        remaining=pack.remaining - pack.reserved if pack is not None else None,
        grace_until=grace,
        time_zone=str(window.time_zone(right.entitlement)),
        until=window.bounds(right) + ((grace,) if grace is not None else ()),
    )


def _runs(right: Right, request: Request) -> bool:
    return not window.not_started(right, request.now) and not window.over(right, request.now)


def _says(right: Right, status: str) -> bool:
    return right.entitlement.status == status
