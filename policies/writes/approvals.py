"""Judges an approval: whether this person may give it, for what was frozen when it was asked, now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from policies.principal import person
from policies.writes.ask import NEEDS_APPROVAL, Deed, WriteDecision
from policies.writes.records import APPROVE, WriteRules
from policies.writes.separation import conflicts, conflicts_with

LONGEST_DELEGATION = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Delegation:
    """Roles lent by one person to another from `since` until just before `until`; both are aware instants."""

    giver: str
    receiver: str
    roles: frozenset[str]
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Asked:
    """What waits for approval: who asked it (`human` behind a service), when, on what, and what already happened.

    `digest` is of the evidence as frozen when asked; `approved_by` are the persons who approved so far, `delegations`
    all that were in force at some time since it was asked.
    """

    subject: str
    at: datetime
    digest: str
    human: str | None = None
    documents: frozenset[str] = frozenset()
    operations: frozenset[str] = frozenset()
    approved_by: frozenset[str] = frozenset()
    delegations: tuple[Delegation, ...] = ()


@dataclass(frozen=True, slots=True)
class Holder:
    """A person's own roles when the approval was asked, and now; never those that were lent."""

    roles_then: frozenset[str]
    roles_now: frozenset[str]


@dataclass(frozen=True, slots=True)
class Approving:
    """Who wants to approve: with which roles, having seen the evidence of which digest, attaching what.

    `givers` are the persons who lent roles, by name, with the roles they hold themselves. `signed_in` says that the
    person authenticated for this; an e-mail or a chat link alone is no approval.
    """

    subject: str
    own: Holder
    digest: str
    signed_in: bool
    human: str | None = None
    attached: frozenset[str] = frozenset()
    givers: tuple[tuple[str, Holder], ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the approval counts; `reasons` are stable codes why not, `missing` how many persons it still takes."""

    counts: bool
    reasons: tuple[str, ...]
    missing: int


def approvable(
    rules: WriteRules,
    decision: WriteDecision,
    again: WriteDecision,
    approving: Approving,
    asked: Asked,
    history: Iterable[Deed],
    now: datetime,
) -> Verdict:
    """Whether a person may approve now.

    `decision` is what was decided when it was asked, `again` what the rules of today decide about the same facts of
    today: an approver has to reach it in both. `history` is what the approver did in the last 90 days.
    """
    reasons = tuple(
        dict.fromkeys(
            (
                *_waiting(decision, again, asked, now),
                *_independent(approving, asked, now),
                *_evidence(decision, again, approving, asked),
                *_reach(decision, again, approving, asked, now),
                *_separated(rules, decision, approving, asked, history, now),
            )
        )
    )
    needed = max(decision.persons, again.persons) - len(_spelt(asked.approved_by))
    return Verdict(not reasons, reasons, max(needed - (0 if reasons else 1), 0))


def chain(start: str, delegations: Iterable[Delegation], since: datetime, until: datetime) -> frozenset[str]:
    """Everybody who lent roles to somebody, or was lent some, directly or through others, between two instants."""
    links = [
        {_spelling(each.giver), _spelling(each.receiver)}
        for each in delegations
        if each.since <= until and each.until > since
    ]
    found = {_spelling(start)}
    while any(link & found and not link <= found for link in links):
        found |= {name for link in links if link & found for name in link}
    return frozenset(found)


def _waiting(decision: WriteDecision, again: WriteDecision, asked: Asked, now: datetime) -> Iterator[str]:
    if decision.outcome != NEEDS_APPROVAL:
        yield "NOTHING_TO_APPROVE"
    if again.outcome == "FORBIDDEN":
        yield "FORBIDDEN_NOW"
    if again.mutation != decision.mutation:
        yield "ANOTHER_WRITE"
    if now < asked.at:
        yield "BEFORE_ASKED"
    if decision.lapses is None or now >= asked.at + decision.lapses:
        yield "EXPIRED"


def _independent(approving: Approving, asked: Asked, now: datetime) -> Iterator[str]:
    """Humans are compared, whatever service they come through."""
    approver, asker = person(approving.subject, approving.human), person(asked.subject, asked.human)
    if not approver or not asker:
        yield "PERSON_MISSING"
    if not approving.signed_in:
        yield "NOT_SIGNED_IN"
    if approver == asker:
        yield "REQUESTER"
    elif approver in chain(asker, asked.delegations, asked.at, now):
        yield "DELEGATION_CHAIN"
    before = _spelt(asked.approved_by)
    if approver in before:
        yield "APPROVED_BEFORE"
    elif before & chain(approver, asked.delegations, asked.at, now):
        yield "DELEGATION_CHAIN"


def _evidence(decision: WriteDecision, again: WriteDecision, approving: Approving, asked: Asked) -> Iterator[str]:
    if not asked.digest or approving.digest != asked.digest:
        yield "EVIDENCE_CHANGED"
    if not {*decision.evidence, *again.evidence} <= approving.attached:
        yield "EVIDENCE_MISSING"


def _reach(
    decision: WriteDecision, again: WriteDecision, approving: Approving, asked: Asked, now: datetime
) -> Iterator[str]:
    """The role, and with it the limit, both when it was asked and now; of his own or duly lent."""
    reaching = {each.role for each in decision.approvers}
    if again.outcome == NEEDS_APPROVAL:
        reaching &= {each.role for each in again.approvers}
    held = _roles(approving, asked, now)
    if not reaching & held.roles_then:
        yield "NO_AUTHORITY_WHEN_ASKED"
    if not reaching & held.roles_now:
        yield "NO_AUTHORITY_NOW"
    if reaching & held.roles_then and reaching & held.roles_now and not reaching & held.roles_then & held.roles_now:
        yield "ANOTHER_AUTHORITY_THEN"


def _roles(approving: Approving, asked: Asked, now: datetime) -> Holder:
    """Own roles, and those lent: dated, for 30 days at most, in force then and now, by somebody who holds them."""
    receiver = person(approving.subject, approving.human)
    givers = {_spelling(name): holder for name, holder in approving.givers}
    then, today = set(approving.own.roles_then), set(approving.own.roles_now)
    for each in asked.delegations:
        giver = givers.get(_spelling(each.giver))
        lasting = each.until - each.since
        if giver is None or _spelling(each.receiver) != receiver or not timedelta(0) < lasting <= LONGEST_DELEGATION:
            continue
        then |= each.roles & giver.roles_then if each.since <= asked.at < each.until else set()
        today |= each.roles & giver.roles_now if each.since <= now < each.until else set()
    return Holder(frozenset(then), frozenset(today))


def _separated(
    rules: WriteRules,
    decision: WriteDecision,
    approving: Approving,
    asked: Asked,
    history: Iterable[Deed],
    now: datetime,
) -> Iterator[str]:
    roles = _roles(approving, asked, now).roles_now
    if conflicts(rules, roles):
        yield "ROLES_CONFLICT"
    approver = person(approving.subject, approving.human)
    deed = Deed(approver, decision.rule, APPROVE, now, roles, asked.documents, asked.operations)
    if conflicts_with(rules, deed, history):
        yield "DUTIES_CONFLICT"


def _spelt(names: Iterable[str]) -> frozenset[str]:
    return frozenset(map(_spelling, names))


def _spelling(name: str) -> str:
    return person(name, None)
