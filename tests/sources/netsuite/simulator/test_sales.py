"""Orders and invoices as they are written: approved, billed, closed, held, taxed."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sources.simulation.kit import Clock
from sources.vendors.netsuite.simulator import create_simulator
from tests.sources.netsuite.simulator.book import ERP, NOW, enterprise
from tests.sources.netsuite.simulator.conftest import Caller, Opener
from tests.sources.netsuite.simulator.test_records import ORDER, code

SEATS = {"item": {"id": "501"}, "quantity": 3, "rate": 9.5, "custcol_gateway_line": "l1"}
TERMS = {"entity": {"id": "101"}, "terms": {"id": "1"}}
APPROVED: dict[str, Any] = {"orderStatus": {"id": "B"}}


def put(account: Caller, path: str, status: int = 204, **body: Any) -> str:
    answer = account.http.put(f"/record/v1/{path}", json=body)
    assert answer.status_code == status, answer.text
    return str(answer.headers.get("location", "")).rsplit("/", 1)[-1]


def said(answer: Any) -> str:
    assert code(answer) == (400, "USER_ERROR"), answer.text
    return str(answer.json()["o:errorDetails"][0]["detail"])


def order(account: Caller, external: str = "crm:801Z", **more: Any) -> str:
    return put(account, f"salesOrder/eid:{external}", entity={"id": "101"}, item={"items": [SEATS]}, **more)


def transform(caller: Caller, key: str, target: str = "invoice", kind: str = "salesOrder", **body: Any) -> Any:
    query = {"replace": body.pop("replace")} if "replace" in body else {}
    return caller.http.post(f"/record/v1/{kind}/{key}/!transform/{target}", json=body, params=query)


def shown(account: Caller, kind: str, key: str) -> dict[str, Any]:
    answer = account.http.get(f"/record/v1/{kind}/{key}", params={"expandSubResources": "true"})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def owed(account: Caller, key: str = "101") -> tuple[float, float]:
    one = shown(account, "customer", key)
    return one["balance"], one["unbilledOrders"]


def effects(account: Caller) -> list[str]:
    return [f"{effect['kind']} {effect['key']}" for effect in account.app.state.written.effects]


def test_an_order_waits_for_approval_and_an_approved_one_of_services_for_billing(account: Caller) -> None:
    key = order(account)
    assert shown(account, "salesOrder", key)["status"]["id"] == "A"
    assert owed(account) == (95.10, 0)
    for _ in range(2):
        assert account.http.patch(f"/record/v1/salesOrder/{key}", json=APPROVED).status_code == 204
    assert shown(account, "salesOrder", key)["status"] == {"id": "F", "refName": "Pending Billing"}
    assert owed(account) == (95.10, 28.5)
    assert effects(account) == [f"salesOrder.create {key}", f"salesOrder.approve {key}"]
    back = account.http.patch(f"/record/v1/salesOrder/{key}", json={"orderStatus": "A"})
    assert "approved already" in said(back)


def test_an_order_with_things_to_ship_waits_for_fulfilment(account: Caller) -> None:
    key = put(
        account, "salesOrder/eid:x", entity={"id": "101"}, item={"items": [{"item": "502", "amount": 5}]}, **APPROVED
    )
    assert shown(account, "salesOrder", key)["status"]["id"] == "B"


def test_an_order_is_closed_by_its_lines_and_stays_closed(account: Caller) -> None:
    key = order(account, **APPROVED)
    closing = {"item": {"items": [{"line": 1, "isClosed": True}]}}
    for _ in range(2):
        assert account.http.patch(f"/record/v1/salesOrder/{key}", json=closing).status_code == 204
    assert shown(account, "salesOrder", key)["status"]["id"] == "H"
    assert owed(account) == (95.10, 0)
    assert effects(account)[-1] == f"salesOrder.close {key}"
    assert len(effects(account)) == 2
    for change in (APPROVED, {"item": {"items": [{"line": 1, "isClosed": False}]}}, {"item": {"items": [SEATS]}}):
        assert "Closed" in said(account.http.patch(f"/record/v1/salesOrder/{key}", json=change))
    assert "invalid reference" in said(transform(account, key))


def test_a_repeated_put_appends_its_lines_unless_they_replace(account: Caller) -> None:
    key = order(account)
    order(account)
    assert len(shown(account, "salesOrder", key)["item"]["items"]) == 2
    body = {"entity": {"id": "101"}, "item": {"items": [SEATS]}}
    for _ in range(2):
        answer = account.http.put("/record/v1/salesOrder/eid:crm:801Z", json=body, params={"replace": "item"})
        assert answer.status_code == 204
    one = shown(account, "salesOrder", key)
    assert [line["custcol_gateway_line"] for line in one["item"]["items"]] == ["l1"]
    assert one["total"] == 28.5
    assert effects(account) == [f"salesOrder.create {key}", f"salesOrder.update {key}", f"salesOrder.update {key}"]


def test_billing_an_order_hands_on_what_it_has(account: Caller) -> None:
    given: dict[str, Any] = {
        "otherRefNum": "PO-1",
        "custbody_subscription_id": "sub_7",
        "custbody_gateway_op_id": "op-1",
    }
    key = order(account, **given, **APPROVED)
    answer = transform(account, key, externalId="stripe:in_50", tranDate="2026-11-05", tranId="IN-50")
    assert answer.status_code == 204, answer.text
    invoice = answer.headers["location"].rsplit("/", 1)[1]
    one = shown(account, "invoice", invoice)
    assert (one["tranId"], one["otherRefNum"], one["custbody_subscription_id"]) == ("IN-50", "PO-1", "sub_7")
    assert (one["createdFrom"]["id"], one["total"], one["taxTotal"]) == (key, 30.85, 2.35)
    assert one["item"]["items"][0]["orderLine"] == 1
    assert shown(account, "salesOrder", key)["status"]["refName"] == "Billed"
    assert owed(account) == (125.95, 0)
    assert "invalid reference" in said(transform(account, key, externalId="stripe:in_51"))
    assert "already exists" in said(transform(account, order(account, "crm:2", **APPROVED), externalId="stripe:in_50"))
    assert effects(account).count(f"invoice.create {invoice}") == 1


def test_an_order_is_billed_in_parts_and_never_for_more_than_it_has(account: Caller) -> None:
    key = order(account, **APPROVED)
    part = {"items": [{"orderLine": 1, "quantity": 2}]}
    assert transform(account, key, item=part, tranDate="2026-11-05").status_code == 204
    assert shown(account, "salesOrder", key)["item"]["items"][0]["quantityBilled"] == 2
    assert shown(account, "salesOrder", key)["status"]["id"] == "F"
    assert owed(account)[1] == 9.5
    assert "left to bill" in said(transform(account, key, item=part, tranDate="2026-11-05"))
    last = transform(account, key, tranDate="2026-11-05")
    assert shown(account, "invoice", last.headers["location"].rsplit("/", 1)[1])["total"] == 10.28
    assert shown(account, "salesOrder", key)["status"]["id"] == "G"
    assert owed(account)[1] == 0


def test_an_order_not_yet_approved_and_an_external_id_cannot_be_transformed(account: Caller) -> None:
    key = order(account)
    assert "invalid reference" in said(transform(account, key))
    assert "invalid reference" in said(transform(account, "eid:crm:801Z"))
    assert "invalid reference" in said(transform(account, "1001", "invoice", "invoice"))


def test_a_locked_period_refuses_a_transform_unless_another_period_is_chosen(account: Caller) -> None:
    key = order(account, **APPROVED)
    assert "accounting period" in said(transform(account, key, tranDate="2026-10-15"))
    assert shown(account, "salesOrder", key)["status"]["id"] == "F"
    later = transform(account, key, tranDate="2026-10-15", postingPeriod={"id": "11"})
    assert shown(account, "invoice", later.headers["location"].rsplit("/", 1)[1])["postingPeriod"]["id"] == "11"


def test_the_caller_may_state_tax_and_gross_amounts(account: Caller) -> None:
    line = SEATS | {"taxDetailsReference": "a"}
    details = {"items": [{"taxDetailsReference": "a", "taxAmount": 1.23}]}
    told: dict[str, Any] = {
        "entity": {"id": "101"},
        "tranDate": "2026-11-05",
        "taxDetailsOverride": True,
        "item": {"items": [line]},
    }
    key = put(account, "invoice/eid:stripe:in_60", **told, taxDetails=details)
    assert [shown(account, "invoice", key)[name] for name in ("total", "taxTotal")] == [29.73, 1.23]
    assert "tax details" in said(account.http.put("/record/v1/invoice/eid:stripe:in_61", json=told))
    gross = {"items": [{"item": {"id": "501"}, "grossAmt": 100}]}
    key = put(account, "invoice/eid:stripe:in_62", entity={"id": "101"}, tranDate="2026-11-05", item=gross)
    one = shown(account, "invoice", key)
    assert (one["total"], one["taxTotal"], one["item"]["items"][0]["amount"]) == (100, 7.62, 92.38)


def test_a_sale_names_a_subsidiary_and_currency_of_its_customer(account: Caller) -> None:
    for wrong in ({"subsidiary": {"id": "2"}}, {"currency": {"id": "2"}}):
        answer = account.http.post("/record/v1/salesOrder", json=ORDER | wrong)
        assert code(answer) == (400, "INVALID_CONTENT")
        assert "for entity 101" in answer.text


def test_a_misspelt_line_property_is_an_error_only_where_asked(account: Caller) -> None:
    body = {"entity": {"id": "101"}, "item": {"items": [SEATS | {"quantitiy": 1}]}}
    strict = account.http.post(
        "/record/v1/salesOrder", json=body, headers={"X-NetSuite-PropertyNameValidation": "Error"}
    )
    assert strict.json()["o:errorDetails"][0]["o:errorPath"] == "item.items[0].quantitiy"
    assert account.http.post("/record/v1/salesOrder", json=body).status_code == 204


@pytest.mark.parametrize(
    ("customer", "refused"),
    [
        ({"creditHoldOverride": "ON"}, "credit hold"),
        ({"creditHoldOverride": "AUTO", "creditLimit": 123.6}, "credit limit"),
        ({"creditHoldOverride": "AUTO", "creditLimit": 123.61}, None),
        ({"creditHoldOverride": "OFF", "creditLimit": 1}, None),
    ],
)
def test_a_held_customer_buys_nothing_on_terms(account: Caller, customer: dict[str, Any], refused: str | None) -> None:
    waiting = order(account, "crm:w")
    assert account.http.patch("/record/v1/customer/101", json=customer).status_code == 204
    answers = [
        account.http.post("/record/v1/salesOrder", json=TERMS | {"item": {"items": [SEATS]}}),
        account.http.patch(f"/record/v1/salesOrder/{waiting}", json=APPROVED),
    ]
    for answer in answers:
        assert answer.status_code == 204 if refused is None else refused in said(answer)
    closing = {"item": {"items": [{"line": 1, "isClosed": True}]}}
    assert account.http.patch(f"/record/v1/salesOrder/{waiting}", json=closing).status_code == 204


def test_days_overdue_hold_a_customer_and_a_preference_may_ignore_it(open_account: Opener) -> None:
    late = tuple(msgspec.structs.replace(one, days_overdue=61) for one in ERP.customers)
    for preference, status in (("enforce", 400), ("warn", 204)):
        book = msgspec.structs.replace(ERP, customers=late, hold_preference=preference)
        account = open_account(app=create_simulator(enterprise(book), clock=Clock(NOW)))
        assert account.http.post("/record/v1/salesOrder", json=ORDER).status_code == status


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    quantity=st.integers(1, 10_000),
    cents=st.integers(1, 1_000_000),
    parts=st.lists(st.integers(1, 5_000), min_size=1, max_size=4),
)
def test_however_an_order_is_billed_its_parts_add_up(
    account: Caller, quantity: int, cents: int, parts: list[int]
) -> None:
    line = {"item": {"id": "501"}, "quantity": quantity, "rate": cents / 100}
    account.http.patch("/record/v1/customer/101", json={"creditHoldOverride": "OFF"})
    answer = account.http.post("/record/v1/salesOrder", json={"entity": "101", "item": {"items": [line]}} | APPROVED)
    key, left, billed = answer.headers["location"].rsplit("/", 1)[1], quantity, Decimal(0)
    for part in [*parts, quantity]:
        if (taken := min(part, left)) == 0:
            break
        sublist = {"items": [{"orderLine": 1, "quantity": taken}]}
        made = transform(account, key, item=sublist, tranDate="2026-11-05").headers["location"].rsplit("/", 1)[1]
        one = shown(account, "invoice", made)
        net, tax = (Decimal(str(one["item"]["items"][0][name])) for name in ("amount", "grossAmt"))
        assert Decimal(str(one["total"])) == tax
        assert tax - net == Decimal(str(one["taxTotal"]))
        billed, left = billed + net, left - taken
    assert billed == Decimal(quantity * cents) / 100
    assert shown(account, "salesOrder", key)["status"]["id"] == "G"
    assert owed(account)[1] == 0
