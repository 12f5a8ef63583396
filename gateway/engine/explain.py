"""Explains a plan as a tree: what is read by which keys with how many calls, what the rules cut, mask and judge.

Nothing is asked of any source.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import inf

import msgspec
from graphql import GraphQLList, GraphQLNonNull, GraphQLOutputType

from gateway.engine.decoys import JUDGING, judged_by
from gateway.engine.grants import Grants
from gateway.engine.loads import FAN_OUT
from gateway.engine.plan import BATCHED, CUT, DERIVED, LINK, META, Branch, Field, Plan, Selection
from resolvers.batch import Batched
from resolvers.budget import Budget
from sources.catalog import Catalog
from sources.ports import Capability

_NAMED = 5


class Node(msgspec.Struct, frozen=True):
    """One line of the tree, and what hangs below it. `calls`: upstream calls in the worst case, cold; `judging`: those
    that it may take besides to judge its rows."""

    name: str
    notes: tuple[str, ...] = ()
    calls: int = 0
    below: tuple[Node, ...] = ()
    judging: int = 0


def explain(plan: Plan, types: Mapping[type, str], catalog: Catalog | None = None) -> Node:
    """The tree of a plan; `types` names the type of a record's class. Without a catalog it tells no sources and no
    calls."""
    roles = ", ".join(sorted(plan.grants.roles)) or "no role"
    name = f" {plan.operation.name.value}" if plan.operation.name else ""
    explainer = _Explainer(plan.grants, types, catalog)
    below = tuple(explainer.selection(plan.root, 1))
    calls, judging = (
        sum(getattr(each, kind) for node in below for each in _every(node)) for kind in ("calls", "judging")
    )
    more = f" and {judging} to judge rows" if judging else ""
    upstream = (f"at most {calls} calls{more}",) if catalog is not None else ()
    notes = (f"as {roles}", f"{plan.size} fields", _cost(plan), _budget(plan.budget), *upstream)
    return Node(f"{plan.operation.operation.value}{name}", notes, 0, below)


def _cost(plan: Plan) -> str:
    """What it costs whatever its variables are; see `gateway.engine.cost`."""
    return f"costs at most {plan.price.highest:g}" if plan.price.highest < inf else "costs what its lists come to"


def _budget(budget: Budget) -> str:
    return f"{' and '.join(budget.classes)}: {budget.seconds:g} s in lane {budget.lane.name.lower()}"


def worst_calls(node: Node) -> int:
    """Upstream calls of a whole tree in the worst case, cold, every page filled by its first read. What judging rows
    may take besides is not counted: mostly that is known from what is shown."""
    return sum(each.calls for each in _every(node))


def lines(node: Node) -> Iterator[str]:
    """The tree as text."""
    yield _line(node)
    yield from _below(node, "")


def _below(node: Node, indent: str) -> Iterator[str]:
    for index, each in enumerate(node.below):
        last = index == len(node.below) - 1
        yield f"{indent}{'└─ ' if last else '├─ '}{_line(each)}"
        yield from _below(each, indent + ("   " if last else "│  "))


def _line(node: Node) -> str:
    return "  ".join([node.name, *node.notes])


def _every(node: Node) -> Iterator[Node]:
    yield node
    for each in node.below:
        yield from _every(each)


class _Explainer:
    def __init__(self, grants: Grants, types: Mapping[type, str], catalog: Catalog | None) -> None:
        self._grants, self._types, self._catalog = grants, types, catalog

    def selection(self, selection: Selection, parents: int) -> Iterator[Node]:
        """A line for each field; leaves of no further interest share one."""
        plain = [each.key for each in selection.fields if self._is_plain(each)]
        if plain:
            yield Node(", ".join(plain))
        for each in selection.fields:
            if not self._is_plain(each):
                yield self._field(each, parents)

    def _is_plain(self, field: Field) -> bool:
        return field.branch is None and field.mask is None and field.kind not in (CUT, BATCHED, META)

    def _field(self, field: Field, parents: int) -> Node:
        if field.kind == CUT:
            return Node(field.key, (f"cut: {self._rule(field)}",))
        if field.kind == META:
            return Node(field.key, ("introspection of what these roles may know",))
        notes: list[str] = []
        calls = judging = 0
        if field.kind == LINK:
            told, calls, judging = self._link(field, parents)
            notes += told
        elif isinstance(field.declared, Batched):
            told, calls, judging = self._computed(field.declared, parents)
            notes += told
        elif field.kind == DERIVED:
            notes.append("derived")
        if field.mask is not None:
            notes.append(f"mask {field.decision.mask_name if field.decision else ''}: {self._rule(field)}")
        if field.early:
            notes.append("its links start with it where the arguments tell its key")
        return Node(field.key, tuple(notes), calls, self._children(field, parents), judging)

    def _children(self, field: Field, parents: int) -> tuple[Node, ...]:
        if field.branch is None:
            return ()
        many = parents * self._many(field)
        if field.branch.abstract:
            return self._by_type(field.branch, many)
        (selection,) = field.branch.every()
        return tuple(self.selection(selection, many))

    def _by_type(self, branch: Branch, parents: int) -> tuple[Node, ...]:
        """What is shown of each type; types that are shown alike share a line."""
        alike: dict[tuple[Node, ...], list[str]] = {}
        for each in branch.every():
            below = tuple(self.selection(each, parents))
            if below:
                alike.setdefault(below, []).append(each.type_name)
        return tuple(Node(f"… on {_some(types)}", (), 0, below) for below, types in alike.items())

    def _many(self, field: Field) -> int:
        """How many objects a field gives at the most, for each parent."""
        if field.kind == LINK and field.link.many:
            return field.paging.first or FAN_OUT
        return FAN_OUT if _is_list(field.type) and field.kind == BATCHED else 1

    def _rule(self, field: Field) -> str:
        decision = field.decision
        place = getattr(decision, "file", "")
        told = decision.rule if decision is not None else ""
        return f"{told} ({place}:{getattr(decision, 'line', 0)})" if place else told

    def _link(self, field: Field, parents: int) -> tuple[list[str], int, int]:
        link = field.link
        by = "the argument" if link.argument else ("a list" if link.by == "list" else f"{link.by} = {link.key}")
        sources, calls = self._asked(link.target, link.by, parents)
        rows, judging = self._rows(field.paging.target)
        return [f"{link.target.__name__} by {by}", *sources, *rows], calls, judging

    def _computed(self, declared: Batched, parents: int) -> tuple[list[str], int, int]:
        needs = ", ".join(f"{record.__name__} by {by}" for record, by in declared.needs)
        asked = [self._asked(record, by, parents) for record, by in declared.needs]
        read = {name for record, _ in declared.needs if (name := self._types.get(record))}
        aside = {each for name in read for each in judged_by(self._grants, self._types, name)}
        told, judging = self._aside(sorted(aside, key=JUDGING.index))
        notes = [f"computed from {needs}" if needs else "computed"]
        if told:
            notes.append(f"rows judged by {told}")
        return notes, sum(calls for _, calls in asked), judging

    def _asked(self, record: type, by: str, parents: int) -> tuple[list[str], int]:
        if self._catalog is None:
            return [], 0
        owners = [each for each in self._catalog.owners(record) if (record, by) in each.capabilities]
        if not owners:
            return ["no configured source"], 0
        calls = sum(_of_one(each.capabilities[record, by], parents) for each in owners)
        names = ", ".join(each.name for each in owners)
        return [f"[{names}: {calls} call{'s' if calls != 1 else ''}]"], calls

    def _rows(self, type_name: str) -> tuple[Sequence[str], int]:
        """How rows of a type are judged, and the calls that it may take."""
        rule = self._grants.rows(type_name)
        if rule.open:
            return (), 0
        told, calls = self._aside(judged_by(self._grants, self._types, type_name))
        how = "the account that owns them"
        if not rule.by_account:
            how = ", ".join(sorted(rule.reads)) + (" of row and account" if rule.needs_account else "")
        return (f"rows: by {how}" + (f", from {told}" if told else ""),), calls

    def _aside(self, read: Sequence[tuple[type, str]]) -> tuple[str, int]:
        """What is read to judge by, as text, and the calls of that."""
        found = [(f"{record.__name__} by {by}", *self._asked(record, by, FAN_OUT)) for record, by in read]
        return " and ".join(" ".join((name, *sources)) for name, sources, _ in found), sum(calls for *_, calls in found)


def _some(types: Sequence[str]) -> str:
    return ", ".join(types) if len(types) <= _NAMED else f"{', '.join(types[:_NAMED])} and {len(types) - _NAMED} more"


def _of_one(capability: Capability, parents: int) -> int:
    return min(parents, FAN_OUT) if capability.fan_out else 1


def _is_list(type_: GraphQLOutputType) -> bool:
    return isinstance(type_.of_type if isinstance(type_, GraphQLNonNull) else type_, GraphQLList)
