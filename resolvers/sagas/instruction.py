"""What a person tells a saga that needs attention, and the topic it hears it on."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import msgspec

from sources.canonical import OperationState as State

ATTENTION = "attention"


class Action(StrEnum):
    """How a saga goes on."""

    RESUME = "RESUME"  # try again, perhaps with a changed value
    SKIP = "SKIP"  # go on without the step
    COMPENSATE = "COMPENSATE"  # take back what was done


class Instruction(msgspec.Struct, frozen=True, kw_only=True):
    """`exception`: the one that is answered, so that a late or doubled word does nothing at another step; None calls an
    operation back that waits for a system. `changes`: the command's fields with another value. `expired`: nobody
    cleared it in its time, so that it is taken back without anybody's word."""

    action: Action
    by: str
    reason: str
    exception: str | None = None
    changes: Mapping[str, Any] = msgspec.field(default_factory=dict)
    expired: bool = False

    @property
    def called_back(self) -> State | None:
        """How an operation ends by it that had no effect; None where it goes on."""
        if self.action is not Action.COMPENSATE:
            return None
        return State.EXPIRED if self.expired else State.CANCELED
