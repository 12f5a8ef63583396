"""What a failure says about what was sent: provably nothing, refused, or who knows."""

from __future__ import annotations

from enum import StrEnum

from sources.errors import (
    CircuitOpen,
    Contended,
    Duplicate,
    Garbled,
    Locked,
    Missing,
    OutcomeUnknown,
    QuotaExhausted,
    Rejected,
    Remedy,
    SourceError,
    Throttled,
    TimedOut,
    TooLarge,
    Unavailable,
    UnknownValue,
)
from sources.ports import Effect


class Failure(StrEnum):
    """How a call failed, as far as trying it again is concerned."""

    UNSENT = "UNSENT"  # provably nothing was sent
    THROTTLED = "THROTTLED"  # too much or too many at once; not carried out
    CONTENDED = "CONTENDED"  # somebody else holds the row; not carried out
    LOST = "LOST"  # sent, and no answer that can be understood
    REFUSED = "REFUSED"  # an answer that another attempt would only bring again


_BUSINESS = (Rejected, Locked, Missing, Duplicate, Contended)
_REMEDIES = {Effect.KEYED: Remedy.REPEAT, Effect.UPSERT: Remedy.READ_THEN_REPEAT, Effect.ONCE: Remedy.READ}


def failure(error: SourceError, effect: Effect) -> Failure:
    """The kind of a failure. What a read would only get again is a refusal; for a write it may have been done."""
    if isinstance(error, CircuitOpen | QuotaExhausted):
        return Failure.REFUSED
    if isinstance(error, Throttled):
        return Failure.UNSENT if error.unsent else Failure.THROTTLED
    if isinstance(error, Contended):
        return Failure.CONTENDED
    if isinstance(error, UnknownValue | TooLarge) and effect is Effect.READ:
        return Failure.REFUSED
    if isinstance(error, Unavailable | TimedOut | Garbled | OutcomeUnknown):
        return Failure.UNSENT if error.unsent else Failure.LOST
    return Failure.REFUSED


def is_answer(error: SourceError) -> bool:
    """Whether the source itself answered the question with a no: that is business, and the source is well."""
    return isinstance(error, _BUSINESS)


def unknown(source: str, effect: Effect, cause: SourceError | None = None) -> OutcomeUnknown:
    """What is to be said of a write that was sent and that nothing is known of."""
    remedy = _REMEDIES[effect]
    advice = {
        Remedy.REPEAT: "send it again with the same key",
        Remedy.READ_THEN_REPEAT: "read it back, and send it again if it is not there",
        Remedy.READ: "read it back before anything else",
    }[remedy]
    return OutcomeUnknown(
        f"a change was sent to `{source}` and its outcome is unknown: {advice}",
        remedy=remedy,
        source=source,
        status=cause.status if cause else None,
        vendor_code=cause.vendor_code if cause else None,
        request_id=cause.request_id if cause else None,
    )
