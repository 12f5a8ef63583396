"""Our own tables as a source of facts like the others: operations, approvals, exceptions.

There is one in every catalog. It answers once governed writes are open; until then, and without them, it says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from sources.canonical import Operation, OperationApproval, OperationException, Record, System
from sources.errors import SourceError
from sources.ports import Ask, Capability, Reading

NAME = "opsgraph"
RECORDS: frozenset[type[Record]] = frozenset({Operation, OperationApproval, OperationException})
CAPABILITIES: Mapping[tuple[type[Record], str], Capability] = {
    (Operation, "key"): Capability(),
    (Operation, "list"): Capability(
        filters={
            "state": ("in",),
            "mutation": ("in",),
            "account_key": ("eq",),
            "legal_entity": ("in",),
            "person": ("in",),
            "accepted_at": ("gte", "lt"),
        },
        orders=("accepted_at",),
        descending_only=("accepted_at",),
    ),
    (OperationApproval, "key"): Capability(),
    (OperationApproval, "operation"): Capability(),
    (OperationApproval, "list"): Capability(
        filters={"decision": ("in",), "role": ("in",), "person": ("in",)}, orders=("expires_at",)
    ),
    (OperationException, "key"): Capability(),
    (OperationException, "operation"): Capability(),
    (OperationException, "list"): Capability(
        filters={"status": ("in",), "owner": ("in",), "kind": ("in",), "assignee": ("eq",), "due_at": ("lt",)},
        orders=("due_at",),
    ),
}
"""What can be asked; an order other than operations' is ascending, the first one due at the top."""


class WritesOff(SourceError):
    """There are no governed writes here, and so nothing is known of any."""

    code = "WRITES_OFF"

    def __init__(self) -> None:
        super().__init__("governed writes are off here: turn them on with `[writes]`", source=NAME, unsent=True)


class Reader(Protocol):
    """Whoever reads the tables."""

    async def read(self, ask: Ask) -> Reading:
        """The answer. Raises SourceError."""
        ...


class Ours:
    """The connector over our own tables. `reader` is there for as long as they are open."""

    name, vendor = NAME, NAME
    system: System | None = None  # none of the four that know accounts
    account_facet: type[Record] | None = None
    capabilities = CAPABILITIES

    def __init__(self) -> None:
        self.reader: Reader | None = None

    async def read(self, ask: Ask) -> Reading:
        """See `sources.ports.Connector`."""
        if self.reader is None:
            raise WritesOff
        return await self.reader.read(ask)
