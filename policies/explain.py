"""Says why: class, verdict, rule, file and line of a decision, and how rows are judged for a principal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from policies.decide import Decision, Policies, row_rule
from policies.principal import Principal
from policies.purposes import PURPOSE, without_purpose
from policies.pushing import Pushed
from policies.rows import ROLE, Condition, camel
from policies.yaml import Place

Paint: TypeAlias = Callable[[str, str], str]
"""`(text, kind) -> text`, for terminals; `kind`: allow, deny, forbid, mask, faint."""

_HOW = {
    "all": "every row",
    "shared": "every row: the type belongs to no account",
    "own": "by a condition of its own",
    "account": "through the account that owns the row",
    "": "no row: none of its row rules speaks of the type",
}


@dataclass(frozen=True, slots=True)
class RowsExplained:
    """How a role's rows of a type are judged. `values`: what the conditions compare with, of this principal.

    `filters` are what a list is asked with; None where no filter says the same.
    """

    how: str
    conditions: tuple[tuple[str, Place], ...]
    values: tuple[tuple[str, tuple[str, ...]], ...]
    filters: tuple[Pushed, ...] | None


@dataclass(frozen=True, slots=True)
class RoleExplained:
    """What one role may do with a field, and which rows of the type it sees."""

    role: str
    decision: Decision
    rows: RowsExplained


@dataclass(frozen=True, slots=True)
class Explanation:
    """A field for a principal: what its roles decide together on a row that all of them see, then one by one."""

    coordinate: str
    decision: Decision
    roles: tuple[RoleExplained, ...]


def explanation(policies: Policies, principal: Principal, coordinate: str) -> Explanation:
    """Why a principal may or may not see a field; raises KeyError for a coordinate or a role that does not exist."""
    type_name, _, field = coordinate.partition(".")
    if not policies.knows(type_name, field):
        raise KeyError(f"the schema has no `{coordinate}`: write `Type.field`")
    for role in sorted(principal.roles):
        if role not in policies.tables:
            plain = ", ".join(each for each in policies.tables if PURPOSE not in each)
            raise KeyError(f"there is no role `{role}`: one of {plain} is possible")
    acting = sorted(policies.acting(principal))
    return Explanation(
        coordinate,
        policies.grants(acting).field(type_name, field),
        tuple(
            RoleExplained(
                role, policies.tables[role].fields[type_name, field], _rows(policies, role, type_name, principal)
            )
            for role in acting
        ),
    )


def _rows(policies: Policies, role: str, type_name: str, principal: Principal) -> RowsExplained:
    test = policies.tables[role].rows
    conditions = [condition for condition, _ in test.opens(type_name)]
    named = dict.fromkeys(name for each in conditions for name in each.users)
    return RowsExplained(
        _HOW[test.covers(type_name)],
        tuple((each.text, each.place) for each in conditions),
        tuple((f"user.{name}", _values(principal, name, role)) for name in named),
        row_rule(type_name, {role: test}).filters(principal),
    )


def _values(principal: Principal, name: str, role: str) -> tuple[str, ...]:
    if name == ROLE:
        return (without_purpose(role),)
    found = getattr(principal, name)
    return tuple(found) if isinstance(found, tuple) else (found,) if found is not None else ()


def plain(text: str, kind: str) -> str:
    """No colour."""
    return text


def explain(policies: Policies, principal: Principal, coordinate: str, paint: Paint = plain) -> str:
    """The explanation as a few aligned lines."""
    said = explanation(policies, principal, coordinate)
    roles = ", ".join(each.role for each in said.roles) or "nobody"
    where = ", on rows that all of them see" if len(said.roles) > 1 else ""
    lines = [f"{coordinate} as {roles}: {_painted(said.decision, paint)}{where}"]
    for each in said.roles:
        decision = each.decision
        lines += [
            "",
            f"  {each.role}" if len(said.roles) > 1 else f"  {'rule':<8} {decision.rule}",
            *([f"  {'rule':<8} {decision.rule}"] if len(said.roles) > 1 else []),
            _line("class", decision.class_name, Place(decision.class_file, decision.class_line), paint),
            _line("verdict", word(decision), Place(decision.file, decision.line), paint),
            *_row_lines(each.rows, paint),
        ]
    return "\n".join(lines)


def _row_lines(rows: RowsExplained, paint: Paint) -> list[str]:
    lines = [f"  {'rows':<8} {rows.how}"]
    lines += [_line("", text, place, paint) for text, place in rows.conditions]
    for name, values in rows.values:
        said = ", ".join(values) if values else paint("nothing: no row meets it", "deny")
        lines.append(f"  {'':<8} {name} = {said}")
    if rows.conditions and rows.filters is not None:
        asked = " and ".join(
            f"{camel(name)} {operator} ({', '.join(values)})" for operator, name, values in rows.filters
        )
        lines.append(f"  {'lists':<8} asked with {asked}")
    elif rows.conditions:
        lines.append(f"  {'lists':<8} judged row by row: no filter says the same")
    return lines


def _line(name: str, text: str, place: Place, paint: Paint) -> str:
    return f"  {name:<8} {text:<56} {paint(f'{place.file}:{place.line}', 'faint')}"


def word(decision: Decision | None) -> str:
    """A decision in one or two words: allow, deny, forbid, mask NAME."""
    if decision is None:
        return "deny"
    if decision.mask_name:
        return f"mask {decision.mask_name}"
    return "forbid" if decision.forbidden else decision.verdict


def _painted(decision: Decision, paint: Paint) -> str:
    said = word(decision)
    return paint(said, said.partition(" ")[0])


def conditions_of(policies: Policies, role: str, type_name: str) -> dict[str, Condition]:
    """The conditions that open rows of a type to a role, by what they say."""
    found = {}
    for condition, of in policies.tables[role].rows.opens(type_name):
        found[f"{condition.text} (of its account)" if of == "via" else condition.text] = condition
    return found
