"""Idempotency keys at the simulator: one effect, one answer, for a day."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from sources.simulation.enterprise import Enterprise
from sources.vendors.stripe.simulator import Limits
from tests.sources.stripe.simulator.account import DAY, Account, account


@pytest.fixture
def busy(company: Enterprise) -> Iterator[Account]:
    with account(Limits(work=0.3), company) as running:
        yield running


def test_a_key_stands_for_one_effect_for_a_day(bank: Account) -> None:
    form = {"name": "Ada", "metadata[gateway_op_id]": "op-1"}
    first, again = (bank.post("/v1/customers", form, "k-1") for _ in range(2))
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert first.json() == again.json()
    assert [(each["idempotency_key"], each["operation"]) for each in bank.effects("customer.create")] == [
        ("k-1", "op-1")
    ]
    bank.clock.advance(DAY + 1)
    assert bank.post("/v1/customers", form, "k-1").json()["id"] != first.json()["id"]


def test_another_request_under_a_key_is_refused(bank: Account) -> None:
    bank.post("/v1/customers", {"name": "Ada"}, "k-1")
    other = bank.post("/v1/customers", {"name": "Bob"}, "k-1")
    assert (other.status_code, other.json()["error"]["type"]) == (400, "idempotency_error")


def test_a_decline_is_kept_under_its_key_and_a_wrong_parameter_is_not(bank: Account) -> None:
    customer, price = bank.customer("pm_card_chargeCustomerFail"), bank.price()
    form = {"customer": customer, "items[0][price]": price, "payment_behavior": "error_if_incomplete"}
    assert bank.post("/v1/subscriptions", form, "k-1").status_code == 402
    bank.v1.customers.update(customer, {"invoice_settings": {"default_payment_method": "pm_card_visa"}})
    again = bank.post("/v1/subscriptions", form, "k-1")
    assert (again.status_code, again.headers["idempotent-replayed"]) == (402, "true")
    assert bank.post("/v1/subscriptions", form, "k-2").status_code == 200
    assert bank.post("/v1/customers", {"nonsense": "1"}, "k-3").status_code == 400
    assert bank.post("/v1/customers", {"name": "Ada"}, "k-3").status_code == 200


def test_a_key_that_is_in_use_and_an_object_that_is_written_to_are_conflicts(busy: Account) -> None:
    customer = busy.post("/v1/customers", {"name": "Ada"}).json()["id"]
    with ThreadPoolExecutor(4) as pool:
        same = list(pool.map(lambda _: busy.post("/v1/customers", {"name": "Bob"}, "k-1"), range(4)))
        path = f"/v1/customers/{customer}"
        two = list(pool.map(lambda name: busy.post(path, {"name": name}), ("Bea", "Cid")))
    assert sorted({each.status_code for each in same}) == [200, 409]
    assert {each.json()["error"]["code"] for each in same if each.status_code == 409} == {"idempotency_key_in_use"}
    assert len(busy.effects("customer.create")) == 2
    assert sorted(each.status_code for each in two) == [200, 429]
    locked = next(each for each in two if each.status_code == 429)
    assert locked.json()["error"]["code"] == "lock_timeout"
    assert "stripe-rate-limited-reason" not in locked.headers
