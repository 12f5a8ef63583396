"""What can be asked of Zendesk: one function for each record and index."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import msgspec

from sources import canonical as c
from sources.abreast import abreast
from sources.canonical import Record
from sources.errand import current
from sources.errors import BadAsk, Missing, SourceError
from sources.ports import Ask, Capability, Page, Position, Reading, Report, Rows
from sources.vendors.zendesk import facts, mapping, wire
from sources.vendors.zendesk.client import Client
from sources.vendors.zendesk.places import NOWHERE, behind, meets, narrowed, place, position, quoted, terms
from sources.vendors.zendesk.settings import ZendeskSettings

_CASE_FILTERS = {
    "status": ("in", "eq"),
    "priority": ("in", "eq"),
    "escalated": ("eq",),
    "created_at": ("gte", "gt", "lte", "lt"),
    "updated_at": ("gte", "gt", "lte", "lt"),
}
_CASES = Capability(filters=_CASE_FILTERS, orders=("created_at", "updated_at"), own_account_ids=True)
_SORTS = {
    ("created_at", True): facts.NEWEST_FIRST,
    ("created_at", False): facts.OLDEST_FIRST,
    ("updated_at", True): facts.LAST_CHANGED_FIRST,
    ("updated_at", False): facts.LAST_CHANGED_LAST,
}
CAPABILITIES: dict[tuple[type[Record], str], Capability] = {
    (c.SupportOrganization, "key"): Capability(),
    (c.SupportOrganization, "account"): Capability(),
    (c.SupportOrganization, "domain"): Capability(),
    (c.Requester, "key"): Capability(),
    (c.Requester, "contact"): Capability(),
    (c.Requester, "email"): Capability(),
    (c.Case, "key"): Capability(),
    (c.Case, "account"): _CASES,
    (c.Case, "list"): Capability(filters=_CASE_FILTERS, orders=("created_at", "updated_at")),
    (c.Sla, "case"): Capability(),
    (c.SupportPlan, "key"): Capability(),
    (c.SupportPlan, "list"): Capability(),
}
_SEARCHED = {(c.SupportOrganization, "domain"), (c.Requester, "email"), (c.Case, "account"), (c.Case, "list")}


def capabilities(settings: ZendeskSettings) -> dict[tuple[type[Record], str], Capability]:
    """The capabilities of one source: what is searched may be behind, the cases of one organization alone are not."""
    return {
        index: msgspec.structs.replace(each, search_lag=settings.search_lag) if index in _SEARCHED else each
        for index, each in CAPABILITIES.items()
    }


class Readers:
    """Answers asks with one client."""

    def __init__(self, source: str, client: Client, settings: ZendeskSettings, clock: Callable[[], float]) -> None:
        self._source, self._client, self._settings, self._clock = source, client, settings, clock
        self._table: dict[tuple[type[Record], str], Callable[[Ask, Reading], Awaitable[None]]] = {
            (c.SupportOrganization, "key"): self._organizations,
            (c.SupportOrganization, "account"): self._organizations,
            (c.SupportOrganization, "domain"): self._organizations_by_domain,
            (c.Requester, "key"): self._users,
            (c.Requester, "contact"): self._users,
            (c.Requester, "email"): self._users_by_email,
            (c.Case, "key"): self._tickets,
            (c.Case, "account"): self._tickets_of,
            (c.Case, "list"): self._tickets_listed,
            (c.Sla, "case"): self._slas,
            (c.SupportPlan, "key"): self._plans,
            (c.SupportPlan, "list"): self._plans,
        }

    async def read(self, ask: Ask) -> Reading:
        """Rows for every key; raises BadAsk for what cannot be asked, SourceError when the source fails."""
        capability = CAPABILITIES.get((ask.record, ask.by))
        if capability is None:
            raise BadAsk(f"`{self._source}` cannot find `{ask.record.__name__}` by `{ask.by}`", source=self._source)
        for each in ask.page.filters:
            if each.op not in capability.filters.get(each.field, ()):
                raise BadAsk(f"`{self._source}` cannot filter by `{each.field}` with `{each.op}`", source=self._source)
        if ask.page.order is not None and ask.page.order.field not in capability.orders:
            raise BadAsk(f"`{self._source}` cannot order by `{ask.page.order.field}`", source=self._source)
        reading = Reading({}, Report(self._source))
        await self._table[ask.record, ask.by](ask, reading)
        return reading

    def _now(self, lag: float = 0.0) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC) - timedelta(seconds=lag)

    # ------------------------------------------------------------ by many ids

    async def _organizations(self, ask: Ask, reading: Reading) -> None:
        name = "external_ids" if ask.by == "account" else "ids"

        async def chunk(keys: Sequence[str]) -> None:
            found = await self._many("organizations", name, keys, wire.Organizations, reading)
            for each in found.organizations:
                key = (each.external_id or "") if ask.by == "account" else str(each.id)
                self._put(reading, key, partial(mapping.organization, each, self._source, self._now()))

        await self._chunks(ask, chunk, reading)

    async def _users(self, ask: Ask, reading: Reading) -> None:
        name = "external_ids" if ask.by == "contact" else "ids"

        async def chunk(keys: Sequence[str]) -> None:
            found = await self._many("users", name, keys, wire.Users, reading)
            for each in found.users:
                key = (each.external_id or "") if ask.by == "contact" else str(each.id)
                self._put(reading, key, partial(mapping.requester, each, self._source, self._now()))

        await self._chunks(ask, chunk, reading)

    async def _tickets(self, ask: Ask, reading: Reading) -> None:
        async def chunk(keys: Sequence[str]) -> None:
            found = await self._many("tickets", "ids", keys, wire.Tickets, reading, include="slas")
            for each in found.tickets:
                self._put(reading, str(each.id), partial(mapping.case, each, self._source, self._now()))

        await self._chunks(ask, chunk, reading)

    async def _slas(self, ask: Ask, reading: Reading) -> None:
        async def chunk(keys: Sequence[str]) -> None:
            found = await self._many("tickets", "ids", keys, wire.Tickets, reading, include="slas")
            for each in found.tickets:
                try:
                    reading.rows[str(each.id)] = Rows(mapping.slas(each, self._source, self._now()))
                except SourceError as error:
                    reading.errors[str(each.id)] = error

        await self._chunks(ask, chunk, reading)

    async def _many(
        self, what: str, name: str, keys: Sequence[str], shape: type[Any], reading: Reading, **more: str
    ) -> Any:
        parameters = {name: ",".join(keys), **more}
        return await self._client.get(f"/{what}/show_many.json", parameters, shape, reading.report, f"{what}.show_many")

    async def _chunks(self, ask: Ask, chunk: Callable[[Sequence[str]], Awaitable[None]], reading: Reading) -> None:
        # A comma would be two ids, and an id that is no number is nobody's.
        numeric = ask.by in ("key", "case")
        keys = [key for key in ask.keys if key and "," not in key and (key.isdigit() or not numeric)]
        parts = [keys[start : start + facts.MANY] for start in range(0, len(keys), facts.MANY)]
        await self._abreast([partial(_alone, reading, part, partial(chunk, part)) for part in parts])

    async def _abreast(self, works: Sequence[Callable[[], Awaitable[None]]]) -> None:
        """As many calls of one ask at once as the source may have; more would only stand in its queue."""
        await abreast(works, self._settings.concurrency)

    def _put(self, reading: Reading, key: str, build: Callable[[], Record]) -> None:
        try:
            record = build()
        except SourceError as error:
            reading.errors[key] = error
            return
        known = reading.rows.get(key, Rows()).records
        reading.rows[key] = Rows([*known, record])

    # ------------------------------------------------------------ by search

    async def _organizations_by_domain(self, ask: Ask, reading: Reading) -> None:
        async def one(domain: str) -> None:
            parameters = {"query": f'type:organization "{quoted(domain)}"', "per_page": str(facts.MANY)}
            found = await self._client.get(
                "/search.json", parameters, wire.OrganizationSearch, reading.report, "organizations.search"
            )
            exact = [each for each in found.results if domain in (each.domain_names or ())]
            lag = self._settings.search_lag
            reading.rows[domain] = Rows([mapping.organization(each, self._source, self._now(lag)) for each in exact])

        await self._abreast([partial(_alone, reading, (domain,), partial(one, domain)) for domain in ask.keys])

    async def _users_by_email(self, ask: Ask, reading: Reading) -> None:
        async def one(email: str) -> None:
            parameters = {"query": f'email:"{quoted(email)}"'}
            found = await self._client.get("/users/search.json", parameters, wire.Users, reading.report, "users.search")
            exact = [each for each in found.users if (each.email or "").lower() == email.lower()]
            lag = self._settings.search_lag
            reading.rows[email] = Rows([mapping.requester(each, self._source, self._now(lag)) for each in exact])

        await self._abreast([partial(_alone, reading, (email,), partial(one, email)) for email in ask.keys])

    async def _tickets_of(self, ask: Ask, reading: Reading) -> None:
        """Of one organization by its own list; of several by search, unless somebody needs newer than that tells."""
        if len(ask.keys) == 1:
            await self._tickets_of_one(ask.keys[0], ask.page, reading)
            return
        if len(ask.keys) <= facts.LISTED_ORGANIZATIONS and self._is_behind():
            own = self._tickets_of_one
            await self._abreast(
                [partial(_alone, reading, (key,), partial(own, key, ask.page, reading)) for key in ask.keys]
            )
            return
        step = facts.SEARCH_ORGANIZATIONS
        parts = [ask.keys[start : start + step] for start in range(0, len(ask.keys), step)]
        search = self._tickets_of_many
        await self._abreast(
            [partial(_alone, reading, part, partial(search, part, ask.page, reading)) for part in parts]
        )

    def _is_behind(self) -> bool:
        """Whether what a search tells may be older than the running errand allows."""
        floor = current().not_before.get(self._source)
        return floor is not None and floor > self._clock() - self._settings.search_lag

    async def _tickets_of_many(self, keys: Sequence[str], page: Page, reading: Reading) -> None:
        """One search for some organizations; where it finds more than a search shows, two searches for half of them."""
        query = " ".join(["type:ticket", *(f"organization:{key}" for key in keys), *terms(page.filters)])
        tickets: list[wire.Ticket] = []
        number, total = 1, 1
        while len(tickets) < total:
            found = await self._search(query, page, number, facts.MANY, reading)
            total = found.count
            if total > facts.SEARCH_MOST:
                await self._halves(keys, page, reading)
                return
            if not found.results:
                break
            tickets += found.results
            number += 1
        by_parent: dict[str, list[wire.Ticket]] = {key: [] for key in keys}
        for ticket in tickets:
            by_parent.setdefault(str(ticket.organization_id), []).append(ticket)
        for key in keys:
            self._rows(key, by_parent[key], page, reading)

    async def _halves(self, keys: Sequence[str], page: Page, reading: Reading) -> None:
        if len(keys) == 1:
            await self._tickets_of_one(keys[0], page, reading)
            return
        middle = len(keys) // 2
        await self._tickets_of_many(keys[:middle], page, reading)
        await self._tickets_of_many(keys[middle:], page, reading)

    def _rows(self, key: str, tickets: Sequence[wire.Ticket], page: Page, reading: Reading) -> None:
        first = page.first if page.first is not None else self._settings.max_rows
        lag = self._settings.search_lag
        try:
            cases = [mapping.case(each, self._source, self._now(lag)) for each in tickets]
        except SourceError as error:
            reading.errors[key] = error
            return
        kept = sorted((each for each in cases if meets(each, page.filters)), key=partial(place, page.order))
        kept = kept[::-1] if page.order is None or page.order.descending else kept
        more = len(kept) > first
        reading.rows[key] = _told(kept[:first], page, more)

    async def _search(self, query: str, page: Page, number: int, size: int, reading: Reading) -> wire.TicketSearch:
        order = page.order
        parameters = {
            "query": query,
            "sort_by": order.field if order is not None else "created_at",
            "sort_order": "desc" if order is None or order.descending else "asc",
            "per_page": str(size),
            "page": str(number),
        }
        return await self._client.get("/search.json", parameters, wire.TicketSearch, reading.report, "tickets.search")

    async def _tickets_listed(self, ask: Ask, reading: Reading) -> None:
        """Tickets of the whole desk, by search, which shows a thousand: each page is a search for what is behind the
        last row, so that its own limit is never met where the rows' instants differ."""
        page, lag = ask.page, self._settings.search_lag
        first = min(page.first if page.first is not None else self._settings.max_rows, self._settings.max_rows)
        size = min(first + 2, facts.MANY)
        query = " ".join(["type:ticket", *narrowed(terms(page.filters), page.after, page.order)])
        later = behind(page.after, page.order)
        kept: list[c.Case] = []
        for number in range(1, facts.SEARCH_MOST // size + 1):
            found = await self._search(query, page, number, size, reading)
            cases = [mapping.case(each, self._source, self._now(lag)) for each in found.results if later(each)]
            kept += [each for each in cases if meets(each, page.filters)]
            over = found.count > number * size and bool(found.results)
            if not over or len(kept) > first:
                more = len(kept) > first
                counted = page.after is None and number == 1 and len(found.results) == len(kept)
                reading.rows[ask.keys[0]] = _told(kept[:first], page, more, found.count if counted else None)
                return
        if not kept:
            raise BadAsk(
                f"`{self._source}` searches {facts.SEARCH_MOST} cases at the most: narrow the filter",
                source=self._source,
            )
        reading.rows[ask.keys[0]] = _told(kept, page, True)

    # ------------------------------------------------------------ one organization's list, from the source itself

    async def _tickets_of_one(self, key: str, page: Page, reading: Reading) -> None:
        first = page.first if page.first is not None else self._settings.max_rows
        order = page.order
        sort = _SORTS[order.field, order.descending] if order is not None else facts.NEWEST_FIRST
        start = page.after.token if page.after is not None else None
        later = behind(page.after, order, by_id=True)
        kept: list[c.Case] = []
        places: list[Position] = []

        def told(more: bool, reached: Position | None = None) -> Rows:
            end = reached or (places[first - 1] if more else None)
            at = places[:first] if page.first is not None else ()
            return Rows(kept[:first], more, end, positions=at, first_hand=not more)

        for _ in range(facts.PAGES):
            parameters = {"include": "slas,users", "page[size]": str(facts.MANY), "sort": sort}
            parameters |= {"page[after]": start} if start else {}
            try:
                found = await self._client.get(
                    f"/organizations/{key}/tickets.json", parameters, wire.Tickets, reading.report, "tickets.list"
                )
            except Missing:
                reading.rows[key] = Rows(first_hand=True)
                return
            self._people(found.users, reading)
            for ticket in found.tickets:
                if later(ticket) and not self._keep(ticket, page, kept, key, reading):
                    return
                places += [position(each, order, start) for each in kept[len(places) :]]
                if len(kept) > first:
                    reading.rows[key] = told(more=True)
                    return
            if not found.meta.has_more:
                reading.rows[key] = told(more=False)
                return
            start = found.meta.after_cursor
        reached = (
            position(kept[-1], order, start) if kept else msgspec.structs.replace(page.after or NOWHERE, token=start)
        )
        reading.rows[key] = told(more=True, reached=reached)

    def _people(self, users: Sequence[wire.User], reading: Reading) -> None:
        """Users that came along; one that cannot be mapped is an error for whoever asks for it."""
        for user in users:
            try:
                reading.along.append(mapping.requester(user, self._source, self._now()))
            except SourceError:
                continue

    def _keep(self, ticket: wire.Ticket, page: Page, kept: list[c.Case], key: str, reading: Reading) -> bool:
        try:
            case = mapping.case(ticket, self._source, self._now())
        except SourceError as error:
            reading.errors[key] = error
            return False
        if meets(case, page.filters):
            kept.append(case)
        return True

    # ------------------------------------------------------------ plans

    async def _plans(self, ask: Ask, reading: Reading) -> None:
        found = await self._client.get("/slas/policies.json", {}, wire.Policies, reading.report, "slas.policies")
        listed: list[Record] = []
        for policy in found.sla_policies:
            key = ask.keys[0] if ask.by == "list" else mapping.plan_of(policy)
            try:
                plan = mapping.support_plan(policy, self._source, self._now())
            except SourceError as error:
                reading.errors |= {key: error} if key in ask.keys else {}
                continue
            listed.append(plan)
            if plan.key in ask.keys:
                reading.rows[plan.key] = Rows([plan])
        if ask.by == "list":
            reading.rows = {ask.keys[0]: Rows(listed)}


def _told(cases: Sequence[c.Case], page: Page, more: bool, total: int | None = None) -> Rows:
    """Cases with their places."""
    places = tuple(position(each, page.order) for each in cases)
    return Rows(cases, more, places[-1] if more else None, total, places if page.first is not None else ())


async def _alone(reading: Reading, keys: Sequence[str], work: Callable[[], Awaitable[None]]) -> None:
    """What fails here fails for these keys only."""
    try:
        await work()
    except SourceError as error:
        reading.errors |= dict.fromkeys(keys, error)
