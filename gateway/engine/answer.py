"""The answer: data, errors in one stable form, and what it cost."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from graphql import GraphQLError

from gateway.engine.operation import Operation
from sources.errors import SourceError

_log = logging.getLogger("opsgraph.engine")
DOCS = "docs/errors.md"

# Exceptions of ours that may reach a client, by class ancestry; everything else is INTERNAL.
CODES: dict[type[Exception], str] = {SourceError: "SOURCE_UNAVAILABLE"}


def formatted(error: GraphQLError, correlation_id: str) -> dict[str, Any]:
    """One error as the response carries it; vendor text and tracebacks stay here."""
    original = error.original_error
    shown: dict[str, Any] = {"message": error.message}
    if error.locations:
        shown["locations"] = [{"line": each.line, "column": each.column} for each in error.locations]
    if error.path is not None:
        shown["path"] = list(error.path)
    extensions = dict(error.extensions or {})
    if isinstance(original, SourceError):
        extensions |= _source(original)
    elif original is not None:
        _log.error("an operation failed", exc_info=original, extra={"correlation_id": correlation_id})
        shown["message"] = f"something went wrong here: quote the correlation id `{correlation_id}`"
        extensions = {"code": "INTERNAL", "retryable": False}
    extensions.setdefault("code", "BAD_INPUT")
    extensions["correlationId"] = correlation_id
    extensions["docs"] = f"{DOCS}#{extensions['code'].lower()}"
    shown["extensions"] = extensions
    return shown


def _source(error: SourceError) -> dict[str, Any]:
    extensions: dict[str, Any] = {"code": error.code, "retryable": error.retryable}
    if error.source:
        extensions["source"] = error.source
    if error.retry_after is not None:
        extensions["retryAfterMs"] = int(error.retry_after * 1000)
    return extensions


def answer(data: dict[str, Any] | None, errors: Sequence[GraphQLError], operation: Operation) -> dict[str, Any]:
    """The whole response of an operation that ran."""
    correlation_id = operation.context.correlation_id
    every = [*errors, *operation.partial, *operation.refusals.values()]
    body: dict[str, Any] = {"data": data}
    if every:
        body["errors"] = [formatted(error, correlation_id) for error in every]
    body["extensions"] = {"correlationId": correlation_id, "sources": _sources(operation)}
    if operation.masked:
        body["extensions"]["policy"] = {"masked": sorted(operation.masked)}
    return body


def _sources(operation: Operation) -> list[dict[str, Any]]:
    return [
        {
            "source": report.source,
            "state": "OK" if report.error is None else "FAILING",
            "error": report.error,
            "calls": report.calls,
            "joined": report.joined,
            "cached": report.cached,
            "milliseconds": round(report.milliseconds, 1),
        }
        for _, report in sorted(operation.reports.items())
        if report.source
    ]


def refused(errors: Sequence[GraphQLError], correlation_id: str) -> dict[str, Any]:
    """The response of a request that did not run: no `data` at all."""
    return {
        "errors": [formatted(error, correlation_id) for error in errors],
        "extensions": {"correlationId": correlation_id},
    }
