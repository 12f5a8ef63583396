"""A plan: what an operation reads and shows, decided once for a document, some roles and its `@skip/@include` values.

A plan is a tree. A *selection* is what is shown of values of one concrete type seen by one set of roles; its *fields*
are leaves, embedded objects, links and computations. What the grants cut is in it as a constant and leads nowhere, so a
forbidden field can cost no call. Selections below a field are made when a value of their type is first met, or by
`explain`; those of a concrete type at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLError,
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
from gateway.engine.grants import Decision, Grants, RowRule, RowRules
from gateway.engine.paging import Paging
from resolvers.batch import Declaration, Link
from resolvers.budget import Budget, OperationClass
from sources.ports import Page

if TYPE_CHECKING:
    from gateway.engine.cost import Price
    from gateway.engine.planning import Planner

Roles: TypeAlias = frozenset[str]
Path: TypeAlias = tuple[str, ...]

NO_ROLES: Roles = frozenset()

TYPENAME, CUT, PLAIN, DERIVED, LINK, BATCHED, META = "typename", "cut", "plain", "derived", "link", "batched", "meta"
EVENT = "event"
ABSTRACT = (GraphQLInterfaceType, GraphQLUnionType)


class Mark:
    """Something an answer tells if it reached this place: a field that was refused, or one that was masked."""

    __slots__ = ("coordinate", "decision", "nodes", "path", "refusal", "refused", "rule")

    def __init__(
        self, coordinate: str, path: Path, nodes: Sequence[FieldNode], decision: Decision, *, told: bool
    ) -> None:
        self.coordinate, self.path, self.nodes, self.decision = coordinate, path, nodes, decision
        self.refused = decision.verdict == "deny"
        self.rule = decision.rule if told else None  # outsiders are told of no rule
        self.refusal: GraphQLError | None = None  # told again and again, and never raised


class Field:
    """One response key of a selection."""

    __slots__ = (
        "active",
        "ahead",
        "arguments",
        "attribute",
        "branch",
        "coordinate",
        "decision",
        "declared",
        "early",
        "flat",
        "judged",
        "key",
        "kind",
        "link",
        "listed",
        "mark",
        "mask",
        "name",
        "nodes",
        "nonnull",
        "page",
        "paging",
        "path",
        "roles",
        "rule",
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
        self.branch: Branch | None = None
        self.roles: Roles = NO_ROLES  # of those that see its parent, the ones that grant it
        self.slot = -1  # among the columns of its selection; -1: read from the parent where it is shown
        self.active = False  # it reads, or something below it does
        self.flat = True  # everything below can be shown from the value alone
        self.early = False  # its children may start before its row is there
        # Of a link: its declaration, how arguments become a page, and the page where they say nothing of what is read.
        self.link: Link
        self.paging: Paging
        self.page: Page | None = None
        # How rows that it leads to are judged, for all roles and for its own; None: not at all.
        self.judged: RowRule | None = None
        self.rule: RowRule | None = None
        self.ahead = False  # it says whether its list goes on, of whose rows some may be hidden and others not


class Selection:
    """What is shown of values of one type, as seen by `roles`."""

    __slots__ = (
        "active",
        "columns",
        "failed",
        "fast",
        "fields",
        "flat",
        "leads",
        "path",
        "roles",
        "type_name",
        "watched",
    )  # fmt: skip

    def __init__(self, type_name: str, roles: Roles, path: Path) -> None:
        self.type_name, self.roles, self.path = type_name, roles, path
        self.fields: list[Field] = []
        self.columns: list[Field] = []
        self.active: list[Field] = []
        self.watched: list[int] = []  # marks of fields of which the rules want a record
        self.leads: list[Field] = []  # fields below which there are such, as far as that is known
        self.flat = True
        self.failed: GraphQLError | None = None
        self.fast: Callable[..., list[dict[str, Any]]] | None = None


class Branch:
    """Below a field: a selection for each type and each set of roles that its values may have. `roles`: those of values
    that are not judged for themselves, which are the roles that grant the field."""

    __slots__ = ("_made", "_planner", "abstract", "named", "nodes", "only", "path", "roles", "varying")

    def __init__(self, planner: Planner, field: Field, path: Path) -> None:
        self._planner, self.nodes, self.roles, self.path = planner, field.nodes, field.roles, path
        named = get_named_type(field.type)
        assert isinstance(named, (GraphQLObjectType, *ABSTRACT))
        self.named = named
        self.abstract = isinstance(named, ABSTRACT)
        self.varying = planner.varies(named)
        self._made: dict[tuple[str, Roles], Selection] = {}
        self.only: Selection | None = None
        if isinstance(named, GraphQLObjectType) and not self.varying:
            self.only = self.of(named.name, self.roles)

    @property
    def flat(self) -> bool:
        """Whether values can be shown without a frame of their own."""
        return self.only is not None and self.only.flat

    @property
    def active(self) -> bool:
        """Whether anything below may read; of types not met yet it is assumed."""
        return self.only is None or bool(self.only.active)

    @property
    def watched(self) -> bool:
        """Whether anything below may have to be put on record; of types not met yet it is assumed."""
        return self.only is None or bool(self.only.watched or self.only.leads)

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
        possible = schema.get_possible_types(named) if isinstance(named, ABSTRACT) else [named]
        for type_ in possible:
            yield self.of(type_.name, self.roles)


class Plan:
    """An operation, planned. `uses` counts its runs: it is compiled when it proves to be used."""

    __slots__ = (
        "askers",
        "audited",
        "budget",
        "counted",
        "digest",
        "document",
        "grants",
        "lazy",
        "marks",
        "operation",
        "price",
        "root",
        "rules",
        "shown",
        "size",
        "uses",
    )

    def __init__(
        self,
        operation: OperationDefinitionNode,
        document: DocumentNode,
        grants: Grants,
        rules: RowRules,
        shown: GraphQLSchema,
    ) -> None:
        self.operation, self.document, self.grants, self.rules = operation, document, grants, rules
        self.shown = shown  # the schema that this audience may know: what introspection tells of
        self.marks: list[Mark] = []
        self.audited: set[int] = set()  # of them, those of which the rules want a record
        self.digest = b""  # SHA-256 of the document's text
        self.root: Selection
        self.budget: Budget
        self.price: Price
        self.uses = 0
        self.size = 0  # fields planned so far, for the bound on remembered plans
        self.counted = 0  # of them, those that the bound has been told of; 0: not remembered
        self.askers: dict[tuple[type, str], int] = {}  # how many places ask an index
        self.lazy = False  # some places are planned when a value first leads there

    def alone(self, record: type, by: str) -> bool:
        """Whether one place at the most asks an index: not known while places are planned that none has led to yet."""
        return not self.lazy and self.askers.get((record, by), 0) < 2

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
