"""What is asked, and what was decided about it: the facts that the caller states, and the decision that it gets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from policies.principal import person

ALLOWED, NEEDS_APPROVAL, FORBIDDEN = "ALLOWED", "NEEDS_APPROVAL", "FORBIDDEN"


@dataclass(frozen=True, slots=True)
class Money:
    """An exact amount in major units of a currency (ISO 4217)."""

    amount: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class Deed:
    """Something a person did: which rule (or duty done `outside`), asked or approved, in which roles, on what.

    `documents` are the records it touched, `operations` the operation and those linked to it, `at` an aware instant.
    """

    person: str
    write: str
    act: str  # ask, approve, or outside
    at: datetime
    roles: frozenset[str] = frozenset()
    documents: frozenset[str] = frozenset()
    operations: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Ask:
    """One use of a write. Whatever is left out was not stated, and counts against the ask.

    `subject` is the caller, `human` the person behind a service. `amount` and money in `figures` are in any currency;
    `functional` is the legal entity's own, `rates[currency]` how much of it one unit is worth. `totals` (by the key of
    each total, without this ask) and `arr` are in functional currency, a total with a `count` counts uses. `at` is the
    instant of asking, `history` what the person did before.
    """

    subject: str
    roles: frozenset[str]
    at: datetime
    human: str | None = None
    amount: Money | None = None
    figures: Mapping[str, Money | Decimal] = field(default_factory=dict)
    flags: Mapping[str, bool] = field(default_factory=dict)
    functional: str = ""
    rates: Mapping[str, Decimal] = field(default_factory=dict)
    totals: Mapping[str, Decimal] = field(default_factory=dict)
    arr: Decimal | None = None
    documents: frozenset[str] = frozenset()
    operations: frozenset[str] = frozenset()
    history: tuple[Deed, ...] = ()

    @property
    def person(self) -> str:
        """Who asks, as persons are compared."""
        return person(self.subject, self.human)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why: a stable code, what it is about (a figure, flag, total, pair), and the line that says so."""

    code: str
    about: str
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Approver:
    """One of the roles that may approve: so many persons, up to an amount (None: any), with evidence attached."""

    role: str
    persons: int
    up_to: Decimal | None
    evidence: tuple[str, ...]
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class WriteDecision:
    """ALLOWED, NEEDS_APPROVAL or FORBIDDEN, with the rule and its line, and why.

    `approvers`: the first is asked, each of the others may approve instead; how many persons and which evidence it
    takes the first one says. `judged` is the amount that was compared, in functional currency, with parts and totals;
    `lapses` how long an approval may take.
    """

    outcome: str
    rule: str
    mutation: str
    file: str
    line: int
    reasons: tuple[Reason, ...] = ()
    approvers: tuple[Approver, ...] = ()
    judged: Decimal | None = None
    lapses: timedelta | None = None

    @property
    def persons(self) -> int:
        """How many persons have to approve; 0 if none."""
        return self.approvers[0].persons if self.approvers else 0

    @property
    def evidence(self) -> tuple[str, ...]:
        """What every approver has to attach."""
        return self.approvers[0].evidence if self.approvers else ()
