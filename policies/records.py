"""What the rule files say, as records that still know their file and line; knows nothing of any schema."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TypeAlias

from policies.cases import Example
from policies.figures import DecisionRow
from policies.orders import OrderRules
from policies.purposes import Purpose, acting
from policies.rows import Condition
from policies.writes import NO_WRITES, WriteExample, WriteRules
from policies.yaml import Place, Text


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one line of a role says: allow, deny, forbid, or a mask by name."""

    kind: str
    place: Place
    mask: str | None = None


@dataclass(frozen=True, slots=True)
class Classified:
    """Which class a coordinate has, and where that is written."""

    name: str
    place: Place


@dataclass(frozen=True, slots=True)
class Opened:
    """What a purpose opens for a role, by class and by coordinate."""

    classes: dict[str, Verdict]
    fields: dict[str, Verdict]
    place: Place


@dataclass(frozen=True, slots=True)
class Role:
    """One role: verdicts by class and by coordinate; any of its row rules opens a row.

    `lookup` are fields that it may use for exact look-up though it may not read them. `introspects`: whether it may ask
    for the schema. `recorded`: whether all that it reads goes on record, not only what it is refused.
    """

    name: str
    audience: str
    classes: dict[str, Verdict]
    fields: dict[str, Verdict]
    forbidden: dict[str, Verdict]
    rows: tuple[Text, ...]
    place: Place
    lookup: dict[str, Place] = field(default_factory=dict)
    with_purpose: dict[str, Opened] = field(default_factory=dict)
    introspects: bool = True
    recorded: bool = False

    def acting(self) -> list[Role]:
        """The role with each of its purposes: its own lines, and those of the purpose in front of them."""
        return [
            replace(
                self,
                name=acting(self.name, purpose),
                classes={**self.classes, **opened.classes},
                fields={**self.fields, **opened.fields},
                with_purpose={},
            )
            for purpose, opened in self.with_purpose.items()
        ]


RowRule: TypeAlias = dict[str, Condition]


@dataclass(frozen=True, slots=True)
class Rules:
    """Everything that was read.

    `rows[rule][Type]` is a condition; a rule in `via` judges other types by their account. `declassified` are computed
    fields whose stricter inputs the auditor accepted. `audited` are the classes of which a denied or masked read is put
    on record. `digest` is that of all files, once they are in force.
    """

    classes: tuple[str, ...]
    coordinates: dict[str, Classified]
    roles: dict[str, Role]
    rows: dict[str, RowRule]
    via: frozenset[str]
    shared: dict[str, Place]
    entitlement: dict[str, str] = field(default_factory=dict)
    decisions: tuple[DecisionRow, ...] = ()
    orders: OrderRules = field(default_factory=OrderRules)
    writes: WriteRules = NO_WRITES
    write_examples: tuple[WriteExample, ...] = ()
    declassified: dict[str, Place] = field(default_factory=dict)
    examples: tuple[Example, ...] = ()
    row_places: dict[str, Place] = field(default_factory=dict)
    purposes: dict[str, Purpose] = field(default_factory=dict)
    audited: frozenset[str] = frozenset()
    file: str = "rules/classes.yaml"
    digest: str = ""

    def acting(self) -> dict[str, Role]:
        """Every role, and every role with each of its purposes."""
        every = [each for role in self.roles.values() for each in (role, *role.acting())]
        return {each.name: each for each in every}
