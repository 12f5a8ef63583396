"""Zendesk's answers as typed structs: what we read of them; the rest is ignored."""

from __future__ import annotations

from typing import Any

import msgspec


class TokenAnswer(msgspec.Struct):
    """`TokenAnswer` on the wire."""

    access_token: str
    expires_in: int | None = None


class Meta(msgspec.Struct):
    """`Meta` on the wire."""

    has_more: bool = False
    after_cursor: str | None = None


class Organization(msgspec.Struct):
    """`Organization` on the wire."""

    id: int
    name: str | None = None
    external_id: str | None = None
    domain_names: list[str] | None = None
    organization_fields: dict[str, Any] | None = None
    updated_at: str | None = None


class User(msgspec.Struct):
    """`User` on the wire."""

    id: int
    name: str | None = None
    email: str | None = None
    external_id: str | None = None
    role: str | None = None
    suspended: bool | None = None
    organization_id: int | None = None
    updated_at: str | None = None


class Metric(msgspec.Struct):
    """`Metric` on the wire."""

    metric: str
    stage: str
    breach_at: str | None = None


class Slas(msgspec.Struct):
    """`Slas` on the wire."""

    policy_metrics: list[Metric] = []


class Ticket(msgspec.Struct):
    """`Ticket` on the wire."""

    id: int
    status: str
    subject: str | None = None
    description: str | None = None
    priority: str | None = None
    type: str | None = None
    organization_id: int | None = None
    requester_id: int | None = None
    assignee_id: int | None = None
    group_id: int | None = None
    tags: list[str] | None = None
    created_at: str | None = None
    updated_at: str | None = None
    external_id: str | None = None
    slas: Slas | None = None


class Comment(msgspec.Struct):
    """`Comment` on the wire."""

    id: int
    body: str | None = None
    public: bool = True
    created_at: str | None = None


class Comments(msgspec.Struct):
    """`Comments` on the wire."""

    comments: list[Comment]
    meta: Meta = msgspec.field(default_factory=Meta)


class OneTicket(msgspec.Struct):
    """`OneTicket` on the wire."""

    ticket: Ticket


class OneOrganization(msgspec.Struct):
    """`OneOrganization` on the wire."""

    organization: Organization


class Condition(msgspec.Struct):
    """`Condition` on the wire."""

    field: str
    operator: str | None = None
    value: Any = None


class PolicyFilter(msgspec.Struct):
    """`PolicyFilter` on the wire."""

    all: list[Condition] = []
    any: list[Condition] = []


class PolicyMetric(msgspec.Struct):
    """`PolicyMetric` on the wire."""

    priority: str
    metric: str
    target: int | None = None
    business_hours: bool = False


class Policy(msgspec.Struct):
    """`Policy` on the wire."""

    id: int
    title: str
    position: int | None = None
    filter: PolicyFilter | None = None
    policy_metrics: list[PolicyMetric] = []


class Organizations(msgspec.Struct):
    """`Organizations` on the wire."""

    organizations: list[Organization]


class Users(msgspec.Struct):
    """`Users` on the wire."""

    users: list[User]


class Tickets(msgspec.Struct):
    """`Tickets` on the wire."""

    tickets: list[Ticket]
    meta: Meta = msgspec.field(default_factory=Meta)
    users: list[User] = []


class TicketSearch(msgspec.Struct):
    """`TicketSearch` on the wire."""

    results: list[Ticket]
    count: int


class OrganizationSearch(msgspec.Struct):
    """`OrganizationSearch` on the wire."""

    results: list[Organization]
    count: int


class Policies(msgspec.Struct):
    """`Policies` on the wire."""

    sla_policies: list[Policy]


class Me(msgspec.Struct):
    """`Me` on the wire."""

    user: User


class Problem(msgspec.Struct):
    """`Problem` on the wire; `details` by field."""

    error: Any = None
    details: Any = None
