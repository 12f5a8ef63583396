"""What holds of every writer: keys, refusals of what was done before, records that somebody else has."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.canonical import Priority
from sources.canonical.commands import ApproveSalesOrder, EscalateCase, SetCredit, Written
from sources.deeds import PAUSE, REFUSALS, TRIES, Deed, Deeds, Way, keys_of, with_key
from sources.errors import BadAsk, Contended, Duplicate, Locked, Missing, Rejected, SourceError, Unavailable

APPROVE = ApproveSalesOrder(operation="op", sales_order_key="1")
NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)


def written(key: str, *, replayed: bool = False) -> Written:
    return Written(source="books", key=key, at=NOW, replayed=replayed)


class Books:
    """A system in memory. `answers` are what the next attempts meet, `kept` what is there by key, `half` what is there
    but not whole."""

    def __init__(self, *answers: SourceError) -> None:
        self.answers, self.kept, self.half = list(answers), set[str](), set[str]()
        self.attempts = 0
        self.pauses: list[float] = []
        self.looking: SourceError | None = None
        self.meanwhile: Callable[[], object] = lambda: None

    def writer(self) -> Deeds:
        way = Way(self.do, self.found, self.begun)
        return Deeds("books", {ApproveSalesOrder: way, EscalateCase: way}, self.pause)

    async def do(self, _command: Any, key: str) -> Written:
        self.attempts += 1
        if self.answers:
            self.meanwhile()
            raise self.answers.pop(0)
        self.kept.add(key)
        return written(key)

    async def found(self, _command: Any, key: str) -> Written | None:
        if self.looking is not None:
            raise self.looking
        return written(key, replayed=True) if key in self.kept else None

    async def begun(self, _command: Any, key: str) -> Written | None:
        return written(key, replayed=True) if key in self.kept | self.half else None

    async def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)


@pytest.mark.parametrize("key", ["", "a\nb", "a\u2028b", "k" * 256])
async def test_what_is_no_key_is_refused_before_anything_is_asked(key: str) -> None:
    books = Books()
    for ask in (books.writer().do, books.writer().find):
        with pytest.raises(BadAsk, match="key") as refused:
            await ask(APPROVE, key)
        assert refused.value.source == "books"
    assert books.attempts == 0


async def test_a_command_of_somebody_else_is_refused_by_name() -> None:
    writer = Books().writer()
    assert writer.commands == {ApproveSalesOrder, EscalateCase}
    for ask in (writer.do, writer.find):
        with pytest.raises(BadAsk, match="`books` cannot be told `SetCredit`"):
            await ask(SetCredit(operation="op", party="1"), "k")


@pytest.mark.parametrize("refusal", REFUSALS)
async def test_a_refusal_of_what_was_done_before_is_none(refusal: type[SourceError]) -> None:
    books = Books(*[refusal("no")] * TRIES)
    with pytest.raises(refusal) as told:
        await books.writer().do(APPROVE, "k")
    assert told.value.source == "books"
    books = Books(refusal("no"))
    books.meanwhile = lambda: books.kept.add("k")
    assert await books.writer().do(APPROVE, "k") == written("k", replayed=True)


async def test_where_looking_is_refused_too_the_first_refusal_counts_and_what_is_unwell_does_not_hide() -> None:
    books = Books(Rejected("no"), Rejected("no"))
    books.looking = Missing("nothing")
    with pytest.raises(Rejected, match="no"):
        await books.writer().do(APPROVE, "k")
    books.looking = Unavailable("away")
    with pytest.raises(Unavailable):
        await books.writer().do(APPROVE, "k")


async def test_a_record_that_somebody_else_has_is_tried_again_a_few_times_and_later_each_time() -> None:
    books = Books(*[Contended("held")] * (TRIES - 1))
    assert not (await books.writer().do(APPROVE, "k")).replayed
    assert books.attempts == TRIES
    assert all(0 <= pause <= PAUSE * 2**number for number, pause in enumerate(books.pauses))
    assert len(books.pauses) == TRIES - 1
    books = Books(*[Contended("held")] * (TRIES + 1))
    with pytest.raises(Contended):
        await books.writer().do(APPROVE, "k")
    assert books.attempts == TRIES


async def test_who_said_which_state_he_had_seen_is_told_at_once() -> None:
    books = Books(Contended("changed"))
    seen = EscalateCase(operation="op", case_key="1", priority=Priority.HIGH, expected_updated_at=NOW)
    with pytest.raises(Contended):
        await books.writer().do(seen, "k")
    assert (books.attempts, books.pauses) == (1, [])


async def test_what_is_there_by_half_is_found_and_is_no_answer_to_doing_it() -> None:
    books = Books(Locked("it cannot be completed"))
    books.half.add("k")
    assert await books.writer().find(APPROVE, "k") == written("k", replayed=True)
    with pytest.raises(Locked):
        await books.writer().do(APPROVE, "k")


class Approving(Deed[Books, ApproveSalesOrder]):
    async def found(self) -> Written | None:
        return await self.desk.found(self.command, self.key)

    async def done(self) -> Written:
        return await self.desk.do(self.command, self.key)


async def test_a_deed_looks_first_and_is_found_by_half_as_by_the_whole() -> None:
    books = Books(Duplicate("there"))
    books.kept.add("k")
    writer = Deeds("books", {ApproveSalesOrder: Approving.way(books)})
    assert (await writer.do(APPROVE, "k")).replayed
    assert books.attempts == 0
    assert await writer.find(APPROVE, "k") is not None
    assert await writer.find(APPROVE, "other") is None


@given(
    keys=st.lists(st.text(st.characters(categories=["L", "N", "P"]), min_size=1, max_size=8)), most=st.integers(1, 6)
)
def test_a_text_keeps_the_last_keys_each_once_and_the_newest_first(keys: list[str], most: int) -> None:
    kept: object = None
    for key in keys:
        kept = with_key(kept, key, most)
        assert keys_of(kept)[0] == key
    newest = list(dict.fromkeys(reversed(keys)))
    assert keys_of(kept) == newest[:most]
