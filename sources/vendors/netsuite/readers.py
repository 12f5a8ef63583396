"""What can be asked of NetSuite: for each record and index the query, and how its rows become an answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import msgspec

from sources import canonical as c
from sources.canonical import Record
from sources.errors import BadAsk, SourceError
from sources.ports import Ask, Capability, Order, Position, Reading, Report, Rows
from sources.vendors.netsuite import facts, mapping
from sources.vendors.netsuite.client import Client
from sources.vendors.netsuite.mapping import Origin, Row
from sources.vendors.netsuite.query import Select, one_of

_PAGES = 50  # answers of 1,000 rows that one batch may take
_STEP = 80  # rows asked for first where nobody said how many: so that several reads fit into one answer
_SPREAD = 5  # rows a grouped record may take, beyond which a page is read in smaller steps


class Shape(msgspec.Struct, frozen=True):
    """One kind of thing: what is selected, and what a row (or a group of rows with one id) becomes.

    `orders`: canonical attribute -> expression; `mark`: how an id is written in a condition, a number where it is
    worked out.
    """

    columns: Mapping[str, str]
    tables: str
    id: str
    build: Callable[..., Record]
    where: tuple[str, ...] = ()
    grouped: bool = False
    orders: Mapping[str, str] = msgspec.field(default_factory=dict)
    mark: str = "?"


def _of_day(key: str) -> tuple[str, ...]:
    """The day and the base currency of a key that `ExchangeRate.on` made."""
    base, _, day = key.partition("@")
    try:
        return (date.fromisoformat(day).isoformat(), base)
    except ValueError:
        raise BadAsk(f"`{key}` is no base currency with a day, as in `USD@2026-11-22`") from None


class Index(msgspec.Struct, frozen=True):
    """How a key finds rows (`expression IN`, behind a prefix of ours), and which column says whose row it is."""

    expression: str
    column: str
    prefix: str = ""
    inside: str = "{}"  # what the condition stands in
    own_accounts: bool = False
    parts: Callable[[str], tuple[str, ...]] | None = None  # of a key that is several parameters, and asked for alone


_DATED = {"posted_on": "t.trandate", "received_on": "t.trandate", "received_at": "t.trandate"}
_ISSUED = {"issued_on": "t.trandate", "issued_at": "t.trandate", "ordered_on": "t.trandate"}
_LINKED = {**facts.TRANSACTION, **facts.LINK}


def _transactions(build: Callable[..., Record], *where: str, grouped: bool = False) -> Shape:
    columns, tables = (_LINKED, facts.LINK_TABLES) if grouped else (facts.TRANSACTION, facts.TRANSACTION_TABLES)
    return Shape(columns, tables, "t.id", build, where, grouped, {**_DATED, **_ISSUED})


_CUSTOMER = Shape(facts.CUSTOMER, facts.CUSTOMER_TABLES, "c.id", mapping.billing_profile)
_TAX = msgspec.structs.replace(_CUSTOMER, build=mapping.tax_profile)
_INVOICE = _transactions(mapping.posted_invoice, "t.type = 'CustInvc'")
_ORDER = _transactions(mapping.sales_order, "t.type = 'SalesOrd'")
_PAYMENT = _transactions(mapping.payment, "t.type = 'CustPymt'", grouped=True)
_CREDIT = _transactions(
    mapping.credit_memo, "t.type = 'CustCred'", "NVL(t.custbody_write_off, 'F') = 'F'", grouped=True
)
_WRITE_OFF = _transactions(mapping.write_off, "t.type = 'CustCred'", "t.custbody_write_off = 'T'", grouped=True)
_REVENUE = Shape(facts.REVENUE, facts.REVENUE_TABLES, "r.id", mapping.revenue_schedule)
_LEDGER = Shape(facts.LEDGER, facts.LEDGER_TABLES, facts.LEDGER_ID, mapping.ledger_posting, mark="TO_NUMBER(?)")
_ENTITY = Shape(facts.ENTITY, facts.ENTITY_TABLES, "s.id", mapping.legal_entity)
_POSTING = ("p.isposting = 'T'", "p.isyear = 'F'", "p.isquarter = 'F'")
_PERIOD = Shape(
    facts.PERIOD, "accountingperiod p", "p.id", mapping.period, _POSTING, orders={"start_on": "p.startdate"}
)
_RATE = Shape(facts.RATE, facts.RATE_TABLES, "r.id", mapping.exchange_rate)
_ITEM = Shape(facts.ITEM, "item i", "i.id", mapping.item)

_ACCOUNT = Index(facts.ACCOUNT_KEY, "account_key")
_OWN = Index("t.entity", "customer", own_accounts=True)
_ID = Index("t.id", "id")
_APPLIED = Index("i2.externalid", "applied_external", facts.INVOICE, facts.APPLIED_TO)
_EVERYTHING = Index("", "")

READERS: dict[tuple[type[Record], str], tuple[Shape, Index]] = {
    (c.BillingProfile, "key"): (_CUSTOMER, Index("c.id", "id")),
    (c.BillingProfile, "account"): (_CUSTOMER, _ACCOUNT),
    (c.BillingProfile, "payer"): (_CUSTOMER, Index("c.custentity_payer", "payer")),
    (c.TaxProfile, "account"): (_TAX, _ACCOUNT),
    (c.PostedInvoice, "key"): (_INVOICE, _ID),
    (c.PostedInvoice, "invoice"): (_INVOICE, Index("t.externalid", "externalid", facts.INVOICE)),
    (c.PostedInvoice, "account"): (_INVOICE, _OWN),
    (c.PostedInvoice, "list"): (_INVOICE, _EVERYTHING),
    (c.Payment, "account"): (_PAYMENT, _OWN),
    (c.Payment, "invoice"): (_PAYMENT, _APPLIED),
    (c.CreditMemo, "account"): (_CREDIT, _OWN),
    (c.CreditMemo, "invoice"): (_CREDIT, _APPLIED),
    (c.WriteOff, "account"): (_WRITE_OFF, _OWN),
    (c.WriteOff, "invoice"): (_WRITE_OFF, _APPLIED),
    (c.SalesOrder, "key"): (_ORDER, _ID),
    (c.SalesOrder, "order"): (_ORDER, Index("t.externalid", "externalid", facts.ORDER)),
    (c.SalesOrder, "subscription"): (_ORDER, Index("t.custbody_subscription_id", "subscription")),
    (c.SalesOrder, "account"): (_ORDER, _OWN),
    (c.RevenueSchedule, "account"): (_REVENUE, Index("r.entity", "customer", own_accounts=True)),
    (c.RevenueSchedule, "invoice"): (_REVENUE, Index("inv.externalid", "invoice", facts.INVOICE)),
    (c.RevenueSchedule, "subscription"): (_REVENUE, Index("r.custrecord_subscription_id", "subscription")),
    (c.LedgerPosting, "invoice"): (_LEDGER, Index("t.externalid", "invoice", facts.INVOICE)),
    (c.LegalEntity, "key"): (_ENTITY, Index("s.externalid", "code")),
    (c.LegalEntity, "list"): (_ENTITY, _EVERYTHING),
    (c.AccountingPeriod, "list"): (_PERIOD, _EVERYTHING),
    (c.ExchangeRate, "day"): (_RATE, Index(facts.RATE_BASE, "", parts=_of_day)),
    (c.ErpItem, "product"): (_ITEM, Index("i.itemid", "code")),
    (c.ErpItem, "list"): (_ITEM, _EVERYTHING),
}
# A payment or credit has the key it has in billing; where billing has none, the transaction's own id.
_BY_DOCUMENT: dict[type[Record], tuple[Shape, str]] = {
    c.Payment: (_PAYMENT, facts.PAYMENT),
    c.CreditMemo: (_CREDIT, facts.CREDIT),
}

CAPABILITIES: dict[tuple[type[Record], str], Capability] = {
    **{
        pair: Capability(orders=tuple(shape.orders), own_account_ids=index.own_accounts)
        for pair, (shape, index) in READERS.items()
    },
    **{(record, "key"): Capability() for record in _BY_DOCUMENT},
}


class Readers:
    """Answers asks with one client."""

    def __init__(self, source: str, client: Client, origin: Callable[[], Origin], max_rows: int) -> None:
        self._source, self._client, self._origin, self._max_rows = source, client, origin, max_rows

    async def read(self, ask: Ask) -> Reading:
        """Rows for every key; raises BadAsk for what cannot be asked, SourceError when the source fails."""
        if (ask.record, ask.by) not in CAPABILITIES:
            raise BadAsk(f"`{self._source}` cannot find `{ask.record.__name__}` by `{ask.by}`", source=self._source)
        if ask.page.filters:
            raise BadAsk(f"`{self._source}` cannot filter `{ask.record.__name__}`", source=self._source)
        if ask.by == "key" and ask.record in _BY_DOCUMENT:
            return await self._documents(ask)
        shape, index = READERS[ask.record, ask.by]
        order = ask.page.order
        if order is not None and order.field not in shape.orders:
            raise BadAsk(
                f"`{self._source}` cannot order `{ask.record.__name__}` by `{order.field}`", source=self._source
            )
        if index.parts is not None:
            ones = (msgspec.structs.replace(ask, keys=(key,)) for key in ask.keys)
            return await self._side_by_side(self._one(each, shape, index) for each in ones)
        if len(ask.keys) == 1 and ask.by != "key":
            return await self._one(ask, shape, index)
        return await self._many(ask, shape, index)

    async def _documents(self, ask: Ask) -> Reading:
        shape, prefix = _BY_DOCUMENT[ask.record]
        kinds = {True: _ID, False: Index("t.externalid", "externalid", prefix)}
        keys = {own: tuple(key for key in ask.keys if key.isdigit() is own) for own in kinds}
        asks = [(msgspec.structs.replace(ask, keys=keys[own]), shape, kinds[own]) for own in kinds if keys[own]]
        return await self._side_by_side(self._many(*each) for each in asks)

    async def _side_by_side(self, asked: Iterable[Coroutine[Any, Any, Reading]]) -> Reading:
        """Several readings as one: they travel together."""
        reading = Reading({}, Report(self._source))
        for part in await asyncio.gather(*asked):
            reading.rows |= part.rows
            reading.errors |= part.errors
            reading.report.calls += part.report.calls
            reading.report.joined += part.report.joined
            reading.report.milliseconds = max(reading.report.milliseconds, part.report.milliseconds)
        return reading

    # ------------------------------------------------------------ one parent, page by page

    async def _one(self, ask: Ask, shape: Shape, index: Index) -> Reading:
        key = ask.keys[0]
        first = min(ask.page.first if ask.page.first is not None else self._max_rows, self._max_rows)
        reading = Reading({}, Report(self._source))
        kept: list[Record] = []
        places: list[Position] = []
        after = ask.page.after
        while True:
            unsaid = ask.page.first is None and not kept
            wanted = _STEP if unsaid else (first - len(kept) + 1) * (_SPREAD if shape.grouped else 1)
            limit = min(facts.PAGE, max(wanted, 2))
            rows = await self._select(reading, shape, index, (key,), ask.page.order, after, limit)
            groups, whole = _groups(rows, shape.grouped, len(rows) == limit)
            try:
                built = [shape.build(group if shape.grouped else group[0], self._origin()) for group in groups]
            except SourceError as error:
                reading.errors[key] = error
                return reading
            room = first - len(kept)
            kept += built[:room]
            places += [_place(group[0], ask.page.order) for group in groups[:room]]
            more = len(built) > 0 and (not whole or (len(kept) == first and built[-1] is not kept[-1]))
            after = places[-1] if places else after
            if not more or len(kept) >= first:
                at = places if ask.page.first is not None else ()
                reading.rows[key] = Rows(kept, more, after if more else None, positions=at)
                return reading

    # ------------------------------------------------------------ many parents

    async def _many(self, ask: Ask, shape: Shape, index: Index) -> Reading:
        reading = Reading({}, Report(self._source))
        for start in range(0, len(ask.keys), facts.IN_LIST):
            await self._chunk(ask, ask.keys[start : start + facts.IN_LIST], shape, index, reading)
        return reading

    async def _chunk(self, ask: Ask, keys: tuple[str, ...], shape: Shape, index: Index, reading: Reading) -> None:
        rows: list[Row] = []
        after: Position | None = None
        for number in range(_PAGES):
            limit = min(facts.PAGE, _STEP + _SPREAD * len(keys)) if number == 0 else facts.PAGE
            page = await self._select(reading, shape, index, keys, ask.page.order, after, limit)
            groups, whole = _groups(page, shape.grouped, len(page) == limit)
            rows += [row for group in groups for row in group]
            if whole or not groups:
                self._assign(ask, keys, rows, shape, index, reading)
                return
            after = _place(groups[-1][0], ask.page.order)
        raise BadAsk(
            f"`{self._source}` has more than {_PAGES * facts.PAGE} rows for {len(keys)} parents: ask for fewer at once",
            source=self._source,
        )

    def _assign(
        self, ask: Ask, keys: Sequence[str], rows: Sequence[Row], shape: Shape, index: Index, reading: Reading
    ) -> None:
        origin = self._origin()
        parents: dict[str, list[list[Row]]] = {key: [] for key in keys}
        for group in _groups(rows, shape.grouped, False)[0]:
            for key in dict.fromkeys(str(row.get(index.column, "")).removeprefix(index.prefix) for row in group):
                if key in parents:
                    parents[key].append(group)
        first = min(ask.page.first if ask.page.first is not None else self._max_rows, self._max_rows)
        for key, found in parents.items():
            try:
                records = [shape.build(group if shape.grouped else group[0], origin) for group in found[:first]]
            except SourceError as error:
                reading.errors[key] = error
                continue
            more, paged = len(found) > first, ask.page.first is not None
            places = [_place(group[0], ask.page.order) for group in found[:first]]
            if records or ask.by != "key":
                end = places[-1] if more else None
                reading.rows[key] = Rows(records, more, end, positions=places if paged else ())

    # ------------------------------------------------------------ the query

    async def _select(
        self,
        reading: Reading,
        shape: Shape,
        index: Index,
        keys: Sequence[str],
        order: Order | None,
        after: Position | None,
        limit: int,
    ) -> list[dict[str, str]]:
        where, parameters = list(shape.where), []
        if index.parts is not None:
            where.append(index.expression)
            parameters += [part for key in keys for part in index.parts(key)]
        elif index.expression:
            where.append(index.inside.format(one_of(index.expression, keys)))
            parameters += [index.prefix + key for key in keys]
        ordered = shape.orders[order.field] if order is not None else None
        if after is not None and ordered is not None and order is not None:
            sign, day = ("<" if order.descending else ">"), f"TO_DATE(?, '{facts.DATE}')"
            where.append(f"{ordered} {sign} {day} OR ({ordered} = {day} AND {shape.id} > {shape.mark})")
            parameters += [_stated(after), _stated(after), after.key]
        elif after is not None:
            where.append(f"{shape.id} > {shape.mark}")
            parameters.append(after.key)
        by = (f"{ordered} {'DESC' if order and order.descending else 'ASC'}",) if ordered else ()
        query = Select(shape.columns, shape.tables, tuple(where), tuple(parameters), (*by, shape.id), limit)
        answer = await self._client.select(query)
        reading.report.calls += answer.calls
        reading.report.joined += 1 - answer.calls
        reading.report.milliseconds += answer.milliseconds
        return answer.rows


def _place(row: Row, order: Order | None) -> Position:
    """Where a list goes on behind a row: by the day it is sorted by, and its id."""
    return Position(row.get("on", row.get("start")) if order is not None else None, row["id"])


def _stated(after: Position) -> str:
    """The day of a position; raises BadAsk where it is none."""
    try:
        return date.fromisoformat(after.value or "").isoformat()
    except ValueError:
        raise BadAsk("`after` is no cursor of this list: use an `endCursor` of it") from None


def _groups(rows: Sequence[Row], grouped: bool, full: bool) -> tuple[list[list[Row]], bool]:
    """Rows by id, in order, and whether that is all. Where the answer was full, a last group may lack rows: it is left
    for the next page, unless it is the only one."""
    if not grouped:
        return [[row] for row in rows], not full
    groups: dict[str, list[Any]] = {}
    for row in rows:
        groups.setdefault(row["id"], []).append(row)
    found = list(groups.values())
    if full and len(found) > 1:
        return found[:-1], False
    return found, not full
