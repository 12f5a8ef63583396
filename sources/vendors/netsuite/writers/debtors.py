"""Customer records: found by the account or made, and what credit they have."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from sources.canonical import Money
from sources.canonical.commands import PutDebtor, SetCredit, Written
from sources.deeds import keys_of, with_key
from sources.errors import Ambiguous, Duplicate, Missing, Rejected
from sources.vendors.netsuite import facts
from sources.vendors.netsuite.client import Client, Row
from sources.vendors.netsuite.mapping import currency_of, flag, money
from sources.vendors.netsuite.writers import bodies
from sources.vendors.netsuite.writers.bodies import ref
from sources.vendors.netsuite.writers.identity import demand_id
from sources.vendors.netsuite.writers.lookups import Lookups

KIND = "customer"
_HOLDS = {True: "ON", False: "AUTO"}  # [D] off is back to the rules: `OFF` would switch them off for good


class Debtors:
    """The customer records of one account."""

    def __init__(self, source: str, client: Client, lookups: Lookups) -> None:
        self._source, self._client, self._lookups = source, client, lookups

    # ------------------------------------------------------------ found or made

    async def put(self, command: PutDebtor, _key: str) -> Written:
        """The record of the account in the legal entity. One that is there stays as it is: the ERP owns it."""
        for _ in range(facts.FASTER):
            known = await self._lookups.debtors(command.account_key)
            found = self._of_entity(command, known)
            if found is not None:
                return self._told(found, replayed=True)
            subsidiary, currency, terms = await asyncio.gather(
                self._lookups.subsidiary(command.legal_entity),
                self._lookups.currency(command.currency),
                self._lookups.terms(command.terms),
            )
            body = bodies.debtor(command, _external(command, known), subsidiary, currency, terms)
            try:
                saved = await self._client.save("POST", KIND, body, "customers.create")
            except Duplicate:
                continue  # somebody was faster: with this one, or with the account's in another entity
            return Written(source=self._source, key=saved.key, at=self._client.now(), request_id=saved.request_id)
        message = f"`{self._source}` has a customer under the name of `{command.account_key}` that is not found by it"
        raise Duplicate(message, source=self._source)

    async def find_put(self, command: PutDebtor, _key: str) -> Written | None:
        """The record, if it is there."""
        found = self._of_entity(command, await self._lookups.debtors(command.account_key))
        return None if found is None else self._told(found, replayed=True)

    def _of_entity(self, command: PutDebtor, known: Sequence[Row]) -> Row | None:
        own = [row for row in known if row.get("entity") == command.legal_entity]
        if len(own) > 1:
            ids = ", ".join(row["id"] for row in own)
            message = f"`{self._source}` has several customers of `{command.account_key}` in one entity: {ids}"
            raise Ambiguous(message, source=self._source)
        if not own:
            return None
        row = own[0]
        if currency_of(row) != command.currency:
            message = (
                f"customer {row['id']} is kept in {currency_of(row)}: {command.currency} needs a record of its own"
            )
            raise Rejected(f"`{self._source}`: {message}", source=self._source)
        if flag(row, "inactive"):
            raise Rejected(f"`{self._source}`: customer {row['id']} is inactive: make it active", source=self._source)
        return row

    # ------------------------------------------------------------ credit

    async def set_credit(self, command: SetCredit, key: str) -> Written:
        """Sets limit and hold; what is so already, or was made so by this key, is left alone."""
        row = await self._row(command)
        if self._is_so(command, row, key):
            return self._told(row, replayed=True)
        body: dict[str, Any] = {
            facts.CUSTOMER_OPERATION: command.operation,
            facts.CUSTOMER_KEYS: with_key(row.get("last_keys"), key, facts.KEYS_KEPT),
        }
        if command.limit is not None:
            body["creditLimit"] = command.limit.amount
        if command.hold is not None:
            body["creditHoldOverride"] = ref(_HOLDS[command.hold])
        saved = await self._client.save("PATCH", f"{KIND}/{command.party}", body, "customers.credit")
        return Written(source=self._source, key=saved.key, at=self._client.now(), request_id=saved.request_id)

    async def find_credit(self, command: SetCredit, key: str) -> Written | None:
        """The record, if this key has changed it, or limit and hold are what was asked for."""
        row = await self._row(command)
        return self._told(row, replayed=True) if self._is_so(command, row, key) else None

    async def _row(self, command: SetCredit) -> Row:
        demand_id(command.party, self._source)
        row = await self._lookups.debtor(command.party)
        if row is None:
            raise Missing(f"`{self._source}` has no customer {command.party}", source=self._source)
        limit = command.limit
        if limit is not None and limit.currency != currency_of(row):
            message = f"customer {row['id']} has its limit in {currency_of(row)}, not in {limit.currency}"
            raise Rejected(f"`{self._source}`: {message}", source=self._source)
        if limit is not None and limit.minor < 0:
            raise Rejected(f"`{self._source}` takes no limit below nothing", source=self._source)
        return row

    def _is_so(self, command: SetCredit, row: Row, key: str) -> bool:
        if key in keys_of(row.get("last_keys")):
            return True  # and what has come after it stays
        limit: Money | None = money(row, "limit", currency_of(row))
        hold = row.get("hold", "AUTO").upper()
        return (command.limit is None or command.limit == limit) and (
            command.hold is None or hold == _HOLDS[command.hold]
        )

    def _told(self, row: Row, *, replayed: bool) -> Written:
        return Written(source=self._source, key=row["id"], at=self._client.now(), replayed=replayed)


def _external(command: PutDebtor, known: Sequence[Row]) -> str:
    """The account's key; the records of further entities append theirs."""
    taken = {row.get("externalid") for row in known}
    return f"{command.account_key}:{command.legal_entity}" if command.account_key in taken else command.account_key
