"""Node: what every entity has, and its global id."""

from __future__ import annotations

import strawberry

from resolvers.batch import derived
from resolvers.ids import global_id
from resolvers.types.scalars import ExternalId, Provenance, provenance


@strawberry.interface(description="Anything with an identity: found again by `node(id)`.")
class Node:
    """Anything with an identity."""

    id: strawberry.ID = derived(global_id, description="Opaque, stable, unique in the graph.")
    key: str = strawberry.field(description="The key in the system that owns this type.")
    external_ids: list[ExternalId | None] | None = strawberry.field(
        description="What other systems call the same thing, as far as this record says."
    )
    provenance: Provenance | None = derived(provenance, description="Where this comes from, and how old it is.")
