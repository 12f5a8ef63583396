"""The adapter: turns each declared field into a graphql-core resolver over request-scoped loaders.

The policies decide a field before anything is loaded for it, and judge rows after. This file stands where the plan and
its runner will: declarations do not change when it goes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from inspect import isawaitable
from typing import Any, TypeAlias

import msgspec
import strawberry
from aiodataloader import DataLoader
from graphql import GraphQLField, GraphQLInterfaceType, GraphQLObjectType
from strawberry import UNSET
from strawberry.types.arguments import convert_arguments

from gateway.engine.operation import Found, Info, Operation
from resolvers.batch import Batched, Derived, Link, declaration_of, filter_of
from sources.canonical import Record
from sources.errors import BadAsk, SourceError
from sources.ports import Ask, Filter, Order, Page, Rows

_MAX_PAGE = 100
_ROOTS = frozenset({"Query"})
Resolver: TypeAlias = Callable[..., Any]


class PageResult(msgspec.Struct):
    """What a connection's fields read."""

    edges: list[Any]
    nodes: list[Any]
    page_info: Any
    total_count: int | None


class EdgeResult(msgspec.Struct):
    """One edge."""

    cursor: str
    node: Any


class PageInfoResult(msgspec.Struct):
    """A page's bounds."""

    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


def install(schema: strawberry.Schema, types: Mapping[type[Record], str]) -> None:
    """Gives every field of `schema` its resolver; `types` maps record classes to GraphQL type names."""
    names = dict(types)
    coerce = partial(convert_arguments, scalar_registry=schema.schema_converter.scalar_registry, config=schema.config)
    for graphql_type in schema._schema.type_map.values():
        if graphql_type.name.startswith("__"):
            continue
        if isinstance(graphql_type, GraphQLInterfaceType):
            graphql_type.resolve_type = lambda value, *_: names.get(type(value))
        if isinstance(graphql_type, GraphQLObjectType):
            graphql_type.is_type_of = None
            for name, field in graphql_type.fields.items():
                inner = _resolver(graphql_type.name, name, field, names)
                field.resolve = _decided(graphql_type.name, name, _coerced(field, inner, coerce))


def _resolver(type_name: str, name: str, field: GraphQLField, names: Mapping[type[Record], str]) -> Resolver:
    declared = declaration_of(field)
    if isinstance(declared, Link):
        return _Links(declared, f"{type_name}.{name}", field, names).resolve
    if isinstance(declared, Batched):
        return _batched(declared)
    if isinstance(declared, Derived):
        return lambda source, info, **_: declared.derive(source, info.context.context)
    definition = field.extensions.get("strawberry-definition")
    attribute = definition.python_name if definition is not None else name
    return lambda source, _info, **_: getattr(source, attribute)


def _coerced(field: GraphQLField, inner: Resolver, coerce: Callable[..., dict[str, Any]]) -> Resolver:
    """Arguments as the declarations' python types, where there are any."""
    definition = field.extensions.get("strawberry-definition")
    accepted = definition.arguments if definition is not None else []
    if not accepted:
        return inner
    return lambda source, info, **given: inner(source, info, **coerce(given, accepted))


def _decided(type_name: str, name: str, inner: Resolver) -> Resolver:
    coordinate = f"{type_name}.{name}"
    is_root = type_name in _ROOTS

    def resolve(source: Any, info: Info, **arguments: Any) -> Any:
        operation: Operation = info.context
        roles = operation.roles_for(source)
        decision = operation.judge.field(type_name, name, roles)
        if decision.verdict == "deny":
            operation.refuse(info, coordinate, decision)
            return None
        value = inner(None if is_root else source, info, **arguments)
        if decision.mask is not None:
            operation.masked.add(coordinate)
            return _masked(value, decision.mask)
        if roles is not operation.judge.roles:
            _inherit(operation, value, roles)
        return value

    return resolve


def _masked(value: Any, mask: Callable[[Any], Any]) -> Any:
    if isawaitable(value):

        async def later(pending: Awaitable[Any]) -> Any:
            return mask(await pending)

        return later(value)
    return None if value is None else mask(value)


def _inherit(operation: Operation, value: Any, roles: frozenset[str]) -> None:
    """Embedded values are seen by the roles that see their record."""
    for each in value if isinstance(value, (list, tuple)) else (value,):
        if isinstance(each, msgspec.Struct):
            operation.attribute(each, roles)


# ---------------------------------------------------------------- links


class _Links:
    """One link field: finds its keys in the parent, loads, judges, pages."""

    def __init__(self, link: Link, coordinate: str, field: GraphQLField, names: Mapping[type[Record], str]) -> None:
        self._link, self._coordinate = link, coordinate
        self._target = names.get(link.target, link.target.__name__)
        self._where = _filters(field)

    async def resolve(self, source: Any, info: Info, **arguments: Any) -> Any:
        operation: Operation = info.context
        link = self._link
        keys = self._keys(source, arguments)
        page = self._page(operation, arguments, keys)
        found = await operation.load(link.target, link.by, keys, page) if keys else []
        failed = [each.error for each in found if each.error is not None]
        if failed and all(each.rows is None for each in found):
            raise failed[0]
        for error in failed:
            operation.note(info, error)
        if link.paged:
            return await self._connection(operation, info, page, keys, found, arguments)
        records = [record for each in found if each.rows is not None for record in each.rows.records]
        judged = [record for record in await operation.visible(records) if record is not None]
        if link.many:
            return judged[: link.first] if link.first is not None else judged
        return judged[0] if judged else None

    def _keys(self, source: Any, arguments: Mapping[str, Any]) -> list[str]:
        link = self._link
        if link.argument is not None:
            return [str(arguments[link.argument])]
        if link.by == "list":
            return [""]
        value = getattr(source, link.key, None)
        if value is None or value == "":
            return []
        return list(dict.fromkeys(value)) if isinstance(value, tuple) else [value]

    def _page(self, operation: Operation, arguments: Mapping[str, Any], keys: Sequence[str]) -> Page:
        link = self._link
        if not link.paged:
            return Page(first=link.first, order=link.order, filters=link.fixed)
        first = _given(arguments, "first")
        if first is not None and not 1 <= first <= _MAX_PAGE:
            raise BadAsk(f"`first` is {first}: ask for 1 to {_MAX_PAGE}")
        filters = link.fixed + self._asked_filters(_given(arguments, "filter"))
        chosen = _given(arguments, "order_by")
        order = Order(chosen.field.value, chosen.direction.value == "DESC") if chosen is not None else link.order
        self._readable(
            operation, [*(each.field for each in filters[len(link.fixed) :]), *([chosen.field.value] if chosen else [])]
        )
        page = Page(first or link.first, None, order, filters)
        cursor = _given(arguments, "after")
        after = operation.cursors.decode(cursor, self._scope(page, keys)) if cursor is not None else None
        return msgspec.structs.replace(page, after=after)

    def _asked_filters(self, given: Any) -> tuple[Filter, ...]:
        if given is None:
            return ()
        asked = []
        for python_name, (field, op) in self._where.items():
            value = getattr(given, python_name)
            if value is UNSET or value is None:
                continue
            asked.append(Filter(field, op, tuple(map(_plain, value)) if isinstance(value, list) else _plain(value)))
        return tuple(asked)

    def _readable(self, operation: Operation, attributes: Sequence[str]) -> None:
        """Filtering or ordering by what one may not read would tell it all the same."""
        for attribute in attributes:
            decision = operation.judge.field(self._target, _camel(attribute), operation.judge.roles)
            if decision.verdict != "allow":
                raise Forbidden(
                    f"`{self._target}.{_camel(attribute)}` is not for your role: leave it out of filter and order"
                )

    def _scope(self, page: Page, keys: Sequence[str]) -> str:
        shape = (self._coordinate, tuple(keys), page.order, page.filters)
        return hashlib.sha256(repr(shape).encode()).hexdigest()

    async def _connection(
        self,
        operation: Operation,
        info: Info,
        page: Page,
        keys: Sequence[str],
        found: Sequence[Found],
        arguments: Mapping[str, Any],
    ) -> PageResult | None:
        if not keys:
            return PageResult([], [], PageInfoResult(False, False, None, None), 0)
        rows = found[0].rows or Rows()
        link = self._link
        kept, places, more, error = await operation.fill(
            lambda next_page: Ask(link.target, link.by, (keys[0],), next_page), page, rows
        )
        if error is not None:
            operation.note(info, error)
        scope = self._scope(page, keys)
        cursors = [operation.cursors.encode(place, scope) if place is not None else "" for place in places]
        bounds = PageInfoResult(
            more,
            _given(arguments, "after") is not None,
            cursors[0] if cursors else None,
            cursors[-1] if cursors else None,
        )
        edges = [EdgeResult(cursor, node) for cursor, node in zip(cursors, kept, strict=True)]
        return PageResult(edges, kept, bounds, rows.total if len(kept) == len(rows.records) else None)


class Forbidden(SourceError):
    """Something the role may not do, refused before anything was read."""

    code = "FORBIDDEN"


def _filters(field: GraphQLField) -> dict[str, tuple[str, str]]:
    argument = field.args.get("filter")
    if argument is None:
        return {}
    definition = argument.type.extensions["strawberry-definition"]  # type: ignore[union-attr]
    return filter_of(definition.origin)


def _given(arguments: Mapping[str, Any], name: str) -> Any:
    value = arguments.get(name)
    return None if value is UNSET else value


def _plain(value: Any) -> Any:
    return getattr(value, "value", value)


def _camel(attribute: str) -> str:
    head, *rest = attribute.split("_")
    return head + "".join(part.capitalize() for part in rest)


# ---------------------------------------------------------------- computations


def _batched(declared: Batched) -> Resolver:
    async def resolve(source: Any, info: Info, **arguments: Any) -> Any:
        operation: Operation = info.context
        given = {name: value for name, value in arguments.items() if value is not UNSET and value is not None}
        computing = _computing(declared, operation, given)
        if source is None:
            (answer,) = await computing([None])
        else:
            place = tuple(part for part in info.path.as_list() if isinstance(part, str))
            loader = operation.batches.get(place)
            if loader is None:
                loader = operation.batches[place] = DataLoader(computing, get_cache_key=id)
            answer = await loader.load(source)
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, Record):
            return (await operation.visible([answer]))[0]
        if isinstance(answer, list) and answer and isinstance(answer[0], Record):
            return [row for row in await operation.visible(answer) if row is not None]
        return answer

    return resolve


def _computing(declared: Batched, operation: Operation, arguments: Mapping[str, Any]) -> Callable[[list[Any]], Any]:
    async def compute(parents: list[Any]) -> list[Any]:
        read = operation.bound(declared.needs)
        answers = await declared.compute(parents, read, operation.context, **arguments)
        return list(answers)

    return compute
