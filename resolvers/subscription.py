"""The roots of every subscription."""

from __future__ import annotations

import strawberry

from resolvers.batch import seeking, stream
from resolvers.budget import OperationClass
from resolvers.happenings import changes, sources
from resolvers.types.happenings import ExceptionRaised, OperationChanged, SourceStateChanged
from sources import canonical as c

_AFTER = {"after": str | None}
_LOOKUP = OperationClass.LOOKUP


@strawberry.type(
    description="What happens, as it happens. A stream begins with an event that only says where: its `cursor`."
)
class Subscription:
    """What happens, as it happens."""

    source_state_changed: SourceStateChanged | None = stream(
        sources.changes,
        arguments=_AFTER,
        budget=_LOOKUP,
        description="A source is doing better or worse, as the process that answers sees it.",
    )
    operation_changed: OperationChanged | None = stream(
        changes.operation,
        arguments={"id": strawberry.ID, **_AFTER},
        budget=_LOOKUP,
        sought=seeking(id="Operation.id"),
        record=c.Operation,
        description="Something about an operation has changed: its state, a step, an approval, an exception.",
    )
    exception_raised: ExceptionRaised | None = stream(
        changes.exceptions,
        arguments=_AFTER,
        budget=_LOOKUP,
        description="Somebody has to decide something: an exception was raised, or handed to another owner.",
    )
