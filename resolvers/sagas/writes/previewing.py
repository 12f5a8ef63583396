"""What a change would cost, asked of billing itself before it is judged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from resolvers.sagas.systems import Systems
from sources.canonical import Money
from sources.canonical.commands import PreviewChange


class Preview(Protocol):
    """Asks billing what a change would come to (`amounts` of `Written`); it changes nothing. Raises SourceError."""

    async def __call__(self, change: PreviewChange, entity: str | None) -> Mapping[str, Money]: ...


def previewed_by(systems: Systems) -> Preview:
    """Asks whoever would carry the change out."""

    async def preview(change: PreviewChange, entity: str | None) -> Mapping[str, Money]:
        return (await systems.writer(type(change), entity).do(change, change.operation)).amounts

    return preview
