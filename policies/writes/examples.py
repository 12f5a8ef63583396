"""Examples of writes: somebody asks for something, and this is expected. They run in the tests and before a reload."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal

from policies.writes.ask import NEEDS_APPROVAL, Ask, Money, WriteDecision
from policies.writes.decide import decide
from policies.writes.records import WriteRule, WriteRules
from policies.yaml import Mapping as Node
from policies.yaml import (
    Mistakes,
    Place,
    RuleError,
    Text,
    Value,
    amount,
    entries,
    items,
    mapping,
    required,
    text,
    texts,
)

_EXAMPLE = frozenset({"write", "as", "human", "cases"})
_CASE = frozenset({"as", "amount", "figures", "flags", "totals", "arr", "rates", "unknown", "expect", "because"})
_CURRENCY = "EUR"
_ARR = Decimal("1000000.00")
_AT = datetime(2024, 3, 15, 12, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class WriteExample:
    """One ask and what is expected: ALLOWED, FORBIDDEN or who approves, such as `2 finance_controller`.

    What an example does not name is nothing, zero or no, ARR is 1,000,000.00, all in EUR, which is the functional
    currency. `unknown` names what nobody can tell.
    """

    name: str
    mutation: str
    ask: Ask
    expected: str
    because: str
    place: Place


def write_examples(source: Node, rules: WriteRules) -> tuple[WriteExample, ...]:
    """The examples of a file; raises RuleErrors with every mistake."""
    told = Mistakes()
    found = [told.of(_example, name, value, rules) for name, value, _ in entries(source)]
    told.done()
    return tuple(each for several in found for each in several)


def run_examples(rules: WriteRules, examples: tuple[WriteExample, ...]) -> list[RuleError]:
    """The expectations that the rules do not meet, one line each."""
    return [failure for each in examples if (failure := _failure(each, decide(rules, each.mutation, each.ask)))]


def said(decision: WriteDecision) -> str:
    """A decision as examples write it: who approves, how many persons if more than one, with which evidence."""
    if decision.outcome != NEEDS_APPROVAL:
        return decision.outcome
    first = decision.approvers[0]
    who = f"{first.persons} {first.role}" if first.persons > 1 else first.role
    return f"{who} with {', '.join(first.evidence)}" if first.evidence else who


def _failure(example: WriteExample, decision: WriteDecision) -> RuleError | None:
    codes = [each.code for each in decision.reasons]
    by = f"the rule `{decision.rule}` in {decision.file}:{decision.line}"
    if said(decision) != example.expected:
        why = f" because of {', '.join(f'`{each.code} {each.about}`' for each in decision.reasons)}" if codes else ""
        return example.place.error(
            f"`{example.name}` expects `{example.expected}` but {by} says `{said(decision)}`{why}"
        )
    if example.because and example.because not in codes:
        return example.place.error(
            f"`{example.name}` expects the reason `{example.because}` but {by} gives `{', '.join(codes)}`"
        )
    return None


def _example(name: str, value: Value, rules: WriteRules) -> list[WriteExample]:
    source = mapping(value, f"the example `{name}`", _EXAMPLE)
    mutation = text(required(source, "write"), "`write`")
    rule = rules.mutations.get(mutation)
    if rule is None:
        raise source.items["write"].place.error(f"the example `{name}` asks for `{mutation}`, which no rule speaks of")
    told = Mistakes()
    found = [told.of(_case, each, source, name, rule, rules) for each in items(required(source, "cases"), "`cases`")]
    told.done()
    return found


def _case(value: Value, source: Node, name: str, rule: WriteRule, rules: WriteRules) -> WriteExample:
    case = mapping(value, f"a case of `{name}`", _CASE)
    roles = _roles(case if "as" in case.items else source, name, rules)
    human = text(source.items["human"], "`human`") if "human" in source.items else None
    ask = _ask(case, Ask(name, roles, _AT, human=human, functional=_CURRENCY), rule, rules)
    because = text(case.items["because"], "`because`") if "because" in case.items else ""
    expected = text(required(case, "expect"), "`expect`")
    return WriteExample(name, rule.mutation, ask, expected, because, case.place)


def _roles(source: Node, name: str, rules: WriteRules) -> frozenset[str]:
    named = texts(required(source, "as"), "`as`")
    for role in named:
        if role.value not in rules.terms:
            raise role.place.error(f"the example `{name}` has the unknown role `{role.value}`")
    return frozenset(each.value for each in named)


def _ask(case: Node, caller: Ask, rule: WriteRule, rules: WriteRules) -> Ask:
    unknown = _unknown(case, rule, rules)
    yes = texts(case.items["flags"], "`flags`") if "flags" in case.items else []
    for each in yes:
        _one_of(each.value, each.place, rules.flags, "flag")
    figures: dict[str, Money | Decimal] = {
        name: Money(Decimal(0), _CURRENCY) if unit == "money" else Decimal(0) for name, unit in rules.figures.items()
    }
    for name, value, place in _entries(case, "figures"):
        _one_of(name, place, rules.figures.keys() - {"amount"}, "figure")
        figures[name] = _money(value) if rules.figures[name] == "money" else _signed(value)
    totals = {total.key: Decimal(0) for total in rule.totals}
    for name, value, place in _entries(case, "totals"):
        _one_of(name, place, totals, "total")
        totals[name] = amount(value, f"`{name}`")
    flags = {flag: flag in {each.value for each in yes} for flag in rules.flags}
    arr = amount(case.items["arr"], "`arr`") if "arr" in case.items else _ARR
    return replace(
        caller,
        amount=None if "amount" in unknown else _money(case.items.get("amount", Text("0", case.place))),
        figures={name: value for name, value in figures.items() if name != "amount" and name not in unknown},
        flags={name: value for name, value in flags.items() if name not in unknown},
        totals={name: value for name, value in totals.items() if name not in unknown},
        arr=None if "arr" in unknown else arr,
        rates={name: amount(value, f"the rate of `{name}`") for name, value, _ in _entries(case, "rates")},
    )


def _unknown(case: Node, rule: WriteRule, rules: WriteRules) -> set[str]:
    named = texts(case.items["unknown"], "`unknown`") if "unknown" in case.items else []
    for each in named:
        known = {"arr", *rules.figures, *rules.flags, *(total.key for total in rule.totals)}
        _one_of(each.value, each.place, known, "fact")
    return {each.value for each in named}


def _entries(case: Node, key: str) -> list[tuple[str, Value, Place]]:
    return entries(mapping(case.items[key], f"`{key}`")) if key in case.items else []


def _one_of(name: str, place: Place, known: Collection[str], what: str) -> None:
    if name not in known:
        raise place.error(f"unknown {what} `{name}`: one of {', '.join(sorted(known))} is expected")


def _money(value: Value) -> Money:
    written = text(value, "an amount")
    found = re.fullmatch(r"(-?\d+(?:\.\d+)?)(?: ([A-Z]{3}))?", written, re.ASCII)
    if found is None:
        raise value.place.error(f"an amount is `{written}`: `10.00` or `10.00 USD` is expected")
    return Money(Decimal(found[1]), found[2] or _CURRENCY)


def _signed(value: Value) -> Decimal:
    written = text(value, "a figure")
    if re.fullmatch(r"-?\d+(\.\d+)?", written, re.ASCII) is None:
        raise value.place.error(f"a figure is `{written}`: a number such as `10` or `-2.5` is expected")
    return Decimal(written)
