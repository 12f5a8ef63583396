"""What was said and done on each ticket: audits, one for each change, and the comments among them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from itertools import count
from typing import Any

from sources.vendors.zendesk.simulator import facts
from sources.vendors.zendesk.simulator.desk import Desk
from sources.vendors.zendesk.simulator.errors import invalid
from sources.vendors.zendesk.simulator.shapes import Entry, Object, look, stamp

_FIRST_AUDIT = 10_000_000_000  # above the ids of tickets, which are those of their first audits


class History:
    """Audits by ticket. A ticket of the book begins with one: its requester's description."""

    def __init__(self, desk: Desk) -> None:
        self._desk, self._ids = desk, count(_FIRST_AUDIT)
        self._audits: dict[int, list[Object]] = defaultdict(list)

    def audits(self, ticket: Entry) -> list[Object]:
        """All of one ticket, the oldest first."""
        return [*self._original(ticket), *self._audits[look(ticket, "id")]]

    def comments(self, ticket: Entry) -> list[Object]:
        """What was said, the oldest first; `public` false: between agents."""
        return [
            {
                **{name: event[name] for name in ("id", "type", "author_id", "body", "public")},
                "html_body": f"<p>{event['body']}</p>",
                "plain_body": event["body"],
                "attachments": [],
                "audit_id": audit["id"],
                "created_at": audit["created_at"],
                "via": audit["via"],
                "metadata": {"system": audit["metadata"]["system"]},
            }
            for audit in self.audits(ticket)
            for event in audit["events"]
            if event["type"] == "Comment"
        ]

    def check_room(self, ticket: Entry, comment: Object | None) -> None:
        """A ticket holds 5,000 comments; it may change in other ways then."""
        if comment is not None and len(self.comments(ticket)) >= facts.COMMENTS_MOST:
            raise invalid("base", facts.TOO_MANY_COMMENTS)

    def add(
        self, before: Object | None, made: Object, comment: Object | None, custom: Mapping[str, Any], at: datetime
    ) -> Object:
        """The audit of one change: the fields that changed and the comment; `custom`: the caller's own metadata."""
        caller: int = self._desk.integration["id"]
        events = [
            {
                "id": next(self._ids),
                "type": "Create" if before is None else "Change",
                "field_name": name,
                "value": value,
                **({"previous_value": before[name]} if before is not None else {}),
            }
            for name, value in made.items()
            if name in facts.AUDITED and value != (before[name] if before is not None else None)
        ]
        if comment is not None:
            author = comment.get("author_id") or (caller if before is not None else made["submitter_id"])
            events.append(_said(next(self._ids), author, comment["body"], comment.get("public", True)))
        audit = _audit(next(self._ids), made["id"], caller, stamp(at), events, dict(custom))
        self._audits[made["id"]].append(audit)
        return audit

    def _original(self, ticket: Entry) -> list[Object]:
        """The first audit of a ticket that nobody wrote here."""
        written = self._audits[look(ticket, "id")]
        if written and any(event["type"] == "Create" for event in written[0]["events"]):
            return []
        key, requester = look(ticket, "id"), look(ticket, "requester_id")
        said = _said(key, requester, look(ticket, "description"), public=True)
        return [_audit(key, key, requester, look(ticket, "created_at"), [said], {})]


def _said(key: int, author: int, body: str, public: bool) -> Object:
    return {"id": key, "type": "Comment", "author_id": author, "body": body, "public": public}


def _audit(key: int, ticket: int, author: int, at: str | None, events: list[Object], custom: Object) -> Object:
    return {
        "id": key,
        "ticket_id": ticket,
        "created_at": at,
        "author_id": author,
        "via": {"channel": "api"},
        "metadata": {"system": {}, "custom": custom},
        "events": events,
    }
