"""What the write rules say, as records that still know their file and line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal

from policies.yaml import Place

PERSON, ROLES, DOCUMENT, OPERATION = "person", "roles", "document", "operation"
NOWHERE = Place("rules/writes.yaml", 1)
SCOPES = (PERSON, ROLES, DOCUMENT, OPERATION)
APPROVE, ASK, ANY_WRITE, BUSINESS_WRITE = "approve", "ask", "any_write", "business_write"


@dataclass(frozen=True, slots=True)
class Bounds:
    """How far somebody reaches: every figure at most this, every flag of `needs` stated yes, every one of `unless` no.

    Money is in the functional currency of the legal entity. A figure or flag that nobody stated is out of bounds.
    """

    figures: Mapping[str, Decimal]
    needs: tuple[str, ...]
    unless: tuple[str, ...]
    place: Place

    @property
    def open(self) -> bool:
        """Whether it reaches everything."""
        return not (self.figures or self.needs or self.unless)

    def covers(self, other: Bounds) -> bool:
        """Whether it reaches whatever `other` reaches."""
        return (
            all(name in other.figures and other.figures[name] <= most for name, most in self.figures.items())
            and set(self.needs) <= set(other.needs)
            and set(self.unless) <= set(other.unless)
        )


@dataclass(frozen=True, slots=True)
class Step:
    """Who approves within bounds: so many persons of a role, each with the evidence they have to attach."""

    role: str
    persons: int
    evidence: tuple[str, ...]
    bounds: Bounds
    place: Place


@dataclass(frozen=True, slots=True)
class Total:
    """What adds up. The caller states under `key` what earlier uses of this write came to, without the one judged now.

    `per` names what is counted for (asker, account, entity), `within` how long: `30d`, or `period`, the posting period.
    With no bound at all it makes parts count as one: they are judged like the sum.
    """

    per: tuple[str, ...]
    within: str
    amount: Decimal | None
    arr_percent: Decimal | None
    count: int | None
    place: Place

    @property
    def key(self) -> str:
        """Such as `asker+account/1d`."""
        return f"{'+'.join(self.per)}/{self.within}"

    @property
    def joins(self) -> bool:
        """Whether it only makes parts count as one."""
        return self.amount is None and self.arr_percent is None and self.count is None


@dataclass(frozen=True, slots=True)
class Condition:
    """A flag that refuses: when it is stated `value`, or not stated at all."""

    flag: str
    value: bool
    place: Place

    def __str__(self) -> str:
        return self.flag if self.value else f"not {self.flag}"


@dataclass(frozen=True, slots=True)
class WriteRule:
    """One governed write. `asks`: how far each role acts alone, None meaning that every use needs approval.

    `approval` rises: each step reaches whatever the one before it reaches, the last one everything. `planned`: the
    schema does not have the mutation yet. `named` and `askers` are where the mutation and the roles that ask stand.
    """

    id: str
    mutation: str
    duty: str
    desk: bool
    asks: Mapping[str, Bounds | None]
    approval: tuple[Step, ...]
    totals: tuple[Total, ...]
    refused: tuple[Condition, ...]
    expires: timedelta | None
    place: Place
    named: Place
    askers: Mapping[str, Place]
    planned: bool = False


@dataclass(frozen=True, slots=True)
class Pair:
    """Two duties that one person never has together.

    `scope` person: not in the window, whatever the document, nor by roles. roles: not by roles, nor on one document.
    document: not on one document. operation: not on one operation and those linked to it.
    """

    one: str
    other: str
    scope: str
    place: Place

    def __str__(self) -> str:
        return f"{self.one} + {self.other}"


@dataclass(frozen=True, slots=True)
class WriteRules:
    """Everything `writes.yaml` says. `figures`: their units; `services`: roles that act for a person or not at all.

    `terms[role]` is what the pairs know of a role: its name, its duties, and whether it asks and approves.
    """

    writes: Mapping[str, WriteRule]
    figures: Mapping[str, str] = field(default_factory=dict)
    flags: frozenset[str] = frozenset()
    services: frozenset[str] = frozenset()
    pairs: tuple[Pair, ...] = ()
    window: timedelta = timedelta(0)
    terms: Mapping[str, frozenset[str]] = field(default_factory=dict)
    mutations: Mapping[str, WriteRule] = field(default_factory=dict)
    place: Place = NOWHERE


NO_WRITES = WriteRules({})
