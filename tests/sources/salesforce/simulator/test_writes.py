"""What the organisation enforces when orders, contracts, rights, deals and accounts are written, and what it records."""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from sources.simulation.enterprise import CrmBook
from sources.simulation.kit import Clock
from sources.vendors.salesforce.simulator import create_simulator
from sources.vendors.salesforce.simulator.sales import PRICEBOOK
from tests.peers import serving
from tests.sources.salesforce.simulator.book import (
    ACME,
    CONTRACT,
    ENTITLEMENT,
    KANJI,
    NOW,
    ORDER,
    PLAIN,
    REDUCTION,
    RENEWAL,
    SEAT_PRICE,
    UMLAUT,
    crm,
    enterprise,
    key,
    line,
    order,
)
from tests.sources.salesforce.simulator.conftest import Organisation, Start
from tests.sources.salesforce.simulator.test_composite import composite

DRAFT = {"AccountId": ACME, "EffectiveDate": "2026-12-01", "Status": "Draft", "Pricebook2Id": PRICEBOOK}
LINE = {"PricebookEntryId": SEAT_PRICE, "Quantity": 3}


def refusal(answer: httpx2.Response) -> tuple[str, list[str]]:
    assert answer.status_code == 400, answer.text
    [error] = answer.json()
    return error["errorCode"], error.get("fields", [])


def create(org: Organisation, sobject: str, **fields: Any) -> str:
    answer = org.call("POST", f"/sobjects/{sobject}", json=fields)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def change(org: Organisation, sobject: str, key: str, **fields: Any) -> httpx2.Response:
    return org.call("PATCH", f"/sobjects/{sobject}/{key}", json=fields)


def lines(org: Organisation, order_id: str, *, deleted: bool = False) -> list[Any]:
    rows = org.rows("SELECT Id, OrderId FROM OrderItem", deleted=deleted)
    return [row for row in rows if row["OrderId"] == order_id]


def crm_of_one_order() -> CrmBook:
    other = order(key("801", 9), ACME, "00000900", line(9, "5", "1"), status="draft")
    return replace(crm(), orders=(order(ORDER, ACME, "00000200", line(1, "10", "40.00")), other))


@contextmanager
def started(book: CrmBook) -> Iterator[Organisation]:
    app = create_simulator(enterprise(book), clock=Clock(NOW))
    with serving(app) as base, httpx2.Client() as client:
        organisation = Organisation(app, base, client)
        organisation.login()
        yield organisation


def kinds(org: Organisation) -> list[str]:
    return [effect["kind"] for effect in org.client.get(f"{org.base}/_simulator/written").json()["written"]]


class TestOrders:
    def test_a_line_adds_to_the_total_and_goes_with_its_draft(self, start: Start) -> None:
        org = start()
        draft = create(org, "Order", **DRAFT)
        first = create(org, "OrderItem", OrderId=draft, **LINE)
        create(org, "OrderItem", OrderId=draft, PricebookEntryId=SEAT_PRICE, Quantity=2, UnitPrice=0.1)
        assert org.get(f"/sobjects/OrderItem/{first}")["UnitPrice"] == 49.9
        assert org.get(f"/sobjects/Order/{draft}")["TotalAmount"] == 149.9
        assert org.call("DELETE", f"/sobjects/Order/{draft}").status_code == 204
        assert not lines(org, draft)
        assert len(lines(org, draft, deleted=True)) == 2
        assert kinds(org)[-3:] == ["order_item.delete", "order_item.delete", "order.delete"]

    @pytest.mark.parametrize("status", ["Draft", "Canceled"])
    def test_an_activated_order_stays_activated(self, start: Start, status: str) -> None:
        org = start()
        assert refusal(change(org, "Order", ORDER, Status=status)) == ("FIELD_INTEGRITY_EXCEPTION", ["Status"])
        assert refusal(org.call("DELETE", f"/sobjects/Order/{ORDER}"))[0] == "FIELD_INTEGRITY_EXCEPTION"
        assert change(org, "Order", ORDER, Status="Activated", Description="seen").status_code == 204

    def test_a_canceled_draft_stays_canceled(self, start: Start) -> None:
        org = start()
        assert change(org, "Order", REDUCTION, Status="Canceled").status_code == 204
        assert refusal(change(org, "Order", REDUCTION, Status="Activated"))[0] == "FIELD_INTEGRITY_EXCEPTION"
        assert kinds(org) == ["order.cancel"]

    @pytest.mark.parametrize(
        ("fields", "wrong"),
        [
            ({"EffectiveDate": "2026-01-31"}, ["EffectiveDate"]),
            ({"EffectiveDate": "2027-02-01"}, ["EffectiveDate"]),
            ({"EndDate": "2026-11-30"}, ["EndDate"]),
            ({"AccountId": KANJI}, ["ContractId"]),
        ],
    )
    def test_an_order_starts_in_its_contracts_term_and_account(
        self, org: Organisation, fields: dict[str, str], wrong: list[str]
    ) -> None:
        body = DRAFT | {"ContractId": CONTRACT} | fields
        assert refusal(org.call("POST", "/sobjects/Order", json=body)) == ("FIELD_INTEGRITY_EXCEPTION", wrong)

    def test_products_come_from_the_orders_price_book_in_its_currency(self, start: Start) -> None:
        org = start()
        yen = create(org, "Order", **DRAFT, CurrencyIsoCode="JPY")
        bookless = create(org, "Order", **{**DRAFT, "Pricebook2Id": None})
        for target in (yen, bookless):
            answer = org.call("POST", "/sobjects/OrderItem", json={"OrderId": target, **LINE})
            assert refusal(answer) == ("FIELD_INTEGRITY_EXCEPTION", ["PricebookEntryId"])
        [entry] = org.rows("SELECT Id, UnitPrice FROM PricebookEntry WHERE CurrencyIsoCode = 'JPY'")
        assert entry["UnitPrice"] == 5000
        sold = create(org, "OrderItem", OrderId=yen, PricebookEntryId=entry["Id"], Quantity=1.5, UnitPrice=333)
        assert org.get(f"/sobjects/OrderItem/{sold}")["TotalPrice"] == 500
        assert refusal(change(org, "Order", yen, CurrencyIsoCode="USD"))[1] == ["CurrencyIsoCode"]
        assert refusal(change(org, "PricebookEntry", entry["Id"], Product2Id=None))[1] == ["Product2Id"]

    def test_a_product_has_a_price_in_each_currency_it_is_listed_or_was_sold_in(self, start: Start) -> None:
        [product] = crm().products
        book = replace(crm(), products=(replace(product, more_prices=(("EUR", Decimal("45.50")),)),))
        rows = start(book=book).rows("SELECT CurrencyIsoCode, UnitPrice FROM PricebookEntry")
        assert {row["CurrencyIsoCode"]: row["UnitPrice"] for row in rows} == {"USD": 49.9, "EUR": 45.5, "JPY": 5000}

    def test_what_is_given_at_birth_cannot_be_said_again(self, start: Start) -> None:
        org, path = start(), "/sobjects/OrderItem/Gateway_Op_Id__c/op:1"
        body = {"OrderId": create(org, "Order", **DRAFT), **LINE}
        assert org.call("PATCH", path, json=body).status_code == 201
        code, fields = refusal(org.call("PATCH", path, json=body))
        assert (code, fields) == ("INVALID_FIELD_FOR_INSERT_UPDATE", ["OrderId"])
        assert org.call("PATCH", path, json={"Quantity": 4}).json()["created"] is False

    def test_an_account_under_sanctions_gets_no_binding_order(self, start: Start) -> None:
        org = start()
        draft = create(org, "Order", **{**DRAFT, "AccountId": PLAIN})
        create(org, "OrderItem", OrderId=draft, **LINE)
        assert refusal(change(org, "Order", draft, Status="Activated"))[0] == "FIELD_CUSTOM_VALIDATION_EXCEPTION"

    def test_a_key_is_free_again_when_its_record_was_deleted(self, start: Start) -> None:
        org, path = start(), "/sobjects/Order/Gateway_Op_Id__c/op_1"
        first = org.call("PATCH", path, json=DRAFT).json()["id"]
        assert org.call("DELETE", f"/sobjects/Order/{first}").status_code == 204
        second = org.call("PATCH", path, json=DRAFT)
        assert (second.status_code, second.json()["id"] != first) == (201, True)

    def test_too_long_a_text_is_refused(self, org: Organisation) -> None:
        answer = org.call("POST", "/sobjects/Order", json={**DRAFT, "PoNumber": "x" * 256})
        assert refusal(answer) == ("STRING_TOO_LONG", ["PoNumber"])


class TestReductions:
    @pytest.fixture
    def reduction(self, start: Start) -> tuple[Organisation, str, str]:
        org = start(book=crm_of_one_order())
        draft = create(org, "Order", **DRAFT, IsReductionOrder=True, OriginalOrderId=ORDER)
        return org, draft, key("802", 1)

    def reduce(self, org: Organisation, draft: str, original: str | None, quantity: float) -> httpx2.Response:
        body = {"OrderId": draft, "PricebookEntryId": SEAT_PRICE, "Quantity": quantity, "OriginalOrderItemId": original}
        return org.call("POST", "/sobjects/OrderItem", json=body)

    def available(self, org: Organisation, item: str) -> float:
        return float(org.get(f"/sobjects/OrderItem/{item}")["AvailableQuantity"])

    def test_it_takes_from_what_is_available_until_it_is_canceled(
        self, reduction: tuple[Organisation, str, str]
    ) -> None:
        org, draft, original = reduction
        made = self.reduce(org, draft, original, -4).json()["id"]
        row = org.get(f"/sobjects/OrderItem/{made}")
        assert (row["UnitPrice"], row["TotalPrice"], row["AvailableQuantity"]) == (40.0, -160.0, 0)
        assert self.available(org, original) == 6
        assert refusal(self.reduce(org, draft, original, -7)) == ("FIELD_INTEGRITY_EXCEPTION", ["Quantity"])
        assert change(org, "OrderItem", made, Quantity=-10).status_code == 204
        assert self.available(org, original) == 0
        assert change(org, "Order", draft, Status="Canceled").status_code == 204
        assert self.available(org, original) == 10

    def test_it_needs_products_of_its_original(self, reduction: tuple[Organisation, str, str]) -> None:
        org, draft, original = reduction
        assert refusal(self.reduce(org, draft, None, -1)) == ("REQUIRED_FIELD_MISSING", ["OriginalOrderItemId"])
        assert refusal(self.reduce(org, draft, key("802", 9), -1))[1] == ["OriginalOrderItemId"]
        assert refusal(self.reduce(org, draft, original, 1))[1] == ["Quantity"]

    @pytest.mark.parametrize(
        ("fields", "wrong"),
        [
            ({"OriginalOrderId": None}, ["OriginalOrderId"]),
            ({"OriginalOrderId": key("801", 9)}, ["OriginalOrderId"]),
            ({"AccountId": UMLAUT}, ["AccountId"]),
            ({"EffectiveDate": "2026-01-01"}, ["EffectiveDate"]),
            ({"CurrencyIsoCode": "EUR"}, ["CurrencyIsoCode"]),
            ({"IsReductionOrder": False}, ["OriginalOrderId"]),
        ],
    )
    def test_it_belongs_to_one_activated_order(self, start: Start, fields: dict[str, Any], wrong: list[str]) -> None:
        org = start(book=crm_of_one_order())
        body = DRAFT | {"IsReductionOrder": True, "OriginalOrderId": ORDER} | fields
        assert refusal(org.call("POST", "/sobjects/Order", json=body))[1] == wrong

    @settings(max_examples=12, deadline=None)
    @given(asked=st.lists(st.integers(1, 7), min_size=1, max_size=5))
    def test_what_is_left_and_what_was_taken_are_what_was_sold(self, asked: list[int]) -> None:
        """Law: whatever is asked for, available + taken = 10, and neither is ever negative."""
        with started(crm_of_one_order()) as org:
            draft = create(org, "Order", **DRAFT, IsReductionOrder=True, OriginalOrderId=ORDER)
            taken = Decimal(0)
            for quantity in asked:
                done = self.reduce(org, draft, key("802", 1), -quantity).status_code == 201
                assert done is (taken + quantity <= 10)
                taken += quantity if done else 0
                assert Decimal(str(self.available(org, key("802", 1)))) == 10 - taken


class TestContracts:
    def test_its_end_follows_from_start_and_term(self, start: Start) -> None:
        org = start()
        made = create(org, "Contract", AccountId=ACME, StartDate="2026-12-01", ContractTerm=12)
        row = org.get(f"/sobjects/Contract/{made}")
        assert (row["Status"], row["EndDate"], row["ActivatedDate"]) == ("Draft", "2027-11-30", None)
        assert change(org, "Contract", made, ContractTerm=1).status_code == 204
        assert org.get(f"/sobjects/Contract/{made}")["EndDate"] == "2026-12-31"
        assert refusal(change(org, "Contract", made, EndDate="2027-01-01"))[0] == "INVALID_FIELD_FOR_INSERT_UPDATE"
        assert refusal(change(org, "Contract", made, ContractTerm=0))[1] == ["ContractTerm"]

    def test_it_is_activated_then_terminated_and_never_comes_back(self, start: Start) -> None:
        org = start()
        born = {"AccountId": ACME, "StartDate": "2026-12-01", "ContractTerm": 12, "Status": "Activated"}
        assert refusal(org.call("POST", "/sobjects/Contract", json=born)) == ("FAILED_ACTIVATION", ["Status"])
        made = create(org, "Contract", **born | {"Status": "Draft"})
        assert change(org, "Contract", made, Status="Activated").status_code == 204
        assert org.get(f"/sobjects/Contract/{made}")["ActivatedDate"]
        assert refusal(change(org, "Contract", made, Status="Draft"))[0] == "FIELD_INTEGRITY_EXCEPTION"
        assert refusal(change(org, "Contract", made, Status="Signed"))[0] == "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
        assert change(org, "Contract", made, Status="Terminated").status_code == 204
        assert refusal(change(org, "Contract", made, Status="Activated"))[0] == "FIELD_INTEGRITY_EXCEPTION"
        assert kinds(org) == ["contract.create", "contract.activate", "contract.terminate"]

    def test_one_in_approval_is_locked_until_it_is_decided(self, start: Start) -> None:
        org = start()
        assert refusal(change(org, "Contract", CONTRACT, Status="Activated"))[0] == "ENTITY_IS_LOCKED"
        org.client.put(f"{org.base}/_simulator/locks", json={"decided": [CONTRACT]})
        assert change(org, "Contract", CONTRACT, Status="Activated").status_code == 204


class TestOthers:
    def test_a_right_ends_when_its_day_has_passed_and_begins_when_it_has_come(self, start: Start) -> None:
        org = start()
        later = create(org, "Entitlement", AccountId=ACME, Name="Later", StartDate="2026-11-22", EndDate="2026-11-23")
        pack = create(org, "Entitlement", AccountId=ACME, Name="Pack", IsPerIncident=True, CasesPerEntitlement=5)
        assert org.get(f"/sobjects/Entitlement/{pack}")["RemainingCases"] == 5
        assert change(org, "Entitlement", ENTITLEMENT, EndDate="2026-11-20").status_code == 204
        seen = []
        for _ in range(5):
            states = {row["Id"]: row["Status"] for row in org.rows("SELECT Id, Status FROM Entitlement")}
            seen.append((states[later], states[ENTITLEMENT]))
            org.app.state.clock.advance(86_400)
            org.login()
        assert seen == [
            ("Inactive", "Active"),
            ("Inactive", "Expired"),
            ("Active", "Expired"),
            ("Active", "Expired"),
            ("Expired", "Expired"),
        ]
        backwards = {"StartDate": "2026-12-02", "EndDate": "2026-12-01"}
        assert refusal(change(org, "Entitlement", later, **backwards))[1] == ["EndDate"]

    def test_a_stage_sets_what_follows_from_it(self, start: Start) -> None:
        org = start()
        assert change(org, "Opportunity", RENEWAL, StageName="Closed Won", Amount=999.99).status_code == 204
        row = org.get(f"/sobjects/Opportunity/{RENEWAL}")
        assert (row["IsClosed"], row["IsWon"], row["Probability"], row["Amount"]) == (True, True, 100, 999.99)

    def test_accounts_are_no_duplicates_and_no_circles(self, start: Start) -> None:
        org = start()
        again = {"Name": "acme, inc.", "Website": "http://www.acme.example/"}
        assert refusal(org.call("POST", "/sobjects/Account", json=again))[0] == "DUPLICATES_DETECTED"
        create(org, "Account", **again | {"Website": "https://acme.test"})
        assert refusal(change(org, "Account", ACME, ParentId=UMLAUT)) == ("CIRCULAR_DEPENDENCY", ["ParentId"])

    def test_an_upsert_minds_what_was_changed_meanwhile(self, start: Start) -> None:
        org, path = start(), "/sobjects/Account/Gateway_Op_Id__c/op_1"
        org.call("PATCH", path, json={"Name": "New"})
        stale = {"If-Unmodified-Since": "Thu, 19 Nov 2026 00:00:00 GMT"}
        fresh = {"If-Unmodified-Since": "Fri, 20 Nov 2026 23:00:00 GMT"}
        assert org.call("PATCH", path, json={"Name": "Newer"}, headers=stale).status_code == 412
        assert org.call("PATCH", path, json={"Name": "Newer"}, headers=fresh).status_code == 200


class TestLocks:
    def test_a_row_that_somebody_holds_keeps_its_children_waiting_too(self, start: Start) -> None:
        org = start()
        org.client.put(f"{org.base}/_simulator/locks", json={"rows": [ACME]})
        assert refusal(change(org, "Account", ACME, Phone="1"))[0] == "UNABLE_TO_LOCK_ROW"
        assert refusal(org.call("POST", "/sobjects/Order", json=DRAFT))[0] == "UNABLE_TO_LOCK_ROW"
        assert org.client.get(f"{org.base}/_simulator/locks").json()["rows"] == [ACME]
        org.client.put(f"{org.base}/_simulator/locks", json={"rows": []})
        assert change(org, "Account", ACME, Phone="1").status_code == 204

    def test_a_pending_approval_locks_the_record(self, start: Start) -> None:
        org = start()
        org.app.state.locks.approvals.add(REDUCTION)
        assert refusal(change(org, "Order", REDUCTION, Status="Canceled"))[0] == "ENTITY_IS_LOCKED"


class TestLedger:
    def test_an_order_is_one_effect_for_each_thing_that_happened(self, start: Start) -> None:
        org = start()
        marks = {"Gateway_Op_Id__c": "op:order", "Gateway_Operation__c": "op", "Gateway_Correlation__c": "req"}
        steps: list[tuple[str, str, str, Any]] = [
            ("POST", "/sobjects/Order", "ord", DRAFT | marks),
            ("POST", "/sobjects/OrderItem", "line", LINE | {"OrderId": "@{ord.id}"}),
            ("PATCH", "/sobjects/Order/@{ord.id}", "act", {"Status": "Activated"}),
        ]
        answers = org.post("/composite", composite(*steps, all_or_none=True))["compositeResponse"]
        ledger = org.client.get(f"{org.base}/_simulator/written").json()["written"]
        assert [one["kind"] for one in ledger] == ["order.create", "order_item.create", "order.activate"]
        activated = ledger[2]
        del activated["at"]
        assert activated == {
            "kind": "order.activate",
            "key": answers[0]["body"]["id"],
            "external_id": "op:order",
            "operation": "op",
            "correlation": "req",
            "number": org.get(f"/sobjects/Order/{answers[0]['body']['id']}")["OrderNumber"],
            "amount": "149.7",
            "currency": "USD",
        }

    def test_what_was_undone_refused_or_changed_nothing_is_no_effect(self, start: Start) -> None:
        org = start()
        steps = [
            ("POST", "/sobjects/Order", "ord", DRAFT),
            ("POST", "/sobjects/OrderItem", "line", {"OrderId": "@{ord.id}"}),
        ]
        org.post("/composite", composite(*steps, all_or_none=True))
        path = "/sobjects/Account/Gateway_Op_Id__c/op_1"
        for _ in range(3):
            org.call("PATCH", path, json={"Name": "Twice"})
        assert kinds(org) == ["account.create"]
