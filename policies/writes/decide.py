"""Decides a write: allowed, needs approval and by whom, or forbidden; always with the rule, its line and reasons."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from policies.writes.ask import ALLOWED, FORBIDDEN, NEEDS_APPROVAL, Approver, Ask, Deed, Reason, WriteDecision
from policies.writes.judge import Judged, judged, outside, reason, usable
from policies.writes.records import ASK, Bounds, Step, WriteRule, WriteRules
from policies.writes.separation import conflicts, conflicts_with


def decide(rules: WriteRules, mutation: str, ask: Ask) -> WriteDecision:
    """The decision about one use of a mutation; a mutation without a rule is forbidden."""
    rule = rules.mutations.get(mutation)
    if rule is None:
        nowhere = reason("NO_RULE", mutation, rules.place)
        return WriteDecision(FORBIDDEN, "", mutation, rules.place.file, rules.place.line, (nowhere,))
    refusals = tuple(_refusals(rules, rule, ask))
    if refusals:
        return _decision(FORBIDDEN, rule, refusals)
    figures = judged(rule, rules.figures, ask)
    reasons = _alone(rule, figures, ask)
    amount = figures.approver["amount"]
    if not reasons:
        return _decision(ALLOWED, rule, (), judged=amount)
    reaching = [step for step in rule.approval if not any(outside(step.bounds, figures.approver, ask, ""))]
    if not reaching:
        return _decision(FORBIDDEN, rule, (*reasons, reason("NOBODY_APPROVES", rule.id, rule.place)))
    return _decision(NEEDS_APPROVAL, rule, reasons, tuple(map(_approver, reaching)), amount)


def _refusals(rules: WriteRules, rule: WriteRule, ask: Ask) -> Iterator[Reason]:
    """Why it is not done at all."""
    if not ask.person:
        yield reason("PERSON_MISSING", ask.subject, rule.place)
    if ask.human is None and ask.roles & rules.services:
        yield reason("PERSON_MISSING", min(ask.roles & rules.services), rule.place)
    if not ask.roles & rule.asks.keys():
        yield reason("ROLE_MAY_NOT_ASK", ", ".join(sorted(ask.roles)), rule.place)
    if ask.amount is not None and (not usable(ask.amount.amount) or ask.amount.amount < 0):
        yield reason("AMOUNT_INVALID", "amount", rule.place)
    for flag in sorted(ask.flags.keys() - rules.flags):
        yield reason("UNKNOWN_FACT", flag, rules.place)
    for name in sorted(ask.figures.keys() - rules.figures.keys()):
        yield reason("UNKNOWN_FACT", name, rules.place)
    for condition in rule.refused:
        if ask.flags.get(condition.flag, condition.value) is condition.value:
            yield reason("REFUSED", str(condition), condition.place)
    for pair in conflicts(rules, ask.roles):
        yield reason("ROLES_CONFLICT", str(pair), pair.place)
    deed = Deed(ask.person, rule.id, ASK, ask.at, ask.roles, ask.documents, ask.operations)
    for pair in conflicts_with(rules, deed, ask.history):
        yield reason("DUTIES_CONFLICT", str(pair), pair.place)


def _alone(rule: WriteRule, figures: Judged, ask: Ask) -> tuple[Reason, ...]:
    """What keeps whoever asks from acting alone: nothing, or the shortest list among the roles that may ask."""
    found = []
    for role in sorted(ask.roles & rule.asks.keys()):
        alone = rule.asks[role]
        found.append((*_beyond(rule, role, alone, figures, ask), *figures.reasons))
    return min(found, key=len)


def _beyond(rule: WriteRule, role: str, alone: Bounds | None, figures: Judged, ask: Ask) -> tuple[Reason, ...]:
    if alone is None:
        return (reason("ALWAYS_APPROVED", role, rule.place),)
    return tuple(outside(alone, figures.alone, ask, figures.amount_reason))


def _approver(step: Step) -> Approver:
    up_to = step.bounds.figures.get("amount")
    return Approver(step.role, step.persons, up_to, step.evidence, step.place.file, step.place.line)


def _decision(
    outcome: str,
    rule: WriteRule,
    reasons: tuple[Reason, ...],
    approvers: tuple[Approver, ...] = (),
    judged: Decimal | None = None,
) -> WriteDecision:
    return WriteDecision(
        outcome, rule.id, rule.mutation, rule.place.file, rule.place.line, reasons, approvers, judged, rule.expires
    )
