"""The schema of an audience: to outsiders, what they could never see does not exist.

Validation, suggestions, introspection and the exported schema run over it, and so must the coercion of variables: an
input field that is gone could otherwise be given by a variable. Types and fields are new objects with the names,
descriptions and extensions (declarations) of the whole schema's, in which an operation is planned by name.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, Protocol

from graphql import (
    GraphQLArgument,
    GraphQLDirective,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLUnionType,
    Undefined,
    get_named_type,
)

from gateway.engine.visible import FieldGrants, Shown, visible

_REMEMBERED = 64  # sets of roles


class AudienceGrants(FieldGrants, Protocol):
    """Also whether outsiders hold the roles, and by which version of the rules they are decided."""

    @property
    def external(self) -> bool: ...
    @property
    def version(self) -> int: ...


def audience_schema(schema: GraphQLSchema, grants: AudienceGrants) -> GraphQLSchema:
    """The schema that a set of roles is shown: the whole one (the same object) to our own people.

    It takes some 10 ms to make: `Audiences` remembers.
    """
    return pruned(schema, grants) if grants.external else schema


def pruned(schema: GraphQLSchema, grants: FieldGrants) -> GraphQLSchema:
    """The schema as outsiders with these grants are shown it."""
    return _rebuilt(schema, visible(schema, grants))


class Audiences:
    """Remembers the schema of each set of outside roles and version of the rules; the least recently used goes."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema
        self._known: OrderedDict[tuple[frozenset[str], int], GraphQLSchema] = OrderedDict()

    def of(self, grants: AudienceGrants) -> GraphQLSchema:
        """The schema of these roles."""
        if not grants.external:
            return self._schema
        key = (grants.roles, grants.version)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = audience_schema(self._schema, grants)
            if len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        self._known.move_to_end(key)
        return known


def _rebuilt(schema: GraphQLSchema, shown: Shown) -> GraphQLSchema:
    """A schema of the names that are `shown`; one without any root field can still be asked for `__typename`."""
    made: dict[str, GraphQLNamedType] = {}
    for name, found in schema.type_map.items():
        if name in shown:
            made[name] = _named(found, shown, made)
    query = made.get(schema.query_type.name) if schema.query_type else None
    arguments: dict[str, Any] = {
        **schema.to_kwargs(),
        "query": query or GraphQLObjectType(schema.query_type.name if schema.query_type else "Query", {}),
        "mutation": made.get(schema.mutation_type.name) if schema.mutation_type else None,
        "subscription": made.get(schema.subscription_type.name) if schema.subscription_type else None,
        "types": list(made.values()),
        "directives": [_directive(each, made) for each in schema.directives],
        "assume_valid": query is None,
        "ast_node": None,
        "extension_ast_nodes": None,
    }
    return GraphQLSchema(**arguments)


def _named(found: GraphQLNamedType, shown: Shown, made: Mapping[str, GraphQLNamedType]) -> GraphQLNamedType:
    names = shown[found.name]
    if isinstance(found, GraphQLScalarType):
        return found
    if isinstance(found, GraphQLEnumType):
        return found if names == found.values.keys() else _fewer(found, names)
    arguments: dict[str, Any] = {**found.to_kwargs(), "ast_node": None, "extension_ast_nodes": None}
    if isinstance(found, GraphQLUnionType):
        arguments["types"] = partial(_those, [each.name for each in found.types], made)
        return GraphQLUnionType(**arguments)
    if isinstance(found, GraphQLInputObjectType):
        arguments["fields"] = partial(_inputs, found, names, made)
        return GraphQLInputObjectType(**arguments)
    assert isinstance(found, (GraphQLObjectType, GraphQLInterfaceType))
    arguments["fields"] = partial(_fields, found, names, made)
    arguments["interfaces"] = partial(_those, [each.name for each in found.interfaces], made)
    return type(found)(**arguments)


def _fewer(found: GraphQLEnumType, names: Iterable[str]) -> GraphQLEnumType:
    """An enum with some of the values, of its own class, whatever that class takes to be made."""
    fewer: GraphQLEnumType = object.__new__(type(found))
    vars(fewer).update({name: value for name, value in vars(found).items() if name != "_value_lookup"})
    fewer.values = {name: value for name, value in found.values.items() if name in names}
    fewer.ast_node, fewer.extension_ast_nodes = None, ()
    return fewer


def _those(names: Iterable[str], made: Mapping[str, GraphQLNamedType]) -> list[Any]:
    return [made[name] for name in names if name in made]


def _fields(
    found: GraphQLObjectType | GraphQLInterfaceType, names: set[str], made: Mapping[str, GraphQLNamedType]
) -> dict[str, GraphQLField]:
    fields = {}
    for name, field in found.fields.items():
        if name in names:
            new = {"type_": _exchanged(field.type, made), "args": _arguments(field.args, made), "ast_node": None}
            fields[name] = GraphQLField(**_changed(field.to_kwargs(), **new))
    return fields


def _arguments(
    arguments: Mapping[str, GraphQLArgument], made: Mapping[str, GraphQLNamedType]
) -> dict[str, GraphQLArgument]:
    return {
        name: GraphQLArgument(**_changed(each.to_kwargs(), type_=_exchanged(each.type, made), ast_node=None))
        for name, each in arguments.items()
        if get_named_type(each.type).name in made
    }


def _inputs(
    found: GraphQLInputObjectType, names: set[str], made: Mapping[str, GraphQLNamedType]
) -> dict[str, GraphQLInputField]:
    fields = {}
    for name, field in found.fields.items():
        if name in names:
            new = {"type_": _exchanged(field.type, made), "ast_node": None, **_default(field, made)}
            fields[name] = GraphQLInputField(**_changed(field.to_kwargs(), **new))
    return fields


def _default(field: GraphQLInputField, made: Mapping[str, GraphQLNamedType]) -> dict[str, Any]:
    """A default that is no longer among the enum's values goes: the field has to be given."""
    named = made[get_named_type(field.type).name]
    if not isinstance(named, GraphQLEnumType) or field.default_value in (Undefined, None):
        return {}
    kept = {_plain(each.value) for each in named.values.values()}
    return {} if _plain(field.default_value) in kept else {"default_value": Undefined, "default": None}


def _plain(value: Any) -> Any:
    return getattr(value, "value", value)


def _directive(found: GraphQLDirective, made: Mapping[str, GraphQLNamedType]) -> GraphQLDirective:
    if all(made.get(get_named_type(each.type).name) is get_named_type(each.type) for each in found.args.values()):
        return found
    return GraphQLDirective(**_changed(found.to_kwargs(), args=_arguments(found.args, made), ast_node=None))


def _changed(arguments: Mapping[str, Any], **changed: Any) -> dict[str, Any]:
    return {**arguments, **changed}


def _exchanged(found: Any, made: Mapping[str, GraphQLNamedType]) -> Any:
    """The same type, list or non-null, of the new types."""
    if isinstance(found, GraphQLNonNull):
        return GraphQLNonNull(_exchanged(found.of_type, made))
    if isinstance(found, GraphQLList):
        return GraphQLList(_exchanged(found.of_type, made))
    return made[found.name]
