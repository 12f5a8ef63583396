"""What came of a step, as a value that survives a restart; and what each refusal of a source means to a saga."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from resolvers.sagas.concerns import CREDIT, LEDGER, RECORDS, TECHNICAL, UNKNOWN_MONEY, Concern
from sources.canonical.commands import Command, Written
from sources.errors import (
    Ambiguous,
    Contended,
    Duplicate,
    Garbled,
    Locked,
    Missing,
    OutcomeUnknown,
    QuotaExhausted,
    Rejected,
    SourceError,
    TimedOut,
    Unauthorised,
)
from sources.store.steps import StepOutcome

HOLD, LIMIT = "CREDIT_HOLD", "CREDIT_EXCEEDED"
CONCERNS: Mapping[str, Concern] = {
    "PERIOD_LOCKED": LEDGER,
    HOLD: CREDIT,
    LIMIT: CREDIT,
    "IDENTITY_AMBIGUOUS": RECORDS,
    "SOURCE_UNAVAILABLE": TECHNICAL,
    "SOURCE_THROTTLED": TECHNICAL,
    "SOURCE_TIMEOUT": TECHNICAL,
    "OUTCOME_UNKNOWN": UNKNOWN_MONEY,
    "WRITES_PAUSED": TECHNICAL,
    "INTERNAL": TECHNICAL,
}
"""Whose a code is; one that is not here belongs to the owner of the step."""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """How a step ended. `code` and `message` are ours and safe to show; `wait`: seconds that a source asked for.
    `unsent`: nothing of it was ever sent, so that there is nothing to take back."""

    outcome: StepOutcome
    written: Written | None = None
    code: str | None = None
    message: str | None = None
    source: str | None = None
    request_id: str | None = None
    wait: float | None = None
    exception: str | None = None  # the id of the one that was opened
    unsent: bool = False

    @property
    def refused(self) -> bool:
        """Whether a source said no: there may still be a part of it."""
        return self.outcome in (StepOutcome.PERMANENT, StepOutcome.GOVERNED)

    @property
    def settled(self) -> bool:
        """Whether there is nothing left to do or to decide."""
        return self.outcome in (StepOutcome.OK, StepOutcome.SKIPPED)


def done(written: Written) -> Told:
    """It is done."""
    return Told(outcome=StepOutcome.OK, written=written, source=written.source, request_id=written.request_id)


def told(error: SourceError, command: Command | None) -> Told:
    """What a failure means for the step that met it."""
    return Told(
        outcome=_outcome(error, command),
        code=_code(error),
        message=error.message,
        source=error.source or None,
        request_id=error.request_id,
        wait=error.retry_after,
        unsent=error.unsent,
    )


def _outcome(error: SourceError, command: Command | None) -> StepOutcome:
    if isinstance(error, (OutcomeUnknown, TimedOut, Garbled)) and not error.unsent:
        return StepOutcome.UNKNOWN
    if isinstance(error, (Locked, Ambiguous, Unauthorised)) or _code(error) == HOLD:
        return StepOutcome.GOVERNED
    if isinstance(error, Contended) and getattr(command, "expected_updated_at", None) is not None:
        return StepOutcome.PERMANENT  # the caller's version is an old one: no repetition makes it new
    if isinstance(error, (Rejected, Duplicate, Missing)):
        return StepOutcome.PERMANENT
    if error.retryable or error.unsent or isinstance(error, QuotaExhausted):
        return StepOutcome.TRANSIENT
    return StepOutcome.PERMANENT


def _code(error: SourceError) -> str:
    if isinstance(error, OutcomeUnknown) or (isinstance(error, (TimedOut, Garbled)) and not error.unsent):
        return "OUTCOME_UNKNOWN"
    if isinstance(error, Contended):
        return "VERSION_CONFLICT"
    return error.code
