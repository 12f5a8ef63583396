"""The roots of every change: governed writes as they are listed, the desk, and purposes."""

from __future__ import annotations

from typing import Any

import strawberry

from policies.rows import snake
from resolvers.changes import desk, lending, purposes, writes
from resolvers.changes.answers import WriteResult
from resolvers.changes.purposes import PurposeRequest


def _root() -> Any:
    """A type with a field for each; a governed write is in it by being in the list of them."""
    fields = {snake(name): field for name, field in writes.fields().items()}
    types: dict[str, Any] = dict.fromkeys(fields, WriteResult) | desk.TYPES | lending.TYPES
    fields |= desk.fields() | lending.fields() | purposes.fields()
    annotations = {name: types.get(name, PurposeRequest) | None for name in fields}
    return strawberry.type(
        type("Mutation", (), {"__annotations__": annotations, **fields}),
        name="Mutation",
        description="Every change starts here. Changes of one request are made one after another.",
    )


Mutation = _root()
