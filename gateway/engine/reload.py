"""Reload: takes changed policies into use while the gateway runs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from policies.store import PolicyStore

_log = logging.getLogger("opsgraph.policies")


async def watch(policies: PolicyStore, seconds: float, changed: Callable[[], None]) -> None:
    """Looks every so often whether the files have changed; 0 = never. It compiles beside the loop; a bad reload keeps
    the rules in force and says why. `changed` is called when others are in force."""
    while seconds > 0:
        await asyncio.sleep(seconds)
        if not await asyncio.to_thread(policies.changed):
            continue
        before = policies.status.digest
        status = await asyncio.to_thread(policies.reload)
        if status.last_error is not None:
            _log.error(
                "the changed rules cannot be used, those of %s stay in force:\n%s", before[:12], status.last_error
            )
        elif status.digest != before:
            changed()
            _log.warning("the rules of %s are in force, instead of those of %s", status.digest[:12], before[:12])
