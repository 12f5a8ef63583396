"""The Zendesk connector reads in batches, page by page, and lets one failure fail only what it was for."""

import asyncio
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sources import canonical as c
from sources.cache import Cache, Cached
from sources.errand import Errand, begin, end
from sources.errors import BadAsk, Garbled, SourceError, TimedOut, Unauthorised, Unavailable, UnknownValue
from sources.ports import Ask, Filter, Order, Page, Position
from sources.vendors.zendesk.connector import ZendeskConnector
from sources.vendors.zendesk.facts import PAGES
from tests.fakes.script import reply
from tests.sources.zendesk.connector.desk import NOW, Desk, stamp, ticket

NEWEST, OLDEST = Order("created_at", descending=True), Order("created_at")
URGENT = Filter("priority", "eq", c.Priority.URGENT)


async def keys_of(connector: ZendeskConnector, by: str, key: str, page: Page) -> list[str]:
    """The keys of every page, in order."""
    found: list[str] = []
    after: Position | None = None
    for _ in range(2_000):
        reading = await connector.read(Ask(c.Case, by, (key,), Page(page.first, after, page.order, page.filters)))
        assert not reading.errors
        rows = reading.rows[key]
        assert page.first is None or len(rows.records) <= page.first
        found += [record.key for record in rows.records]
        if not rows.more:
            return found
        assert rows.next is not None
        after = rows.next
    raise AssertionError("the list does not end")


@pytest.mark.parametrize("order", [NEWEST, OLDEST, Order("updated_at", descending=True), Order("updated_at")])
@pytest.mark.parametrize("by", ["account", "list"])
async def test_ten_thousand_cases_page_through_each_exactly_once(by: str, order: Order) -> None:
    desk = Desk([ticket(number) for number in range(1, 10_001)])
    connector = desk.connector()
    key = "1" if by == "account" else ""
    first = await connector.read(Ask(c.Case, by, (key,), Page(100, None, order)))
    assert first.rows[key].more
    assert len(desk.script.requests) <= 2
    found = await keys_of(connector, by, key, Page(100, None, order))
    expected = [str(number) for number in range(1, 10_001)]
    assert found == (expected[::-1] if order.descending else expected)


async def test_an_unbounded_read_stops_at_the_limit_and_goes_on_from_there() -> None:
    desk = Desk([ticket(number) for number in range(1, 4_501)])
    found = await keys_of(desk.connector(), "account", "1", Page())
    assert found == [str(number) for number in range(4_500, 0, -1)]


async def test_a_list_goes_on_behind_a_row_that_has_gone() -> None:
    desk = Desk([ticket(number) for number in range(1, 31)])
    page = (await desk.connector().read(Ask(c.Case, "account", ("1",), Page(10)))).rows["1"]
    desk.tickets = [row for row in desk.tickets if str(row["id"]) != page.records[-1].key]
    rest = await desk.connector().read(Ask(c.Case, "account", ("1",), Page(100, page.next)))
    assert [record.key for record in rest.rows["1"].records] == [str(number) for number in range(20, 0, -1)]


async def test_a_position_without_a_page_is_found_again_however_deep_it_is() -> None:
    desk = Desk([ticket(number) for number in range(1, 100 * PAGES + 501)])
    deep, found = Position(None, "301"), []
    while True:
        rows = (await desk.connector().read(Ask(c.Case, "account", ("1",), Page(100, deep, NEWEST)))).rows["1"]
        found += [record.key for record in rows.records]
        if not rows.more:
            break
        assert rows.next is not None
        deep = rows.next
    assert found == [str(number) for number in range(300, 0, -1)]


@settings(max_examples=30)
@given(
    minutes=st.lists(st.integers(0, 4), min_size=1, max_size=30),
    first=st.integers(1, 12),
    field=st.sampled_from(["created_at", "updated_at"]),
    descending=st.booleans(),
    by=st.sampled_from(["account", "list"]),
)
async def test_cases_of_one_instant_are_neither_lost_nor_repeated(
    minutes: list[int], first: int, field: str, descending: bool, by: str
) -> None:
    rows = []
    for number, minute in enumerate(sorted(minutes), 1):
        at = stamp(datetime(2026, 3, 1, 8, minute, tzinfo=UTC))
        rows.append(ticket(number, created_at=at, updated_at=at))
    found = await keys_of(
        Desk(rows).connector(), by, "1" if by == "account" else "", Page(first, None, Order(field, descending))
    )
    assert sorted(found, key=int) == [str(row["id"]) for row in rows]
    assert len(found) == len(set(found))


async def test_filters_fill_pages_from_the_rows_that_pass() -> None:
    desk = Desk([ticket(number, status="open" if number % 7 == 0 else "solved") for number in range(1, 701)])
    filters = (Filter("status", "in", (c.CaseStatus.OPEN,)),)
    for by, key in (("account", "1"), ("list", "")):
        found = await keys_of(desk.connector(), by, key, Page(9, None, NEWEST, filters))
        assert found == [str(number) for number in range(700, 0, -7)]


async def test_a_bound_of_the_filter_and_one_of_the_position_hold_together() -> None:
    desk = Desk([ticket(number) for number in range(1, 61)])
    before = datetime(2026, 1, 1, 0, 50, tzinfo=UTC)
    filters = (Filter("created_at", "lte", before), Filter("created_at", "gte", datetime(2026, 1, 1, 0, 5, tzinfo=UTC)))
    found = await keys_of(desk.connector(), "list", "", Page(7, None, NEWEST, filters))
    assert found == [str(number) for number in range(50, 4, -1)]


async def test_the_cases_of_one_organization_are_first_hand_and_those_of_several_are_searched() -> None:
    desk = Desk()
    for keys, first_hand in (("1",), True), (("404",), True), (("1", "2"), False):
        found = await desk.connector().read(Ask(c.Case, "account", keys))
        assert {each.first_hand for each in found.rows.values()} == {first_hand}


@pytest.mark.parametrize(("count", "max_age", "listed"), [(2, 0.0, 2), (2, None, 0), (2, 300.0, 0), (26, 0.0, 0)])
async def test_the_cases_of_a_few_organizations_are_first_hand_for_whoever_needs_them_newer_than_a_search_tells(
    count: int, max_age: float | None, listed: int
) -> None:
    """An account with two organizations: what is judged on urgent cases does not rest on a search of minutes ago."""
    keys = tuple(str(number) for number in range(1, count + 1))
    desk = Desk([ticket(number, number, priority="urgent") for number in range(1, count + 1)])
    source = Cached(desk.connector(), Cache(wall=NOW.timestamp))
    begun = begin(Errand(max_age=max_age))
    try:
        found = await source.read(Ask(c.Case, "account", keys, Page(20, filters=(URGENT,))))
    finally:
        end(begun)
    assert {key: [case.key for case in found.rows[key].records] for key in keys} == {key: [key] for key in keys}
    new = bool(listed) or max_age != 0.0
    assert {each.served for each in found.rows.values()} == {c.Served.LIVE if new else c.Served.STALE}
    assert len([path for path in desk.paths if path.startswith("/api/v2/organizations/")]) == listed


async def test_cases_of_many_organizations_are_searched_together_and_go_on_in_their_own_lists() -> None:
    desk = Desk([ticket(number, number % 30) for number in range(1, 601)])
    keys = tuple(str(number) for number in range(30))
    reading = await desk.connector().read(Ask(c.Case, "account", keys, Page(5, None, NEWEST)))
    assert not reading.errors
    assert set(desk.paths) == {"/api/v2/search.json"}
    for key in ("3", "29"):
        rows = reading.rows[key]
        assert rows.more
        rest = await desk.connector().read(Ask(c.Case, "account", (key,), Page(100, rows.next, NEWEST)))
        found = [record.key for record in [*rows.records, *rest.rows[key].records]]
        assert found == [str(number) for number in range(600, 0, -1) if number % 30 == int(key)]


async def test_a_search_that_finds_too_much_is_halved_until_it_can_be_shown() -> None:
    desk = Desk([ticket(number, number % 2) for number in range(1, 2_401)])
    reading = await desk.connector().read(Ask(c.Case, "account", ("0", "1"), Page(10)))
    assert [len(reading.rows[key].records) for key in ("0", "1")] == [10, 10]
    assert "/api/v2/organizations/1/tickets.json" in desk.paths


@pytest.mark.parametrize(("count", "calls"), [(1, 1), (100, 1), (101, 2), (350, 4)])
async def test_ids_are_read_a_hundred_at_a_time(count: int, calls: int) -> None:
    desk = Desk([ticket(number) for number in range(1, count + 1)])
    reading = await desk.connector().read(Ask(c.Case, "key", tuple(str(number) for number in range(1, count + 1))))
    assert len(reading.rows) == count
    assert len(desk.script.requests) == reading.report.calls == calls


async def test_calls_at_once_are_bounded() -> None:
    desk = Desk([ticket(number) for number in range(1, 1_501)])
    await desk.connector(concurrency=3).read(Ask(c.Case, "key", tuple(str(number) for number in range(1, 1_501))))
    assert desk.script.most_at_once == 3


async def test_ids_that_are_none_are_absent_and_never_asked_for() -> None:
    desk = Desk([ticket(1)])
    reading = await desk.connector().read(Ask(c.Case, "key", ("1,2", "", "nobody", "1")))
    assert set(reading.rows) == {"1"}
    assert desk.script.requests[0].query["ids"] == "1"


async def test_a_failing_batch_fails_only_its_own_keys() -> None:
    desk = Desk([ticket(number) for number in range(1, 251)])
    connector = desk.connector(concurrency=1)
    desk.script.faults = [reply("busy", 503)]
    reading = await connector.read(Ask(c.Case, "key", tuple(str(number) for number in range(1, 251))))
    assert len(reading.errors) == 100
    assert len(reading.rows) == 150
    assert not set(reading.errors) & set(reading.rows)


async def test_one_row_with_an_unknown_word_is_an_error_of_its_own_key() -> None:
    desk = Desk([ticket(1), ticket(2, status="frozen"), ticket(3)])
    reading = await desk.connector().read(Ask(c.Case, "key", ("1", "2", "3")))
    assert set(reading.rows) == {"1", "3"}
    error = reading.errors["2"]
    assert isinstance(error, UnknownValue)
    assert error.value == "frozen"
    assert "frozen" not in error.message
    desk = Desk([ticket(1, 1), ticket(2, 2, status="frozen")])
    reading = await desk.connector().read(Ask(c.Case, "account", ("1", "2")))
    assert (set(reading.rows), set(reading.errors)) == ({"1"}, {"2"})


async def test_one_policy_with_an_unknown_word_leaves_the_other_plans() -> None:
    good = {"id": 1, "title": "Premium", "policy_metrics": []}
    bad = {"id": 2, "title": "Standard", "policy_metrics": [{"priority": "mild", "metric": "x", "target": 1}]}
    desk = Desk(policies=[bad, good])
    reading = await desk.connector().read(Ask(c.SupportPlan, "key", ("premium", "standard")))
    assert (set(reading.rows), set(reading.errors)) == ({"premium"}, {"standard"})


async def test_domains_and_addresses_are_exact_whatever_the_search_finds() -> None:
    organizations = [
        {"id": 1, "name": "A", "domain_names": ["acme.example"]},
        {"id": 2, "name": "B", "domain_names": ["acme.example.org"]},
    ]
    users = [{"id": 7, "email": "Ada@acme.example", "role": "end-user"}, {"id": 8, "email": "ada@acme.example.org"}]
    desk = Desk(organizations=organizations, users=users)
    connector = desk.connector()
    found = await connector.read(Ask(c.SupportOrganization, "domain", ("acme.example",)))
    assert [record.key for record in found.rows["acme.example"].records] == ["1"]
    people = await connector.read(Ask(c.Requester, "email", ("ada@acme.example",)))
    assert [record.key for record in people.rows["ada@acme.example"].records] == ["7"]
    assert (datetime(2026, 11, 20, 9, tzinfo=UTC) - people.rows["ada@acme.example"].records[0].as_of).seconds == 120


@given(text=st.text(max_size=20))
async def test_a_hostile_address_never_leaves_its_quotes(text: str) -> None:
    desk = Desk(users=[])
    await desk.connector().read(Ask(c.Requester, "email", (text,)))
    query = desk.script.requests[0].query["query"]
    assert query.startswith('email:"')
    assert query.endswith('"')
    assert '"' not in query[len('email:"') : -1]


async def test_the_same_read_under_way_is_joined() -> None:
    desk = Desk(policies=[])
    connector = desk.connector()
    readings = await asyncio.gather(*(connector.read(Ask(c.SupportPlan, "list", ("",))) for _ in range(10)))
    assert len(desk.script.requests) == 1
    assert sum(each.report.calls for each in readings) == 1
    assert sum(each.report.joined for each in readings) == 9


@pytest.mark.parametrize("error", [TimedOut("late"), Unavailable("gone")])
async def test_a_failure_of_the_transport_passes_as_it_is(error: SourceError) -> None:
    desk = Desk()
    desk.script.faults = [error]
    with pytest.raises(type(error)):
        await desk.connector().read(Ask(c.SupportPlan, "list", ("",)))


@pytest.mark.parametrize("body", ["", "<html>", "[]", '{"tickets": 3}', '{"tickets": [{"id": "x"}]}'])
async def test_a_wrong_shape_is_garbled(body: str) -> None:
    desk = Desk()
    desk.script.faults = [reply(body)]
    reading = await desk.connector().read(Ask(c.Case, "key", ("1",)))
    assert isinstance(reading.errors["1"], Garbled)


@pytest.mark.parametrize(
    "ask",
    [
        Ask(c.Invoice, "key", ("1",)),
        Ask(c.Case, "requester", ("1",)),
        Ask(c.Case, "list", ("",), Page(order=Order("subject"))),
        Ask(c.Case, "list", ("",), Page(filters=(Filter("status", "contains", "o"),))),
        Ask(c.Case, "account", ("1",), Page(after=Position(None, "' OR 1"))),
    ],
)
async def test_what_cannot_be_asked_is_refused_before_any_call(ask: Ask) -> None:
    desk = Desk()
    with pytest.raises(BadAsk):
        await desk.connector().read(ask)
    assert desk.script.requests == []


async def test_an_anonymous_answer_is_no_login() -> None:
    desk = Desk(me=[{"id": 0, "name": "Anonymous user", "role": "end-user"}])
    with pytest.raises(Unauthorised):
        await desk.connector().check()
    desk = Desk(me=[{"id": 9, "name": "Ada", "role": "agent"}])
    assert "Ada" in await desk.connector().check()


def test_what_is_searched_says_how_far_it_may_be_behind() -> None:
    behind = {
        (record.__name__, by): each.search_lag
        for (record, by), each in Desk().connector(search_lag=90.0).capabilities.items()
        if each.search_lag
    }
    searched = [("SupportOrganization", "domain"), ("Requester", "email"), ("Case", "account"), ("Case", "list")]
    assert behind == dict.fromkeys(searched, 90.0)
