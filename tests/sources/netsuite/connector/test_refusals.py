"""Every refusal of NetSuite has its class, and what it allows is shared by all our processes."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources import errors
from sources.canonical import LegalEntity
from sources.ports import Allowance, Ask, Reply
from sources.settings import Secret
from sources.vendors.netsuite import VENDOR
from sources.vendors.netsuite.refusals import failure
from sources.vendors.netsuite.settings import NetSuiteSettings
from tests.fakes.script import reply
from tests.sources.netsuite.connector.account import Account, refusal

PERIOD = "The transaction date you specified is not within the date range of your accounting period."
AT_THE_TOP = {"title": "Error", "status": 400, "o:errorCode": "USER_ERROR", "o:errorDetails": []}
REFUSALS: list[tuple[Reply, type[errors.SourceError]]] = [
    (refusal(401, "INVALID_LOGIN"), errors.Unauthorised),
    (reply("", 401), errors.Unauthorised),
    (refusal(403, "INSUFFICIENT_PERMISSION"), errors.Unauthorised),
    (refusal(429, "CONCURRENCY_LIMIT_EXCEEDED"), errors.Throttled),
    (reply("busy", 429), errors.Throttled),
    (refusal(400, "SSS_REQUEST_LIMIT_EXCEEDED"), errors.Throttled),
    (refusal(400, "RCRD_HAS_BEEN_CHANGED"), errors.Contended),
    (refusal(400, "IDEMPOTENCY_ERROR"), errors.Duplicate),
    (refusal(400, "USER_ERROR", "This entity already exists."), errors.Duplicate),
    (refusal(400, "INVALID_CONTENT"), errors.Rejected),
    (refusal(400, "INVALID_PARAMETER"), errors.Rejected),
    (refusal(400, "USER_ERROR", "Enter a value for the customer."), errors.Rejected),
    (reply(AT_THE_TOP, 400), errors.Rejected),
    (refusal(405, "METHOD_NOT_ALLOWED"), errors.Rejected),
    (refusal(400, "USER_ERROR", PERIOD), errors.Locked),
    (refusal(404, "NONEXISTENT_ID"), errors.Missing),
    (refusal(400, "NONEXISTENT_ID"), errors.Missing),
    (reply("<html>not here</html>", 404), errors.Garbled),
    (reply("", 408), errors.TimedOut),
    (refusal(500, "UNEXPECTED_ERROR"), errors.Unavailable),
    (refusal(500, "USER_ERROR", PERIOD), errors.Unavailable),
    (reply("<html>down</html>", 502), errors.Unavailable),
    (reply("", 503), errors.Unavailable),
    (reply("", 302), errors.Garbled),
    (reply("", 204), errors.Garbled),
]


@pytest.mark.parametrize(("answer", "kind"), REFUSALS)
async def test_every_refusal_has_its_class(answer: Reply, kind: type[errors.SourceError]) -> None:
    account = Account("DE01")
    account.script.faults = [answer, answer]
    with pytest.raises(errors.SourceError) as told:
        await account.connector().read(Ask(LegalEntity, "list", ("",)))
    assert type(told.value) is kind
    assert (told.value.source, told.value.status) == ("erp", answer.status)
    assert "words of the vendor" not in told.value.message


def test_a_refusal_keeps_code_and_wait() -> None:
    error = failure("erp", refusal(429, "CONCURRENCY_LIMIT_EXCEEDED", retry_after="2"))
    assert (error.vendor_code, error.retry_after, error.sick) == ("CONCURRENCY_LIMIT_EXCEEDED", 2.0, True)
    assert failure("erp", refusal(429, "CONCURRENCY_LIMIT_EXCEEDED")).retry_after is None
    assert failure("erp", reply(AT_THE_TOP, 400)).vendor_code == "USER_ERROR"


@given(st.integers(100, 599), st.binary(max_size=60))
def test_whatever_is_answered_is_some_class(status: int, body: bytes) -> None:
    assert isinstance(failure("erp", Reply(status, {}, body)), errors.SourceError)


def test_the_account_s_concurrency_is_counted_over_all_processes() -> None:
    given: dict[str, Any] = {"vendor": "netsuite", "url": "https://ACME.suitetalk.api.netsuite.com", "client_id": "c"}
    settings = NetSuiteSettings(**given, certificate_id="k", private_key=Secret("p"))
    assert VENDOR.allowance(settings) == Allowance("acme.suitetalk.api.netsuite.com", concurrent=4)
    assert list(VENDOR.limits({"x-rate-limit": "5"})) == []
