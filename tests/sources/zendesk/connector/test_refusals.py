"""Every refusal of Zendesk has its class, and its limits are read from its headers."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources import canonical as c
from sources import errors
from sources.ports import Ask, Limit, Reply
from sources.vendors.zendesk import VENDOR
from sources.vendors.zendesk.limits import limits
from sources.vendors.zendesk.refusals import failure
from tests.fakes.script import reply
from tests.sources.zendesk.connector.desk import Desk


def invalid(field: str, description: str, error: str = "InvalidValue") -> dict[str, Any]:
    details = {field: [{"description": description, "error": error}]}
    return {"error": "RecordInvalid", "description": "words of the vendor", "details": details}


REFUSALS: list[tuple[Reply, type[errors.SourceError]]] = [
    (reply({"error": "invalid_token"}, 401), errors.Unauthorised),
    (reply("Couldn't authenticate you", 401), errors.Unauthorised),
    (reply({"error": "Forbidden", "description": "words of the vendor"}, 403), errors.Unauthorised),
    (reply("Number of allowed API requests per minute exceeded", 429, retry_after="7"), errors.Throttled),
    (reply({"error": "APIRateLimitExceeded"}, 429), errors.Throttled),
    (reply({"error": "UpdateConflict"}, 409), errors.Contended),
    (reply(invalid("external_id", "is taken", "DuplicateValue"), 422), errors.Duplicate),
    (reply(invalid("subject", "cannot be blank"), 422), errors.Rejected),
    (reply({"error": "IdempotentRequestError"}, 400), errors.Rejected),
    (reply({"error": {"title": "Bad", "message": "words of the vendor"}}, 400), errors.Rejected),
    (reply("<html>words of the vendor</html>", 400), errors.Rejected),
    (reply(invalid("status", "Status: closed prevents ticket update"), 422), errors.Locked),
    (reply({"error": "RecordLocked"}, 422), errors.Locked),
    (reply({"error": "RecordNotFound", "description": "Not found"}, 404), errors.Missing),
    (reply("<html>no such desk</html>", 404), errors.Garbled),
    (reply({"error": {"title": "No help desk at this address"}}, 404), errors.Garbled),
    (reply("", 408), errors.TimedOut),
    (reply({"error": "unavailable"}, 422), errors.Unavailable),
    (reply("<html>down</html>", 502), errors.Unavailable),
    (reply("", 503, retry_after="7"), errors.Unavailable),
    (reply({"error": "ServerError"}, 500), errors.Unavailable),
    (reply("", 302), errors.Garbled),
    (reply("", 204), errors.Garbled),
]


@pytest.mark.parametrize(("answer", "kind"), REFUSALS)
async def test_every_refusal_has_its_class(answer: Reply, kind: type[errors.SourceError]) -> None:
    desk = Desk()
    desk.script.faults = [answer, answer]
    with pytest.raises(errors.SourceError) as told:
        await desk.connector().read(Ask(c.SupportPlan, "list", ("",)))
    assert type(told.value) is kind
    assert (told.value.source, told.value.status) == ("support", answer.status)
    assert told.value.retry_after == (7.0 if "retry-after" in answer.headers else None)
    assert "words of the vendor" not in told.value.message


async def test_a_page_that_is_nobody_s_is_no_proof_that_an_organization_has_no_tickets() -> None:
    desk = Desk()
    connector = desk.connector()
    desk.script.faults = [reply("<html>not here</html>", 404)]
    ask = Ask(c.Case, "account", ("1",))
    with pytest.raises(errors.Garbled):
        await connector.read(ask)
    desk.script.faults = [reply({"error": "RecordNotFound"}, 404)]
    assert list((await connector.read(ask)).rows["1"].records) == []


@given(st.integers(100, 599), st.binary(max_size=60))
def test_whatever_is_answered_is_some_class(status: int, body: bytes) -> None:
    assert isinstance(failure("support", Reply(status, {}, body)), errors.SourceError)


LIMITS: list[tuple[dict[str, str], Limit | None]] = [
    ({"x-rate-limit": "700", "x-rate-limit-remaining": "699"}, Limit("minute", 700, 699)),
    (
        {"ratelimit-limit": "700", "ratelimit-remaining": "5", "ratelimit-reset": "41"},
        Limit("minute", 700, 5, 41.0),
    ),
    (
        {
            "x-rate-limit": "700",
            "x-rate-limit-remaining": "6",
            "rate-limit": "700",
            "rate-limit-remaining": "5",
            "rate-limit-reset": "41",
        },
        Limit("minute", 700, 5, 41.0),
    ),
    ({"ratelimit-limit": "700", "ratelimit-remaining": "0", "ratelimit-reset": "0"}, Limit("minute", 700, 0, 0.0)),
    ({"x-rate-limit": "700", "x-rate-limit-remaining": "900"}, Limit("minute", 700, 700)),
    ({"x-rate-limit": "700"}, None),
    ({"x-rate-limit-remaining": "5"}, None),
    ({"x-rate-limit": "many", "x-rate-limit-remaining": "5"}, None),
    ({"x-rate-limit": "0", "x-rate-limit-remaining": "0"}, None),
    ({"zendesk-ratelimit-tickets-index": "total=100; remaining=0; resets=41"}, None),
    ({}, None),
]


@pytest.mark.parametrize(("headers", "expected"), LIMITS)
def test_the_calls_of_the_minute_are_read_from_every_answer(headers: dict[str, str], expected: Limit | None) -> None:
    assert list(limits(headers)) == ([expected] if expected else [])


NAMES = [
    f"{each}{suffix}"
    for each in ("ratelimit", "rate-limit", "x-rate-limit")
    for suffix in ("", "-limit", "-remaining", "-reset")
]


@given(st.dictionaries(st.sampled_from(NAMES), st.text() | st.integers().map(str)))
def test_no_header_makes_the_limits_raise(headers: dict[str, str]) -> None:
    for limit in limits(headers):
        assert 0 <= limit.remaining <= limit.limit


def test_the_vendor_offers_its_limits_and_shares_nothing_over_processes() -> None:
    desk = Desk()
    assert VENDOR.limits is limits
    assert VENDOR.allowance(desk.connector()._client._settings) is None
