"""Decides: by looking a field up, and by testing a row. Nothing here parses, reads or waits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from policies.cases import Example
from policies.principal import Principal
from policies.rows import Condition, Facts, Pushed


@dataclass(frozen=True, slots=True)
class Decision:
    """What a role may do with a field, and which line says so.

    `rule` is the role with what decided: a coordinate, a class, or `unlisted` where no line speaks of it. `lookup`:
    whether the field may be used for exact look-up.
    """

    verdict: str  # allow, deny, mask
    role: str
    rule: str
    class_name: str
    file: str
    line: int
    coordinate: str
    mask: Callable[[Any], Any] | None = None
    mask_name: str | None = None
    strength: int = 0
    forbidden: bool = False
    class_file: str = ""
    class_line: int = 0
    lookup: bool = False


@dataclass(frozen=True, slots=True)
class RowTest:
    """Which rows a role sees: everything, or those that one of its row rules opens."""

    everything: bool = False
    rules: tuple[tuple[Mapping[str, Condition], bool], ...] = ()
    shared: frozenset[str] = frozenset()

    def sees(self, type_name: str, row: Any, account: Any, facts: Facts, principal: Principal) -> bool:
        """Judges a row; one that is nobody's business by rule is denied."""
        if self.everything or type_name in self.shared:
            return True
        for conditions, via_account in self.rules:
            own = conditions.get(type_name)
            if own is not None and own.met(row, account, facts, principal):
                return True
            if own is None and via_account and account is not None:
                through = conditions.get("Account")
                if through is not None and through.met(account, account, facts, principal):
                    return True
        return False

    def covers(self, type_name: str) -> str:
        """How rows of a type are judged: `all`, `shared`, `own`, `account`, or nothing where they are denied."""
        if self.everything:
            return "all"
        if type_name in self.shared:
            return "shared"
        if any(type_name in conditions for conditions, _ in self.rules):
            return "own"
        return "account" if any(via and "Account" in conditions for conditions, via in self.rules) else ""

    def needs_account(self, type_name: str) -> bool:
        """Whether judging rows of this type takes the account that owns them."""
        if self.everything or type_name in self.shared or type_name == "Account":
            return False
        return any(
            bool(conditions[type_name].account_attributes) if type_name in conditions else via
            for conditions, via in self.rules
        )

    def reads(self, type_name: str) -> frozenset[str]:
        """Attributes that judging this type reads, of the row or of its account."""
        if self.everything or type_name in self.shared:
            return frozenset()
        found: set[str] = set()
        for conditions, via in self.rules:
            condition = conditions.get(type_name) or (conditions.get("Account") if via else None)
            if condition is not None:
                found |= condition.row_attributes | condition.account_attributes
        return frozenset(found)

    def pushed(self, type_name: str, principal: Principal) -> Pushed | None:
        """A filter that is exactly this test for root lists of the type; None where there is none."""
        if self.everything or type_name in self.shared or len(self.rules) != 1:
            return None
        condition = self.rules[0][0].get(type_name)
        return condition.pushed(principal) if condition is not None else None


@dataclass(frozen=True, slots=True)
class RoleTable:
    """One role, compiled."""

    name: str
    audience: str
    fields: Mapping[tuple[str, str], Decision]
    rows: RowTest


@dataclass(slots=True)
class Policies:
    """All roles, compiled; `grants` are remembered for each set of roles."""

    tables: Mapping[str, RoleTable]
    examples: tuple[Example, ...] = ()
    _grants: dict[frozenset[str], Grants] = field(default_factory=dict)

    def grants(self, roles: Iterable[str]) -> Grants:
        """What a set of roles may do; roles nobody wrote rules for give nothing."""
        known = frozenset(role for role in roles if role in self.tables)
        if known not in self._grants:
            self._grants[known] = Grants(known, {role: self.tables[role] for role in known})
        return self._grants[known]

    def knows(self, type_name: str, field: str) -> bool:
        """Whether the schema that the rules were compiled for has this field."""
        return any((type_name, field) in table.fields for table in self.tables.values())

    def external(self) -> frozenset[str]:
        """The roles of outsiders."""
        return frozenset(name for name, table in self.tables.items() if table.audience == "external")


_NOBODY = Decision("deny", "", "no-role", "", "rules/roles.yaml", 1, "")  # no role, or none that sees the row


class Grants:
    """The decisions of one set of roles. Fields of one role are never combined with rows of another: callers name the
    roles by which they see a row."""

    def __init__(self, roles: frozenset[str], tables: Mapping[str, RoleTable]) -> None:
        self.roles, self._tables = roles, tables
        self._decided: dict[tuple[str, str, frozenset[str]], Decision] = {}

    def field(self, type_name: str, name: str, roles: frozenset[str] | None = None) -> Decision:
        """May these roles (by default all) see this field: a table look-up."""
        if roles is None:
            roles = self.roles
        key = (type_name, name, roles)
        decision = self._decided.get(key)
        if decision is None:
            decision = self._decided[key] = self._decide(type_name, name, roles)
        return decision

    def _decide(self, type_name: str, name: str, roles: frozenset[str]) -> Decision:
        # A forbid of any of the principal's roles outranks everything, whichever role opened the row.
        every = [self._tables[role].fields.get((type_name, name), _NOBODY) for role in sorted(self.roles)]
        for decision in every:
            if decision.forbidden:
                return decision
        able = [each for each in every if each.role in roles]
        shown = sorted((each for each in able if each.verdict != "deny"), key=lambda each: each.strength)
        return shown[0] if shown else (able[0] if able else _NOBODY)

    def lookup(self, type_name: str, name: str) -> bool:
        """May the field be used for exact look-up: by a role that reads it whole, or that lists it under `lookup`.

        Only where one role alone decides every row: otherwise a look-up would tell one role's rows by another's fields.
        """
        every = [table.fields.get((type_name, name), _NOBODY) for table in self._tables.values()]
        if not every or any(each.forbidden for each in every):
            return False
        return all(each.verdict == "allow" or each.lookup for each in every)

    def seen_by(self, type_name: str, row: Any, account: Any, facts: Facts, principal: Principal) -> frozenset[str]:
        """The roles by which a row is seen; none: for this principal it does not exist."""
        if type_name == "Account" and account is None:
            account = row
        return frozenset(
            name for name, table in self._tables.items() if table.rows.sees(type_name, row, account, facts, principal)
        )

    def sees_every_row(self) -> bool:
        """Whether no role has a row rule: then rows need no judging."""
        return bool(self._tables) and all(table.rows.everything for table in self._tables.values())

    def needs_account(self, type_name: str) -> bool:
        """Whether judging rows of this type takes the account that owns them."""
        return any(table.rows.needs_account(type_name) for table in self._tables.values())

    def reads(self, type_name: str) -> frozenset[str]:
        """Row attributes that judging rows of this type reads."""
        found: frozenset[str] = frozenset()
        return found.union(*(table.rows.reads(type_name) for table in self._tables.values()))

    def pushed(self, type_name: str, principal: Principal) -> Pushed | None:
        """A filter for root lists that says what the row rules of all roles together say; None where there is none."""
        found = [table.rows.pushed(type_name, principal) for table in self._tables.values()]
        told = [each for each in found if each is not None]
        if not told or len(told) != len(found) or len({each[:2] for each in told}) != 1:
            return None
        operator, attribute, _ = told[0]
        return operator, attribute, tuple(dict.fromkeys(value for each in told for value in each[2]))
