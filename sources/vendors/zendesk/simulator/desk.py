"""What the desk holds: organizations, users, tickets, groups, policies, as the vendor shows them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sources.simulation.enterprise import DeskGroup, DeskOrganization, DeskPolicy, DeskTicket, DeskUser, SupportBook
from sources.vendors.zendesk.simulator.errors import not_found

Object = dict[str, Any]
KINDS = ("organizations", "users", "tickets", "groups")


def stamp(at: datetime | None) -> str | None:
    """ISO 8601 with Z, whole seconds."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ") if at is not None else None


class Desk:
    """Objects by kind and id, indexed by external id and by organization."""

    def __init__(self, book: SupportBook, base: str = "https://opsgraph.zendesk.example") -> None:
        self._base = f"{base}/api/v2"
        self.objects: dict[str, dict[int, Object]] = {kind: {} for kind in KINDS}
        self.slas: dict[int, list[Object]] = {}
        self.tickets_of: dict[int, list[int]] = defaultdict(list)
        self.written_at: dict[int, float] = {}
        self._external: dict[str, dict[str, list[int]]] = {kind: defaultdict(list) for kind in KINDS}
        self.policies = [self._policy(each) for each in book.policies]
        for group in book.groups:
            self.put("groups", self._group(group))
        for organization in book.organizations:
            self.put("organizations", self._organization(organization))
        for user in book.users:
            self.put("users", self._user(user))
        for ticket in book.tickets:
            self.put("tickets", self._ticket(ticket))
            self.slas[ticket.id] = [
                {"breach_at": stamp(each.breach_at), "stage": each.stage, "metric": each.metric} for each in ticket.slas
            ]

    def put(self, kind: str, made: Object) -> Object:
        """Adds or replaces."""
        key = made["id"]
        before = self.objects[kind].get(key)
        if before is not None and before.get("external_id"):
            self._external[kind][str(before["external_id"])].remove(key)
        if before is None and kind == "tickets" and made.get("organization_id"):
            self.tickets_of[made["organization_id"]].append(key)
        self.objects[kind][key] = made
        if made.get("external_id"):
            self._external[kind][str(made["external_id"])].append(key)
        return made

    def get(self, kind: str, key: str) -> Object:
        """One object; raises the vendor's 404."""
        found = self.objects[kind].get(int(key)) if key.isdigit() else None
        if found is None:
            raise not_found()
        return found

    def many(self, kind: str, keys: Iterable[str]) -> list[Object]:
        """Those of the ids that exist."""
        return [self.objects[kind][int(key)] for key in keys if key.isdigit() and int(key) in self.objects[kind]]

    def by_external(self, kind: str, keys: Iterable[str]) -> list[Object]:
        """By external ids."""
        return [self.objects[kind][one] for key in keys for one in self._external[kind].get(key, [])]

    def new_id(self, kind: str) -> int:
        """The next id."""
        return max(self.objects[kind], default=1_000) + 1

    # ------------------------------------------------------------ shapes

    def _url(self, kind: str, key: int) -> str:
        return f"{self._base}/{kind}/{key}.json"

    def _group(self, entry: DeskGroup) -> Object:
        return {"id": entry.id, "url": self._url("groups", entry.id), "name": entry.name, "deleted": False}

    def _organization(self, entry: DeskOrganization) -> Object:
        return {
            "url": self._url("organizations", entry.id),
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
            "organization_fields": {
                "support_plan": entry.support_plan,
                "billing_status": entry.billing_status,
                "region": entry.region,
                "arr": float(entry.arr) if entry.arr is not None else None,
            },
        }

    def _user(self, entry: DeskUser) -> Object:
        return {
            "id": entry.id,
            "url": self._url("users", entry.id),
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

    def _ticket(self, entry: DeskTicket) -> Object:
        return {
            "url": self._url("tickets", entry.id),
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

    def _policy(self, entry: DeskPolicy) -> Object:
        condition = {"field": "organization_fields.support_plan", "operator": "is", "value": entry.plan}
        return {
            "id": entry.id,
            "url": f"{self._base}/slas/policies/{entry.id}.json",
            "title": entry.title,
            "description": "",
            "position": entry.position,
            "filter": {"all": [condition], "any": []},
            "policy_metrics": [
                {
                    "priority": each.priority,
                    "metric": each.metric,
                    "target": each.minutes,
                    "business_hours": each.business_hours,
                }
                for each in entry.targets
            ],
        }
