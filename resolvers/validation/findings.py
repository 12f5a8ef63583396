"""What comes out of a check: findings, doubts, and the state they give it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

import msgspec


class Severity(StrEnum):
    """How bad a finding is: ERROR makes an order invalid, UNVERIFIED leaves it open, WARNING only says so."""

    ERROR = "ERROR"
    UNVERIFIED = "UNVERIFIED"
    WARNING = "WARNING"


class State(StrEnum):
    """What became of a check."""

    PASSED = "PASSED"
    FAILED = "FAILED"
    UNVERIFIED = "UNVERIFIED"
    NOT_APPLICABLE = "NOT_APPLICABLE"


class Outcome(StrEnum):
    """The verdict on an order."""

    VALID = "VALID"
    VALID_WITH_APPROVAL = "VALID_WITH_APPROVAL"
    INVALID = "INVALID"
    UNVERIFIED = "UNVERIFIED"


class Remark(msgspec.Struct, frozen=True):
    """What a check says: `path` is where in the input, `fix` what to do. `doubt`: it could not be decided."""

    message: str
    path: tuple[str | int, ...] = ()
    fix: str | None = None
    warning: bool = False
    doubt: bool = False


class Finding(msgspec.Struct, frozen=True):
    """One remark of one check, as it is answered. `path` such as `lines.3.quantity`."""

    severity: Severity
    code: str
    path: str
    message: str
    source: str | None = None
    evidence_as_of: datetime | None = None
    fix: str | None = None


class Check(msgspec.Struct, frozen=True):
    """One check and what became of it; `source` and `as_of` (the oldest) are of the facts it rests on. `reason` says
    why it does not apply or could not be made, or on whose word it passed."""

    code: str
    state: State
    source: str | None = None
    as_of: datetime | None = None
    reason: str | None = None


def error(message: str, *path: str | int, fix: str | None = None) -> Remark:
    """Something that makes the order invalid."""
    return Remark(message, path, fix)


def warning(message: str, *path: str | int, fix: str | None = None) -> Remark:
    """Something that somebody should know."""
    return Remark(message, path, fix, warning=True)


def doubt(message: str, *path: str | int, fix: str | None = None) -> Remark:
    """Something that nobody here can tell."""
    return Remark(message, path, fix, doubt=True)


def severity_of(remark: Remark) -> Severity:
    """How bad a remark is."""
    if remark.doubt:
        return Severity.UNVERIFIED
    return Severity.WARNING if remark.warning else Severity.ERROR


def outcome_of(checks: Sequence[Check], findings: Sequence[Finding], approvals: int) -> Outcome:
    """The verdict: one certain error decides; what could not be checked comes before what has to be approved."""
    if any(each.severity is Severity.ERROR for each in findings):
        return Outcome.INVALID
    if any(each.state is State.UNVERIFIED for each in checks):
        return Outcome.UNVERIFIED
    return Outcome.VALID_WITH_APPROVAL if approvals else Outcome.VALID
