"""A command on its way into the desk: what has come of it, and doing it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from sources import deeds
from sources.canonical.commands import Command, Written
from sources.errors import Missing, OutcomeUnknown
from sources.ports import Effect
from sources.vendors.zendesk import facts, mapping, wire
from sources.vendors.zendesk.client import Client, Exchanged
from sources.vendors.zendesk.settings import ZendeskSettings

C = TypeVar("C", bound=Command)
T = TypeVar("T")


class Desk:
    """What deeds work with: one account's client, and reads that are never shared with somebody else's."""

    def __init__(self, name: str, client: Client, settings: ZendeskSettings, clock: Callable[[], float]) -> None:
        self.name, self.client, self.settings, self._clock = name, client, settings, clock

    async def look(
        self, path: str, shape: type[T], operation: str, parameters: Mapping[str, str] | None = None
    ) -> Exchanged[T]:
        """Reads."""
        return await self.client.exchange("GET", path, shape, operation, effect=Effect.READ, parameters=parameters)

    async def ticket(self, key: str) -> wire.Ticket:
        """One ticket; raises Missing."""
        found = await self.look(f"/tickets/{self.number(key, 'case')}.json", wire.OneTicket, "tickets.show")
        return found.value.ticket

    async def note(self, ticket: int, key: str) -> wire.Comment | None:
        """The internal note that was written under a key: only agents write such notes, so nobody else can make one
        up. The newest come first; raises SourceError where not all could be read."""
        path, asked = f"/tickets/{ticket}/comments.json", {"sort": facts.NEWEST_COMMENTS, "page[size]": str(facts.MANY)}
        for _ in range(facts.COMMENT_PAGES):
            page = (await self.look(path, wire.Comments, "tickets.comments", asked)).value
            for comment in page.comments:
                if not comment.public and is_reference(comment.body, key):
                    return comment
            if not page.meta.has_more or not page.meta.after_cursor:
                return None
            asked["page[after]"] = page.meta.after_cursor
        raise OutcomeUnknown(f"`{self.name}` shows no end of the notes on case `{ticket}`", source=self.name)

    def written(self, key: int, at: str | None, headers: Mapping[str, str] | None = None, **more: Any) -> Written:
        """What the desk says it did; where it does not say when, now."""
        moment = mapping.instant("updated_at", at) or self.now()
        request_id = (headers or {}).get("x-request-id")
        return Written(source=self.name, key=str(key), at=moment, request_id=request_id, **more)

    def now(self) -> datetime:
        """The present, UTC."""
        return datetime.fromtimestamp(self._clock(), UTC)

    def number(self, key: str, what: str) -> int:
        """An id as the desk has them; raises Missing for what can be none."""
        if not (key.isascii() and key.isdigit()):
            raise Missing(f"`{self.name}` has no {what} `{key}`: its ids are numbers", source=self.name)
        return int(key)


class Deed(deeds.Deed[Desk, C], Generic[C]):
    """One attempt at a command at this desk."""

    @property
    def metadata(self) -> dict[str, dict[str, str]]:
        """What the audit of a ticket keeps of a change that is ours."""
        own = {"operation": self.command.operation, "correlation": self.command.correlation, "key": self.key}
        return {"custom": {name: value for name, value in own.items() if value}}


def reference(command: Command, key: str) -> str:
    """The last line of a note: a person finds the way back by it, and we find that it was written."""
    return facts.REFERENCE.format(operation=command.operation, correlation=command.correlation or "-", key=key)


def is_reference(body: str | None, key: str) -> bool:
    """Whether a note ends with the reference of this key."""
    lines = (body or "").rstrip().splitlines()
    start = facts.REFERENCE.partition("{")[0]
    return bool(lines) and lines[-1].startswith(start) and lines[-1].endswith(f", key {key}")
