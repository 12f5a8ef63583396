"""How the book's entries look on the wire, and how one field of an entry is read without making the whole object."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sources.simulation.enterprise import DeskGroup, DeskOrganization, DeskPolicy, DeskSla, DeskTicket, DeskUser
from sources.vendors.zendesk.simulator.facts import API, BASE, ORGANIZATION_FIELDS, PLAN_CONDITION

Object = dict[str, Any]
Entry = DeskOrganization | DeskUser | DeskTicket | DeskGroup | Object
"""What a desk keeps: entries of the book, and finished objects once somebody wrote them."""

SINGULAR = {"organizations": "organization", "users": "user", "tickets": "ticket", "groups": "group"}
_ATTRIBUTES = {
    DeskTicket: {"external_id": "account_external_id", "type": "kind"},
    DeskOrganization: {"external_id": "account_id", "domain_names": "domains"},
    DeskUser: {"external_id": "contact_id"},
    DeskGroup: {},
}


def stamp(at: datetime | None) -> str | None:
    """ISO 8601 with Z, whole seconds."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ") if at is not None else None


def look(found: Entry, name: str) -> Any:
    """The field `name` as on the wire; None where there is none. Fields of an organization go by their own keys."""
    if isinstance(found, dict):
        return found[name] if name in found else found.get("organization_fields", {}).get(name)
    value = getattr(found, _ATTRIBUTES[type(found)].get(name, name), None)
    return stamp(value) if isinstance(value, datetime) else value


def url(kind: str, key: int | str) -> str:
    """The address of an object."""
    return f"{BASE}{API}/{kind}/{key}.json"


def show(found: Entry) -> Object:
    """The whole object, a copy."""
    match found:
        case DeskOrganization():
            return _organization(found)
        case DeskUser():
            return _user(found)
        case DeskTicket():
            return _ticket(found)
        case DeskGroup():
            return {"id": found.id, "url": url("groups", found.id), "name": found.name, "deleted": False}
    return dict(found)


def integration(since: datetime, email: str) -> Object:
    """The user behind the account's credentials."""
    entry = DeskUser(
        id=1,
        contact_id=None,
        name="Integration",
        email=email,
        role="admin",
        organization_id=None,
        phone=None,
        suspended=False,
        created_at=since,
        updated_at=since,
    )
    return _user(entry)


def _organization(entry: DeskOrganization) -> Object:
    fields = {name: getattr(entry, name, None) for name in ORGANIZATION_FIELDS}
    return {
        "url": url("organizations", entry.id),
        "id": entry.id,
        "name": entry.name,
        "shared_tickets": False,
        "shared_comments": False,
        "external_id": entry.account_id,
        "created_at": stamp(entry.created_at),
        "updated_at": stamp(entry.updated_at),
        "domain_names": list(entry.domains),
        "details": None,
        "notes": entry.notes,
        "group_id": None,
        "tags": list(entry.tags),
        "organization_fields": fields | {"arr": float(entry.arr) if entry.arr is not None else None},
    }


def _user(entry: DeskUser) -> Object:
    return {
        "id": entry.id,
        "url": url("users", entry.id),
        "name": entry.name,
        "email": entry.email,
        "created_at": stamp(entry.created_at),
        "updated_at": stamp(entry.updated_at),
        "external_id": entry.contact_id,
        "role": entry.role,
        "organization_id": entry.organization_id,
        "phone": entry.phone,
        "active": True,
        "verified": True,
        "suspended": entry.suspended,
        "locale": "en-US",
        "time_zone": "UTC",
        "tags": [],
        "user_fields": {},
    }


def _ticket(entry: DeskTicket) -> Object:
    return {
        "url": url("tickets", entry.id),
        "id": entry.id,
        "external_id": entry.account_external_id,
        "via": {"channel": "web"},
        "created_at": stamp(entry.created_at),
        "updated_at": stamp(entry.updated_at),
        "generated_timestamp": int(entry.updated_at.timestamp()),
        "type": entry.kind,
        "subject": entry.subject,
        "raw_subject": entry.subject,
        "description": entry.description,
        "priority": entry.priority,
        "status": entry.status,
        "recipient": None,
        "requester_id": entry.requester_id,
        "submitter_id": entry.requester_id,
        "assignee_id": entry.assignee_id,
        "organization_id": entry.organization_id,
        "group_id": entry.group_id,
        "collaborator_ids": [],
        "follower_ids": [],
        "problem_id": None,
        "has_incidents": False,
        "due_at": None,
        "tags": list(entry.tags),
        "custom_fields": [],
        "satisfaction_rating": None,
    }


def policy(entry: DeskPolicy) -> Object:
    """An SLA policy, which holds for the organizations with its plan."""
    targets = [
        {
            "priority": each.priority,
            "metric": each.metric,
            "target": each.minutes,
            "business_hours": each.business_hours,
        }
        for each in entry.targets
    ]
    return {
        "id": entry.id,
        "url": url("slas/policies", entry.id),
        "title": entry.title,
        "description": "",
        "position": entry.position,
        "filter": {"all": [{"field": PLAN_CONDITION, "operator": "is", "value": entry.plan}], "any": []},
        "policy_metrics": targets,
    }


def clocks(slas: tuple[DeskSla, ...], now: datetime) -> Object:
    """The `slas` of a ticket; the time left is in days, hours or minutes, whole ones, negative when it is over."""
    metrics: list[Object] = []
    for each in slas:
        shown: Object = {"breach_at": stamp(each.breach_at), "stage": each.stage, "metric": each.metric}
        if each.breach_at is not None:
            minutes = int((each.breach_at - now).total_seconds() / 60)
            unit, size = next(
                (one for one in (("days", 1_440), ("hours", 60)) if abs(minutes) >= one[1]), ("minutes", 1)
            )
            shown[unit] = int(minutes / size)
        metrics.append(shown)
    return {"policy_metrics": metrics}


def metric_set(found: Entry, reopens: int, solved_at: datetime | None) -> Object:
    """The ticket's metrics; its id is the ticket's. Nobody works outside business hours here: both counts agree."""
    created, changed = look(found, "created_at"), look(found, "updated_at")
    minutes = None
    if solved_at is not None:
        minutes = int((solved_at - datetime.fromisoformat(created)).total_seconds() / 60)
    both = {"calendar": minutes, "business": minutes}
    return {
        "url": url("ticket_metrics", look(found, "id")),
        "id": look(found, "id"),
        "ticket_id": look(found, "id"),
        "created_at": created,
        "updated_at": changed,
        "status_updated_at": changed,
        "solved_at": stamp(solved_at),
        "reopens": reopens,
        "replies": 0 if look(found, "status") == "new" else 1,
        "group_stations": 1 if look(found, "group_id") else 0,
        "assignee_stations": 1 if look(found, "assignee_id") else 0,
        "first_resolution_time_in_minutes": both,
        "full_resolution_time_in_minutes": dict(both),
        "requester_wait_time_in_minutes": dict(both),
    }
