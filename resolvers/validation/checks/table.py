"""Every check there is, in the order in which an answer tells them."""

from __future__ import annotations

import asyncio
from collections.abc import Container, Iterable

from resolvers.validation.case import AT_ONCE, Case
from resolvers.validation.checks import catalogue, changes, credit, parties, tax, terms
from resolvers.validation.checks.rule import Rule, checked
from resolvers.validation.findings import Check, Finding

RULES: tuple[Rule, ...] = (
    *parties.RULES,
    *terms.RULES,
    *catalogue.RULES,
    *changes.RULES,
    *credit.RULES,
    *tax.RULES,
)
CODES = frozenset(rule.code for rule in RULES)
ALWAYS = frozenset(rule.code for rule in RULES if rule.always)
_FRAME = frozenset({"accounts", "entities", "profiles", "prices", "products", "rates", "subscription", "contracts"})
"""Facts that an order is not understood without: days, entity, who pays, prices, what a currency is worth."""


def wanted(skipped: Container[str]) -> frozenset[str]:
    """The facts that the checks need which are not `skipped`."""
    return _FRAME.union(*(rule.needs for rule in _made(skipped)))


async def examine(case: Case, skipped: Container[str]) -> tuple[list[Check], list[Finding]]:
    """All checks but those that are `skipped`. Of a large order others get their turn after each check."""
    checks: list[Check] = []
    findings: list[Finding] = []
    for rule in _made(skipped):
        if len(case.lines) > AT_ONCE:
            await asyncio.sleep(0)
        check, found = checked(rule, case)
        checks.append(check)
        findings += found
    return checks, findings


def _made(skipped: Container[str]) -> Iterable[Rule]:
    return (rule for rule in RULES if rule.code not in skipped)
