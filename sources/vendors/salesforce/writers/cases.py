"""Cases of an org that is the support desk: opened once for a key, raised once for a key.

Vendor facts (vendors.md 1.2, 1.7): an escalation is a change of `Priority`, `IsEscalated` and `Status`, a note for
agents alone is a comment that is not published, and a closed case takes changes like any other: we make none.
"""

from __future__ import annotations

import hashlib

import msgspec

from sources.canonical import Priority
from sources.canonical.commands import EscalateCase, OpenCase, PutOrganization, Written
from sources.errors import BadAsk, Contended, Locked
from sources.vendors.salesforce import facts, mapping
from sources.vendors.salesforce.writers import wire
from sources.vendors.salesforce.writers.org import Org, Step, born, said
from sources.vendors.salesforce.writers.outcome import same, written

PRIORITY = {value: raw for raw, value in mapping.PRIORITY.items()} | {Priority.URGENT: "High"}
"""The org's words: it has none above High, and says with `IsEscalated` what is more pressing."""
KIND = {value: raw for raw, value in mapping.KIND.items()}
_RANK = (Priority.LOW, Priority.NORMAL, Priority.HIGH, Priority.URGENT)


class Cases:
    """Cases of one org."""

    def __init__(self, org: Org) -> None:
        self._org = org

    async def party(self, command: PutOrganization, key: str) -> Written:
        """The party of an account's cases is the account: it is there, and nothing is written."""
        if command.plan is not None:
            raise BadAsk("an account's plan follows from its rights: grant one instead", source=self._org.source)
        return written(self._org, await self._org.one(wire.Account, command.account_key), replayed=True)

    # ------------------------------------------------------------ opening

    async def open(self, command: OpenCase, key: str) -> Written:
        """A new case; `party` is the account, `requester` the contact."""
        if command.kind is not None and command.kind not in KIND:
            kinds = ", ".join(KIND)
            raise BadAsk(f"`{command.kind}` is no kind of case here: one of {kinds}", source=self._org.source)
        given = {
            "AccountId": command.party,
            "ContactId": command.requester,
            "Subject": command.subject,
            "Description": command.body,
            "Priority": PRIORITY[command.priority],
            "Type": KIND[command.kind] if command.kind is not None else None,
            "Status": facts.NEW_CASE,
            "Origin": facts.CASE_ORIGIN,
            facts.ASKED: _asked(command),
        }
        made = Step("made", "POST", "/sobjects/Case", {**said(given), **born(command, key)})
        told = await self._org.write("case.create", [made, self._org.back(wire.Case, "@{made.id}")])
        case = self._org.shown(told, wire.Case)
        return written(self._org, case, number=case.CaseNumber, request_id=told.request_id)

    async def found_opened(self, command: OpenCase, key: str) -> Written | None:
        """The case that the change made. Raises Duplicate where it was opened with something else; agents may make of
        it what they like."""
        case = await self._org.made(wire.Case, key)
        if case is None:
            return None
        if case.Gateway_Asked__c:  # where somebody emptied it, nothing can be compared
            same(self._org, "case", found=case.Gateway_Asked__c, asked=_asked(command))
        return written(self._org, case, number=case.CaseNumber, replayed=True)

    # ------------------------------------------------------------ escalating

    async def escalate(self, command: EscalateCase, key: str) -> Written:
        """Raises the priority (never lowers it), marks the case, and says why. Raises Contended where it is not the
        state that was meant, Locked where it is closed."""
        case = await self._org.one(wire.Case, command.case_key)
        if case.has(key):
            return written(self._org, case, number=case.CaseNumber, replayed=True)
        if case.IsClosed:
            raise Locked(f"`{self._org.source}` has case `{case.CaseNumber}` closed", source=self._org.source)
        self._unchanged(case, command)
        has = mapping.word(mapping.PRIORITY, "Case.Priority", case.Priority) if case.Priority else Priority.NORMAL
        given = {
            "Priority": PRIORITY[max(has, command.priority, key=_RANK.index)],
            "IsEscalated": True,
            "Status": facts.ESCALATED,
            "OwnerId": command.group,
        }
        noted = [_note(case, command, key)] if command.note is not None else []
        after, request = await self._org.change(case, said(given), command, key, "case.change", noted)
        return written(self._org, after, number=after.CaseNumber, request_id=request)

    async def found_escalated(self, command: EscalateCase, key: str) -> Written | None:
        """Whether the change is in the case."""
        case = await self._org.one(wire.Case, command.case_key)
        return written(self._org, case, number=case.CaseNumber, replayed=True) if case.has(key) else None

    def _unchanged(self, case: wire.Case, command: EscalateCase) -> None:
        expected = command.expected_updated_at
        if expected is None or mapping.instant("Case.LastModifiedDate", case.LastModifiedDate) == expected:
            return
        raise Contended(
            f"`{self._org.source}` has changed case `{case.CaseNumber}` since: read it again", source=self._org.source
        )


def _asked(command: OpenCase) -> str:
    """What was asked for: what the org shows of a text is not always what was sent."""
    asked = (command.party, command.requester, command.subject, command.body, command.priority, command.kind)
    return hashlib.sha256(msgspec.json.encode(asked)).hexdigest()


def _note(case: wire.Case, command: EscalateCase, key: str) -> Step:
    """A comment for agents alone, whose last line leads back to the operation."""
    reference = facts.REFERENCE.format(operation=command.operation, correlation=command.correlation or "-", key=key)
    body = {"ParentId": case.Id, "CommentBody": f"{command.note}\n\n{reference}", "IsPublished": False}
    return Step("note", "POST", "/sobjects/CaseComment", body)
