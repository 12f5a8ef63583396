"""Case: where a target stands at the operation's present."""

from __future__ import annotations

from datetime import datetime

from resolvers.context import Context
from sources import canonical as c


def sla_state(sla: c.Sla, context: Context) -> c.SlaState:
    """The vendor's stage and breach time, judged now; the breach time is never computed here."""
    return judge_sla(sla, context.now)


def judge_sla(sla: c.Sla, now: datetime) -> c.SlaState:
    """Pure: met, paused, breached or on track."""
    if sla.achieved:
        return c.SlaState.BREACHED if sla.breached_before_achieved else c.SlaState.MET
    if sla.breach_at is not None and sla.breach_at < now:
        return c.SlaState.BREACHED
    return c.SlaState.PAUSED if sla.stage == "PAUSED" else c.SlaState.ON_TRACK
