"""The ERP's book in SQLite: one table for each of SuiteQL's, filled from the simulated enterprise."""

# ruff: noqa: S608 - table and column names come from this package; values are always bound

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence

from sources.simulation.enterprise import Enterprise, ErpBook, ErpCustomer, ErpDocument
from sources.vendors.netsuite.simulator import facts
from sources.vendors.netsuite.simulator.dates import mark

_TYPES = {"id": "INTEGER", "number": "REAL"}
_INDEXES = {
    "customer": ("externalid", "parent", "custentity_payer"),
    "transaction": ("externalid", "entity", "custbody_subscription_id", "lastmodifieddate"),
    "transactionline": ("transaction", "createdfrom"),
    "transactionaccountingline": ("transaction",),
    "item": ("itemid",),
    "revenueelement": ("entity", "source", "custrecord_subscription_id"),
    "revenueplan": ("revenueelement", "createdfrom"),
    "previoustransactionlinelink": ("previousdoc", "nextdoc"),
    "customersubsidiaryrelationship": ("entity",),
    "entityaddress": ("nkey",),
    "currencyrate": ("basecurrency",),
}
Row = Sequence[object]


def open_book(enterprise: Enterprise) -> sqlite3.Connection:
    """The book in memory. One user at a time: the simulator's event loop."""
    book = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
    book.execute("PRAGMA case_sensitive_like = ON")
    for name, columns in facts.TABLES.items():
        _create(book, name, columns)
    book.execute("BEGIN")
    _Loader(book, enterprise.erp).load()
    for name, indexed in _INDEXES.items():
        for column in indexed:
            book.execute(f'CREATE INDEX "{name}_{column}" ON "{name}" ("{column}")')
    book.execute("COMMIT")
    return book


def _create(book: sqlite3.Connection, name: str, columns: dict[str, facts.Column]) -> None:
    if columns is facts.TABLES[facts.LINK_TABLE] and name != facts.LINK_TABLE:
        book.execute(f'CREATE VIEW "{name}" AS SELECT * FROM "{facts.LINK_TABLE}"')
        return
    specs = [f'"{column}" {_TYPES.get(spec.kind, "TEXT")}' for column, spec in columns.items()]
    if "id" in columns and name != "transactionline":
        specs[list(columns).index("id")] += " PRIMARY KEY"
    book.execute(f'CREATE TABLE "{name}" ({", ".join(specs)})')


def insert(book: sqlite3.Connection, table: str, rows: Iterable[Row], unset: int = 0) -> None:
    """Rows in the order of the table's columns; the last `unset` ones stay null."""
    columns = list(facts.TABLES[table])[: len(facts.TABLES[table]) - unset]
    names, marks = ", ".join(f'"{name}"' for name in columns), ", ".join("?" * len(columns))
    book.executemany(f'INSERT INTO "{table}" ({names}) VALUES ({marks})', rows)


def insert_named(book: sqlite3.Connection, table: str, row: dict[str, object]) -> None:
    """One row by column name; what is not named is null."""
    names = ", ".join(f'"{name}"' for name in row)
    marks = ", ".join("?" * len(row))
    book.execute(f'INSERT INTO "{table}" ({names}) VALUES ({marks})', list(row.values()))


def flag(value: bool) -> str:
    """T or F."""
    return "T" if value else "F"


class _Numbers:
    """Ids for what the book only names (currencies, terms, ledger accounts): 1, 2, 3 in order of appearance."""

    def __init__(self) -> None:
        self.ids: dict[str, int] = {}

    def of(self, name: str | None) -> int | None:
        if not name:
            return None
        return self.ids.setdefault(name, len(self.ids) + 1)


class _Loader:
    def __init__(self, book: sqlite3.Connection, erp: ErpBook) -> None:
        self._book, self._erp = book, erp
        self._currencies, self._terms, self._accounts = _Numbers(), _Numbers(), _Numbers()
        self._tax_schedules, self._rules = _Numbers(), _Numbers()
        self._types = {document.id: facts.KINDS[document.kind] for document in erp.documents}
        self._item_types = {item.id: facts.ITEM_KINDS[item.kind] for item in erp.items}
        for entity in erp.entities:
            self._currencies.of(entity.currency)
        for account in (facts.RECEIVABLE, facts.REVENUE, facts.TAX):
            self._accounts.of(account)

    def load(self) -> None:
        customers, documents = self._erp.customers, self._erp.documents
        self._put("dual", [("X",)])
        self._put("subsidiary", self._subsidiaries())
        self._put("accountingperiod", self._periods())
        self._put("item", self._items())
        insert(self._book, "customer", map(self._customer, customers), unset=1)
        self._put("entityaddress", ((int(one.id), one.country) for one in customers if one.country))
        self._put(
            "customersubsidiaryrelationship", ((int(one.id), int(one.id), int(one.entity_id), "T") for one in customers)
        )
        self._put("transaction", map(self._transaction, documents))
        insert(self._book, "transactionline", self._lines(), unset=4)
        self._put("transactionaccountingline", self._postings())
        self._put(facts.LINK_TABLE, self._links())
        self._put("revenueelement", self._elements())
        self._put("revenueplan", self._plans())
        self._put("currencyrate", self._rates())
        self._put_names()

    def _put(self, table: str, rows: Iterable[Row]) -> None:
        insert(self._book, table, rows)

    def _put_names(self) -> None:
        """Last: by now every currency, term and account has been met."""
        self._put(
            "currency", ((key, facts.CURRENCY_NAMES.get(c, c), c, "F") for c, key in self._currencies.ids.items())
        )
        self._put("term", ((key, name, _days(name), "F") for name, key in self._terms.ids.items()))
        self._put("taxschedule", ((key, name) for name, key in self._tax_schedules.ids.items()))
        self._put("revenuerecognitionrule", ((key, name) for name, key in self._rules.ids.items()))
        self._put("account", (account_row(key, name) for name, key in self._accounts.ids.items()))

    def _subsidiaries(self) -> Iterator[Row]:
        names = {entity.id: entity for entity in self._erp.entities}
        for one in self._erp.entities:
            path, above = one.name, one.parent_id
            while above in names:
                path, above = f"{names[above].name} : {path}", names[above].parent_id
            yield (
                *(int(one.id), one.code, one.name, path, _id(one.parent_id), one.country),
                *(self._currencies.of(one.currency), one.tax_number, "F", "F", one.time_zone),
            )

    def _periods(self) -> Iterator[Row]:
        for one in self._erp.periods:
            year = not one.posting and (one.end_on - one.start_on).days > 100
            yield (
                *(int(one.id), one.name, mark(one.start_on), mark(one.end_on), flag(one.closed)),
                *(flag(one.receivables_locked), flag(one.all_locked), flag(one.all_locked), flag(one.posting)),
                *(flag(year), flag(not one.posting and not year), "F", "F"),
            )

    def _items(self) -> Iterator[Row]:
        for one in self._erp.items:
            yield (
                *(int(one.id), one.code, one.name, one.code, facts.ITEM_KINDS[one.kind], "Sale", flag(one.inactive)),
                *(self._tax_schedules.of(one.tax_schedule), self._rules.of(one.revenue_rule)),
            )

    def _customer(self, one: ErpCustomer) -> Row:
        return (
            *(int(one.id), one.external_id, one.number, one.name, one.email, _id(one.parent_id), flag(one.inactive)),
            *("F", 13, None, None, None, int(one.entity_id), self._currencies.of(one.currency)),
            *(self._terms.of(one.terms), _number(one.credit_limit), one.hold.upper(), float(one.balance)),
            *(float(one.overdue_balance), float(one.unbilled_orders), float(one.unbilled_orders), one.days_overdue),
            *(one.tax_number, flag(one.tax_exempt), int(one.id) if one.country else None, mark(one.updated_at)),
            *(_id(one.payer_id), one.nexus, flag(one.reverse_charge), one.exemption_reason, None),
        )

    def _transaction(self, one: ErpDocument) -> Row:
        kind = facts.KINDS[one.kind]
        status = facts.STATUSES[one.kind, one.status]
        invoice, settles = kind == "CustInvc", kind in ("CustCred", "CustPymt")
        sign = facts.HEADER_SIGN.get(kind, 1)
        return (
            *(int(one.id), one.external_id, one.number, one.number, kind, RECORD_TYPES[kind], status),
            *(facts.APPROVAL_OF.get((kind, status), 2), int(one.customer_id), mark(one.on), mark(one.due_on)),
            *(self._currencies.of(one.currency), float(one.exchange_rate), sign * float(one.total)),
            *(sign * float(one.tax), float(one.paid) if invoice else None, float(one.remaining) if invoice else None),
            float(one.remaining) if settles else None,
            float(one.total - one.remaining) if settles else None,
            *(_id(one.period_id), flag(kind != "SalesOrd" and status not in "DEV"), flag(status == "V"), None),
            *(one.memo, one.reference, mark(one.created_at), mark(one.updated_at), one.subscription_id),
            *(flag(one.disputed), flag(one.kind == "write_off"), None, None),
        )

    def _lines(self) -> Iterator[Row]:
        key = 0
        for one in self._erp.documents:
            kind, rate = facts.KINDS[one.kind], float(one.exchange_rate)
            document, entity, customer = int(one.id), int(one.entity_id), int(one.customer_id)
            header, sign = facts.HEADER_SIGN.get(kind, 1), facts.LINE_SIGN.get(kind, 1)
            total, nothing = header * float(one.total), (None, None, None)
            billed, closed = _BILLED.get((one.kind, one.status), 0.0), flag(one.status == "closed")
            key += 1
            yield (
                *(key, document, 0, 0, "T", "F", None, None, None, None, total, total * rate),
                *(entity, customer, None, one.memo, *nothing),
            )
            for line in one.lines:
                key, amount = key + 1, sign * float(line.amount)
                quantity = None if line.quantity is None else sign * float(line.quantity)
                yield (
                    *(key, document, line.number, line.number, "F", "F", _id(line.item_id)),
                    *(self._item_types.get(line.item_id or ""), quantity, _number(line.rate), amount, amount * rate),
                    *(entity, customer, None, None, closed, billed * float(line.quantity or 1)),
                    sign * float(line.tax),
                )
            if one.tax:
                key, amount, number = key + 1, sign * float(one.tax), 1 + max((n.number for n in one.lines), default=0)
                yield (
                    *(key, document, number, number, "F", "T", None, "TaxItem", None, None, amount, amount * rate),
                    *(entity, customer, None, None, *nothing),
                )

    def _postings(self) -> Iterator[Row]:
        for one in self._erp.documents:
            document, rate = int(one.id), float(one.exchange_rate)
            for posting in one.postings:
                debit, credit = float(posting.debit), float(posting.credit)
                yield (
                    *(document, posting.line, self._accounts.of(posting.account), 1, debit or None, credit or None),
                    *(debit - credit, debit - credit, "T", rate),
                )

    def _links(self) -> Iterator[Row]:
        for one in self._erp.documents:
            for invoice, amount in one.applied_to:
                kind = facts.KINDS[one.kind]
                before = self._types.get(invoice, "CustInvc")
                yield (int(invoice), 0, before, int(one.id), 0, kind, facts.LINK, float(amount))

    def _elements(self) -> Iterator[Row]:
        for one in self._erp.revenue:
            yield (
                *(int(one.id), f"RE{one.id}", int(one.customer_id), int(one.entity_id), _id(one.document_id)),
                *(one.obligation, self._currencies.of(one.currency), float(one.allocated), float(one.recognised)),
                *(float(one.deferred), mark(one.start_on), mark(one.end_on), self._rules.of(one.method)),
                *(facts.REVENUE_STATES[one.state], flag(one.state == "on_hold"), one.block_reason, one.subscription_id),
            )

    def _plans(self) -> Iterator[Row]:
        for one in self._erp.revenue:
            yield (
                *(int(one.id), f"RP{one.id}", int(one.id), int(one.id), float(one.allocated), float(one.recognised)),
                *(facts.REVENUE_STATES[one.state], mark(one.start_on), mark(one.end_on), self._rules.of(one.method)),
                *(flag(one.state == "on_hold"), one.block_reason),
            )

    def _rates(self) -> Iterator[Row]:
        for one in self._erp.rates:
            base, other = self._currencies.of(one.base), self._currencies.of(one.currency)
            yield (int(one.id), base, other, float(one.rate), mark(one.effective_on), mark(one.effective_on))


# How much of an order's lines has been billed; in parts means half.
_BILLED = {
    ("sales_order", "billed"): 1.0,
    ("sales_order", "partially_fulfilled"): 0.5,
    ("sales_order", "pending_billing_partial"): 0.5,
}
RECORD_TYPES = {
    "CustInvc": "invoice",
    "SalesOrd": "salesorder",
    "CustCred": "creditmemo",
    "CustPymt": "customerpayment",
}


def account_row(key: int, name: str) -> Row:
    """A ledger account the book only names."""
    kind = next((kind for word, kind in facts.ACCOUNT_TYPES if word in name.lower()), facts.OTHER_ACCOUNT)
    number = str(1000 + key * 10)
    return (key, number, name, f"{number} {name}", kind, "F")


def _days(terms: str) -> int | None:
    digits = "".join(letter for letter in terms if letter.isdigit())
    return int(digits) if digits else 0


def _id(value: str | None) -> int | None:
    return None if value is None else int(value)


def _number(value: object) -> float | None:
    return None if value is None else float(value)  # type: ignore[arg-type]
