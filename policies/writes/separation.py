"""Duties forbidden together: by the roles one holds, and by what one did within the window."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from policies.writes.ask import Deed
from policies.writes.records import APPROVE, ASK, DOCUMENT, OPERATION, PERSON, ROLES, Pair, WriteRule, WriteRules
from policies.writes.terms import approving, asking


def conflicts(rules: WriteRules, roles: Collection[str]) -> tuple[Pair, ...]:
    """The pairs that a set of roles brings into one hand; more roles never bring fewer. For tokens, and for reviews."""
    held = frozenset[str]().union(*(rules.terms.get(role, frozenset()) for role in roles))
    return tuple(each for each in rules.pairs if each.scope in (PERSON, ROLES) and {each.one, each.other} <= held)


def harmless(rules: WriteRules, rule: WriteRule, roles: Collection[str]) -> tuple[frozenset[str], frozenset[str]]:
    """The mutations that somebody may have asked for, and those that he may have approved, before he asks for a write
    in some roles: no pair forbids them together, whatever they were about. What no rule is about is none of them."""
    new = frozenset(roles) | asking(rule)
    met = {pair.other for pair in rules.pairs if pair.one in new} | {
        pair.one for pair in rules.pairs if pair.other in new
    }
    return (
        frozenset(name for name, past in rules.mutations.items() if met.isdisjoint(asking(past))),
        frozenset(name for name, past in rules.mutations.items() if met.isdisjoint(approving(past))),
    )


def conflicts_with(rules: WriteRules, deed: Deed, history: Iterable[Deed]) -> tuple[Pair, ...]:
    """The pairs that something about to be done makes with what the same person did within the window before it."""
    new = _terms(rules, deed)
    found: list[Pair] = []
    for past in history:
        if _same(past.person, deed.person) and deed.at - past.at <= rules.window:
            old = _terms(rules, past)
            found += [pair for pair in rules.pairs if _meet(pair, new, old) and _share(pair, deed, past)]
    return tuple(pair for pair in rules.pairs if pair in found)


def conflicts_in(rules: WriteRules, deeds: Iterable[Deed]) -> tuple[tuple[Pair, Deed, Deed], ...]:
    """Every two deeds of one person that should not have met, the earlier first: for reviews of access."""
    found: list[tuple[Pair, Deed, Deed]] = []
    earlier: dict[str, list[Deed]] = {}
    for deed in sorted(deeds, key=lambda each: each.at):
        before = earlier.setdefault(deed.person.strip().casefold(), [])
        for past in before:
            found += [(pair, past, deed) for pair in conflicts_with(rules, deed, [past])]
        before.append(deed)
    return tuple(found)


def _same(one: str, other: str) -> bool:
    return one.strip().casefold() == other.strip().casefold()


def _meet(pair: Pair, one: frozenset[str], other: frozenset[str]) -> bool:
    return (pair.one in one and pair.other in other) or (pair.other in one and pair.one in other)


def _share(pair: Pair, one: Deed, other: Deed) -> bool:
    if pair.scope == OPERATION:
        return bool(one.operations & other.operations)
    if pair.scope in (DOCUMENT, ROLES):
        return bool(one.documents & other.documents)
    return True


def _terms(rules: WriteRules, deed: Deed) -> frozenset[str]:
    """What a deed was. A rule that is gone since keeps its name and its act, so that it still counts."""
    rule = rules.writes.get(deed.write)
    if rule is None or deed.act not in (ASK, APPROVE):
        return deed.roles | {deed.write} | ({deed.act} & {ASK, APPROVE})
    return deed.roles | (asking(rule) if deed.act == ASK else approving(rule))
