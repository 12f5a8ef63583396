"""Decides: by looking a field up, and by testing a row. Nothing here parses, reads or waits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from policies.cases import Example
from policies.judging import Judge, Opening, judging
from policies.principal import Principal
from policies.purposes import PURPOSE, acting, by_role, without_purpose
from policies.pushing import Pushed, filters
from policies.rows import Condition, Every, Tree, as_role


@dataclass(frozen=True, slots=True)
class Decision:
    """What a role may do with a field, and which line says so.

    `rule` is the role with what decided: a coordinate, a class, or `unlisted` where no line speaks of it. `lookup`:
    whether the field may be used for exact look-up. `audited`: whether being refused it, or shown it masked, is put on
    record.
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
    audited: bool = False


@dataclass(frozen=True, slots=True)
class RowTest:
    """Which rows a role sees: everything, or those that one of its row rules opens."""

    everything: bool = False
    rules: tuple[tuple[Mapping[str, Condition], bool], ...] = ()
    shared: frozenset[str] = frozenset()

    def covers(self, type_name: str) -> str:
        """How rows of a type are judged: `all`, `shared`, `own`, `account`, or nothing where they are denied."""
        if self.everything:
            return "all"
        if type_name in self.shared:
            return "shared"
        if any(type_name in conditions for conditions, _ in self.rules):
            return "own"
        return "account" if any(via and "Account" in conditions for conditions, via in self.rules) else ""

    def opens(self, type_name: str) -> list[tuple[Condition, str]]:
        """The conditions that open rows of a type, each with whom it asks: see `policies.judging.Opening`."""
        if self.everything or type_name in self.shared:
            return []
        found = []
        for conditions, via in self.rules:
            if type_name in conditions:
                found.append((conditions[type_name], "account" if type_name == "Account" else "row"))
            elif via and "Account" in conditions:
                found.append((conditions["Account"], "via"))
        return found


@dataclass(frozen=True, slots=True)
class RoleTable:
    """One role, compiled."""

    name: str
    audience: str
    fields: Mapping[tuple[str, str], Decision]
    rows: RowTest
    introspects: bool = True
    recorded: bool = False


_CALLERS = 1_000  # sets of roles with purposes that are remembered: tokens may name roles that nobody knows


@dataclass(slots=True)
class Policies:
    """All roles, compiled; `grants` are remembered per set of roles. No two in a process have the same `version`."""

    tables: Mapping[str, RoleTable]
    examples: tuple[Example, ...] = ()
    version: int = field(default_factory=count(1).__next__)
    _grants: dict[frozenset[str], Grants] = field(default_factory=dict)
    _granted: dict[tuple[frozenset[str], tuple[str, ...]], Grants] = field(default_factory=dict)

    def grants(self, roles: Iterable[str]) -> Grants:
        """What a set of roles may do; roles nobody wrote rules for give nothing."""
        known = frozenset(role for role in roles if role in self.tables)
        if known not in self._grants:
            self._grants[known] = Grants(known, {role: self.tables[role] for role in known}, self.version)
        return self._grants[known]

    def acting(self, principal: Principal) -> frozenset[str]:
        """The roles that a principal acts by: those of the token that are known, also with each purpose in force.

        A role with a purpose comes from `purposes` alone: a token that names one gets nothing by it.
        """
        plain = frozenset(role for role in principal.roles if role in self.tables and PURPOSE not in role)
        if not principal.purposes:
            return plain
        wanted = {acting(role, purpose) for role in plain for purpose in principal.purposes}
        return plain.union(wanted & self.tables.keys())

    def granted(self, principal: Principal) -> Grants:
        """What a principal may do; nothing but roles and purposes says so."""
        asked = principal.roles, principal.purposes
        found = self._granted.get(asked)
        if found is None:
            if len(self._granted) >= _CALLERS:
                self._granted.clear()
            found = self._granted[asked] = self.grants(self.acting(principal))
        return found

    def knows(self, type_name: str, field: str) -> bool:
        """Whether the schema that the rules were compiled for has this field."""
        return any((type_name, field) in table.fields for table in self.tables.values())

    def external(self) -> frozenset[str]:
        """The roles of outsiders."""
        return frozenset(name for name, table in self.tables.items() if table.audience == "external")


@dataclass(frozen=True, slots=True)
class RowRule:
    """How rows of one type are judged, for one set of roles.

    `open`: every role sees every row. `by_account`: a row is seen by exactly the roles that see the account that owns
    it; a row without an account only by those that see every row. `needs_account`: judging takes that account.
    `reads`: attributes, in snake case, that judging reads of the row or of the account. `judge(rows, accounts, facts,
    principal)` gives the roles that see each row, given its account or None and the loaded facts about that account.
    """

    open: bool
    by_account: bool
    needs_account: bool
    reads: frozenset[str]
    judge: Judge
    trees: tuple[Tree, ...] | None = None  # what filters are made of; None: never a filter

    def filters(self, principal: Principal) -> tuple[Pushed, ...] | None:
        """Filters that together say exactly what `judge` says of being seen at all; () = every row, None = none do."""
        return None if self.trees is None else filters(self.trees, principal)


_NOBODY = Decision("deny", "", "no-role", "", "rules/roles.yaml", 1, "")  # no role, or none that sees the row


class Grants:
    """The decisions of one set of roles. Fields of one role are never combined with rows of another: callers name the
    roles by which they see a row.

    `external`: one of the roles is an outsider's, so what the set can never see does not exist for it. `introspects`:
    one of them may ask for the schema, and is helped with names. `recorded`: every read of theirs goes on record, shown
    or not. `version` is that of the policies, so that nothing planned with older ones is taken for planned with these.
    """

    def __init__(self, roles: frozenset[str], tables: Mapping[str, RoleTable], version: int = 0) -> None:
        self.roles, self._tables, self.version = roles, tables, version
        # Whoever has no role that the rules know is nobody of ours.
        self.external = not tables or any(table.audience == "external" for table in tables.values())
        self.introspects = any(table.introspects for table in tables.values())
        self.recorded = any(table.recorded for table in tables.values())
        self._decided: dict[tuple[str, str, frozenset[str]], Decision] = {}
        self._rules: dict[tuple[str, frozenset[str]], RowRule] = {}

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

        Every role of several has to: otherwise a look-up would tell one role's rows by another's fields. A role and the
        same role with a purpose are one, for they see the same rows.
        """
        found = {role: table.fields.get((type_name, name), _NOBODY) for role, table in self._tables.items()}
        if not found or any(each.forbidden for each in found.values()):
            return False
        return all(
            any(found[role].verdict == "allow" or found[role].lookup for role in names) for names in by_role(found)
        )

    def rows(self, type_name: str, roles: frozenset[str] | None = None) -> RowRule:
        """How rows of a type are judged for these roles, by default all."""
        if roles is None:
            roles = self.roles
        rule = self._rules.get((type_name, roles))
        if rule is None:
            tests = {each: self._tables[each].rows for each in sorted(roles & self.roles)}
            rule = self._rules[type_name, roles] = row_rule(type_name, tests)
        return rule


def row_rule(type_name: str, tests: Mapping[str, RowTest]) -> RowRule:
    """The row rules of several roles for one type, compiled together."""
    always = frozenset(role for role, test in tests.items() if test.covers(type_name) in ("all", "shared"))
    opened: dict[tuple[Tree, str], set[str]] = {}
    conditions = [(role, *each) for role, test in tests.items() for each in test.opens(type_name)]
    for role, condition, of in conditions:
        opened.setdefault((as_role(condition.tree, without_purpose(role)), of), set()).add(role)
    openings = [Opening(tree, of, frozenset(roles)) for (tree, of), roles in opened.items()]
    asks_account = any(of == "via" or (of == "row" and each.asks_account) for _, each, of in conditions)
    return RowRule(
        open=bool(tests) and always == tests.keys(),
        by_account=always != tests.keys() and all(_by_account(type_name, test) for test in tests.values()),
        needs_account=asks_account,
        reads=frozenset().union(*(each.reads for _, each, _ in conditions)),
        judge=judging(type_name, always, openings),
        trees=_pushable(always, openings),
    )


def _by_account(type_name: str, test: RowTest) -> bool:
    """Whether a role judges rows of a type by nothing but their account, by all that it judges accounts by."""
    if test.everything:
        return True
    if type_name == "Account" or type_name in test.shared:
        return False
    return all(type_name not in conditions and (via or "Account" not in conditions) for conditions, via in test.rules)


def _pushable(always: frozenset[str], openings: Sequence[Opening]) -> tuple[Tree, ...] | None:
    if always:
        return (Every(()),)  # a role sees every row: no filter at all says the same
    return None if not openings or any(each.of == "via" for each in openings) else tuple(each.tree for each in openings)
