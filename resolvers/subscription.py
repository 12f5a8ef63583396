"""The roots of every subscription."""

from __future__ import annotations

import strawberry

from resolvers.batch import stream
from resolvers.budget import OperationClass
from resolvers.happenings import sources
from resolvers.types.happenings import SourceStateChanged

_AFTER = {"after": str | None}


@strawberry.type(
    description="What happens, as it happens. A stream begins with an event that only says where: its `cursor`."
)
class Subscription:
    """What happens, as it happens."""

    source_state_changed: SourceStateChanged | None = stream(
        sources.changes,
        arguments=_AFTER,
        budget=OperationClass.LOOKUP,
        description="A source is doing better or worse, as the process that answers sees it.",
    )
