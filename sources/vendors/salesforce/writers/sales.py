"""Accounts, deals, contracts and rights: single records, made or changed.

Vendor facts (vendors.md 1.2): a contract's last day is reckoned from its first and a whole number of months, and it is
activated only once it is there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, TypeVar
from urllib.parse import quote

from sources.canonical import Lifecycle, Restriction
from sources.canonical.commands import (
    ChangeOpportunity,
    Command,
    DropRight,
    EndRight,
    GrantRight,
    LinkRight,
    PutAccount,
    SetContract,
    Written,
)
from sources.errors import BadAsk, Contended, Missing, Rejected, UnknownValue
from sources.vendors.salesforce import facts, mapping
from sources.vendors.salesforce.settings import SalesforceSettings
from sources.vendors.salesforce.writers import wire
from sources.vendors.salesforce.writers.months import whole_months
from sources.vendors.salesforce.writers.org import Org, Step, born, said
from sources.vendors.salesforce.writers.outcome import same, written

S = TypeVar("S", bound=wire.Stamped)
_TEXTS = {
    "name": "Name", "industry": "Industry", "country": "BillingCountry", "domain": "Website",
    "owner_notes": "Description", "parent_key": "ParentId", "owner": "OwnerId",
    "external_ids.BILLING": facts.BILLING_ID, "external_ids.ERP": facts.ERP_ID,
}  # fmt: skip
_WORDS: Mapping[str, tuple[str, Mapping[Any, str]]] = {
    "lifecycle": (facts.STATUS, {value: raw for raw, value in mapping.LIFECYCLE.items()}),
    "restrictions": (facts.RESTRICTION, {value: raw for raw, value in mapping.RESTRICTION.items()}),
}
_KINDS: Mapping[str, type[Lifecycle] | type[Restriction]] = {"lifecycle": Lifecycle, "restrictions": Restriction}


class Sales:
    """Single records of one org."""

    def __init__(self, org: Org, settings: SalesforceSettings) -> None:
        self._org, self._regions = org, {ours: theirs for theirs, ours in settings.regions.items()}

    # ------------------------------------------------------------ accounts

    async def put_account(self, command: PutAccount, key: str) -> Written:
        """A new account, or other values of one."""
        given = dict(self._field(name, value) for name, value in command.fields.items())
        if command.account_key is None:
            return await self._make(wire.Account, given, command, key)
        before = await self._org.one(wire.Account, command.account_key)
        if before.has(key):
            return written(self._org, before, replayed=True)
        if command.expected_updated_at is not None:
            self._unchanged(before, command.expected_updated_at)
        return await self._change(before, given, command, key)

    def _unchanged(self, before: wire.Account, expected: str) -> None:
        at = mapping.instant("Account.LastModifiedDate", before.LastModifiedDate)
        try:
            wanted = mapping.instant("expected_updated_at", expected)
        except UnknownValue:
            raise BadAsk(f"`{expected}` is no instant: ISO 8601 is expected", source=self._org.source) from None
        if at != wanted:
            raise Contended(
                f"`{self._org.source}` has changed the account since it was read: read it again",
                source=self._org.source,
            )

    def _field(self, name: str, value: str | None) -> tuple[str, str | None]:
        """A canonical attribute and its value as the org's. Raises BadAsk for what an account does not have."""
        if name in _TEXTS:
            return _TEXTS[name], value
        if name == "region":
            region = self._regions.get(value or "") if self._regions else value
            if value is not None and region is None:
                raise BadAsk("no word of the org is mapped to this region", source=self._org.source)
            return facts.REGION, region
        if name not in _WORDS:
            known = ", ".join(sorted([*_TEXTS, *_WORDS, "region"]))
            raise BadAsk(
                f"an account's `{name}` cannot be written: one of {known} is expected", source=self._org.source
            )
        field, words = _WORDS[name]
        if value is None:
            return field, None
        if value not in list(_KINDS[name]) or _KINDS[name](value) not in words:
            raise BadAsk(f"this cannot be written as the `{name}` of an account", source=self._org.source)
        return field, words[_KINDS[name](value)]

    # ------------------------------------------------------------ deals

    async def change_opportunity(self, command: ChangeOpportunity, key: str) -> Written:
        """Where a deal stands."""
        before = await self._org.one(wire.Opportunity, command.opportunity_key)
        if before.has(key):
            return written(self._org, before, replayed=True)
        if command.amount is not None and command.amount.currency != before.CurrencyIsoCode:
            raise Rejected(
                f"the deal is in {before.CurrencyIsoCode}, and an amount in {command.amount.currency} is none of it",
                source=self._org.source,
            )
        amount = command.amount.amount if command.amount is not None else None
        stage = command.stage
        if stage is None and command.won is not None:
            stage = facts.WON if command.won else facts.LOST
        given = {"StageName": stage, "Amount": amount, "CloseDate": command.close_on}
        return await self._change(before, said(given), command, key)

    # ------------------------------------------------------------ contracts

    async def set_contract(self, command: SetContract, key: str) -> Written:
        """A new contract, or another term and status of one."""
        if command.contract_key is None:
            given = self._term(command, command.start_on)
            if command.active is False:
                raise BadAsk("a new contract cannot be a terminated one", source=self._org.source)
            given |= {"AccountId": command.account_key, "Status": facts.DRAFT}
            activation = Step("activation", "PATCH", "/sobjects/Contract/@{made.id}", {"Status": facts.ACTIVATED})
            return await self._make(wire.Contract, given, command, key, [activation] if command.active else [])
        before = await self._org.one(wire.Contract, command.contract_key)
        if before.has(key):
            return written(self._org, before, number=before.ContractNumber, replayed=True)
        if before.AccountId != command.account_key:
            raise Rejected(f"`{self._org.source}` has this contract with another account", source=self._org.source)
        given = self._term(command, mapping.day("Contract.StartDate", before.StartDate))
        status = facts.ACTIVATED if command.active else facts.TERMINATED
        if command.active is not None and before.StatusCode != status:
            given["Status"] = status
        return await self._change(before, given, command, key)

    def _term(self, command: SetContract, start: date | None) -> dict[str, Any]:
        """The first day and the months of a term. Raises BadAsk for one that does not end with a month of its own."""
        start = command.start_on or start
        given: dict[str, Any] = {"StartDate": command.start_on, "Subscription_Id__c": command.subscription_key}
        if command.end_on is not None:
            months = whole_months(start, command.end_on) if start is not None else None
            if months is None:
                raise BadAsk(
                    f"a contract from {start or 'an unknown day'} cannot end on {command.end_on}: whole months are "
                    "expected",
                    source=self._org.source,
                )
            given["ContractTerm"] = months
        return said(given)

    # ------------------------------------------------------------ rights

    async def grant(self, command: GrantRight, key: str) -> Written:
        """A new right."""
        given = {
            "AccountId": command.account_key,
            "Name": command.name,
            "Support_Plan__c": command.tier,
            "StartDate": command.start_on,
            "EndDate": command.end_on,
            "IsPerIncident": command.incidents is not None,
            "CasesPerEntitlement": command.incidents,
            "RemainingCases": command.incidents,
            "Subscription_Id__c": command.subscription_key,
        }
        return await self._make(wire.Entitlement, said(given), command, key)

    async def link(self, command: LinkRight, key: str) -> Written:
        """The subscription that a right comes with."""
        before = await self._org.one(wire.Entitlement, command.entitlement_key)
        if before.has(key):
            return written(self._org, before, replayed=True)
        return await self._change(before, {"Subscription_Id__c": command.subscription_key}, command, key)

    async def drop(self, command: DropRight, key: str) -> Written:
        """Deletes a right that has not begun: an end before its first day is none that the org would take. One that has
        ends today."""
        gone = await self.found_drop(command, key)
        if gone is not None:
            return gone
        right = await self._org.one(wire.Entitlement, command.entitlement_key)
        if right.Status != facts.NOT_BEGUN:
            last = max(datetime.now(UTC).date(), date.fromisoformat(right.StartDate or date.min.isoformat()))
            return await self._change(right, {"EndDate": last}, command, key)
        path = f"/sobjects/Entitlement/{quote(right.Id, safe='')}"
        told = await self._org.write("entitlement.drop", [Step("gone", "DELETE", path)])
        return written(self._org, right, request_id=told.request_id)

    async def end(self, command: EndRight, key: str) -> Written:
        """The last day of a right."""
        before = await self._org.one(wire.Entitlement, command.entitlement_key)
        if before.has(key):
            return written(self._org, before, replayed=True)
        return await self._change(before, {"EndDate": command.end_on}, command, key)

    # ------------------------------------------------------------ what became of it

    async def found_account(self, command: PutAccount, key: str) -> Written | None:
        """Whether the change is in the account, or made one."""
        return await self._found(wire.Account, command.account_key, key, None)

    async def found_opportunity(self, command: ChangeOpportunity, key: str) -> Written | None:
        """Whether the change is in the deal."""
        return await self._found(wire.Opportunity, command.opportunity_key, key, None)

    async def found_contract(self, command: SetContract, key: str) -> Written | None:
        """Whether the change is in the contract, or made one."""
        return await self._found(wire.Contract, command.contract_key, key, command.account_key)

    async def found_right(self, command: GrantRight, key: str) -> Written | None:
        """The right that the change made."""
        return await self._found(wire.Entitlement, None, key, command.account_key)

    async def found_link(self, command: LinkRight, key: str) -> Written | None:
        """Whether the change is in the right."""
        return await self._found(wire.Entitlement, command.entitlement_key, key, None)

    async def found_drop(self, command: DropRight, key: str) -> Written | None:
        """Whether the right is gone or over, whoever deleted or ended it."""
        try:
            right = await self._org.one(wire.Entitlement, command.entitlement_key)
        except Missing:
            at = datetime.now(UTC)
            return Written(source=self._org.source, key=command.entitlement_key, at=at, replayed=True)
        over = right.has(key) or right.Status == facts.OVER
        return written(self._org, right, replayed=True) if over else None

    async def found_end(self, command: EndRight, key: str) -> Written | None:
        """Whether the change is in the right."""
        return await self._found(wire.Entitlement, command.entitlement_key, key, None)

    async def _found(self, shape: type[S], record: str | None, key: str, account: str | None) -> Written | None:
        """`record` None: the one that was made, which is then `account`'s."""
        found = await self._org.made(shape, key) if record is None else await self._org.one(shape, record)
        if found is None or not found.has(key):
            return None
        if account is not None:
            same(self._org, shape.__name__.lower(), found=getattr(found, "AccountId", None), asked=account)
        return written(self._org, found, number=_number(found), replayed=True)

    async def _make(
        self, shape: type[S], given: Mapping[str, Any], command: Command, key: str, more: Sequence[Step] = ()
    ) -> Written:
        made = Step("made", "POST", f"/sobjects/{shape.__name__}", {**given, **born(command, key)})
        steps = [made, *more, self._org.back(shape, "@{made.id}")]
        told = await self._org.write(f"{shape.__name__.lower()}.create", steps)
        record = self._org.shown(told, shape)
        return written(self._org, record, number=_number(record), request_id=told.request_id)

    async def _change(self, before: wire.Stamped, given: Mapping[str, Any], command: Command, key: str) -> Written:
        operation = f"{type(before).__name__.lower()}.change"
        after, request = await self._org.change(before, given, command, key, operation)
        return written(self._org, after, number=_number(after), request_id=request)


def _number(record: wire.Stamped) -> str | None:
    return record.ContractNumber if isinstance(record, wire.Contract) else None
