"""What goes between processes comes back the same, typed, for every class there is."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sources import canonical as c
from sources.cache.codec import decode, encode
from sources.canonical import Record
from sources.ports import Position, Rows
from tests.sources.cache.book import contact
from tests.sources.cache.records_of import CLASSES, any_of


@pytest.mark.parametrize("kind", CLASSES, ids=lambda each: each.__name__)
def test_every_class_comes_back_the_same(kind: type[Record]) -> None:
    @settings(max_examples=20)
    @given(
        st.lists(any_of(kind), max_size=3),
        st.none() | any_of(Position),
        st.booleans(),
        st.none() | st.integers(0, 9),
        st.lists(any_of(Position), max_size=3),
    )
    def test(records: list[Any], after: Position | None, more: bool, total: int | None, places: list[Position]) -> None:
        rows = Rows(tuple(records), more, after, total, tuple(places))
        raw = encode(rows, 12.5, 2**53)
        assert raw is not None
        fact = decode(kind, raw)
        assert fact is not None
        assert (fact.begun, fact.stamp) == (12.5, 2**53)
        assert fact.rows == rows
        assert all(type(each) is kind for each in fact.rows.records)

    test()


def test_that_there_is_nothing_is_something_else_than_an_empty_list() -> None:
    absent, empty = (decode(c.Contact, encode(each, 1.0, 2) or b"") for each in (None, Rows()))
    assert absent is not None
    assert empty is not None
    assert (absent.rows, empty.rows) == (None, Rows())


@pytest.mark.parametrize(
    "raw",
    [b"", b"\x00", b"junk", msgspec.msgpack.encode([1.0, 2, False, None, None, [{"key": 5}]]), b"\xdf\xff\xff\xff\xff"],
)
def test_what_is_none_of_ours_is_not_there(raw: bytes) -> None:
    assert decode(c.Contact, raw) is None


def test_a_record_of_another_class_is_not_taken_for_one_of_ours() -> None:
    raw = encode(Rows((contact("K"),)), 1.0, 2)
    assert decode(c.Invoice, raw or b"") is None


def test_text_that_is_no_unicode_stays_in_its_process() -> None:
    assert encode(Rows((contact("K", title="\ud800"),)), 1.0, 2) is None
