"""The connector against what is not ours: localstripe as a running server, and Stripe's published fixtures.

localstripe speaks an old dialect (no prices, no search, no entitlements, periods on the subscription), so only customers,
products, lists of invoices and refusals are proven by it.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from sources.canonical import (
    AccountSubscription,
    BillingCustomer,
    CreditMemo,
    Invoice,
    Meter,
    Payment,
    Price,
    Product,
    Record,
)
from sources.pipeline.reading import reading
from sources.ports import Ask, Call, Connector, Reply, Send
from sources.settings import Secret
from sources.transport import Transport
from sources.vendors.stripe import VENDOR, facts
from sources.vendors.stripe.client import expand
from tests.sources.stripe.till import KEY, running

FIXTURES = Path(__file__).resolve().parents[4] / "shared" / "contracts" / "stripe" / "fixtures3.trimmed.json"


def connector(url: str, send: Send) -> Connector:
    settings = VENDOR.settings(vendor="stripe", url=url, key=Secret(KEY))  # type: ignore[call-arg]
    return VENDOR.open("billing", settings, reading(send))


@pytest.fixture(scope="module")
def localstripe() -> Iterator[str]:
    with running() as address:
        yield address


@pytest.mark.live
@pytest.mark.slow
async def test_localstripe_tells_customers_and_products(localstripe: str) -> None:
    def post(path: str, **form: str) -> dict[str, Any]:
        answer: dict[str, Any] = httpx2.post(localstripe + path, data=form, auth=(KEY, "")).json()
        return answer

    customer = post(
        "/v1/customers", name="Müller & Söhne", email="a@example.com", **{"metadata[crm_account_id]": "001A"}
    )
    product = post("/v1/products", name="Team", type="service")
    async with Transport("billing") as transport:
        billing = connector(localstripe, transport.send)
        customers = await billing.read(Ask(BillingCustomer, "key", (customer["id"], "cus_nobody")))
        (found,) = customers.rows[customer["id"]].records
        assert isinstance(found, BillingCustomer)
        assert (found.name, found.account_key, found.email) == ("Müller & Söhne", "001A", "a@example.com")
        assert "cus_nobody" not in customers.rows
        products = await billing.read(Ask(Product, "list", ("",)))
        assert [record.key for record in products.rows[""].records] == [product["id"]]


@pytest.mark.live
@pytest.mark.slow
def test_localstripe_counts_the_data_of_a_list_among_the_levels_too(localstripe: str) -> None:
    def status(path: str) -> int:
        return httpx2.get(f"{localstripe}/v1/subscriptions", params={"expand[]": path}, auth=(KEY, "")).status_code

    assert status("data.items.data.price.product") == 400
    assert all(status(path) == 200 for _, path in expand(facts.SUBSCRIPTION_EXPAND, each=True))


FIXED: list[tuple[str, type[Record]]] = [
    ("customer", BillingCustomer),
    ("product", Product),
    ("price", Price),
    ("subscription", AccountSubscription),
    ("invoice", Invoice),
    ("payment_intent", Payment),
    ("credit_note", CreditMemo),
    ("billing.meter", Meter),
]


@pytest.fixture(scope="module")
def fixtures() -> dict[str, Any]:
    if not FIXTURES.is_file():
        pytest.skip(
            "NOT TESTED against the published fixtures: `../shared/contracts/stripe` is not beside the checkout"
        )
    whole = json.loads(FIXTURES.read_text(encoding="utf-8"))
    resources: dict[str, Any] = whole.get("resources", whole)
    return resources


@pytest.mark.parametrize(("name", "record"), FIXED)
async def test_a_published_fixture_is_read_and_mapped(
    fixtures: dict[str, Any], name: str, record: type[Record]
) -> None:
    resource = fixtures[name]

    async def send(call: Call) -> Reply:
        path = call.url.partition("?")[0]
        listed = {"object": "list", "data": [], "has_more": False, "url": path}
        if record is Product and path.endswith("/products"):
            listed["data"] = [resource]
        body = resource if path.endswith(resource["id"]) else listed
        return Reply(200, {}, json.dumps(body).encode())

    reading = await connector("https://billing.example.test", send).read(Ask(record, "key", (resource["id"],)))
    assert not reading.errors, reading.errors
    (found,) = reading.rows[resource["id"]].records
    assert isinstance(found, record)
    assert found.source_id == resource["id"]
