"""Tickets and organizations that are created and changed."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from sources.simulation.kit import Clock
from sources.vendors.zendesk.simulator.desk import Desk, Object, stamp
from sources.vendors.zendesk.simulator.errors import Refusal, invalid

_KEY_LIFE = 2 * 3600.0  # seconds
_PRIORITIES = ("urgent", "high", "normal", "low", None)
_STATUSES = ("new", "open", "pending", "hold", "solved", "closed")
_TICKET: Object = {
    "external_id": None, "type": None, "priority": None, "status": "new", "assignee_id": None, "group_id": None,
    "organization_id": None, "requester_id": None, "tags": [], "custom_fields": [], "problem_id": None, "due_at": None,
    "satisfaction_rating": None, "via": {"channel": "api"},
}  # fmt: skip
_ORGANIZATION: Object = {
    "external_id": None, "domain_names": [], "details": None, "notes": None, "group_id": None, "tags": [],
    "organization_fields": {}, "shared_tickets": False, "shared_comments": False,
}  # fmt: skip
_USER: Object = {"external_id": None, "email": None, "role": "end-user", "organization_id": None, "suspended": False}


class _Known(msgspec.Struct, frozen=True):
    fingerprint: str
    ticket: int
    until: float


class Writes:
    """Changes of the desk; a key on a ticket's creation is remembered for two hours."""

    def __init__(self, desk: Desk, clock: Clock) -> None:
        self._desk, self._clock = desk, clock
        self._keys: dict[str, _Known] = {}

    def ticket(self, given: Object, key: str | None, body: bytes) -> tuple[Object, str | None]:
        """A new ticket, and what the key's lookup said."""
        now = self._clock.now().timestamp()
        fingerprint = hashlib.sha256(body).hexdigest()
        known = self._keys.get(key) if key is not None else None
        if known is not None and known.until > now:
            if known.fingerprint != fingerprint:
                raise Refusal(400, "IdempotentRequestError", "Request parameters don't match the given idempotency key")
            return self._desk.get("tickets", str(known.ticket)), "hit"
        if "comment" not in given and "description" not in given:
            raise invalid("base", "Description: cannot be blank", "BlankValue")
        comment = given.get("comment") or {}
        made = self._made("tickets", _TICKET, given)
        made["description"] = comment.get("body") or given.get("description")
        made["raw_subject"] = made.setdefault("subject", made["description"])
        self._valid(made)
        self._desk.put("tickets", made)
        self._desk.slas[made["id"]] = []
        self._desk.written_at[made["id"]] = now
        if key is not None:
            self._keys[key] = _Known(fingerprint, made["id"], now + _KEY_LIFE)
        return made, "miss" if key is not None else None

    def change_ticket(self, key: str, given: Object) -> Object:
        """A changed ticket; a closed one never changes."""
        before = self._desk.get("tickets", key)
        if before["status"] == "closed":
            raise invalid("status", "Status: closed prevents ticket update", "InvalidValue")
        if given.get("safe_update") and given.get("updated_stamp") != before["updated_at"]:
            raise Refusal(
                409,
                "UpdateConflict",
                "Safe Update prevented the update due to outdated ticket data. "
                "Please fetch the latest ticket data and try again.",
            )
        skipped = ("comment", "safe_update", "updated_stamp")
        made = {**before, **{name: value for name, value in given.items() if name not in skipped}}
        made["updated_at"] = stamp(self._clock.now())
        self._valid(made)
        return self._desk.put("tickets", made)

    def organization(self, given: Object, key: str | None = None) -> Object:
        """A new or changed organization."""
        if key is not None:
            return self._changed("organizations", key, given)
        if not given.get("name"):
            raise invalid("name", "Name: cannot be blank", "BlankValue")
        return self._desk.put("organizations", self._made("organizations", _ORGANIZATION, given))

    def user(self, given: Object, key: str | None = None) -> Object:
        """A new or changed user."""
        if key is not None:
            return self._changed("users", key, given)
        if not given.get("name"):
            raise invalid("name", "Name: is too short (minimum one character)", "ValueTooShort")
        return self._desk.put("users", self._made("users", _USER, given))

    def _changed(self, kind: str, key: str, given: Object) -> Object:
        before = self._desk.get(kind, key)
        made = {**before, **given, "updated_at": stamp(self._clock.now())}
        if kind == "organizations":
            made["organization_fields"] = {**before["organization_fields"], **given.get("organization_fields", {})}
        return self._desk.put(kind, made)

    def _made(self, kind: str, defaults: Object, given: Object) -> Object:
        now = stamp(self._clock.now())
        kept: dict[str, Any] = {name: value for name, value in given.items() if name not in ("comment", "id", "url")}
        return {"id": self._desk.new_id(kind), "created_at": now, "updated_at": now, **defaults, **kept}

    @staticmethod
    def _valid(ticket: Object) -> None:
        if ticket["priority"] not in _PRIORITIES:
            raise invalid("priority", f"Priority: {ticket['priority']} is not valid", "InvalidValue")
        if ticket["status"] not in _STATUSES:
            raise invalid("status", f"Status: {ticket['status']} is not valid", "InvalidValue")
