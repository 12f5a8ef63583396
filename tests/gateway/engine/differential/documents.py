"""Documents drawn at random over any schema: merging selections, fragments in fragments, variables, `@skip/@include`.

Most are valid; the ones that are not (conflicting merges above all) are refused by both sides or the case fails.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from graphql import (
    GraphQLBoolean,
    GraphQLField,
    GraphQLInputType,
    GraphQLInterfaceType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLString,
    GraphQLUnionType,
    get_named_type,
    is_required_argument,
)

from tests.gateway.engine.differential.inputs import json_value, literal
from tests.gateway.engine.differential.nasty_leaves import Draw

Composite = GraphQLObjectType | GraphQLInterfaceType | GraphQLUnionType
Literal = Callable[[str, str, GraphQLInputType], str | None]
"""Offered each argument (coordinate of the field, argument, its type): a literal of its own, or None for any."""


class Shape(msgspec.Struct, frozen=True):
    """How large documents get. `favours`: fields that are asked for more often than others, where they are.
    `rooted`: arguments with this text are not asked with again below the roots."""

    depth: int = 6
    fields: int = 24
    selected: int = 3
    introspects: bool = True
    favours: frozenset[str] = frozenset()
    rooted: str | None = None


class Variable(msgspec.Struct):
    """A variable of the operation: its type, and its default as the document writes it."""

    name: str
    type: GraphQLInputType
    default: str | None

    @property
    def definition(self) -> str:
        """As it stands in the operation's head."""
        return f"${self.name}: {self.type}" + (f" = {self.default}" if self.default is not None else "")


class Written(msgspec.Struct):
    """A document with what it takes to run it."""

    text: str
    variables: Sequence[Variable]
    operation: str | None

    def values(self, draw: Draw, odd: float) -> dict[str, Any]:
        """Values for its variables: some left out, some null, some of the wrong type, some that nobody asked for."""
        given: dict[str, Any] = {}
        for each in self.variables:
            optional = each.default is not None or not isinstance(each.type, GraphQLNonNull)
            if draw.random() < (0.3 if optional else odd / 2):
                continue
            given[each.name] = json_value(each.type, draw, odd)
        if draw.random() < 0.1:
            given["unasked"] = 1
        return given


class Writer:
    """Writes one document."""

    def __init__(
        self, schema: GraphQLSchema, draw: Draw, shape: Shape | None = None, own: Literal | None = None
    ) -> None:
        self._schema, self._draw, self._shape = schema, draw, shape or Shape()
        self._own = own
        self._left = self._shape.fields
        self._variables: list[Variable] = []
        self._fragments: dict[str, str] = {}  # name -> text, in the order in which they were begun
        self._open: dict[str, Composite] = {}  # finished fragments that may be spread again: name -> type
        self._asked: dict[str, list[str]] = {}  # field -> arguments it was already asked with

    def write(self, kind: str = "query") -> Written:
        """A document with one operation that runs, and perhaps another that does not."""
        draw = self._draw
        root = self._schema.query_type if kind == "query" else self._schema.mutation_type
        assert root is not None
        below = self._selection(root, 0, draw.randint(1, 5))
        defined = ", ".join(each.definition for each in self._variables)
        named = bool(self._variables) or kind != "query" or draw.random() < 0.5
        head = f"{kind} Asked{f'({defined})' if defined else ''} " if named else ""
        parts = [f"{head}{below}", *self._fragments.values()]
        operation = "Asked" if named and draw.random() < 0.5 else None
        if named and draw.random() < 0.15:
            parts.append("query Another { __typename }")
            operation = "Asked" if draw.random() < 0.9 else draw.choice([None, "Nobody"])
        draw.shuffle(parts)
        return Written("\n".join(parts), self._variables, operation)

    # ------------------------------------------------------------ selections

    def _selection(self, of: Composite, depth: int, most: int | None = None) -> str:
        draw = self._draw
        parts = [self._selected(of, depth) for _ in range(draw.randint(1, most or self._shape.selected))]
        if draw.random() < 0.25:
            parts.append(f"{draw.choice(['', '', 'kind: '])}__typename{self._directives()}")
        if depth == 0 and self._shape.introspects and draw.random() < 0.08:
            parts.append(self._introspection())
        if not any(parts):
            parts.append("__typename")
        return "{ " + " ".join(filter(None, parts)) + " }"

    def _selected(self, of: Composite, depth: int) -> str:
        chance = self._draw.random()
        if chance < 0.1 and depth < self._shape.depth:
            return self._inline(of, depth)
        if chance < 0.2 and depth < self._shape.depth:
            return self._spread(of, depth)
        if isinstance(of, GraphQLUnionType):
            return self._inline(of, depth) if depth < self._shape.depth else ""
        return self._field(of, depth)

    def _field(self, of: GraphQLObjectType | GraphQLInterfaceType, depth: int) -> str:
        draw = self._draw
        if not of.fields:
            return ""  # a root of which this audience sees nothing
        favoured = sorted(self._shape.favours & of.fields.keys())
        name = draw.choice(favoured if favoured and draw.random() < 0.4 else list(of.fields))
        field = of.fields[name]
        named = get_named_type(field.type)
        self._left -= 1
        composite = isinstance(named, (GraphQLObjectType, GraphQLInterfaceType, GraphQLUnionType))
        if composite and (depth >= self._shape.depth or self._left < 0):
            return ""
        arguments = self._arguments(f"{of.name}.{name}", name, field)
        key = self._key(name, arguments)
        alias = "" if key == name else f"{key}: "
        below = f" {self._selection(named, depth + 1)}" if composite else ""
        return f"{alias}{name}{arguments}{self._directives()}{below}"

    def _key(self, name: str, arguments: str) -> str:
        """The same question mostly has the same key, so that it merges; now and then any key, which may conflict."""
        draw = self._draw
        if draw.random() < 0.02:
            return draw.choice(["x", "y"])
        known = self._asked.setdefault(name, [])
        if arguments not in known:
            known.append(arguments)
        place = known.index(arguments)
        if draw.random() < 0.1:
            return f"{name}_again{place}"
        return name if place == 0 else f"{name}_{place}"

    def _arguments(self, coordinate: str, name: str, field: GraphQLField) -> str:
        draw, rooted = self._draw, None if coordinate.startswith("Query.") else self._shape.rooted
        known = [each for each in self._asked.get(name, ()) if rooted is None or rooted not in each]
        if known and draw.random() < 0.6:
            return draw.choice(known)
        given = [
            f"{argument}: {self._given(coordinate, argument, each.type, each.default is not None)}"
            for argument, each in field.args.items()
            if is_required_argument(each) or draw.random() < 0.6
        ]
        draw.shuffle(given)
        return f"({', '.join(given)})" if given else ""

    def _given(self, coordinate: str, argument: str, type_: GraphQLInputType, default: bool) -> str:
        own = self._own(coordinate, argument, type_) if self._own is not None else None
        return own if own is not None else literal(type_, self._draw, 2, self._hole, default)

    def _introspection(self) -> str:
        """Of the schema, or of one type, which may not exist."""
        depth = self._shape.depth - 2
        if self._draw.random() < 0.4:
            return f"__schema{self._directives()} {self._selection(self._named('__Schema'), depth)}"
        name = self._draw.choice([*self._schema.type_map, "Nothing"])
        asked = f'"{name}"' if self._draw.random() < 0.7 else self._variable(GraphQLNonNull(GraphQLString), False)
        alias = f"about{self._draw.randint(0, 9)}: "
        return f"{alias}__type(name: {asked}){self._directives()} {self._selection(self._named('__Type'), depth)}"

    def _named(self, name: str) -> GraphQLObjectType:
        found = self._schema.type_map[name]
        assert isinstance(found, GraphQLObjectType)
        return found

    # ------------------------------------------------------------ fragments

    def _inline(self, of: Composite, depth: int) -> str:
        on = of if isinstance(of, GraphQLUnionType) or self._draw.random() < 0.8 else None
        if on is None:
            return f"...{self._directives()} {self._selection(of, depth + 1)}"
        inner = self._overlapping(of)
        return f"... on {inner.name}{self._directives()} {self._selection(inner, depth + 1)}"

    def _spread(self, of: Composite, depth: int) -> str:
        fitting = [name for name, each in self._open.items() if self._overlap(of, each)]
        if fitting and self._draw.random() < 0.6:
            return f"...{self._draw.choice(fitting)}{self._directives()}"
        on = self._overlapping(of)
        name = f"F{len(self._fragments)}"
        self._fragments[name] = ""
        below = self._selection(on, depth + 1)
        self._fragments[name] = f"fragment {name} on {on.name} {below}"
        self._open[name] = on
        return f"...{name}{self._directives()}"

    def _overlapping(self, of: Composite) -> Composite:
        every = [
            each
            for each in self._schema.type_map.values()
            if isinstance(each, (GraphQLObjectType, GraphQLInterfaceType, GraphQLUnionType))
            and not each.name.startswith("__")
            and self._overlap(of, each)
        ]
        return self._draw.choice(every or [of])

    def _overlap(self, one: Composite, other: Composite) -> bool:
        return not self._possible(one).isdisjoint(self._possible(other))

    def _possible(self, of: Composite) -> set[str]:
        return {of.name} if isinstance(of, GraphQLObjectType) else {x.name for x in self._schema.get_possible_types(of)}

    # ------------------------------------------------------------ variables

    def _hole(self, type_: GraphQLInputType, default: bool) -> str | None:
        draw = self._draw
        if draw.random() > 0.22:
            return None
        fitting = [each for each in self._variables if each.type == type_]
        if fitting and draw.random() < 0.5:
            return f"${draw.choice(fitting).name}"
        return self._variable(type_, default)

    def _variable(self, type_: GraphQLInputType, default: bool) -> str:
        """Of the place's own type, of a stricter one, or of a looser one where a default makes up for it."""
        draw = self._draw
        written: str | None = None
        if draw.random() < 0.35:
            written = literal(type_, draw, 2)
        if isinstance(type_, GraphQLNonNull):
            if (default or (written is not None and written != "null")) and draw.random() < 0.6:
                type_ = type_.of_type
        elif draw.random() < 0.2:
            type_ = GraphQLNonNull(type_)
            written = None if written == "null" else written
        made = Variable(f"v{len(self._variables)}", type_, written)
        self._variables.append(made)
        return f"${made.name}"

    def _directives(self) -> str:
        draw = self._draw
        if draw.random() > 0.12:
            return ""
        names = draw.choice([["skip"], ["include"], ["include"], ["include", "skip"]])
        return "".join(f" @{name}(if: {self._condition(name)})" for name in names)

    def _condition(self, name: str) -> str:
        draw = self._draw
        if draw.random() < 0.4:
            return draw.choice(["true", "false"]) if name == "skip" else draw.choice(["true", "true", "false"])
        flags = [
            each for each in self._variables if get_named_type(each.type) is GraphQLBoolean and each.name[0] == "b"
        ]
        if flags and draw.random() < 0.6:
            return f"${draw.choice(flags).name}"
        if draw.random() < 0.5:
            made = Variable(f"b{len(self._variables)}", GraphQLNonNull(GraphQLBoolean), None)
        else:
            made = Variable(f"b{len(self._variables)}", GraphQLBoolean, draw.choice(["true", "false"]))
        self._variables.append(made)
        return f"${made.name}"
