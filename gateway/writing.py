"""Governed writes of one gateway: opened before its first request, closed after its last; or none, by the settings."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from gateway.settings import SettingsError, StreamSettings
from gateway.telemetry.reads import Telling
from policies.principal import Principal
from policies.store import PolicyStore
from resolvers.sagas.settings import WritesSettings
from sources.catalog import Catalog
from sources.durable import Role
from sources.settings import Secret
from sources.store.errors import StoreAway, StoreError

if TYPE_CHECKING:
    from resolvers.office import Office
    from sources.outbox import Outbox

_PROBE = 1.0  # seconds that our own tables have to answer a probe


class Condition(StrEnum):
    """How governed writes are."""

    OFF = "OFF"  # the settings have none
    OPEN = "OPEN"
    PAUSED = "PAUSED"  # somebody has turned off some of them, or all
    AWAY = "AWAY"  # our own tables do not answer
    CLOSED = "CLOSED"  # not opened yet, or not any more


class Writing:
    """Opens and closes the office, and the outbox that tells of what changes in its tables. Both are None before and
    after, and where the settings have no writes. `signing` is the key of validation tokens; `worker`: whether this is a
    process that runs what others accept, which a gateway is not; it tells nobody."""

    def __init__(
        self,
        settings: WritesSettings,
        catalog: Catalog,
        policies: PolicyStore,
        streams: StreamSettings = StreamSettings(),  # noqa: B008 - frozen
        *,
        signing: Secret | None = None,
        worker: bool = False,
    ) -> None:
        if settings.role is Role.WORKER and not worker:
            raise SettingsError("[writes] `role` is `worker`: that is `opsgraph work`; here it is embedded or gateway")
        self._settings, self._catalog, self._policies, self._signing = settings, catalog, policies, signing
        self._open, self._streams = AsyncExitStack(), None if worker else streams
        self.office: Office | None = None
        self.outbox: Outbox | None = None

    async def open(self) -> None:
        """Opens the office, unless it is open or there is none. Raises SettingsError where it cannot be opened."""
        if self.office is not None or not self._settings.on:
            return
        try:
            # With all their databases.
            from resolvers.office import OfficeClosed, open_office  # noqa: PLC0415
            from sources.outbox import Outbox  # noqa: PLC0415
        except ImportError as error:
            line = f"[writes] `{error.name}` is not installed: install `opsgraph[writes]`"
            raise SettingsError(line) from None
        streams = self._streams
        try:
            office = await self._open.enter_async_context(
                open_office(self._settings, self._catalog, self._policies, signing=self._signing)
            )
            if streams is not None:
                store, kept = office.writes.room.store, timedelta(seconds=streams.kept)
                outbox = Outbox(store, most=streams.queue, kept=kept, poll=streams.poll)
                self.outbox = await self._open.enter_async_context(outbox.open())
        except (OfficeClosed, StoreAway) as error:
            await self._open.aclose()
            raise SettingsError(f"[writes] {error}") from None
        self.office = office

    async def close(self) -> None:
        """Lets steps under way end, begins none, and leaves the databases."""
        self.office = self.outbox = None
        await self._open.aclose()

    async def condition(self) -> Condition:
        """How they are now, by our own tables' word."""
        if not self._settings.on:
            return Condition.OFF
        if self.office is None:
            return Condition.CLOSED
        try:
            async with asyncio.timeout(_PROBE):
                return Condition.PAUSED if await self.office.pauses() else Condition.OPEN
        except (StoreError, TimeoutError):
            return Condition.AWAY

    async def append(self, telling: Telling) -> None:
        """Appends entries to the audit, in a chain of their own beside that of the writes. Raises StoreAway."""
        if self.office is None:
            raise StoreAway("the audit cannot be written: governed writes are not open")
        await self.office.audit(telling)

    async def acting(
        self, principal: Principal, names: Sequence[str], correlation_id: str, what: str | None
    ) -> Principal:
        """The caller acting with purposes, as `Purposes.acting`. Raises StoreAway where nobody can look them up."""
        if self.office is None:
            raise StoreAway("purposes cannot be looked up: governed writes are not open")
        return await self.office.purposes.acting(principal, names, correlation_id, what)
