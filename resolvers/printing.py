"""The schema as text: with `@freshness` on every field that reads records."""

from __future__ import annotations

from collections.abc import Iterable

from graphql import (
    DirectiveLocation,
    GraphQLArgument,
    GraphQLDirective,
    GraphQLField,
    GraphQLInt,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    is_introspection_type,
    is_specified_scalar_type,
    print_type,
)
from graphql.utilities.print_schema import print_args, print_deprecated, print_description, print_directive

from resolvers.batch import Batched, Link, declaration_of
from sources.cache.freshness import Table
from sources.canonical import Record
from sources.ours import RECORDS as OURS

FRESHNESS = GraphQLDirective(
    "freshness",
    [DirectiveLocation.FIELD_DEFINITION],
    {
        "ttl": GraphQLArgument(GraphQLNonNull(GraphQLInt), description="Seconds for which a fact is not read again."),
        "staleFor": GraphQLArgument(
            GraphQLNonNull(GraphQLInt),
            description="Seconds after that for which it stands in for a source that fails.",
        ),
    },
    description="How old what a field reads may be, unless a question asks for less; of several kinds the longest.",
)
"""As configured by default; a company's own `[cache.types]` may say otherwise."""
_TABLE = Table()
_CHANGES = "Mutation"


def printed(schema: GraphQLSchema) -> str:
    """A schema that says which types are its roots, types in the order of their names."""
    roots = {"query": schema.query_type, "mutation": schema.mutation_type, "subscription": schema.subscription_type}
    lines = [f"  {kind}: {root.name}\n" for kind, root in roots.items() if root is not None]
    types = [
        _type(found)
        for _, found in sorted(schema.type_map.items())
        if not is_introspection_type(found) and not is_specified_scalar_type(found)
    ]
    return "\n\n".join(["schema {\n" + "".join(lines) + "}", print_directive(FRESHNESS), *types])


def _type(found: GraphQLNamedType) -> str:
    text = print_type(found)
    if not isinstance(found, (GraphQLObjectType, GraphQLInterfaceType)) or not found.fields:
        return text
    head = text[: text.index("{\n", len(print_description(found)))]
    reads = found.name != _CHANGES  # what a change reads on its way is not what it shows
    fields = [_field(name, field, not at, reads) for at, (name, field) in enumerate(found.fields.items())]
    return f"{head}{{\n{chr(10).join(fields)}\n}}"


def _field(name: str, field: GraphQLField, first: bool, reads: bool) -> str:
    described = print_description(field, "  ", first)  # type: ignore[arg-type] # of whatever has a description
    said = f"{described}  {name}{print_args(field.args, '  ')}: {field.type}"
    return f"{said}{_freshness(_read(field)) if reads else ''}{print_deprecated(field.deprecation_reason)}"


def _read(field: GraphQLField) -> set[type[Record]]:
    """The records that a field reads itself and that may be remembered: our own tables are read every time."""
    declared = declaration_of(field)
    if isinstance(declared, Link):
        return {declared.target} - OURS
    return {record for record, _ in declared.needs} - OURS if isinstance(declared, Batched) else set()


def _freshness(records: Iterable[type[Record]]) -> str:
    spans = [_TABLE.of(record) for record in records]
    if not spans:
        return ""
    ttl, stale_for = max(each.ttl for each in spans), max(each.stale_for for each in spans)
    return f" @freshness(ttl: {ttl:.0f}, staleFor: {stale_for:.0f})"
