"""What fields and arguments mean, for strangers who read the schema: tables by topic instead of a line in each type.

A description that a type gives itself stands. `Type.field` is more exact than `field`; arguments have their own table.
"""

from __future__ import annotations

from graphql import (
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
)

from resolvers.types.descriptions.agreements import AGREEMENTS
from resolvers.types.descriptions.arguments import ARGUMENTS
from resolvers.types.descriptions.changes import CHANGES
from resolvers.types.descriptions.customers import CUSTOMERS
from resolvers.types.descriptions.documents import DOCUMENTS
from resolvers.types.descriptions.lists import LISTS
from resolvers.types.descriptions.operations import OPERATIONS
from resolvers.types.descriptions.orders import ORDERS
from resolvers.types.descriptions.writes import WRITES

FIELDS = {**LISTS, **CUSTOMERS, **AGREEMENTS, **DOCUMENTS, **OPERATIONS, **ORDERS, **WRITES, **CHANGES}


def describe(schema: GraphQLSchema) -> None:
    """Fills in what is said nowhere else."""
    for name, shown in schema.type_map.items():
        if name.startswith("__"):
            continue
        if shown.description is None and name.endswith("Connection"):
            shown.description = f"A page of a list of {name.removesuffix('Connection')}s."
        if shown.description is None and name.endswith("Edge"):
            shown.description = f"One {name.removesuffix('Edge')} with its place in the list."
        if isinstance(shown, GraphQLInputObjectType):
            for input_name, input_field in shown.fields.items():
                input_field.description = input_field.description or _of(name, input_name)
        if isinstance(shown, (GraphQLObjectType, GraphQLInterfaceType)):
            for field_name, field in shown.fields.items():
                field.description = field.description or _of(name, field_name)
                for argument_name, argument in field.args.items():
                    argument.description = argument.description or ARGUMENTS.get(argument_name)


def _of(type_name: str, field: str) -> str | None:
    return FIELDS.get(f"{type_name}.{field}") or FIELDS.get(field)
