"""What of a vendor's words a client may read."""

import json

import pytest

from sources.errors import UnknownValue, showable
from sources.ports import Reply
from sources.vendors.netsuite.refusals import failure as netsuite
from sources.vendors.zendesk.refusals import failure as zendesk

SECRET = "Ada Lovelace owes 4,711.00"


@pytest.mark.parametrize("code", ["INVALID_FIELD", "o:x", "a" * 61, SECRET, "", None, 7, {"title": SECRET}])
def test_only_what_looks_like_a_code_is_one(code: object) -> None:
    assert showable(code) == ("INVALID_FIELD" if code == "INVALID_FIELD" else None)


@pytest.mark.parametrize(
    "body", [{"error": SECRET}, {"error": {"title": SECRET}}, {"o:errorDetails": [{"o:errorCode": SECRET}]}]
)
def test_free_text_in_the_place_of_a_code_is_not_shown(body: object) -> None:
    for refused in (zendesk, netsuite):
        error = refused("desk", Reply(400, {}, json.dumps(body).encode()))
        assert "Ada" not in str(error)
        assert "4,711" not in error.message


def test_a_value_that_is_not_known_stays_out_of_the_message() -> None:
    error = UnknownValue("stripe", "invoice.total", SECRET)
    assert SECRET not in str(error)
    assert error.value == SECRET
    assert "`invoice.total`" in str(error)
