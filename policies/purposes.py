"""Purposes: what a role may see for a stated reason, for a bounded time, and who has to agree.

`purposes.yaml` names them; a role says under `with_purpose` what each opens for it. A role that acts with a purpose is
a role of its own, `auditor+reveal`, so that whatever is planned or remembered for it is kept apart.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from policies.principal import Principal
from policies.yaml import Mapping as Source
from policies.yaml import Mistakes, Place, Value, entries, mapping, number, required, text, texts

_KEYS = frozenset({"means", "lasts", "persons", "agrees"})
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
_LONGEST = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Purpose:
    """`lasts`: for how long a grant is good, at most a day. `persons`: how many ask and agree, the asker included.
    `agrees`: the roles whose holders may be the others."""

    name: str
    means: str
    lasts: timedelta
    persons: int
    place: Place
    agrees: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PurposeGrant:
    """That somebody acts with a purpose, since when, why, and who agreed to it."""

    purpose: str
    reason: str
    asked_by: str
    since: datetime
    agreed_by: tuple[str, ...] = ()


class PurposeRefused(Exception):
    """Somebody may not do this with a purpose; the message says why. `code` is the public error code."""

    def __init__(self, message: str, code: str = "FORBIDDEN") -> None:
        super().__init__(message)
        self.code = code


def in_force(grants: Iterable[PurposeGrant], purposes: Mapping[str, Purpose], now: datetime) -> tuple[str, ...]:
    """The purposes that count now: known, with a reason, agreed to by enough people, neither early nor over."""
    found = {}
    for grant in grants:
        purpose = purposes.get(grant.purpose)
        if purpose is None or not grant.reason.strip() or not grant.since <= now < grant.since + purpose.lasts:
            continue
        if len({grant.asked_by, *grant.agreed_by} - {""}) >= purpose.persons:
            found[grant.purpose] = True
    return tuple(found)


def may_agree(purpose: Purpose, asked_by: Iterable[str], principal: Principal) -> bool:
    """Whether a person may agree to what others asked: not who asked, nor who stands behind, and of a role for it."""
    return not {principal.subject, principal.human} & {*asked_by} and not principal.roles.isdisjoint(purpose.agrees)


PURPOSE = "+"  # between a role and the purpose it acts with


def acting(role: str, purpose: str) -> str:
    """The name of a role that acts with a purpose."""
    return f"{role}{PURPOSE}{purpose}"


def without_purpose(role: str) -> str:
    """The role that acts, without the purpose."""
    return role.partition(PURPOSE)[0]


def by_role(roles: Iterable[str]) -> list[frozenset[str]]:
    """The names that somebody acts by, those of one role together: they see the same rows."""
    found: dict[str, set[str]] = {}
    for role in roles:
        found.setdefault(without_purpose(role), set()).add(role)
    return [frozenset(names) for names in found.values()]


def purposes(source: Source, roles: Collection[str]) -> dict[str, Purpose]:
    """Reads `purposes.yaml`; raises RuleErrors with every mistake. `roles`: who there is to agree."""
    told = Mistakes()
    found = {name: told.of(_purpose, name, value, place, roles) for name, value, place in entries(source)}
    told.done()
    return found


def _purpose(name: str, value: Value, place: Place, roles: Collection[str]) -> Purpose:
    if re.fullmatch(r"[a-z][a-z0-9_]*", name, re.ASCII) is None:
        raise place.error(f"the purpose `{name}` has no good name: use small letters, digits and `_`")
    source = mapping(value, f"the purpose `{name}`", _KEYS)
    told = Mistakes()
    persons = told.part(1, _persons, source)
    agrees = told.of(_agrees, name, persons, source, place, roles)
    means = told.of(_means, source)
    lasts = told.of(_time, source)
    told.done()
    return Purpose(name, means, lasts, persons, place, agrees)


def _persons(source: Source) -> int:
    persons = number(required(source, "persons"), "`persons`")
    if persons < 1:
        raise source.items["persons"].place.error("`persons` is `0`: somebody has to ask, write 1 or more")
    return persons


def _agrees(name: str, persons: int, source: Source, place: Place, roles: Collection[str]) -> tuple[str, ...]:
    agrees = texts(source.items["agrees"], "`agrees`") if "agrees" in source.items else []
    told = Mistakes()
    if (persons > 1) != bool(agrees):
        people = "people" if persons > 1 else "person"
        cure = "write under `agrees` which roles may agree to it" if persons > 1 else "`agrees` has nobody to name"
        told.add([place.error(f"the purpose `{name}` takes {persons} {people}: {cure}")])
    told.add(
        each.place.error(
            f"the purpose `{name}` has the unknown role `{each.value}` under `agrees`: "
            f"one of {', '.join(roles)} is expected"
        )
        for each in agrees
        if each.value not in roles
    )
    told.done()
    return tuple(each.value for each in agrees)


def _means(source: Source) -> str:
    return text(required(source, "means"), "`means`")


def _time(source: Source) -> timedelta:
    value = required(source, "lasts")
    written = text(value, "`lasts`")
    match = re.fullmatch(r"([1-9]\d{0,3})([mhd])", written, re.ASCII)
    lasts = timedelta(**{_UNITS[match[2]]: int(match[1])}) if match else None
    if lasts is None or lasts > _LONGEST:
        raise value.place.error(f"`lasts` is `{written}`: a time up to a day is expected, such as `30m` or `1h`")
    return lasts
