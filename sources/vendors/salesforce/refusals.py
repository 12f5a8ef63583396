"""What Salesforce's refusals mean: one error class for each kind."""

from __future__ import annotations

import re

from sources.decode import try_decode
from sources.errors import (
    Contended,
    Duplicate,
    Garbled,
    Locked,
    Missing,
    QuotaExhausted,
    Rejected,
    SourceError,
    Throttled,
    TimedOut,
    Unauthorised,
    Unavailable,
    showable,
)
from sources.hints import retry_after
from sources.ports import Reply
from sources.vendors.salesforce import wire

_CREDENTIALS = (Unauthorised, "refuses our credentials")
_NO_API = (Unauthorised, "does not let us use its API: give our user that right")
_CODES: dict[str, tuple[type[SourceError], str]] = {
    "INVALID_SESSION_ID": _CREDENTIALS,
    "INVALID_AUTH_HEADER": _CREDENTIALS,
    "API_CURRENTLY_DISABLED": _NO_API,
    "API_DISABLED_FOR_ORG": _NO_API,
    "UNABLE_TO_LOCK_ROW": (Contended, "has the row locked by somebody else"),
    "DUPLICATE_VALUE": (Duplicate, "has it already"),
    "DUPLICATES_DETECTED": (Duplicate, "has it already"),
    "ENTITY_IS_LOCKED": (Locked, "has the record locked"),
    "ENTITY_IS_DELETED": (Missing, "has deleted the record"),
    "NOT_FOUND": (Missing, "has no such record"),
    "QUERY_TIMEOUT": (TimedOut, "gave up the query, which took too long"),
    "SERVER_UNAVAILABLE": (Unavailable, "is not available"),
}
"""The codes that say more than their status [K, as a list]; every other one says that the request is wrong."""
_STATUSES: dict[int, tuple[type[SourceError], str]] = {
    300: (Duplicate, "has it more than once"),
    401: _CREDENTIALS,
    404: (Garbled, "has nothing at this address: check `url` and `api_version`"),
    408: (TimedOut, "took too long"),
    409: (Contended, "changed the record meanwhile"),
    412: (Contended, "changed the record meanwhile"),
    429: (Throttled, "has too many requests"),
}

_FIELD = re.compile(r"[A-Za-z]\w{0,79}", re.ASCII)


def failure(source: str, reply: Reply) -> SourceError:
    """The class of a refusal; the two meanings of REQUEST_LIMIT_EXCEEDED are told apart by its message."""
    problems = try_decode(list[wire.Problem], reply.body)
    problem = problems[0] if problems else wire.Problem()
    kind, words = _classified(reply.status, problem)
    return kind(
        f"`{source}` {words}",
        source=source,
        status=reply.status,
        vendor_code=problem.errorCode or None,
        retry_after=retry_after(reply.headers),
    )


def _classified(status: int, problem: wire.Problem) -> tuple[type[SourceError], str]:
    code = problem.errorCode
    if code == "REQUEST_LIMIT_EXCEEDED":
        if problem.message.startswith("TotalRequests"):
            return QuotaExhausted, "has no calls left for today"
        return Throttled, "has too many requests at once"
    if code in _CODES:
        return _CODES[code]
    if status in _STATUSES:
        return _STATUSES[status]
    if status >= 500:
        return Unavailable, f"failed ({status})"
    if status == 403 and not code:
        return Unauthorised, "does not let us in"
    if 400 <= status < 500:
        return Rejected, f"refuses the request ({_said(code, problem, status)})"
    return Garbled, f"answered the unexpected status {status}"


def _said(code: str, problem: wire.Problem, status: int) -> str:
    """The code and the fields it is about, never the vendor's words: those may hold what is in the record."""
    fields = [each for each in problem.fields or () if _FIELD.fullmatch(each)][:5]
    said = showable(code) or status
    return f"{said}: {', '.join(fields)}" if fields else str(said)
