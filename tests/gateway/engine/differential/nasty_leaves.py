"""Leaf types made to be nasty: scalars that refuse some values, enums with values of every kind, names that mislead."""

import random
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

from graphql import (
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLEnumValue,
    GraphQLFloat,
    GraphQLID,
    GraphQLInt,
    GraphQLLeafType,
    GraphQLScalarType,
    GraphQLString,
    Undefined,
    ValueNode,
    value_from_ast_untyped,
)

Draw = random.Random


class Colour(Enum):
    """An enum whose names are its values, shown as it is by the compiled builder."""

    RED = "RED"
    GREEN = "GREEN"


class Grade(Enum):
    """An enum whose names say something else than its values."""

    LOW = 1
    HIGH = 2


class Words(str):
    """A text that is not exactly `str`."""

    __slots__ = ()


# ------------------------------------------------------------ scalars


def _even(value: Any) -> Any:
    if not isinstance(value, int):
        raise TypeError("not a number")
    if value == 8:
        return None
    if value == 6:
        return Undefined
    if value % 2:
        raise ValueError("odd")
    return f"even:{value}"


def _even_in(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int) or value % 2:
        raise ValueError("give an even number")
    return value * 10


def _even_literal(node: ValueNode, variables: Any = None) -> Any:
    return _even_in(value_from_ast_untyped(node, variables))


def _day(value: Any) -> Any:
    """A `Date` of another form than ours."""
    if not isinstance(value, date):
        raise TypeError("no day")
    return value.strftime("%d.%m.%Y")


def _long(value: Any) -> Any:
    """A `Long` that is a text on the wire, as many schemas have it."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError("no long")
    return str(value)


def _anything(value: Any) -> Any:
    return value


EVEN = GraphQLScalarType("Even", serialize=_even, parse_value=_even_in, parse_literal=_even_literal)
ANYTHING = GraphQLScalarType("Anything", serialize=_anything)
FOREIGN_DATE = GraphQLScalarType("Date", serialize=_day)
OUR_DATE = GraphQLScalarType("Date", serialize=lambda value: value.isoformat())
FOREIGN_LONG = GraphQLScalarType("Long", serialize=_long)
OUR_DATE_TIME = GraphQLScalarType("DateTime", serialize=lambda value: value.isoformat())
OUR_DECIMAL = GraphQLScalarType("Decimal", serialize=lambda value: str(Decimal(value)))


# ------------------------------------------------------------ enums

MIXED = GraphQLEnumType(
    "Mixed",
    {"ONE": GraphQLEnumValue(1), "TEXT": GraphQLEnumValue("a text"), "PAIR": GraphQLEnumValue((1, 2))},
)
COLOUR = GraphQLEnumType("Colour", Colour, names_as_values=None)
GRADE = GraphQLEnumType("Grade", Grade, names_as_values=None)
PLAIN = GraphQLEnumType("Plain", {name: GraphQLEnumValue(name) for name in "ABC"})

_RIGHT: dict[str, Callable[[Draw], Any]] = {
    "Int": lambda draw: draw.choice([0, 1, -7, 2**31 - 1, -(2**31)]),
    "Float": lambda draw: draw.choice([0.5, 1, -2.25, 1e20]),
    "String": lambda draw: draw.choice(["", "a", "ü\n", "null", Words("words")]),
    "Boolean": lambda draw: draw.random() < 0.5,
    "ID": lambda draw: draw.choice(["i1", "7", 7, ""]),
    "Even": lambda draw: draw.choice([0, 2, 4]),
    "Anything": lambda draw: draw.choice([{"a": [1, None]}, [1, [2]], "x", 0, False, {}]),
    "Date": lambda draw: date(2026, draw.randint(1, 12), 3),
    "DateTime": lambda draw: datetime(2026, 1, 2, 3, 4, draw.randint(0, 59), draw.choice([0, 5]), UTC),
    "Decimal": lambda draw: draw.choice([Decimal("1.50"), Decimal(3), Decimal("-0.001")]),
    "Long": lambda draw: draw.choice([0, 5, 2**40]),
    "Mixed": lambda draw: draw.choice([1, "a text", (1, 2)]),
    "Colour": lambda draw: draw.choice(list(Colour)),
    "Grade": lambda draw: draw.choice(list(Grade)),
    "Plain": lambda draw: draw.choice(["A", "B", "C"]),
}
_WRONG: dict[str, tuple[Any, ...]] = {
    "Int": ("x", "12", 2**31, 1.5, 2.0, True, [1], {}),
    "Float": ("x", "1.5", float("nan"), float("inf"), True, []),
    "String": (1, 1.5, True, [], {}, b"bytes", Colour.RED),
    "Boolean": (0, 1, 2.5, "true", None, []),
    "ID": (1.5, 2.0, True, [], 2**70),
    "Even": (1, 3, 6, 8, "x", None),
    "Anything": (None,),
    "Date": ("2026-01-02", 5, datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
    "DateTime": (date(2026, 1, 2), "now"),
    "Decimal": (1, "2.5", 1.5, "x"),
    "Long": (2**63, True, "5", 1.5),
    "Mixed": (2, "ONE", [1], {}, (1, 2, 3)),
    "Colour": ("RED", "BLUE", 1, Grade.LOW),
    "Grade": (1, "LOW", 3, Colour.RED),
    "Plain": ("D", 1, [], Colour.RED),
}


def leaf_types(draw: Draw) -> list[GraphQLLeafType]:
    """The leaf types of one schema: the standard ones, and some of the rest."""
    standard: list[GraphQLLeafType] = [GraphQLInt, GraphQLFloat, GraphQLString, GraphQLBoolean, GraphQLID]
    more: list[GraphQLLeafType] = [EVEN, ANYTHING, draw.choice([FOREIGN_DATE, OUR_DATE]), OUR_DECIMAL]
    more += [FOREIGN_LONG, OUR_DATE_TIME, MIXED, COLOUR, GRADE, PLAIN]
    return standard + draw.sample(more, 7)


def right_value(type_name: str, draw: Draw) -> Any:
    """A value that the type shows."""
    return _RIGHT[type_name](draw)


def wrong_value(type_name: str, draw: Draw) -> Any:
    """A value that the type refuses, or shows as something else than it is."""
    return draw.choice(_WRONG[type_name])
