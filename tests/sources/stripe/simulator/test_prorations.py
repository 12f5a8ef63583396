"""A preview costs what the change then costs, to the minor unit, whatever is changed and when."""

from typing import Any

import pytest
import stripe
from hypothesis import given, settings
from hypothesis import strategies as st

from sources.simulation.enterprise import Enterprise
from sources.vendors.stripe.simulator.tariff import following, share
from tests.sources.stripe.simulator.account import DAY, Account, account


def prorations(invoice: dict[str, Any]) -> list[int]:
    lines = invoice["lines"]["data"]
    return sorted(each["amount"] for each in lines if each["parent"]["subscription_item_details"]["proration"])


def preview(bank: Account, found: dict[str, Any], items: list[dict[str, Any]], **details: Any) -> dict[str, Any]:
    asked = {"subscription": found["id"], "subscription_details": {"items": items, **details}}
    return bank.v1.invoices.create_preview(asked).to_dict()  # type: ignore[arg-type]


@settings(max_examples=20)
@given(
    amounts=st.lists(st.integers(0, 100_000), min_size=2, max_size=3),
    quantities=st.lists(st.integers(0, 50), min_size=2, max_size=2),
    into=st.integers(0, 27 * DAY),
    currency=st.sampled_from(["usd", "jpy", "kwd"]),
    now=st.booleans(),
)
def test_a_change_costs_what_its_preview_said(
    company: Enterprise, amounts: list[int], quantities: list[int], into: int, currency: str, now: bool
) -> None:
    with account(enterprise=company) as bank:
        old, new, *more = [bank.price(amount // 10 * 10, currency=currency) for amount in amounts]
        found = bank.subscribe(bank.customer(), old, quantities[0])
        bank.clock.advance(into)
        items: list[dict[str, Any]] = [
            {"id": found["items"]["data"][0]["id"], "price": new, "quantity": quantities[1]},
            *({"price": each, "quantity": 1} for each in more),
        ]
        at, behaviour = bank.now(), "always_invoice" if now else "create_prorations"
        shown = preview(bank, found, items, proration_date=at, proration_behavior=behaviour)
        assert bank.effects("invoiceitem.create") == []
        asked: Any = {"items": items, "proration_date": at, "proration_behavior": behaviour}
        changed = bank.v1.subscriptions.update(found["id"], asked).to_dict()
        if now and shown["lines"]["data"]:
            made = bank.invoice(changed["latest_invoice"])
            assert (made["total"], prorations(made)) == (shown["total"], prorations(shown))
        if not now:
            waiting = bank.get("/v1/invoiceitems", customer=found["customer"], limit="100")["data"]
            assert sorted(each["amount"] for each in waiting) == prorations(shown)
            end = changed["items"]["data"][0]["current_period_end"]
            bank.clock.advance(end - bank.now() + 1)
            turned = bank.v1.subscriptions.retrieve(found["id"]).to_dict()
            assert bank.invoice(turned["latest_invoice"])["total"] == shown["total"]


def test_an_upgrade_in_the_middle_gives_back_and_charges_half(bank: Account) -> None:
    found = bank.subscribe(bank.customer(), bank.price(3_000), 2)
    item = found["items"]["data"][0]
    half = (item["current_period_start"] + item["current_period_end"]) // 2
    bank.clock.advance(half - bank.now())
    asked = [{"id": item["id"], "price": bank.price(10_000), "quantity": 2}]
    shown = preview(bank, found, asked, proration_date=half, proration_behavior="always_invoice")
    assert prorations(shown) == [-3_000, 10_000]
    refused = {"items": asked, "proration_date": item["current_period_end"] + 1}
    with pytest.raises(stripe.InvalidRequestError, match="proration date"):
        bank.v1.subscriptions.update(found["id"], refused)  # type: ignore[arg-type]


def test_another_interval_begins_a_new_period_and_is_charged_at_once(bank: Account) -> None:
    found = bank.subscribe(bank.customer(), bank.price(3_000), 1)
    item = found["items"]["data"][0]
    items = [{"id": item["id"], "price": bank.price(30_000, "year"), "quantity": 1}]
    at = bank.now()
    shown = preview(bank, found, items, proration_date=at)
    asked: Any = {"items": items, "proration_date": at}
    changed = bank.v1.subscriptions.update(found["id"], asked).to_dict()
    invoice = bank.invoice(changed["latest_invoice"])
    assert (invoice["status"], invoice["total"]) == ("open", shown["total"])
    span = changed["items"]["data"][0]
    assert span["current_period_end"] - span["current_period_start"] == 365 * DAY


def test_a_change_that_cannot_be_paid_waits_or_is_refused(bank: Account) -> None:
    customer = bank.customer()
    found = bank.subscribe(customer, bank.price(3_000), 1, collection_method="charge_automatically")
    bank.v1.customers.update(customer, {"invoice_settings": {"default_payment_method": "pm_card_chargeCustomerFail"}})
    more: Any = {
        "items": [{"id": found["items"]["data"][0]["id"], "quantity": 9}],
        "proration_behavior": "always_invoice",
        "payment_behavior": "error_if_incomplete",
    }
    with pytest.raises(stripe.CardError):
        bank.v1.subscriptions.update(found["id"], more)
    assert bank.v1.subscriptions.retrieve(found["id"]).to_dict()["items"]["data"][0]["quantity"] == 1
    waiting = bank.v1.subscriptions.update(found["id"], more | {"payment_behavior": "pending_if_incomplete"}).to_dict()
    assert waiting["items"]["data"][0]["quantity"] == 1
    assert waiting["pending_update"]["subscription_items"][0]["quantity"] == 9
    overdue = bank.v1.subscriptions.update(found["id"], more | {"payment_behavior": "allow_incomplete"}).to_dict()
    assert (overdue["status"], overdue["items"]["data"][0]["quantity"]) == ("past_due", 9)
    assert bank.v1.customers.retrieve(customer).delinquent


def test_tax_is_what_the_books_charged_in_that_place(bank: Account, company: Enterprise) -> None:
    invoice = next(each for each in company.billing.invoices if each.entity == "DE" and each.tax)
    country = next(each.country for each in company.billing.customers if each.id == invoice.customer_id)
    customer = bank.customer(metadata={"legal_entity": "DE"}, address={"country": country})
    found = bank.subscribe(customer, bank.price(10_000, currency="eur"), 1)
    assert bank.invoice(found["latest_invoice"])["total"] == 11_900
    exempt = bank.customer(metadata={"legal_entity": "DE"}, address={"country": country}, tax_exempt="reverse")
    assert (
        bank.invoice(bank.subscribe(exempt, bank.price(10_000, currency="eur"), 1)["latest_invoice"])["total"] == 10_000
    )


@given(st.integers(0, 10**9), st.integers(1, 10**8), st.data())
def test_a_share_of_a_period_is_never_more_than_all_and_is_given_back_as_it_was_charged(
    amount: int, length: int, data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, length))
    rest = share(amount, 0, length, at, "usd")
    assert 0 <= rest <= amount
    assert share(amount, 0, length, 0, "usd") == amount
    assert share(-amount, 0, length, at, "usd") == -rest
    assert share(amount, 0, length, at, "kwd") % 10 == 0


@given(st.integers(0, 4 * 10**9), st.sampled_from(["day", "week", "month", "year"]), st.integers(1, 12), st.data())
def test_a_cycle_turns_after_every_instant_and_keeps_its_day(
    anchor: int, interval: str, count: int, data: st.DataObject
) -> None:
    after = anchor + data.draw(st.integers(0, 10**8))
    recurring = {"interval": interval, "interval_count": count}
    turn = following(anchor, recurring, after)
    assert turn > after
    assert following(anchor, recurring, turn - 1) == turn
