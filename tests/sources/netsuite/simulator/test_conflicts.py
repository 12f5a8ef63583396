"""Two at once, customers of one key, and the ledger of effects that crash tests count."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2

from sources.vendors.netsuite.simulator import Limits
from tests.sources.netsuite.simulator.book import ACME
from tests.sources.netsuite.simulator.conftest import Caller, Opener
from tests.sources.netsuite.simulator.test_records import ORDER, code
from tests.sources.netsuite.simulator.test_sales import effects, order, put, said, shown, transform

NEW: dict[str, Any] = {"companyName": "Quill & Co", "subsidiary": {"id": "2"}}


def at_once(account: Caller, *requests: tuple[str, str, dict[str, Any]]) -> list[httpx2.Response]:
    with ThreadPoolExecutor(len(requests)) as pool:
        sent = [
            pool.submit(account.http.request, method, f"/record/v1/{path}", json=body)
            for method, path, body in requests
        ]
        return [one.result() for one in sent]


def test_who_saves_a_record_that_was_saved_meanwhile_is_refused(open_account: Opener) -> None:
    account = open_account(Limits(latency=0.3))
    answers = at_once(account, *[("PATCH", "customer/101", {"email": f"{number}@x.test"}) for number in range(3)])
    assert sorted(answer.status_code for answer in answers) == [204, 400, 400]
    refused = next(answer for answer in answers if answer.status_code == 400)
    assert code(refused) == (400, "RCRD_HAS_BEEN_CHANGED")
    assert len(effects(account)) == 1
    assert account.http.patch("/record/v1/customer/101", json={"email": "later@x.test"}).status_code == 204


def test_two_upserts_of_one_external_id_make_one_record(open_account: Opener) -> None:
    account = open_account(Limits(latency=0.3))
    answers = at_once(account, *[("PUT", "salesOrder/eid:crm:twice", ORDER)] * 2)
    assert sorted(answer.status_code for answer in answers) == [204, 400]
    assert "already exists" in said(next(answer for answer in answers if answer.status_code == 400))
    assert len(effects(account)) == 1


def test_a_customer_is_found_or_made_by_its_external_id(account: Caller) -> None:
    address = {"items": [{"defaultBilling": True, "addressBookAddress": {"country": {"id": "DE"}}}]}
    key = put(account, "customer/eid:001X:DE", **NEW, addressBook=address, custentity_gateway_op_id="op-9")
    assert put(account, "customer/eid:001X:DE", **NEW, email="a@quill.test") == key
    assert shown(account, "customer", key)["currency"]["refName"] == "Euro"
    lines = {"items": [{"item": "501", "amount": 100}]}
    made = put(account, "invoice/eid:stripe:in_90", entity={"id": key}, tranDate="2026-11-05", item=lines)
    assert shown(account, "invoice", made)["taxTotal"] == 19
    assert effects(account) == [f"customer.create {key}", f"customer.update {key}", f"invoice.create {made}"]
    moved = account.http.patch(f"/record/v1/customer/{key}", json={"subsidiary": {"id": "1"}})
    assert "cannot be changed" in said(moved)


def test_an_inactive_customer_buys_nothing(account: Caller) -> None:
    account.http.patch("/record/v1/customer/101", json={"isInactive": True})
    assert "Customer" in said(account.http.post("/record/v1/salesOrder", json=ORDER))


def test_the_ledger_of_effects_says_what_was_done_once(account: Caller) -> None:
    body = {"custbody_gateway_op_id": "op-1", "custbody_gateway_correlation_id": "c-1"}
    key = order(account, **body, orderStatus={"id": "B"})
    for _ in range(2):
        transform(account, key, externalId="stripe:in_95", tranDate="2026-11-05", **body)
        account.http.patch("/record/v1/customer/101", json={"creditLimit": 2_000, "creditHoldOverride": "ON"})
    account.http.post("/record/v1/salesOrder", json=ORDER)  # refused: on hold
    page = httpx2.get(f"{account.base}/_simulator/written").json()
    assert page["kinds"] == {"customer.credit": 1, "invoice.create": 1, "salesOrder.create": 1}
    made, billed, credit = ({name: value for name, value in one.items() if name != "at"} for one in page["written"])
    assert made == {"kind": "salesOrder.create", "key": key, "external_id": "crm:801Z", "operation": "op-1", "amount": "28.5", "currency": "USD"}  # fmt: skip
    assert (billed["kind"], billed["external_id"], billed["amount"]) == ("invoice.create", "stripe:in_95", "30.85")
    assert credit == {"kind": "customer.credit", "key": "101", "external_id": ACME, "hold": "ON", "amount": "2000"}


def test_a_job_counts_once_too(account: Caller) -> None:
    key = order(account, orderStatus={"id": "B"})
    headers = {"Prefer": "respond-async", "X-NetSuite-Idempotency-Key": "k-1"}
    path, body = f"/record/v1/salesOrder/{key}/!transform/invoice", {"tranDate": "2026-11-05"}
    first, again = (account.http.post(path, json=body, headers=headers) for _ in range(2))
    assert (first.status_code, again.status_code) == (202, 400)
    result = account.http.get(f"{first.headers['location']}/task/1/result")
    assert result.headers["location"].rsplit("/", 2)[1] == "invoice"
    assert effects(account)[1:] == [f"invoice.create {result.headers['location'].rsplit('/', 1)[1]}"]
