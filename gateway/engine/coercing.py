"""Coercing: what graphql-core makes of a variable's value, by functions that are put together once for its type.

They know values that are given as what they are. Of all others, mistakes among them, graphql-core has to say more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias

from graphql import (
    GraphQLBoolean,
    GraphQLError,
    GraphQLID,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLInt,
    GraphQLList,
    GraphQLNonNull,
    GraphQLString,
    Undefined,
    is_leaf_type,
)

Coerce: TypeAlias = Callable[[Any], Any]
_PLAIN: Mapping[Any, type] = {GraphQLString: str, GraphQLID: str, GraphQLBoolean: bool}
_LARGEST = 2**31 - 1


class Unlike(Exception):
    """A value of which more has to be said."""


def coercer(type_: GraphQLInputType, around: tuple[Any, ...] = ()) -> Coerce | None:
    """What makes a value of a type, or raises Unlike; None for types with defaults, with one of several fields, or
    within themselves. `around` are the types that it is in."""
    if isinstance(type_, GraphQLNonNull):
        return _there(type_.of_type, around)
    made = _there(type_, around)
    return partial(_unless_none, made) if made is not None else None


def _there(type_: Any, around: tuple[Any, ...]) -> Coerce | None:
    """The same for values that are not null."""
    if type_ is GraphQLInt:
        return _whole
    if type_ in _PLAIN:
        return partial(_exactly, _PLAIN[type_])
    if isinstance(type_, GraphQLList):
        item = coercer(type_.of_type, around)
        return partial(_listed, item) if item is not None else None
    if isinstance(type_, GraphQLInputObjectType):
        return _of_fields(type_, around)
    return partial(_leaf, type_.coerce_input_value) if is_leaf_type(type_) else None


def _of_fields(type_: GraphQLInputObjectType, around: tuple[Any, ...]) -> Coerce | None:
    if type_.is_one_of or type_ in around:
        return None
    fields: list[_Member] = []
    for name, field in type_.fields.items():
        made = coercer(field.type, (*around, type_))
        if made is None or field.default is not None or field.default_value is not Undefined:
            return None
        fields.append((name, field.out_name or name, made, isinstance(field.type, GraphQLNonNull)))
    return partial(_object, type_.out_type, fields)


_Member: TypeAlias = "tuple[str, str, Coerce, bool]"  # name, python's name, how it is made, whether it must be there


def _unless_none(made: Coerce, value: Any) -> Any:
    return None if value is None else made(value)


def _exactly(kind: type, value: Any) -> Any:
    if value.__class__ is not kind:
        raise Unlike
    return value


def _whole(value: Any) -> Any:
    if value.__class__ is not int or not -_LARGEST - 1 <= value <= _LARGEST:
        raise Unlike
    return value


def _leaf(made: Coerce, value: Any) -> Any:
    try:
        coerced = made(value) if value is not None else Undefined
    except Exception:
        raise Unlike from None
    if coerced is Undefined:
        raise Unlike
    return coerced


def _listed(item: Coerce, value: Any) -> list[Any]:
    if value.__class__ is not list:
        raise Unlike
    return [item(each) for each in value]


def _object(out: Coerce, fields: Sequence[_Member], value: Any) -> Any:
    if value.__class__ is not dict:
        raise Unlike
    made: dict[str, Any] = {}
    for name, out_name, coerce, required in fields:
        if name in value:
            made[out_name] = coerce(value[name])
        elif required:
            raise Unlike
    if len(made) < len(value):
        raise Unlike  # it has what the type has not
    try:
        return out(made)
    except GraphQLError:
        raise Unlike from None
