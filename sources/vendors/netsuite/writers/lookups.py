"""What a write has to know before it is sent: ids behind names, whether it happened, whether its period is open.

Everything is read from the records themselves by SuiteQL, never from a search index; look-ups of one moment travel in
one request.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from sources.errors import Ambiguous, Locked, Rejected
from sources.vendors.netsuite import facts
from sources.vendors.netsuite.client import Client, Row
from sources.vendors.netsuite.query import Select, one_of

_TABLES = {"salesOrder": "SalesOrd", "invoice": "CustInvc", "creditMemo": "CustCred", "customerPayment": "CustPymt"}
_POSTING = ("p.isposting = 'T'", "p.isyear = 'F'", "p.isquarter = 'F'")
_PERIODS = 36  # periods looked at for the next open one
_ACCOUNT_KEY = 18  # characters of an account key: see `facts.ACCOUNT_KEY`


class Lookups:
    """One account's."""

    def __init__(self, source: str, client: Client) -> None:
        self._source, self._client = source, client

    async def document(self, kind: str, external: str) -> str | None:
        """The id of the transaction with this external id."""
        where = ("t.type = ?", "t.externalid = ?")
        rows = await self._rows({"id": "t.id"}, "transaction t", where, (_TABLES[kind], external))
        return rows[0]["id"] if rows else None

    async def subsidiary(self, code: str) -> str:
        """The subsidiary of a legal entity."""
        return await self._one("subsidiary", "externalid", code, "UNMAPPED_ENTITY", "legal entity")

    async def currency(self, symbol: str) -> str:
        """The ERP's currency."""
        return await self._one("currency", "symbol", symbol, "UNMAPPED_CURRENCY", "currency")

    async def terms(self, name: str | None) -> str | None:
        """The ERP's payment terms."""
        return None if name is None else await self._one("term", "name", name, "UNMAPPED_TERMS", "payment terms")

    async def items(self, codes: Iterable[str]) -> Mapping[str, str]:
        """The active item of each product code, given line by line."""
        lines = tuple(codes)
        wanted = tuple(dict.fromkeys(lines))
        if not wanted:
            return {}
        columns = {"id": "i.id", "code": "i.itemid", "inactive": "i.isinactive"}
        rows = await self._rows(columns, "item i", (one_of("i.itemid", wanted),), wanted)
        found = {row["code"]: row["id"] for row in rows if row.get("inactive", "F") == "F"}
        for code in wanted:
            if code not in found:
                raise self._unmapped("UNMAPPED_ITEM", f"active item for the product of line {lines.index(code) + 1}")
        return found

    async def debtors(self, account: str) -> list[Row]:
        """Every customer record of an account."""
        if len(account) != _ACCOUNT_KEY:
            message = f"`{self._source}` knows accounts by keys of {_ACCOUNT_KEY} characters, this is none: check it"
            raise Rejected(message, source=self._source)
        return await self._rows(facts.CUSTOMER, facts.CUSTOMER_TABLES, (f"{facts.ACCOUNT_KEY} = ?",), (account,))

    async def debtor(self, key: str) -> Row | None:
        """One customer record by its id."""
        columns = {**facts.CUSTOMER, "last_keys": f"c.{facts.CUSTOMER_KEYS}"}
        rows = await self._rows(columns, facts.CUSTOMER_TABLES, ("c.id = ?",), (key,))
        return rows[0] if rows else None

    async def closed(self, day: date) -> Locked | None:
        """Why nothing can be posted on a day, naming the next one on which it can; None: it can."""
        where = (*_POSTING, f"p.enddate >= TO_DATE(?, '{facts.DATE}')")
        order = ("p.startdate ASC", "p.id")
        rows = await self._rows(facts.PERIOD, "accountingperiod p", where, (day.isoformat(),), order, _PERIODS)
        own = next((row for row in rows if row["start"] <= day.isoformat() <= row["end"]), None)
        if own is not None and _open(own):
            return None
        name = f"`{own['name']}` is closed for" if own else "no posting period holds"
        later = next((row for row in rows if row["start"] > day.isoformat() and _open(row)), None)
        advice = f"the next open day is {later['start']}" if later else "no later period is open"
        return Locked(f"`{self._source}`: {name} {day}: {advice}", source=self._source)

    async def received(self, reference: str) -> list[Row]:
        """The payments that carry a bank reference."""
        columns = {"id": "t.id", "externalid": "t.externalid"}
        where = ("t.type = 'CustPymt'", "t.otherrefnum = ?")
        return await self._rows(columns, "transaction t", where, (reference,), limit=2)

    async def _one(self, table: str, column: str, value: str, code: str, words: str) -> str:
        rows = await self._rows({"id": "x.id"}, f"{table} x", (f"x.{column} = ?",), (value,), limit=2)
        if not rows:
            raise self._unmapped(code, f"{words} of this name")
        if len(rows) > 1:
            raise Ambiguous(f"`{self._source}` has two records for this {words}", source=self._source)
        return rows[0]["id"]

    def _unmapped(self, code: str, words: str) -> Rejected:
        message = f"`{self._source}` has no {words}: map it, or name another one"
        return Rejected(message, source=self._source, vendor_code=code)

    async def _rows(
        self,
        columns: Mapping[str, str],
        tables: str,
        where: Sequence[str],
        parameters: Sequence[str],
        order: Sequence[str] = (),
        limit: int = facts.IN_LIST,
    ) -> list[Row]:
        by = tuple(order) or (f"{next(iter(columns.values()))} ASC",)
        answer = await self._client.select(Select(columns, tables, tuple(where), tuple(parameters), by, limit))
        return answer.rows


def _open(row: Row) -> bool:
    return all(row.get(name, "F") == "F" for name in ("closed", "receivables", "all"))
