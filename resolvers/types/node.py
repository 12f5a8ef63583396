"""Node: what every entity has, and its global id."""

from __future__ import annotations

import base64

import strawberry

from resolvers.batch import derived
from resolvers.context import Context
from resolvers.types.registry import TYPES, names
from resolvers.types.scalars import ExternalId, Provenance, provenance
from sources.canonical import Record
from sources.errors import BadAsk


def global_id(record: Record, _context: Context | None = None) -> str:
    """Type, source and key in one opaque text: it keeps its meaning when the owner of a type changes."""
    raw = f"{TYPES[type(record)].__name__}|{record.source}|{record.key}"
    return base64.urlsafe_b64encode(raw.encode()).decode().rstrip("=")


def parse_id(text: str) -> tuple[type[Record], str, str]:
    """(record class, source, key) of a global id; raises BadAsk."""
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
        name, source, key = raw.split("|", 2)
        record = {shown: record for record, shown in names().items()}[name]
    except (ValueError, KeyError):
        raise BadAsk(f"`{text[:60]}` is no id of this graph: use an `id` that it gave you") from None
    return record, source, key


@strawberry.interface(description="Anything with an identity: found again by `node(id)`.")
class Node:
    """Anything with an identity."""

    id: strawberry.ID = derived(global_id, description="Opaque, stable, unique in the graph.")
    key: str = strawberry.field(description="The key in the system that owns this type.")
    external_ids: list[ExternalId | None] | None = strawberry.field(
        description="What other systems call the same thing, as far as this record says."
    )
    provenance: Provenance | None = derived(provenance, description="Where this comes from, and how old it is.")
