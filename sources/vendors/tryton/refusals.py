"""What Tryton's refusals mean: whatever a person would be told is a 400, be it bad values, rights or closed periods."""

from __future__ import annotations

import msgspec

from sources.decode import try_decode
from sources.errors import (
    Contended,
    Garbled,
    Locked,
    Missing,
    Rejected,
    SourceError,
    Throttled,
    TimedOut,
    Unauthorised,
    Unavailable,
)
from sources.hints import retry_after
from sources.ports import Reply
from sources.vendors.tryton.facts import LOCKED_WORDS


class _Problem(msgspec.Struct):
    message: str = ""
    description: str | None = None


_STATUS: dict[int, tuple[type[SourceError], str]] = {
    401: (Unauthorised, "refuses our key: check `key`, and that the user application is validated"),
    403: (Rejected, "does not let our user do this: give it the right to the model or its button"),
    404: (Missing, "has no such record, or no such database: check `database`"),
    408: (TimedOut, "took too long"),
    409: (Rejected, "asks for a confirmation that only a person can give"),
    423: (Contended, "has somebody else change the record"),
    429: (Throttled, "has too many requests at once"),
}


def failure(source: str, reply: Reply) -> SourceError:
    """The class of a refusal (the vendor's own words stay out of the message, and are its `vendor_code`)."""
    problem = try_decode(_Problem, reply.body) or _Problem()
    kind, words = _classified(reply.status, problem.message)
    return kind(
        f"`{source}` {words}",
        source=source,
        status=reply.status,
        vendor_code=problem.message[:200] or None,
        retry_after=retry_after(reply.headers),
    )


def _classified(status: int, told: str) -> tuple[type[SourceError], str]:
    if status in _STATUS:
        return _STATUS[status]
    if status >= 500:
        return Unavailable, f"failed ({status}): a model or field that it lacks is answered so too, check its modules"
    if status == 400 and LOCKED_WORDS in told:
        return Locked, "has that period closed"
    if status == 400 and "already been used for invoice" in told:
        return Rejected, "numbers invoices by their days, and one of a later day is posted already: post a later day"
    if status == 400 and "not allowed to" in told:
        return Rejected, "does not let our user do this: give it the right to the model"
    if 400 <= status < 500:
        return Rejected, f"refuses the request ({status})"
    return Garbled, f"answered the unexpected status {status}"
