"""The engine: one request in, one answer out."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from inspect import isawaitable
from typing import Any

import msgspec
import strawberry
from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    OperationDefinitionNode,
    OperationType,
    execute,
    get_operation_ast,
)

from gateway.engine.adapter import install
from gateway.engine.answer import answer, refused
from gateway.engine.cursors import Cursors
from gateway.engine.documents import Documents, Limits, Refused
from gateway.engine.operation import Judge, Operation
from policies.principal import Principal
from resolvers.context import Context
from sources.canonical import Record
from sources.catalog import Catalog


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
    """Runs operations over one schema, one catalog and one set of policies."""

    def __init__(
        self,
        schema: strawberry.Schema,
        types: Mapping[type[Record], str],
        catalog: Catalog,
        judges: Callable[[Principal], Judge],
        *,
        cursor_key: bytes | None = None,
        limits: Limits | None = None,
        rules: Any = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        install(schema, types)
        self.schema = schema._schema
        self.catalog = catalog
        self._judges = judges
        self._documents = Documents(self.schema, limits)
        self._cursors = Cursors(cursor_key or secrets.token_bytes(32))
        self._rules, self._clock = rules, clock

    async def run(self, question: Question, principal: Principal, correlation_id: str) -> Response:
        """Parses, validates, runs; never raises for what a client sent."""
        try:
            document = self._documents.get(question.query)
            operation_node = _operation(document, question)
        except Refused as error:
            return Response(refused(error.errors, correlation_id), started=False)
        if operation_node.operation is not OperationType.QUERY and not question.may_mutate:
            error_only = GraphQLError("a GET request may only query: send mutations by POST")
            return Response(refused([error_only], correlation_id), started=False, method_not_allowed=True)
        context = Context(principal, self._clock(), correlation_id, self._rules)
        operation = Operation(context, self.catalog, self._judges(principal), self._cursors)
        result = await self._execute(document, question, operation)
        if result.data is None and result.errors and all(error.path is None for error in result.errors):
            return Response(refused(result.errors, correlation_id), started=False)
        return Response(answer(result.data, result.errors or (), operation), started=True)

    async def _execute(self, document: DocumentNode, question: Question, operation: Operation) -> ExecutionResult:
        result = execute(
            self.schema,
            document,
            context_value=operation,
            variable_values=dict(question.variables or {}),
            operation_name=question.operation_name,
        )
        return await result if isawaitable(result) else result


def _operation(document: DocumentNode, question: Question) -> OperationDefinitionNode:
    node = get_operation_ast(document, question.operation_name)
    if node is not None:
        return node
    if question.operation_name is not None:
        raise Refused([GraphQLError(f"the document has no operation named `{question.operation_name}`")])
    raise Refused([GraphQLError("the document has several operations: say which with `operationName`")])
