"""The whole matrix of roles and fields, and what a change of the rules opens or closes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from policies.decide import Decision, Policies
from policies.explain import Paint, conditions_of, plain, word

SIGNS = {
    "allow": "x",
    "deny": ".",
    "forbid": "!",
    "mask last4": "4",
    "mask hash": "#",
    "mask redact": "-",
    "mask year": "y",
    "mask bucket": "b",
    "mask email_domain": "@",
}


def matrix(policies: Policies, types: Iterable[str] = (), paint: Paint = plain) -> str:
    """Role x field as a table: one line a field, one column a role, signs explained above it."""
    chosen = frozenset(types)
    roles = list(policies.tables)
    keys = sorted({key for table in policies.tables.values() for key in table.fields if not chosen or key[0] in chosen})
    width = max([len(f"{type_name}.{field}") for type_name, field in keys], default=0)
    numbers = [f"{at:>2}" for at in range(1, len(roles) + 1)]
    lines = [f"{number} {role}" for number, role in zip(numbers, roles, strict=True)]
    decided = {key: [policies.tables[role].fields[key] for role in roles] for key in keys}
    used = {word(each) for row in decided.values() for each in row}
    lines += ["", "   ".join(f"{sign} {said}" for said, sign in SIGNS.items() if said in used), ""]
    lines.append(f"{'':<{width}}  {'class':<10} {' '.join(numbers)}")
    for key, row in decided.items():
        cells = " ".join(paint(f" {SIGNS[word(each)]}", word(each).partition(" ")[0]) for each in row)
        lines.append(f"{f'{key[0]}.{key[1]}':<{width}}  {row[0].class_name:<10} {cells}")
    return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Change:
    """What changed for a role: of a field, of rows (`what` is then `rows of Type`), or the role itself.

    `kind`: opens, closes, or changes where neither can be said.
    """

    role: str
    what: str
    before: str
    after: str
    kind: str

    def __str__(self) -> str:
        return f"{self.kind:<7} {self.role} {self.what}: {self.before} -> {self.after}"


def difference(before: Policies, after: Policies) -> list[Change]:
    """What a change of the rules opens or closes, for each role, field and type of rows."""
    found: list[Change] = []
    for role in sorted({*before.tables, *after.tables}):
        found += _fields(before, after, role)
        found += _rows(before, after, role)
    return found


def _fields(before: Policies, after: Policies, role: str) -> Iterator[Change]:
    one = before.tables[role].fields if role in before.tables else {}
    other = after.tables[role].fields if role in after.tables else {}
    for key in sorted({*one, *other}):
        was, now = one.get(key), other.get(key)
        if word(was) != word(now):
            kind = "opens" if _openness(now) > _openness(was) else "closes"
            yield Change(role, f"{key[0]}.{key[1]}", word(was), word(now), kind)


def _rows(before: Policies, after: Policies, role: str) -> Iterator[Change]:
    known = {key for policies in (before, after) for table in policies.tables.values() for key in table.fields}
    for type_name in sorted(name for name, field in known if field == "id"):  # what has no id is part of what has
        was, now = _seen(before, role, type_name), _seen(after, role, type_name)
        if was == now:
            continue
        kind = "changes"
        if was == {"no row"} or now == {"every row"} or ("no row" not in now and was < now):
            kind = "opens"
        elif now == {"no row"} or was == {"every row"} or now < was:
            kind = "closes"
        yield Change(role, f"rows of {type_name}", " or ".join(sorted(was)), " or ".join(sorted(now)), kind)


def _seen(policies: Policies, role: str, type_name: str) -> set[str]:
    if role not in policies.tables:
        return {"no row"}
    if policies.tables[role].rows.covers(type_name) in ("all", "shared"):
        return {"every row"}
    return {f"`{text}`" for text in conditions_of(policies, role, type_name)} or {"no row"}


def _openness(decision: Decision | None) -> int:
    """Forbidden, denied, masked (the weaker the mask, the more open), shown."""
    if decision is None:
        return 1
    if decision.forbidden:
        return 0
    if decision.mask_name:
        return 100 - decision.strength
    return 1000 if decision.verdict == "allow" else 1
