"""What every change needs: records found by their names, days that may be posted to, results in one form."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import date
from typing import Any

from sources.canonical import Money
from sources.canonical.commands import SoldLine, Written
from sources.errors import Ambiguous, Locked, Missing, Rejected
from sources.vendors.tryton import facts
from sources.vendors.tryton.books import Books
from sources.vendors.tryton.client import Client
from sources.vendors.tryton.mapping import code_of, external, money
from sources.vendors.tryton.masters import entity_code
from sources.vendors.tryton.shapes import own_id
from sources.vendors.tryton.values import encoded
from sources.vendors.tryton.wire import Company, Named
from sources.vendors.tryton.writers.rows import Copy, Debtor, Document, Line, Product, Settings, Sold

_CATEGORY = ("account_revenue", "customer_taxes", "account_parent", "taxes_parent")
_ITEM = ("code", "name", "default_uom.name", *(f"template.account_category.{name}" for name in _CATEGORY))
_DEBTOR = ("code", "active", "addresses.invoice", "account_receivable", "customer_tax_rule", "credit_limit_amount")
_LINE = ("note", "amount", "taxes", "type")


class Desk:
    """The lookups of one company."""

    def __init__(self, source: str, client: Client, books: Books) -> None:
        self.source, self.client, self.books = source, client, books

    # ------------------------------------------------------------ names

    def number(self, key: str) -> int:
        """A record's id; raises Missing for what cannot be one."""
        found = own_id(key)
        if found is None:
            raise Missing(f"`{self.source}` has no record `{key[:40]}`: its ids are digits", source=self.source)
        return found

    async def company(self, entity: str) -> Company:
        """The company, which has to be the one a command speaks of."""
        found = await self.books.company()
        if entity != entity_code(found):
            words = f"holds the books of `{entity_code(found)}`, not of `{entity}`: that is another source"
            raise Rejected(f"`{self.source}` {words}", source=self.source)
        return found

    async def currency(self, code: str) -> int:
        """The id of a currency."""
        found: Named = await self.only(Named, "currency.currency", [["code", "=", code]], (), f"currency `{code}`")
        return found.id

    async def debtor(self, key: str) -> Debtor:
        """A party that can be sold to. Raises Rejected for one whose taxes a rule changes: only Tryton's own screens
        apply such a rule, so that what we would write would be taxed wrongly."""
        number = self.number(key)
        credit = facts.CREDIT_FIELDS if self.client.settings.credit_limits else ()
        fields = [field for field in _DEBTOR if field not in facts.CREDIT_FIELDS] + [*credit]
        found = await self.client.search(
            Debtor, facts.PARTY, [["id", "=", number]], fields, context={"active_test": False}
        )
        if not found:
            raise Missing(f"`{self.source}` has no party {number}", source=self.source)
        if not found[0].active:
            raise Rejected(f"`{self.source}`: party {number} is inactive: make it active", source=self.source)
        return found[0]

    async def receivable(self, debtor: Debtor) -> int:
        """The account that a party owes on: its own, or the one of parties that have none."""
        if debtor.account_receivable is not None:
            return debtor.account_receivable
        found: Settings = await self.only(
            Settings, "account.configuration", [], ("default_account_receivable",), "accounting configuration"
        )
        if found.default_account_receivable is None:
            message = "has no default receivable account: set it in the accounting configuration"
            raise Rejected(f"`{self.source}` {message}", source=self.source)
        return found.default_account_receivable

    async def demand_taxable(self, debtor: Debtor) -> int:
        """The address that a party is billed at; raises Rejected where documents of it cannot be made rightly."""
        words = None
        if debtor.customer_tax_rule is not None:
            words = "has a tax rule, which only Tryton's own screens apply: enter this document there"
        if not debtor.addresses:
            words = "has no address to be billed at: give it one"
        if words is not None:
            raise Rejected(f"`{self.source}`: party {debtor.id} {words}", source=self.source)
        return next((each.id for each in debtor.addresses if each.invoice), debtor.addresses[0].id)

    async def products(self, lines: Sequence[SoldLine], currency: str) -> dict[str, Product]:
        """Each product by its code; raises Rejected for one that is not there, Ambiguous for two."""
        for line in lines:
            if line.unit_price.currency != currency:
                message = f"line `{line.key}` is in {line.unit_price.currency}, and the document in {currency}"
                raise Rejected(f"`{self.source}` takes one currency a document: {message}", source=self.source)
        codes = list(dict.fromkeys(line.product_code for line in lines))
        found = await self.client.search(Product, facts.PRODUCT, [["code", "in", codes]], _ITEM)
        for code in codes:
            self._demand_one([each for each in found if each.code == code], f"product `{code}`")
        for each in found:
            category = each.template.account_category
            if category is not None and (category.account_parent or category.taxes_parent):
                message = (
                    f"the category of product `{each.code}` leaves account or taxes to its parent: give it its own"
                )
                raise Rejected(f"`{self.source}`: {message}", source=self.source)
        return {each.code or "": each for each in found}

    async def only(self, shape: Any, model: str, domain: Sequence[Any], fields: Sequence[str], name: str) -> Any:
        """The one record of a domain; raises Rejected where there is none, Ambiguous where there are several."""
        found = await self.client.search(shape, model, domain, fields, limit=2)
        self._demand_one(found, name)
        return found[0]

    def _demand_one(self, found: Sequence[Any], name: str) -> None:
        if not found:
            raise Rejected(f"`{self.source}` has no {name}: set it up there", source=self.source)
        if len(found) > 1:
            raise Ambiguous(f"`{self.source}` has more than one {name}", source=self.source)

    # ------------------------------------------------------------ days

    async def demand_open(self, day: date) -> int:
        """The period that a day is posted to; raises Locked where it is closed, Rejected where there is none."""
        value, company = encoded(day), self.client.settings.company
        within = [["start_date", "<=", value], ["end_date", ">=", value], ["type", "=", "standard"]]
        found = await self.client.search(Sold, facts.PERIOD, [*within, ["company", "=", company]], ("state",), limit=1)
        if not found:
            raise Rejected(f"`{self.source}` has no period for {day}: make its fiscal year", source=self.source)
        if found[0].state != "open":
            raise Locked(f"`{self.source}` has the period of {day} closed", source=self.source)
        return found[0].id

    @asynccontextmanager
    async def posting(self, day: date, journal: int | str) -> AsyncIterator[None]:
        """Around what posts to a day in a journal, by its id, or in one of a kind. A period that was closed and is
        opened again keeps its journals closed, and Tryton then refuses as if a right were missing or a value wrong:
        raises Locked for that."""
        try:
            yield
        except Rejected as error:
            if not await self._is_closed(day, journal):
                raise
            raise self._closed(day, status=error.status) from error

    async def demand_journal(self, day: date, journal: int) -> None:
        """Raises Locked where a journal is closed in the period of a day. Others of its kind may be: there is a
        journal for each bank account, and one for petty cash."""
        if await self._is_closed(day, journal):
            raise self._closed(day)

    def _closed(self, day: date, *, status: int | None = None) -> Locked:
        message = f"has the journal closed in the period of {day}: open it there too"
        return Locked(f"`{self.source}` {message}", source=self.source, status=status)

    async def _is_closed(self, day: date, journal: int | str) -> bool:
        value, company = encoded(day), self.client.settings.company
        within = [["period.start_date", "<=", value], ["period.end_date", ">=", value]]
        standard = [["period.type", "=", "standard"], ["period.company", "=", company]]
        by = "journal" if isinstance(journal, int) else "journal.type"
        of = [*standard, [by, "=", journal], ["state", "=", "closed"]]
        return bool(await self.client.search(Sold, facts.JOURNAL_PERIOD, [*within, *of], ("state",), limit=1))

    # ------------------------------------------------------------ documents

    async def document(self, model: str, domain: Sequence[Any], lines: str = "lines") -> Document | None:
        """The one document of this company under a domain; raises Ambiguous for several."""
        fields = [*Document.fields(model), *(f"{lines}.{name}" for name in _LINE)]
        whole = [*domain, ["company", "=", self.client.settings.company]]
        found = await self.client.search(Document, model, whole, fields, limit=2)
        if len(found) > 1:
            ids = ", ".join(str(each.id) for each in found)
            raise Ambiguous(f"`{self.source}` has several documents under one name: {ids}", source=self.source)
        return found[0] if found else None

    async def demand(self, model: str, key: int) -> Document:
        """A document by its id; raises Missing."""
        found = await self.document(model, [["id", "=", key]])
        if found is None:
            raise Missing(f"`{self.source}` has no {model} {key}", source=self.source)
        return found

    async def copied(self, key: int) -> Copy:
        """An invoice in all that a credit note of it needs."""
        line = ("product", "quantity", "unit", "unit_price", "account", "taxes", "description", "note")
        fields = ("company", "party", "invoice_address", "currency", "account", "journal")
        domain = [["id", "=", key]]
        [found] = await self.client.search(Copy, facts.BILL, domain, [*fields, *(f"lines.{name}" for name in line)])
        return found

    def told(self, document: Document, *, replayed: bool, expected: Money | None = None) -> Written:
        """A result as it was read back."""
        currency = code_of(document.currency, "currency")
        amounts = {
            "total": money(document.total_amount, "total_amount", currency),
            "tax": money(document.tax_amount, "tax_amount", currency),
        }
        if expected is not None:
            amounts["difference"] = amounts["total"] - expected
        return Written(
            source=self.source,
            key=str(document.id),
            number=document.number,
            at=self.client.now(),
            parts=_parts(document.lines),
            amounts=amounts,
            replayed=replayed,
        )


def _parts(lines: Iterable[Line]) -> Mapping[str, str]:
    keys = ((external(line.note, facts.OURS), str(line.id)) for line in lines)
    return {key: number for key, number in keys if key is not None}


def reference(prefix: str, issued: str | None, key: str) -> str:
    """A document's name: what the other system calls it, or the change's own key."""
    return f"{prefix}{issued}" if issued else f"{facts.OURS}{key}"
