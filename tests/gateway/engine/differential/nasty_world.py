"""A world of values for a nasty schema: what every field of every object gives, a pure function of the seed.

Values may be right, null, errors, or of the wrong type, at every depth and whatever the schema promises.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

import msgspec
from graphql import (
    GraphQLError,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    GraphQLUnionType,
    is_leaf_type,
)

from sources.errors import BadAsk, Garbled, Missing, SourceError, Throttled, TimedOut, Unavailable
from tests.gateway.engine.differential.nasty_leaves import Draw, right_value, wrong_value

_FAILURES: Sequence[type[Exception]] = (
    Unavailable,
    TimedOut,
    Throttled,
    Missing,
    BadAsk,
    Garbled,
    ValueError,
    KeyError,
    RuntimeError,
    TypeError,
    AttributeError,
    GraphQLError,
    StopIteration,
)

_INNER_ITERABLES = True


class Rates(msgspec.Struct, frozen=True):
    """How often a value is null, an error, of a wrong type, or null where it may not be; chances between 0 and 1."""

    null: float
    error: float
    wrong: float
    broken: float

    @classmethod
    def of(cls, draw: Draw) -> Rates:
        """The mood of one case: a third has nothing wrong at all, which is what the compiled builder shows."""
        mood = draw.random()
        if mood < 0.35:
            return cls(draw.choice([0.0, 0.15]), 0.0, 0.0, 0.0)
        if mood < 0.5:
            return cls(0.05, 0.0, 0.0, 0.04)
        often = 0.02 if mood < 0.75 else 0.12
        return cls(often, draw.choice([0.0, often]), draw.choice([0.0, often]), draw.choice([0.0, often / 3]))


class Thing:
    """A value of an object type. Its attributes are the world's."""

    __slots__ = ("id", "world")
    type_name: ClassVar[str] = ""
    attributes: ClassVar[Mapping[str, GraphQLField]] = {}

    def __init__(self, world: World, key: str) -> None:
        self.world, self.id = world, key

    def __str__(self) -> str:
        return self.id  # some scalars show anything

    def __getattr__(self, name: str) -> Any:
        field = self.attributes.get(name)
        if field is None:
            raise AttributeError(name)
        return self.world.attribute(f"{self.type_name}.{name}", field.type, self)


class Stranger:
    """A value of no type."""

    def __str__(self) -> str:
        return "a stranger"


class World:
    """The values of one case. `effects`: what its mutations did, in their order."""

    def __init__(self, seed: str, rates: Rates, schema: GraphQLSchema, classes: Mapping[str, type[Thing]]) -> None:
        self._seed, self._rates, self._schema, self._classes = seed, rates, schema, classes
        self._promised = _promised(schema)
        self.effects: list[str] = []

    def again(self) -> World:
        """The same world, before anything was done to it."""
        return World(self._seed, self._rates, self._schema, self._classes)

    # ------------------------------------------------------------ fields

    def attribute(self, coordinate: str, type_: GraphQLOutputType, thing: Thing) -> Any:
        """A plain attribute: the same whenever it is read; some raise."""
        return self._raised(self._value(coordinate, type_, thing, {}, lazy=False))

    def derived(self, coordinate: str, type_: GraphQLOutputType, row: Any) -> Any:
        """What a pure function of one value gives; some raise, some return their error."""
        return self._raised(self._value(coordinate, type_, row, {}, lazy=True))

    def computed(self, coordinate: str, type_: GraphQLOutputType, row: Any, given: Mapping[str, Any]) -> Any:
        """What a computation gives one parent; mutations leave a mark, and what is computed later tells how many there
        were. Some computations fail for all their parents."""
        done = len(self.effects)
        if coordinate.startswith("Mutation."):
            self.effects.append(f"{coordinate}{_text(given)}")
        return self._value(coordinate, type_, row, given, lazy=True, done=done)

    def resolved(self, coordinate: str, type_: GraphQLOutputType, row: Any, given: Mapping[str, Any]) -> Any:
        """What graphql-core's resolver of a computation gives: the same, for one parent."""
        failure = self.whole_failure(coordinate, given)
        if failure is not None:
            raise failure
        value = self.computed(coordinate, type_, row, given)
        if self.miscounts(coordinate, given):
            raise RuntimeError("an answer is missing")
        return value

    def whole_failure(self, coordinate: str, given: Mapping[str, Any]) -> Exception | None:
        """The error with which a computation fails for all its parents."""
        draw = random.Random(f"{self._seed} whole {coordinate} {_text(given)}")
        return _failure(draw) if draw.random() < self._rates.error / 3 else None

    def miscounts(self, coordinate: str, given: Mapping[str, Any]) -> bool:
        """Whether a computation gives one answer too few: nobody can say which."""
        return random.Random(f"{self._seed} count {coordinate} {_text(given)}").random() < self._rates.error / 6

    def _raised(self, value: Any) -> Any:
        if isinstance(value, (ValueError, TimedOut, AttributeError)):
            raise value
        return value

    def _value(
        self,
        coordinate: str,
        type_: GraphQLOutputType,
        row: Any,
        given: Mapping[str, Any],
        *,
        lazy: bool,
        done: int = 0,
    ) -> Any:
        of = row.id if isinstance(row, Thing) else type(row).__name__
        draw = random.Random(f"{self._seed} {coordinate} {of} {_text(given)} {done}")
        return self._drawn(type_, draw, lazy=lazy)

    # ------------------------------------------------------------ values

    def _drawn(self, type_: GraphQLOutputType, draw: Draw, *, lazy: bool) -> Any:
        rates, chance = self._rates, draw.random()
        if chance < rates.error:
            return _failure(draw)
        if chance < rates.error + rates.wrong * (3 if is_leaf_type(type_) else 1):
            return self._wrong(type_, draw)
        promised = isinstance(type_, GraphQLNonNull)
        inner = type_.of_type if isinstance(type_, GraphQLNonNull) else type_
        if draw.random() < (rates.broken if promised else rates.null):
            return None
        return self._right(inner, draw, lazy=lazy)

    def _right(self, type_: GraphQLOutputType, draw: Draw, *, lazy: bool) -> Any:
        if isinstance(type_, GraphQLList):
            return self._list(type_, draw, lazy=lazy)
        if is_leaf_type(type_):
            return right_value(type_.name, draw)
        if isinstance(type_, GraphQLObjectType):
            return self._thing(type_.name, draw)
        assert isinstance(type_, (GraphQLInterfaceType, GraphQLUnionType))
        possible = self._promised[type_.name]
        return self._thing(draw.choice(possible), draw) if possible else None

    def _thing(self, type_name: str, draw: Draw) -> Thing:
        return self._classes[type_name](self, f"{type_name}{draw.randint(0, 40)}")

    def _list(self, type_: GraphQLList[Any], draw: Draw, *, lazy: bool) -> Any:
        count = draw.choice([0, 1, 1, 2, 2, 3])
        items = [self._drawn(type_.of_type, draw, lazy=lazy and _INNER_ITERABLES) for _ in range(count)]
        if items and draw.random() < 0.15 and _lasts(items[0]):
            items.append(items[0])  # the same value twice
        form = draw.random()
        if form < 0.25:
            return tuple(items)
        if lazy and form < 0.3:
            return (each for each in items)
        if lazy and form < 0.33:
            return dict(enumerate(items)).values()
        return items

    def _wrong(self, type_: GraphQLOutputType, draw: Draw) -> Any:
        inner = type_.of_type if isinstance(type_, GraphQLNonNull) else type_
        if isinstance(inner, GraphQLList):
            return draw.choice([5, "text", {"a": 1}, b"bytes", self._thing("T0", draw), Stranger()])
        if is_leaf_type(inner):
            return wrong_value(inner.name, draw)
        other = draw.choice(list(self._classes))
        return draw.choice([self._thing(other, draw), self._thing(other, draw), 5, "text", [], {}, Stranger()])


def _lasts(value: Any) -> bool:
    """Whether a value can be read twice: what is left of one that cannot depends on how far the first reader came."""
    if isinstance(value, (list, tuple)):
        return all(_lasts(each) for each in value)
    return not isinstance(value, Iterator)


def _failure(draw: Draw) -> Exception:
    kind = draw.choice(_FAILURES)
    if kind is GraphQLError:
        return GraphQLError("it says why itself", extensions={"code": "ITS_OWN"})
    return kind("it failed: try again") if issubclass(kind, SourceError) else kind("it broke")


def _promised(schema: GraphQLSchema) -> dict[str, list[str]]:
    return {
        name: [each.name for each in schema.get_possible_types(found)]
        for name, found in schema.type_map.items()
        if isinstance(found, (GraphQLInterfaceType, GraphQLUnionType))
    }


def _text(given: Mapping[str, Any]) -> str:
    return repr(sorted(given.items())) if given else ""
