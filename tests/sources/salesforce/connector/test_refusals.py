"""Every refusal of Salesforce has its class, and its limits are read from its headers."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources import errors
from sources.canonical import Account
from sources.ports import Allowance, Ask, Limit, Reply
from sources.settings import Secret
from sources.vendors.salesforce import VENDOR
from sources.vendors.salesforce.limits import limits
from sources.vendors.salesforce.refusals import failure
from sources.vendors.salesforce.settings import SalesforceSettings
from tests.fakes.script import reply
from tests.sources.salesforce.connector.org import Org, refusal

TOTAL = "TotalRequests Limit exceeded."
CONCURRENT = "ConcurrentRequests (Concurrent API Requests) Limit exceeded."
REFUSALS: list[tuple[Reply, type[errors.SourceError]]] = [
    (refusal(401, "INVALID_SESSION_ID"), errors.Unauthorised),
    (refusal(401, "INVALID_AUTH_HEADER"), errors.Unauthorised),
    (reply("", 401), errors.Unauthorised),
    (refusal(403, "API_DISABLED_FOR_ORG"), errors.Unauthorised),
    (reply("<html>forbidden</html>", 403), errors.Unauthorised),
    (refusal(403, "REQUEST_LIMIT_EXCEEDED", CONCURRENT), errors.Throttled),
    (refusal(429, "TOO_MANY_REQUESTS"), errors.Throttled),
    (reply("slow down", 429), errors.Throttled),
    (refusal(403, "REQUEST_LIMIT_EXCEEDED", TOTAL), errors.QuotaExhausted),
    (refusal(400, "UNABLE_TO_LOCK_ROW"), errors.Contended),
    (refusal(500, "UNABLE_TO_LOCK_ROW"), errors.Contended),
    (refusal(409, "CONFLICT"), errors.Contended),
    (refusal(412, "PRECONDITION_FAILED"), errors.Contended),
    (refusal(400, "DUPLICATE_VALUE"), errors.Duplicate),
    (refusal(400, "DUPLICATES_DETECTED"), errors.Duplicate),
    (reply(["/services/data/v66.0/sobjects/Order/801"], 300), errors.Duplicate),
    (refusal(400, "INVALID_FIELD"), errors.Rejected),
    (refusal(400, "MALFORMED_QUERY"), errors.Rejected),
    (refusal(400, "REQUIRED_FIELD_MISSING"), errors.Rejected),
    (refusal(400, "FIELD_CUSTOM_VALIDATION_EXCEPTION"), errors.Rejected),
    (refusal(400, "FIELD_INTEGRITY_EXCEPTION"), errors.Rejected),
    (refusal(403, "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY"), errors.Rejected),
    (refusal(405, "METHOD_NOT_ALLOWED"), errors.Rejected),
    (refusal(414, "URI_TOO_LONG"), errors.Rejected),
    (refusal(431, "HEADERS_TOO_LONG"), errors.Rejected),
    (refusal(400, "ENTITY_IS_LOCKED"), errors.Locked),
    (refusal(404, "NOT_FOUND"), errors.Missing),
    (refusal(404, "ENTITY_IS_DELETED"), errors.Missing),
    (reply("<html>not here</html>", 404), errors.Garbled),
    (refusal(400, "QUERY_TIMEOUT"), errors.TimedOut),
    (reply("", 408), errors.TimedOut),
    (refusal(503, "SERVER_UNAVAILABLE"), errors.Unavailable),
    (refusal(500, "UNKNOWN_EXCEPTION"), errors.Unavailable),
    (reply("<html>down</html>", 502), errors.Unavailable),
    (reply("", 503), errors.Unavailable),
    (reply("", 302, location="https://login.test"), errors.Garbled),
    (reply("", 204), errors.Garbled),
]


@pytest.mark.parametrize(("answer", "kind"), REFUSALS)
async def test_every_refusal_has_its_class(answer: Reply, kind: type[errors.SourceError]) -> None:
    org = Org()
    org.script.faults = [answer, answer]
    with pytest.raises(errors.SourceError) as told:
        await org.connector().read(Ask(Account, "key", ("001A",)))
    assert type(told.value) is kind
    assert (told.value.source, told.value.status) == ("crm", answer.status)
    assert "words of the vendor" not in told.value.message


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (["Status", "End_Customer__c"], "(INVALID_FIELD: Status, End_Customer__c)"),
        (["it's what the record says"], "(INVALID_FIELD)"),
        (None, "(INVALID_FIELD)"),
        ([f"F{number}" for number in range(9)], "(INVALID_FIELD: F0, F1, F2, F3, F4)"),
    ],
)
def test_a_refusal_names_the_fields_and_nothing_of_the_record(fields: list[str] | None, words: str) -> None:
    error = failure("crm", reply([{"message": "secret", "errorCode": "INVALID_FIELD", "fields": fields}], 400))
    assert error.message == f"`crm` refuses the request {words}"


def test_a_refusal_keeps_code_and_wait() -> None:
    error = failure("crm", refusal(403, "REQUEST_LIMIT_EXCEEDED", CONCURRENT, retry_after="3"))
    assert (error.vendor_code, error.retry_after, error.sick) == ("REQUEST_LIMIT_EXCEEDED", 3.0, True)
    date, later = "Sat, 21 Nov 2026 12:00:00 GMT", "Sat, 21 Nov 2026 12:00:09 GMT"
    assert failure("crm", reply("", 503, retry_after=later, date=date)).retry_after == 9.0
    assert failure("crm", reply("", 503, retry_after="soon")).retry_after is None


@given(st.integers(100, 599), st.binary(max_size=60))
def test_whatever_is_answered_is_some_class(status: int, body: bytes) -> None:
    assert isinstance(failure("crm", Reply(status, {}, body)), errors.SourceError)


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("api-usage=18/5000", Limit("daily", 5_000, 4_982)),
        ("api-usage=18/5000; per-app-api-usage=17/250(appName=gateway)", Limit("daily", 5_000, 4_982)),
        ("per-app-api-usage=17/250(appName=gateway), api-usage=5/10", Limit("daily", 10, 5)),
        ("api-usage=5001/5000", Limit("daily", 5_000, 0)),
        ("api-usage=0/0", None),
        ("api-usage=-1/5", None),
        ("api-usage=1/x", None),
        ("api-usage=1/5000000000000000000000", None),
        ("", None),
    ],
)
def test_the_calls_of_the_day_are_read_from_every_answer(told: str, expected: Limit | None) -> None:
    assert list(limits({"sforce-limit-info": told})) == ([expected] if expected else [])


@given(st.dictionaries(st.sampled_from(["sforce-limit-info", "x"]), st.text()))
def test_no_header_makes_the_limits_raise(headers: dict[str, str]) -> None:
    assert len(limits(headers)) <= 1


def test_an_org_s_day_is_shared_where_our_part_of_it_is_configured() -> None:
    given: dict[str, Any] = {"vendor": "salesforce", "url": "https://Org.my.salesforce.com/", "client_id": "c"}
    assert VENDOR.allowance(SalesforceSettings(**given)) is None
    settings = SalesforceSettings(**given, daily_calls=50_000, client_secret=Secret("s"))
    assert VENDOR.allowance(settings) == Allowance("org.my.salesforce.com", daily=50_000)
    assert VENDOR.limits is limits
