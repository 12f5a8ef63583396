"""Asks Cedar what rules say: an opinion that shares no code with ours but the reading of the files."""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType, SimpleNamespace
from typing import Any, NamedTuple

import cedarpy

from policies.decide import Decision
from policies.principal import Principal
from policies.records import Rules
from tests.policies import cedar_rules as written
from tests.policies.cedar_rules import LINK, LOOKUP, ROW, SHOWN

ACCOUNT = "Account"


class Row(NamedTuple):
    """A row with the account that owns it, and the facts that are loaded beside that account; an account owns itself."""

    type_name: str
    row: Any
    account: Any = None
    facts: Mapping[str, Any] = MappingProxyType({})


class Asked(NamedTuple):
    """May this person do this with this field (or row).

    `at`: the row that has the field, or the roles by which the field's holder is seen. `to`: the row a link leads to.
    """

    user: Principal
    action: str
    type_name: str
    field: str
    at: Row | frozenset[str]
    to: Row | None = None


class Cedar:
    """Rules as Cedar has them. The policies that a kind of question takes are written and parsed once."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._parsed: dict[tuple[str, ...], cedarpy.PolicySet] = {}
        self._fields: dict[tuple[str, str], dict[str, Any]] = {}
        coordinates = {what for role in rules.roles.values() for what in (*role.fields, *role.forbidden, *role.lookup)}
        purposes = [opened for role in rules.roles.values() for opened in role.with_purpose.values()]
        self._coordinates = sorted(coordinates.union(*(each.fields for each in purposes)))

    def answers(self, asked: Sequence[Asked]) -> list[bool]:
        """Cedar's answers; raises ValueError for a policy that it cannot read."""
        found: dict[int, bool] = {}
        batches: dict[tuple[str, ...], list[int]] = {}
        for at, each in enumerate(asked):
            batches.setdefault(kind(each), []).append(at)
        for which, places in batches.items():
            batch = [asked[at] for at in places]
            requests = [request(each) for each in batch]
            results = cedarpy.is_authorized_batch(requests, self._policies(*which), self._entities(batch))
            assert not [each for each in results if each.decision is cedarpy.Decision.NoDecision], "not even asked"
            found.update(zip(places, (each.allowed for each in results), strict=True))
        return [found[at] for at in range(len(asked))]

    def _policies(self, *which: str) -> cedarpy.PolicySet:
        if which not in self._parsed:
            self._parsed[which] = cedarpy.PolicySet.from_str("\n".join(self.policies(*which)))
        return self._parsed[which]

    def policies(self, action: str, type_name: str, by: str, to: str = "") -> Iterator[str]:
        """The policies for a `kind` of question."""
        if action == LOOKUP:
            return written.lookups(self._rules, type_name)
        if action == ROW:
            return written.rows(self._rules, type_name)
        seen = written.given if by == "given" else written.seen_rows(self._rules, type_name)
        if action == LINK:
            return written.links(self._rules, type_name, seen, written.seen_rows(self._rules, to, "target", "owner"))
        return written.fields(self._rules, type_name, seen)

    def _entities(self, asked: Sequence[Asked]) -> list[dict[str, Any]]:
        people = {person(each.user): each.user for each in asked}
        fields = dict.fromkeys((each.type_name, each.field) for each in asked)
        users = [
            {"uid": uid("User", name), "attrs": {}, "parents": [uid("Role", role) for role in sorted(user.roles)]}
            for name, user in people.items()
        ]
        return users + [self._field(*key) for key in fields]

    def _field(self, type_name: str, field: str) -> dict[str, Any]:
        key = (type_name, field)
        if key not in self._fields:
            parents = list(self._parents(type_name, field))
            self._fields[key] = {"uid": uid("Field", f"{type_name}.{field}"), "attrs": {}, "parents": parents}
        return self._fields[key]

    def _parents(self, type_name: str, field: str) -> Iterator[dict[str, str]]:
        """The coordinates of any line that fit a field, and its class: that of the most exact coordinate, of patterns the
        longer one."""
        for each in self._coordinates:
            if written.fit(each, type_name, field):
                yield uid("Coordinate", each)
        classes = self._rules.coordinates
        fitting = [each for each in classes if written.fit(each, type_name, field)]
        if fitting:
            yield uid("Class", classes[max(fitting, key=lambda each: (written.level(each), len(each)))].name)


def around(decision: Decision) -> list[tuple[str, bool]]:
    """What to ask of a field to learn that it is shown exactly as our decision says, each with the expected answer."""
    if decision.verdict == "deny":
        return [(SHOWN[-1], False)]
    at = SHOWN.index(decision.mask_name or SHOWN[0])
    return [(SHOWN[at], True), *([(SHOWN[at - 1], False)] if at else [])]


# ---------------------------------------------------------------- one question


def kind(asked: Asked) -> tuple[str, ...]:
    """Which policies a question takes."""
    by = "row" if isinstance(asked.at, Row) else "given"
    action = asked.action if asked.action in (LINK, LOOKUP, ROW) else SHOWN[0]
    return (action, asked.type_name, by, *([asked.to.type_name] if asked.to is not None else []))


def uid(type_name: str, name: str) -> dict[str, str]:
    return {"type": type_name, "id": name}


def person(user: Principal) -> str:
    return " ".join(sorted(user.roles))


def request(asked: Asked) -> dict[str, Any]:
    return {
        "principal": uid("User", person(asked.user)),
        "action": uid("Action", asked.action),
        "resource": uid("Field", f"{asked.type_name}.{asked.field}"),
        "context": context(asked),
    }


def context(asked: Asked) -> dict[str, Any]:
    user = asked.user
    behind = user.subject if user.human is None else user.human
    who = {name: getattr(user, name) for name in ("regions", "entities", "accounts", "purposes", "subject", "human")}
    found: dict[str, Any] = {"user": plain({**who, "person": behind.strip().casefold()})}
    if isinstance(asked.at, Row):
        found |= told(asked.at, "row", "account")
    else:
        found["by"] = sorted(asked.at)
    return found if asked.to is None else found | told(asked.to, "target", "owner")


def told(row: Row, name: str, owner: str) -> dict[str, Any]:
    """A row and the account that owns it, with the facts beside it."""
    account = row.row if row.type_name == ACCOUNT else row.account
    if account is None:
        return {name: plain(vars(row.row))}
    known = plain({**vars(account), **row.facts})
    return {name: known if row.type_name == ACCOUNT else plain(vars(row.row)), owner: known}


def plain(attributes: dict[str, Any]) -> dict[str, Any]:
    """Attributes that have a value; a missing value is a missing attribute."""
    return {name: simple(each) for name, each in attributes.items() if each is not None}


def simple(value: Any) -> Any:
    if isinstance(value, SimpleNamespace):
        return plain(vars(value))
    return list(value) if isinstance(value, (tuple, frozenset)) else value
