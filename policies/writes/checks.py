"""Looks at the write rules as a whole: what can never happen, and approvers who cannot exist."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from policies.writes.bounds import Words
from policies.writes.records import APPROVE, PERSON, ROLES, Bounds, Pair, Step, WriteRule, WriteRules
from policies.writes.terms import approving
from policies.yaml import Mistakes, Place, RuleError


def check(rules: WriteRules, words: Words, duties: Mapping[str, Place]) -> None:
    """What only shows in the whole; raises RuleErrors with every mistake."""
    told = Mistakes()
    told.add(_each_mutation_once(rules))
    for rule in rules.writes.values():
        for step in rule.approval:
            told.of(_approver_exists, rules, rule, step)
    told.add(_no_role_holds_a_pair(rules))
    told.add(_every_word_is_used(rules, words, duties))
    told.done()


def check_alone(rule: WriteRule) -> None:
    """What shows in one rule; raises RuleErrors with every mistake."""
    told = Mistakes()
    for each in (_approved_by_somebody, _rises, _reached, _parts_count_as_one):
        told.of(each, rule)
    told.done()


def _each_mutation_once(rules: WriteRules) -> Iterator[RuleError]:
    seen: dict[str, WriteRule] = {}
    for rule in rules.writes.values():
        if rule.mutation in seen:
            yield rule.place.error(
                f"the mutation `{rule.mutation}` has the rule `{seen[rule.mutation].id}` already: keep one of them"
            )
        seen[rule.mutation] = rule


def _approved_by_somebody(rule: WriteRule) -> None:
    """Whoever may not do everything alone has somebody to ask, for any amount and before some time."""
    always_alone = not rule.totals and all(alone is not None and alone.open for alone in rule.asks.values())
    if not rule.approval and not always_alone:
        raise rule.place.error(f"the write `{rule.id}` needs approval and names nobody who gives it: add `approval`")
    if rule.approval and always_alone:
        raise _never_reached(rule, rule.approval[0], "everybody who asks acts alone, delete it")
    if rule.approval and not rule.approval[-1].bounds.open:
        raise rule.approval[-1].place.error(
            f"nobody approves the write `{rule.id}` beyond its last step: add a step without bounds"
        )
    if rule.approval and rule.expires is None:
        raise rule.place.error(f"the write `{rule.id}` lacks `expires`: say when an approval lapses, such as `24h`")
    if rule.expires is not None and not rule.approval:
        raise rule.place.error(f"the write `{rule.id}` has `expires` but no `approval`: delete it")
    outside = [role for role in (step.role for step in rule.approval) if role not in rule.asks]
    if rule.approval and not outside:
        only = rule.approval[-1]
        raise only.place.error(
            f"the role `{only.role}` asks for the write `{rule.id}` and is the only one that approves it: "
            "add a step of a role that does not ask"
        )


def _rises(rule: WriteRule) -> None:
    for one, other in zip(rule.approval, rule.approval[1:], strict=False):
        if one.bounds.covers(other.bounds):
            raise _never_reached(rule, other, "order `approval` from the narrowest bounds to the widest")
        if not other.bounds.covers(one.bounds):
            raise other.place.error(
                f"the step `{other.role}` of the write `{rule.id}` does not reach all that the step before it reaches: "
                "make it as wide in every figure and flag"
            )


def _reached(rule: WriteRule) -> None:
    """A first step that everybody who asks outdoes alone is never asked, unless totals lead to it."""
    if not rule.approval or any(not total.joins for total in rule.totals):
        return
    first = rule.approval[0]
    if all(_covers(alone, first.bounds) for alone in rule.asks.values()):
        raise _never_reached(rule, first, "everybody who asks does as much alone, widen or delete it")


def _covers(alone: Bounds | None, other: Bounds) -> bool:
    return alone is not None and alone.covers(other)


def _never_reached(rule: WriteRule, step: Step, cure: str) -> Exception:
    return step.place.error(f"the step `{step.role}` of the write `{rule.id}` is never reached: {cure}")


def _parts_count_as_one(rule: WriteRule) -> None:
    """Where an amount is bounded, asking for it in parts must not help."""
    reaches = [*rule.asks.values(), *(step.bounds for step in rule.approval)]
    bounded = any(reach is not None and "amount" in reach.figures for reach in reaches)
    if bounded and not any(total.joins for total in rule.totals):
        raise rule.place.error(
            f"the write `{rule.id}` bounds `amount` but not what is asked for in parts: "
            "add a total without a bound, such as `{per: account, within: 30d}`"
        )
    keys = [total.key for total in rule.totals]
    for place, total in enumerate(rule.totals):
        if total.key in keys[:place]:
            raise total.place.error(f"the write `{rule.id}` has the total `{total.key}` twice: keep one of them")


def _approver_exists(rules: WriteRules, rule: WriteRule, step: Step) -> None:
    giving = rules.mutations.get(APPROVE)
    if giving is None or step.role not in giving.asks:
        raise step.place.error(
            f"the role `{step.role}` approves the write `{rule.id}` but may not use the mutation `approve`: "
            "list it there, under `desk`"
        )
    if step.role in rules.services:
        raise step.place.error(
            f"the role `{step.role}` approves the write `{rule.id}` but is a service: name a role of persons"
        )
    for pair in rules.pairs:
        if pair.scope in (PERSON, ROLES) and _excludes(pair, step.role, approving(rule)):
            raise step.place.error(
                f"the role `{step.role}` can never approve the write `{rule.id}`: `{pair}` are forbidden together "
                f"in {pair.place.file}:{pair.place.line}"
            )


def _excludes(pair: Pair, role: str, terms: frozenset[str]) -> bool:
    return (pair.one == role and pair.other in terms) or (pair.other == role and pair.one in terms)


def _no_role_holds_a_pair(rules: WriteRules) -> Iterator[RuleError]:
    for pair in rules.pairs:
        for role, terms in rules.terms.items():
            if pair.scope in (PERSON, ROLES) and {pair.one, pair.other} <= terms:
                yield pair.place.error(
                    f"nobody can have the role `{role}`: it holds both of `{pair}`, which are forbidden together; "
                    "take one from it, or forbid them `of: document`"
                )


def _every_word_is_used(rules: WriteRules, words: Words, duties: Mapping[str, Place]) -> Iterator[RuleError]:
    used: set[str] = set()
    for rule in rules.writes.values():
        used |= {each.flag for each in rule.refused}
        for reach in (*rule.asks.values(), *(step.bounds for step in rule.approval)):
            used |= set() if reach is None else {*reach.figures, *reach.needs, *reach.unless}
    for name, place in words.places.items():
        if name not in used:
            yield place.error(f"no write speaks of `{name}`: delete it, or use it")
    held = {rule.duty for rule in rules.writes.values()}
    for name, place in duties.items():
        if name not in held:
            yield place.error(f"no write has the duty `{name}`: delete it, or list it under `outside`")
