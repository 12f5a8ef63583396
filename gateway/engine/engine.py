"""The engine: one request in, one answer out."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator, Callable, Hashable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeAlias

import msgspec
from graphql import GraphQLError, GraphQLSchema, OperationDefinitionNode, OperationType, get_operation_ast
from graphql.execution.values import VariableValues

from gateway.engine.answer import Told, answer, refused
from gateway.engine.audience import Audiences
from gateway.engine.careful import CarefulBuilder
from gateway.engine.cost import Price
from gateway.engine.cursors import Cursors
from gateway.engine.decoys import Decoys
from gateway.engine.documents import Document, Documents, Limits, Refused
from gateway.engine.events import Again, alone, events
from gateway.engine.fast import Builder
from gateway.engine.frames import Frame
from gateway.engine.grants import Grants
from gateway.engine.graph import Graph
from gateway.engine.loads import Loads
from gateway.engine.measure import Exceeded
from gateway.engine.plan import Plan
from gateway.engine.planning import Planner, flags_of
from gateway.engine.plans import Plans
from gateway.engine.question import NO_WISHES, Question, Response, Wishes
from gateway.engine.run import Asked, Run
from gateway.engine.shown import shown
from gateway.engine.tokens import FreshnessTokens
from gateway.engine.trust import Trust
from gateway.engine.variables import Operation
from gateway.engine.withheld import withheld
from gateway.telemetry.accesses import Access, Tell
from policies.principal import Principal
from resolvers.budget import Budget, OperationsSettings, budget_of
from resolvers.context import Context, Happenings, live
from sources import errand
from sources.canonical import Record, Served
from sources.catalog import Catalog
from sources.errand import Errand, Lane
from sources.errors import BadAsk
from sources.overview import Overview, overview
from sources.ports import Capability
from sources.settings import Secret

Admit: TypeAlias = Callable[[Lane], None]
__all__ = ["NO_WISHES", "Admit", "Again", "Engine", "Question", "Response", "Wishes"]
_PROVEN = 2  # runs after which a plan is compiled: one that is never seen again is not worth it


class Engine:
    """Runs operations over one graph, one catalog and one set of policies.

    `signing` is the key of what a computation vouches for (none: one of this process's own). `policies` gives the
    grants of a principal; there is no plan without them. `operations`: how long each class may take. `careful` shows
    every answer by the careful builder (for comparisons). `exceeded` is told of every limit that a document passes.
    `trust` says which documents are run for whom; without it: every one. `office` gives where governed writes are kept;
    without it there are none. `happenings` is what subscriptions tell of. `record` is told of every answer of which
    something was withheld that the rules want on record.
    """

    def __init__(  # noqa: PLR0913 - what a gateway is made of, all but three with a default
        self,
        graph: Graph,
        catalog: Catalog,
        policies: Callable[[Principal], Grants],
        *,
        cursor_key: bytes | None = None,
        signing: Secret | None = None,
        limits: Limits | None = None,
        rules: Callable[[], Any] | None = None,
        sources: Callable[[], Sequence[Overview]] | None = None,
        office: Callable[[], Any] | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        operations: OperationsSettings = OperationsSettings(),  # noqa: B008 - frozen
        careful: bool = False,
        exceeded: Exceeded | None = None,
        trust: Trust | None = None,
        happenings: Happenings | None = None,
        record: Callable[[Access], None] | None = None,
    ) -> None:
        self.graph, self.catalog, self._policies = graph, catalog, policies
        self._audiences = Audiences(graph.schema)
        self._documents = Documents(limits, exceeded=exceeded)
        self._trust, self._record = trust or Trust(), record
        self._plans = Plans(self._documents.limits)
        key = cursor_key or secrets.token_bytes(32)
        self._cursors, self.tokens = Cursors(key), FreshnessTokens(key)
        self._rules, self._clock, self._operations = rules or (lambda: None), clock, operations
        self._careful, self._signing = careful, signing or Secret(secrets.token_hex(32))
        self._sources, self._office = sources or (lambda: overview(catalog)), office or (lambda: None)
        self._happenings, self._decoys = happenings, Decoys()

    async def run(
        self, question: Question, principal: Principal, correlation_id: str, admit: Admit | None = None
    ) -> Response:
        """Parses, validates, plans, runs; never raises for what a client sent.

        Whether the document is trusted is asked first. `admit` is told the lane before anything is read, and may raise
        where there is no room for it. A document that was never seen has no urgency: to find out its lane costs, and
        whoever asks for it has too much to do.
        """
        began = asyncio.get_running_loop().time()
        try:
            question, asked = self._begun(question, principal, admit)
            if asked.plan.operation.operation is OperationType.SUBSCRIPTION:
                raise Refused([GraphQLError("a subscription is answered by a stream: ask for `text/event-stream`")])
            mission = self._errand(question, asked.plan, began)
        except Refused as error:
            return Response(refused(error.errors, correlation_id), started=False)
        return await self._once(question, asked, mission, principal, correlation_id, admit)

    def subscribe(
        self,
        question: Question,
        principal: Principal,
        correlation_id: str,
        again: Again | None = None,
        admit: Admit | None = None,
    ) -> AsyncGenerator[Response, None]:
        """Answers by a stream: a subscription for each event, anything else once. Close it when nobody listens.

        Every event is planned and judged by the rules and manifests as they are then, for whom `again` says that the
        caller is then; what that raises comes out of the stream, as does what its source raises. `admit` as in `run`:
        what it raises comes out at once for a subscription, and with the answer for others.
        """
        try:
            question, asked = self._begun(question, principal, admit)
        except Refused as error:
            return alone(Response(refused(error.errors, correlation_id), started=False))
        if asked.plan.operation.operation is not OperationType.SUBSCRIPTION:
            return self._alone(question, asked, principal, correlation_id, admit)
        if admit is not None:
            admit(asked.plan.budget.lane)
        opening = self._context(asked.plan, principal, correlation_id)
        return events(self, question, asked, opening, again)

    def _begun(self, question: Question, principal: Principal, admit: Admit | None) -> tuple[Question, Asked]:
        """The question as it is trusted, and planned; raises Refused, and what `admit` raises."""
        grants = self._policies(principal)
        question = self._trust.of(question, principal, grants.external)
        if admit is not None and not self._documents.knows(question.query, _audience(grants), question.digest):
            admit(Lane.PORTAL)
        asked = self._asked(question, grants)
        if question.noted:
            self._note(question, principal, asked.plan)
        return question, asked

    async def _once(
        self,
        question: Question,
        asked: Asked,
        mission: Errand,
        principal: Principal,
        correlation_id: str,
        admit: Admit | None,
    ) -> Response:
        """The one answer of what is no subscription."""
        if admit is not None:
            admit(mission.lane)
        if asked.plan.serial and not question.may_mutate:
            mutation = GraphQLError("a GET request may only query: send mutations by POST")
            return Response(refused([mutation], correlation_id), started=False, method_not_allowed=True)
        return await self._run(asked, mission, principal, correlation_id)

    async def _alone(
        self, question: Question, asked: Asked, principal: Principal, correlation_id: str, admit: Admit | None
    ) -> AsyncGenerator[Response, None]:
        """What is no subscription, as a stream of one answer."""
        try:
            mission = self._errand(question, asked.plan, asyncio.get_running_loop().time())
        except Refused as error:
            yield Response(refused(error.errors, correlation_id), started=False)
            return
        yield await self._once(question, asked, mission, principal, correlation_id, admit)

    def again(self, question: Question, principal: Principal) -> Asked:
        """A subscription's question by the rules and manifests of now; raises Refused."""
        grants = self._policies(principal)
        if question.trusted is not None or grants.external:
            question = self._trust.of(question, principal, grants.external)
        return self._asked(question, grants)

    async def event(self, question: Question, asked: Asked, principal: Principal, correlation_id: str) -> Response:
        """One answer of a subscription: its time begins with the event; raises Refused."""
        mission = self._errand(question, asked.plan, asyncio.get_running_loop().time())
        return await self._run(asked, mission, principal, correlation_id)

    async def _run(self, asked: Asked, mission: Errand, principal: Principal, correlation_id: str) -> Response:
        loads = Loads(self.catalog)
        context = self._context(asked.plan, principal, correlation_id, loads.served)
        run = Run(self.graph, asked, context, loads, self._cursors, self._decoys, mission.until)
        begun = errand.begin(mission)
        try:
            frame = await run.fetch()
        finally:
            errand.end(begun)
        if asked.plan.counted not in (0, asked.plan.size):
            self._plans.count(asked.plan)
        data, errors, hits = self._shown(asked.plan, run, frame)
        unasked = run.untold and not asked.event.alone  # nobody asked for this row: it is somebody else's event
        if self._record is not None and not unasked:
            read = shown(frame) if asked.plan.grants.recorded else ()
            tell = withheld(self.graph, asked.plan, frame, hits, errors, run.seen.refused, read)
            if tell is not None:
                self._record(_access(asked.plan, context, tell))
        body = answer(data, errors, asked.plan, hits, context, Told(run.ledger, run.seen.hidden))
        loads.release()
        return Response(body, started=True, classes=asked.plan.budget.classes, untold=run.untold)

    def _errand(self, question: Question, plan: Plan, began: float) -> Errand:
        """On what terms its sources are asked: a client may shorten its time, never lengthen it; raises Refused."""
        wishes, trusted = question.wishes, question.trusted
        budget = plan.budget if question.pinned is None and trusted is None else self._pinned(question, plan)
        max_age = trusted.max_age if trusted is not None else None
        if wishes is NO_WISHES:
            return Errand(budget.lane, began + budget.seconds, budget.patience, max_age, _NEVER, budget.strict)
        seconds = budget.seconds if wishes.timeout is None else min(budget.seconds, wishes.timeout)
        if max_age is None or (wishes.max_age is not None and wishes.max_age < max_age):
            max_age = wishes.max_age
        try:
            not_before = self.tokens.open(wishes.freshness) if wishes.freshness is not None else _NEVER
        except BadAsk as error:
            raise Refused([GraphQLError(error.message)]) from None
        return Errand(budget.lane, began + seconds, budget.patience, max_age, not_before, budget.strict)

    def _pinned(self, question: Question, plan: Plan) -> Budget:
        """The budget of an operation for which we have pinned something ourselves."""
        trusted = question.trusted
        pinned = question.pinned or (trusted.operation_class if trusted is not None else None)
        budget = plan.budget if pinned is None else budget_of((pinned,), self._operations)
        if trusted is None or trusted.budget is None:
            return budget
        return msgspec.structs.replace(budget, seconds=trusted.budget)

    def _context(
        self, plan: Plan, principal: Principal, correlation_id: str, served: Callable[[Record], Served] = live
    ) -> Context:
        unknown = self._unknown(plan) if plan.grants.external else frozenset()
        return Context(
            principal,
            self._clock(),
            correlation_id,
            self._rules(),
            unknown,
            served,
            self._sources,
            self._signing,
            self._office(),
            self._happenings,
            self._cursors,
            self.tokens.seal,
        )

    def _unknown(self, plan: Plan) -> frozenset[type]:
        """Records whose type an audience is not shown: ids of them are no ids."""
        shown = plan.shown.type_map
        return frozenset(record for record, name in self.graph.types.items() if name not in shown)

    def plan(self, question: Question, principal: Principal) -> Plan:
        """The plan of a question, for those who look at it; raises Refused."""
        return self._asked(question, self._policies(principal)).plan

    def prepare(self, question: Question, principal: Principal) -> Document:
        """Has a document read and validated as this principal is shown the schema; raises Refused."""
        grants = self._policies(principal)
        return self._document(question, grants)

    def outsider(self, principal: Principal) -> bool:
        """Whether somebody is shown a part of the schema only."""
        return self._policies(principal).external

    def preplan(self, question: Question, principal: Principal, flags: Mapping[str, bool]) -> Plan:
        """The plan for these values of the variables of `@skip/@include`, whatever the others are; raises Refused."""
        document, grants = self.prepare(question, principal), self._policies(principal)
        return self._plan(document, _operation(document, question), grants, VariableValues({}, dict(flags)))

    def _asked(self, question: Question, grants: Grants) -> Asked:
        shown = self.schema_of(grants)
        document = self._document(question, grants)
        operation = document.operations.get(question.operation_name)
        if operation is None:
            operation = Operation.of(shown, _operation(document, question))
            document.operations[question.operation_name] = operation
        raw = question.variables or {}
        variables = operation.coerced(shown, raw)
        plan = self._plan(document, operation.node, grants, variables)
        if question.trusted is None or not question.trusted.cost_exempt:
            plan.price.check(variables, self._documents.bounds)
        return Asked(plan, variables, raw)

    def _document(self, question: Question, grants: Grants) -> Document:
        shown, audience = self.schema_of(grants), _audience(grants)
        introspects = grants.introspects
        return self._documents.get(question.query, shown, audience, question.digest, introspects=introspects)

    def _note(self, question: Question, principal: Principal, plan: Plan) -> None:
        name = plan.operation.name.value if plan.operation.name else None
        self._trust.passed(question, principal, plan.document, name)

    def schema_of(self, grants: Grants) -> GraphQLSchema:
        """The schema that these roles may know."""
        return self._audiences.of(grants)

    # ------------------------------------------------------------ plans

    def _plan(
        self, document: Document, operation: OperationDefinitionNode, grants: Grants, variables: VariableValues
    ) -> Plan:
        flags = flags_of(document.flags, variables.coerced) if document.flags else ()
        name = operation.name.value if operation.name else None
        key = (document.digest, name, grants.roles, grants.version, flags)
        plan = self._plans.get(key)
        if plan is None:
            plan = Planner(self.graph, document.node, grants, dict(flags), self.schema_of(grants)).plan(operation)
            if plan.root.failed is not None:
                raise Refused([plan.root.failed])
            plan.budget = budget_of(plan.classes, self._operations)
            plan.digest = document.digest
            plan.price = Price(self.graph, document.node, operation, grants, dict(flags), self._able)
            self._plans.keep(key, plan)
        return plan

    def _able(self, record: type[Record], by: str) -> Capability | None:
        return self.catalog.capability(record, by)

    # ------------------------------------------------------------ the answer

    def _shown(self, plan: Plan, run: Run, frame: Frame) -> tuple[dict[str, Any] | None, list[GraphQLError], set[int]]:
        plan.uses += 1
        hits: set[int] = set()
        if plan.uses > _PROVEN and not self._careful:
            try:
                return Builder(run.context, hits.add, run.classify).build(frame)[0], [], hits
            except Exception:
                hits.clear()  # whatever it was, the careful builder meets it again and says where
        careful = CarefulBuilder(run.context, hits.add, run.classify)
        return careful.build(frame), careful.errors, hits


def _access(plan: Plan, context: Context, tell: Tell) -> Access:
    name = plan.operation.name.value if plan.operation.name else None
    return Access(context.now, context.principal, context.correlation_id, name, plan.digest, tell)


_UNTOLD = "untold"
_NEVER: Mapping[str, float] = {}


def _operation(document: Document, question: Question) -> OperationDefinitionNode:
    node = get_operation_ast(document.node, question.operation_name)
    if node is not None:
        return node
    if question.operation_name is not None:
        raise Refused([GraphQLError("the document has no operation of the name in `operationName`")])
    raise Refused([GraphQLError("the document has several operations: say which with `operationName`")])


def _audience(grants: Grants) -> Hashable:
    """Our own people read one schema, though not all may ask for it; outsiders that of their roles, as the rules are
    now."""
    return (grants.roles, grants.version) if grants.external else (None if grants.introspects else _UNTOLD)
