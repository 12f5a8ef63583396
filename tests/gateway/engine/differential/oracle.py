"""The oracle: what graphql-core says to a question, and which errors it could have raised."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Mapping
from enum import Enum
from functools import lru_cache
from inspect import isawaitable
from typing import Any, TypeAlias

import msgspec
from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    execute,
    get_location,
    get_operation_ast,
    get_variable_values,
    parse,
    validate,
)
from graphql.error import located_error
from graphql.execution.executor import Executor

from gateway.engine.measure import Bounds, Measure, Refused
from sources.errors import SourceError
from tests.gateway.engine.differential.unbounded import UNBOUNDED

Path: TypeAlias = tuple[str | int, ...]
Place: TypeAlias = tuple[Path, tuple[tuple[int, int], ...], str]
"""An error as it is compared: path, locations (line, column), code."""


class Outcome(msgspec.Struct):
    """A response as it is compared. `refused`: the operation did not run, and there is no data at all. `masked`: fields
    that were shown masked. `cuts`: places of refused fields that cannot be null, `unshown`: refusals met only where nothing
    is left of the place, where the oracle knows of them."""

    refused: bool
    data: Any = None
    errors: list[Place] = msgspec.field(default_factory=list)
    masked: list[str] = msgspec.field(default_factory=list)
    cuts: list[Path] = msgspec.field(default_factory=list)
    unshown: set[Place] = msgspec.field(default_factory=set)


class Walker(Executor[Any]):
    """Executes without ever stopping: an error is written down wherever one may arise, and nothing spreads."""

    def handle_field_error(self, raw_error: Exception, return_type: Any, field_details_list: Any, path: Any) -> None:
        """Writes the error down; the rest goes on as if a null had been allowed."""
        nodes = [each.node for each in field_details_list]
        self.collected_errors._errors.append(located_error(raw_error, nodes, path.as_list()))


class Asked(msgspec.Struct):
    """A question to the oracle."""

    schema: GraphQLSchema
    text: str
    variables: Mapping[str, Any]
    operation: str | None = None
    shown: GraphQLSchema | None = None  # what documents are checked against, where it is not the whole schema


async def told(asked: Asked, context: Any, executor: type[Executor[Any]] = Executor) -> Outcome:
    """graphql-core's response."""
    document = _valid(asked)
    if document is None or not _given(asked, document):
        return Outcome(refused=True)
    result = await _executed(asked, document, context, executor)
    errors = result.errors or []
    if result.data is None and errors and all(error.path is None for error in errors):
        return Outcome(refused=True)
    data = json.loads(json.dumps(result.data, default=_written))
    return Outcome(False, data, [place_of(error) for error in errors])


def _written(value: Any) -> Any:
    """What a scalar shows that JSON has no form for: an enum as its value, anything else as its text."""
    return value.value if isinstance(value, Enum) else str(value)


async def possible(asked: Asked, context: Any, executor: type[Executor[Any]] = Walker) -> set[Place]:
    """Every error that graphql-core could raise: those of all positions, with nothing cut short by a null."""
    document = _valid(asked)
    assert document is not None
    result = await _executed(asked, document, context, executor)
    return {place_of(error) for error in result.errors or ()}


def place_of(error: GraphQLError) -> Place:
    """What of an error is compared.

    Locations are those of its nodes: `located_error` takes the attribute `source` of our errors for a GraphQL text.
    """
    found = [get_location(node.loc.source, node.loc.start) for node in error.nodes or () if node.loc is not None]
    locations = tuple((each.line, each.column) for each in found)
    return tuple(error.path or ()), locations, code_of(error)


def code_of(error: GraphQLError) -> str:
    """The code that the engine promises: a source's own, BAD_INPUT for arguments that do not fit, else INTERNAL."""
    cause: BaseException | None = error
    while isinstance(cause, GraphQLError) and cause.original_error is not None:
        cause = cause.original_error
    if isinstance(cause, SourceError):
        return cause.code
    if type(cause).__name__ == "Cut":
        return "Cut"
    code = (error.extensions or {}).get("code")
    if code is not None:
        return str(code)
    return "BAD_INPUT" if isinstance(cause, GraphQLError) and cause.message.startswith("Argument '") else "INTERNAL"


def _valid(asked: Asked) -> DocumentNode | None:
    return _validated(asked.shown or asked.schema, asked.text)


def _given(asked: Asked, document: DocumentNode) -> bool:
    """Whether the variables hold no more than the asker may know of; what else is wrong with them is found later."""
    operation = get_operation_ast(document, asked.operation)
    if asked.shown is None or operation is None:
        return True
    found = get_variable_values(asked.shown, operation.variable_definitions or (), dict(asked.variables))
    return not isinstance(found, list)


@lru_cache(maxsize=8)
def _validated(schema: GraphQLSchema, text: str) -> DocumentNode | None:
    try:
        document = parse(text)
    except GraphQLError:
        return None
    if validate(schema, document, max_errors=1):
        return None
    try:
        Measure(document, Bounds(UNBOUNDED)).check()  # introspection in circles is refused whatever the limits are
    except Refused:
        return None
    return document


async def _executed(asked: Asked, document: DocumentNode, context: Any, executor: type[Executor[Any]]) -> Any:
    result: Any | Awaitable[Any] = execute(
        asked.schema,
        document,
        context_value=context,
        variable_values=dict(asked.variables),
        operation_name=asked.operation,
        executor_class=executor,
    )
    return await result if isawaitable(result) else result
