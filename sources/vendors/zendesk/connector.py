"""Zendesk as a source: cases, their clocks, and what the desk knows of accounts and people."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from sources.canonical import Record, SupportOrganization, System
from sources.canonical.commands import Command, Written
from sources.errors import Unauthorised
from sources.ports import Ask, Capability, Reading, Report, Send
from sources.vendors.zendesk import wire
from sources.vendors.zendesk.client import Client
from sources.vendors.zendesk.readers import Readers, capabilities
from sources.vendors.zendesk.settings import ZendeskSettings
from sources.vendors.zendesk.writers import TOUCHES, ZendeskWriter, commands


class ZendeskConnector:
    """One Zendesk account. What it can be told to do follows from the scopes it is given."""

    vendor = "zendesk"
    system = System.SUPPORT
    account_facet: type[Record] | None = SupportOrganization
    capabilities: Mapping[tuple[type[Record], str], Capability]
    commands: frozenset[type[Command]]
    touches: Mapping[type[Command], tuple[type[Record], ...]] = TOUCHES

    def __init__(
        self, name: str, settings: ZendeskSettings, send: Send, clock: Callable[[], float] = time.time
    ) -> None:
        self.name, self.capabilities, self.commands = name, capabilities(settings), commands(settings)
        self._client = Client(name, settings, send, clock)
        self._readers = Readers(name, self._client, settings, clock)
        self._writer = ZendeskWriter(name, self._client, settings, clock)

    async def read(self, ask: Ask) -> Reading:
        """Answers an ask."""
        return await self._readers.read(ask)

    async def do(self, command: Command, key: str) -> Written:
        """Carries a command out, once for its key."""
        return await self._writer.do(command, key)

    async def find(self, command: Command, key: str) -> Written | None:
        """What became of a command."""
        return await self._writer.find(command, key)

    async def check(self) -> str:
        """Asks who we are: bad credentials may answer 200 as somebody anonymous. Raises SourceError."""
        me = await self._client.get("/users/me.json", {}, wire.Me, Report(self.name), "users.me")
        if not me.user.id or me.user.role not in ("agent", "admin"):
            raise Unauthorised(
                f"`{self.name}` takes us for nobody: check `client_id` and `client_secret`", source=self.name
            )
        return f"Zendesk answers, to `{me.user.name}`"

    async def close(self) -> None:
        """Gives up what is under way."""
        await self._client.close()


def open_connector(name: str, settings: ZendeskSettings, send: Send) -> ZendeskConnector:
    """The connector of one configured account; no I/O."""
    return ZendeskConnector(name, settings, send)
