"""Arguments of a field: coerced once where they are constant, else once in every run, never once for a row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

from graphql import (
    FieldNode,
    GraphQLError,
    GraphQLField,
    GraphQLNonNull,
    ListValueNode,
    Node,
    ObjectValueNode,
    ValueNode,
    VariableNode,
)
from graphql.execution.values import VariableValues, coerce_argument, get_argument_values

from gateway.engine.graph import Graph
from gateway.engine.reticent import reticent
from sources.errors import BadAsk

_LEFT_OUT = object()
# Name, variable, and whether it may not be null; or, where there is no variable, the value itself.
_Step: TypeAlias = tuple[str, str | None, bool, Any]


class BadArgument(BadAsk):
    """A value that does not fit; `nodes` are where the document has it."""

    def __init__(self, message: str, nodes: Sequence[Node] | None) -> None:
        super().__init__(message)
        self.nodes = nodes


class Arguments:
    """What a field is given."""

    __slots__ = ("_constant", "_failed", "_field", "_graph", "_node", "_steps", "constant")

    def __init__(self, graph: Graph, field: GraphQLField, node: FieldNode) -> None:
        self._graph, self._field, self._node = graph, field, node
        self._constant: dict[str, Any] = {}
        self._failed: str | None = None  # never the error itself: raised again and again it would grow
        self.constant = not _has_variables(each.value for each in node.arguments or ())
        self._steps = None if self.constant else self._recipe()
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

    def _recipe(self) -> list[_Step] | None:
        """How each argument comes about; None where one is not simply there in the document, or a variable."""
        nodes, steps = {each.name.value: each for each in self._node.arguments or ()}, list[_Step]()
        for name, argument in self._field.args.items():
            node, made = nodes.get(name), dict[str, Any]()
            if node is not None and isinstance(node.value, VariableNode):
                required = isinstance(argument.type, GraphQLNonNull)
                steps.append((argument.out_name or name, node.value.name.value, required, None))
                continue
            if node is not None and _has_variables([node.value]):
                return None
            try:
                coerce_argument(made, self._node, name, argument, node, None, None)
            except GraphQLError:
                return None
            steps += [(each, None, False, value) for each, value in made.items()]
        return steps

    def _made(self, variables: VariableValues) -> dict[str, Any] | None:
        """The arguments by the recipe: the value of a variable is of its argument's type, as validation has seen to.
        None where one was left out, or is null where it may not be."""
        values, made = variables.coerced, {}
        for name, variable, required, constant in self._steps or ():
            if variable is None:
                made[name] = constant
                continue
            value = values.get(variable, _LEFT_OUT)
            if value is _LEFT_OUT or (value is None and required):
                return None
            made[name] = value
        return made

    def _coerced(self, variables: VariableValues | None) -> dict[str, Any]:
        try:
            given = self._made(variables) if variables is not None and self._steps is not None else None
            if given is None:
                given = get_argument_values(self._field, self._node, variables)
            return self._graph.coerce(self._field, given)
        except GraphQLError as error:
            raise BadArgument(reticent(error).message, error.nodes) from error
        except ValueError as error:
            raise BadArgument(str(error), None) from error


def _has_variables(values: Iterable[ValueNode]) -> bool:
    for value in values:
        if isinstance(value, VariableNode):
            return True
        if isinstance(value, ListValueNode) and _has_variables(value.values):
            return True
        if isinstance(value, ObjectValueNode) and _has_variables(each.value for each in value.fields):
            return True
    return False
