"""The life of a fact: fresh, refreshed ahead, stale while it is refreshed, stale for want of better, too old."""

import asyncio

import pytest

from sources import canonical as c
from sources.cache import CacheSettings
from sources.cache.freshness import DEFAULTS, Overrides, Table
from sources.canonical import Record
from sources.errand import Lane
from sources.errors import BadAsk, CircuitOpen, Missing, StaleLimit, TimedOut, Unavailable
from sources.ports import Ask
from tests.fakes.virtual_time import in_virtual_time
from tests.sources.cache.book import LAG, Book, at, by_key, cached, contact, errand, keys_of, served

# A contact is fresh for 60 s, refreshed in the last 10 of them, served while it is refreshed for 60 s more, and may
# stand in for a day. Half a minute later than that nobody may use it.
DAY = 86_400.0
DOWN = Unavailable("`book` is down")


@in_virtual_time
async def test_what_was_read_just_now_costs_no_call() -> None:
    book = Book()
    book.put("key", "K", contact("K"))
    source = cached(book)
    first, second = await source.read(by_key("K")), await source.read(by_key("K"))
    assert keys_of(first) == keys_of(second) == {"K": ["K"]}
    assert (served(first), served(second)) == ({"K": "LIVE"}, {"K": "CACHE"})
    assert (first.report.calls, first.report.cached) == (1, 0)
    assert (second.report.calls, second.report.cached, second.report.milliseconds) == (0, 1, 0.0)
    assert len(book.asked) == 1


@in_virtual_time
async def test_a_read_near_the_end_of_its_time_is_served_and_sets_off_one_refresh() -> None:
    book = Book()
    book.put("key", "K", contact("K"))
    source = cached(book)
    await source.read(by_key("K"))
    await at(49)
    assert served(await source.read(by_key("K"))) == {"K": "CACHE"}
    await at(49.5)
    assert len(book.asked) == 1
    book.delay = 2
    await at(51)
    early = [await source.read(by_key("K")) for _ in range(5)]
    assert [served(each) for each in early] == [{"K": "CACHE"}] * 5
    assert asyncio.get_running_loop().time() == 51, "nobody waited"
    await at(100)
    assert len(book.asked) == 2
    assert served(await source.read(by_key("K"))) == {"K": "CACHE"}, "the refresh counts from when it was sent"
    assert book.lanes[1] == Lane.BACKFILL


@in_virtual_time
async def test_a_fact_past_its_time_is_served_at_once_marked_stale_and_refreshed() -> None:
    book = Book()
    book.put("key", "K", contact("K"))
    source = cached(book)
    await source.read(by_key("K"))
    book.put("key", "K", contact("K", title="new"))
    await at(90)
    book.delay = 1
    reading = await source.read(by_key("K"))
    assert (served(reading), reading.report.cached, reading.report.error) == ({"K": "STALE"}, 1, None)
    assert source.recall(by_key("K")) is None, "the whole answer is not fresh"
    await at(92)
    reading = await source.read(by_key("K"))
    assert (served(reading), reading.rows["K"].records[0].title) == ({"K": "CACHE"}, "new")  # type: ignore[attr-defined]
    assert len(book.asked) == 2


@in_virtual_time
async def test_who_is_strict_waits_for_the_source_as_soon_as_a_fact_is_past_its_time() -> None:
    book = Book()
    book.put("key", "K", contact("K"))
    source = cached(book)
    await source.read(by_key("K"))
    await at(90)
    book.delay = 0.3
    with errand(strict=True, patience=1.0):
        reading = await source.read(by_key("K"))
    assert (served(reading), reading.report.calls) == ({"K": "LIVE"}, 1)
    assert asyncio.get_running_loop().time() == pytest.approx(90.3)
    await at(180)
    book.fault = Unavailable("down")
    with errand(strict=True, patience=1.0):
        reading = await source.read(by_key("K"))
    assert (served(reading), reading.errors) == ({"K": "STALE"}, {}), "it stands in for what nobody can say"


@in_virtual_time
async def test_past_that_a_read_waits_for_the_source() -> None:
    book = Book()
    book.put("key", "K", contact("K"))
    source = cached(book)
    await source.read(by_key("K"))
    await at(200)
    book.delay = 0.3
    reading = await source.read(by_key("K"))
    assert (served(reading), reading.report.calls) == ({"K": "LIVE"}, 1)
    assert asyncio.get_running_loop().time() == pytest.approx(200.3)


@in_virtual_time
async def test_where_the_source_is_slow_patience_ends_with_the_old_fact_and_the_flight_goes_on() -> None:
    book = Book()
    book.put("key", "K", contact("K"))
    source = cached(book)
    await source.read(by_key("K"))
    await at(200)
    book.delay = 7
    with errand(patience=0.25):
        reading = await source.read(by_key("K"))
    assert asyncio.get_running_loop().time() == pytest.approx(200.25)
    assert (served(reading), reading.errors, reading.report.error) == ({"K": "STALE"}, {}, None)
    await at(208)
    assert served(await source.read(by_key("K"))) == {"K": "CACHE"}
    assert (len(book.asked), book.cancelled) == (2, 0)


@in_virtual_time
async def test_where_the_source_fails_the_old_fact_stands_in_and_the_report_says_why() -> None:
    book = Book()
    book.put("key", "K", contact("K"))
    source = cached(book)
    await source.read(by_key("K"))
    book.fault = CircuitOpen("not asked")
    for instant in (200, 4_000, DAY + 59):
        await at(instant)
        reading = await source.read(by_key("K"))
        assert (served(reading), reading.errors) == ({"K": "STALE"}, {})
        assert reading.report.error == "CIRCUIT_OPEN"


@in_virtual_time
async def test_past_its_bound_a_fact_is_too_old_for_anybody_and_the_error_says_how_old() -> None:
    book = Book()
    book.put("key", "K", contact("K"))
    source = cached(book)
    await source.read(by_key("K"))
    book.fault = DOWN
    await at(DAY + 61)
    reading = await source.read(by_key("K", "L"))
    assert reading.rows == {}
    assert isinstance(reading.errors["K"], StaleLimit)
    assert reading.errors["K"].code == "STALE_LIMIT_EXCEEDED"
    assert "24 h old" in reading.errors["K"].message
    assert "SOURCE_UNAVAILABLE" in reading.errors["K"].message
    assert reading.errors["L"] is DOWN, "of what was never known the source's own error is told"
    book.fault = None
    assert served(await source.read(by_key("K"))) == {"K": "LIVE"}


@pytest.mark.parametrize("error", [BadAsk("no such filter"), Missing("no such record")])
def test_what_is_an_answer_to_the_question_is_no_failure_that_an_old_fact_could_hide(error: Exception) -> None:
    @in_virtual_time
    async def test() -> None:
        book = Book()
        book.put("key", "K", contact("K"))
        source = cached(book)
        await source.read(by_key("K"))
        await at(200)
        book.fault = error
        reading = await source.read(by_key("K"))
        assert (reading.rows, reading.errors) == ({}, {"K": error})

    test()


@in_virtual_time
async def test_what_is_not_there_is_remembered_for_a_shorter_time() -> None:
    book = Book()
    book.put("account", "A")
    source = cached(book)
    assert (await source.read(by_key("K"))).rows == {}
    assert keys_of(await source.read(by_key("A", by="account"))) == {"A": []}
    await at(9)
    assert (await source.read(by_key("K"))).rows == {}
    assert keys_of(await source.read(by_key("A", by="account"))) == {"A": []}
    assert len(book.asked) == 2
    book.put("key", "K", contact("K"))
    await at(21)
    assert keys_of(await source.read(by_key("K"))) == {"K": ["K"]}


@in_virtual_time
async def test_that_something_is_not_there_stands_in_for_minutes_only_and_an_empty_list_as_long_as_any() -> None:
    book = Book()
    book.put("account", "A")
    source = cached(book)
    await source.read(by_key("K"))
    await source.read(by_key("A", by="account"))
    book.fault = DOWN
    await at(300)
    absent = await source.read(by_key("K"))
    assert (absent.rows, absent.errors, absent.report.error) == ({}, {}, "SOURCE_UNAVAILABLE")
    await at(320)
    assert isinstance((await source.read(by_key("K"))).errors["K"], StaleLimit)
    assert served(await source.read(by_key("A", by="account"))) == {"A": "STALE"}


@in_virtual_time
async def test_a_refresh_that_fails_is_not_tried_again_at_once() -> None:
    book = Book()
    book.put("key", "K", contact("K"))
    source = cached(book)
    await source.read(by_key("K"))
    book.fault = DOWN
    await at(55)
    for _ in range(10):
        assert served(await source.read(by_key("K"))) == {"K": "CACHE"}
        await asyncio.sleep(0.05)
    assert len(book.asked) == 2
    await at(57)
    await source.read(by_key("K"))
    await asyncio.sleep(0)
    assert len(book.asked) == 3


@in_virtual_time
async def test_chance_takes_up_to_a_tenth_off_the_time() -> None:
    book = Book()
    book.put("key", "K", contact("K"))
    source = cached(book, chance=0.999)
    await source.read(by_key("K"))
    await at(43)
    await source.read(by_key("K"))
    assert len(book.asked) == 1
    await at(45)
    await source.read(by_key("K"))
    await asyncio.sleep(0)
    assert len(book.asked) == 2, "refreshed ahead of 54 s instead of 60"


@in_virtual_time
async def test_a_search_index_s_lag_counts_towards_how_old_its_facts_may_become() -> None:
    book = Book()
    book.put("email", "k@a.test", contact("K"))
    source = cached(book)
    await source.read(by_key("k@a.test", by="email"))
    await at(30)
    assert source.recall(by_key("k@a.test", by="email")) is not None, "asking again would bring nothing newer"
    book.fault = DOWN
    await at(DAY + 60 - LAG - 1)
    assert served(await source.read(by_key("k@a.test", by="email"))) == {"k@a.test": "STALE"}
    await at(DAY + 60 - LAG + 1)
    assert isinstance((await source.read(by_key("k@a.test", by="email"))).errors["k@a.test"], StaleLimit)


@in_virtual_time
async def test_an_error_is_not_remembered_nor_are_rows_that_come_with_one() -> None:
    book = Book()
    book.put("account", "A", contact("K"))
    book.broken = {"A": Unavailable("half of it is missing")}
    source = cached(book)
    for _ in range(2):
        reading = await source.read(by_key("A", by="account"))
        assert (keys_of(reading), list(reading.errors)) == ({"A": ["K"]}, ["A"])
    assert len(book.asked) == 2


@in_virtual_time
async def test_what_comes_along_is_known_by_key() -> None:
    book = Book()
    book.put("account", "A", contact("K"))
    book.along = [contact("L")]
    source = cached(book)
    reading = await source.read(by_key("A", by="account"))
    assert [each.key for each in reading.along] == ["L"]
    assert keys_of(await source.read(by_key("L"))) == {"L": ["L"]}
    assert len(book.asked) == 1


@in_virtual_time
async def test_a_cache_that_is_not_enabled_remembers_nothing_and_still_shares_flights() -> None:
    book = Book()
    book.put("key", "K", contact("K"))
    source = cached(book, CacheSettings(enabled=False))
    readings = await asyncio.gather(*(source.read(by_key("K")) for _ in range(10)))
    assert len(book.asked) == 1
    assert sum(each.report.calls for each in readings) == 1
    assert served(await source.read(by_key("K"))) == {"K": "LIVE"}
    assert len(book.asked) == 2
    assert source._shelves == {}


@in_virtual_time
async def test_a_type_s_times_can_be_set() -> None:
    book = Book()
    book.put("key", "K", contact("K"))
    source = cached(book, CacheSettings(types={"Contact": Overrides(ttl=5, refresh_ahead=0, while_refreshing=0)}))
    await source.read(by_key("K"))
    await at(4.9)
    await source.read(by_key("K"))
    assert len(book.asked) == 1
    await at(5.1)
    await source.read(by_key("K"))
    assert len(book.asked) == 2


@in_virtual_time
async def test_who_has_no_time_left_gets_what_is_at_hand_and_else_an_error_without_a_call() -> None:
    book = Book()
    book.put("key", "K", contact("K"))
    source = cached(book)
    await source.read(by_key("K"))
    await at(200)
    with errand(until=200.04):
        reading = await source.read(by_key("K", "L"))
    assert served(reading) == {"K": "STALE"}
    assert isinstance(reading.errors["L"], TimedOut)
    assert "`book`" in reading.errors["L"].message
    assert len(book.asked) == 1


def test_every_canonical_type_has_its_times() -> None:
    types = {each for each in vars(c).values() if isinstance(each, type) and issubclass(each, Record)}
    ours = {c.Operation, c.OperationApproval, c.OperationException}  # are read anew every time
    assert types - {c.Record, c.Owned} - ours == set(DEFAULTS)
    for freshness in DEFAULTS.values():
        assert freshness.refresh_ahead < freshness.ttl
        assert freshness.negative <= freshness.ttl <= freshness.stale_for


def test_a_feature_s_last_known_right_is_kept_for_a_day() -> None:
    assert Table().of(c.Entitlement).stale_for == DAY


@in_virtual_time
async def test_nothing_asked_is_nothing_done() -> None:
    book = Book()
    assert (await cached(book).read(Ask(c.Contact, "key", ()))).rows == {}
    assert book.asked == []
