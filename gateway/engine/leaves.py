"""Leaves: how values of scalars and enums are shown, and how a value is recognised that needs no conversion at all."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import msgspec
from graphql import GraphQLEnumType, GraphQLLeafType, GraphQLScalarType
from graphql.pyutils import Undefined, inspect


class Shown(msgspec.Struct, frozen=True):
    """Values of class `kind` are shown as they are, or by `convert` where that is set; others go through the schema."""

    kind: type
    convert: str = ""  # an expression over `{}`


_SHOWN = {
    "String": Shown(str),
    "ID": Shown(str),
    "Boolean": Shown(bool),
    "Date": Shown(date),
    "DateTime": Shown(datetime),
    "Time": Shown(time),
    "UUID": Shown(UUID),
    "Decimal": Shown(Decimal, "str({})"),
}
_WHOLE = {"Int": (-(2**31), 2**31 - 1), "Long": (-(2**63), 2**63 - 1)}


def serialiser(type_: GraphQLLeafType) -> Callable[[Any], Any]:
    """A value as the specification shows it; raises where the type refuses it."""
    coerce = type_.coerce_output_value

    def serialise(value: Any) -> Any:
        if isinstance(value, Exception):
            raise TypeError("an error is no value")  # never itself: what is raised holds on to all that ran
        shown = coerce(value)
        if shown is None or shown is Undefined:
            raise TypeError(f"`{type_}` cannot show {inspect(value)}")
        return shown

    return serialise


def whole_numbers(type_: GraphQLLeafType) -> tuple[int, int] | None:
    """The least and the greatest number that a type shows as it is; None where it is not one of numbers."""
    bounds = _WHOLE.get(type_.name)
    if bounds is None:
        return None
    try:
        same = all(type_.coerce_output_value(each) == each for each in (*bounds, 7))
        return bounds if same and type(type_.coerce_output_value(7)) is int else None
    except Exception:
        return None


def shown_as_is(type_: GraphQLLeafType) -> Shown | None:
    """How most values of a type are recognised; None where each is converted.

    The encoder writes instants, dates and enums of texts in the very form that the scalars have.
    """
    if isinstance(type_, GraphQLScalarType):
        return _SHOWN.get(type_.name) if _is_ours(type_) else None
    assert isinstance(type_, GraphQLEnumType)
    classes = {value.value.__class__ for value in type_.values.values()}
    wrapped = getattr(type_, "wrapped_cls", None) or (classes.pop() if len(classes) == 1 else None)
    if not (isinstance(wrapped, type) and issubclass(wrapped, Enum)):
        return None
    plain = all(member.value == member.name for member in wrapped)
    return Shown(wrapped) if plain and {member.name for member in wrapped} == set(type_.values) else None


def _is_ours(type_: GraphQLScalarType) -> bool:
    """Whether a scalar of this name has the meaning that the name has here: a schema may bring its own `Date`."""
    probe: dict[str, tuple[Any, Any]] = {
        "Decimal": (Decimal("1.50"), "1.50"),
        "Date": (date(2026, 1, 2), "2026-01-02"),
        "DateTime": (datetime(2026, 1, 2, 3, 4, 5, 6), "2026-01-02T03:04:05.000006"),  # noqa: DTZ001 - the form counts
        "Time": (time(1, 2, 3), "01:02:03"),
        "UUID": (UUID(int=1), str(UUID(int=1))),
        "String": ("a", "a"),
        "ID": ("a", "a"),
        "Boolean": (True, True),
    }
    if type_.name not in probe:
        return False
    value, shown = probe[type_.name]
    try:
        return bool(type_.coerce_output_value(value) == shown)
    except Exception:
        return False
