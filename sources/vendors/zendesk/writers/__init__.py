"""What this desk can be told to do: each command a deed that happens once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sources import canonical as c
from sources.canonical import Record
from sources.canonical import commands as k
from sources.canonical.commands import Command
from sources.deeds import Deeds
from sources.errors import BadAsk
from sources.vendors.zendesk.client import Client
from sources.vendors.zendesk.settings import ZendeskSettings
from sources.vendors.zendesk.writers.cases import Escalating, Opening
from sources.vendors.zendesk.writers.deed import Deed, Desk
from sources.vendors.zendesk.writers.organizations import PuttingOrganization, SettingPlan
from sources.vendors.zendesk.writers.touching import Touching

_DEEDS: Mapping[type[Command], type[Deed[Any]]] = {
    k.PutOrganization: PuttingOrganization,
    k.SetSupportPlan: SettingPlan,
    k.OpenCase: Opening,
    k.EscalateCase: Escalating,
    k.TouchCases: Touching,
}
_NEEDED = {k.PutOrganization: "organizations:write", k.SetSupportPlan: "organizations:write"}  # others: tickets:write

TOUCHES: Mapping[type[Command], tuple[type[Record], ...]] = {
    k.PutOrganization: (c.SupportOrganization,),
    k.SetSupportPlan: (c.SupportOrganization, c.Sla),
    k.OpenCase: (c.Case, c.Sla),
    k.EscalateCase: (c.Case, c.Sla),
    k.TouchCases: (c.Case, c.Sla),
}
"""Whose facts a command changes: what is remembered of them is to be forgotten when it was done."""


def commands(settings: ZendeskSettings) -> frozenset[type[Command]]:
    """Those for which `scope` asks enough."""
    scopes = frozenset(settings.scope.split())
    return frozenset(each for each in _DEEDS if scopes & {"write", _NEEDED.get(each, "tickets:write")})


class ZendeskWriter(Deeds):
    """Fulfils `sources.ports.Writer` for one account. Raises Ambiguous where an organization of that name belongs to
    nobody we know, Contended where a case has changed, Locked where it is closed."""

    def __init__(self, source: str, client: Client, settings: ZendeskSettings, clock: Callable[[], float]) -> None:
        desk, self._scope = Desk(source, client, settings, clock), settings.scope
        super().__init__(source, {command: _DEEDS[command].way(desk) for command in commands(settings)})

    def unable(self, command: Command) -> BadAsk:
        """Why a command is none of this source's, or not with its scope."""
        if type(command) not in _DEEDS:
            return super().unable(command)
        message = f"`{self.source}` may not do `{type(command).__name__}` with `{self._scope}`: widen `scope`"
        return BadAsk(message, source=self.source)
