"""Who has to approve an order: the write rules are asked as they will be when it is submitted."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import msgspec

from policies.principal import Principal
from policies.writes import NO_WRITES, WriteRules
from policies.writes.ask import FORBIDDEN, Ask, Money, WriteDecision
from policies.writes.decide import decide
from resolvers.validation import amounts
from resolvers.validation.case import Case, lately
from resolvers.validation.checks.catalogue import approved_by_cpq
from resolvers.validation.checks.credit import added_by
from resolvers.validation.checks.terms import is_usual
from resolvers.validation.findings import Check, Finding, Severity, State
from resolvers.validation.order import Kind
from sources import canonical as c

AUTHORITY, ORDERING = "AUTHORITY", "cpq_service"
MUTATIONS = {Kind.NEW: "submitOrder", Kind.AMEND: "amendSubscription", Kind.RENEW: "renewSubscription"}
_TOTAL = "account/30d"
_NEW_CUSTOMER = "new_customer_credit"


class Approval(msgspec.Struct, frozen=True):
    """One approval that is needed: by so many `persons` of a `role`; one of the `others` may approve instead. `amount`
    is what was compared, in the entity's currency; None where it is not known. `reasons` are codes of the write
    rules."""

    rule: str
    role: str
    persons: int
    amount: c.Money | None
    reasons: tuple[str, ...]
    others: tuple[str, ...] = ()


class Authority(msgspec.Struct, frozen=True):
    """What the rules say of submitting an order."""

    check: Check
    findings: tuple[Finding, ...] = ()
    approvals: tuple[Approval, ...] = ()


def authority(case: Case, principal: Principal, rules: Any) -> Authority:
    """The rules' word, for whoever asks; for one who may not submit it, as whoever may."""
    writes: WriteRules = getattr(rules, "writes", NO_WRITES)
    mutation = MUTATIONS[case.order.kind]
    rule = writes.mutations.get(mutation)
    if rule is None:
        return _unknown(f"nothing is written about who may `{mutation}`")
    if case.totals is None or case.entity is None:
        return _unknown("what the order comes to in the company's own currency is not known")
    decision = decide(writes, mutation, _ask(case, _asking(principal, rule.asks)))
    if decision.outcome == FORBIDDEN:
        return _forbidden(decision)
    check = Check(AUTHORITY, State.PASSED, "rules", case.now, _stated_approval(case))
    return Authority(check, (), (*_first(decision, case), *_credit(case)))


def _stated_approval(case: Case) -> str | None:
    """Whose word in CPQ stands for an approval of ours, where it does."""
    approval = case.order.quote.approval if case.order.quote is not None else None
    if approval is None or case.totals is None or case.totals.discount <= 0 or not approved_by_cpq(case):
        return None
    return f"CPQ says that `{approval.approver.strip()}` approved up to {approval.discount_limit} per cent"


def _unknown(why: str) -> Authority:
    finding = Finding(Severity.UNVERIFIED, AUTHORITY, "", why, "rules", None, "mend what else is wrong first")
    return Authority(Check(AUTHORITY, State.UNVERIFIED, "rules", None, why), (finding,))


def _forbidden(decision: WriteDecision) -> Authority:
    said = tuple(
        Finding(Severity.ERROR, AUTHORITY, "", f"it may not be submitted: {each.code} ({each.about})", "rules", None,
                f"see line {each.line} of {each.file}")
        for each in decision.reasons
    )  # fmt: skip
    return Authority(Check(AUTHORITY, State.FAILED, "rules"), said)


def _asking(principal: Principal, asks: Container[str]) -> Principal:
    """Who asks, in the roles that may; one who has none of them is judged like a service that acts for him."""
    roles = frozenset(role for role in principal.roles if role in asks)
    if roles:
        return replace(principal, roles=roles)
    return replace(principal, roles=frozenset({ORDERING}), human=principal.human or principal.subject)


def _ask(case: Case, principal: Principal) -> Ask:
    """What is stated. What is not known is left out, which is never in an order's favour."""
    entity, totals = case.entity, case.totals
    if entity is None or totals is None:
        raise ValueError("an order is asked for once it has a price and an entity")
    amount, usual = added_by(case), is_usual(case)
    figures: dict[str, Money | Decimal] = {"discount": Decimal(0) if approved_by_cpq(case) else totals.discount}
    if case.order.kind is not Kind.NEW:
        figures |= _changes(case)
    flags = {"backdated": case.start_on < case.today and case.order.kind is not Kind.RENEW}
    if usual is not None:
        flags["non_standard_terms"] = not usual
    earlier = _earlier(case, entity.currency)
    return Ask(
        subject=principal.subject,
        roles=principal.roles,
        at=case.now,
        human=principal.human,
        amount=_stated(amount) if amount is not None else None,
        figures=figures,
        flags=flags,
        functional=entity.currency,
        rates={currency: each.rate for currency, each in case.rates.items()},
        totals={_TOTAL: earlier} if earlier is not None else {},
    )


def _changes(case: Case) -> Mapping[str, Money | Decimal]:
    """How far recurring revenue falls, and what is credited. What is not known is not stated."""
    found: dict[str, Money | Decimal] = {}
    before, totals = case.mrr_before, case.totals
    if before is not None and totals is not None and before.currency == totals.mrr.currency:
        fall = before.minor - totals.mrr.minor
        found["mrr_fall"] = Decimal(max(fall, 0) * 100) / Decimal(before.minor) if before.minor > 0 else Decimal(0)
    if case.order.kind is Kind.RENEW:
        found["credit"] = _stated(c.Money.zero(case.order.currency))
    elif case.proration is not None:
        found["credit"] = _stated(case.proration.credit)
    return {name: round(each, 6) if isinstance(each, Decimal) else each for name, each in found.items()}


def _stated(amount: c.Money) -> Money:
    return Money(amount.amount, amount.currency)


def _earlier(case: Case, functional: str) -> Decimal | None:
    """What the account ordered in the 30 days before, in the entity's currency; None where that cannot be told."""
    orders = case.facts.orders
    if orders.trouble is not None:
        return None
    ordered = [each.total for each in lately(orders, case.now)]
    known = [_worth(case, each, functional) for each in ordered if each is not None]
    told = [each for each in known if each is not None]
    return sum(told, Decimal(0)) if len(told) == len(ordered) else None


def _worth(case: Case, amount: c.Money, functional: str) -> Decimal | None:
    """An amount in the entity's currency, exactly; None without a rate."""
    if amount.currency == functional:
        return amount.amount
    rate = case.rates.get(amount.currency)
    return amount.amount * rate.rate if rate is not None else None


def _first(decision: WriteDecision, case: Case) -> tuple[Approval, ...]:
    if not decision.approvers:
        return ()
    first, *others = decision.approvers
    amount = _money(decision.judged, case)
    reasons = tuple(dict.fromkeys(f"{each.code}:{each.about}" for each in decision.reasons))
    return (Approval(decision.rule, first.role, first.persons, amount, reasons, tuple(each.role for each in others)),)


def _money(amount: Decimal | None, case: Case) -> c.Money | None:
    """What was compared, exactly; half up to the minor unit where a rate left more digits."""
    if amount is None or case.entity is None or not c.sensible(amount):
        return None
    return amounts.money(Fraction(amount), case.entity.currency)


def _credit(case: Case) -> tuple[Approval, ...]:
    """Who is no customer of the ERP has no limit there: beyond a small order somebody decides on one."""
    if case.totals is None or case.entity is None or not needs_credit(case):
        return ()
    amount = case.converted(case.totals.total, case.entity.currency)
    return (Approval(_NEW_CUSTOMER, "credit_manager", 1, amount, ("NEW_CUSTOMER:amount",)),)


def needs_credit(case: Case) -> bool:
    """Whether somebody has to decide on the credit of who is no customer of the ERP yet."""
    if case.payer is not None or case.facts.profiles.trouble is not None or case.totals is None:
        return False
    total, entity = case.totals.total, case.entity
    if case.profile is not None or entity is None or case.order.parties.payer_key is not None:
        return False
    worth = _worth(case, total, entity.currency)
    return worth is None or worth > case.rules.new_customer_credit
