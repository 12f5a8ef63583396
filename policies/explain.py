"""Says why: class, verdict, rule, file and line of a decision; the whole matrix; what a change opens or closes."""

from __future__ import annotations

from collections.abc import Iterable

from policies.decide import Decision, Policies

_ROWS = {
    "all": "every row",
    "shared": "every row: the type belongs to no account",
    "own": "by a condition of its own",
    "account": "by the account that owns it",
    "": "no row",
}


def explain(policies: Policies, roles: Iterable[str], coordinate: str) -> str:
    """A few lines about one field; raises KeyError for a coordinate or a role that does not exist."""
    type_name, _, field = coordinate.partition(".")
    wanted = sorted(frozenset(roles))
    if not policies.knows(type_name, field):
        raise KeyError(f"the schema has no `{coordinate}`")
    for role in wanted:
        if role not in policies.tables:
            raise KeyError(f"there is no role `{role}`: one of {', '.join(policies.tables)}")
    decided = policies.grants(wanted).field(type_name, field)
    lines = [f"{coordinate} as {', '.join(wanted)}: {_said(decided)}"]
    for role in wanted:
        table = policies.tables[role]
        each = table.fields[type_name, field]
        lines += [
            f"  class    {each.class_name:<28} {each.class_file}:{each.class_line}",
            f"  verdict  {_said(each):<28} {each.file}:{each.line}",
            f"  rule     {each.rule}",
            *_rows(policies, role, type_name),
        ]
    return "\n".join(lines)


def matrix(policies: Policies, types: Iterable[str] | None = None) -> str:
    """Role x field as a table: `x` shown, `.` denied, `!` forbidden, or the mask's name."""
    chosen = None if types is None else frozenset(types)
    roles = list(policies.tables)
    coordinates = sorted(
        {key for table in policies.tables.values() for key in table.fields if chosen is None or key[0] in chosen}
    )
    width = max([len(f"{type_name}.{field}") for type_name, field in coordinates], default=0)
    lines = [f"{'':<{width}}  class      {'  '.join(roles)}"]
    for type_name, field in coordinates:
        decisions = [policies.tables[role].fields[type_name, field] for role in roles]
        cells = "  ".join(f"{_sign(each):<{len(role)}}" for each, role in zip(decisions, roles, strict=True))
        lines.append(f"{f'{type_name}.{field}':<{width}}  {decisions[0].class_name:<9}  {cells}".rstrip())
    return "\n".join(lines)


def difference(before: Policies, after: Policies) -> list[str]:
    """What a change of the rules opens or closes, one line for each role and field."""
    found = []
    for role in sorted({*before.tables, *after.tables}):
        one = before.tables[role].fields if role in before.tables else {}
        other = after.tables[role].fields if role in after.tables else {}
        for key in sorted({*one, *other}):
            was, now = one.get(key), other.get(key)
            if _said(was) != _said(now):
                word = "opens" if _openness(now) > _openness(was) else "closes"
                found.append(f"{role} {key[0]}.{key[1]}: {_said(was)} -> {_said(now)} ({word})")
    return found


def _rows(policies: Policies, role: str, type_name: str) -> list[str]:
    test = policies.tables[role].rows
    lines = [f"  rows     {_ROWS[test.covers(type_name)]}"]
    if test.covers(type_name) not in ("own", "account"):
        return lines
    for conditions, via in test.rules:
        condition = conditions.get(type_name) or (conditions.get("Account") if via else None)
        if condition is not None:
            lines.append(f"           {condition.text:<28} {condition.place.file}:{condition.place.line}")
    return lines


def _said(decision: Decision | None) -> str:
    if decision is None:
        return "deny"
    if decision.mask_name:
        return f"mask {decision.mask_name}"
    return "forbid" if decision.forbidden else decision.verdict


def _sign(decision: Decision) -> str:
    return {"allow": "x", "deny": ".", "forbid": "!"}.get(_said(decision), decision.mask_name or "")


def _openness(decision: Decision | None) -> int:
    """Forbidden, denied, masked (the weaker the mask, the more open), shown."""
    if decision is None:
        return 1
    if decision.forbidden:
        return 0
    if decision.mask_name:
        return 100 - decision.strength
    return 1000 if decision.verdict == "allow" else 1
