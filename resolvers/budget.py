"""Budgets: how long an operation may take, how urgent it is, how long it waits where an older fact is at hand."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, TypeAlias

import msgspec

from sources.errand import Lane


class OperationClass(StrEnum):
    """What an operation is for; every root field declares one."""

    LOOKUP = "lookup"  # an agent waits for a yes or no
    VALIDATE = "validate"  # CPQ waits before it lets somebody go on
    CUSTOMER360 = "customer360"  # a portal draws a page
    SUBMIT = "submit"  # a governed write: its handle


LANES = {
    OperationClass.LOOKUP: Lane.LOOKUP,
    OperationClass.VALIDATE: Lane.VALIDATE,
    OperationClass.CUSTOMER360: Lane.PORTAL,
    OperationClass.SUBMIT: Lane.VALIDATE,  # what was validated a moment ago should not be lost on its last step
}
_STRICT = frozenset({OperationClass.VALIDATE, OperationClass.SUBMIT})
_IMPATIENT = frozenset({OperationClass.LOOKUP, OperationClass.VALIDATE})
_Budget: TypeAlias = Annotated[float, msgspec.Meta(ge=0.05, le=60)]
_Patience: TypeAlias = Annotated[float, msgspec.Meta(ge=0, le=60)]


class OperationsSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[operations]`: the whole time of each class (0.05 to 60), and how long one waits for a fresh fact where an older
    one is at hand: `short_patience` for lookup and validate, `patience` for the others. In seconds."""

    lookup: _Budget = 1.5
    validate: _Budget = 2.0
    customer360: _Budget = 4.0
    submit: _Budget = 3.0
    short_patience: _Patience = 0.25
    patience: _Patience = 1.0


class Budget(msgspec.Struct, frozen=True):
    """What an operation of some classes may take: the longest time and patience (seconds) of them, the lowest lane.
    `strict`: whether what it decides cannot rest on facts past their time; see `sources.errand`."""

    classes: tuple[OperationClass, ...]
    seconds: float
    patience: float
    lane: Lane
    strict: bool


def budget_of(classes: Iterable[OperationClass], settings: OperationsSettings) -> Budget:
    """The budget of an operation whose roots declare these classes. One that reads nothing is nobody's hurry."""
    found = tuple(sorted(set(classes))) or (OperationClass.CUSTOMER360,)
    return Budget(
        found,
        max(getattr(settings, each.value) for each in found),
        max(settings.short_patience if each in _IMPATIENT else settings.patience for each in found),
        max(LANES[each] for each in found),
        not _STRICT.isdisjoint(found),
    )
