"""What can go wrong while talking to a source: one class per kind of failure, raised by connectors.

SourceError
├── Unauthorised      the source refuses who we are            (AUTH)
├── Throttled         too much, too fast: wait `retry_after`   (THROTTLED_SHORT)
├── QuotaExhausted    nothing more for hours                   (QUOTA_LONG)
├── Contended         someone else holds the row               (CONFLICT_RETRY)
├── Duplicate         it exists already                        (DUPLICATE)
├── Rejected          the source's business rules say no       (VALIDATION)
│   └── Held          a credit hold or limit says no
├── Locked            the document or period is closed         (LOCKED)
├── Missing           no such record                           (NOT_FOUND)
├── OutcomeUnknown    sent, and no answer                      (UNKNOWN_OUTCOME)
├── Unavailable       refused, reset, 5xx                      (UPSTREAM)
│   ├── CircuitOpen   not asked: it has stopped answering
│   └── Overloaded    not asked: too many wait for it already
├── TimedOut          no answer in time
├── DeadlineExceeded  the operation's own time was up before there was an answer
├── StaleLimit        what is remembered is older than it may be
└── Garbled           an answer that is not the contract's
    ├── TooLarge      more bytes than allowed
    └── UnknownValue  a value the vocabulary does not have

Three more are elsewhere: `sources.ours.WritesOff`, `resolvers.sagas.reading.NotThere`, and
`resolvers.sagas.refused.Refused` for what our own rules and records do not allow.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Any

_CODE = re.compile(r"[A-Za-z0-9_.\-]{1,60}\Z")


def showable(code: object) -> str | None:
    """A vendor's own code for people to read, if it is one: what is free text may hold what is in a record."""
    return code if isinstance(code, str) and _CODE.match(code) else None


class SourceError(Exception):
    """A call to a source failed. `code` is the public error code; `message` is ours and safe to show."""

    code = "SOURCE_UNAVAILABLE"
    retryable = False
    sick = False  # whether it says that the source itself is unwell: the circuit breaker counts those

    def __init__(
        self,
        message: str,
        *,
        source: str = "",
        status: int | None = None,
        vendor_code: str | None = None,
        retry_after: float | None = None,
        request_id: str | None = None,
        unsent: bool = False,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.source = source
        self.status = status  # HTTP status, where there was one
        self.vendor_code = vendor_code  # for logs and tests; never shown to a client
        self.retry_after = retry_after  # seconds
        self.request_id = request_id  # the vendor's own id of the request, for their support desk
        self.unsent = unsent  # provably nothing was sent: trying again can double nothing


class Unauthorised(SourceError):
    """The source refuses our credentials, also after a fresh token."""

    code = "SOURCE_UNAVAILABLE"


class Throttled(SourceError):
    """Too many calls; may be tried again after `retry_after` seconds."""

    code = "SOURCE_THROTTLED"
    retryable = True
    sick = True


class QuotaExhausted(SourceError):
    """A long quota (a day's calls) is used up: do not call again until it resets."""

    code = "SOURCE_THROTTLED"
    sick = True


class Contended(SourceError):
    """A concurrent change or lock; read again and retry."""

    code = "SOURCE_REJECTED"
    retryable = True


class Duplicate(SourceError):
    """The thing exists already; read it back."""

    code = "SOURCE_REJECTED"


class Rejected(SourceError):
    """The source refuses the request for what it says."""

    code = "SOURCE_REJECTED"


class Held(Rejected):
    """A credit hold or limit stands in the way: whoever owns credit decides, and then it may be tried again."""

    code = "CREDIT_HOLD"


class Locked(SourceError):
    """A closed period, a finalised document, an approval lock."""

    code = "PERIOD_LOCKED"


class Missing(SourceError):
    """No such record, where one was addressed (a read of many keys reports absence by leaving the key out)."""

    code = "NOT_FOUND"


class Remedy(StrEnum):
    """What may be done about a write whose outcome is unknown."""

    REPEAT = "REPEAT"  # send it again with the same key: the source does it once
    READ_THEN_REPEAT = "READ_THEN_REPEAT"  # read it back; where it is not there, send it again
    READ = "READ"  # read it back; where that does not settle it, somebody has to decide


class OutcomeUnknown(SourceError):
    """A write was sent and no answer came. `remedy` says what may be done next."""

    code = "OUTCOME_UNKNOWN"

    def __init__(self, message: str, *, remedy: Remedy = Remedy.READ, **known: Any) -> None:
        super().__init__(message, **known)
        self.remedy = remedy


class Unavailable(SourceError):
    """Refused, reset, or a 5xx."""

    code = "SOURCE_UNAVAILABLE"
    retryable = True
    sick = True


class CircuitOpen(Unavailable):
    """Not asked: the circuit is open because the source has stopped answering well. `retry_after`: until its probe."""

    code = "CIRCUIT_OPEN"
    sick = False


class Overloaded(Unavailable):
    """Not asked: as many calls as are allowed are under way or wait."""

    code = "SOURCE_THROTTLED"
    sick = False


class TimedOut(SourceError):
    """No answer within the source's timeout."""

    code = "SOURCE_TIMEOUT"
    retryable = True
    sick = True


class DeadlineExceeded(SourceError):
    """The operation's time is up: what is not there yet is left out."""

    code = "DEADLINE_EXCEEDED"
    retryable = True


class StaleLimit(SourceError):
    """The source cannot be asked, and what is remembered of it is older than the type, or the asker, allows."""

    code = "STALE_LIMIT_EXCEEDED"
    retryable = True


class Garbled(SourceError):
    """An answer that does not have the contract's shape."""

    code = "SOURCE_GARBLED"
    sick = True


class TooLarge(Garbled):
    """An answer with more bytes than this source is allowed."""

    code = "RESPONSE_TOO_LARGE"


class UnknownValue(Garbled):
    """A value the mapping's vocabulary does not have. Names vendor and field; the value itself may be one that whoever
    asks must not see, so it is kept beside the message."""

    sick = False  # one row has it, and asking again would bring it again

    def __init__(self, vendor: str, field: str, value: object) -> None:
        super().__init__(
            f"{vendor} sent a value in `{field}` that is not known: add it to the vocabulary in "
            f"sources/vendors/{vendor}/mapping.py"
        )
        self.vendor, self.field, self.value = vendor, field, value


class Ambiguous(SourceError):
    """Two accounts claim one record, or a rule-based link has two candidates."""

    code = "IDENTITY_AMBIGUOUS"


class BadAsk(SourceError):
    """The question itself cannot be put: an unknown filter, a page beyond bounds, a cursor that is not ours. `path` is
    where in an input it is wrong, such as `lines.3.quantity`, where that can be told."""

    code = "BAD_INPUT"

    def __init__(self, message: str, *, path: str | None = None, **said: Any) -> None:
        super().__init__(message, **said)
        self.path = path
