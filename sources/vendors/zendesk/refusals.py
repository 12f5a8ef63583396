"""What Zendesk's refusals mean: one error class for each kind. Their bodies may be plain text."""

from __future__ import annotations

from sources.decode import try_decode
from sources.errors import (
    Contended,
    Duplicate,
    Garbled,
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
from sources.vendors.zendesk import wire

_CLOSED = "closed prevents"  # what a closed ticket's `status` is refused with [K]
_TAKEN = "DuplicateValue"  # what a taken `external_id` is refused with [K]


def failure(source: str, reply: Reply) -> SourceError:
    """The class of a refusal (the vendor's own words stay out of the message)."""
    problem = try_decode(wire.Problem, reply.body) or wire.Problem()
    code = problem.error if isinstance(problem.error, str) else None
    kind, words = _classified(reply.status, code, str(problem.details))
    return kind(
        f"`{source}` {words}",
        source=source,
        status=reply.status,
        vendor_code=code,
        retry_after=retry_after(reply.headers),
    )


def _classified(status: int, code: str | None, details: str) -> tuple[type[SourceError], str]:
    if status == 429:
        return Throttled, "has too many requests"
    if status >= 500 or (code == "unavailable" and status >= 400):
        return Unavailable, f"failed ({status})"
    if status == 401:
        return Unauthorised, "refuses our credentials"
    if status == 403:
        return Unauthorised, "misses a scope: widen `scope`"
    if status == 404:
        return (Missing, "has no such record") if code else (Garbled, "has no desk at this address: check `url`")
    if status == 408:
        return TimedOut, "took too long"
    if status == 409:
        return Contended, "has somebody else change the record"
    if status == 422 and (code == "RecordLocked" or _CLOSED in details):
        return Locked, "has closed the record"
    if status == 422 and _TAKEN in details:
        return Duplicate, "has it already"
    if 400 <= status < 500:
        return Rejected, f"refuses the request ({showable(code) or status})"
    return Garbled, f"answered the unexpected status {status}"
