"""What vendors say beside their answers: hints are read where they make sense, and never raise."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.hints import account, retry_after, whole

DATE = "Sat, 21 Nov 2026 12:00:00 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": " 0 "}, 0.0),
        ({"retry-after": "2.5"}, 2.5),
        ({"retry-after": "Sat, 21 Nov 2026 12:01:30 GMT", "date": DATE}, 90.0),
        ({"retry-after": "Sat, 21 Nov 2026 11:00:00 GMT", "date": DATE}, 0.0),
        ({"retry-after": "Sat, 21 Nov 2026 12:01:30 GMT"}, None),
        ({"retry-after": "Sat, 21 Nov 2026 12:01:30", "date": DATE}, None),
        ({"retry-after": "-7"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "1e9"}, None),
        ({"retry-after": "9" * 400}, None),
        ({"retry-after": "\u0667"}, None),
    ],
)
def test_when_to_come_back(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers) == seconds


@given(st.text(), st.text())
def test_no_header_makes_it_raise(told: str, date: str) -> None:
    seconds = retry_after({"retry-after": told, "date": date})
    assert seconds is None or seconds >= 0
    count = whole(told)
    assert count is None or count >= 0


@given(st.integers(0, 10**9 - 1))
def test_whole_seconds_are_taken_as_they_are(seconds: int) -> None:
    assert retry_after({"retry-after": str(seconds)}) == seconds


@pytest.mark.parametrize(
    ("text", "count"),
    [("42", 42), (" 42 ", 42), (None, None), ("", None), ("-1", None), ("4.2", None), ("²", None), ("9" * 16, None)],
)
def test_a_count_is_digits_and_nothing_else(text: str | None, count: int | None) -> None:
    assert whole(text) == count


def test_accounts_are_told_apart_by_where_they_are_called() -> None:
    assert account("https://ACME.suitetalk.api.netsuite.com/") == "acme.suitetalk.api.netsuite.com"
    assert account("http://127.0.0.1:4711") == "127.0.0.1:4711"
    assert account("nowhere") == "nowhere"
