"""Bytes are bounded: the least recently used go first, what is past all use goes by itself, and nothing else is kept."""

import asyncio
import random
import tracemalloc

import pytest

from sources import canonical as c
from sources.cache import Cache, Cached, CacheSettings
from sources.cache.freshness import Freshness, spans
from sources.cache.keys import Index
from sources.cache.memory import Entry, Memory, Shelf
from sources.errors import StaleLimit, Unavailable
from sources.ports import Capability, Page, Rows
from tests.fakes.virtual_time import in_virtual_time
from tests.sources.cache.book import Book, at, by_key, cached, contact, everything, keys_of, wall

INDEX: Index = (c.Contact, "key", Page())
MIB = 1024 * 1024


def shelf(memory: Memory, freshness: Freshness = Freshness()) -> Shelf:  # noqa: B008 - frozen
    home: dict[Index, Shelf] = {}
    memory.homes.append(home)
    home[INDEX] = Shelf(home, "book", INDEX, Capability(), freshness)
    return home[INDEX]


def entry(place: Shelf, key: str, *records: c.Contact) -> Entry:
    return Entry(place, key, Rows(tuple(records)), 0.0, spans(place.freshness, 0.0, 0.0, 0.0)[0])


def test_the_sum_stays_below_the_bound_whatever_is_put_in_and_taken_out() -> None:
    chance = random.Random(3)
    memory = Memory(200_000)
    place = shelf(memory)
    for number in range(5_000):
        key = f"K{chance.randrange(300)}"
        if chance.random() < 0.2:
            memory.forget([("contact", key)])
        else:
            memory.put(entry(place, key, contact(key, title="x" * chance.randrange(2_000))), 0.0)
        if place.entries and chance.random() < 0.5:
            chance.choice(list(place.entries.values())).used = True
        assert memory.size <= memory.bound
        if number % 100 == 0:
            assert memory.size == sum(each.size for each in place.entries.values())
            assert len(memory) == len(place.entries)
            assert len(memory._round) <= 2 * len(place.entries) + 70, "what is gone is not carried along"
    assert memory.evicted > 0
    memory.clear()
    assert (memory.size, len(memory), memory._index.get("contact")) == (0, 0, {})


def test_what_is_used_again_and_again_stays() -> None:
    memory = Memory(20_000)
    place = shelf(memory)
    for number in range(400):
        memory.put(entry(place, f"K{number}", contact(f"K{number}")), 0.0)
        place.entries["K0"].used = True
    assert "K0" in place.entries
    assert "K1" not in place.entries
    assert "K399" in place.entries


def test_what_is_larger_than_everything_is_not_remembered_and_drives_nobody_out() -> None:
    memory = Memory(20_000)
    place = shelf(memory)
    memory.put(entry(place, "K", contact("K")), 0.0)
    memory.put(entry(place, "L", contact("L", title="x" * 100_000)), 0.0)
    assert list(place.entries) == ["K"]
    memory.put(entry(place, "K", contact("K", title="x" * 100_000)), 0.0)
    assert list(place.entries) == [], "what it would have replaced is not true any more"


@pytest.mark.parametrize("length", [10, 300, 3_000])
def test_the_estimate_is_no_less_than_what_is_really_taken(length: int) -> None:
    memory = Memory(1024 * MIB)
    place = shelf(memory)
    tracemalloc.start()
    try:
        for number in range(1_000):
            made = contact(
                f"key-{number}", account=f"account-{number}", title=f"{number}" * (length // len(str(number)))
            )
            memory.put(entry(place, f"key-{number}", made), 0.0)
        taken = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert taken < memory.size < 4 * taken


@in_virtual_time
async def test_what_is_past_all_use_goes_by_and_by_with_what_comes_in_and_no_timer_is_left() -> None:
    book = Book()
    source = cached(book)
    for number in range(100):
        book.put("key", f"K{number}", contact(f"K{number}"))
        await source.read(by_key(f"K{number}"))
    await at(86_400 + 4_000)
    for number in range(90):
        await source.read(by_key(f"new{number}"))
    assert not {f"K{number}" for number in range(100)} & set(everything(source))
    assert asyncio.get_running_loop()._scheduled == []  # type: ignore[attr-defined] # of asyncio's own loop


@in_virtual_time
async def test_a_fact_that_is_too_old_is_kept_a_while_to_say_how_old_it_is() -> None:
    book = Book()
    book.put("key", "K", contact("K"))
    source = cached(book)
    await source.read(by_key("K"))
    await at(86_400 + 1_000)
    await source.read(by_key("L"))
    book.fault = Unavailable("`book` is down")
    assert isinstance((await source.read(by_key("K"))).errors["K"], StaleLimit)


@in_virtual_time
async def test_all_sources_together_keep_to_the_bound() -> None:
    cache = Cache(CacheSettings(bytes=MIB), wall=wall)
    sources = []
    for _ in range(3):
        book = Book()
        for number in range(200):
            book.put("key", f"K{number}", contact(f"K{number}", title="x" * 3_000))
        sources.append(Cached(book, cache))
    for number in range(200):
        for source in sources:
            assert keys_of(await source.read(by_key(f"K{number}"))) == {f"K{number}": [f"K{number}"]}
    assert MIB * 0.9 < cache.memory.size <= MIB
    assert sum(len(everything(source)) for source in sources[:1]) == len(cache.memory)
