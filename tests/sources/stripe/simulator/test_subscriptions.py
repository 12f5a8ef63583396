"""Subscriptions at the simulator: prepared without money, released, dropped, canceled, paused, moved on by time."""

from typing import Any

import pytest
import stripe

from sources.simulation.enterprise import Enterprise
from tests.sources.stripe.simulator.account import DAY, HOUR, Account


def test_an_invoice_that_is_sent_is_a_draft_until_it_is_finalised(bank: Account) -> None:
    found = bank.subscribe(bank.customer(), bank.price())
    draft = bank.invoice(found["latest_invoice"])
    assert (found["status"], draft["status"], draft["number"], draft["total"]) == ("active", "draft", None, 6_000)
    bank.v1.invoices.update(draft["id"], {"auto_advance": False})
    bank.clock.advance(2 * HOUR)
    assert bank.invoice(draft["id"])["status"] == "draft"
    issued = bank.v1.invoices.finalize_invoice(draft["id"])
    assert (issued.status, issued.amount_remaining, issued.due_date) == ("open", 6_000, draft["due_date"])
    with pytest.raises(stripe.InvalidRequestError) as again:
        bank.v1.invoices.finalize_invoice(draft["id"])
    assert again.value.code == "status_transition_invalid"
    assert len(bank.effects("invoice.finalise")) == 1


def test_a_draft_that_nobody_stops_is_finalised_after_an_hour(bank: Account) -> None:
    found = bank.subscribe(bank.customer(), bank.price())
    bank.clock.advance(HOUR - 5)
    assert bank.invoice(found["latest_invoice"])["status"] == "draft"
    bank.clock.advance(6)
    assert bank.invoice(found["latest_invoice"])["status"] == "open"


def test_numbers_of_one_entity_have_no_gaps_and_follow_the_books(bank: Account, company: Enterprise) -> None:
    last = max(each.number or "" for each in company.billing.invoices if (each.number or "").startswith("NWC-US-"))
    price, found = bank.price(), []
    for _ in range(3):
        made = bank.subscribe(bank.customer(metadata={"legal_entity": "US"}), price)
        found.append(bank.v1.invoices.finalize_invoice(made["latest_invoice"]).number)
    assert found == [f"NWC-US-{int(last[-6:]) + step:06d}" for step in (1, 2, 3)]


def test_a_first_payment_that_is_not_made_lapses_after_23_hours(bank: Account) -> None:
    customer, price = bank.customer(), bank.price()
    found = bank.subscribe(
        customer, price, collection_method="charge_automatically", payment_behavior="default_incomplete"
    )
    invoice = bank.invoice(found["latest_invoice"])
    assert (found["status"], invoice["status"]) == ("incomplete", "open")
    assert invoice["payments"]["data"][0]["status"] == "open"
    assert bank.effects("invoice.pay") == []
    bank.clock.advance(23 * HOUR + 1)
    assert bank.v1.subscriptions.retrieve(found["id"]).status == "incomplete_expired"
    assert bank.invoice(invoice["id"])["status"] == "void"


def test_paying_the_first_invoice_puts_the_subscription_in_force(bank: Account, company: Enterprise) -> None:
    product = next(each for each in company.billing.products if each.feature_ids and each.active)
    price = next(
        each.id
        for each in company.billing.prices
        if each.product_id == product.id and each.currency == "USD" and each.interval == "month" and each.active
    )
    customer = bank.customer()
    found = bank.subscribe(
        customer, price, collection_method="charge_automatically", payment_behavior="default_incomplete"
    )
    rights = bank.v1.entitlements.active_entitlements
    assert rights.list({"customer": customer}).data == []
    paid = bank.v1.invoices.pay(found["latest_invoice"]).to_dict()
    assert (paid["status"], paid["amount_remaining"], paid["amount_paid"]) == ("paid", 0, paid["total"])
    assert bank.v1.subscriptions.retrieve(found["id"]).status == "active"
    assert {each.to_dict()["feature"] for each in rights.list({"customer": customer})} == set(product.feature_ids)
    charged = bank.v1.payment_intents.list({"customer": customer}).data
    assert [(each.status, each.amount_received) for each in charged] == [("succeeded", paid["total"])]
    bank.v1.subscriptions.cancel(found["id"])
    assert rights.list({"customer": customer}).data == []


def test_a_card_that_declines_is_an_error_and_leaves_nothing_half_done(bank: Account) -> None:
    customer, price = bank.customer("pm_card_chargeCustomerFail"), bank.price()
    with pytest.raises(stripe.CardError) as declined:
        bank.subscribe(
            customer, price, collection_method="charge_automatically", payment_behavior="error_if_incomplete"
        )
    assert (declined.value.code, declined.value.http_status) == ("card_declined", 402)
    assert bank.v1.subscriptions.list({"customer": customer, "status": "all"}).data == []
    poor = bank.customer(None)
    with pytest.raises(stripe.InvalidRequestError) as nothing:
        bank.subscribe(poor, price, collection_method="charge_automatically")
    assert nothing.value.code == "resource_missing"
    assert bank.effects("subscription.create") == []


def test_a_customer_has_all_subscriptions_in_one_currency(bank: Account) -> None:
    customer = bank.customer()
    first = bank.subscribe(customer, bank.price())
    with pytest.raises(stripe.InvalidRequestError, match="combine currencies"):
        bank.subscribe(customer, bank.price(currency="eur"))
    bank.v1.subscriptions.cancel(first["id"])
    assert bank.subscribe(customer, bank.price(currency="eur"))["currency"] == "eur"


def test_what_is_dropped_leaves_no_invoice_and_no_proration(bank: Account) -> None:
    customer = bank.customer()
    found = bank.subscribe(customer, bank.price())
    bank.v1.subscriptions.cancel(found["id"], {"invoice_now": False, "prorate": False})
    bank.clock.advance(2 * HOUR)
    assert bank.invoice(found["latest_invoice"])["status"] == "draft"
    assert bank.get("/v1/invoiceitems", customer=customer)["data"] == []
    with pytest.raises(stripe.InvalidRequestError) as again:
        bank.v1.subscriptions.cancel(found["id"])
    assert (again.value.http_status, again.value.code) == (404, "resource_missing")
    with pytest.raises(stripe.InvalidRequestError) as draft:
        bank.v1.invoices.delete(found["latest_invoice"])
    assert draft.value.code == "invoice_not_editable"
    with pytest.raises(stripe.InvalidRequestError) as dead:
        bank.v1.subscriptions.update(found["id"], {"cancel_at_period_end": True})
    assert dead.value.code == "invalid_canceled_subscription_fields"


def test_ending_at_once_gives_back_the_rest_and_stops_collecting(bank: Account) -> None:
    customer, price = bank.customer(), bank.price(3_100)
    other = bank.subscribe(customer, price, 1)
    open_one = bank.v1.invoices.finalize_invoice(other["latest_invoice"])
    assert open_one.auto_advance
    found = bank.subscribe(customer, price, 1, collection_method="charge_automatically")
    period = found["items"]["data"][0]
    bank.clock.advance((period["current_period_end"] - period["current_period_start"]) // 2)
    ended = bank.v1.subscriptions.cancel(found["id"], {"prorate": True, "invoice_now": True}).to_dict()
    credit = bank.invoice(ended["latest_invoice"])
    assert ended["status"] == "canceled"
    assert abs(credit["total"] + 1_550) <= 1
    assert (credit["status"], credit["amount_due"]) == ("paid", 0)
    assert bank.v1.customers.retrieve(customer).balance == credit["total"]
    assert bank.invoice(open_one.id)["auto_advance"] is False


def test_an_end_at_the_end_of_the_period_comes_by_itself_and_can_be_taken_back(bank: Account) -> None:
    found = bank.subscribe(bank.customer(), bank.price())
    end = found["items"]["data"][0]["current_period_end"]
    leaving = bank.v1.subscriptions.update(found["id"], {"cancel_at_period_end": True})
    assert (leaving.cancel_at, leaving.status) == (end, "active")
    stays = bank.v1.subscriptions.update(found["id"], {"cancel_at_period_end": False})
    assert (stays.cancel_at, stays.canceled_at) == (None, None)
    bank.v1.subscriptions.update(found["id"], {"cancel_at_period_end": True})
    bank.clock.advance(end - bank.now() + 1)
    ended = bank.v1.subscriptions.retrieve(found["id"])
    assert (ended.status, ended.ended_at) == ("canceled", end)
    assert ended.cancellation_details is not None
    assert ended.cancellation_details.reason == "cancellation_requested"


def test_what_is_paused_makes_drafts_that_stay_drafts(bank: Account) -> None:
    found = bank.subscribe(bank.customer(), bank.price())
    bank.v1.subscriptions.update(found["id"], {"pause_collection": {"behavior": "keep_as_draft"}})
    bank.clock.advance(32 * DAY)
    paused = bank.v1.subscriptions.retrieve(found["id"]).to_dict()
    assert paused["status"] == "active"
    assert paused["latest_invoice"] != found["latest_invoice"]
    assert bank.invoice(paused["latest_invoice"])["status"] == "draft"
    resumed = bank.v1.subscriptions.update(found["id"], {"pause_collection": ""})
    assert resumed.pause_collection is None
    with pytest.raises(stripe.InvalidRequestError, match="status of paused"):
        bank.v1.subscriptions.resume(found["id"])


def test_a_schedule_begins_on_its_day_and_costs_nothing_before(bank: Account) -> None:
    customer, price = bank.customer(), bank.price()
    given: Any = {
        "customer": customer,
        "start_date": bank.now() + 10 * DAY,
        "default_settings": {"collection_method": "send_invoice", "invoice_settings": {"days_until_due": 14}},
        "phases": [{"items": [{"price": price, "quantity": 3}], "metadata": {"gateway_op_id": "op-9"}}],
    }
    planned = bank.v1.subscription_schedules.create(given)
    dropped = bank.v1.subscription_schedules.create(given)
    bank.v1.subscription_schedules.cancel(dropped.id)
    assert (planned.status, planned.subscription) == ("not_started", None)
    assert bank.v1.subscriptions.list({"customer": customer}).data == []
    bank.clock.advance(10 * DAY + 1)
    begun = bank.v1.subscription_schedules.retrieve(planned.id)
    assert begun.status == "active"
    [found] = bank.v1.subscriptions.list({"customer": customer}).data
    plain = found.to_dict()
    assert (plain["id"], plain["start_date"]) == (begun.subscription, given["start_date"])
    assert (plain["metadata"], plain["items"]["data"][0]["quantity"]) == ({"gateway_op_id": "op-9"}, 3)
    assert [each["operation"] for each in bank.effects("subscription.create")] == ["op-9"]


def test_a_schedule_that_cannot_begin_is_given_up_and_stops_nobody_else(bank: Account) -> None:
    customer, dollars, euros = bank.customer(), bank.price(), bank.price(currency="eur")
    given: Any = {
        "customer": customer,
        "start_date": bank.now() + DAY,
        "default_settings": {"collection_method": "send_invoice", "invoice_settings": {"days_until_due": 14}},
        "phases": [{"items": [{"price": euros, "quantity": 1}]}],
    }
    planned = bank.v1.subscription_schedules.create(given)
    bank.subscribe(customer, dollars)
    bank.clock.advance(DAY + 1)
    assert [each.currency for each in bank.v1.subscriptions.list({"customer": customer})] == ["usd"]
    [refused] = bank.effects("due.refused")
    assert refused["key"] == planned.id
    assert "combine currencies" in refused["reason"]


def test_a_trial_costs_nothing_until_it_ends(bank: Account) -> None:
    found = bank.subscribe(bank.customer(), bank.price(), trial_end=bank.now() + 14 * DAY)
    first = bank.invoice(found["latest_invoice"])
    assert (found["status"], first["status"], first["total"]) == ("trialing", "paid", 0)
    bank.clock.advance(14 * DAY + 1)
    begun = bank.v1.subscriptions.retrieve(found["id"]).to_dict()
    assert begun["status"] == "active"
    assert bank.invoice(begun["latest_invoice"])["total"] == 6_000


def test_parameters_that_do_not_exist_or_do_not_fit_are_refused(bank: Account) -> None:
    customer, price = bank.customer(), bank.price()
    made = bank.subscribe(customer, price)
    for path, form, code in (
        ("/v1/subscriptions", {"customer": customer, "nonsense": "1"}, "parameter_unknown"),
        ("/v1/subscriptions", {"customer": customer}, "parameter_missing"),
        ("/v1/subscriptions", {"customer": customer, "items[0][price]": "price_none"}, "resource_missing"),
        ("/v1/customers", {"metadata[" + "k" * 41 + "]": "v"}, None),
        (f"/v1/subscriptions/{made['id']}", {"items[0][id]": "si_none", "items[0][quantity]": "1"}, "resource_missing"),
        (f"/v1/subscriptions/{made['id']}", {"items[0][price]": price}, None),
        (f"/v1/subscriptions/{made['id']}", {"cancel_at": "1"}, None),
    ):
        answer = bank.post(path, form)
        assert answer.status_code in (400, 404), path
        assert answer.json()["error"].get("code") == code
