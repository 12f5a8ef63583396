"""What a set of outside roles could ever see of a schema: the names that stay, by type.

A field that is denied outright is gone, whatever only it led to is gone, and so on until nothing changes. Masked
fields stay: their place is no secret.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol, TypeAlias

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLUnionType,
    Undefined,
    get_named_type,
    is_required_argument,
    is_required_input_field,
)

from gateway.engine.graph import attribute_of
from policies.purposes import by_role
from resolvers.batch import LOOKUP, Link, declaration_of

Shown: TypeAlias = dict[str, set[str]]
"""Type name -> its fields, enum values or union members that stay; a type that is not in it is gone."""

_DEFINITION = "strawberry-definition"


class Verdict(Protocol):
    """What the policies say of one field."""

    @property
    def verdict(self) -> str: ...


class FieldGrants(Protocol):
    """As much of a set of roles' grants as deciding about fields takes."""

    @property
    def roles(self) -> frozenset[str]: ...

    def field(self, type_name: str, name: str, roles: frozenset[str] | None = None, /) -> Verdict: ...
    def lookup(self, type_name: str, name: str, /) -> bool: ...


def visible(schema: GraphQLSchema, grants: FieldGrants) -> Shown:
    """The names that stay."""
    shown = _granted(schema, grants)
    while _dropped(schema, shown) or _unreached(schema, shown):
        pass
    return shown


def readable(target: GraphQLObjectType | GraphQLInterfaceType, attribute: str, grants: FieldGrants) -> bool:
    """Whether lists of `target` may be filtered or ordered by a record's attribute: only by what is shown unmasked.

    Every role has to be shown it, if only with a purpose: a row that one role opens must not be told by what only
    another may read.
    """
    names = shown_as(target, attribute)
    each = by_role(grants.roles) or [grants.roles]
    return all(any(grants.field(target.name, name, roles).verdict == "allow" for name in names) for roles in each)


def findable(target: GraphQLObjectType | GraphQLInterfaceType, link: Link, grants: FieldGrants) -> bool:
    """Whether a root may be asked with its argument: words only in what is shown, a key also where it is listed."""
    if link.sought is None or readable(target, link.sought, grants):
        return True
    return link.words is None and any(grants.lookup(target.name, name) for name in shown_as(target, link.sought))


def shown_as(target: GraphQLObjectType | GraphQLInterfaceType, attribute: str) -> list[str]:
    """The fields that show an attribute: that of its name, and the links that follow it as a key."""
    names = []
    for name, field in target.fields.items():
        declared = declaration_of(field)
        if isinstance(declared, Link):
            shown = declared.key if declared.by == "key" and declared.argument is None else None
        else:
            shown = attribute_of(name, field)
        if shown == attribute:
            names.append(name)
    return names


# ---------------------------------------------------------------- what is granted to begin with


def _granted(schema: GraphQLSchema, grants: FieldGrants) -> Shown:
    shown: Shown = {}
    for name, found in schema.type_map.items():
        if name.startswith("__"):
            continue
        if isinstance(found, GraphQLObjectType):
            shown[name] = {field for field in found.fields if grants.field(name, field).verdict != "deny"}
        elif isinstance(found, GraphQLEnumType):
            shown[name] = set(found.values)
        elif isinstance(found, GraphQLUnionType):
            shown[name] = {each.name for each in found.types}
        elif isinstance(found, GraphQLInputObjectType):
            shown[name] = {field for field, each in found.fields.items() if _may_look_up(each, grants)}
        else:
            shown[name] = set(getattr(found, "fields", ()))
    for type_name, field_name, field in _fields(schema):
        declared = declaration_of(field)
        if field_name in shown[type_name] and isinstance(declared, Link):
            _without_hidden_attributes(field, grants, shown)
            if not findable(_rows_of(field), declared, grants):
                shown[type_name].discard(field_name)
    return shown


def _without_hidden_attributes(field: GraphQLField, grants: FieldGrants, shown: Shown) -> None:
    """Filtering and ordering by what is not shown would tell it all the same: those inputs go."""
    target = _rows_of(field)
    accepted = field.args["filter"].type if "filter" in field.args else None
    filters = get_named_type(accepted) if accepted is not None else None
    for name, each in getattr(filters, "fields", {}).items():
        tested = _tested(each)
        if filters is not None and tested is not None and not readable(target, tested, grants):
            shown[filters.name].discard(name)
    orders = _order_values(field)
    for name, value in orders.values.items() if orders is not None else ():
        if not readable(target, str(getattr(value.value, "value", value.value)), grants):
            shown[orders.name].discard(name)  # type: ignore[union-attr]


def _may_look_up(field: GraphQLInputField, grants: FieldGrants) -> bool:
    """Whether nothing is found by an input's field that may not be looked up: its errors would speak of it."""
    coordinate = _declared(field, LOOKUP)
    return coordinate is None or grants.lookup(*coordinate.split("."))


def _tested(field: GraphQLInputField) -> str | None:
    """The attribute that a filter's field tests; None for a field that is no filter."""
    declared = _declared(field, "opsgraph")
    return declared[0] if declared is not None else None


def _declared(field: GraphQLInputField, name: str) -> Any:
    definition = field.extensions.get(_DEFINITION)
    return (definition.metadata if definition is not None else field.extensions).get(name)


def _order_values(field: GraphQLField) -> GraphQLEnumType | None:
    argument = field.args.get("orderBy")
    accepted = get_named_type(argument.type) if argument is not None else None
    if not isinstance(accepted, GraphQLInputObjectType) or "field" not in accepted.fields:
        return None
    values = get_named_type(accepted.fields["field"].type)
    return values if isinstance(values, GraphQLEnumType) else None


def _rows_of(field: GraphQLField) -> Any:
    """The type of a link's rows, through a connection where there is one."""
    found = get_named_type(field.type)
    if isinstance(found, GraphQLObjectType) and {"nodes", "pageInfo"} <= set(found.fields):
        return get_named_type(found.fields["nodes"].type)
    return found


def _fields(schema: GraphQLSchema) -> Iterator[tuple[str, str, GraphQLField]]:
    for name, found in schema.type_map.items():
        if isinstance(found, GraphQLObjectType) and not name.startswith("__"):
            for field_name, field in found.fields.items():
                yield name, field_name, field


# ---------------------------------------------------------------- what falls with what is gone


def _dropped(schema: GraphQLSchema, shown: Shown) -> bool:
    """Drops what leads to something gone, and types that have nothing left; whether there was any."""
    before = _size(shown)
    for name in list(shown):
        found = schema.type_map[name]
        left = shown[name] = _left(found, shown)
        if not left and not isinstance(found, GraphQLScalarType):
            del shown[name]
    return _size(shown) != before


def _left(found: GraphQLNamedType, shown: Shown) -> set[str]:
    names = shown[found.name]
    if isinstance(found, GraphQLUnionType):
        return names & shown.keys()
    if isinstance(found, (GraphQLObjectType, GraphQLInterfaceType)):
        left = {each for each in names if _whole(found.fields[each], shown)}
        return left if _has_rows(found, left) else set()
    if isinstance(found, GraphQLInputObjectType):
        left = {each for each in names if get_named_type(found.fields[each].type).name in shown}
        lost = [found.fields[each] for each in found.fields.keys() - left]
        return set() if any(map(_acts_unseen, lost)) else left
    return names


def _whole(field: GraphQLField, shown: Shown) -> bool:
    needed = [each.type for each in field.args.values() if is_required_argument(each)]
    return all(get_named_type(each).name in shown for each in (field.type, *needed))


def _has_rows(found: GraphQLObjectType | GraphQLInterfaceType, left: set[str]) -> bool:
    """An edge without a node and a connection without edges (as Relay names them) are only the name of what is gone."""
    if {"cursor", "node"} <= found.fields.keys():
        return "node" in left
    if {"edges", "pageInfo"} <= found.fields.keys():
        return "edges" in left
    return True


def _acts_unseen(field: GraphQLInputField) -> bool:
    """An input without it could not be given at all, or would act by a default that nobody sees."""
    acts = field.default_value not in (Undefined, None) or (
        field.default is not None and field.default.value is not None
    )
    return acts or is_required_input_field(field)


def _size(shown: Mapping[str, set[str]]) -> int:
    return len(shown) + sum(map(len, shown.values()))


# ---------------------------------------------------------------- what can be got to


def _unreached(schema: GraphQLSchema, shown: Shown) -> bool:
    """Drops what no root leads to, and interface fields that a type behind them lacks; whether there was any."""
    before = _size(shown)
    roots = (schema.query_type, schema.mutation_type, schema.subscription_type)
    reached: set[str] = set()
    _reach(schema, shown, [each.name for each in roots if each is not None], reached)
    _reach(schema, shown, [get_named_type(a.type).name for d in schema.directives for a in d.args.values()], reached)
    members = {
        name: [each.name for each in schema.get_implementations(found).objects]
        for name, found in schema.type_map.items()
        if isinstance(found, GraphQLInterfaceType) and name in shown
    }
    while joining := [
        each for name in members.keys() & reached for each in _joining(schema, name, members[name], shown, reached)
    ]:
        _reach(schema, shown, joining, reached)
    for name, implementing in members.items():
        behind = [shown[each] for each in implementing if each in reached]
        shown[name] = shown[name].intersection(*behind) if behind or not implementing else set()
        if behind:
            reached.add(name)
    for name in shown.keys() - reached:
        del shown[name]
    return _size(shown) != before


def _reach(schema: GraphQLSchema, shown: Shown, names: Iterable[str], reached: set[str]) -> None:
    """Adds to `reached` what `names` lead to; which types stand behind an interface is not asked here."""
    waiting = [name for name in names if name in shown]
    while waiting:
        name = waiting.pop()
        if name in reached:
            continue
        reached.add(name)
        waiting += [each for each in _leads_to(schema.type_map[name], shown[name]) if each in shown]


def _leads_to(found: GraphQLNamedType, names: set[str]) -> Iterator[str]:
    if isinstance(found, GraphQLUnionType):
        yield from names
    if isinstance(found, (GraphQLObjectType, GraphQLInterfaceType)):
        for name in names:
            yield get_named_type(found.fields[name].type).name
            yield from (get_named_type(each.type).name for each in found.fields[name].args.values())
    if isinstance(found, GraphQLInputObjectType):
        yield from (get_named_type(found.fields[name].type).name for name in names)


def _joining(schema: GraphQLSchema, name: str, members: list[str], shown: Shown, reached: set[str]) -> list[str]:
    """Types that only the interface leads to: those that show all of it, and not merely what it shows of any type."""
    interface: Any = schema.type_map[name]
    waiting = [each for each in members if each in shown and each not in reached]
    known = [each for each in members if each in reached] or [each for each in waiting if shown[each] & shown[name]]
    common = shown[name].intersection(*(shown[each] for each in known))
    joining = []
    for each in waiting:
        own = schema.type_map[each].fields.keys() - interface.fields.keys()  # type: ignore[attr-defined]
        if common and common <= shown[each] and (not own or own & shown[each]):
            joining.append(each)
    return joining
