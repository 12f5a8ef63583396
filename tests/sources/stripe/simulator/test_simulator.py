"""The billing simulator: Stripe's own client works against it unchanged, and its quirks are Stripe's."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx2
import msgspec
import pytest
import stripe

from gateway.enterprise.generate import generate
from sources.simulation.enterprise import Enterprise
from sources.vendors.stripe.simulator import DEVELOPMENT, Limits, create_simulator, signed
from sources.vendors.stripe.simulator.render import subscription
from tests.peers import serving

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)


@pytest.fixture(scope="module")
def enterprise() -> Enterprise:
    return generate(accounts=120, now=NOW)


@pytest.fixture(scope="module")
def url(enterprise: Enterprise) -> Iterator[str]:
    with serving(create_simulator(enterprise)) as address:
        yield address


@pytest.fixture
def client(url: str) -> stripe.StripeClient:
    return stripe.StripeClient(DEVELOPMENT.key, base_addresses={"api": url}, max_network_retries=0)


def get(url: str, path: str, key: str = DEVELOPMENT.key, **parameters: Any) -> httpx2.Response:
    return httpx2.get(url + path, params=parameters, headers={"authorization": f"Bearer {key}"})


def customer_of(enterprise: Enterprise, landmark: str = "hero") -> str:
    account = enterprise.landmarks[landmark]
    return next(each.id for each in enterprise.billing.customers if each.account_id == account)


def test_auto_paging_reads_every_customer_once(client: stripe.StripeClient, enterprise: Enterprise) -> None:
    found = [each.id for each in client.v1.customers.list({"limit": 7}).auto_paging_iter()]
    assert len(found) == len(set(found))
    assert set(found) == {each.id for each in enterprise.billing.customers if not each.deleted}


def test_products_prices_and_expansion(client: stripe.StripeClient, enterprise: Enterprise) -> None:
    products = client.v1.products.list({"limit": 100}).data
    assert {each.id for each in products} == {each.id for each in enterprise.billing.products}
    prices = client.v1.prices.list({"product": products[0].id, "expand": ["data.product"]}).data
    assert all(isinstance(each.product, stripe.Product) and each.product.id == products[0].id for each in prices)


def test_a_subscription_carries_its_periods_on_its_items(client: stripe.StripeClient, enterprise: Enterprise) -> None:
    listed = client.v1.subscriptions.list({"customer": customer_of(enterprise), "status": "all"})
    subscription = client.v1.subscriptions.retrieve(listed.data[0].id, {"expand": ["items.data.price.product"]})
    item = subscription["items"].data[0]
    assert item.current_period_end > item.current_period_start
    assert "current_period_end" not in subscription
    assert item.price.product.name


DEEP = "data.items.data.price.product"


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/v1/subscriptions", {"limit": "1"}),
        ("/v1/subscriptions/search", {"query": "status:'active'", "limit": "1"}),
        ("/v1/subscriptions", {"customer": "cus_nobody"}),
    ],
)
def test_more_than_four_levels_are_not_expanded_and_data_is_one_of_them(
    url: str, path: str, query: dict[str, str]
) -> None:
    refused = get(url, path, **query, **{"expand[]": DEEP})
    assert refused.status_code == 400
    assert refused.json()["error"] == {
        "code": "property_expansion_max_depth",
        "message": f"You cannot expand more than 4 levels of a property. Property: {DEEP}",
        "type": "invalid_request_error",
    }
    shallow = get(url, path, **query, **{"expand[]": "data.items.data.price"})
    assert shallow.status_code == 200


def test_a_change_that_waits_for_its_payment_has_items_with_ids(enterprise: Enterprise) -> None:
    prices = {each.id: each for each in enterprise.billing.prices}
    entry = next(each for each in enterprise.billing.subscriptions if each.items)
    kept, added = entry.items[0].price_id, next(key for key in prices if key != entry.items[0].price_id)
    waiting = msgspec.structs.replace(entry, pending_change=((kept, 3), (added, 1)))
    items = subscription(waiting, prices)["pending_update"]["subscription_items"]
    assert items[0]["id"] == entry.items[0].id
    assert items[1]["id"].startswith("si_")
    assert items[1]["id"] != items[0]["id"]


def test_an_invoice_names_its_subscription_only_under_parent(
    client: stripe.StripeClient, enterprise: Enterprise
) -> None:
    invoice = client.v1.invoices.list({"customer": customer_of(enterprise), "expand": ["data.payments"]}).data[0]
    assert "subscription" not in invoice
    plain = invoice.to_dict()
    assert plain["parent"]["subscription_details"]["subscription"].startswith("sub_")
    assert plain["payments"]["object"] == "list"
    lines = client.v1.invoices.line_items.list(invoice.id)
    assert sum(line.amount for line in lines.auto_paging_iter()) == invoice.subtotal


def test_search_joins_by_and_or_by_or_but_never_both(client: stripe.StripeClient, enterprise: Enterprise) -> None:
    accounts = [each.account_id for each in enterprise.billing.customers if each.account_id][:3]
    either = " OR ".join(f"metadata['crm_account_id']:'{account}'" for account in accounts)
    found = client.v1.customers.search({"query": either, "limit": 100}).data
    assert {each.to_dict()["metadata"]["crm_account_id"] for each in found} == set(accounts)
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.customers.search({"query": f"{either} AND name:'x'"})
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.subscriptions.search({"query": "customer:'cus_1'"})
    pages = list(client.v1.invoices.search({"query": "status:'paid'", "limit": 5}).auto_paging_iter())
    assert len(pages) == sum(each.status == "paid" for each in enterprise.billing.invoices)


def test_entitlements_and_usage(client: stripe.StripeClient, enterprise: Enterprise) -> None:
    customer = customer_of(enterprise)
    rights = client.v1.entitlements.active_entitlements.list({"customer": customer})
    expected = {each.id for each in enterprise.billing.entitlements if each.customer_id == customer}
    assert {each.id for each in rights.auto_paging_iter()} == expected
    usage = [each for each in enterprise.billing.usage if each.customer_id == customer]
    meter = usage[0].meter_id
    window = {"start_time": 0, "end_time": 4_102_444_800}
    summed = client.v1.billing.meters.event_summaries.list(meter, {"customer": customer, **window}).data  # type: ignore[typeddict-item]
    assert summed[0].aggregated_value == float(sum(each.quantity for each in usage if each.meter_id == meter))


def test_a_key_replays_the_first_answer_and_refuses_another_request(client: stripe.StripeClient) -> None:
    first = client.v1.customers.create({"name": "Ä"}, {"idempotency_key": "k"})
    assert client.v1.customers.create({"name": "Ä"}, {"idempotency_key": "k"}).id == first.id
    with pytest.raises(stripe.IdempotencyError):
        client.v1.customers.create({"name": "B"}, {"idempotency_key": "k"})
    assert client.v1.customers.update(first.id, {"metadata": {"a": "b"}}).to_dict()["metadata"] == {"a": "b"}


def test_errors_have_the_vendors_shape(url: str, client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError) as missing:
        client.v1.customers.retrieve("cus_nobody")
    assert missing.value.code == "resource_missing"
    refused = get(url, "/v1/customers", key="sk_test_wrong")
    assert (refused.status_code, refused.json()["error"]["type"]) == (401, "invalid_request_error")
    assert get(url, "/v1/customers", nonsense="1").json()["error"]["code"] == "parameter_unknown"
    assert get(url, "/v1/customers", limit="101").status_code == 400
    assert get(url, "/v1/entitlements/active_entitlements").json()["error"]["code"] == "parameter_missing"
    assert get(url, "/v1/nowhere").status_code == 404
    assert get(url, "/v1/customers").headers["request-id"].startswith("req_")


def test_a_search_finds_what_was_written_only_after_its_lag(enterprise: Enterprise) -> None:
    app = create_simulator(enterprise, limits=Limits(search_lag=60))
    with serving(app) as url:
        lagging = stripe.StripeClient(DEVELOPMENT.key, base_addresses={"api": url})
        made = lagging.v1.customers.create({"email": "new@example.com"})
        assert lagging.v1.customers.search({"query": "email:'new@example.com'"}).data == []
        app.state.clock.advance(61)
        assert [each.id for each in lagging.v1.customers.search({"query": "email:'new@example.com'"}).data] == [made.id]


def test_more_requests_than_a_second_holds_are_throttled_with_a_reason(enterprise: Enterprise) -> None:
    with serving(create_simulator(enterprise, limits=Limits(per_second=1))) as url:
        answers = [get(url, "/v1/products") for _ in range(6)]
    throttled = [each for each in answers if each.status_code == 429]
    assert throttled
    assert throttled[0].headers["stripe-rate-limited-reason"] == "global-rate"


def test_a_signature_of_ours_passes_the_vendors_check() -> None:
    body = b'{"id":"evt_1","object":"event"}'
    vector = signed(body, "whsec_test_secret", 1_492_774_577)
    assert vector == "t=1492774577,v1=654b43d3508ecadb3f8cefc4bc7d3d2bdc5ba9e03bf2c89b2d0657a8e24e4543"
    now = int(datetime.now(UTC).timestamp())
    event = stripe.Webhook.construct_event(body, signed(body, "whsec_x", now), "whsec_x")
    assert event["id"] == "evt_1"
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(body, signed(body, "whsec_y", now), "whsec_x")
