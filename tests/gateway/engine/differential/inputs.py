"""Input values drawn at random: literals for documents, JSON for variables; right ones, and ones to be refused."""

from collections.abc import Callable, Mapping
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    is_required_input_field,
)

from tests.gateway.engine.differential.nasty_leaves import Draw

Hole = Callable[[GraphQLInputType, bool], str | None]
"""Offered each place of a literal (its type, whether it has a default): a variable to stand there, or None."""

_LITERALS: Mapping[str, tuple[str, ...]] = {
    "Int": ("0", "5", "-3"),
    "Float": ("1.5", "2", "-1e3"),
    "String": ('"a"', '""', '"""block"""', '"\\u00fc"'),
    "Boolean": ("true", "false"),
    "ID": ('"i1"', "5"),
    "Even": ("2", "4"),
    "Date": ('"2026-01-31"',),
    "DateTime": ('"2026-01-31T00:00:00+00:00"',),
    "Long": ("7", '"7"'),
    "Decimal": ('"1.50"', "2"),
}
_WRONG_LITERALS: Mapping[str, str] = {"Int": '"x"', "Even": "3", "Boolean": "1", "String": "1", "ID": "true"}
_VALUES: Mapping[str, tuple[Any, ...]] = {
    "Int": (0, 5, 3.0),
    "Float": (1.5, 2),
    "String": ("a", ""),
    "Boolean": (True, False),
    "ID": ("i1", 5),
    "Even": (2, 4),
    "Date": ("2026-01-31",),
    "DateTime": ("2026-01-31T00:00:00+00:00",),
    "Long": (7, "7"),
    "Decimal": ("1.50",),
}
_ODD_VALUES: tuple[Any, ...] = (
    None,
    "x",
    3,
    2**40,
    1.5,
    True,
    [],
    [1, "x"],
    {},
    {"p": 1},
    {"o0": 2, "o1": 2},
    {"zz": 1},
)


def literal(type_: GraphQLInputType, draw: Draw, depth: int, hole: Hole | None = None, default: bool = False) -> str:
    """A value of a type as a document writes it."""
    if hole is not None:
        variable = hole(type_, default)
        if variable is not None:
            return variable
    if isinstance(type_, GraphQLNonNull):
        return _literal(type_.of_type, draw, depth, hole)
    return "null" if draw.random() < 0.1 else _literal(type_, draw, depth, hole)


def _literal(type_: GraphQLInputType, draw: Draw, depth: int, hole: Hole | None) -> str:
    """A value that is not null."""
    if isinstance(type_, GraphQLList):
        if draw.random() < 0.15 and not isinstance(type_.of_type, GraphQLNonNull):
            return _literal(type_.of_type, draw, depth, None)  # one item stands for a list of one
        count = draw.randint(0, 2) if depth else 0
        return f"[{', '.join(literal(type_.of_type, draw, depth - 1, hole) for _ in range(count))}]"
    if isinstance(type_, GraphQLInputObjectType):
        return _object(type_, draw, depth, hole)
    if isinstance(type_, GraphQLEnumType):
        return str(draw.choice(list(type_.values)))
    assert not isinstance(type_, GraphQLNonNull)
    if hole is not None and draw.random() < 0.005:
        return _WRONG_LITERALS.get(type_.name, "NOT_THAT")
    return draw.choice(_LITERALS[type_.name])


def _object(type_: GraphQLInputObjectType, draw: Draw, depth: int, hole: Hole | None) -> str:
    if type_.is_one_of:
        name, field = draw.choice(list(type_.fields.items()))
        required: Any = GraphQLNonNull(field.type)
        inner = literal(required, draw, depth - 1, hole)
        return f"{{{name}: {inner}}}"
    given = [
        f"{name}: {literal(field.type, draw, depth - 1, hole, field.default is not None)}"
        for name, field in type_.fields.items()
        if is_required_input_field(field) or (depth > 0 and draw.random() < 0.6)
    ]
    return f"{{{', '.join(given)}}}"


def json_value(type_: GraphQLInputType, draw: Draw, odd: float, depth: int = 3) -> Any:
    """A value of a type as variables carry it; each part is with chance `odd` one that may be refused."""
    if draw.random() < odd:
        return draw.choice(_ODD_VALUES)
    if isinstance(type_, GraphQLNonNull):
        return _json(type_.of_type, draw, odd, depth)
    return None if draw.random() < 0.12 else _json(type_, draw, odd, depth)


def _json(type_: GraphQLInputType, draw: Draw, odd: float, depth: int) -> Any:
    if isinstance(type_, GraphQLList):
        if draw.random() < 0.15:
            return _json(_nullable(type_.of_type), draw, odd, depth)
        return [json_value(type_.of_type, draw, odd, depth - 1) for _ in range(draw.randint(0, 2) if depth else 0)]
    if isinstance(type_, GraphQLEnumType):
        return draw.choice(list(type_.values))
    if isinstance(type_, GraphQLInputObjectType):
        if type_.is_one_of:
            name, field = draw.choice(list(type_.fields.items()))
            return {name: _json(_nullable(field.type), draw, odd, depth - 1)}
        return {
            name: json_value(field.type, draw, odd, depth - 1)
            for name, field in type_.fields.items()
            if is_required_input_field(field) or (depth > 0 and draw.random() < 0.6)
        }
    assert not isinstance(type_, GraphQLNonNull)
    return draw.choice(_VALUES[type_.name])


def _nullable(type_: GraphQLInputType) -> GraphQLInputType:
    return type_.of_type if isinstance(type_, GraphQLNonNull) else type_
