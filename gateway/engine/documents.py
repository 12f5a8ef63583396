"""Documents: text into a parsed, measured, validated document, once for each text and audience."""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence

import msgspec
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    parse,
    validate,
)

from gateway.engine.collect import flag_names

_PLUMBING = frozenset({"edges", "node", "nodes"})
_ERRORS = 5


class Limits(msgspec.Struct, frozen=True):
    """What a document may cost before anything is asked of anybody, and how much is remembered."""

    characters: int = 15_000
    tokens: int = 1_000
    depth: int = 15  # a connection's edges and nodes are not counted, nor is introspection
    fields: int = 100  # in one selection set, fragments counted
    aliases: int = 30
    roots: int = 20
    directives: int = 50
    introspections: int = 5  # `__schema` and `__type`, and aliases inside them: each is answered in full, at once
    remembered: int = 1_000  # documents kept
    remembered_bytes: int = 32 * 1024 * 1024  # an estimate of what they and their plans take
    refused: int = 1_000  # refusals kept, so that a bad document is not read again and again
    refused_for: float = 60.0  # seconds


class Refused(Exception):
    """A document that will not run: its errors, at most five."""

    def __init__(self, errors: Sequence[GraphQLError]) -> None:
        super().__init__(errors[0].message)
        self.errors = list(errors)[:_ERRORS]


class Document(msgspec.Struct, frozen=True):
    """A document that passed. `flags`: the variables that decide which of its fields count."""

    node: DocumentNode
    flags: tuple[str, ...]
    digest: bytes
    weight: int  # bytes, an estimate


class Documents:
    """Remembers what passed, the least recently used go first; and for a while what was refused."""

    def __init__(self, limits: Limits | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.limits = limits or Limits()
        self._known: OrderedDict[tuple[Hashable, bytes], Document] = OrderedDict()
        self._refused: OrderedDict[tuple[Hashable, bytes], tuple[float, list[GraphQLError]]] = OrderedDict()
        self._bytes = 0

    def get(self, text: str, schema: GraphQLSchema, audience: Hashable = None) -> Document:
        """The document of a text for an audience, which knows `schema` and no more; raises Refused."""
        if len(text) > self.limits.characters:
            raise Refused([GraphQLError(f"the document has more than {self.limits.characters} characters")])
        key = (audience, hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest())
        known = self._known.get(key)
        if known is not None:
            self._known.move_to_end(key)
            return known
        return self._read(key, text, schema)

    def knows(self, text: str, audience: Hashable = None) -> bool:
        """Whether a document needs no reading: it passed before."""
        return (audience, hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()) in self._known

    def _read(self, key: tuple[Hashable, bytes], text: str, schema: GraphQLSchema) -> Document:
        refused = self._refused.get(key)
        if refused is not None and refused[0] > self._clock():
            raise Refused(refused[1])
        try:
            node = self._checked(text, schema)
        except Refused as error:
            self._refused[key] = (self._clock() + self.limits.refused_for, [_light(each) for each in error.errors])
            self._refused.move_to_end(key)
            if len(self._refused) > self.limits.refused:
                self._refused.popitem(last=False)
            raise
        document = Document(node, flag_names(node), key[1], 20 * len(text) + 1_000)
        self._known[key] = document
        self._bytes += document.weight
        while len(self._known) > self.limits.remembered or self._bytes > self.limits.remembered_bytes:
            self._bytes -= self._known.popitem(last=False)[1].weight
        return document

    def _checked(self, text: str, schema: GraphQLSchema) -> DocumentNode:
        try:
            node = parse(text, max_tokens=self.limits.tokens)
        except GraphQLError as error:
            raise Refused([error]) from None
        except RecursionError:
            raise Refused([GraphQLError("the document is nested too deeply")]) from None
        Measure(node, self.limits).check()
        errors = validate(schema, node, max_errors=_ERRORS)
        if errors:
            raise Refused(errors)
        return node


def _light(error: GraphQLError) -> GraphQLError:
    """An error as it was told, without the document that it holds on to."""
    kept = GraphQLError(error.message, extensions=error.extensions)
    kept.locations = error.locations
    return kept


class _Size(msgspec.Struct):
    """What a selection set comes to, fragments included."""

    depth: int = 0
    fields: int = 0  # of this set alone
    aliases: int = 0
    directives: int = 0
    introspections: int = 0


class Measure:
    """One memoised pass over operations and fragments."""

    def __init__(self, document: DocumentNode, limits: Limits) -> None:
        self._limits = limits
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
            self._bound(size.fields, self._limits.roots, "root fields: ask in several operations")
            self._bound(size.depth, self._limits.depth, "levels: ask for less at once")
            self._bound(size.aliases, self._limits.aliases, "aliases: ask in several operations")
            self._bound(size.introspections, self._limits.introspections, "introspections: ask in several operations")
            directives = size.directives + len(operation.directives or ())
            self._bound(directives, self._limits.directives, "directives: leave some out")

    def _bound(self, found: int, most: int, of: str) -> None:
        if found > most:
            raise Refused([GraphQLError(f"the document has more than {most} {of}")])

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
        self._bound(size.fields, self._limits.fields, "fields in one selection: ask in several operations")
        return size

    def _field(self, node: FieldNode, size: _Size) -> None:
        size.fields += 1
        size.aliases += node.alias is not None
        below = self._selection(node.selection_set)
        if node.name.value.startswith("__"):
            size.depth = max(size.depth, 1)
            size.introspections += (node.selection_set is not None) + below.aliases
            self._add(size, below, spread=False)
            return
        self._add(size, below, spread=False)
        size.depth = max(size.depth, below.depth + (node.name.value not in _PLUMBING))

    def _add(self, size: _Size, other: _Size, *, spread: bool) -> None:
        size.aliases += other.aliases
        size.directives += other.directives
        size.introspections += other.introspections
        if spread:
            size.depth = max(size.depth, other.depth)
            size.fields += other.fields
