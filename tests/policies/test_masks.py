"""Masks never raise and never leak what they hide."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.masks import MASKS, NEVER_NULL, mask

KEY = b"a key of the tests"
ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.binary(),
    st.decimals(),
    st.dates(),
    st.datetimes(),
    st.lists(st.text()),
    st.dictionaries(st.text(), st.text()),
    st.builds(object),
)


@given(name=st.sampled_from(sorted(MASKS)), value=ANYTHING)
def test_a_mask_never_raises(name: str, value: Any) -> None:
    mask(name, KEY)(value)


@given(st.text(min_size=9))
def test_only_the_last_four_are_shown(value: str) -> None:
    assert mask("last4", KEY)(value) == "•••" + value[-4:]


@given(st.text(max_size=7))
def test_a_short_text_is_hidden_whole(value: str) -> None:
    assert mask("last4", KEY)(value) == "•••"


@given(st.text(), st.text())
def test_redacted_values_are_all_the_same(one: str, other: str) -> None:
    assert mask("redact", KEY)(one) == mask("redact", KEY)(other)


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyz.", min_size=1), st.text(alphabet="xyz", min_size=1))
def test_the_local_part_of_an_address_does_not_show(local: str, other: str) -> None:
    hidden = mask("email_domain", KEY)
    assert hidden(f"{local}@acme.example") == hidden(f"{other}@acme.example") == "•••@acme.example"


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1))
def test_a_hash_is_stable_under_one_key_and_says_nothing_under_another(value: str) -> None:
    assert mask("hash", KEY)(value) == mask("hash", KEY)(value)
    assert mask("hash", KEY)(value) != mask("hash", b"another")(value)
    assert mask("hash", KEY)(value) != value


@given(name=st.sampled_from(sorted(NEVER_NULL)), value=st.text(st.characters()))
def test_masks_that_may_stand_on_what_cannot_be_null_always_give_something(name: str, value: str) -> None:
    assert mask(name, KEY)(value) is not None


@given(
    hidden=st.text(min_size=5, max_size=40),
    other=st.text(min_size=5, max_size=40),
    shown=st.text(min_size=4, max_size=4),
)
def test_values_that_differ_only_in_what_is_hidden_look_the_same(hidden: str, other: str, shown: str) -> None:
    assert mask("last4", KEY)(hidden + shown) == mask("last4", KEY)(other + shown)


@given(st.dates())
def test_of_a_date_only_the_year_is_left(value: date) -> None:
    assert mask("year", KEY)(value) == date(value.year, 1, 1)


def test_of_an_instant_only_the_year_is_left() -> None:
    assert mask("year", KEY)(datetime(2024, 5, 6, 7, tzinfo=UTC)) == datetime(2024, 1, 1, tzinfo=UTC)


@given(st.integers(min_value=1, max_value=10**15))
def test_numbers_of_one_magnitude_look_the_same(value: int) -> None:
    assert mask("bucket", KEY)(value) == 10 ** (len(str(value)) - 1)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0, 0), (-1234, -1000), (Decimal("0.05"), Decimal("0.01")), (950.0, 100.0), (Decimal(-20), Decimal(-10))],
)
def test_a_bucket_keeps_the_type_that_its_field_has(value: Any, expected: Any) -> None:
    found = mask("bucket", KEY)(value)
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize("name", sorted(MASKS))
def test_null_stays_null_and_lists_are_masked_one_by_one(name: str) -> None:
    assert mask(name, KEY)(None) is None
    assert mask(name, KEY)([None, None]) == [None, None]


@pytest.mark.parametrize("name", ["last4", "email_domain", "hash", "year", "bucket"])
def test_what_a_mask_does_not_fit_becomes_null(name: str) -> None:
    assert mask(name, KEY)({"secret": "12345678@x"}) is None
