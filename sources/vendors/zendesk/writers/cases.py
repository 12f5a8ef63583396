"""Cases: opened once for a key, raised once for a key."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from sources.canonical import Priority
from sources.canonical.commands import EscalateCase, OpenCase, Written
from sources.errors import BadAsk, Contended, Rejected
from sources.ports import Effect
from sources.vendors.zendesk import facts, mapping, wire
from sources.vendors.zendesk.writers.deed import C, Deed, reference

PRIORITY = {value: raw for raw, value in mapping.PRIORITY.items()}
KIND = {value: raw for raw, value in mapping.KIND.items()}
_RANK = (Priority.LOW, Priority.NORMAL, Priority.HIGH, Priority.URGENT)


class Opening(Deed[OpenCase]):
    """The key is the vendor's own for two hours, and the ticket's external id for ever."""

    async def found(self) -> Written | None:
        """The ticket with this external id, from the list of tickets. Raises Rejected where the key was another's."""
        page = await self.desk.look("/tickets.json", wire.Tickets, "tickets.list", {"external_id": self.key})
        ticket = next((each for each in page.value.tickets if each.external_id == self.key), None)
        if ticket is None:
            return None
        told = [tag for tag in ticket.tags or () if tag.startswith(facts.CASE_TAG)]
        if told and self._tag() not in told:  # where somebody took the tag away, nothing can be compared
            raise Rejected(
                f"`{self.desk.name}` has another case under this key: use a new key for another case",
                source=self.desk.name,
                vendor_code="IdempotentRequestError",
            )
        return self.desk.written(ticket.id, ticket.created_at, number=str(ticket.id), replayed=True)

    async def done(self) -> Written:
        """Opens it; the same request under the same key comes back with the ticket that it made."""
        sent = await self.desk.client.exchange(
            "POST",
            "/tickets.json",
            wire.OneTicket,
            "tickets.create",
            effect=Effect.KEYED,
            body={"ticket": self._ticket()},
            key=self.key,
        )
        made, again = sent.value.ticket, sent.headers.get("x-idempotency-lookup") == "hit"
        return self.desk.written(made.id, made.created_at, sent.headers, number=str(made.id), replayed=again)

    def _ticket(self) -> dict[str, Any]:
        command, desk = self.command, self.desk
        if command.kind is not None and command.kind not in KIND:
            raise BadAsk(f"`{command.kind}` is no kind of case here: one of {', '.join(KIND)}", source=desk.name)
        known: dict[str, Any] = {
            "subject": command.subject,
            "comment": {"body": command.body},
            "organization_id": desk.number(command.party, "organization"),
            "priority": PRIORITY[command.priority],
            "external_id": self.key,
            "tags": [self._tag()],
            "metadata": self.metadata,
        }
        if command.requester is not None:
            known["requester_id"] = desk.number(command.requester, "person")
        if command.kind is not None:
            known["type"] = KIND[command.kind]
        return known

    def _tag(self) -> str:
        """What was asked for, as a tag of our own: what the desk shows of a text is not always what was sent."""
        command = self.command
        asked = (command.party, command.requester, command.subject, command.body, command.priority, command.kind)
        return facts.CASE_TAG + hashlib.sha256(msgspec.json.encode(asked)).hexdigest()[: facts.CASE_TAG_SIGNS]


class TicketDeed(Deed[C]):
    """A change of a ticket that leaves an internal note, by which it is known to have happened.

    The ticket is read before its notes, and the change is made to what was read alone (`safe_update`): where the same
    key was at work meanwhile, the desk refuses. Its stamps are whole seconds: so much later a repetition must come.
    """

    async def noted(self, ticket: wire.Ticket, key: str) -> Written | None:
        """What was done to the ticket under a key."""
        note = await self.desk.note(ticket.id, key)
        if note is None:
            return None
        return self.desk.written(ticket.id, note.created_at, number=str(ticket.id), replayed=True)

    async def change(self, ticket: wire.Ticket, note: str, key: str, **more: Any) -> Written:
        """Changes it. Raises Contended where it is no longer what was read, Locked where it is closed."""
        body = f"{note}\n\n{reference(self.command, key)}"
        safe = {"safe_update": True, "updated_stamp": ticket.updated_at}
        given = {**more, "comment": {"body": body, "public": False}, "metadata": self.metadata, **safe}
        sent = await self.desk.client.exchange(
            "PUT",
            f"/tickets/{ticket.id}.json",
            wire.OneTicket,
            "tickets.update",
            effect=Effect.UPSERT,
            body={"ticket": given},
        )
        made = sent.value.ticket
        return self.desk.written(made.id, made.updated_at, sent.headers, number=str(made.id))


class Escalating(TicketDeed[EscalateCase]):
    """Raises the priority (never lowers it), marks the ticket, and says why."""

    _ticket: wire.Ticket

    async def found(self) -> Written | None:
        """What was done under this key."""
        self._ticket = await self.desk.ticket(self.command.case_key)
        return await self.noted(self._ticket, self.key)

    async def done(self) -> Written:
        """Raises Contended where it is not the state that was meant. Where nobody said which one is, somebody else's
        change is looked at and the escalation is tried again on top of it (`sources.deeds`)."""
        expected = self.command.expected_updated_at
        if expected is not None and mapping.instant("ticket.updated_at", self._ticket.updated_at) != expected:
            raise Contended(
                f"`{self.desk.name}` has changed case `{self._ticket.id}` since: read it again", source=self.desk.name
            )
        ticket, command = self._ticket, self.command
        has = mapping.word(mapping.PRIORITY, "ticket.priority", ticket.priority) if ticket.priority else Priority.NORMAL
        wanted = max(has, command.priority, key=_RANK.index)
        tags = list(dict.fromkeys([*(ticket.tags or ()), facts.ESCALATED_TAG]))
        group = {} if command.group is None else {"group_id": self.desk.number(command.group, "group")}
        note = command.note or f"Escalated to {PRIORITY[wanted]}."
        return await self.change(ticket, note, self.key, priority=PRIORITY[wanted], tags=tags, **group)
