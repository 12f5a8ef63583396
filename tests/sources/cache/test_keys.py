"""Keys: whatever differs tells two facts apart, in memory and as text; whatever is equal does not."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources import canonical as c
from sources.cache.keys import Ident, Index, idents, scope, text
from sources.cache.memory import Shelf
from sources.canonical import Record
from sources.ports import Ask, Filter, Order, Page, Position

# Few letters, and those that could be mistaken for separators, so that parts are often nearly the same.
TEXTS = st.text(alphabet=st.sampled_from([*"ab:/|,e", "\0", "\u00e9", "\u0301", "\ud800", "\U0001f511"]), max_size=3)
VALUES = st.one_of(
    TEXTS,
    st.integers(-2, 2),
    st.just(2**80),
    st.booleans(),
    st.none(),
    st.sampled_from([c.InvoiceStatus.OPEN, c.InvoiceStatus.PAID, date(2026, 1, 1), Decimal("1.5"), Decimal("2.5")]),
    st.sampled_from([datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1), c.Money(5, "EUR"), c.Money(5, "USD")]),  # noqa: DTZ001 - one without a zone is one without a zone
)
FILTERS = st.builds(Filter, TEXTS, st.sampled_from(["eq", "in"]), st.one_of(VALUES, st.tuples(VALUES, VALUES)))
POSITIONS = st.builds(Position, st.none() | TEXTS, TEXTS, st.none() | TEXTS)
PAGES = st.builds(
    Page,
    first=st.none() | st.integers(0, 2),
    after=st.none() | POSITIONS,
    order=st.none() | st.builds(Order, TEXTS, st.booleans()),
    filters=st.lists(FILTERS, max_size=2).map(tuple),
)
RECORDS: st.SearchStrategy[type[Record]] = st.sampled_from([c.Invoice, c.Contact])
PARTS = st.tuples(TEXTS, TEXTS, RECORDS, TEXTS, PAGES, st.one_of(TEXTS, st.tuples(TEXTS, TEXTS)))
Parts = tuple[str, str, type[Record], str, Page, Ident]


def written(parts: Parts) -> str:
    zone, source, record, by, page, ident = parts
    return text(scope("test", zone, source, (record, by, page)), ident)


def _strict(value: object) -> object:
    """A value with its kind, so that 1 and True differ; an enum's member is the text that it is."""
    if isinstance(value, str):
        return ("text", str(value))
    if isinstance(value, msgspec.Struct):
        return (type(value).__name__, *(_strict(getattr(value, name)) for name in value.__struct_fields__))
    if isinstance(value, tuple):
        return tuple(_strict(each) for each in value)
    return (type(value).__name__, value)


@given(PARTS, PARTS)
def test_two_texts_are_equal_exactly_where_all_parts_are(one: Parts, other: Parts) -> None:
    assert (written(one) == written(other)) == (_strict(one) == _strict(other))


@given(PARTS, st.integers(0, 5), st.data())
def test_one_part_that_differs_is_enough(parts: Parts, place: int, data: st.DataObject) -> None:
    kinds: list[st.SearchStrategy[object]] = [
        TEXTS,
        TEXTS,
        RECORDS,
        TEXTS,
        PAGES,
        st.one_of(TEXTS, st.tuples(TEXTS, TEXTS)),
    ]
    changed = data.draw(kinds[place].filter(lambda each: _strict(each) != _strict(parts[place])))
    other = (*parts[:place], changed, *parts[place + 1 :])
    assert written(parts) != written(other)  # type: ignore[arg-type] # one part was exchanged for its like


@given(PARTS)
def test_equal_parts_made_anew_are_the_same_key(parts: Parts) -> None:
    zone, source, record, by, page, ident = parts
    again = msgspec.structs.replace(page, filters=tuple(msgspec.structs.replace(each) for each in page.filters))
    assert written(parts) == written((zone, source, record, by, again, ident))
    home: dict[Index, Shelf] = {}
    home[record, by, page] = shelf = object()  # type: ignore[assignment] # only whether it is found again matters
    assert home[record, by, again] is shelf


@given(PAGES, PAGES)
def test_pages_that_differ_are_different_places_in_memory(one: Page, other: Page) -> None:
    assert (len({(c.Contact, "key", one), (c.Contact, "key", other)}) == 1) == (one == other)


def test_the_same_instant_told_in_another_zone_is_the_same() -> None:
    here = datetime(2026, 1, 1, 12, tzinfo=UTC)
    there = here.astimezone(timezone(timedelta(hours=5)))
    pages = [Page(filters=(Filter("at", "lt", each),)) for each in (here, there)]
    assert scope("p", "z", "s", (c.Contact, "list", pages[0])) == scope("p", "z", "s", (c.Contact, "list", pages[1]))


def test_what_cannot_be_told_apart_is_refused() -> None:
    with pytest.raises(TypeError, match="a `object` cannot be part of a key"):
        scope("p", "z", "s", (c.Contact, "list", Page(filters=(Filter("x", "eq", object()),))))


def test_a_key_is_what_was_asked_and_whom_it_stands_for() -> None:
    assert idents(Ask(c.Contact, "key", ("a", "b", "a"))) == {"a": "a", "b": "b"}
    ask = Ask(c.Contact, "customer", ("a", "b"), Page(), {"a": "A"})
    assert idents(ask) == {("a", "A"): "a", "b": "b"}
