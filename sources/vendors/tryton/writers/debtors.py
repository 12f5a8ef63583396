"""Parties: found by the account's key or made, and what credit they have."""

from __future__ import annotations

from typing import Any

from sources.canonical.commands import PutDebtor, SetCredit, Written
from sources.errors import Rejected
from sources.vendors.tryton import facts
from sources.vendors.tryton.mapping import code_of, money
from sources.vendors.tryton.values import encoded, made, present
from sources.vendors.tryton.wire import Named
from sources.vendors.tryton.writers.desk import Desk

_ADDRESS = {"line1": "street_unstructured", "postal_code": "postal_code", "city": "city"}


class Debtors:
    """The parties of one database, as one company sells to them."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    # ------------------------------------------------------------ found or made

    async def put(self, command: PutDebtor, key: str) -> Written:
        """The party whose code is the account's key: Tryton keeps codes unique. One that is there stays as it is."""
        desk = self._desk
        company = await desk.company(command.legal_entity)
        if code_of(company.currency, "company.currency") != command.currency:
            message = f"keeps parties in {company.currency.code}, not in {command.currency}"
            raise Rejected(f"`{desk.source}` {message}", source=desk.source)
        found = await self.find_put(command, key)
        if found is not None:
            return found
        party = {
            "name": command.name,
            "code": command.account_key,
            "addresses": made(await self._address(command)),
            **present(
                customer_payment_term=await self._terms(command.terms),
                contact_mechanisms=made({"type": "email", "value": command.email}) if command.email else None,
                identifiers=made({"code": command.tax_number}) if command.tax_number else None,
            ),
        }
        try:
            number = await desk.client.create(facts.PARTY, encoded(party))
        except Rejected:
            found = await self.find_put(command, key)  # somebody was faster: the code is taken
            if found is None:
                raise
            return found
        return self._told(number, replayed=False)

    async def find_put(self, command: PutDebtor, _key: str) -> Written | None:
        """The party, if it is there."""
        domain, everybody = [["code", "=", command.account_key]], {"active_test": False}
        found = await self._desk.client.search(Named, facts.PARTY, domain, ("code",), limit=1, context=everybody)
        return self._told(found[0].id, replayed=True) if found else None

    async def _terms(self, name: str | None) -> int | None:
        if name is None:
            return None
        model = "account.invoice.payment_term"
        found: Named = await self._desk.only(Named, model, [["name", "=", name]], ("name",), f"payment term `{name}`")
        return found.id

    async def _address(self, command: PutDebtor) -> dict[str, Any]:
        given = command.address
        address: dict[str, Any] = {theirs: given[ours] for ours, theirs in _ADDRESS.items() if given.get(ours)}
        if given.get("country"):
            code = given["country"]
            found: Named = await self._desk.only(
                Named, "country.country", [["code", "=", code]], ("code",), f"country `{code}`"
            )
            address["country"] = found.id
        return {"invoice": True, **address}

    # ------------------------------------------------------------ credit

    async def set_credit(self, command: SetCredit, key: str) -> Written:
        """Sets the limit. A hold is refused plainly: Tryton has no such switch, only the limit."""
        found = await self.find_credit(command, key)
        if found is not None:
            return found
        number, limit = self._desk.number(command.party), command.limit
        values = {"credit_limit_amount": limit.amount if limit is not None else None}
        await self._desk.client.write(facts.PARTY, number, encoded(values))
        return self._told(number, replayed=False)

    async def find_credit(self, command: SetCredit, _key: str) -> Written | None:
        """Whether the limit is that already."""
        desk = self._desk
        if not desk.client.settings.credit_limits:
            message = "keeps no credit limits: activate account_credit_limit, and set `credit_limits`"
            raise Rejected(f"`{desk.source}` {message}", source=desk.source)
        if command.hold:
            message = "cannot hold a customer: set the credit limit to nothing instead"
            raise Rejected(f"`{desk.source}` {message}", source=desk.source)
        debtor = await desk.debtor(command.party)
        if command.limit is None:
            return self._told(debtor.id, replayed=True)
        currency = code_of((await desk.books.company()).currency, "company.currency")
        if command.limit.currency != currency:
            raise Rejected(f"`{desk.source}` keeps limits in {currency}", source=desk.source)
        limit = debtor.credit_limit_amount
        if limit is None or money(limit, "party.credit_limit_amount", currency) != command.limit:
            return None
        return self._told(debtor.id, replayed=True)

    def _told(self, number: int, *, replayed: bool) -> Written:
        desk = self._desk
        return Written(source=desk.source, key=str(number), at=desk.client.now(), replayed=replayed)
