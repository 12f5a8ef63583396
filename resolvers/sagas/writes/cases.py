"""escalateCase: raises a case that is there; nothing is raised that changed since the caller saw it."""

from __future__ import annotations

from datetime import datetime

import msgspec

from resolvers.sagas.concerns import SERVICE
from resolvers.sagas.reading import one, version
from resolvers.sagas.saga import Facts, Finding, Read, Saga, State, Step
from sources import canonical as c
from sources.canonical import commands as do


class EscalateCase(msgspec.Struct, frozen=True, kw_only=True):
    """`note` is internal; `group` the desk's own id of who takes it over."""

    case: str
    priority: c.Priority = c.Priority.URGENT
    note: str | None = None
    group: str | None = None


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """When the desk last saw the case change."""

    updated_at: datetime | None


async def gather(read: Read, asked: EscalateCase, now: datetime) -> Facts:
    """The case as it is."""
    case = await one(read, c.Case, asked.case)
    closed = case.status is c.CaseStatus.CLOSED
    finding = Finding(code="CASE_CLOSED", message="a closed case takes no more: open a follow-up", path="case")
    return Facts(
        account=case.account_key or None,
        documents=(f"case:{case.key}",),
        findings=(finding,) if closed else (),
        versions=version("case", case.updated_at),
        known=msgspec.to_builtins(Known(updated_at=case.updated_at)),
    )


def _escalate(state: State[EscalateCase, Known]) -> do.EscalateCase:
    return do.EscalateCase(
        operation=state.operation,
        correlation=state.correlation,
        case_key=state.input.case,
        priority=state.input.priority,
        expected_updated_at=state.known.updated_at,
        note=state.input.note,
        group=state.input.group,
    )


ESCALATE_CASE = Saga(
    mutation="escalateCase",
    input=EscalateCase,
    known=Known,
    gather=gather,
    needs=((c.Case, "key"),),
    steps=(Step("escalate", do.EscalateCase, _escalate, concern=SERVICE),),
    prompt=True,
)
