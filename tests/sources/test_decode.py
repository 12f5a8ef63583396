"""Bodies into structs: whatever comes is either the shape or Garbled."""

import contextlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.decode import decode, try_decode
from sources.errors import Garbled
from sources.ports import Reply


class Shape(msgspec.Struct):
    id: int
    inner: dict[str, list[int]] = {}


DEEP = b"[" * 200_000 + b"]" * 200_000
WRONG = {
    "nothing": b"",
    "a page": b"<html><body>Bad Gateway</body></html>",
    "half of it": b'{"id": 1, "inner": {"a": [1,',
    "another shape": b'[{"id": 1}]',
    "another type": b'{"id": "1"}',
    "no id": b"{}",
    "no UTF-8": b'{"id": 1, "inner": {"\xff": []}}',
    "a lone surrogate": b'{"id": 1, "inner": {"\xed\xa0\x80": []}}',
    "deep": DEEP,
    "deep where it is not read": b'{"more": ' + DEEP + b', "id": 1}',
    "more behind it": b'{"id": 1} {"id": 2}',
    "null": b"null",
}


@pytest.mark.parametrize("body", WRONG.values(), ids=WRONG.keys())
def test_what_is_not_the_shape_is_garbled_and_says_where_but_not_what(body: bytes) -> None:
    with pytest.raises(Garbled, match="not its contract") as told:
        decode(Shape, Reply(200, {}, body), "crm")
    assert (told.value.source, told.value.status) == ("crm", 200)
    assert "Gateway" not in told.value.message
    assert try_decode(Shape, body) is None


@given(st.binary())
def test_any_bytes_are_the_shape_or_garbled(body: bytes) -> None:
    with contextlib.suppress(Garbled):
        assert isinstance(decode(Shape, body, "crm"), Shape)


def test_what_is_the_shape_is_read() -> None:
    body = b'{"id": 1, "more": true}'
    assert decode(Shape, body, "crm") == try_decode(Shape, body) == Shape(1)
