"""Calling Stripe: what goes out, what is joined, and which class a refusal is."""

import asyncio
from typing import Any

import pytest

from sources import errors
from sources.canonical import BillingCustomer, Price, Product
from sources.pipeline.reading import reading
from sources.ports import Ask, Call, Effect, Reply
from sources.settings import Secret
from sources.vendors.stripe import VENDOR
from sources.vendors.stripe.client import identifiable, quoted
from sources.vendors.stripe.connector import open_connector
from sources.vendors.stripe.refusals import Declined, failure
from sources.vendors.stripe.settings import StripeSettings
from tests.sources.stripe import objects as o
from tests.sources.stripe.fake import Fake, connector, refusal

ONE = Ask(BillingCustomer, "key", ("cus_1",))


async def test_every_call_carries_the_key_and_the_pinned_version() -> None:
    fake = Fake(customers=[o.customer()])
    await connector(fake, version="2026-10-28.endive").read(ONE)
    (call,) = fake.calls
    assert call.headers["authorization"] == "Bearer sk_test_secret"
    assert call.headers["stripe-version"] == "2026-10-28.endive"
    assert (call.method, call.operation, call.body) == ("GET", "customers.get", None)


async def test_a_check_lists_one_customer() -> None:
    fake = Fake(customers=[o.customer()])
    assert "billing" in await connector(fake).check()
    assert fake.seen == ["/v1/customers?limit=1"]


REFUSALS: list[tuple[Reply, type[errors.SourceError], bool]] = [
    (refusal(401, None, "invalid_request_error"), errors.Unauthorised, False),
    (refusal(403, "more_permissions_required", "invalid_request_error"), errors.Unauthorised, False),
    (refusal(429, "rate_limit", "invalid_request_error"), errors.Throttled, True),
    (
        refusal(429, "lock_timeout", "invalid_request_error", stripe_rate_limited_reason="endpoint-rate"),
        errors.Throttled,
        True,
    ),
    (refusal(429, "lock_timeout", "invalid_request_error"), errors.Contended, True),
    (refusal(409, "idempotency_key_in_use", "idempotency_error"), errors.Contended, True),
    (refusal(400, "parameter_missing", "invalid_request_error"), errors.Rejected, False),
    (refusal(402, "card_declined", "card_error"), Declined, False),
    (refusal(404, None, "invalid_request_error"), errors.Rejected, False),
    (refusal(400, "invoice_not_editable", "invalid_request_error"), errors.Locked, False),
    (refusal(400, "resource_already_exists", "invalid_request_error"), errors.Duplicate, False),
    (refusal(500, None, "api_error"), errors.Unavailable, True),
    (refusal(500, None, "api_error", stripe_should_retry="false"), errors.Unavailable, False),
    (refusal(400, "parameter_missing", "invalid_request_error", stripe_should_retry="true"), errors.Rejected, True),
    (Reply(503, {}, b"<html>down</html>"), errors.Unavailable, True),
    (Reply(502, {}, b""), errors.Unavailable, True),
    (Reply(408, {}, b""), errors.TimedOut, True),
    (Reply(404, {}, b"<html>not here</html>"), errors.Garbled, False),
    (Reply(400, {}, b"<html>words of the vendor</html>"), errors.Rejected, False),
    (Reply(204, {}, b""), errors.Garbled, False),
    (Reply(200, {}, b""), errors.Garbled, False),
    (Reply(200, {}, b"[" * 100_000), errors.Garbled, False),
    (Reply(302, {"location": "https://elsewhere.test"}, b""), errors.Garbled, False),
    (Reply(200, {}, b"<html>hello</html>"), errors.Garbled, False),
    (Reply(200, {}, b'{"id": 7}'), errors.Garbled, False),
    (Reply(200, {}, b"\xff\xfe"), errors.Garbled, False),
]


@pytest.mark.parametrize(("reply", "kind", "retryable"), REFUSALS)
async def test_a_refusal_is_an_error_of_its_class_and_of_its_key(
    reply: Reply, kind: type[errors.SourceError], retryable: bool
) -> None:
    fake = Fake()
    fake.fault = lambda _path, _query: reply
    reading = await connector(fake).read(ONE)
    error = reading.errors["cus_1"]
    assert type(error) is kind
    assert error.retryable is retryable
    assert (error.source, error.status) == ("billing", reply.status)
    assert reading.report.error == error.code
    assert reading.rows == {}
    assert "sk_test" not in error.message
    assert "words of the vendor" not in error.message


async def test_a_refusal_keeps_the_vendor_s_request_id_and_its_wish_to_wait() -> None:
    fake = Fake()
    fake.fault = lambda _path, _query: refusal(
        429, "rate_limit", "invalid_request_error", request_id="req_7", retry_after="2.5"
    )
    error = (await connector(fake).read(ONE)).errors["cus_1"]
    assert (error.request_id, error.retry_after, error.vendor_code) == ("req_7", 2.5, "rate_limit")
    fake.fault = lambda _path, _query: refusal(429, "rate_limit", "x", retry_after="soon")
    assert (await connector(fake).read(ONE)).errors["cus_1"].retry_after is None


@pytest.mark.parametrize("kind", [errors.TimedOut, errors.Unavailable, errors.TooLarge])
async def test_a_failure_of_the_transport_is_an_error_of_its_key(kind: type[errors.SourceError]) -> None:
    async def broken(call: Call) -> Reply:
        raise kind("no luck", source="billing")

    settings = StripeSettings(vendor="stripe", key=Secret("sk_test"))
    told = await open_connector("billing", settings, reading(broken)).read(ONE)
    assert type(told.errors["cus_1"]) is kind
    assert told.report.calls == 1


async def test_a_check_raises_what_went_wrong() -> None:
    fake = Fake()
    fake.fault = lambda _path, _query: refusal(401, None, "invalid_request_error")
    with pytest.raises(errors.Unauthorised, match="check `key`"):
        await connector(fake).check()


async def test_a_missing_object_is_absent_and_no_failure() -> None:
    reading = await connector(Fake()).read(ONE)
    assert (reading.rows, reading.errors, reading.report.error) == ({}, {}, None)


async def test_a_failing_key_does_not_fail_the_others() -> None:
    fake = Fake(customers=[o.customer("cus_1"), o.customer("cus_2", tax_exempt="maybe"), o.customer("cus_3")])
    fake.fault = lambda path, _query: refusal(500, None, "api_error") if path.endswith("cus_3") else None
    reading = await connector(fake).read(Ask(BillingCustomer, "key", ("cus_1", "cus_2", "cus_3", "cus_4")))
    assert set(reading.rows) == {"cus_1"}
    unknown = reading.errors["cus_2"]
    assert isinstance(unknown, errors.UnknownValue)
    assert (unknown.vendor, unknown.field, unknown.value) == ("stripe", "customer.tax_exempt", "maybe")
    assert isinstance(reading.errors["cus_3"], errors.Unavailable)
    assert set(reading.errors) == {"cus_2", "cus_3"}


@pytest.mark.parametrize("key", ["", ".", "..", "../customers", "a/b", "a?b", "cus 1", "ü", "x" * 256])
async def test_what_can_be_no_id_is_absent_without_a_call(key: str) -> None:
    fake = Fake()
    reading = await connector(fake).read(Ask(Price, "key", (key,)))
    assert not identifiable(key)
    assert (reading.rows, reading.errors, fake.calls) == ({}, {}, [])


def test_text_in_a_search_cannot_leave_its_quotes() -> None:
    assert quoted("o'neil\\") == "'o\\'neil\\\\'"


class Slow:
    """Answers when it is let."""

    def __init__(self, fake: Fake) -> None:
        self.fake, self.gate, self.under_way, self.most = fake, asyncio.Event(), 0, 0

    async def send(self, call: Call) -> Reply:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        await self.gate.wait()
        self.under_way -= 1
        return await self.fake.send(call)


def slow(fake: Fake, **settings: Any) -> tuple[Slow, Any]:
    sender = Slow(fake)
    given = StripeSettings(vendor="stripe", url="https://stripe.test", key=Secret("sk_test"), **settings)
    return sender, open_connector("billing", given, reading(sender.send))


async def test_the_same_get_at_the_same_time_goes_out_once() -> None:
    sender, source = slow(Fake(customers=[o.customer()]))
    asks = [asyncio.create_task(source.read(ONE)) for _ in range(3)]
    await asyncio.sleep(0)
    sender.gate.set()
    readings = await asyncio.gather(*asks)
    assert len(sender.fake.calls) == 1
    assert [(reading.report.calls, reading.report.joined) for reading in readings] == [(1, 0), (0, 1), (0, 1)]
    assert all(reading.rows["cus_1"].records for reading in readings)
    await source.read(ONE)
    assert len(sender.fake.calls) == 2


async def test_one_asker_s_cancellation_harms_nobody_else() -> None:
    sender, source = slow(Fake(customers=[o.customer()]))
    first, second = (asyncio.create_task(source.read(ONE)) for _ in range(2))
    await asyncio.sleep(0.01)
    first.cancel()
    await asyncio.sleep(0)
    sender.gate.set()
    assert (await second).rows["cus_1"].records
    assert len(sender.fake.calls) == 1


async def test_no_more_requests_are_under_way_than_is_allowed() -> None:
    sender, source = slow(Fake(prices=[o.price(f"price_{n}") for n in range(20)]), concurrency=4)
    ask = asyncio.create_task(source.read(Ask(Price, "key", tuple(f"price_{n}" for n in range(20)))))
    await asyncio.sleep(0.01)
    assert sender.under_way == 4
    sender.gate.set()
    reading = await ask
    assert (len(reading.rows), reading.report.calls, sender.most) == (20, 20, 4)


@pytest.mark.usefixtures("complaints")
async def test_a_failed_get_fails_all_who_joined_it_each_with_an_error_of_its_own() -> None:
    sender, source = slow(Fake())
    sender.fake.fault = lambda _path, _query: refusal(503, None, "api_error")
    asks = [asyncio.create_task(source.read(ONE)) for _ in range(3)]
    await asyncio.sleep(0)
    asks.pop().cancel()
    sender.gate.set()
    told = [(await ask).errors["cus_1"] for ask in asks]
    assert [type(each) for each in told] == [errors.Unavailable] * 2
    assert told[0] is not told[1]
    assert len(sender.fake.calls) == 1


async def test_every_call_says_that_it_only_reads() -> None:
    fake = Fake(customers=[o.customer()])
    await connector(fake).read(ONE)
    assert [call.effect for call in fake.calls] == [Effect.READ]
    assert all(call.read is not None for call in fake.calls)


def test_a_date_to_come_back_counts_from_the_answer_s_own() -> None:
    headers = {"retry-after": "Sat, 21 Nov 2026 12:00:05 GMT", "date": "Sat, 21 Nov 2026 12:00:00 GMT"}
    assert failure("billing", Reply(503, headers, b"")).retry_after == 5.0


@pytest.mark.usefixtures("complaints")
async def test_closing_gives_up_what_is_under_way() -> None:
    _sender, source = slow(Fake(customers=[o.customer()]))
    ask = asyncio.create_task(source.read(ONE))
    await asyncio.sleep(0.01)
    await source.close()
    told = (await ask).errors["cus_1"]
    assert isinstance(told, errors.Unavailable)
    assert "given up" in told.message


async def test_products_come_a_hundred_to_a_call() -> None:
    fake = Fake(products=[o.product(f"prod_{n}") for n in range(250)])
    keys = tuple(f"prod_{n}" for n in range(251))
    reading = await connector(fake).read(Ask(Product, "key", keys))
    assert (len(reading.rows), reading.report.calls) == (250, 3)
    assert [call.url.count("ids%5B%5D") for call in fake.calls] == [100, 100, 51]
    assert "prod_250" not in reading.rows


async def test_a_failing_call_fails_only_the_keys_it_was_for() -> None:
    fake = Fake(products=[o.product(f"prod_{n}") for n in range(150)])
    fake.fault = lambda _path, query: refusal(500, None, "api_error") if query["ids[]"] == "prod_149" else None
    reading = await connector(fake).read(Ask(Product, "key", tuple(f"prod_{n}" for n in range(150))))
    assert len(reading.rows) == 100
    assert set(reading.errors) == {f"prod_{n}" for n in range(100, 150)}


def test_the_vendor_offers_itself_to_the_catalog() -> None:
    assert (VENDOR.name, VENDOR.settings) == ("stripe", StripeSettings)


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ({"key": Secret("")}, "key"),
        ({"concurrency": 0}, "concurrency"),
        ({"max_rows": 0}, "max_rows"),
        ({"search_clauses": 0}, "search_clauses"),
        ({"search_lag": -1.0}, "search_lag"),
    ],
)
def test_settings_out_of_range_are_refused(wrong: dict[str, Any], word: str) -> None:
    given: dict[str, Any] = {"vendor": "stripe", "key": Secret("sk_test")} | wrong
    with pytest.raises(ValueError, match=word):
        StripeSettings(**given)


def test_the_key_is_never_shown() -> None:
    assert "sk_test" not in repr(StripeSettings(vendor="stripe", key=Secret("sk_test_secret")))


async def test_an_answer_is_as_old_as_its_arrival() -> None:
    fake = Fake(customers=[o.customer()])
    reading = await connector(fake).read(ONE)
    assert reading.rows["cus_1"].records[0].as_of.timestamp() == o.NOW
