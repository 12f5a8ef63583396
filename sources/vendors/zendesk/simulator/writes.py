"""Tickets, organizations and users that are created and changed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec

from sources.simulation.enterprise import DeskSla
from sources.simulation.kit import Clock
from sources.vendors.zendesk.simulator import facts
from sources.vendors.zendesk.simulator.desk import Desk, Measures
from sources.vendors.zendesk.simulator.errors import Refusal, invalid
from sources.vendors.zendesk.simulator.shapes import Object, look, show, stamp, url

_TICKET: Object = {
    "external_id": None, "via": {"channel": "api"}, "type": None, "subject": None, "raw_subject": None,
    "description": None, "priority": None, "status": "new", "recipient": None, "requester_id": None,
    "submitter_id": None, "assignee_id": None, "organization_id": None, "group_id": None, "collaborator_ids": [],
    "follower_ids": [], "problem_id": None, "has_incidents": False, "due_at": None, "tags": [], "custom_fields": [],
    "satisfaction_rating": None,
}  # fmt: skip
_ORGANIZATION: Object = {
    "name": None, "shared_tickets": False, "shared_comments": False, "external_id": None, "domain_names": [],
    "details": None, "notes": None, "group_id": None, "tags": [], "organization_fields": {},
}  # fmt: skip
_USER: Object = {
    "name": None, "email": None, "external_id": None, "role": "end-user", "organization_id": None, "phone": None,
    "active": True, "verified": False, "suspended": False, "locale": "en-US", "time_zone": "UTC", "tags": [],
    "user_fields": {},
}  # fmt: skip
_CHOICES: Mapping[str, tuple[str, ...]] = {
    "priority": facts.PRIORITIES, "status": facts.STATUSES, "type": facts.TYPES,
}  # fmt: skip
_REFERENCES = {
    "organization_id": "organizations", "requester_id": "users", "assignee_id": "users", "group_id": "groups",
}  # fmt: skip


class _Known(msgspec.Struct, frozen=True):
    fingerprint: str
    ticket: Object
    until: float


class Writes:
    """Changes of the desk; a key on a ticket's creation is remembered for two hours."""

    def __init__(self, desk: Desk, clock: Clock) -> None:
        self._desk, self._clock = desk, clock
        self._caller: int = desk.integration["id"]
        self._keys: dict[str, _Known] = {}

    # ------------------------------------------------------------ tickets

    def create_ticket(self, given: Object, key: str | None, body: bytes) -> tuple[Object, str | None]:
        """A new ticket, and what the key's lookup said."""
        if key is not None and len(key) > facts.KEY_LENGTH:
            raise Refusal(400, "IdempotentRequestError", f"Idempotency-Key is longer than {facts.KEY_LENGTH}")
        now = self._clock.now()
        fingerprint = hashlib.sha256(body).hexdigest()
        known = self._keys.get(key) if key is not None else None
        if known is not None and known.until > now.timestamp():
            if known.fingerprint != fingerprint:
                raise Refusal(400, "IdempotentRequestError", facts.OTHER_BODY)
            return known.ticket, "hit"
        made = self._new_ticket(given, now)
        self._desk.put_ticket(made, Measures(self._clocks(made, now)), now.timestamp())
        if key is None:
            return made, None
        self._keys[key] = _Known(fingerprint, made, now.timestamp() + facts.KEY_LIFE)
        return made, "miss"

    def change_ticket(self, key: str, given: Object) -> Object:
        """A changed ticket; a closed one never changes."""
        entry, now = self._desk.get("tickets", key), self._clock.now()
        before, measures = show(entry), self._desk.measures(entry)
        if before["status"] == "closed":
            raise invalid("status", facts.CLOSED)
        if given.get("safe_update") and not _same_instant(given.get("updated_stamp"), before["updated_at"]):
            raise Refusal(409, "UpdateConflict", facts.STALE)
        made = {**before, **_fields(_TICKET, given), "updated_at": stamp(now)}
        made["generated_timestamp"] = int(now.timestamp())
        self._check_ticket(made)
        self._desk.put_ticket(made, self._measured(before, made, measures, now), now.timestamp())
        return made

    def _new_ticket(self, given: Object, now: datetime) -> Object:
        comment = given.get("comment")
        text = (comment.get("body") if isinstance(comment, dict) else None) or given.get("description")
        if not text:
            raise invalid("base", "Description: cannot be blank", "BlankValue")
        made = self._made("tickets", _TICKET, given, now)
        made["requester_id"] = made["requester_id"] or self._requester(given.get("requester"))
        made["submitter_id"] = made["submitter_id"] or self._caller
        self._check_ticket(made)
        if made["organization_id"] is None:
            made["organization_id"] = look(self._desk.get("users", str(made["requester_id"])), "organization_id")
        made["description"], made["subject"] = text, made["subject"] or text[:150]
        made["raw_subject"] = made["subject"]
        made["generated_timestamp"] = int(now.timestamp())
        return made

    def _requester(self, given: Object | None) -> int:
        """Who is described: found by the address, or made."""
        if not given:
            return self._caller
        found = self._desk.having("users", "email", [str(given.get("email"))])
        return int(look(found[0], "id")) if found else int(self.user(given)["id"])

    def _check_ticket(self, made: Object) -> None:
        for name, choices in _CHOICES.items():
            if made[name] is not None and made[name] not in choices:
                raise invalid(name, f"{name.title()}: {made[name]} is not valid")
        for name, kind in _REFERENCES.items():
            if made[name] is not None and self._desk.at(kind, made[name]) is None:
                raise invalid(name, f"{name.removesuffix('_id').title()}: {made[name]} is invalid")

    def _measured(self, before: Object, made: Object, known: Measures, now: datetime) -> Measures:
        """The clocks end with the ticket's solution, start again when its priority or organization changes."""
        was, is_finished = before["status"] in facts.FINISHED, made["status"] in facts.FINISHED
        if is_finished:
            slas = tuple(msgspec.structs.replace(each, stage="achieved") for each in known.slas)
            return Measures(slas, known.reopens, known.solved_at if was else now)
        moved = any(made[name] != before[name] for name in ("priority", "organization_id"))
        return Measures(self._clocks(made, now) if moved else known.slas, known.reopens + was, None)

    def _clocks(self, made: Object, now: datetime) -> tuple[DeskSla, ...]:
        """The targets of the organization's plan for the ticket's priority, in calendar minutes from its creation."""
        organization = self._desk.at("organizations", made["organization_id"])
        targets = self._desk.targets.get(look(organization, "support_plan"), ()) if organization is not None else ()
        created = datetime.fromisoformat(made["created_at"])
        stage = "achieved" if made["status"] in facts.FINISHED else "active"
        return tuple(
            DeskSla(metric=each.metric, stage=stage, breach_at=created + timedelta(minutes=each.minutes))
            for each in targets
            if each.priority == made["priority"]
        )

    # ------------------------------------------------------------ organizations and users

    def organization(self, given: Object, key: str | None = None) -> Object:
        """A new or changed organization; fields that this account does not have are left out."""
        before = show(self._desk.get("organizations", key)) if key is not None else None
        made = self._merged("organizations", _ORGANIZATION, given, before)
        kept = before["organization_fields"] if before else {}
        fields = given.get("organization_fields") or {}
        own = {name: value for name, value in fields.items() if name in facts.ORGANIZATION_FIELDS}
        made["organization_fields"] = {**dict.fromkeys(facts.ORGANIZATION_FIELDS), **kept, **own}
        if not made["name"]:
            raise invalid("name", "Name: cannot be blank", "BlankValue")
        if before is None or made["name"] != before["name"]:
            self._check_name(made)
        self._check_unique("organizations", "external_id", made)
        return self._desk.put("organizations", made)

    def user(self, given: Object, key: str | None = None) -> Object:
        """A new or changed user."""
        before = show(self._desk.get("users", key)) if key is not None else None
        made = self._merged("users", _USER, given, before)
        if not made["name"]:
            raise invalid("name", "Name: is too short (minimum is 1 characters)", "ValueTooShort")
        if made["role"] not in facts.ROLES:
            raise invalid("role", f"Role: {made['role']} is not valid")
        self._check_unique("users", "email", made)
        self._check_unique("users", "external_id", made)
        return self._desk.put("users", made)

    def upsert(self, kind: str, given: Object) -> tuple[Object, bool]:
        """Created or updated by id, external id, or (a user) address; and whether it was created."""
        fields = ("external_id", "email") if kind == "users" else ("external_id",)
        known = self._desk.many(kind, [str(given.get("id"))])
        for field in fields:
            known = known or (self._desk.having(kind, field, [str(given[field])]) if given.get(field) else [])
        write = self.user if kind == "users" else self.organization
        return write(given, str(look(known[0], "id")) if known else None), not known

    def _merged(self, kind: str, defaults: Object, given: Object, before: Object | None) -> Object:
        now = self._clock.now()
        if before is None:
            return self._made(kind, defaults, given, now)
        return {**before, **_fields(defaults, given), "updated_at": stamp(now)}

    def _made(self, kind: str, defaults: Object, given: Object, now: datetime) -> Object:
        key, at = self._desk.new_id(kind), stamp(now)
        about = {"url": url(kind, key), "id": key, "created_at": at, "updated_at": at}
        blank = {name: value.copy() if isinstance(value, list | dict) else value for name, value in defaults.items()}
        return {**about, **blank, **_fields(defaults, given)}

    def _check_name(self, made: Object) -> None:
        name = made["name"].lower()
        words = self._desk.wording("organizations", name.split()[0])
        others = words if words is not None else self._desk.tables["organizations"].values()
        if any(look(each, "name").lower() == name and look(each, "id") != made["id"] for each in others):
            raise invalid("name", f"Name: {made['name']} has already been taken", "DuplicateValue")

    def _check_unique(self, kind: str, field: str, made: Object) -> None:
        if made[field] is None:
            return
        if any(look(each, "id") != made["id"] for each in self._desk.having(kind, field, [str(made[field])])):
            title = field.replace("_", " ").capitalize()
            raise invalid(field, f"{title}: {made[field]} is already being used", "DuplicateValue")


def _fields(known: Mapping[str, Any], given: Object) -> Object:
    """What the kind has of what was given: other properties are ignored, as the vendor does."""
    return {name: value for name, value in given.items() if name in known}


def _same_instant(given: object, actual: str) -> bool:
    try:
        return datetime.fromisoformat(str(given)) == datetime.fromisoformat(actual)
    except (TypeError, ValueError):
        return False
