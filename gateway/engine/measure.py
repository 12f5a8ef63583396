"""Measure: what a document comes to, in one memoised pass, and what is done where that is too much."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

import msgspec
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
)

from gateway.settings import LimitName, Limits

Exceeded = Callable[[str, bool], None]
"""Told of every limit that was passed: its name, and whether something was refused for it."""

_log = logging.getLogger("opsgraph.limits")
_INTROSPECTED = frozenset({"fields", "inputFields", "interfaces", "possibleTypes", "enumValues"})
"""What introspection has lists of. One inside another leads from every type to every other, and on from there."""
_PLUMBING = frozenset({"edges", "node", "nodes"})
_ERRORS = 5


class Refused(Exception):
    """A document that will not run: its errors, at most five."""

    def __init__(self, errors: Sequence[GraphQLError]) -> None:
        super().__init__(errors[0].message)
        self.errors = list(errors)[:_ERRORS]


class Bounds:
    """The limits, and what is done where one is passed: it is refused, or where it is to warn only, logged."""

    def __init__(self, limits: Limits, exceeded: Exceeded | None = None) -> None:
        self.limits, self._exceeded = limits, exceeded or (lambda _name, _refused: None)

    def bound(self, name: LimitName, found: float, of: str, error: GraphQLError | None = None) -> None:
        """Raises Refused where something is above its limit; `of` says what, and what to do."""
        most: int = getattr(self.limits, name)
        if found <= most:
            return
        refuses = name not in self.limits.warn_only
        self._exceeded(name, refuses)
        if refuses:
            raise Refused([error or GraphQLError(f"the document has more than {most} {of}")])
        _log.warning("a document passed the limit `%s`: %g, and %d are allowed", name, found, most)


class _Size(msgspec.Struct):
    """What a selection set comes to, fragments included."""

    depth: int = 0
    fields: int = 0  # of this set alone
    aliases: int = 0
    directives: int = 0
    introspections: int = 0
    lists: int = 0  # levels of lists of introspection, if it is that


class Measure:
    """One memoised pass over operations and fragments."""

    def __init__(self, document: DocumentNode, bounds: Bounds) -> None:
        self._bounds = bounds
        self._operations = [each for each in document.definitions if isinstance(each, OperationDefinitionNode)]
        self._fragments = {
            each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)
        }
        self._measured: dict[str, _Size] = {}
        self._under_way: set[str] = set()

    def check(self) -> None:
        """Raises Refused where a limit is passed."""
        for name in self._fragments:  # also those that nobody spreads: they are validated like all others
            self._fragment(name)
        for operation in self._operations:
            size = self._selection(operation.selection_set)
            bound = self._bounds.bound
            bound("roots", size.fields, "root fields: ask in several operations")
            bound("depth", size.depth, "levels: ask for less at once")
            bound("aliases", size.aliases, "aliases: ask in several operations")
            bound("introspections", size.introspections, "introspections: ask in several operations")
            directives = size.directives + len(operation.directives or ())
            bound("directives", directives, "directives: leave some out")

    def _fragment(self, name: str) -> _Size:
        if name in self._measured or name in self._under_way or name not in self._fragments:
            return self._measured.get(name, _Size())
        self._under_way.add(name)
        self._measured[name] = self._selection(self._fragments[name].selection_set)
        return self._measured[name]

    def _selection(self, selected: SelectionSetNode | None) -> _Size:
        size = _Size()
        for node in selected.selections if selected else ():
            size.directives += len(node.directives or ())
            if isinstance(node, FieldNode):
                self._field(node, size)
            elif isinstance(node, FragmentSpreadNode):
                self._add(size, self._fragment(node.name.value), spread=True)
            elif isinstance(node, InlineFragmentNode):
                self._add(size, self._selection(node.selection_set), spread=True)
        self._bounds.bound("fields", size.fields, "fields in one selection: ask in several operations")
        return size

    def _field(self, node: FieldNode, size: _Size) -> None:
        size.fields += 1
        size.aliases += node.alias is not None
        below = self._selection(node.selection_set)
        if node.name.value.startswith("__"):
            size.depth = max(size.depth, 1)
            size.introspections += (node.selection_set is not None) + below.aliases
            self._add(size, below, spread=False)
            size.lists = 0
            if below.lists > 1:
                raise Refused([_wandering(node)])
            return
        self._add(size, below, spread=False)
        size.depth = max(size.depth, below.depth + (node.name.value not in _PLUMBING))
        size.lists = max(size.lists, below.lists + (node.name.value in _INTROSPECTED))

    def _add(self, size: _Size, other: _Size, *, spread: bool) -> None:
        size.aliases += other.aliases
        size.directives += other.directives
        size.introspections += other.introspections
        size.lists = max(size.lists, other.lists)
        if spread:
            size.depth = max(size.depth, other.depth)
            size.fields += other.fields


def _wandering(node: FieldNode) -> GraphQLError:
    return GraphQLError(
        f"`{node.name.value}` is asked for the fields of the types of fields: ask for one type at a time, "
        "with `name` and `ofType` of what its fields lead to",
        node,
    )
