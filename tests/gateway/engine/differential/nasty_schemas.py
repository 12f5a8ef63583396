"""Schemas made to be nasty. One schema serves both sides: graphql-core calls `resolve`, the engine reads declarations.

Fields come from a pool that all types of a schema share, so that selections on interfaces and unions merge.
"""

import random
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from graphql import (
    GraphQLArgument,
    GraphQLDefaultInput,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
    parse_const_value,
)

from resolvers.batch import Batched, Declaration, Derived
from tests.gateway.engine.differential.inputs import literal
from tests.gateway.engine.differential.nasty_leaves import Draw, leaf_types
from tests.gateway.engine.differential.nasty_world import Thing, World

_ODD_ATTRIBUTES = ("{}_for", "{} of two words", "{}'\"", "{}_\u00fc")
_KEYWORDS = ("class", "lambda", "None", "for")
PLAIN, DERIVED, BATCHED = "plain", "derived", "batched"


class Pooled(msgspec.Struct):
    """One field that types may have: its name, its type, its arguments."""

    name: str
    type: GraphQLOutputType
    args: dict[str, GraphQLArgument]


class Nasty(msgspec.Struct):
    """A schema and the class of each object type's values."""

    schema: GraphQLSchema
    classes: dict[str, type[Thing]]

    @property
    def types(self) -> Mapping[type, str]:
        """Class of a value -> name of its type."""
        return {made: name for name, made in self.classes.items()}


def nasty_schema(seed: int) -> Nasty:
    """The schema of a seed."""
    return _Maker(random.Random(f"schema {seed}")).made()


class _Maker:
    def __init__(self, draw: Draw) -> None:
        self._draw = draw
        self._leaves = leaf_types(draw)
        self._inputs = _input_types(draw, [each for each in self._leaves if each.name != "Anything"])
        self._interfaces: list[GraphQLInterfaceType] = []
        self._objects: list[GraphQLObjectType] = []
        self._unions: list[GraphQLUnionType] = []
        self._fields_of: dict[str, list[Pooled]] = {}
        self._classes: dict[str, type[Thing]] = {}

    def made(self) -> Nasty:
        draw = self._draw
        self._make_interfaces(draw.randint(1, 3))
        for index in range(draw.randint(3, 5)):
            self._make_object(f"T{index}")
        for index in range(draw.randint(1, 2)):
            members = draw.sample(self._objects, draw.randint(1, 3))
            self._unions.append(GraphQLUnionType(f"U{index}", members, resolve_type=self._resolve_type))
        pool = [self._pooled(f"f{index}") for index in range(draw.randint(8, 14))]
        self._share(pool)
        query = self._root("Query", [*draw.sample(pool, min(len(pool), 7)), *self._composites()])
        mutation = self._root("Mutation", [self._pooled(f"m{index}") for index in range(5)])
        schema = GraphQLSchema(query, mutation, types=[*self._objects, *self._interfaces, *self._unions])
        for name in [*self._classes]:
            shown = schema.type_map[name]
            assert isinstance(shown, GraphQLObjectType)
            self._classes[name].attributes = {
                field.extensions["attribute"]: field
                for field in shown.fields.values()
                if "attribute" in field.extensions
            }
        return Nasty(schema, self._classes)

    # ------------------------------------------------------------ types

    def _make_interfaces(self, count: int) -> None:
        for index in range(count):
            name = f"I{index}"
            above = self._draw.sample(self._interfaces, self._draw.randint(0, len(self._interfaces)))
            every = _closed(above)
            self._interfaces.append(
                GraphQLInterfaceType(
                    name,
                    lambda name=name: {each.name: GraphQLField(each.type, each.args) for each in self._fields_of[name]},  # type: ignore[misc]
                    every,
                    resolve_type=self._resolve_type,
                )
            )

    def _make_object(self, name: str) -> None:
        above = _closed(self._draw.sample(self._interfaces, self._draw.randint(0, len(self._interfaces))))
        self._classes[name] = type(name, (Thing,), {"type_name": name, "__slots__": ()})
        self._objects.append(
            GraphQLObjectType(
                name, lambda: {each.name: self._field(name, each) for each in self._fields_of[name]}, above
            )
        )

    def _share(self, pool: Sequence[Pooled]) -> None:
        """Says which type has which fields; those of an interface are narrowed by whoever implements it."""
        for interface in self._interfaces:
            self._fields_of[interface.name] = self._fields(interface.interfaces, pool, more=self._draw.randint(1, 3))
        for each in self._objects:
            self._fields_of[each.name] = self._fields(
                each.interfaces, pool, more=self._draw.randint(2, 6), concrete=True
            )

    def _fields(
        self, above: Sequence[GraphQLInterfaceType], pool: Sequence[Pooled], *, more: int, concrete: bool = False
    ) -> list[Pooled]:
        found: dict[str, Pooled] = {}
        for interface in above:
            for each in self._fields_of[interface.name]:
                known = found.get(each.name)
                if known is None or _is_narrower(known.type, each.type):
                    found[each.name] = each
        for each in self._draw.sample(pool, min(more, len(pool))):
            found.setdefault(each.name, each)
        return [Pooled(each.name, self._narrowed(each.type, concrete), each.args) for each in found.values()]

    def _narrowed(self, type_: GraphQLOutputType, concrete: bool) -> GraphQLOutputType:
        """The type, or one that may stand for it: without null, or of one type of those that an abstract one means."""
        possible = self._members(get_named_type(type_)) if concrete else []
        if possible and self._draw.random() < 0.3:
            type_ = _renamed(type_, self._draw.choice(possible))
        if self._draw.random() < 0.15 and not isinstance(type_, GraphQLNonNull):
            return GraphQLNonNull(type_)
        return type_

    def _members(self, named: GraphQLNamedType) -> list[GraphQLObjectType]:
        if isinstance(named, GraphQLUnionType):
            return list(named.types)
        return [each for each in self._objects if named in each.interfaces]

    def _root(self, name: str, fields: Sequence[Pooled]) -> GraphQLObjectType:
        made = {
            f"{each.name}": self._field(name, each, BATCHED if self._draw.random() < 0.85 else DERIVED)
            for each in fields
        }
        return GraphQLObjectType(name, made)

    def _composites(self) -> list[Pooled]:
        """A root for every composite type, so that documents get somewhere."""
        every = [*self._objects, *self._interfaces, *self._unions]
        return [Pooled(f"r{index}", self._wrapped(each, 0.3), self._args()) for index, each in enumerate(every)]

    # ------------------------------------------------------------ fields

    def _pooled(self, name: str) -> Pooled:
        draw = self._draw
        composite = draw.random() < 0.5
        named: GraphQLNamedType = (
            draw.choice([*self._objects, *self._objects, *self._interfaces, *self._unions])
            if composite
            else draw.choice(self._leaves)
        )
        return Pooled(name, self._wrapped(named, 0.4), self._args())

    def _wrapped(self, named: Any, often: float) -> Any:
        type_ = named
        for _ in range(3):
            if self._draw.random() < 0.3:
                type_ = GraphQLNonNull(type_)
            if self._draw.random() > often:
                return type_
            type_ = GraphQLList(type_)
        return type_

    def _args(self) -> dict[str, GraphQLArgument]:
        draw = self._draw
        if draw.random() < 0.55:
            return {}
        return {name: self._argument(name) for name in draw.sample(["a", "b", "c"], draw.randint(1, 2))}

    def _argument(self, name: str) -> GraphQLArgument:
        draw = self._draw
        type_ = _input_type(draw, self._inputs)
        default = _default(type_, draw) if draw.random() < 0.35 else None
        out_name = f"{name}_out" if draw.random() < 0.2 else None
        return GraphQLArgument(type_, default=default, out_name=out_name)

    def _field(self, type_name: str, pooled: Pooled, kind: str | None = None) -> GraphQLField:
        kind = BATCHED if pooled.args else kind or self._draw.choice([PLAIN, PLAIN, DERIVED, BATCHED])
        field = GraphQLField(pooled.type, pooled.args)
        if kind == PLAIN:
            attribute = self._draw.choice([pooled.name, pooled.name, f"{pooled.name}_", *_ODD_ATTRIBUTES, *_KEYWORDS])
            attribute = attribute.format(pooled.name)
            field.extensions = {"attribute": attribute}
            field.resolve = lambda source, _info: getattr(source, attribute)
            return field
        coordinate = f"{type_name}.{pooled.name}"
        declared: Declaration
        if kind == DERIVED:
            declared = Derived(lambda row, context: context.rules.derived(coordinate, pooled.type, row))
            field.resolve = lambda source, info: info.context.derived(coordinate, pooled.type, source)
        else:
            declared = Batched(_compute(coordinate, pooled.type), ())
            field.resolve = lambda source, info, **given: info.context.resolved(coordinate, pooled.type, source, given)
        field.extensions = {"opsgraph": declared}
        return field

    @staticmethod
    def _resolve_type(value: Any, _info: Any, _type: Any) -> str | None:
        return value.type_name if isinstance(value, Thing) else None


def _compute(coordinate: str, type_: GraphQLOutputType) -> Any:
    async def compute(parents: Sequence[Any], _read: Any, context: Any, **given: Any) -> list[Any]:
        world: World = context.rules
        failure = world.whole_failure(coordinate, given)
        if failure is not None:
            raise failure
        answers = [world.computed(coordinate, type_, parent, given) for parent in parents]
        return answers[1:] if world.miscounts(coordinate, given) else answers

    return compute


def _renamed(type_: GraphQLOutputType, named: GraphQLObjectType) -> Any:
    if isinstance(type_, GraphQLNonNull):
        return GraphQLNonNull(_renamed(type_.of_type, named))
    return GraphQLList(_renamed(type_.of_type, named)) if isinstance(type_, GraphQLList) else named


def _closed(above: Sequence[GraphQLInterfaceType]) -> list[GraphQLInterfaceType]:
    """Interfaces with all that they implement themselves, each once."""
    found: dict[str, GraphQLInterfaceType] = {}
    for each in above:
        for one in (each, *each.interfaces):
            found[one.name] = one
    return list(found.values())


def _is_narrower(known: GraphQLOutputType, other: GraphQLOutputType) -> bool:
    return isinstance(other, GraphQLNonNull) and not isinstance(known, GraphQLNonNull)


# ------------------------------------------------------------ inputs


def _input_types(draw: Draw, leaves: Sequence[Any]) -> list[Any]:
    made: list[Any] = list(leaves)
    for index in range(2):
        fields = {
            name: _input_field(_input_type(draw, made), draw)
            for name in draw.sample(["p", "q", "r"], draw.randint(1, 3))
        }
        made += [GraphQLInputObjectType(f"In{index}", fields)] * 2
    choices = {f"o{index}": GraphQLInputField(_nullable(_input_type(draw, made))) for index in range(3)}
    return [*made, *[GraphQLInputObjectType("Either", choices, is_one_of=True)] * 3]


def _input_field(type_: GraphQLInputType, draw: Draw) -> GraphQLInputField:
    return GraphQLInputField(type_, default=_default(type_, draw) if draw.random() < 0.3 else None)


def _input_type(draw: Draw, named: Sequence[Any]) -> Any:
    type_ = draw.choice(named)
    if draw.random() < 0.3:
        type_ = GraphQLNonNull(type_)
    if draw.random() < 0.25:
        type_ = GraphQLList(type_)
        if draw.random() < 0.3:
            type_ = GraphQLNonNull(type_)
    return type_


def _nullable(type_: GraphQLInputType) -> GraphQLInputType:
    return type_.of_type if isinstance(type_, GraphQLNonNull) else type_


def _default(type_: GraphQLInputType, draw: Draw) -> GraphQLDefaultInput:
    return GraphQLDefaultInput(literal=parse_const_value(literal(type_, draw, depth=2)))
