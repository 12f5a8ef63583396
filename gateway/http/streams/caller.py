"""Callers of streams: who somebody is, by what they showed at the beginning, as it counts now."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Protocol

from gateway.engine.manifests import digest_of
from gateway.engine.question import Question
from gateway.http.requests import BadRequest, purposes
from gateway.identity.verify import Verifier
from policies.principal import Principal

_LONGEST_NAME = 64  # characters of an operation's name that the audit keeps


class Purposes(Protocol):
    """Who knows which purposes are in force."""

    async def acting(
        self, principal: Principal, names: Sequence[str], correlation_id: str, what: str | None, /
    ) -> Principal: ...


class Caller:
    """A caller with a token and the purposes they act with. Nothing is taken for granted from one event to the next: a
    token ends, its key is withdrawn, other rules make outsiders of its roles, a purpose is ended by somebody else."""

    def __init__(
        self,
        verifier: Verifier,
        kept: Purposes | None,
        authorization: bytes | None,
        purpose: bytes | None,
        correlation_id: str,
    ) -> None:
        """Raises BadRequest for a purpose that cannot be named so, or where nothing keeps purposes."""
        self._verifier, self._kept = verifier, kept
        self._authorization, self.correlation_id = authorization, correlation_id
        self._wanted = purposes(purpose) if purpose is not None else ()
        if self._wanted and kept is None:
            raise BadRequest(400, "this gateway keeps no purposes: turn writes on (`[writes]`), which keep its records")

    @property
    def authorization(self) -> bytes:
        """What they authorise themselves with."""
        return self._authorization or b""

    async def left(self) -> float:
        """For how many seconds their token is good. Raises Unauthenticated."""
        return self._verifier.left(await self._verifier.verified(self._authorization))

    async def whose(self) -> Hashable:
        """Whom their streams are counted for: a service acts for many people. Raises Unauthenticated."""
        principal = (await self._verifier.verified(self._authorization)).principal
        return (principal.subject, principal.human, principal.client)

    async def now(self, question: Question) -> Principal:
        """Who they are now, acting with their purposes; the audit says what for. Raises Unauthenticated,
        PurposeRefused, StoreError."""
        principal = (await self._verifier.verified(self._authorization)).principal
        if not self._wanted or self._kept is None:
            return principal
        return await self._kept.acting(principal, self._wanted, self.correlation_id, asks(question))


def asks(question: Question) -> str:
    """What is asked, for the audit: the operation's name and its document's digest."""
    digest = question.digest or digest_of(question.query)
    return f"{(question.operation_name or 'unnamed')[:_LONGEST_NAME]} sha256:{digest.hex()}"
