"""One check: what it is called, which facts it needs, when it applies, what it says."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from resolvers.validation.case import Case
from resolvers.validation.facts import troubles
from resolvers.validation.findings import Check, Finding, Remark, Severity, State, severity_of


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """`needs` are names of Facts. `judge` says what is certainly wrong, or that it cannot tell; it never takes a fact
    that could not be read for one that is not there. `idle` says why it does not apply, None where it does. `always`:
    it is made again when the order is submitted, whatever was validated before."""

    code: str
    needs: tuple[str, ...]
    judge: Callable[[Case], Iterable[Remark]]
    idle: Callable[[Case], str | None] = lambda _case: None
    always: bool = False


def checked(rule: Rule, case: Case) -> tuple[Check, list[Finding]]:
    """A check made. A certain error stands, whatever else is missing; without one, what is missing leaves it open."""
    facts = [getattr(case.facts, name) for name in rule.needs]
    asked = [each for each in facts if each.asked]
    source = asked[0].source if asked else ("request" if not facts else facts[0].system)
    as_of = min((each.as_of for each in asked if each.as_of is not None), default=None)
    reason = case.rules.not_applicable.get(rule.code) or rule.idle(case)
    if reason is not None:
        return Check(rule.code, State.NOT_APPLICABLE, source, None, reason), []
    missing = troubles(asked)
    remarks = list(rule.judge(case))
    findings = [
        Finding(severity_of(each), rule.code, _path(each), each.message, source, as_of, each.fix)
        for each in remarks
        if not (missing and each.doubt)
    ]
    if any(each.severity is Severity.ERROR for each in findings):
        return Check(rule.code, State.FAILED, source, as_of), findings
    if missing:
        findings += [Finding(Severity.UNVERIFIED, rule.code, "", why, at, as_of, fix) for at, why, fix in missing]
        return Check(rule.code, State.UNVERIFIED, missing[0][0], as_of, missing[0][1]), findings
    doubts = [each.message for each in remarks if each.doubt]
    if doubts:
        return Check(rule.code, State.UNVERIFIED, source, as_of, doubts[0]), findings
    return Check(rule.code, State.PASSED, source, as_of), findings


def _path(remark: Remark) -> str:
    return ".".join(map(str, remark.path))
