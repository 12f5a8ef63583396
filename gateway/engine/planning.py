"""Planning: from a document, an operation, grants and the values of `@skip/@include` to a plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLError,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    GraphQLUnionType,
    OperationDefinitionNode,
    get_named_type,
)

from gateway.engine.arguments import Arguments
from gateway.engine.collect import Collector, Flags
from gateway.engine.decoys import JUDGING
from gateway.engine.grants import Decision, Grants, RowRules, granting, rule_of
from gateway.engine.graph import Graph, attribute_of
from gateway.engine.paging import Paging
from gateway.engine.plan import (
    ABSTRACT,
    BATCHED,
    CUT,
    DERIVED,
    EVENT,
    LINK,
    META,
    PLAIN,
    TYPENAME,
    Branch,
    Field,
    Mark,
    Path,
    Plan,
    Roles,
    Selection,
)
from resolvers.batch import Batched, Derived, Link, Stream, declaration_of

_META = ("__schema", "__type")


class Planner:
    """Makes the plan of one operation."""

    def __init__(
        self, graph: Graph, document: DocumentNode, grants: Grants, flags: Flags, shown: GraphQLSchema | None = None
    ) -> None:
        self.graph, self._document, self._grants = graph, document, grants
        self._shown = shown or graph.schema
        self._collector = Collector(graph.schema, document, flags)
        self._plan: Plan

    def plan(self, operation: OperationDefinitionNode) -> Plan:
        """The plan of an operation; its root selection has `failed` where the fields cannot be collected."""
        rules = RowRules(self._grants, self.graph.types)
        self._plan = Plan(operation, self._document, self._grants, rules, self._shown)
        root = self.graph.schema.get_root_type(operation.operation)
        if root is None:
            raise GraphQLError(f"this graph has no {operation.operation.value}s", operation)
        for record, by in JUDGING:
            self._plan.asks(record, by, 0 if self._opens_everything() else 2)
        self._plan.root = self.selection(root, self._grants.roles, [operation], ())
        for field in self._plan.root.active:
            field.early = not self._plan.serial and known_statically(field)
        return self._plan

    def _opens_everything(self) -> bool:
        return all(self._grants.rows(name).open for name in self.graph.classes)

    def varies(self, named: GraphQLObjectType | GraphQLInterfaceType | GraphQLUnionType) -> bool:
        """Whether values of a type may be seen by some of the roles only."""
        if len(self._grants.roles) < 2:
            return False
        schema = self.graph.schema
        possible = schema.get_possible_types(named) if isinstance(named, ABSTRACT) else [named]
        return any(each.name in self.graph.classes and not self._grants.rows(each.name).open for each in possible)

    def selection(
        self,
        type_: GraphQLObjectType,
        roles: Roles,
        nodes: Sequence[FieldNode | OperationDefinitionNode],
        path: Path,
    ) -> Selection:
        """What `nodes` select of a type."""
        made = Selection(type_.name, roles, path)
        try:
            collected = self._collector.fields(type_, [node.selection_set for node in nodes])
        except GraphQLError as error:
            made.failed, made.flat = error.with_traceback(None), False  # a plan holds on to no operation
            return made
        for key, asked in collected.items():
            field = self._field(type_, key, asked, roles, path)
            if field is None:
                continue
            made.fields.append(field)
            self._plan.size += 1
            if field.slot == 0:
                field.slot = len(made.columns)
                made.columns.append(field)
                made.flat = False
            if field.active:
                made.active.append(field)
            if field.mark in self._plan.audited:
                made.watched.append(field.mark)
            if field.branch is not None and field.branch.watched:
                made.leads.append(field)
        return made

    def _field(
        self, type_: GraphQLObjectType, key: str, nodes: Sequence[FieldNode], roles: Roles, path: Path
    ) -> Field | None:
        name = nodes[0].name.value
        here = (*path, key)
        if name == "__typename":
            field = Field(key, nodes, TYPENAME, GraphQLNonNull(_string(self.graph)), here)
            field.attribute = type_.name
            return field
        if name in _META:
            type_of = _string(self.graph)
            field = Field(key, nodes, META, GraphQLNonNull(type_of) if name == "__schema" else type_of, here)
            field.active, field.slot = True, 0
            return field
        declared = type_.fields.get(name)
        if declared is None:
            return None
        return self._declared(type_, declared, Field(key, nodes, PLAIN, declared.type, here), roles)

    def _declared(self, type_: GraphQLObjectType, schema_field: GraphQLField, field: Field, roles: Roles) -> Field:
        field.coordinate = f"{type_.name}.{field.name}"
        decision = field.decision = self._grants.field(type_.name, field.name, roles)
        if decision.verdict == "deny":
            field.kind, field.mark = CUT, self._mark(field, decision)
            return field
        field.roles = granting(self._grants, type_.name, field.name, roles)
        if decision.mask is not None:
            field.mask, field.mark = decision.mask, self._mark(field, decision)
        field.declared = declaration_of(schema_field)
        field.attribute = attribute_of(field.name, schema_field)
        if schema_field.args:
            field.arguments = Arguments(self.graph, schema_field, field.nodes[0])
        if isinstance(field.declared, Link):
            self._link(field, field.declared, schema_field)
        elif isinstance(field.declared, Batched):
            field.kind = BATCHED
            for record, by in field.declared.needs:
                self._plan.asks(record, by, 2)  # it may ask more than once
        elif isinstance(field.declared, Derived):
            field.kind = DERIVED
        elif isinstance(field.declared, Stream):
            field.kind = EVENT
        self._below(field)
        if field.kind == LINK and field.link.paged:
            field.ahead = _is_thinned(field) and _says_whether_it_goes_on(field)
        return field

    def _link(self, field: Field, link: Link, schema_field: GraphQLField) -> None:
        field.kind, field.link = LINK, link
        self._plan.asks(link.target, link.by)
        field.paging = Paging(self.graph, self._grants, field, schema_field)
        field.page = field.paging.plain
        field.judged = self._plan.rules[link.target]
        field.rule = rule_of(self._grants, self.graph.types, link.target, field.roles)

    def _below(self, field: Field) -> None:
        reads = field.kind in (LINK, BATCHED, EVENT)
        if isinstance(get_named_type(field.type), (GraphQLObjectType, *ABSTRACT)):
            at = (*field.path, *("@" for _ in range(_lists(field.type))))
            field.branch = Branch(self, field, at)
            self._plan.lazy = self._plan.lazy or field.branch.only is None
            field.flat = field.branch.flat and field.mask is None
            field.active = reads or (not field.flat and field.branch.active)
        else:
            field.active = reads
        if reads or not field.flat:
            field.slot = 0
        field.active = field.active or field.slot == 0

    def _mark(self, field: Field, decision: Decision) -> int:
        shown = field.path[: field.path.index("@") + 1] if "@" in field.path else field.path
        told = not self._grants.external
        self._plan.marks.append(Mark(field.coordinate, shown, field.nodes, decision, told=told))
        if decision.audited:
            self._plan.audited.add(len(self._plan.marks) - 1)
        return len(self._plan.marks) - 1


def _lists(type_: GraphQLOutputType) -> int:
    """How many lists are around a type."""
    found = 0
    while isinstance(type_, (GraphQLNonNull, GraphQLList)):
        found += isinstance(type_, GraphQLList)
        type_ = type_.of_type
    return found


def _is_thinned(field: Field) -> bool:
    """Whether of a list some rows may be hidden and others not: all that one account owns are seen alike where nothing
    but the account decides."""
    rule = field.rule
    return rule is not None and not (rule.by_account and field.link.by == "account")


def _says_whether_it_goes_on(field: Field) -> bool:
    """Whether a connection is asked for `hasNextPage`, as far as its selection tells."""
    connection = field.branch.only if field.branch is not None else None
    if connection is None:
        return True
    bounds = [each.branch.only for each in connection.fields if each.name == "pageInfo" and each.branch is not None]
    return any(each is None or any(one.name == "hasNextPage" for one in each.fields) for each in bounds)


def _string(graph: Graph) -> Any:
    return graph.schema.type_map["String"]


def known_statically(field: Field) -> bool:
    """Whether a root's arguments may tell the key of its row."""
    declared = field.declared
    if isinstance(declared, Link):
        return declared.argument is not None and declared.by == "key" and not declared.many
    return isinstance(declared, Batched) and declared.known is not None


def flags_of(names: Sequence[str], variables: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    """The part of a plan's key that its variables are; another operation's variable of the same name may be no flag."""
    return tuple((name, value if isinstance(value := variables.get(name), bool) else None) for name in names)
