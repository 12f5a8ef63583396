"""Flights: one call for all who ask the same, and nobody's leaving harms anybody."""

import asyncio
from math import inf

import pytest

from sources.cache import CacheSettings
from sources.errand import Errand, Lane, begin
from sources.errors import TimedOut, Unavailable
from sources.ports import Filter, Page
from tests.fakes.virtual_time import in_virtual_time
from tests.sources.cache.book import Book, at, by_key, cached, contact, errand, keys_of, served

DOWN = Unavailable("`book` is down")


def stocked(*keys: str, delay: float = 1.0) -> Book:
    book = Book()
    for key in keys:
        book.put("key", key, contact(key))
    book.delay = delay
    return book


@in_virtual_time
async def test_a_thousand_who_ask_the_same_at_once_cost_one_call() -> None:
    book = stocked("K")
    source = cached(book)
    readings = await asyncio.gather(*(source.read(by_key("K")) for _ in range(1_000)))
    assert len(book.asked) == 1
    assert all(keys_of(each) == {"K": ["K"]} and served(each) == {"K": "LIVE"} for each in readings)
    assert [each.report.calls for each in readings].count(1) == 1
    assert sum(each.report.joined for each in readings) == 999


@in_virtual_time
async def test_fifty_keys_of_which_forty_nine_are_known_cost_one_call_for_one_key() -> None:
    keys = [f"K{number}" for number in range(50)]
    book = stocked(*keys)
    source = cached(book)
    await source.read(by_key(*keys[:49]))
    reading = await source.read(by_key(*keys))
    assert book.keys()[1:] == [("K49",)]
    assert (reading.report.calls, reading.report.cached, reading.report.joined) == (1, 49, 0)
    assert len(reading.rows) == 50


@in_virtual_time
async def test_a_batch_joins_the_flights_of_others_and_asks_the_rest_in_one_call() -> None:
    book = stocked("A", "B", "C", "D")
    source = cached(book)
    first = asyncio.create_task(source.read(by_key("A", "B")))
    await asyncio.sleep(0.5)
    second = await source.read(by_key("B", "C", "A", "D"))
    assert book.keys() == [("A", "B"), ("C", "D")]
    assert (second.report.calls, second.report.joined) == (1, 2)
    assert keys_of(second) == {key: [key] for key in "ABCD"}
    assert (await first).report.calls == 1


@in_virtual_time
async def test_a_leader_who_leaves_harms_nobody() -> None:
    book = stocked("K")
    source = cached(book)
    leader = asyncio.create_task(source.read(by_key("K")))
    await asyncio.sleep(0.1)
    follower = asyncio.create_task(source.read(by_key("K")))
    await asyncio.sleep(0.1)
    leader.cancel()
    assert keys_of(await follower) == {"K": ["K"]}
    assert leader.cancelled()
    assert (len(book.asked), book.cancelled) == (1, 0)


@in_virtual_time
async def test_a_flight_that_nobody_waits_for_has_a_second_to_finish() -> None:
    book = stocked("K", "L", delay=0.9)
    source = cached(book)
    lonely = asyncio.create_task(source.read(by_key("K")))
    await asyncio.sleep(0)
    lonely.cancel()
    await at(1)
    assert served(await source.read(by_key("K"))) == {"K": "CACHE"}, "it finished in time"
    book.delay = 1.1
    lonely = asyncio.create_task(source.read(by_key("L")))
    await asyncio.sleep(0)
    lonely.cancel()
    await at(3)
    assert book.cancelled == 1
    assert served(await source.read(by_key("L"))) == {"L": "LIVE"}


@in_virtual_time
async def test_who_comes_back_within_that_second_saves_it() -> None:
    book = stocked("K", delay=3)
    source = cached(book)
    lonely = asyncio.create_task(source.read(by_key("K")))
    await asyncio.sleep(0)
    lonely.cancel()
    await at(0.5)
    assert keys_of(await source.read(by_key("K"))) == {"K": ["K"]}
    assert (len(book.asked), book.cancelled) == (1, 0)


@in_virtual_time
async def test_how_long_it_has_is_a_setting() -> None:
    book = stocked("K", delay=3)
    source = cached(book, CacheSettings(grace=0))
    lonely = asyncio.create_task(source.read(by_key("K")))
    await asyncio.sleep(0)
    lonely.cancel()
    await at(0.1)
    assert book.cancelled == 1


@in_virtual_time
async def test_a_flight_that_fails_fails_for_all_who_wait_and_the_next_one_tries_anew() -> None:
    book = stocked("K")
    book.fault = DOWN
    source = cached(book)
    readings = await asyncio.gather(*(source.read(by_key("K")) for _ in range(10)))
    assert [each.errors for each in readings] == [{"K": DOWN}] * 10
    assert {each.report.error for each in readings} == {"SOURCE_UNAVAILABLE"}
    assert len(book.asked) == 1
    book.fault = None
    assert keys_of(await source.read(by_key("K"))) == {"K": ["K"]}
    assert len(book.asked) == 2


@in_virtual_time
async def test_of_those_who_wait_for_a_flight_that_fails_each_takes_what_it_may() -> None:
    book = stocked("K", delay=0)
    source = cached(book)
    await source.read(by_key("K"))
    await at(200)
    book.fault, book.delay = DOWN, 0.1

    async def ask(**given: float) -> object:
        with errand(**given):
            reading = await source.read(by_key("K"))
        return served(reading) or type(reading.errors["K"]).__name__

    found = [str(each) for each in await asyncio.gather(ask(), ask(max_age=100))]
    assert found == ["{'K': 'STALE'}", "StaleLimit"]
    assert len(book.asked) == 2


@in_virtual_time
async def test_a_bug_in_a_connector_is_nobody_s_failure_of_a_source() -> None:
    book = stocked("K")
    book.fault = ZeroDivisionError()
    source = cached(book)
    outcomes = await asyncio.gather(*(source.read(by_key("K")) for _ in range(3)), return_exceptions=True)
    assert [type(each) for each in outcomes] == [ZeroDivisionError] * 3


@in_virtual_time
async def test_an_asker_waits_until_its_own_deadline_less_what_an_answer_needs() -> None:
    book = stocked("K", delay=30)
    source = cached(book)
    with errand(until=0.75):
        reading = await source.read(by_key("K"))
    assert asyncio.get_running_loop().time() == pytest.approx(0.70)
    assert isinstance(reading.errors["K"], TimedOut)
    assert "`book`" in reading.errors["K"].message
    assert book.cancelled == 0
    await at(2)
    assert book.cancelled == 1, "nobody waited, and it had its second"


@in_virtual_time
async def test_a_flight_s_errand_is_its_own_without_a_deadline_and_in_the_lane_of_the_most_urgent() -> None:
    book = stocked("K")
    book.gate = asyncio.Event()
    source = cached(book)
    seen: list[Errand] = []

    async def ask(lane: Lane, until: float) -> None:
        begin(Errand(lane=lane, until=until))
        await source.read(by_key("K"))

    tasks = [asyncio.create_task(ask(Lane.PORTAL, 100))]
    await asyncio.sleep(0)
    (flight,) = source._cache.flights
    seen.append(flight.errand)
    assert (flight.errand.lane, flight.errand.until) == (Lane.PORTAL, inf)
    tasks.append(asyncio.create_task(ask(Lane.VALIDATE, 50)))
    tasks.append(asyncio.create_task(ask(Lane.BACKFILL, 80)))
    await asyncio.sleep(0)
    assert flight.errand.lane == Lane.VALIDATE
    book.gate.set()
    await asyncio.gather(*tasks)
    assert book.lanes == [Lane.VALIDATE], "what the connector runs under is the flight's errand"


@in_virtual_time
async def test_what_is_asked_with_a_row_filter_is_never_the_answer_to_a_question_without_it() -> None:
    book = stocked("K", delay=1)
    book.put("list", "", contact("K"), contact("L"))
    source = cached(book)
    everything = by_key("", by="list")
    of_one = by_key("", by="list", page=Page(filters=(Filter("account_key", "in", ("A",)),)))
    of_other = by_key("", by="list", page=Page(filters=(Filter("account_key", "in", ("B",)),)))
    await asyncio.gather(*(source.read(each) for each in (everything, of_one, of_other)))
    assert [ask.page for ask in book.asked] == [everything.page, of_one.page, of_other.page]
    assert source.recall(by_key("", by="list", page=Page(filters=(Filter("account_key", "in", ("C",)),)))) is None
    assert source.recall(of_one) is not None


@in_virtual_time
async def test_a_key_that_stands_for_another_account_is_asked_again() -> None:
    book = Book()
    book.put("customer", "cus", contact("K"))
    source = cached(book)
    plain = by_key("cus", by="customer")
    for accounts in ({"cus": "A"}, {"cus": "B"}, {}, {"cus": "A"}):
        ask = type(plain)(plain.record, plain.by, plain.keys, plain.page, accounts)
        await source.read(ask)
    assert [dict(ask.accounts) for ask in book.asked] == [{"cus": "A"}, {"cus": "B"}, {}]


@in_virtual_time
async def test_closing_ends_what_is_under_way_and_tells_who_waits() -> None:
    book = stocked("K", delay=100)
    source = cached(book)
    waiting = asyncio.create_task(source.read(by_key("K")))
    await asyncio.sleep(0)
    await source.close()
    reading = await waiting
    assert isinstance(reading.errors["K"], Unavailable)
    assert (book.closed, book.cancelled) == (True, 0), "it had not even begun"
    assert asyncio.all_tasks() == {asyncio.current_task()}


@in_virtual_time
async def test_an_ask_with_a_key_twice_asks_it_once() -> None:
    book = stocked("K")
    reading = await cached(book).read(by_key("K", "K"))
    assert book.keys() == [("K",)]
    assert reading.report.joined == 0


@in_virtual_time
async def test_what_one_asker_does_to_its_reading_is_not_seen_by_another() -> None:
    book = stocked("K")
    source = cached(book)
    one, other = await asyncio.gather(source.read(by_key("K")), source.read(by_key("K")))
    one.rows.clear()
    one.errors["K"] = DOWN
    assert (keys_of(other), other.errors) == ({"K": ["K"]}, {})
    assert isinstance(other.rows["K"].records, tuple)
