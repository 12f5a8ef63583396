"""Case: its targets and where they stand now, the CRM's copy, the support plan."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from resolvers.batch import Need, Read
from resolvers.context import Context
from resolvers.facts.reading import rows, through_account
from sources import canonical as c

SLA_NEEDS: tuple[Need, ...] = ((c.Sla, "case"),)
MIRROR_NEEDS: tuple[Need, ...] = ((c.CaseMirror, "account"), (c.CaseMirror, "case"))
PLAN_NEEDS: tuple[Need, ...] = ((c.SupportOrganization, "account"), (c.SupportPlan, "key"))


async def mirror(cases: Sequence[c.Case], read: Read, _context: Context) -> list[Any]:
    """The CRM's copy of each case, null where there is none."""
    found = await through_account(cases, read, c.CaseMirror, "case_key", "case")
    return [(each[0] if each else None) if isinstance(each, list) else each for each in found]


async def slas(cases: Sequence[c.Case], read: Read, _context: Context) -> list[Any]:
    """The targets that came with the case, or else read for those that came without."""
    reading = await read(c.Sla, "case", [each.key for each in cases if each.slas is None])
    answers: list[Any] = []
    for each in cases:
        if each.slas is not None:
            answers.append([msgspec.structs.replace(sla, account_key=each.account_key) for sla in each.slas])
            continue
        answers.append(reading.errors.get(each.key) or list(rows(reading, each.key)))
    return answers


async def support_plan(cases: Sequence[c.Case], read: Read, _context: Context) -> list[Any]:
    """The plan that the desk shows for the case's account."""
    organizations = await read(
        c.SupportOrganization, "account", [each.account_key for each in cases if each.account_key]
    )
    shown = {
        case.key: next((each.support_plan for each in rows(organizations, case.account_key) if each.support_plan), None)
        for case in cases
    }
    plans = await read(c.SupportPlan, "key", sorted({name for name in shown.values() if name}))
    answers: list[Any] = []
    for case in cases:
        name = shown[case.key]
        found = rows(plans, name or "")
        failed = organizations.errors.get(case.account_key) if name is None else plans.errors.get(name)
        answers.append(failed or (found[0] if found else None))
    return answers


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
