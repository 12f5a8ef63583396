"""Every reader on a wire by script: each refusal is an error of its key, and no list goes on for ever."""

import re
from typing import Any

import pytest

from sources import errors
from sources.canonical import Amendment, Record
from sources.pipeline.reading import reading
from sources.ports import Ask, Page, Reading, Reply
from sources.settings import Secret
from sources.vendors.stripe.connector import StripeConnector, open_connector
from sources.vendors.stripe.readers import READERS
from sources.vendors.stripe.settings import StripeSettings
from tests.fakes.script import Request, Script, reply
from tests.sources.stripe import objects as o
from tests.sources.stripe.objects import NOW, Object

INDEXES = sorted(READERS, key=lambda pair: (pair[0].__name__, pair[1]))
BOUNDED = ("list", "account", "customer", "invoice", "subscription", "product")
LISTED = [pair for pair in INDEXES if pair[1] in BOUNDED and pair[0] is not Amendment]
ROWS: dict[str, Object] = {
    "customers": o.customer(), "products": o.product(), "prices": o.price(), "subscriptions": o.subscription(),
    "subscription_items": o.item(), "invoices": o.invoice(), "lines": o.line(), "payment_intents": o.intent(),
    "refunds": o.refund(), "disputes": o.dispute(), "credit_notes": o.credit_note(), "meters": o.meter(),
    "active_entitlements": o.entitlement("ent_1", "f", customer="cus_1"),
}  # fmt: skip


def opened(script: Script, **settings: Any) -> StripeConnector:
    given: dict[str, Any] = {"vendor": "stripe", "url": "https://stripe.test", "key": Secret("sk_test_secret")}
    return open_connector("billing", StripeSettings(**given | settings), reading(script.send), lambda: float(NOW))


def script(answer: Any) -> Script:
    return Script(lambda _request: reply({}), answer)


def key_of(by: str) -> str:
    return {"list": "", "account_meter": "cus_1|mtr_1", "email": "ada@example.com"}.get(by, "key_1")


async def asked(source: StripeConnector, record: type[Record], by: str, first: int | None = None) -> Reading:
    return await source.read(Ask(record, by, (key_of(by),), Page(first)))


def refused(status: int, code: str | None = None, kind: str = "invalid_request_error", **headers: str) -> Reply:
    error = {"type": kind, "message": "sk_test_secret"} | ({"code": code} if code else {})
    return reply({"error": error}, status, **headers)


FAILURES: list[tuple[str, Reply | Exception, type[errors.SourceError], bool, float | None]] = [
    ("a key that is wrong", refused(401), errors.Unauthorised, False, None),
    ("a key that may not", refused(403, "more_permissions_required"), errors.Unauthorised, False, None),
    ("too many requests", refused(429, "rate_limit", retry_after="3"), errors.Throttled, True, 3.0),
    ("a failure", refused(500, kind="api_error"), errors.Unavailable, True, None),
    ("a failure with a wish", refused(503, kind="api_error", retry_after="7"), errors.Unavailable, True, 7.0),
    ("a proxy's page", reply("<html>down</html>", 502), errors.Unavailable, True, None),
    ("a page that is none", reply("<html>hello</html>"), errors.Garbled, False, None),
    ("half an answer", reply('{"object": "list", "data": ['), errors.Garbled, False, None),
    ("another shape", reply({"object": "list", "data": 7, "id": 7}), errors.Garbled, False, None),
    ("what is too deep", refused(400, "property_expansion_max_depth"), errors.Rejected, False, None),
    ("no answer in time", errors.TimedOut("late", source="billing"), errors.TimedOut, True, None),
]


@pytest.mark.parametrize(
    ("failure", "kind", "retryable", "wait"), [each[1:] for each in FAILURES], ids=[each[0] for each in FAILURES]
)
@pytest.mark.parametrize(("record", "by"), INDEXES, ids=[f"{record.__name__}-{by}" for record, by in INDEXES])
async def test_whatever_goes_wrong_is_an_error_of_the_key_and_of_its_class(
    record: type[Record],
    by: str,
    failure: Reply | Exception,
    kind: type[errors.SourceError],
    retryable: bool,
    wait: float | None,
) -> None:
    def answer(_request: Request) -> Reply:
        if isinstance(failure, Exception):
            raise failure
        return failure

    wire = script(answer)
    reading = await asked(opened(wire), record, by)
    error = reading.errors[key_of(by)]
    assert type(error) is kind
    assert (error.retryable, error.retry_after, error.source) == (retryable, wait, "billing")
    assert "sk_test" not in error.message
    assert "<html>" not in error.message
    assert reading.report.error == error.code
    assert reading.rows == {}
    assert reading.report.calls == len(wire.requests) <= 2, "nobody repeats what was refused"


def row_of(path: str, number: int) -> Object:
    """A row of a list that never ends, each a second older."""
    name = "meters" if path.endswith("event_summaries") else path.rpartition("/")[2]
    if path.endswith("/search"):
        name = path.split("/")[-2]
    if name == "invoice_payments":
        paid = row_of("/v1/payment_intents", number)
        row = o.invoice_payment(payment={"type": "payment_intent", "payment_intent": paid})
    else:
        row = ROWS[name]
    return row | {"id": f"{row['id']}x{number}", "created": NOW - number}


def endless(request: Request) -> Reply:
    """Every list has a next page; rows by a number in the cursor."""
    if not re.search(r"/(search|lines|\w+s)$", request.path):
        return refused(404, "resource_missing")
    cursor = request.query.get("starting_after") or request.query.get("page") or "x0"
    start = int(cursor.rpartition("x")[2]) + 1
    rows = [row_of(request.path, start + n) for n in range(int(request.query["limit"]))]
    return reply(
        {"data": rows, "has_more": True} | ({"next_page": rows[-1]["id"]} if "/search" in request.path else {})
    )


@pytest.mark.parametrize(("record", "by"), LISTED, ids=[f"{record.__name__}-{by}" for record, by in LISTED])
async def test_a_list_without_end_is_read_up_to_the_bound_and_says_that_there_is_more(
    record: type[Record], by: str
) -> None:
    wire = script(endless)
    reading = await asked(opened(wire, max_rows=300, evidence=False), record, by)
    assert reading.errors == {}
    rows = reading.rows[key_of(by)]
    assert rows.more
    found = {record.source_id for record in rows.records}
    assert len(found) == (0 if by == "account" and record.__name__ in ("Refund", "Dispute") else 300)
    assert len(wire.requests) <= 14


@pytest.mark.parametrize(("record", "by"), LISTED, ids=[f"{record.__name__}-{by}" for record, by in LISTED])
async def test_a_list_that_gives_the_same_page_again_and_again_is_garbled(record: type[Record], by: str) -> None:
    def stuck(request: Request) -> Reply:
        if not re.search(r"/(search|lines|\w+s)$", request.path):
            return refused(404, "resource_missing")
        searched = {"next_page": "again"} if "/search" in request.path else {}
        return reply({"data": [row_of(request.path, 1)], "has_more": True} | searched)

    wire = script(stuck)
    reading = await asked(opened(wire, evidence=False), record, by)
    assert isinstance(reading.errors[key_of(by)], errors.Garbled)
    assert len(wire.requests) <= 3
