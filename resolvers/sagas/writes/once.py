"""Once for ever: what is done to a thing at most one time, whoever asks and under whichever key, by our own ledger."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from resolvers.sagas.concerns import RECORDS
from resolvers.sagas.reserve import PIECES, Consume, Release, Reserve
from resolvers.sagas.saga import State, Step

_CLAIM = "claim"


def once(kind: str, subject: Callable[[Any], str]) -> tuple[Step, Step]:
    """The first and the last step of a write that happens to a `subject` once: the second who wants it is refused, as
    long as the first is under way and after it went through. What was taken back may be asked for again."""

    def claim(state: State[Any, Any]) -> Reserve:
        return Reserve(
            operation=state.operation,
            kind=kind,
            subject=subject(state),
            quantity=1,
            unit=PIECES,
            most=1,
            used_too=True,
        )

    def free(state: State[Any, Any]) -> Release:
        return Release(operation=state.operation, reservation=state.key_of(_CLAIM))

    def used(state: State[Any, Any]) -> Consume:
        return Consume(operation=state.operation, reservation=state.key_of(_CLAIM))

    return Step(_CLAIM, Reserve, claim, free, concern=RECORDS), Step("claimed", Consume, used, concern=RECORDS)
