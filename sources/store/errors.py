"""Why a record was not written.

StoreError
├── NoSuchRecord          nothing has this id
├── StaleRecord           somebody else changed it since it was read
├── WrongState            from where it is, it does not go there
├── IdempotencyMismatch   the key was used for another payload
├── NotApprovable         decided, expired, over changed evidence, or by who must not
└── StoreAway             the database does not answer
"""

from __future__ import annotations


class StoreError(Exception):
    """A record was not written. `code` is the public error code."""

    code = "INTERNAL"


class NoSuchRecord(StoreError):
    """Nothing has this id."""

    code = "NOT_FOUND"


class StaleRecord(StoreError):
    """The record has another version by now: read it again and decide again."""

    code = "VERSION_CONFLICT"


class WrongState(StoreError):
    """The record does not go from its state to that one."""

    code = "VERSION_CONFLICT"


class IdempotencyMismatch(StoreError):
    """The idempotency key was used for another payload."""

    code = "IDEMPOTENCY_MISMATCH"


class NotApprovable(StoreError):
    """The approval cannot be given: it is decided, its evidence is another, or this person must not."""

    code = "FORBIDDEN"


class ApprovalExpired(NotApprovable):
    """The approval was asked for too long ago."""

    code = "APPROVAL_EXPIRED"


class StoreAway(StoreError):
    """The database does not answer: whether what was to be written was, nobody knows."""

    code = "SOURCE_UNAVAILABLE"
