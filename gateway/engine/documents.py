"""Documents: text into a parsed, measured, validated document, once for each text and audience."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable

import msgspec
from graphql import (
    ASTValidationRule,
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    parse,
    specified_rules,
    validate,
)

from gateway.engine.collect import flag_names
from gateway.engine.manifests import digest_of
from gateway.engine.measure import Bounds, Exceeded, Measure, Refused
from gateway.engine.reticent import NoIntrospection, all_reticent, reticent
from gateway.engine.variables import Operation
from gateway.settings import Limits

__all__ = ["Document", "Documents", "Limits", "Refused"]

_ERRORS = 5
_TOKEN = 600  # bytes that a token takes once it is a tree and its plan, measured
_ABORTED = "Parsing aborted."  # how the parser says that there are too many tokens


class Document(msgspec.Struct, frozen=True):
    """A document that passed. `flags`: the variables that decide which of its fields count. `operations`: those that
    have been asked for, by the name that they were asked by; it grows."""

    node: DocumentNode
    flags: tuple[str, ...]
    digest: bytes
    weight: int  # bytes, an estimate
    operations: dict[str | None, Operation] = msgspec.field(default_factory=dict)


class Documents:
    """Remembers what passed, the least recently used go first; and for a while what was refused."""

    def __init__(
        self,
        limits: Limits | None = None,
        clock: Callable[[], float] = time.monotonic,
        exceeded: Exceeded | None = None,
    ) -> None:
        self._clock = clock
        self.limits = limits or Limits()
        self.bounds = Bounds(self.limits, exceeded)
        self._known: OrderedDict[tuple[Hashable, bytes], Document] = OrderedDict()
        self._refused: OrderedDict[tuple[Hashable, bytes], tuple[float, list[GraphQLError]]] = OrderedDict()
        self._bytes = 0

    def get(
        self,
        text: str,
        schema: GraphQLSchema,
        audience: Hashable = None,
        digest: bytes | None = None,
        *,
        introspects: bool = True,
    ) -> Document:
        """The document of a text for an audience, which knows `schema` and no more; raises Refused. `digest` is that of
        the text, where it is known already. Who does not introspect is also given no suggestions."""
        self.bounds.bound("characters", len(text), "characters")
        key = (audience, digest if digest is not None else digest_of(text))
        known = self._known.get(key)
        if known is not None:
            self._known.move_to_end(key)
            return known
        return self._read(key, text, schema, introspects=introspects)

    def knows(self, text: str, audience: Hashable = None, digest: bytes | None = None) -> bool:
        """Whether a document needs no reading: it passed before."""
        return (audience, digest or digest_of(text)) in self._known

    def _read(self, key: tuple[Hashable, bytes], text: str, schema: GraphQLSchema, *, introspects: bool) -> Document:
        refused = self._refused.get(key)
        if refused is not None and refused[0] > self._clock():
            raise Refused(refused[1])
        try:
            node = self._checked(text, schema, introspects=introspects)
        except Refused as error:
            self._refused[key] = (self._clock() + self.limits.refused_for, [_light(each) for each in error.errors])
            self._refused.move_to_end(key)
            if len(self._refused) > self.limits.refused:
                self._refused.popitem(last=False)
            raise
        document = Document(node, flag_names(node), key[1], len(text) + _TOKEN * (node.token_count or 0) + 1_000)
        self._known[key] = document
        self._bytes += document.weight
        while len(self._known) > self.limits.remembered or self._bytes > self.limits.remembered_bytes:
            self._bytes -= self._known.popitem(last=False)[1].weight
        return document

    def _checked(self, text: str, schema: GraphQLSchema, *, introspects: bool) -> DocumentNode:
        try:
            node = parse(text, max_tokens=self.limits.tokens if "tokens" not in self.limits.warn_only else None)
        except GraphQLError as error:
            if error.message.endswith(_ABORTED):
                self.bounds.bound("tokens", self.limits.tokens + 1, "tokens", error)
            raise Refused([reticent(error)]) from None
        except RecursionError:
            raise Refused([GraphQLError("the document is nested too deeply")]) from None
        self.bounds.bound("tokens", node.token_count or 0, "tokens")
        Measure(node, self.bounds).check()
        rules = list[type[ASTValidationRule]](specified_rules)
        if not introspects:
            rules.insert(0, NoIntrospection)
        errors = validate(schema, node, rules, max_errors=_ERRORS, hide_suggestions=not introspects)
        if errors:
            raise Refused(all_reticent(errors))
        return node


def _light(error: GraphQLError) -> GraphQLError:
    """An error as it was told, without the document that it holds on to."""
    kept = GraphQLError(error.message, extensions=error.extensions)
    kept.locations = error.locations
    return kept
