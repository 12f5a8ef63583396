"""A small support book with every corner that a test needs."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from sources.simulation.enterprise import (
    BillingBook,
    CrmBook,
    DeskGroup,
    DeskOrganization,
    DeskPlanTarget,
    DeskPolicy,
    DeskSla,
    DeskTicket,
    DeskUser,
    Enterprise,
    ErpBook,
    SupportBook,
)

NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)


def ago(**time: float) -> datetime:
    return NOW - timedelta(**time)


def organization(key: int, name: str, **changes: Any) -> DeskOrganization:
    entry: dict[str, Any] = {
        "account_id": f"001ACCOUNT{key:08d}",
        "domains": (),
        "support_plan": "premium",
        "billing_status": "good",
        "region": "EMEA",
        "arr": Decimal("1200.50"),
        "tags": (),
        "notes": None,
        "created_at": ago(days=400),
        "updated_at": ago(days=3),
    }
    return DeskOrganization(id=key, name=name, **{**entry, **changes})


def user(key: int, name: str, **changes: Any) -> DeskUser:
    entry: dict[str, Any] = {
        "contact_id": None,
        "email": f"user{key}@example.com",
        "role": "end-user",
        "organization_id": None,
        "phone": None,
        "suspended": False,
        "created_at": ago(days=300),
        "updated_at": ago(days=2),
    }
    return DeskUser(id=key, name=name, **{**entry, **changes})


def ticket(key: int, **changes: Any) -> DeskTicket:
    entry: dict[str, Any] = {
        "account_external_id": None,
        "organization_id": 10,
        "requester_id": 21,
        "assignee_id": 20,
        "group_id": 5,
        "subject": f"Subject {key}",
        "description": "It fails.",
        "status": "open",
        "priority": "normal",
        "kind": "incident",
        "tags": (),
        "slas": (),
        "reopens": 0,
        "created_at": ago(days=10, minutes=-key),
        "updated_at": ago(days=5, minutes=-key),
        "solved_at": None,
    }
    return DeskTicket(id=key, **{**entry, **changes})


TICKETS = (
    ticket(
        100,
        status="open",
        priority="high",
        account_external_id="gw:op-1",
        slas=(
            DeskSla(metric="first_reply_time", stage="achieved", breach_at=ago(days=9)),
            DeskSla(metric="next_reply_time", stage="active", breach_at=NOW + timedelta(hours=21, minutes=5)),
            DeskSla(metric="requester_wait_time", stage="active", breach_at=ago(minutes=30)),
            DeskSla(metric="agent_work_time", stage="paused", breach_at=None),
        ),
    ),
    ticket(101, status="closed", priority="low"),
    ticket(102, organization_id=11, requester_id=22, status="new", priority=None, assignee_id=None, group_id=None),
    ticket(103, organization_id=12, status="solved", priority="urgent", tags=("escalated",), solved_at=ago(days=4)),
    ticket(104, organization_id=None, status="hold", subject="東京 Druck läuft nicht"),
    ticket(105, organization_id=11, status="pending", reopens=2),
)
ORGANIZATIONS = (
    organization(12, "Acme Nord", domains=("north.acme.example",), support_plan=None),
    organization(10, "Acme", domains=("acme.example", "acme.test"), tags=("key_account",)),
    organization(11, "東京精密", domains=("tokyo.example",), support_plan="standard", arr=None),
    organization(13, "Unlinked & Söhne", account_id=None),
)
USERS = (
    user(20, "Ada Admin", role="admin", email="ada@desk.example"),
    user(21, "Zoë", contact_id="003CONTACT00000021", email="Zoe@acme.example", organization_id=10),
    user(22, "Bo", organization_id=11, suspended=True),
    user(23, "No Mail", email=None),
)


def enterprise(**changes: Any) -> Enterprise:
    targets = (
        DeskPlanTarget(priority="urgent", metric="first_reply_time", minutes=30, business_hours=False),
        DeskPlanTarget(priority="high", metric="first_reply_time", minutes=60, business_hours=False),
    )
    book: dict[str, Any] = {
        "policies": (
            DeskPolicy(id=2, plan="standard", title="Standard", position=2, targets=targets[:1]),
            DeskPolicy(id=1, plan="premium", title="Premium", position=1, targets=targets),
        ),
        "groups": (DeskGroup(id=5, name="Support"),),
        "organizations": ORGANIZATIONS,
        "users": USERS,
        "tickets": TICKETS,
    }
    crm = CrmBook(**dict.fromkeys(CrmBook.__struct_fields__, ()))
    billing = BillingBook(**dict.fromkeys(BillingBook.__struct_fields__, ()))
    empty = {name: () for name in ErpBook.__struct_fields__ if not name.startswith("hold")}
    erp = ErpBook(**empty, hold_preference="ignore", hold_overdue_days=0)
    support = SupportBook(**{**book, **changes})
    return Enterprise(seed=1, now=NOW, crm=crm, billing=billing, erp=erp, support=support)
