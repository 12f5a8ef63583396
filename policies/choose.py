"""Chooses the line that decides: of a field's class, and of a role about a field."""

from __future__ import annotations

from dataclasses import dataclass

from policies.decide import RowTest
from policies.lines import Lines, Schema, exactness
from policies.masks import MASKS
from policies.records import Classified, Role, Rules, Verdict
from policies.yaml import Place


@dataclass(frozen=True, slots=True)
class Choice:
    """The verdict that counts, the class it goes with, and what decided."""

    verdict: Verdict
    classified: Classified
    rule: str
    lookup: bool = False


@dataclass(frozen=True, slots=True)
class _RoleLines:
    forbidden: Lines[Verdict]
    fields: Lines[Verdict]
    lookup: Lines[Place]


class Chooser:
    """Chooses by exactness: `Type.field`, `*.field`, `Type.*`, `*Part.*`, then the class; where none speaks, denied."""

    def __init__(self, rules: Rules) -> None:
        self._classes = Lines(rules.coordinates)
        self._roles = {
            name: _RoleLines(Lines(role.forbidden), Lines(role.fields), Lines(role.lookup))
            for name, role in rules.acting().items()
        }
        self._remembered: dict[tuple[str, str], tuple[str, Classified] | None] = {}
        self._chosen: dict[tuple[str, str, str], Choice] = {}

    def classified(self, type_name: str, field: str) -> tuple[str, Classified] | None:
        """The class of a field, with the coordinate that gives it."""
        key = (type_name, field)
        if key not in self._remembered:
            self._remembered[key] = next(iter(self._classes.about(type_name, field)), None)
        return self._remembered[key]

    def tied(self, type_name: str, field: str) -> tuple[tuple[str, Classified], tuple[str, Classified]] | None:
        """Two patterns of the same exactness and length that give the field different classes."""
        found = self._classes.most_exact(type_name, field)
        for other in found[1:]:
            if len(other[0]) == len(found[0][0]) and other[1].name != found[0][1].name:
                return found[0], other
        return None

    def ranked(self, role: Role, type_name: str, field: str) -> list[tuple[str, Verdict]]:
        """Every line of a role that speaks of a field, the one that counts first."""
        lines, entry = self._roles[role.name], self.classified(type_name, field)
        about = sorted(
            lines.fields.about(type_name, field), key=lambda each: (-exactness(each[0]), -_strictness(each[1]))
        )
        found = [(f"forbid {coordinate}", verdict) for coordinate, verdict in lines.forbidden.about(type_name, field)]
        found += about
        if entry is not None and entry[1].name in role.classes:
            found.append((entry[1].name, role.classes[entry[1].name]))
        return found

    def looks_up(self, role: Role, coordinate: str, type_name: str, field: str) -> bool:
        """Whether a line under `lookup` of a role speaks of a field."""
        return coordinate in dict(self._roles[role.name].lookup.about(type_name, field))

    def choose(self, role: Role, type_name: str, field: str) -> Choice:
        """What a role may do with a field."""
        key = (role.name, type_name, field)
        if key not in self._chosen:
            self._chosen[key] = self._choose(role, type_name, field)
        return self._chosen[key]

    def _choose(self, role: Role, type_name: str, field: str) -> Choice:
        entry = self.classified(type_name, field)
        found = entry[1] if entry is not None else Classified("unclassified", role.place)
        ranked = self.ranked(role, type_name, field)
        rule, verdict = ranked[0] if ranked else (f"unlisted {found.name}", Verdict("deny", role.place))
        return Choice(verdict, found, rule, bool(self._roles[role.name].lookup.about(type_name, field)))


def _strictness(verdict: Verdict) -> int:
    """At the same exactness the stricter line wins: deny, then the stronger mask."""
    if verdict.kind == "deny":
        return 100
    return MASKS[verdict.mask][0] if verdict.mask else 0


def row_test(role: Role, rules: Rules) -> RowTest:
    """Which rows a role sees."""
    names = tuple(each.value for each in role.rows)
    if "all" in names:
        return RowTest(everything=True)
    conditions = [(rules.rows[name], name in rules.via) for name in names]
    return RowTest(False, tuple(conditions), frozenset(rules.shared))


def reachable(role: Role, schema: Schema, chooser: Chooser) -> set[str]:
    """The types that a role can get to from a root through fields that are not denied to it."""
    found: set[str] = set()
    waiting = [root for root in ("Query", "Mutation", "Subscription") if root in schema]
    while waiting:
        type_name = waiting.pop()
        if type_name in found or type_name not in schema:
            continue
        found.add(type_name)
        waiting += [
            target
            for field, shape in schema[type_name].items()
            for target in shape.possible or (shape.target,)
            if target and chooser.choose(role, type_name, field).verdict.kind not in ("deny", "forbid")
        ]
    return found
