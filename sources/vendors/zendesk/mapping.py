"""Zendesk records into canonical ones: pure and total; an unknown word is an error with its field and value."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import TypeVar

from sources import canonical as c
from sources.canonical import CaseStatus, Evidence, Priority, SlaClock
from sources.errors import UnknownValue
from sources.vendors.zendesk import facts, wire

VENDOR = "zendesk"
T = TypeVar("T")

STATUS = {
    "new": CaseStatus.NEW,
    "open": CaseStatus.OPEN,
    "pending": CaseStatus.PENDING_CUSTOMER,
    "hold": CaseStatus.ON_HOLD,
    "solved": CaseStatus.RESOLVED,
    "closed": CaseStatus.CLOSED,
}
PRIORITY = {"urgent": Priority.URGENT, "high": Priority.HIGH, "normal": Priority.NORMAL, "low": Priority.LOW}
STAGE = {"active": "ACTIVE", "paused": "PAUSED", "achieved": "ACHIEVED"}
METRIC = {
    name: name.upper()
    for name in (
        "first_reply_time",
        "next_reply_time",
        "periodic_update_time",
        "pausable_update_time",
        "requester_wait_time",
        "agent_work_time",
        "total_resolution_time",
    )
}
KIND = {"problem": "PROBLEM", "incident": "INCIDENT", "question": "QUESTION", "task": "TASK"}
ROLE = {"end-user": "END_USER", "agent": "AGENT", "admin": "ADMIN"}


def word(table: Mapping[str, T], field: str, raw: str) -> T:
    """A vocabulary's entry; raises UnknownValue."""
    try:
        return table[raw]
    except KeyError:
        raise UnknownValue(VENDOR, field, raw) from None


def instant(field: str, raw: str | None) -> datetime | None:
    """An ISO 8601 instant, UTC."""
    try:
        return datetime.fromisoformat(raw) if raw else None
    except ValueError:
        raise UnknownValue(VENDOR, field, raw) from None


def organization(found: wire.Organization, source: str, as_of: datetime) -> c.SupportOrganization:
    """An organization; its external id is the account."""
    fields = found.organization_fields or {}
    return c.SupportOrganization(
        key=str(found.id),
        source=source,
        source_id=str(found.id),
        as_of=as_of,
        account_key=found.external_id or "",
        source_account_id=str(found.id),
        name=found.name or "",
        domains=tuple(found.domain_names or ()),
        support_plan=_text(fields, facts.PLAN_FIELD),
        billing_status=_text(fields, facts.STATUS_FIELD),
        region=_text(fields, facts.REGION_FIELD),
        arr=_decimal(fields, facts.ARR_FIELD),
        updated_at=instant("organization.updated_at", found.updated_at),
    )


def requester(found: wire.User, source: str, as_of: datetime) -> c.Requester:
    """A user; the external id is the contact."""
    return c.Requester(
        key=str(found.id),
        source=source,
        source_id=str(found.id),
        as_of=as_of,
        source_account_id=_id(found.organization_id) or "",
        name=found.name or "",
        email=found.email.lower() if found.email else None,
        contact_key=found.external_id,
        role=word(ROLE, "user.role", found.role) if found.role else None,
        suspended=bool(found.suspended),
        updated_at=instant("user.updated_at", found.updated_at),
    )


def case(found: wire.Ticket, source: str, as_of: datetime) -> c.Case:
    """A ticket. No priority means normal; SLAs are there only where they were asked for."""
    status = word(STATUS, "ticket.status", found.status)
    updated = instant("ticket.updated_at", found.updated_at)
    tags = tuple(found.tags or ())
    return c.Case(
        key=str(found.id),
        source=source,
        source_id=str(found.id),
        as_of=as_of,
        source_account_id=_id(found.organization_id) or "",
        number=str(found.id),
        subject=found.subject,
        description=found.description,
        status=status,
        status_evidence=(Evidence(source, "ticket.status", found.status),),
        priority=word(PRIORITY, "ticket.priority", found.priority) if found.priority else Priority.NORMAL,
        kind=word(KIND, "ticket.type", found.type) if found.type else None,
        escalated=facts.ESCALATED_TAG in tags,
        requester_key=_id(found.requester_id),
        assignee_key=_id(found.assignee_id),
        queue=_id(found.group_id),
        tags=tuple(tag for tag in tags if not tag.startswith(facts.CASE_TAG)),
        created_at=instant("ticket.created_at", found.created_at),
        updated_at=updated,
        solved_at=updated if status in (CaseStatus.RESOLVED, CaseStatus.CLOSED) else None,
        slas=slas(found, source, as_of) if found.slas is not None else None,
    )


def slas(found: wire.Ticket, source: str, as_of: datetime) -> tuple[c.Sla, ...]:
    """A ticket's targets; whether a running one is breached is for whoever knows the time."""
    return tuple(
        c.Sla(
            key=f"{found.id}:{each.metric}",
            source=source,
            source_id=f"{found.id}:{each.metric}",
            as_of=as_of,
            source_account_id=_id(found.organization_id) or "",
            case_key=str(found.id),
            metric=word(METRIC, "slas.metric", each.metric),
            stage=word(STAGE, "slas.stage", each.stage),
            breach_at=instant("slas.breach_at", each.breach_at),
            achieved=each.stage == "achieved",
        )
        for each in (found.slas.policy_metrics if found.slas else ())
    )


def plan_of(policy: wire.Policy) -> str:
    """Which plan a policy is for: the value its filter asks of our field, else its title; lower case."""
    conditions = policy.filter.all + policy.filter.any if policy.filter else []
    for each in conditions:
        if each.field in facts.PLAN_FILTERS and isinstance(each.value, str):
            return each.value.lower()
    return policy.title.split()[0].lower() if policy.title.split() else policy.title.lower()


def support_plan(policy: wire.Policy, source: str, as_of: datetime) -> c.SupportPlan:
    """A policy as the plan it stands for."""
    return c.SupportPlan(
        key=plan_of(policy),
        source=source,
        source_id=str(policy.id),
        as_of=as_of,
        name=policy.title,
        position=policy.position,
        targets=tuple(
            c.SlaTarget(
                priority=word(PRIORITY, "policy_metrics.priority", each.priority),
                metric=word(METRIC, "policy_metrics.metric", each.metric),
                minutes=each.target,
                clock=SlaClock.BUSINESS if each.business_hours else SlaClock.CALENDAR,
            )
            for each in policy.policy_metrics
            if each.target is not None
        ),
    )


def _id(value: int | None) -> str | None:
    return str(value) if value is not None else None


def _text(fields: Mapping[str, object], name: str) -> str | None:
    value = fields.get(name)
    return value if isinstance(value, str) and value else None


def _decimal(fields: Mapping[str, object], name: str) -> Decimal | None:
    value = fields.get(name)
    if value is None or value == "":
        return None
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        raise UnknownValue(VENDOR, f"organization_fields.{name}", value) from None
    if not c.sensible(found):
        raise UnknownValue(VENDOR, f"organization_fields.{name}", value)
    return found
