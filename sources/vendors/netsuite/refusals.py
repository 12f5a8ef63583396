"""What NetSuite's refusals mean: one error class for each kind."""

from __future__ import annotations

import msgspec

from sources.decode import try_decode
from sources.errors import (
    Contended,
    Duplicate,
    Garbled,
    Held,
    Locked,
    Missing,
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
from sources.vendors.netsuite import facts


class _Detail(msgspec.Struct):
    detail: str = ""
    code: str = msgspec.field(name="o:errorCode", default="")


class _Problem(msgspec.Struct):
    code: str = msgspec.field(name="o:errorCode", default="")
    details: list[_Detail] = msgspec.field(name="o:errorDetails", default_factory=list)


_THROTTLED = (Throttled, "has too many requests at once")
_CODES: dict[str, tuple[type[SourceError], str]] = {
    "CONCURRENCY_LIMIT_EXCEEDED": _THROTTLED,
    "SSS_REQUEST_LIMIT_EXCEEDED": _THROTTLED,  # as scripts answer it, with status 400
    "INVALID_LOGIN": (Unauthorised, "refuses our credentials"),
    "INSUFFICIENT_PERMISSION": (Unauthorised, "does not let our role read this: give it that permission"),  # [K]
    "RCRD_HAS_BEEN_CHANGED": (Contended, "has somebody else change the record"),  # [K]
    "IDEMPOTENCY_ERROR": (Duplicate, "has it already"),
    "NONEXISTENT_ID": (Missing, "has no such record"),
}


def failure(source: str, reply: Reply) -> SourceError:
    """The class of a refusal (the vendor's own words stay out of the message)."""
    problem = try_decode(_Problem, reply.body)
    detail = problem.details[0] if problem and problem.details else _Detail()
    code = detail.code or (problem.code if problem else "")
    kind, words = _classified(reply.status, code, detail.detail)
    return kind(
        f"`{source}` {words}",
        source=source,
        status=reply.status,
        vendor_code=code or None,
        retry_after=retry_after(reply.headers),
        request_id=reply.headers.get(facts.REQUEST_ID),
    )


def _classified(status: int, code: str, detail: str) -> tuple[type[SourceError], str]:
    if code in _CODES:
        return _CODES[code]
    if status == 429:
        return _THROTTLED
    if status in (401, 403):
        return Unauthorised, "refuses our credentials"
    if status == 408:
        return TimedOut, "took too long"
    if status >= 500:
        return Unavailable, f"failed ({status})"
    if "already exists" in detail:
        return Duplicate, "has it already"
    if "accounting period" in detail:
        return Locked, "has that posting period closed"
    if any(words in detail for words in facts.HELD):
        return Held, "has the customer on credit hold, or at the credit limit"
    if status == 404:
        return (Missing, "has no such record") if code else (Garbled, "has nothing at this address: check `url`")
    if 400 <= status < 500:
        return Rejected, f"refuses the request ({showable(code) or status})"
    return Garbled, f"answered the unexpected status {status}"
