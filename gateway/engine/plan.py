"""A plan: what an operation reads and shows, decided once for a document, some roles and its `@skip/@include` values.

A plan is a tree. A *selection* is what is shown of values of one concrete type seen by one set of roles; its *fields*
are leaves, embedded objects, links and computations. What the grants cut is in it as a constant and leads nowhere, so a
forbidden field can cost no call. Selections below a field are made when a value of their type is first met, or by
`explain`; those of a concrete type at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

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
    OperationType,
    get_named_type,
)

from gateway.engine.arguments import Arguments
from gateway.engine.collect import Collector, Flags
from gateway.engine.grants import Decision, Grants
from gateway.engine.graph import Graph, attribute_of
from gateway.engine.paging import Paging
from gateway.engine.seen import JUDGING
from resolvers.batch import Batched, Declaration, Derived, Link, Stream, declaration_of
from resolvers.budget import Budget, OperationClass

Roles: TypeAlias = frozenset[str]
Path: TypeAlias = tuple[str, ...]

TYPENAME, CUT, PLAIN, DERIVED, LINK, BATCHED, META = "typename", "cut", "plain", "derived", "link", "batched", "meta"
EVENT = "event"
_META = ("__schema", "__type")
_ABSTRACT = (GraphQLInterfaceType, GraphQLUnionType)


class Mark:
    """Something an answer tells if it reached this place: a field that was refused, or one that was masked."""

    __slots__ = ("coordinate", "nodes", "path", "refused", "rule")

    def __init__(
        self, coordinate: str, path: Path, nodes: Sequence[FieldNode], rule: str | None, refused: bool
    ) -> None:
        self.coordinate, self.path, self.nodes, self.rule, self.refused = coordinate, path, nodes, rule, refused


class Field:
    """One response key of a selection."""

    __slots__ = (
        "active",
        "arguments",
        "attribute",
        "branch",
        "coordinate",
        "decision",
        "declared",
        "early",
        "flat",
        "key",
        "kind",
        "listed",
        "mark",
        "mask",
        "name",
        "nodes",
        "nonnull",
        "paging",
        "path",
        "slot",
        "type",
    )  # fmt: skip

    def __init__(self, key: str, nodes: Sequence[FieldNode], kind: str, type_: GraphQLOutputType, path: Path) -> None:
        self.key, self.nodes, self.kind, self.type, self.path = key, nodes, kind, type_, path
        self.name = nodes[0].name.value
        self.nonnull = isinstance(type_, GraphQLNonNull)
        self.listed = isinstance(type_.of_type if isinstance(type_, GraphQLNonNull) else type_, GraphQLList)
        self.coordinate = ""
        self.attribute = ""
        self.declared: Declaration | None = None
        self.decision: Decision | None = None
        self.mask: Callable[[Any], Any] | None = None
        self.mark = -1
        self.arguments: Arguments | None = None
        self.paging: Paging | None = None
        self.branch: Branch | None = None
        self.slot = -1  # among the columns of its selection; -1: read from the parent where it is shown
        self.active = False  # it reads, or something below it does
        self.flat = True  # everything below can be shown from the value alone
        self.early = False  # its children may start before its row is there

    @property
    def link(self) -> Link:
        """The declaration of a link."""
        assert isinstance(self.declared, Link)
        return self.declared


class Selection:
    """What is shown of values of one type, as seen by `roles`."""

    __slots__ = ("active", "columns", "failed", "fast", "fields", "flat", "path", "roles", "type_name")

    def __init__(self, type_name: str, roles: Roles, path: Path) -> None:
        self.type_name, self.roles, self.path = type_name, roles, path
        self.fields: list[Field] = []
        self.columns: list[Field] = []
        self.active: list[Field] = []
        self.flat = True
        self.failed: GraphQLError | None = None
        self.fast: Callable[..., list[dict[str, Any]]] | None = None


class Branch:
    """Below a field: a selection for each type and each set of roles that its values may have."""

    __slots__ = ("_made", "_planner", "abstract", "named", "nodes", "only", "path", "roles", "varying")

    def __init__(self, planner: Planner, field: Field, roles: Roles, path: Path) -> None:
        self._planner, self.nodes, self.roles, self.path = planner, field.nodes, roles, path
        named = get_named_type(field.type)
        assert isinstance(named, (GraphQLObjectType, *_ABSTRACT))
        self.named = named
        self.abstract = isinstance(named, _ABSTRACT)
        self.varying = planner.varies(named)
        self._made: dict[tuple[str, Roles], Selection] = {}
        self.only: Selection | None = None
        if isinstance(named, GraphQLObjectType) and not self.varying:
            self.only = self.of(named.name, roles)

    @property
    def flat(self) -> bool:
        """Whether values can be shown without a frame of their own."""
        return self.only is not None and self.only.flat

    @property
    def active(self) -> bool:
        """Whether anything below may read; of types not met yet it is assumed."""
        return self.only is None or bool(self.only.active)

    def possible(self, type_name: str) -> bool:
        """Whether values of a type may stand here; a concrete type takes what it is given."""
        if not self.abstract:
            return True
        graph = self._planner.graph
        type_ = graph.object_type(type_name)
        return type_ is not None and graph.schema.is_sub_type(self.named, type_)  # type: ignore[arg-type]

    def of(self, type_name: str, roles: Roles) -> Selection:
        """The selection for values of a type, seen by roles."""
        key = (type_name, roles)
        made = self._made.get(key)
        if made is None:
            type_ = self._planner.graph.object_type(type_name)
            assert type_ is not None
            made = self._made[key] = self._planner.selection(type_, roles, self.nodes, self.path)
        return made

    def every(self) -> Iterator[Selection]:
        """Every selection that values may need, for those who look at a plan: all types, the branch's own roles."""
        schema = self._planner.graph.schema
        named = self.named
        possible = schema.get_possible_types(named) if isinstance(named, _ABSTRACT) else [named]
        for type_ in possible:
            yield self.of(type_.name, self.roles)


class Plan:
    """An operation, planned. `uses` counts its runs: it is compiled when it proves to be used."""

    __slots__ = (
        "askers", "budget", "counted", "document", "grants", "marks", "operation", "root", "shown", "size", "uses",
    )  # fmt: skip

    def __init__(
        self, operation: OperationDefinitionNode, document: DocumentNode, grants: Grants, shown: GraphQLSchema
    ) -> None:
        self.operation, self.document, self.grants = operation, document, grants
        self.shown = shown  # the schema that this audience may know: what introspection tells of
        self.marks: list[Mark] = []
        self.root: Selection
        self.budget: Budget
        self.uses = 0
        self.size = 0  # fields planned so far, for the bound on remembered plans
        self.counted = 0  # of them, those that the bound has been told of; 0: not remembered
        self.askers: dict[tuple[type, str], int] = {}  # how many places ask an index

    def alone(self, record: type, by: str) -> bool:
        """Whether one place at the most asks an index."""
        return self.askers.get((record, by), 0) < 2

    def asks(self, record: type, by: str, times: int = 1) -> None:
        """Another place asks an index."""
        self.askers[record, by] = self.askers.get((record, by), 0) + times

    @property
    def classes(self) -> set[OperationClass]:
        """The operation classes of what its root fields read."""
        budgets = (getattr(each.declared, "budget", None) for each in self.root.fields)
        return {each for each in budgets if each is not None}

    @property
    def serial(self) -> bool:
        """Whether root fields run one after another."""
        return self.operation.operation is OperationType.MUTATION


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
        self._plan = Plan(operation, self._document, self._grants, self._shown)
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
        possible = schema.get_possible_types(named) if isinstance(named, _ABSTRACT) else [named]
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
            field.kind, field.mark = CUT, self._mark(field, decision, refused=True)
            return field
        if decision.mask is not None:
            field.mask, field.mark = decision.mask, self._mark(field, decision, refused=False)
        field.declared = declaration_of(schema_field)
        field.attribute = attribute_of(field.name, schema_field)
        if schema_field.args:
            field.arguments = Arguments(self.graph, schema_field, field.nodes[0])
        if isinstance(field.declared, Link):
            field.kind = LINK
            self._plan.asks(field.declared.target, field.declared.by)
            field.paging = Paging(self.graph, self._grants, field, schema_field)
        elif isinstance(field.declared, Batched):
            field.kind = BATCHED
            for record, by in field.declared.needs:
                self._plan.asks(record, by, 2)  # it may ask more than once
        elif isinstance(field.declared, Derived):
            field.kind = DERIVED
        elif isinstance(field.declared, Stream):
            field.kind = EVENT
        self._below(field, roles)
        return field

    def _below(self, field: Field, roles: Roles) -> None:
        reads = field.kind in (LINK, BATCHED, EVENT)
        if isinstance(get_named_type(field.type), (GraphQLObjectType, *_ABSTRACT)):
            at = (*field.path, *("@" for _ in range(_lists(field.type))))
            field.branch = Branch(self, field, roles, at)
            field.flat = field.branch.flat and field.mask is None
            field.active = reads or (not field.flat and field.branch.active)
        else:
            field.active = reads
        if reads or not field.flat:
            field.slot = 0
        field.active = field.active or field.slot == 0

    def _mark(self, field: Field, decision: Decision, *, refused: bool) -> int:
        shown = field.path[: field.path.index("@") + 1] if "@" in field.path else field.path
        rule = None if self._grants.external else decision.rule
        self._plan.marks.append(Mark(field.coordinate, shown, field.nodes, rule, refused))
        return len(self._plan.marks) - 1


def _lists(type_: GraphQLOutputType) -> int:
    """How many lists are around a type."""
    found = 0
    while isinstance(type_, (GraphQLNonNull, GraphQLList)):
        found += isinstance(type_, GraphQLList)
        type_ = type_.of_type
    return found


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
