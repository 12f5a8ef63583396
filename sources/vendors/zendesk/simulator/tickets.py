"""Tickets that are created and changed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from sources.simulation.kit import Clock, Written
from sources.vendors.zendesk.simulator import facts
from sources.vendors.zendesk.simulator.desk import Desk
from sources.vendors.zendesk.simulator.errors import Refusal, invalid
from sources.vendors.zendesk.simulator.history import History
from sources.vendors.zendesk.simulator.shapes import Object, look, show, stamp
from sources.vendors.zendesk.simulator.targets import Targets
from sources.vendors.zendesk.simulator.writes import Writes, fields, new_object

_TICKET: Object = {
    "external_id": None, "via": {"channel": "api"}, "type": None, "subject": None, "raw_subject": None,
    "description": None, "priority": None, "status": "new", "recipient": None, "requester_id": None,
    "submitter_id": None, "assignee_id": None, "organization_id": None, "group_id": None, "collaborator_ids": [],
    "follower_ids": [], "problem_id": None, "has_incidents": False, "due_at": None, "tags": [], "custom_fields": [],
    "satisfaction_rating": None,
}  # fmt: skip
_UNCHANGED = frozenset({"via", "description", "raw_subject", "submitter_id", "has_incidents", "satisfaction_rating"})
_CHOICES: Mapping[str, tuple[str, ...]] = {
    "priority": facts.PRIORITIES, "status": facts.STATUSES, "type": facts.TYPES,
}  # fmt: skip
_REFERENCES = {
    "organization_id": "organizations", "requester_id": "users", "assignee_id": "users", "group_id": "groups",
}  # fmt: skip


class _Known(msgspec.Struct, frozen=True):
    fingerprint: str
    answer: tuple[Object, Object]
    until: float


class Tickets:
    """Changes of tickets, each a ticket and its audit; a key on a creation is remembered for two hours."""

    def __init__(self, desk: Desk, clock: Clock, writes: Writes, history: History, written: Written) -> None:
        self._desk, self._clock, self._writes, self._history, self._written = desk, clock, writes, history, written
        self._targets = Targets(desk)
        self._caller: int = desk.integration["id"]
        self._keys: dict[str, _Known] = {}

    def create(self, given: Object, key: str | None, body: bytes) -> tuple[Object, Object, str | None]:
        """A new ticket, its audit, and what the key's lookup said."""
        if key is not None and len(key) > facts.KEY_LENGTH:
            raise Refusal(400, "IdempotentRequestError", f"Idempotency-Key is longer than {facts.KEY_LENGTH}")
        now = self._clock.now()
        fingerprint = hashlib.sha256(body).hexdigest()
        known = self._keys.get(key) if key is not None else None
        if known is not None and known.until > now.timestamp():
            if known.fingerprint != fingerprint:
                raise Refusal(400, "IdempotentRequestError", facts.OTHER_BODY)
            return *known.answer, "hit"
        answer = self._created(given, now, key)
        if key is None:
            return *answer, None
        self._keys[key] = _Known(fingerprint, answer, now.timestamp() + facts.KEY_LIFE)
        return *answer, "miss"

    def change(self, key: str, given: Object) -> tuple[Object, Object]:
        """A changed ticket and its audit; a closed one never changes."""
        entry, now = self._desk.get("tickets", key), self._clock.now()
        before, measures = show(entry), self._desk.measures(entry)
        if before["status"] == "closed":
            raise invalid("status", facts.CLOSED)
        if given.get("safe_update") and not _same_instant(given.get("updated_stamp"), before["updated_at"]):
            raise Refusal(409, "UpdateConflict", facts.STALE)
        comment = self._comment(given.get("comment"))
        self._history.check_room(entry, comment)
        changed = {name: value for name, value in fields(_TICKET, given).items() if name not in _UNCHANGED}
        made = {**before, **changed, "updated_at": stamp(now), "generated_timestamp": int(now.timestamp())}
        made["raw_subject"] = made["subject"]
        made["tags"] = _tags(made["tags"], given)
        made["custom_fields"] = _valued([*before["custom_fields"], *(given.get("custom_fields") or ())])
        self._check(made)
        if made["requester_id"] != before["requester_id"]:
            self._check_requester(made)
        measured = self._targets.after(before, made, measures, now, answered=self._answered(comment))
        self._desk.put_ticket(made, measured, now.timestamp())
        audit = self._history.add(before, made, comment, _custom(given), now)
        if audit["events"]:
            self._record("ticket.update", made, _custom(given), None)
        return made, audit

    def _created(self, given: Object, now: datetime, key: str | None) -> tuple[Object, Object]:
        made, comment = self._new(given, now)
        self._desk.put_ticket(made, self._targets.first(made), now.timestamp())
        audit = self._history.add(None, made, comment, _custom(given), now)
        self._record("ticket.create", made, _custom(given), key)
        return made, audit

    def _new(self, given: Object, now: datetime) -> tuple[Object, Object]:
        comment = self._comment(given.get("comment")) or self._comment({"body": given.get("description")})
        if comment is None:
            raise invalid("base", "Description: cannot be blank", "BlankValue")
        made = new_object(self._desk, "tickets", _TICKET, given, now)
        made["via"] = self._via(given.get("via_followup_source_id"))
        self._check(made)
        made["requester_id"] = made["requester_id"] or self._requester(given.get("requester"))
        self._check_requester(made)
        made["submitter_id"] = made["submitter_id"] or self._caller
        if made["organization_id"] is None:
            made["organization_id"] = look(self._desk.get("users", str(made["requester_id"])), "organization_id")
        made["description"], made["subject"] = comment["body"], made["subject"] or comment["body"][:150]
        made["raw_subject"], made["generated_timestamp"] = made["subject"], int(now.timestamp())
        made["tags"] = _tags(made["tags"], {})
        return made, comment

    def _comment(self, given: Any) -> Object | None:
        """What is said, if it says anything; its author, if named, is somebody."""
        comment = given if isinstance(given, dict) and given.get("body") else None
        if comment is not None and comment.get("author_id") is not None:
            self._check_known("author_id", comment["author_id"])
        return comment

    def _requester(self, given: Object | None) -> int:
        """Who is described: found by the address, or made."""
        if not given:
            return self._caller
        found = self._desk.having("users", "email", [str(given.get("email"))])
        return int(look(found[0], "id")) if found else int(self._writes.user(given)["id"])

    def _via(self, followed: object) -> Object:
        """How the ticket came; a follow-up is of a closed one."""
        if followed is None:
            return {"channel": "api"}
        source = self._desk.at("tickets", followed) if isinstance(followed, int) else None
        if source is None or look(source, "status") != "closed":
            raise invalid("via_followup_source_id", facts.NOT_CLOSED.format(followed))
        return {"channel": "api", "source": {"rel": "follow_up", "from": {"ticket_id": followed}, "to": {}}}

    def _check(self, made: Object) -> None:
        for name, choices in _CHOICES.items():
            if made[name] is not None and made[name] not in choices:
                raise invalid(name, f"{name.title()}: {made[name]} is not valid")
        for name in _REFERENCES:
            if made[name] is not None:
                self._check_known(name, made[name])

    def _check_requester(self, made: Object) -> None:
        requester = self._desk.get("users", str(made["requester_id"]))
        if look(requester, "suspended"):
            raise invalid("requester", facts.SUSPENDED.format(look(requester, "name")))

    def _check_known(self, name: str, key: int) -> None:
        if self._desk.at(_REFERENCES.get(name, "users"), key) is None:
            raise invalid(name, f"{name.removesuffix('_id').title()}: {key} is invalid")

    def _answered(self, comment: Object | None) -> bool:
        """Whether somebody of ours said something in public."""
        if comment is None or not comment.get("public", True):
            return False
        author = comment.get("author_id")
        return author is None or look(self._desk.get("users", str(author)), "role") != "end-user"

    def _record(self, kind: str, made: Object, custom: Mapping[str, Any], key: str | None) -> None:
        operation = custom.get("operation")
        self._written.add(
            kind,
            str(made["id"]),
            external_id=made["external_id"],
            idempotency_key=key,
            operation=str(operation) if operation is not None else None,
        )


def _custom(given: Object) -> Mapping[str, Any]:
    """The caller's own metadata of one change, which the audit keeps."""
    metadata = given.get("metadata")
    custom = metadata.get("custom") if isinstance(metadata, dict) else None
    return custom if isinstance(custom, dict) else {}


def _valued(given: Iterable[Object]) -> list[Object]:
    """Custom fields by id, the last value of each."""
    return list({each["id"]: each for each in given if "id" in each}.values())


def _tags(tags: Any, given: Object) -> list[str]:
    """Lower case and each once; `additional_tags` and `remove_tags` are known to changes of many only."""
    gone = {str(each).lower() for each in given.get("remove_tags") or ()}
    wanted = (str(each).lower() for each in [*(tags or ()), *(given.get("additional_tags") or ())])
    return [each for each in dict.fromkeys(wanted) if each not in gone]


def _same_instant(given: object, actual: str) -> bool:
    try:
        return datetime.fromisoformat(str(given)) == datetime.fromisoformat(actual)
    except (TypeError, ValueError):
        return False
