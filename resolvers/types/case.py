"""Case, its clocks, the CRM's copy, and support plans."""

from __future__ import annotations

from datetime import datetime

import strawberry

from resolvers.batch import batched, derived, link
from resolvers.facts import cases as facts
from resolvers.registry import entity, value
from resolvers.types import references as ref
from resolvers.types.filters import CaseStatus, Priority
from resolvers.types.node import Node
from resolvers.types.scalars import Evidenced, status
from sources import canonical as c

SlaState = strawberry.enum(c.SlaState, description="Where a target stands.")
SlaClock = strawberry.enum(c.SlaClock, description="Which hours count.")


@entity(c.Case)
class Case(Node):
    """A request for support; owned by the support desk."""

    account: ref.AccountRef | None = link(c.Account, key="account_key")
    number: str | None
    subject: str | None
    description: str | None
    status: Evidenced[CaseStatus] | None = derived(status)  # type: ignore[valid-type]
    priority: Priority | None  # type: ignore[valid-type]
    kind: str | None
    escalated: bool | None
    requester: ref.RequesterRef | None = link(c.Requester, key="requester_key")
    assignee_key: str | None
    queue: str | None
    tags: list[str | None] | None
    created_at: datetime | None
    updated_at: datetime | None
    solved_at: datetime | None
    slas: list[ref.SlaRef | None] | None = batched(
        facts.slas, needs=facts.SLA_NEEDS, description="Its targets, running and finished."
    )
    mirror: ref.CaseMirrorRef | None = batched(facts.mirror, needs=facts.MIRROR_NEEDS, description="The CRM's copy.")
    support_plan: ref.SupportPlanRef | None = batched(
        facts.support_plan,
        needs=facts.PLAN_NEEDS,
        derives=["SupportOrganization.supportPlan"],
        description="The plan that the desk shows for the account.",
    )


@entity(c.Sla)
class Sla(Node):
    """One target of a case."""

    account: ref.AccountRef | None = link(c.Account, key="account_key")
    case: ref.CaseRef | None = link(c.Case, key="case_key")
    metric: str | None
    stage: str | None
    state: SlaState | None = derived(  # type: ignore[valid-type]
        facts.sla_state, derives=["Sla.stage", "Sla.breachAt"], description="Judged at the operation's present."
    )
    breach_at: datetime | None
    clock: SlaClock | None  # type: ignore[valid-type]
    target_minutes: int | None


@entity(c.CaseMirror)
class CaseMirror(Node):
    """The CRM's copy of a case."""

    account: ref.AccountRef | None = link(c.Account, key="account_key")
    case: ref.CaseRef | None = link(c.Case, key="case_key")
    number: str | None
    status: str | None
    escalated: bool | None
    closed: bool | None
    priority: Priority | None  # type: ignore[valid-type]
    milestone_status: str | None
    entitlement: ref.EntitlementRef | None = link(c.Entitlement, key="entitlement_key")
    contact: ref.ContactRef | None = link(c.Contact, key="contact_key")
    sla_start_at: datetime | None
    sla_exit_at: datetime | None
    stopped: bool | None


@value
class SlaTarget:
    """What a plan promises for one priority and metric."""

    priority: Priority | None  # type: ignore[valid-type]
    metric: str | None
    minutes: int | None
    clock: SlaClock | None  # type: ignore[valid-type]


@entity(c.SupportPlan)
class SupportPlan(Node):
    """A level of support; owned by the support desk."""

    name: str | None
    position: int | None
    targets: list[SlaTarget | None] | None


@entity(c.SlaProcess)
class SlaProcess(Node):
    """The CRM's SLA process of a plan."""

    plan: ref.SupportPlanRef | None = link(c.SupportPlan, key="plan_key")
    name: str | None
    active: bool | None
