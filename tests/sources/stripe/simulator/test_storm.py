"""Whatever is sent to the billing simulator, in whatever order and however time jumps: it answers by its contract."""

import random
from typing import Any

import httpx2
import pytest

from sources.simulation.enterprise import Enterprise
from sources.vendors.stripe.simulator import DEVELOPMENT
from sources.vendors.stripe.simulator.changes import CHANGES, Change
from tests.sources.stripe.simulator.account import DAY, HOUR, Account, account

KINDS = {
    "customers": "cus", "subscriptions": "sub", "invoices": "in", "credit_notes": "cn", "products": "prod",
    "prices": "price", "subscription_schedules": "sub_sched", "refunds": "re",
}  # fmt: skip
WORDS = ("", "now", "x", "true", "false", "none", "always_invoice", "default_incomplete", "max_period_end", "void")


class Storm:
    """Sends what is nearly right: proper names, ids that exist, values that often fit."""

    def __init__(self, bank: Account, http: httpx2.Client, seed: int) -> None:
        self.bank, self.http, self.chance = bank, http, random.Random(seed)
        self.ids: dict[str, list[str]] = {}

    def prepare(self) -> None:
        prices = [
            self.bank.price(amount, interval) for amount, interval in ((1_000, "month"), (0, "month"), (99, "year"))
        ]
        self.ids["price"] = prices
        for method in ("pm_card_visa", None, "pm_card_chargeCustomerFail"):
            self.note(self.http.get(f"/v1/customers/{self.bank.customer(method)}").json())
        for customer in self.ids["cus"]:
            self.note(self.bank.subscribe(customer, prices[0]))
        for kind in ("subscriptions", "invoices", "charges", "credit_notes"):
            self.note(self.http.get(f"/v1/{kind}", params={"limit": "8"}).json())

    def note(self, found: Any) -> None:
        """Remembers every id of an answer."""
        if isinstance(found, dict):
            key = found.get("id")
            if isinstance(key, str) and "_" in key:
                self.ids.setdefault(key.rpartition("_")[0], []).append(key)
            found = list(found.values())
        if isinstance(found, list):
            for each in found:
                self.note(each)

    def key(self, kind: str) -> str:
        return self.chance.choice(self.ids.get(kind, [f"{kind}_none"])[-12:])

    def number(self) -> str:
        now = self.bank.now()
        return str(self.chance.choice((0, 1, 2, 500, 3_000, -1, now, now + DAY, now + 40 * DAY, now - DAY)))

    def form(self, change: Change) -> dict[str, str]:
        """Parameters of the call: each there or not, right or nearly."""
        names = {
            "/v1/subscriptions": "customer items[0][price] items[0][quantity] items[1][price] trial_end cancel_at "
            "collection_method days_until_due payment_behavior billing_cycle_anchor backdate_start_date",
            "/v1/subscriptions/{id}": "items[0][id] items[0][price] items[0][quantity] items[0][deleted] proration_date "
            "proration_behavior cancel_at_period_end cancel_at pause_collection trial_end billing_cycle_anchor",
            "/v1/subscription_schedules": "customer start_date phases[0][items][0][price] phases[0][duration][interval] "
            "phases[1][items][0][price] end_behavior default_settings[collection_method]",
            "/v1/invoices/create_preview": "customer subscription subscription_details[items][0][price] "
            "subscription_details[items][0][id] subscription_details[proration_date] subscription_details[cancel_now]",
            "/v1/credit_notes": "invoice amount credit_amount refund_amount lines[0][type] lines[0][invoice_line_item]",
            "/v1/refunds": "charge payment_intent amount",
            "/v1/invoices/{id}": "auto_advance due_date description",
            "/v1/invoices/{id}/pay": "payment_method paid_out_of_band",
            "/v1/customers/{id}": "balance tax_exempt metadata[a] invoice_settings[default_payment_method]",
        }.get(change.path, "")
        if change.method == "DELETE" and "subscriptions" in change.path:
            names = "invoice_now prorate"
        return {name: self.value(name) for name in names.split() if self.chance.random() < 0.6}

    def value(self, name: str) -> str:
        last = name.rstrip("]").rpartition("[")[2] or name
        kinds = {
            "customer": "cus",
            "price": "price",
            "invoice": "in",
            "subscription": "sub",
            "charge": "ch",
            "id": "si",
        }
        kinds |= {"payment_intent": "pi", "invoice_line_item": "il"}
        if last in kinds and self.chance.random() < 0.95:
            return self.key(kinds[last])
        if last == "collection_method":
            return self.chance.choice(("send_invoice", "charge_automatically"))
        if last in ("invoice_now", "prorate", "deleted", "cancel_now", "cancel_at_period_end", "auto_advance"):
            return self.chance.choice(("true", "false"))
        return self.number() if self.chance.random() < 0.8 else self.chance.choice(WORDS)

    def send(self) -> httpx2.Response:
        change = self.chance.choice(CHANGES)
        kind = KINDS.get(change.path.split("/")[2], "x")
        form = self.form(change)
        path = change.path.replace("{id}", self.key(kind))
        if self.chance.random() < 0.1:
            self.bank.clock.advance(self.chance.choice((60, HOUR + 1, 3 * DAY, 31 * DAY)))
        if change.method == "POST":
            return self.http.post(path, data=form)
        return self.http.request(change.method, path, params=form)


@pytest.mark.parametrize("seed", range(3))
def test_whatever_is_sent_the_answer_is_the_vendors_and_the_sums_hold(company: Enterprise, seed: int) -> None:
    headers = {"authorization": f"Bearer {DEVELOPMENT.key}"}
    with account(enterprise=company) as bank, httpx2.Client(base_url=bank.url, headers=headers, timeout=30) as http:
        storm = Storm(bank, http, seed)
        storm.prepare()
        done = 0
        for _ in range(250):
            answer = storm.send()
            assert answer.status_code in (200, 400, 402, 404), answer.text
            body = answer.json()
            if answer.status_code == 200:
                done += 1
                storm.note(body)
            else:
                assert body["error"]["type"] in ("invalid_request_error", "card_error", "idempotency_error")
                assert body["error"]["message"]
        assert done > 30
        _demand_sums(bank)


def _demand_sums(bank: Account) -> None:
    made = {each["key"] for each in bank.effects("invoice.create")} - {
        each["key"] for each in bank.effects("invoice.delete")
    }
    invoices = [bank.invoice(key) for key in made]
    numbers = [each["number"] for each in invoices if each["number"]]
    assert len(numbers) == len(set(numbers))
    for each in invoices:
        assert each["total"] == each["subtotal"] + sum(tax["amount"] for tax in each["total_taxes"])
        assert each["amount_remaining"] >= 0
        if each["status"] == "paid":
            assert each["amount_remaining"] == 0
    cash = sum(each["amount"] for each in bank.effects("invoice.pay") if each["key"] in made)
    assert cash == sum(each["amount_paid"] for each in invoices)
