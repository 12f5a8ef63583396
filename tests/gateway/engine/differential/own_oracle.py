"""The oracle of our own schema: one resolver for each object and field, in the plainest way, over the same catalog.

It says what a declaration means, one row at a time: a link reads the keys of its parent, rows are judged before they are
shown, a field is decided by the roles that see its row. It knows nothing of plans, batches or early reads.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Generator, Mapping, Sequence
from inspect import isawaitable
from typing import Any

import strawberry
from graphql import (
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_composite_type,
)
from graphql.execution.executor import Executor
from strawberry import UNSET
from strawberry.types.arguments import convert_arguments

from resolvers.batch import Batched, Derived, Link, declaration_of, lookups_of
from sources.canonical import Record
from sources.errors import BadAsk, SourceError
from tests.gateway.engine.differential.oracle import Walker
from tests.gateway.engine.differential.own_pages import Listing, listing_of
from tests.gateway.engine.differential.own_rows import Asking, Row


class Forbidden(SourceError):
    """Something the role may not do."""

    code = "FORBIDDEN"


class Cut(Exception):
    """A refused field that cannot be null: its null spreads, and the refusal is told elsewhere."""


class Deciding(Executor[Any]):
    """Asks the rules before anything else: what is refused is not even asked whether its arguments fit."""

    def execute_field(
        self, parent_type: GraphQLObjectType, source: Any, field_details_list: Any, path: Any, position_context: Any
    ) -> Any:
        """A refused field is null, and told once."""
        name, asking = field_details_list[0].node.name.value, self.context_value
        field = parent_type.fields.get(name)
        if field is not None and not parent_type.name.startswith("__"):
            roles = source.roles if source is not None else asking.grants.roles
            if asking.grants.field(parent_type.name, name, roles).verdict == "deny":
                asking.refuse(f"{parent_type.name}.{name}", path.as_list())
                if isinstance(field.type, GraphQLNonNull):
                    self.handle_field_error(Cut(), field.type, field_details_list, path)
                return None
        return super().execute_field(parent_type, source, field_details_list, path, position_context)


class DecidingWalker(Deciding, Walker):
    """As `Deciding`, and never stops."""


class Later:
    """A value to be waited for that nobody misses if graphql-core drops it, which it does where a sibling fails."""

    __slots__ = ("_begin",)

    def __init__(self, begin: Callable[[], Coroutine[Any, Any, Any]]) -> None:
        self._begin = begin

    def __await__(self) -> Generator[Any, Any, Any]:
        return self._begin().__await__()


def install(schema: strawberry.Schema, names: Mapping[type[Record], str]) -> GraphQLSchema:
    """Gives every field of a schema its resolver; from then on graphql-core can run it."""
    core = schema._schema
    scalars, config = schema.schema_converter.scalar_registry, schema.config

    def coerced(field: GraphQLField, given: Mapping[str, Any]) -> dict[str, Any]:
        definition = field.extensions.get("strawberry-definition")
        accepted = definition.arguments if definition is not None else []
        made = convert_arguments(dict(given), accepted, scalar_registry=scalars, config=config) if accepted else {}
        return {name: value for name, value in made.items() if value is not None and value is not UNSET}

    for shown in core.type_map.values():
        if isinstance(shown, GraphQLInterfaceType):
            shown.resolve_type = lambda row, *_: names.get(type(row.value))
        if isinstance(shown, GraphQLObjectType) and not shown.name.startswith("__"):
            shown.is_type_of = None
            for name, field in shown.fields.items():
                field.resolve = _resolver(core, shown.name, name, field, coerced)
    return core


Coerced = Callable[[GraphQLField, Mapping[str, Any]], dict[str, Any]]


def _resolver(
    core: GraphQLSchema, type_name: str, name: str, field: GraphQLField, coerced: Coerced
) -> Callable[..., Any]:
    read = _reading(core, f"{type_name}.{name}", field)
    composite = is_composite_type(get_named_type(field.type))

    def resolve(source: Row | None, info: Any, **given: Any) -> Later:
        return Later(lambda: answer(source, info, given))

    async def answer(source: Row | None, info: Any, given: Mapping[str, Any]) -> Any:
        asking: Asking = info.context
        row, roles = (source.value, source.roles) if source is not None else (None, asking.grants.roles)
        decision = asking.grants.field(type_name, name, roles)
        granting = asking.granting(type_name, name, roles)
        found = read(asking, row, coerced(field, given), info, granting)
        value = await found if isawaitable(found) else found
        if decision.mask is not None and not isinstance(value, Exception):
            asking.masked.add(f"{type_name}.{name}")
            value = decision.mask(value)
        return asking.as_rows(value, granting) if composite else value

    return resolve


Reading = Callable[[Asking, Any, dict[str, Any], Any, frozenset[str]], Any]


def _reading(core: GraphQLSchema, coordinate: str, field: GraphQLField) -> Reading:
    declared = declaration_of(field)
    if isinstance(declared, Link):
        return _link(listing_of(core, coordinate, declared, field))
    if isinstance(declared, Batched):
        return lambda asking, row, given, _info, granting: _computed(asking, declared, row, given, granting)
    if isinstance(declared, Derived):
        return lambda asking, row, _given, _info, _granting: declared.derive(row, asking.context)
    attribute = field.extensions["strawberry-definition"].python_name
    return lambda _asking, row, _given, _info, _granting: getattr(row, attribute)


async def _computed(
    asking: Asking, declared: Batched, row: Any, given: Mapping[str, Any], granting: frozenset[str]
) -> Any:
    for value in given.values():
        for name, coordinate in lookups_of(type(value)).items():
            if getattr(value, name) is not None and not asking.grants.lookup(*coordinate.split(".", 1)):
                raise Forbidden(f"`{coordinate}` is not for your role")
    for coordinate in declared.sought(given) if declared.sought else ():
        if not asking.grants.lookup(*coordinate.split(".", 1)):
            raise Forbidden(f"`{coordinate}` is not for your role")
    given = dict(given)
    if declared.dated and (given.pop("max_age", None) or 0) < 0:
        raise BadAsk("`maxAge` is less than nothing")
    (answer,) = await declared.compute([row], asking.reader(declared.needs, granting), asking.context, **given)
    if isinstance(answer, Record):
        return await asking.seen(asking.known(answer), granting)
    if not isinstance(answer, (list, tuple)):
        return answer
    shown = [await asking.seen(asking.known(each), granting) if isinstance(each, Record) else each for each in answer]
    if not any(isinstance(each, Record) for each in answer):
        return answer
    return shown if isinstance(answer, tuple) else [each for each in shown if each is not None]


# ---------------------------------------------------------------- links


def _link(listing: Listing) -> Callable[[Asking, Any, dict[str, Any], Any, frozenset[str]], Awaitable[Any]]:
    async def read(asking: Asking, row: Any, given: dict[str, Any], info: Any, granting: frozenset[str]) -> Any:
        keys = _keys(listing.link, row, given)
        if listing.link.paged:
            page, error = await listing.page(asking, keys, given, granting)
            asking.note(info, [error] if error is not None else [])
            return page
        found, problems = await _plain(asking, listing, keys, granting)
        asking.note(info, problems)
        return found

    return read


async def _plain(
    asking: Asking, listing: Listing, keys: Sequence[str], granting: frozenset[str]
) -> tuple[Any, list[SourceError]]:
    """The value of a link that is no connection, and what is told besides it."""
    link, nothing = listing.link, True
    records: list[Any] = []
    errors: list[SourceError] = []
    unjudged: list[Any] = []
    for key in keys:
        rows, error = await asking.read(link.target, link.by, key, listing.start(asking))
        nothing = nothing and rows is None
        errors += [error] if error is not None else []
        for each in [await asking.seen(each, granting) for each in (rows.records if rows is not None else ())]:
            (unjudged if isinstance(each, SourceError) else records).append(each)
    if errors and nothing:
        raise errors[0]
    records = [each for each in records if each is not None]
    problems = [*errors, *unjudged[:1]]
    if link.many:
        return (records[: link.first] if link.first is not None else records), problems
    if not records and problems:
        raise problems[0]
    return (records[0] if records else None), problems


def _keys(link: Link, row: Any, given: Mapping[str, Any]) -> Sequence[str]:
    if link.argument is not None:
        return [str(given[link.argument])]
    if link.by == "list":
        return [""]
    value = getattr(row, link.key, None)
    if value is None or value == "":
        return []
    return list(dict.fromkeys(value)) if isinstance(value, tuple) else [value]
