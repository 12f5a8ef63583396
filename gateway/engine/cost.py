"""Cost: what an operation may take at the most, told before anything is asked.

A row that may be read costs 1, a call that may be made 10. How many rows a list has is told by its page size; where a
variable tells that, the largest page is taken first, and what was asked for only if that is too much. What the grants
cut costs nothing. One pass, memoised by selection, type and number of objects.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import inf
from typing import Any, TypeAlias

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLError,
    GraphQLField,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    IntValueNode,
    ListValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    get_named_type,
    is_abstract_type,
)
from graphql.execution.values import VariableValues

from gateway.engine.collect import Collector, Flags
from gateway.engine.grants import Grants
from gateway.engine.graph import Graph
from gateway.engine.loads import FAN_OUT
from gateway.engine.measure import Bounds
from gateway.engine.paging import MOST
from resolvers.batch import Batched, Link, declaration_of
from sources.ports import Capability

CALL = 10
LISTED = 5  # values of a list inside a record
FEW = 10  # rows of a plain link without a bound, which is for things of which there are few; values that are computed
_MUCH = 1e9  # more objects than this are no more

Able: TypeAlias = Callable[[type[Any], str], Capability | None]
"""What can be asked of a record's owner by an index."""


class Price:
    """The price of one operation for some grants. `highest` is what it costs whatever its variables are; infinite where
    a list among them tells how much is read."""

    def __init__(
        self,
        graph: Graph,
        document: DocumentNode,
        operation: OperationDefinitionNode,
        grants: Grants,
        flags: Flags,
        able: Able,
    ) -> None:
        self._graph, self._operation, self._grants, self._able = graph, operation, grants, able
        self._collector = Collector(graph.schema, document, flags)
        self.highest = self.at(None)

    def at(self, variables: VariableValues | None) -> float:
        """What it costs with these variables; None: with the worst."""
        root = self._graph.schema.get_root_type(self._operation.operation)
        values = variables.coerced if variables is not None else None
        return _Pass(self, values).selection(root, self._operation.selection_set, 1) if root is not None else 0

    def check(self, variables: VariableValues, bounds: Bounds) -> None:
        """Raises Refused where the operation may cost too much."""
        most = bounds.limits.cost
        if self.highest <= most:
            return
        found = self.at(variables)
        message = (
            f"the operation may cost {found:,.0f}, and {most:,} are allowed: ask for smaller pages, or for less at once"
        )
        extensions = {"code": "COST_LIMIT", "retryable": False, "cost": found, "limit": most}
        bounds.bound("cost", found, "", GraphQLError(message, extensions=extensions))

    # ------------------------------------------------------------ what is the same in every pass

    def calls(self, record: type, by: str, parents: float) -> float:
        """What the calls of one question cost."""
        capability = self._able(record, by)
        return CALL * (min(parents, FAN_OUT) if capability is not None and capability.fan_out else 1)

    def possible(self, named: Any) -> Iterable[GraphQLObjectType]:
        """The types that values of a type may have."""
        if is_abstract_type(named):
            return self._graph.schema.get_possible_types(named)
        return (named,) if isinstance(named, GraphQLObjectType) else ()

    def fields(
        self, type_: GraphQLObjectType, selected: SelectionSetNode
    ) -> Iterable[tuple[Sequence[FieldNode], GraphQLField]]:
        """The fields of a selection that count, one for each response key, with their declarations."""
        for nodes in self._collector.fields(type_, [selected]).values():
            name = nodes[0].name.value
            declared = type_.fields.get(name)
            if declared is not None and self._grants.field(type_.name, name, self._grants.roles).verdict != "deny":
                yield nodes, declared


class _Pass:
    """One pass with some variables; None: with the worst."""

    def __init__(self, price: Price, variables: Mapping[str, Any] | None) -> None:
        self._price, self._variables = price, variables
        self._known: dict[tuple[int, str, float], float] = {}

    def selection(self, named: Any, selected: SelectionSetNode | None, parents: float) -> float:
        """What a selection costs for so many objects of a type: of whichever type it costs the most."""
        if selected is None:
            return 0
        key = (id(selected), named.name, parents)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = max(
                (self._of_type(each, selected, parents) for each in self._price.possible(named)), default=0
            )
        return known

    def _of_type(self, type_: GraphQLObjectType, selected: SelectionSetNode, parents: float) -> float:
        paged = {"edges", "pageInfo"} <= type_.fields.keys()
        return sum(self._field(nodes, field, parents, paged) for nodes, field in self._price.fields(type_, selected))

    def _field(self, nodes: Sequence[FieldNode], field: GraphQLField, parents: float, paged: bool) -> float:
        declared, named = declaration_of(field), get_named_type(field.type)
        if isinstance(declared, Link):
            rows = min(parents * self._rows(declared, nodes[0]), _MUCH)
            own = rows + self._price.calls(declared.target, declared.by, parents)
        elif isinstance(declared, Batched):
            rows = min(parents * (self._values(nodes[0], field) if _is_list(field.type) else 1), _MUCH)
            own = rows + sum(self._price.calls(record, by, parents) for record, by in declared.needs)
        else:  # what a page shows of itself was counted with it
            rows, own = parents * (LISTED if _is_list(field.type) and not paged else 1), 0
        return own + sum(self.selection(named, node.selection_set, rows) for node in nodes)

    def _rows(self, link: Link, node: FieldNode) -> float:
        """How many rows a link gives for each parent."""
        if not link.many:
            return 1
        usual = link.first if link.first is not None else FEW
        given = next((each.value for each in node.arguments or () if each.name.value == "first"), None)
        if not link.paged or given is None:
            return usual
        if isinstance(given, VariableNode) and self._variables is None:
            return MOST
        first = self._value(given)
        return min(max(first, 1), MOST) if isinstance(first, int) else usual

    def _values(self, node: FieldNode, field: GraphQLField) -> float:
        """How many values a computed list has: as many as it is given, where it is given a list."""
        lengths: list[float] = []
        for each in node.arguments or ():
            if not _is_list(field.args[each.name.value].type):
                continue
            if isinstance(each.value, VariableNode) and self._variables is None:
                return inf
            value = self._value(each.value)
            lengths.append(len(value) if isinstance(value, list) else 1)
        return max(lengths, default=FEW)

    def _value(self, node: ValueNode) -> Any:
        if isinstance(node, VariableNode):
            return (self._variables or {}).get(node.name.value)
        if isinstance(node, ListValueNode):
            return list(node.values)
        return int(node.value) if isinstance(node, IntValueNode) else None


def _is_list(type_: GraphQLInputType | GraphQLOutputType) -> bool:
    inner = type_.of_type if isinstance(type_, GraphQLNonNull) else type_
    return isinstance(inner, GraphQLList)
