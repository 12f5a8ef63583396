"""The systems behind the graph, as sagas see them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from sources.canonical.commands import Command
from sources.ports import Ask, Reading, Writer


class Systems(Protocol):
    """The systems behind the graph, as sagas see them; `sources.catalog.Catalog` is them."""

    async def read(self, ask: Ask) -> Reading:
        """Facts, read for nobody in particular."""
        ...

    def writer(self, command: type[Command], entity: str | None = None) -> Writer:
        """Who carries a command out. Raises SourceError where nobody does."""
        ...

    def wrote(self, source: str, tags: Iterable[str]) -> float:
        """Forgets what was remembered of what was written."""
        ...
