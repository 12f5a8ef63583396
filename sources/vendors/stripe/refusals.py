"""What Stripe's refusals mean: one error class for each kind."""

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
)
from sources.hints import retry_after
from sources.ports import Reply
from sources.vendors.stripe import facts
from sources.vendors.stripe.wire import Refusal


class Declined(Rejected):
    """A payment was declined. `replayed`: that is the answer to an earlier attempt under the same key, and nothing was
    tried now."""

    replayed = False


def failure(source: str, reply: Reply) -> SourceError:
    """The class of a refusal. `Stripe-Should-Retry` wins over the status; Stripe's words stay out of the message."""
    trouble = (try_decode(Refusal, reply.body) or Refusal()).error
    kind, message = _class(reply, trouble.code or "", trouble.type or "")
    error = kind(
        f"`{source}` {message}",
        source=source,
        status=reply.status,
        vendor_code=trouble.code or trouble.type,
        retry_after=retry_after(reply.headers),
        request_id=reply.headers.get("request-id"),
    )
    if isinstance(error, Declined):
        error.replayed = reply.headers.get("idempotent-replayed") == "true"
    advice = reply.headers.get("stripe-should-retry")
    if advice in ("true", "false"):
        error.retryable = advice == "true"
    return error


def _class(reply: Reply, code: str, kind: str) -> tuple[type[SourceError], str]:
    status = reply.status
    known: dict[int, tuple[type[SourceError], str]] = {
        401: (Unauthorised, "refuses our key: check `key`"),
        403: (Unauthorised, "does not let our key read this: give the restricted key that right"),
        408: (TimedOut, "took too long"),
    }
    if status in known:
        return known[status]
    if status == 429 and "stripe-rate-limited-reason" in reply.headers:
        return Throttled, "has too many requests"
    if status == 409 or code in facts.CONTENDED_CODES:
        return Contended, "has somebody else at work on the same object"
    if status == 429:
        return Throttled, "has too many requests"
    if status >= 500:
        return Unavailable, f"failed ({status})"
    if status == 402:
        return Declined, "has the payment declined"
    if code in facts.MISSING_CODES:
        return Missing, "has no such object"
    if code in facts.LOCKED_CODES:
        return Locked, "does not change this object any more"
    if code in facts.DUPLICATE_CODES:
        return Duplicate, "has it already"
    if status == 404 and not kind:
        return Garbled, "has nothing at this address: check `url`"
    if 400 <= status < 500:
        return Rejected, f"refuses the request ({status})"
    return Garbled, f"answered the unexpected status {status}"
