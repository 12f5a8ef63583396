"""The engine: one request in, one answer out."""

from __future__ import annotations

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable, Hashable, Mapping
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any

import msgspec
from graphql import GraphQLError, GraphQLSchema, OperationDefinitionNode, OperationType, get_operation_ast
from graphql.execution.values import VariableValues, get_variable_values

from gateway.engine.answer import answer, refused
from gateway.engine.audience import Audiences
from gateway.engine.careful import CarefulBuilder
from gateway.engine.cursors import Cursors
from gateway.engine.documents import Document, Documents, Limits, Refused
from gateway.engine.fast import Builder
from gateway.engine.frames import Frame
from gateway.engine.grants import Grants
from gateway.engine.graph import Graph
from gateway.engine.plan import Plan
from gateway.engine.planning import Planner, flags_of
from gateway.engine.run import Asked, Run
from policies.principal import Principal
from resolvers.batch import Stream
from resolvers.context import Context
from sources.catalog import Catalog
from sources.errors import SourceError

_PROVEN = 2  # runs after which a plan is compiled: one that is never seen again is not worth it
_ERRORS = 5


class Question(msgspec.Struct, frozen=True):
    """One GraphQL request, whichever way it came."""

    query: str
    variables: Mapping[str, Any] | None = None
    operation_name: str | None = None
    may_mutate: bool = True  # False for GET


class Response(msgspec.Struct, frozen=True):
    """The body, and whether the operation ran at all (`started`): that decides the HTTP status."""

    body: dict[str, Any]
    started: bool
    method_not_allowed: bool = False


class Engine:
    """Runs operations over one graph, one catalog and one set of policies.

    `policies` gives the grants of a principal; there is no plan without them. `deadline` is an operation's time in
    seconds. `careful` shows every answer by the careful builder (for comparisons).
    """

    def __init__(  # noqa: PLR0913 - what a gateway is made of, all but three with a default
        self,
        graph: Graph,
        catalog: Catalog,
        policies: Callable[[Principal], Grants],
        *,
        cursor_key: bytes | None = None,
        limits: Limits | None = None,
        rules: Callable[[], Any] | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        deadline: float = 10.0,
        careful: bool = False,
    ) -> None:
        self.graph, self.catalog, self._policies = graph, catalog, policies
        self._audiences = Audiences(graph.schema)
        self._documents = Documents(limits)
        self._plans: OrderedDict[Hashable, Plan] = OrderedDict()
        self._planned = 0
        self._cursors = Cursors(cursor_key or secrets.token_bytes(32))
        self._rules, self._clock, self._deadline = rules or (lambda: None), clock, deadline
        self._careful = careful

    async def run(self, question: Question, principal: Principal, correlation_id: str) -> Response:
        """Parses, validates, plans, runs; never raises for what a client sent."""
        try:
            asked = self._asked(question, principal)
            if asked.plan.operation.operation is OperationType.SUBSCRIPTION:
                raise Refused([GraphQLError("a subscription is answered by a stream: ask for `text/event-stream`")])
        except Refused as error:
            return Response(refused(error.errors, correlation_id), started=False)
        if asked.plan.serial and not question.may_mutate:
            mutation = GraphQLError("a GET request may only query: send mutations by POST")
            return Response(refused([mutation], correlation_id), started=False, method_not_allowed=True)
        return await self._run(asked, self._context(asked.plan, principal, correlation_id))

    async def subscribe(
        self, question: Question, principal: Principal, correlation_id: str
    ) -> AsyncGenerator[Response, None]:
        """An answer for each event. Every event is planned and judged by the rules as they are then."""
        try:
            asked = self._asked(question, principal)
            field = asked.plan.root.fields[0] if asked.plan.root.fields else None
            if asked.plan.operation.operation is not OperationType.SUBSCRIPTION or field is None:
                raise Refused([GraphQLError("this is no subscription: send it as a request")])
        except Refused as error:
            yield Response(refused(error.errors, correlation_id), started=False)
            return
        context = self._context(asked.plan, principal, correlation_id)
        if not isinstance(
            field.declared, Stream
        ):  # cut by the rules, or introspection: there is one answer and no event
            yield await self._run(asked, context)
            return
        try:
            given = field.arguments.given(asked.variables) if field.arguments is not None else {}
        except SourceError as error:
            failed = GraphQLError(error.message, nodes=field.nodes, original_error=error)
            yield Response(refused([failed], correlation_id), started=False)
            return
        async with aclosing(field.declared.source(context, **given)) as events:
            async for event in events:
                try:
                    now = msgspec.structs.replace(self._asked(question, principal), event=event)
                except Refused as error:  # by rules that have changed meanwhile
                    yield Response(refused(error.errors, correlation_id), started=False)
                    return
                yield await self._run(now, self._context(now.plan, principal, correlation_id))

    async def _run(self, asked: Asked, context: Context) -> Response:
        until = asyncio.get_running_loop().time() + self._deadline
        run = Run(self.graph, asked, context, self.catalog, self._cursors, until)
        frame = await run.fetch()
        if asked.plan.counted not in (0, asked.plan.size):
            self._count(asked.plan)
        data, errors, hits = self._shown(asked.plan, run, frame)
        body = answer(data, errors, asked.plan, hits, run.ledger, context.correlation_id)
        return Response(body, started=True)

    def _context(self, plan: Plan, principal: Principal, correlation_id: str) -> Context:
        unknown = self._unknown(plan) if plan.grants.external else frozenset()
        return Context(principal, self._clock(), correlation_id, self._rules(), unknown)

    def _unknown(self, plan: Plan) -> frozenset[type]:
        """Records whose type an audience is not shown: ids of them are no ids."""
        shown = plan.shown.type_map
        return frozenset(record for record, name in self.graph.types.items() if name not in shown)

    def plan(self, question: Question, principal: Principal) -> Plan:
        """The plan of a question, for those who look at it; raises Refused."""
        return self._asked(question, principal).plan

    def _asked(self, question: Question, principal: Principal) -> Asked:
        grants = self._policies(principal)
        shown = self.schema_of(grants)
        document = self._documents.get(question.query, shown, _audience(grants))
        operation = _operation(document, question)
        raw = question.variables or {}
        variables = _coerced(shown, operation, raw)
        return Asked(self._plan(document, operation, grants, variables), variables, raw)

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
            self._remember(key, plan)
        else:
            self._plans.move_to_end(key)
        return plan

    def _remember(self, key: Hashable, plan: Plan) -> None:
        self._plans[key] = plan
        self._count(plan)

    def _count(self, plan: Plan) -> None:
        """Bounded in number and in planned fields; a field with what was compiled for it takes about a kilobyte. A plan
        grows while it runs: selections are made when a value of their type is first met."""
        limits = self._documents.limits
        self._planned += plan.size - plan.counted
        plan.counted = plan.size
        while len(self._plans) > limits.remembered or self._planned * 1024 > limits.remembered_bytes:
            _, gone = self._plans.popitem(last=False)
            self._planned -= gone.counted
            gone.counted = 0

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


_NO_VARIABLES = VariableValues({}, {})


def _operation(document: Document, question: Question) -> OperationDefinitionNode:
    node = get_operation_ast(document.node, question.operation_name)
    if node is not None:
        return node
    if question.operation_name is not None:
        raise Refused([GraphQLError(f"the document has no operation named `{question.operation_name}`")])
    raise Refused([GraphQLError("the document has several operations: say which with `operationName`")])


def _audience(grants: Grants) -> Hashable:
    """Our own people read one schema; outsiders that of their roles, as the rules are now."""
    return (grants.roles, grants.version) if grants.external else None


def _coerced(schema: GraphQLSchema, operation: OperationDefinitionNode, given: Mapping[str, Any]) -> VariableValues:
    if not operation.variable_definitions:
        return _NO_VARIABLES
    found = get_variable_values(
        schema, operation.variable_definitions, dict(given), max_errors=_ERRORS, hide_suggestions=True
    )
    if isinstance(found, list):
        raise Refused(found)
    return found
