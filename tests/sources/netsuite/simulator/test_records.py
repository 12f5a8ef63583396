"""REST records: read, written, refused."""

import pytest

from tests.sources.netsuite.simulator.book import ACME
from tests.sources.netsuite.simulator.conftest import Caller

STRICT = {"X-NetSuite-PropertyNameValidation": "Error"}
ORDER = {"entity": {"id": "101"}, "item": {"items": [{"item": {"id": 501}, "quantity": 3, "rate": 9.5}]}}


def code(answer: object) -> tuple[int, str]:
    return answer.status_code, answer.json()["o:errorDetails"][0]["o:errorCode"]  # type: ignore[attr-defined]


def test_a_list_has_ids_only(account: Caller) -> None:
    body = account.http.get("/record/v1/customer", params={"limit": 2}).json()
    href = f"{account.base}/services/rest/record/v1/customer/101"
    assert body["items"][0] == {"links": [{"rel": "self", "href": href}], "id": "101"}
    assert [body[name] for name in ("count", "offset", "hasMore", "totalResults")] == [2, 0, True, 3]
    assert {link["rel"] for link in body["links"]} >= {"next", "self"}


def test_a_list_of_one_transaction_type_leaves_the_others_out(account: Caller) -> None:
    assert [one["id"] for one in account.http.get("/record/v1/creditmemo").json()["items"]] == ["1004", "1005"]


def test_a_record_comes_by_id_and_by_external_id(account: Caller) -> None:
    by_id = account.http.get("/record/v1/customer/101").json()
    by_key = account.http.get(f"/record/v1/customer/eid:{ACME}").json()
    assert by_id["companyName"] == by_key["companyName"] == "Acme & Söhne 🏭"
    assert by_id["creditHoldOverride"] == {"id": "AUTO", "refName": "Auto"}
    assert by_id["subsidiary"]["refName"] == "Opsgraph Inc."
    assert by_id["lastModifiedDate"] == "2026-10-01T12:00:00Z"
    assert "parent" not in by_id
    assert account.http.get("/record/v1/invoice/eid:stripe:in_1").json()["id"] == "1001"


def test_fields_simple_enums_and_sub_resources_can_be_asked_for(account: Caller) -> None:
    some = account.http.get("/record/v1/invoice/1001", params={"fields": "tranId,status", "simpleEnumFormat": "true"})
    assert some.json().keys() == {"links", "tranId", "status"}
    assert some.json()["status"] == "A"
    whole = account.http.get("/record/v1/invoice/1001", params={"expandSubResources": "true"}).json()
    assert [line["amount"] for line in whole["item"]["items"]] == [60.0, 40.0]
    assert whole["subsidiary"]["id"] == "1"
    bare = account.http.get("/record/v1/invoice/1001").json()
    assert bare["item"].keys() == {"links"}
    followed = account.http.get(bare["item"]["links"][0]["href"]).json()
    assert len(followed["items"]) == 2
    assert code(account.http.get("/record/v1/invoice/1001", params={"fields": "nope"})) == (400, "INVALID_PARAMETER")


def test_a_payment_shows_what_it_was_applied_to(account: Caller) -> None:
    body = account.http.get("/record/v1/customerPayment/1003", params={"expandSubResources": "true"}).json()
    (applied,) = body["apply"]["items"]
    assert (applied["doc"]["id"], applied["amount"], body["customer"]["id"]) == ("1001", 19.2, "101")


@pytest.mark.parametrize(
    "path", ["/record/v1/customer/999", "/record/v1/invoice/1003", "/record/v1/customer/eid:x", "/nosuch/v1"]
)
def test_what_does_not_exist_is_a_404(account: Caller, path: str) -> None:
    assert code(account.http.get(path)) == (404, "NONEXISTENT_ID")


def test_a_created_order_answers_204_and_its_location(account: Caller) -> None:
    answer = account.http.post("/record/v1/salesOrder", json=ORDER | {"externalId": "crm:801B"})
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["location"] == f"{account.base}/services/rest/record/v1/salesOrder/1009"
    body = account.http.get(answer.headers["location"]).json()
    assert (body["total"], body["status"]["refName"], body["externalId"]) == (28.5, "Pending Approval", "crm:801B")


def test_an_upsert_by_external_id_makes_one_record_however_often(account: Caller) -> None:
    path = "/record/v1/invoice/eid:stripe:in_9"
    first = account.http.put(path, json=ORDER | {"tranDate": "2026-11-05"})
    again = account.http.put(path, json={"memo": "twice"})
    assert first.status_code == again.status_code == 204
    assert first.headers["location"] == again.headers["location"]
    assert account.rows("SELECT foreigntotal, memo FROM transaction WHERE externalid = 'stripe:in_9'") == [
        {"foreigntotal": "30.85", "memo": "twice"}
    ]
    sides = "SELECT SUM(debit) AS d, SUM(credit) AS c FROM transactionaccountingline WHERE transaction = 1009"
    assert account.rows(sides) == [{"d": "30.85", "c": "30.85"}]


def test_a_second_post_of_one_external_id_exists_already(account: Caller) -> None:
    answer = account.http.post("/record/v1/customer", json={"companyName": "x", "externalId": ACME, "subsidiary": "1"})
    assert code(answer) == (400, "USER_ERROR")
    assert "already exists" in answer.text


@pytest.mark.parametrize("day", ["2026-09-15", "2026-10-15", "2031-01-01"])
def test_a_locked_or_missing_period_refuses_an_invoice(account: Caller, day: str) -> None:
    answer = account.http.post("/record/v1/invoice", json=ORDER | {"tranDate": day})
    assert code(answer) == (400, "USER_ERROR")
    assert "not within the date range of your accounting period" in answer.text
    assert account.http.post("/record/v1/salesOrder", json=ORDER | {"tranDate": day}).status_code == 204


def test_an_invoice_in_a_locked_period_cannot_be_changed(account: Caller) -> None:
    assert code(account.http.patch("/record/v1/invoice/1002", json={"memo": "x"})) == (400, "USER_ERROR")
    assert account.http.patch("/record/v1/invoice/1001", json={"memo": "x"}).status_code == 204
    assert code(account.http.patch("/record/v1/invoice/1001", json={"postingPeriod": "10"})) == (400, "USER_ERROR")


def test_a_credit_hold_can_be_set_and_seen(account: Caller) -> None:
    assert account.http.patch("/record/v1/customer/101", json={"creditHoldOverride": {"id": "ON"}}).status_code == 204
    assert account.rows("SELECT creditholdoverride FROM customer WHERE id = 101") == [{"creditholdoverride": "ON"}]
    wrong = account.http.patch("/record/v1/customer/101", json={"creditHoldOverride": {"id": "MAYBE"}})
    assert code(wrong) == (400, "INVALID_CONTENT")


def test_an_unknown_property_is_an_error_only_where_asked(account: Caller) -> None:
    body = {"emial": "a@b.c", "email": "a@b.c"}
    strict = account.http.patch("/record/v1/customer/101", json=body, headers=STRICT)
    assert code(strict) == (400, "INVALID_CONTENT")
    assert strict.json()["o:errorDetails"][0]["o:errorPath"] == "emial"
    assert account.http.patch("/record/v1/customer/101", json=body).status_code == 204
    assert account.http.get("/record/v1/customer/101").json()["email"] == "a@b.c"


def test_an_invalid_line_is_named_by_its_path(account: Caller) -> None:
    body = ORDER | {"item": {"items": [{"item": {"id": "9999"}, "quantity": 1}]}}
    detail = account.http.post("/record/v1/salesOrder", json=body).json()["o:errorDetails"][0]
    assert (detail["o:errorCode"], detail["o:errorPath"]) == ("INVALID_CONTENT", "item.items[0].item")
    assert "9999" in detail["detail"]


def test_a_failed_write_changes_nothing(account: Caller) -> None:
    before = account.rows("SELECT COUNT(*) AS n FROM transactionline")
    assert account.http.post("/record/v1/invoice", json=ORDER | {"tranDate": "2026-09-15"}).status_code == 400
    assert account.rows("SELECT COUNT(*) AS n FROM transactionline") == before


def test_a_line_without_its_number_is_appended_each_time(account: Caller) -> None:
    one = {"item": {"items": [{"item": {"id": "501"}, "amount": 5}]}}
    for _ in range(2):
        assert account.http.patch("/record/v1/salesOrder/1006", json=one).status_code == 204
    lines = account.http.get("/record/v1/salesOrder/1006/item").json()["items"]
    assert [line["amount"] for line in lines] == [250.0, 5.0, 5.0]


def test_a_deleted_record_is_told_by_deletedrecord(account: Caller) -> None:
    assert account.http.delete("/record/v1/salesOrder/1006").status_code == 204
    since = "SELECT recordid, recordtypeid FROM deletedrecord WHERE deleteddate >= TO_DATE(?, 'YYYY-MM-DD')"
    assert account.rows(since, "2026-11-20") == [{"recordid": "1006", "recordtypeid": "salesorder"}]
    assert code(account.http.delete("/record/v1/invoice/1001")) == (400, "USER_ERROR")


def test_governance_and_the_catalog_answer(account: Caller) -> None:
    assert account.http.get("/system/v1/governanceLimits").json()["accountConcurrencyLimit"] == 5
    schema = account.http.get("/record/v1/metadata-catalog/invoice").json()
    assert schema["properties"]["tranDate"] == {"title": "tranDate", "type": "string", "format": "date"}
