"""Documents: text into a parsed, validated document, once for each text."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Sequence

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

_PLUMBING = frozenset({"edges", "node", "nodes"})


class Limits(msgspec.Struct, frozen=True):
    """What a document may cost before anything is asked of anybody."""

    characters: int = 15_000
    tokens: int = 1_000
    depth: int = 15
    fields: int = 100  # in one selection set, fragments counted
    remembered: int = 1_000  # documents kept


class Refused(Exception):
    """A document that will not run: its errors, at most five."""

    def __init__(self, errors: Sequence[GraphQLError]) -> None:
        super().__init__(errors[0].message)
        self.errors = list(errors)[:5]


class Documents:
    """Parses, measures and validates; remembers the documents that passed, the least recently used go first."""

    def __init__(self, schema: GraphQLSchema, limits: Limits | None = None) -> None:
        self._schema = schema
        self._limits = limits or Limits()
        self._known: OrderedDict[bytes, DocumentNode] = OrderedDict()

    def get(self, text: str) -> DocumentNode:
        """The document of `text`; raises Refused."""
        if len(text) > self._limits.characters:
            raise Refused([GraphQLError(f"the document has more than {self._limits.characters} characters")])
        digest = hashlib.sha256(text.encode()).digest()
        known = self._known.get(digest)
        if known is not None:
            self._known.move_to_end(digest)
            return known
        document = self._read(text)
        self._known[digest] = document
        if len(self._known) > self._limits.remembered:
            self._known.popitem(last=False)
        return document

    def _read(self, text: str) -> DocumentNode:
        try:
            document = parse(text, max_tokens=self._limits.tokens)
        except GraphQLError as error:
            raise Refused([error]) from None
        except RecursionError:
            raise Refused([GraphQLError("the document is nested too deeply")]) from None
        _measure(document, self._limits)
        errors = validate(self._schema, document, max_errors=5)
        if errors:
            raise Refused(errors)
        return document


def _measure(document: DocumentNode, limits: Limits) -> None:
    """One memoised pass over operations and fragments: depth (connection plumbing not counted) and breadth."""
    fragments = {each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)}
    measured: dict[str, tuple[int, int]] = {}
    under_way: set[str] = set()

    def fragment(name: str) -> tuple[int, int]:
        if name in measured or name in under_way or name not in fragments:
            return measured.get(name, (0, 0))
        under_way.add(name)
        measured[name] = selection(fragments[name].selection_set)
        return measured[name]

    def selection(selected: SelectionSetNode | None) -> tuple[int, int]:
        depth, fields = 0, 0
        for node in selected.selections if selected else ():
            if isinstance(node, FieldNode):
                below = 0 if node.name.value.startswith("__") else selection(node.selection_set)[0]
                here, wide = below + (node.name.value not in _PLUMBING), 1
            elif isinstance(node, FragmentSpreadNode):
                here, wide = fragment(node.name.value)
            elif isinstance(node, InlineFragmentNode):
                here, wide = selection(node.selection_set)
            depth, fields = max(depth, here), fields + wide
        if fields > limits.fields:
            raise Refused(
                [GraphQLError(f"a selection has more than {limits.fields} fields: ask in several operations")]
            )
        return depth, fields

    for each in document.definitions:
        if isinstance(each, OperationDefinitionNode) and selection(each.selection_set)[0] > limits.depth:
            raise Refused([GraphQLError(f"the document is deeper than {limits.depth} levels")])
