"""Forgetting by tag, and reading one's own writes."""

import asyncio

import pytest

from sources import canonical as c
from sources.cache import Cached
from sources.errors import StaleLimit, Unavailable
from sources.ports import Ask
from tests.fakes.virtual_time import in_virtual_time
from tests.sources.cache.book import EPOCH, LAG, Book, at, by_key, cached, contact, errand, everything, served

INVOICES = Ask(c.Invoice, "account", ("A",))


async def filled(book: Book) -> Cached:
    book.put("key", "K", contact("K", source_account_id="cus"))
    book.put("key", "L", contact("L", account="B"))
    book.put("account", "A", contact("K"))
    book.put("account", "B", contact("L", account="B"))
    book.put("account", "C")
    book.put("customer", "cus", contact("K"))
    book.put("email", "k@a.test", contact("K"))
    book.put("list", "", contact("K"), contact("L", account="B"))
    book.put("account", "A", kind=c.Invoice)
    source = cached(book)
    for ask in (
        by_key("K", "L"),
        by_key("A", "B", "C", by="account"),
        by_key("cus", by="customer"),
        by_key("k@a.test", by="email"),
        by_key("", by="list"),
        INVOICES,
    ):
        await source.read(ask)
    assert len(everything(source)) == 9
    return source


TAGGED = {
    "account:A": {"L", "B", "C"},  # also the empty list of its invoices
    "account:B": {"K", "A", "C", "cus", "k@a.test"},
    "account:C": {"K", "L", "A", "B", "cus", "k@a.test", ""},
    "contact:K": {"L", "B", "C", "A"},  # `A` is left by its invoices
    "contact:M": {"K", "L", "A", "B", "C", "cus", "k@a.test", ""},
    "customer:cus": {"L", "A", "B", "C", "k@a.test", ""},
    "email:k@a.test": {"K", "L", "A", "B", "C", "cus", ""},
    "list:Contact": {"K", "L", "A", "B", "C", "cus"},
    "list:Invoice": {"K", "L", "A", "B", "C", "cus", "k@a.test", ""},
    "type:Contact": {"A"},
    "type:Invoice": {"K", "L", "A", "B", "C", "cus", "k@a.test", ""},
}


@pytest.mark.parametrize("tag", TAGGED)
def test_a_tag_forgets_what_speaks_of_it_and_nothing_else(tag: str) -> None:
    @in_virtual_time
    async def test() -> None:
        source = await filled(Book())
        before = len(everything(source))
        gone = source._cache.forget([tag])
        assert set(everything(source)) == TAGGED[tag]
        assert gone == before - len(everything(source))

    test()


@in_virtual_time
async def test_forgetting_everything_leaves_no_trace_in_the_books() -> None:
    source = await filled(Book())
    source._cache.forget(["type:Contact", "type:Invoice"])
    memory = source._cache.memory
    assert (memory.size, len(memory), source._shelves) == (0, 0, {})
    assert [kind for kind, keys in memory._index.items() if keys] == []


@in_virtual_time
async def test_what_is_no_tag_is_refused() -> None:
    with pytest.raises(ValueError, match="`invoice` is no tag"):
        cached(Book())._cache.forget(["invoice"])


@in_virtual_time
async def test_what_was_under_way_when_it_was_forgotten_is_answered_and_not_remembered() -> None:
    book = Book()
    book.put("key", "K", contact("K"))
    book.delay = 1
    source = cached(book)
    asked = asyncio.create_task(source.read(by_key("K")))
    await at(0.5)
    source._cache.forget(["account:A"])  # the key alone does not tell that it is about this account
    assert served(await asked) == {"K": "LIVE"}
    assert everything(source) == []
    await source.read(by_key("K"))
    assert everything(source) == ["K"]


@in_virtual_time
async def test_who_asks_after_it_was_forgotten_does_not_join_what_was_under_way() -> None:
    book = Book()
    book.put("account", "A", contact("K"))
    book.delay = 1
    source = cached(book)
    for tag in ("account:A", "contact:K", "type:Contact"):
        first = asyncio.create_task(source.read(by_key("A", by="account")))
        await asyncio.sleep(0.5)
        source._cache.forget([tag])
        second = await source.read(by_key("A", by="account"))
        assert (second.report.calls, second.report.joined) == (1, 0), tag
        assert served(await first) == {"A": "LIVE"}
        assert everything(source) == ["A"], "what was asked afterwards is remembered"
        source._cache.forget(["account:A"])


@in_virtual_time
async def test_a_writer_reads_its_own_write_and_others_go_on_with_what_is_known() -> None:
    book = Book()
    book.put("key", "K", contact("K"))
    source = cached(book)
    await source.read(by_key("K"))
    await at(5)
    instant = source._cache.wrote("book", [])
    assert instant == EPOCH + 5
    await at(6)
    with errand(not_before={"book": instant}):
        assert source.recall(by_key("K")) is None
        assert served(await source.read(by_key("K"))) == {"K": "LIVE"}
        assert served(await source.read(by_key("K"))) == {"K": "CACHE"}, "that one was read after the write"
        assert source.recall(by_key("K")) is not None
    with errand(not_before={"other": instant + 100}):
        assert served(await source.read(by_key("K"))) == {"K": "CACHE"}
    assert len(book.asked) == 2


@in_virtual_time
async def test_a_writer_does_not_join_what_left_before_its_write() -> None:
    book = Book()
    book.put("key", "K", contact("K"))
    book.delay = 1
    source = cached(book)
    early = asyncio.create_task(source.read(by_key("K")))
    await at(0.5)
    with errand(not_before={"book": EPOCH + 0.4}):
        later = asyncio.create_task(source.read(by_key("K")))
    other = asyncio.create_task(source.read(by_key("K")))
    assert [(await each).report.calls for each in (early, later)] == [1, 1]
    assert len(book.asked) == 2
    await other
    assert served(await source.read(by_key("K"))) == {"K": "CACHE"}


@in_virtual_time
async def test_where_the_source_fails_a_writer_gets_no_older_fact() -> None:
    book = Book()
    book.put("key", "K", contact("K"))
    source = cached(book)
    await source.read(by_key("K"))
    await at(5)
    book.fault = Unavailable("`book` is down")
    with errand(not_before={"book": EPOCH + 4}):
        error = (await source.read(by_key("K"))).errors["K"]
    assert isinstance(error, StaleLimit)
    assert "older than this question allows" in error.message
    assert served(await source.read(by_key("K"))) == {"K": "CACHE"}, "others may use it"


@in_virtual_time
async def test_an_asker_may_say_how_old_a_fact_may_be() -> None:
    book = Book()
    book.put("key", "K", contact("K"))
    source = cached(book)
    await source.read(by_key("K"))
    await at(10)
    with errand(max_age=11):
        assert served(await source.read(by_key("K"))) == {"K": "CACHE"}
        assert source.recall(by_key("K")) is not None
    with errand(max_age=9):
        assert source.recall(by_key("K")) is None
        assert served(await source.read(by_key("K"))) == {"K": "LIVE"}
        assert served(await source.read(by_key("K"))) == {"K": "CACHE"}
    with errand(max_age=0):
        assert served(await source.read(by_key("K"))) == {"K": "CACHE"}, "of this very instant"
        await at(10.1)
        assert served(await source.read(by_key("K"))) == {"K": "LIVE"}


@in_virtual_time
async def test_a_search_index_never_answers_a_writer_as_if_it_were_the_source() -> None:
    book = Book()
    book.put("email", "k@a.test", contact("K"))
    source = cached(book)
    ask = by_key("k@a.test", by="email")
    await source.read(ask)
    await at(1)
    with errand(not_before={"book": EPOCH + 0.5}):
        for number in (2, 3):
            reading = await source.read(ask)
            assert (served(reading), len(book.asked)) == ({"k@a.test": "STALE"}, number)
    await at(2 + LAG)
    with errand(not_before={"book": EPOCH + 0.5}):
        assert served(await source.read(ask)) == {"k@a.test": "LIVE"}, "the index has caught up with the write"


@in_virtual_time
async def test_what_comes_from_the_source_itself_is_new_also_where_nothing_is_found() -> None:
    book = Book()
    book.put("email", "k@a.test", first_hand=True)
    source = cached(book)
    with errand(max_age=0):
        assert served(await source.read(by_key("k@a.test", by="email"))) == {"k@a.test": "LIVE"}
