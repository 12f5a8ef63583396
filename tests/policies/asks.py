"""Asks to change one fact of, and an order of decisions from loose to strict."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from policies.load import RULES, load_rules
from policies.writes.ask import ALLOWED, FORBIDDEN, Ask, Deed, Money, WriteDecision
from policies.writes.decide import decide
from policies.writes.records import WriteRule

RULES_OF_TODAY = load_rules(RULES).writes
NOON = datetime(2024, 3, 15, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def euro(amount: str | Decimal) -> Money:
    return Money(Decimal(amount), "EUR")


def zero(rule: WriteRule, amount: str | Decimal | Money = "0", **changed: Any) -> Ask:
    """An ask of which everything is stated: nothing, zero and no, and ARR far above every bound."""
    figures: dict[str, Money | Decimal] = {
        name: euro("0") if unit == "money" else Decimal(0) for name, unit in RULES_OF_TODAY.figures.items()
    }
    facts: dict[str, Any] = {
        "subject": "ada",
        "roles": frozenset(),
        "at": NOON,
        "amount": amount if isinstance(amount, Money) else euro(amount),
        "figures": figures,
        "flags": dict.fromkeys(RULES_OF_TODAY.flags, False),
        "functional": "EUR",
        "totals": {total.key: Decimal(0) for total in rule.totals},
        "arr": Decimal("1e12"),
    }
    return Ask(**(facts | changed))


def asked(mutation: str, amount: str | Decimal | Money, *roles: str, **changed: Any) -> WriteDecision:
    """The decision of today's rules about an ask of which everything else is zero and no."""
    rule = RULES_OF_TODAY.mutations[mutation]
    flags: Mapping[str, bool] = dict.fromkeys(RULES_OF_TODAY.flags, False) | changed.pop("flags", {})
    return decide(
        RULES_OF_TODAY, mutation, zero(rule, amount, **{"roles": frozenset(roles), "flags": flags, **changed})
    )


def strictness(decision: WriteDecision) -> int:
    """0 allowed, then by how few may approve, and forbidden last."""
    if decision.outcome == ALLOWED:
        return 0
    if decision.outcome == FORBIDDEN:
        return 1000
    return 100 - len(decision.approvers)


def did(person: str, write: str, act: str = "ask", *, days_ago: float = 1, **changed: Any) -> Deed:
    return Deed(person, write, act, NOON - DAY * days_ago, **changed)
