"""What can be asked of Salesforce: for each record and index the query, and how its rows become an answer."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import msgspec

from sources import canonical as c
from sources.canonical import Record
from sources.errors import BadAsk, Rejected, SourceError
from sources.ports import Ask, Capability, Filter, Order, Page, Position, Reading, Report, Rows
from sources.vendors.salesforce import facts, mapping, wire
from sources.vendors.salesforce.client import Client
from sources.vendors.salesforce.mapping import Origin
from sources.vendors.salesforce.soql import Query, contains, literal, one_of


class Shape(msgspec.Struct, frozen=True):
    """One kind of record. `orders`: canonical attribute -> field; `filters`: attribute -> field and what it may be
    compared by; `tests`: attribute -> the condition of one value, where no field alone says it."""

    object: str
    fields: str
    wire: type[Any]
    build: Callable[[Any, Origin], Record]
    where: tuple[str, ...] = ()
    every: bool = False
    orders: Mapping[str, str] = msgspec.field(default_factory=dict)
    filters: Mapping[str, tuple[str, tuple[str, ...]]] = msgspec.field(default_factory=dict)
    tests: Mapping[str, Callable[[Any], str]] = msgspec.field(default_factory=dict)


class Index(msgspec.Struct, frozen=True):
    """How keys find rows: the field they are compared with, which is also where a row says whose it is."""

    field: str


_NOTHING = "Id = null"
_STATUS_WORDS = {value: raw for raw, value in mapping.LIFECYCLE.items()}
_ORDER_WORDS = {value: raw for raw, value in mapping.ORDER.items()}
_OPEN = "IsClosed = false AND IsStopped = false"


def _lifecycle(value: c.Lifecycle) -> str:
    """The condition under which the mapping says this lifecycle."""
    if value == c.Lifecycle.PROSPECT:
        return "Status__c = 'Prospect' OR (Status__c = null AND Type = 'Prospect')"
    if value == c.Lifecycle.ACTIVE:
        return "Status__c = 'Active' OR (Status__c = null AND Type != 'Prospect')"
    if value in _STATUS_WORDS:
        return f"Status__c = {literal(_STATUS_WORDS[value])}"
    return _NOTHING  # merged and churned accounts are no rows of a list


def _order_status(value: c.OrderStatus) -> str:
    return f"StatusCode = {literal(_ORDER_WORDS[value])}" if value in _ORDER_WORDS else _NOTHING


def _case_status(value: c.CaseStatus) -> str:
    """The condition under which the mapping says this status."""
    if value == c.CaseStatus.CLOSED:
        return "IsClosed = true"
    if value == c.CaseStatus.ON_HOLD:
        return "IsClosed = false AND IsStopped = true"
    known = [raw for raw, each in mapping.DESK_STATUS.items() if each == value]
    return f"{_OPEN} AND {one_of('Status', known)}" if known else _NOTHING


def _case_priority(value: c.Priority) -> str:
    known: list[str | None] = [raw for raw, each in mapping.PRIORITY.items() if each == value]
    none = " OR Priority = null" if value == c.Priority.NORMAL else ""
    return f"{one_of('Priority', known)}{none}" if known else _NOTHING


def _escalated(value: bool) -> str:
    escalated = literal(facts.ESCALATED)
    if value:
        return f"IsEscalated = true OR Status = {escalated}"
    return f"IsEscalated = false AND (Status != {escalated} OR Status = null)"


_EQ_IN, _RANGE = ("eq", "in"), ("gte", "gt", "lte", "lt")
_ACCOUNT = Shape(
    "Account",
    facts.ACCOUNT,
    wire.Account,
    mapping.account,
    orders={"name": "Name", "created_at": "CreatedDate", "updated_at": "LastModifiedDate"},
    filters={
        "name": ("Name", ("contains", "eq")),
        "region": ("Region__c", _EQ_IN),
        "country": ("BillingCountry", _EQ_IN),
        "lifecycle": ("Status__c", _EQ_IN),
        "parent_key": ("ParentId", _EQ_IN),
        "key": ("Id", _EQ_IN),
    },
    tests={"lifecycle": _lifecycle},
)
_ANY_ACCOUNT = msgspec.structs.replace(_ACCOUNT, every=True)
_CONTACT = Shape("Contact", facts.CONTACT, wire.Contact, mapping.contact, orders={"name": "LastName"})
_ANY_CONTACT = msgspec.structs.replace(_CONTACT, every=True)
_CONTRACT = Shape("Contract", facts.CONTRACT, wire.Contract, mapping.contract)
_RENEWAL = Shape("Opportunity", facts.OPPORTUNITY, wire.Opportunity, mapping.renewal, ("Type = 'Renewal'",))
_ORDER = Shape(
    "Order",
    facts.ORDER,
    wire.Order,
    mapping.order,
    orders={"created_at": "CreatedDate", "effective_on": "EffectiveDate"},
    filters={"status": ("StatusCode", _EQ_IN), "effective_on": ("EffectiveDate", _RANGE)},
    tests={"status": _order_status},
)
_ENTITLEMENT = Shape("Entitlement", facts.ENTITLEMENT, wire.Entitlement, mapping.entitlement)
_CASE = Shape("Case", facts.CASE, wire.Case, mapping.case_mirror)
_DESK_CASE = Shape(
    "Case",
    facts.DESK_CASE,
    wire.DeskCase,
    mapping.case,
    orders={"created_at": "CreatedDate", "updated_at": "LastModifiedDate"},
    filters={
        "status": ("Status", _EQ_IN),
        "priority": ("Priority", _EQ_IN),
        "escalated": ("IsEscalated", ("eq",)),
        "created_at": ("CreatedDate", _RANGE),
        "updated_at": ("LastModifiedDate", _RANGE),
    },
    tests={"status": _case_status, "priority": _case_priority, "escalated": _escalated},
)
_DESK_ACCOUNT = Shape("Account", facts.DESK_ACCOUNT, wire.DeskAccount, mapping.support_organization)
_DESK_CONTACT = Shape("Contact", facts.DESK_CONTACT, wire.Contact, mapping.requester)
_SLA = Shape("SlaProcess", facts.SLA_PROCESS, wire.SlaProcess, mapping.sla_process)

READERS: dict[tuple[type[Record], str], tuple[Shape, Index]] = {
    (c.Account, "key"): (_ANY_ACCOUNT, Index("Id")),
    (c.Account, "parent"): (_ACCOUNT, Index("ParentId")),
    (c.Account, "list"): (_ACCOUNT, Index("")),
    (c.Account, "search"): (_ACCOUNT, Index("")),
    (c.Account, "domain"): (_ACCOUNT, Index("Website")),
    (c.Account, "external"): (_ACCOUNT, Index("")),
    (c.Contact, "key"): (_ANY_CONTACT, Index("Id")),
    (c.Contact, "account"): (_CONTACT, Index("AccountId")),
    (c.Contact, "email"): (_CONTACT, Index("Email")),
    (c.SubscriptionContract, "key"): (_CONTRACT, Index("Id")),
    (c.SubscriptionContract, "account"): (_CONTRACT, Index("AccountId")),
    (c.SubscriptionContract, "subscription"): (_CONTRACT, Index("Subscription_Id__c")),
    (c.Renewal, "key"): (_RENEWAL, Index("Id")),
    (c.Renewal, "account"): (_RENEWAL, Index("AccountId")),
    (c.Renewal, "subscription"): (_RENEWAL, Index("Subscription_Id__c")),
    (c.Order, "key"): (_ORDER, Index("Id")),
    (c.Order, "account"): (_ORDER, Index("AccountId")),
    (c.Order, "list"): (_ORDER, Index("")),
    (c.Entitlement, "key"): (_ENTITLEMENT, Index("Id")),
    (c.Entitlement, "account"): (_ENTITLEMENT, Index("AccountId")),
    (c.CaseMirror, "case"): (_CASE, Index("Support_Ticket_Id__c")),
    (c.CaseMirror, "account"): (_CASE, Index("AccountId")),
    (c.SlaProcess, "list"): (_SLA, Index("")),
    # Where the org is the support desk (`[owners] case`).
    (c.Case, "key"): (_DESK_CASE, Index("Id")),
    (c.Case, "account"): (_DESK_CASE, Index("AccountId")),
    (c.Case, "list"): (_DESK_CASE, Index("")),
    (c.SupportOrganization, "key"): (_DESK_ACCOUNT, Index("Id")),
    (c.SupportOrganization, "account"): (_DESK_ACCOUNT, Index("Id")),
    (c.SupportOrganization, "domain"): (_DESK_ACCOUNT, Index("Website")),
    (c.Requester, "key"): (_DESK_CONTACT, Index("Id")),
    (c.Requester, "contact"): (_DESK_CONTACT, Index("Id")),
    (c.Requester, "email"): (_DESK_CONTACT, Index("Email")),
}
_REFERENCES = frozenset({"Id", "ParentId", "AccountId"})
_ID, _NO_ID = re.compile(r"[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?", re.ASCII), "INVALID_QUERY_FILTER_OPERATOR"
_PLAIN = frozenset({"key", "domain", "external", "email"})
CAPABILITIES: dict[tuple[type[Record], str], Capability] = {
    pair: Capability()
    if pair[1] in _PLAIN
    else Capability({name: ops for name, (_, ops) in shape.filters.items()}, tuple(shape.orders))
    for pair, (shape, _) in READERS.items()
}
_EXTERNAL = {"BILLING": facts.BILLING_ID, "ERP": facts.ERP_ID}
_SIGNS = {"gte": ">=", "gt": ">", "lte": "<=", "lt": "<"}


class Readers:
    """Answers asks with one client."""

    def __init__(self, source: str, client: Client, origin: Callable[[], Origin], max_rows: int) -> None:
        self._source, self._client, self._origin, self._max_rows = source, client, origin, max_rows

    async def read(self, ask: Ask) -> Reading:
        """Rows for every key; raises BadAsk for what cannot be asked, SourceError when the source fails."""
        found = READERS.get((ask.record, ask.by))
        if found is None:
            raise BadAsk(f"`{self._source}` cannot find `{ask.record.__name__}` by `{ask.by}`", source=self._source)
        try:
            return await self._answer(ask, *found)
        except Rejected as error:
            sound = tuple(filter(_ID.fullmatch, ask.keys))
            bad = found[1].field in _REFERENCES and len(sound) < len(ask.keys)
            if not bad or error.vendor_code != _NO_ID:
                raise
        # Nothing has a key that is no id, and one of them has the whole query refused: the others are asked again.
        return await self._answer(msgspec.structs.replace(ask, keys=sound), *found)

    async def _answer(self, ask: Ask, shape: Shape, index: Index) -> Reading:
        where = self._filters(ask.page, shape)
        reading = Reading({}, Report(self._source))
        if not ask.keys:
            return reading
        if ask.by in ("list", "search"):
            words = [contains("Name", each) for each in ask.keys[0].split()] if ask.by == "search" else []
            await self._page(ask.keys[0], ask.page, shape, (*where, *words), reading)
        elif ask.by == "domain":
            await self._domains(ask, shape, reading)
        elif ask.by == "external":
            await self._external(ask, shape, reading)
        elif len(ask.keys) == 1 and ask.page.first is not None and ask.by != "key":
            await self._page(ask.keys[0], ask.page, shape, (*where, one_of(index.field, ask.keys)), reading)
        else:
            await self._many(ask, shape, index, where, reading)
        return reading

    # ------------------------------------------------------------ conditions

    def _filters(self, page: Page, shape: Shape) -> tuple[str, ...]:
        if page.order is not None and page.order.field not in shape.orders:
            raise BadAsk(f"`{self._source}` cannot order by `{page.order.field}`", source=self._source)
        return tuple(self._condition(each, shape) for each in page.filters)

    def _condition(self, asked: Filter, shape: Shape) -> str:
        field, ops = shape.filters.get(asked.field, ("", ()))
        if asked.op not in ops:
            raise BadAsk(f"`{self._source}` cannot filter by `{asked.field}` with `{asked.op}`", source=self._source)
        values = tuple(asked.value) if asked.op == "in" else (asked.value,)
        test = shape.tests.get(asked.field)
        if test is not None:
            return " OR ".join(f"({test(value)})" for value in values) or _NOTHING
        if asked.op == "contains":
            return contains(field, asked.value)
        if asked.op in _SIGNS:
            return f"{field} {_SIGNS[asked.op]} {literal(asked.value)}"
        return one_of(field, values) if values else _NOTHING

    # ------------------------------------------------------------ one list, page by page

    async def _page(self, key: str, page: Page, shape: Shape, where: Sequence[str], reading: Reading) -> None:
        first = min(page.first if page.first is not None else self._max_rows, self._max_rows)
        order = page.order
        field = shape.orders[order.field] if order is not None else None
        conditions = [*shape.where, *where]
        if page.after is not None:
            conditions.append(_after(page.after, field, order))
        direction = "DESC" if order is not None and order.descending else "ASC"
        sort = (f"{field} {direction} NULLS LAST", "Id ASC") if field else ("Id ASC",)
        query = Query(shape.fields, shape.object, tuple(conditions), sort, first + 1, shape.every)
        rows = await self._select(query, shape, reading)
        self._put(reading, key, rows, page, shape, field)

    def _put(
        self, reading: Reading, key: str, rows: Sequence[Any], page: Page, shape: Shape, field: str | None
    ) -> None:
        """As many rows as the page has, each with its place by what they are sorted by."""
        first, origin = min(page.first if page.first is not None else self._max_rows, self._max_rows), self._origin()
        try:
            records = [shape.build(row, origin) for row in rows[:first]]
        except SourceError as error:
            reading.errors[key] = error
            return
        more = len(rows) > first
        places = tuple(_place(row, field) for row in rows[:first]) if page.first is not None else ()
        reading.rows[key] = Rows(records, more, _place(rows[first - 1], field) if more else None, positions=places)

    # ------------------------------------------------------------ many parents

    async def _many(self, ask: Ask, shape: Shape, index: Index, where: Sequence[str], reading: Reading) -> None:
        parts = [ask.keys[start : start + facts.IN_LIST] for start in range(0, len(ask.keys), facts.IN_LIST)]
        order = ask.page.order
        field = shape.orders[order.field] if order is not None else None
        direction = "DESC" if order is not None and order.descending else "ASC"
        sort = (f"{field} {direction} NULLS LAST", "Id ASC") if field else ("Id ASC",)

        async def part(keys: Sequence[str]) -> None:
            conditions = (*shape.where, *where, one_of(index.field, keys))
            query = Query(shape.fields, shape.object, conditions, sort, None, shape.every)
            rows = await self._select(query, shape, reading)
            self._assign(ask, keys, rows, shape, index.field, field, reading)

        await asyncio.gather(*(part(keys) for keys in parts))

    def _assign(
        self,
        ask: Ask,
        keys: Sequence[str],
        rows: Sequence[Any],
        shape: Shape,
        parent: str,
        field: str | None,
        reading: Reading,
    ) -> None:
        parents: dict[str, list[Any]] = {key: [] for key in keys}
        lowered = {key.lower(): key for key in keys} if ask.by == "email" else {}
        for row in rows:
            own = getattr(row, parent)
            own = lowered.get(str(own).lower(), own) if lowered else own
            if own in parents:
                parents[own].append(row)
        for key, found in parents.items():
            if found or ask.by != "key":
                self._put(reading, key, found, ask.page, shape, field)

    async def _domains(self, ask: Ask, shape: Shape, reading: Reading) -> None:
        async def one(domain: str) -> None:
            where = (*shape.where, contains("Website", domain))
            query = Query(shape.fields, shape.object, where, ("Id ASC",), self._max_rows, shape.every)
            rows = await self._select(query, shape, reading)
            exact = [row for row in rows if mapping.domain(row.Website) == domain]
            self._put(reading, domain, exact, Page(), shape, None)

        await asyncio.gather(*(one(domain) for domain in ask.keys))

    async def _external(self, ask: Ask, shape: Shape, reading: Reading) -> None:
        async def system(name: str, field: str) -> None:
            ids = {key.partition(":")[2]: key for key in ask.keys if key.partition(":")[0] == name}
            if not ids:
                return
            query = Query(shape.fields, shape.object, (one_of(field, tuple(ids)),), ("Id ASC",))
            for row in await self._select(query, shape, reading):
                key = ids.get(getattr(row, field))
                if key is not None:
                    known = list(reading.rows.get(key, Rows()).records)
                    reading.rows[key] = Rows([*known, shape.build(row, self._origin())])

        await asyncio.gather(*(system(name, field) for name, field in _EXTERNAL.items()))

    async def _select(self, query: Query, shape: Shape, reading: Reading) -> list[Any]:
        answer = await self._client.select(query, shape.wire)
        if answer.more:
            raise BadAsk(
                f"`{self._source}` has more than {facts.PAGE * facts.PAGES} rows for this: ask for fewer at once",
                source=self._source,
            )
        reading.report.calls += answer.calls
        reading.report.joined += int(answer.calls == 0)
        reading.report.milliseconds += answer.milliseconds
        return answer.records


def _place(row: Any, field: str | None) -> Position:
    return Position(getattr(row, field) if field else None, row.Id)


def _after(after: Position, field: str | None, order: Order | None) -> str:
    """Everything behind a row: nulls come last, ids break ties."""
    behind = f"Id > {literal(after.key)}"
    if field is None or order is None:
        return behind
    if after.value is None:
        return f"{field} = null AND {behind}"
    value = _typed(after.value, field)
    sign = "<" if order.descending else ">"
    return f"{field} {sign} {value} OR ({field} = {value} AND {behind}) OR {field} = null"


def _typed(text: str, field: str) -> str:
    if not field.endswith("Date"):
        return literal(text)
    return literal(datetime.fromisoformat(text)) if "T" in text else literal(date.fromisoformat(text))
