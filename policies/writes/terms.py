"""What the forbidden pairs know of a role or of something that was done: names of roles, duties and acts."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from policies.writes.records import ANY_WRITE, APPROVE, ASK, BUSINESS_WRITE, WriteRule

BUILT_IN = frozenset({ASK, APPROVE, ANY_WRITE, BUSINESS_WRITE})


def asking(rule: WriteRule) -> frozenset[str]:
    """What it is to ask for a write; giving an approval is not asking, rejecting is no approval of the write."""
    if rule.duty == APPROVE:
        return frozenset({APPROVE, ANY_WRITE})
    return frozenset({ASK, rule.duty, ANY_WRITE} | (set() if rule.desk else {BUSINESS_WRITE}))


def approving(rule: WriteRule) -> frozenset[str]:
    """What it is to approve a write."""
    return frozenset({APPROVE, ANY_WRITE, f"{rule.duty}_approval"})


def terms_of(rules: Iterable[WriteRule], roles: Collection[str]) -> dict[str, frozenset[str]]:
    """Of every role: its own name, and all that it may ask and approve."""
    found: dict[str, set[str]] = {role: {role} for role in roles}
    for rule in rules:
        for role in rule.asks:
            found[role] |= asking(rule)
        for step in rule.approval:
            found[step.role] |= approving(rule)
    return {role: frozenset(terms) for role, terms in found.items()}
