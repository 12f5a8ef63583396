"""What stops a command from becoming an operation: an error with a public code, never a member of the answer."""

from __future__ import annotations

from collections.abc import Sequence

from policies.writes.ask import WriteDecision
from sources.errors import SourceError
from sources.store.errors import StaleRecord, StoreAway, StoreError


class Refused(SourceError):
    """A command was not accepted. `reasons` are stable codes of the write rules, `rule` is the rule and its place,
    `path` where in the input it is wrong."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        rule: str | None = None,
        reasons: Sequence[str] = (),
        path: str | None = None,
        retryable: bool = False,
    ) -> None:
        super().__init__(message, unsent=True)
        self.code, self.rule, self.reasons, self.path, self.retryable = code, rule, tuple(reasons), path, retryable

    @classmethod
    def by_rule(cls, decision: WriteDecision) -> Refused:
        """What the write rules forbid."""
        reasons = tuple(f"{reason.code} {reason.about}" for reason in decision.reasons)
        message = f"`{decision.mutation}` is forbidden: {', '.join(reasons)}"
        return cls("FORBIDDEN", message, rule=f"{decision.rule} {decision.file}:{decision.line}", reasons=reasons)

    @classmethod
    def by_store(cls, error: StoreError) -> Refused:
        """What our own records do not allow."""
        return cls(error.code, str(error), retryable=isinstance(error, (StaleRecord, StoreAway)))
