"""Organizations and users that are created and changed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sources.simulation.kit import Clock, Written
from sources.vendors.zendesk.simulator import facts
from sources.vendors.zendesk.simulator.desk import Desk
from sources.vendors.zendesk.simulator.errors import invalid
from sources.vendors.zendesk.simulator.shapes import Object, look, show, stamp, url

_ORGANIZATION: Object = {
    "name": None, "shared_tickets": False, "shared_comments": False, "external_id": None, "domain_names": [],
    "details": None, "notes": None, "group_id": None, "tags": [], "organization_fields": {},
}  # fmt: skip
_USER: Object = {
    "name": None, "email": None, "external_id": None, "role": "end-user", "organization_id": None, "phone": None,
    "active": True, "verified": False, "suspended": False, "locale": "en-US", "time_zone": "UTC", "tags": [],
    "user_fields": {},
}  # fmt: skip


class Writes:
    """Changes of organizations and users. No key is known here: who repeats goes by an external id."""

    def __init__(self, desk: Desk, clock: Clock, written: Written) -> None:
        self._desk, self._clock, self._written = desk, clock, written

    def organization(self, given: Object, key: str | None = None) -> Object:
        """A new or changed organization; fields that this account does not have are left out."""
        before = show(self._desk.get("organizations", key)) if key is not None else None
        made = self._merged("organizations", _ORGANIZATION, given, before)
        kept = before["organization_fields"] if before else {}
        own = fields(dict.fromkeys(facts.ORGANIZATION_FIELDS), given.get("organization_fields") or {})
        made["organization_fields"] = {**dict.fromkeys(facts.ORGANIZATION_FIELDS), **kept, **own}
        if not made["name"]:
            raise invalid("name", "Name: cannot be blank", "BlankValue")
        if before is None or made["name"] != before["name"]:
            self._check_name(made)
        self._check_unique("organizations", "external_id", made)
        plan = own.get(facts.PLAN_FIELD)
        if plan is not None and plan not in self._desk.plans:
            raise invalid("base", facts.NO_OPTION.format(plan, facts.PLAN_FIELD))
        operation = made["organization_fields"].get(facts.OPERATION_FIELD)
        self._record("organization", before, made, operation=str(operation) if operation else None)
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
        self._record("user", before, made)
        return self._desk.put("users", made)

    def upsert(self, kind: str, given: Object) -> tuple[Object, bool]:
        """Created or updated by id, external id, or (a user) address; and whether it was created."""
        known = self._desk.many(kind, [str(given.get("id"))])
        for field in ("external_id", "email") if kind == "users" else ("external_id",):
            known = known or (self._desk.having(kind, field, [str(given[field])]) if given.get(field) else [])
        write = self.user if kind == "users" else self.organization
        return write(given, str(look(known[0], "id")) if known else None), not known

    def _merged(self, kind: str, defaults: Object, given: Object, before: Object | None) -> Object:
        now = self._clock.now()
        if before is None:
            return new_object(self._desk, kind, defaults, given, now)
        return {**before, **fields(defaults, given), "updated_at": stamp(now)}

    def _record(self, kind: str, before: Object | None, made: Object, **more: str | None) -> None:
        """An effect; a change to what there was already is none."""
        if before is not None and all(made[name] == before[name] for name in made if name != "updated_at"):
            return
        done = "create" if before is None else "update"
        self._written.add(f"{kind}.{done}", str(made["id"]), external_id=made["external_id"], **more)

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


def new_object(desk: Desk, kind: str, defaults: Object, given: Object, now: datetime) -> Object:
    """An object of the kind with the next id, and what was given of it."""
    key, at = desk.new_id(kind), stamp(now)
    about = {"url": url(kind, key), "id": key, "created_at": at, "updated_at": at}
    blank = {name: value.copy() if isinstance(value, list | dict) else value for name, value in defaults.items()}
    return {**about, **blank, **fields(defaults, given)}


def fields(known: Mapping[str, Any], given: Object) -> Object:
    """What the kind has of what was given: other properties are ignored, as the vendor does."""
    return {name: value for name, value in given.items() if name in known}
