"""Inputs: from coerced GraphQL arguments to what a Strawberry declaration takes; worked out once for each field.

Strawberry's own conversion looks every type up again for every value, some forty microseconds for one input object.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from graphql import GraphQLField
from strawberry import ID, UNSET
from strawberry.schema.config import StrawberryConfig
from strawberry.types.arguments import convert_argument
from strawberry.types.base import (
    StrawberryList,
    StrawberryMaybe,
    StrawberryOptional,
    has_object_definition,
)
from strawberry.types.enum import has_enum_definition
from strawberry.types.lazy_type import LazyType

Convert = Callable[[Any], Any]
_AS_IT_IS = (str, int, bool, float, ID)  # graphql-core has made these what they are


class Inputs:
    """The converters of one schema."""

    def __init__(self, scalars: Mapping[object, Any], config: StrawberryConfig) -> None:
        self._scalars, self._config = scalars, config
        self._fields: dict[int, tuple[GraphQLField, dict[str, tuple[str, Convert]]]] = {}
        self._objects: dict[type, dict[str, tuple[str, Convert]]] = {}

    def coerce(self, field: GraphQLField, given: dict[str, Any]) -> dict[str, Any]:
        """A declaration's arguments by their python names. An optional argument is either given or left out: null says
        the same as leaving it out."""
        if not given:
            return {}
        known = self._fields.get(id(field))
        if known is None:
            known = self._fields[id(field)] = (field, self._arguments(field))
        names = known[1]
        return {
            names[name][0]: names[name][1](value)
            for name, value in given.items()
            if name in names and value is not None and value is not UNSET
        }

    def _arguments(self, field: GraphQLField) -> dict[str, tuple[str, Convert]]:
        definition = field.extensions.get("strawberry-definition")
        return {
            self._config.name_converter.from_argument(each): (each.python_name, self._converter(each.type))
            for each in (definition.arguments if definition is not None else ())
        }

    def _converter(self, type_: Any) -> Convert:
        if isinstance(type_, StrawberryOptional) and not isinstance(type_, StrawberryMaybe):
            return partial(_unless_none, self._converter(type_.of_type))
        if isinstance(type_, StrawberryList):
            return partial(_each, self._converter(type_.of_type))
        if isinstance(type_, LazyType):
            return self._converter(type_.resolve_type())
        if isinstance(type_, type) and has_enum_definition(type_):
            return type_
        if isinstance(type_, type) and has_object_definition(type_):
            definition = type_.__strawberry_definition__
            if definition.is_input and getattr(definition, "from_input", None) is None:
                return partial(self._object, type_)
        if type_ in _AS_IT_IS:
            return _unchanged
        return partial(self._by_strawberry, type_)

    def _by_strawberry(self, type_: Any, value: Any) -> Any:
        return convert_argument(value, type_, self._scalars, self._config)

    def _object(self, type_: type, value: Any) -> Any:
        if value is None:
            return None
        known = self._objects.get(type_)
        if known is None:
            definition = type_.__strawberry_definition__  # type: ignore[attr-defined]
            known = self._objects[type_] = {
                self._config.name_converter.from_field(each): (
                    each.python_name,
                    self._converter(each.resolve_type(type_definition=definition)),
                )
                for each in definition.fields
            }
        return type_(**{known[name][0]: known[name][1](item) for name, item in value.items()})


def _unchanged(value: Any) -> Any:
    return value


def _unless_none(convert: Convert, value: Any) -> Any:
    return None if value is None else convert(value)


def _each(convert: Convert, value: Any) -> list[Any]:
    return [convert(each) for each in value]
