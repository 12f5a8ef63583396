"""Arguments of a field: coerced once where they are constant, else once in every run, never once for a row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from graphql import FieldNode, GraphQLError, GraphQLField, ListValueNode, Node, ObjectValueNode, ValueNode, VariableNode
from graphql.execution.values import VariableValues, get_argument_values

from gateway.engine.graph import Graph
from sources.errors import BadAsk


class BadArgument(BadAsk):
    """A value that does not fit; `nodes` are where the document has it."""

    def __init__(self, message: str, nodes: Sequence[Node] | None) -> None:
        super().__init__(message)
        self.nodes = nodes


class Arguments:
    """What a field is given."""

    __slots__ = ("_constant", "_failed", "_field", "_graph", "_node", "constant")

    def __init__(self, graph: Graph, field: GraphQLField, node: FieldNode) -> None:
        self._graph, self._field, self._node = graph, field, node
        self._constant: dict[str, Any] = {}
        self._failed: str | None = None  # never the error itself: raised again and again it would grow
        self.constant = not _has_variables(each.value for each in node.arguments or ())
        if self.constant:
            try:
                self._constant = self._coerced(None)
            except BadAsk as error:
                self._failed = error.message

    def given(self, variables: VariableValues | None) -> dict[str, Any]:
        """The declaration's own arguments by name; raises BadAsk for values that do not fit."""
        if not self.constant:
            return self._coerced(variables)
        if self._failed is not None:
            raise BadAsk(self._failed)
        return self._constant

    def _coerced(self, variables: VariableValues | None) -> dict[str, Any]:
        try:
            return self._graph.coerce(self._field, get_argument_values(self._field, self._node, variables))
        except (GraphQLError, ValueError) as error:
            raise BadArgument(str(getattr(error, "message", error)), getattr(error, "nodes", None)) from error


def _has_variables(values: Iterable[ValueNode]) -> bool:
    for value in values:
        if isinstance(value, VariableNode):
            return True
        if isinstance(value, ListValueNode) and _has_variables(value.values):
            return True
        if isinstance(value, ObjectValueNode) and _has_variables(each.value for each in value.fields):
            return True
    return False
