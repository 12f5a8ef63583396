"""Documents that are valid on a schema, drawn at random: fields with arguments, fragments on whatever may stand there."""

import random

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    get_named_type,
    is_abstract_type,
    is_composite_type,
    is_required_argument,
    is_required_input_field,
)

_LITERALS = {
    "Int": "3",
    "Decimal": '"1.5"',
    "Float": "1.5",
    "Boolean": "true",
    "Date": '"2026-01-31"',
    "DateTime": '"2026-01-31T00:00:00Z"',
}


def document(schema: GraphQLSchema, draw: random.Random, depth: int = 5) -> str:
    """One query."""
    return f"query {_selection(schema, schema.query_type, draw, depth)}"


def _selection(schema: GraphQLSchema, shown, draw: random.Random, depth: int) -> str:
    """Aliases keep every field apart, so that no two conflict."""
    parts = [f"a{draw.getrandbits(30)}: __typename"]
    fields = list(getattr(shown, "fields", {}).items())
    for name, field in draw.sample(fields, min(len(fields), draw.randint(1, 4))):
        inner = get_named_type(field.type)
        if is_composite_type(inner):
            if depth == 0:
                continue
            below = _selection(schema, inner, draw, depth - 1)
        else:
            below = ""
        parts.append(f"a{draw.getrandbits(30)}: {name}{_arguments(field, draw)} {below}")
    if is_abstract_type(shown) and depth:
        concrete = draw.choice(schema.get_possible_types(shown))
        parts.append(f"... on {concrete.name} {_selection(schema, concrete, draw, depth - 1)}")
    return "{ " + " ".join(parts) + " }"


def _arguments(field: GraphQLField, draw: random.Random) -> str:
    given = [
        f"{name}: {_literal(each.type, draw, 2)}"
        for name, each in field.args.items()
        if is_required_argument(each) or draw.random() < 0.5
    ]
    return f"({', '.join(given)})" if given else ""


def _literal(wanted: GraphQLInputType, draw: random.Random, depth: int) -> str:
    if isinstance(wanted, GraphQLNonNull):
        return _literal(wanted.of_type, draw, depth)
    if isinstance(wanted, GraphQLList):
        return f"[{_literal(wanted.of_type, draw, depth)}]"
    if isinstance(wanted, GraphQLEnumType):
        return str(draw.choice(list(wanted.values)))
    if not isinstance(wanted, GraphQLInputObjectType):
        return _LITERALS.get(wanted.name, '"x"')
    given = [
        f"{name}: {_literal(each.type, draw, depth - 1)}"
        for name, each in wanted.fields.items()
        if is_required_input_field(each) or (depth and draw.random() < 0.5)
    ]
    return "{" + ", ".join(given) + "}"
