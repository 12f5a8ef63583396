"""The answer: data, errors in one stable form, and what it cost."""

from __future__ import annotations

import json
import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime, time
from enum import Enum
from typing import Any

import msgspec
import orjson
from graphql import GraphQLError

from gateway.engine.ledger import Ledger
from gateway.engine.plan import Mark, Plan
from gateway.engine.served import oldest_stale
from resolvers.context import Context
from sources.canonical import Record
from sources.errors import CircuitOpen, SourceError

_log = logging.getLogger("opsgraph.engine")
DOCS = "docs/errors.md"
_LONGEST = 300  # characters of a message


class Told(msgspec.Struct, frozen=True):
    """What an answer tells of its sources: what was asked, less the rows that whoever asks may not see."""

    ledger: Ledger
    hidden: Mapping[int, Record]


def formatted(error: GraphQLError, correlation_id: str) -> dict[str, Any]:
    """One error as the response carries it; vendor text and tracebacks stay here."""
    original = error.original_error if not isinstance(error.original_error, GraphQLError) else None
    shown: dict[str, Any] = {"message": _bounded(error.message)}
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


def _bounded(message: str) -> str:
    """A message may quote what a client sent: never more than a line of it."""
    return message if len(message) <= _LONGEST else f"{message[:_LONGEST]} …"


def _source(error: SourceError) -> dict[str, Any]:
    extensions: dict[str, Any] = {"code": error.code, "retryable": error.retryable}
    if error.source:
        extensions["source"] = error.source
    for name, told in (("inputPath", "path"), ("rule", "rule"), ("reasons", "reasons")):
        if getattr(error, told, None):
            extensions[name] = getattr(error, told)
    if error.retry_after is not None:
        extensions["retryAfterMs"] = int(error.retry_after * 1000)
    return extensions


def answer(
    data: dict[str, Any] | None,
    errors: Sequence[GraphQLError],
    plan: Plan,
    hits: Collection[int],
    context: Context,
    told: Told,
) -> dict[str, Any]:
    """The whole response of an operation that ran; `hits` are the marks of the plan that it reached."""
    body: dict[str, Any] = {"data": data}
    correlation_id = context.correlation_id
    extensions: dict[str, Any] = {"correlationId": correlation_id, "sources": _sources(told, context.now)}
    refusals, masked = _marked(plan, hits) if hits else ((), ())
    if errors or refusals:
        body["errors"] = [formatted(error, correlation_id) for error in (*errors, *refusals)]
    if masked:
        extensions["policy"] = {"masked": sorted(masked)}
    body["extensions"] = extensions
    return body


def _marked(plan: Plan, hits: Iterable[int]) -> tuple[Collection[GraphQLError], Collection[str]]:
    """One FORBIDDEN error for each selection that was cut, however many rows it would have had; what was masked."""
    refusals: dict[tuple[str, tuple[str, ...]], GraphQLError] = {}
    masked: set[str] = set()
    for mark in (plan.marks[hit] for hit in sorted(hits)):
        if not mark.refused:
            masked.add(mark.coordinate)
        elif (mark.coordinate, mark.path) not in refusals:
            refusals[mark.coordinate, mark.path] = _refusal(mark)
    return refusals.values(), masked


def _refusal(mark: Mark) -> GraphQLError:
    if mark.refusal is None:
        mark.refusal = _forbidden(mark)
    return mark.refusal


def _forbidden(mark: Mark) -> GraphQLError:
    extensions = {"code": "FORBIDDEN", "coordinate": mark.coordinate, "retryable": False}
    if mark.rule is not None:
        extensions["rule"] = mark.rule
    message = f"`{mark.coordinate}` is not for your role"
    return GraphQLError(message, nodes=mark.nodes, path=list(mark.path), extensions=extensions)


def _sources(told: Told, now: datetime) -> list[dict[str, Any]]:
    shown, stale = [], 0
    for name, report in sorted(told.ledger.reports.items()):
        stale += report.stale
        if name:
            shown.append(
                {
                    "source": name,
                    "state": "OK" if report.error is None else _failing(report.error),
                    "error": report.error,
                    "calls": report.calls,
                    "joined": report.joined,
                    "cached": report.cached,
                    "milliseconds": round(report.milliseconds, 1),
                    "staleMs": None,
                }
            )
    if stale:
        _date(shown, oldest_stale(told.ledger.readings, told.hidden), now)
    return shown


def _failing(error: str) -> str:
    return "OPEN" if error == CircuitOpen.code else "FAILING"


def _date(shown: Sequence[dict[str, Any]], oldest: Mapping[str, datetime], now: datetime) -> None:
    """Says of which sources stale facts were used, as far as whoever asks may see them, and how old the oldest is."""
    for each in shown:
        since = oldest.get(each["source"])
        if since is not None:
            each["staleMs"] = max(0, int((now - since).total_seconds() * 1000))
            each["state"] = "OPEN" if each["state"] == "OPEN" else "DEGRADED"


def refused(errors: Sequence[GraphQLError], correlation_id: str) -> dict[str, Any]:
    """The response of a request that did not run: no `data` at all."""
    return {
        "errors": [formatted(error, correlation_id) for error in errors],
        "extensions": {"correlationId": correlation_id},
    }


def encode(body: Mapping[str, Any]) -> bytes:
    """The response as JSON. Instants, dates and enums in `data` are written in their scalars' own form."""
    try:
        return orjson.dumps(body)
    except (orjson.JSONEncodeError, TypeError):
        text = json.dumps(body, default=_plain, ensure_ascii=False, separators=(",", ":"))
        return text.encode("utf-8", "replace")


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    return value.isoformat() if isinstance(value, (date, datetime, time)) else str(value)
