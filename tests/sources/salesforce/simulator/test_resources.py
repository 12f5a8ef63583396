"""Versions, single records and collections: shapes and errors."""

from typing import Any

import httpx2
import pytest

from sources.vendors.salesforce.simulator import create_simulator
from sources.vendors.salesforce.simulator.identifiers import lengthened
from tests.growth import growth
from tests.sources.salesforce.simulator.book import (
    ACME,
    CASE,
    GONE,
    KANJI,
    ORDER,
    PLAIN,
    SEAT_PRICE,
    UMLAUT,
    account,
    crm,
    enterprise,
    key,
)
from tests.sources.salesforce.simulator.conftest import Organisation, Start

DRAFT = {"AccountId": ACME, "EffectiveDate": "2026-12-01", "Status": "Draft"}


def code(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()[0]["errorCode"]


class TestVersions:
    def test_versions_are_listed_without_a_session(self, org: Organisation) -> None:
        versions = httpx2.get(f"{org.base}/services/data").json()
        assert versions[-1] == {"label": "Spring '26", "url": "/services/data/v66.0", "version": "66.0"}
        assert len(versions) == 9

    @pytest.mark.parametrize("version", ["v58.0", "v61.0", "v66.0"])
    def test_any_version_is_served_and_named_in_addresses(self, org: Organisation, version: str) -> None:
        answer = org.client.get(f"{org.base}/services/data/{version}/sobjects/Account/{ACME}").json()
        assert answer["attributes"]["url"] == f"/services/data/{version}/sobjects/Account/{ACME}"
        assert "query" in org.client.get(f"{org.base}/services/data/{version}").json()

    @pytest.mark.parametrize(
        "path", ["/services/data/v12.0/limits", "/services/data/66.0/limits", "/services/data/v66.0/nope"]
    )
    def test_an_unknown_version_or_resource_is_not_found(self, org: Organisation, path: str) -> None:
        assert code(org.client.get(org.base + path)) == (404, "NOT_FOUND")

    def test_a_wrong_method_is_405(self, org: Organisation) -> None:
        assert code(org.call("DELETE", "/limits")) == (405, "METHOD_NOT_ALLOWED")


class TestReading:
    def test_a_record_is_read_by_its_short_id_too(self, org: Organisation) -> None:
        assert lengthened(ACME[:15]) == ACME
        assert org.get(f"/sobjects/Account/{ACME[:15]}")["Id"] == ACME

    def test_only_the_fields_asked_for_come_back_and_the_id(self, org: Organisation) -> None:
        found = org.get(f"/sobjects/Account/{ACME}", params={"fields": "Name,Owner.Name"})
        assert set(found) == {"attributes", "Name", "Owner", "Id"}

    def test_an_unknown_field_is_refused(self, org: Organisation) -> None:
        assert code(org.call("GET", f"/sobjects/Account/{ACME}?fields=Nope")) == (400, "INVALID_FIELD")
        assert code(org.call("GET", f"/sobjects/Account/{ACME}?fields=(SELECT")) == (400, "INVALID_FIELD")

    def test_missing_records_and_types_are_not_found(self, org: Organisation) -> None:
        assert code(org.call("GET", "/sobjects/Account/001000000000000AAA")) == (404, "NOT_FOUND")
        assert code(org.call("GET", f"/sobjects/Nope/{ACME}")) == (404, "NOT_FOUND")
        assert code(org.call("GET", f"/sobjects/Account/{GONE}")) == (404, "ENTITY_IS_DELETED")
        assert code(org.call("GET", "/sobjects/Account/ERP_Customer_Id__c/99")) == (404, "NOT_FOUND")
        assert code(org.call("GET", "/sobjects/Account/Name/Acme")) == (404, "NOT_FOUND")

    def test_one_external_id_of_two_live_records_is_300_with_their_addresses(self, org: Organisation) -> None:
        answer = org.call("GET", "/sobjects/Account/Billing_Customer_Id__c/cus_2")
        assert answer.status_code == 300
        assert answer.json() == [f"/services/data/v66.0/sobjects/Account/{one}" for one in (UMLAUT, PLAIN)]

    def test_a_collection_answers_in_the_order_asked_with_null_for_the_missing(self, org: Organisation) -> None:
        ids = [KANJI, "001000000000000AAA", ACME, GONE, "nonsense", KANJI]
        found = org.post("/composite/sobjects/Account", {"ids": ids, "fields": ["Id", "Name"]})
        assert [one and one["Id"] for one in found] == [KANJI, None, ACME, None, None, KANJI]

    def test_a_collection_reads_2000_and_no_more(self, org: Organisation) -> None:
        ids = [key("001", number) for number in range(1, 2002)]
        assert len(org.post("/composite/sobjects/Account", {"ids": ids[:2000], "fields": ["Id"]})) == 2000
        refused = org.call("POST", "/composite/sobjects/Account", json={"ids": ids, "fields": ["Id"]})
        assert refused.status_code == 400

    def test_a_collection_with_an_unknown_field_is_refused_as_a_whole(self, org: Organisation) -> None:
        body = {"ids": [ACME], "fields": ["Id", "Nope__c"]}
        assert code(org.call("POST", "/composite/sobjects/Account", json=body)) == (400, "INVALID_FIELD")

    def test_unreadable_json_is_refused(self, org: Organisation) -> None:
        assert code(org.call("POST", "/composite/batch", content=b"{nope")) == (400, "JSON_PARSER_ERROR")
        assert code(org.call("POST", "/composite/batch", json=[1])) == (400, "JSON_PARSER_ERROR")


class TestWriting:
    @pytest.mark.parametrize(
        ("sobject", "body", "status", "found"),
        [
            ("Account", {}, 400, "REQUIRED_FIELD_MISSING"),
            ("Account", {"Name": "x", "Nope": 1}, 400, "INVALID_FIELD"),
            ("Account", {"Name": "x", "CreatedDate": "2026-01-01"}, 400, "INVALID_FIELD_FOR_INSERT_UPDATE"),
            ("Account", {"Name": 5}, 400, "JSON_PARSER_ERROR"),
            ("Account", {"Name": "x", "ParentId": "nope"}, 400, "MALFORMED_ID"),
            ("Account", {"Name": "x", "ParentId": "001000000000000AAA"}, 400, "INVALID_CROSS_REFERENCE_KEY"),
            ("Order", DRAFT | {"Status": "Activated"}, 400, "FAILED_ACTIVATION"),
            ("Order", DRAFT | {"EffectiveDate": "soon"}, 400, "JSON_PARSER_ERROR"),
        ],
    )
    def test_a_wrong_record_is_refused(
        self, start: Start, sobject: str, body: dict[str, Any], status: int, found: str
    ) -> None:
        assert code(start().call("POST", f"/sobjects/{sobject}", json=body)) == (status, found)

    def test_missing_fields_are_named(self, start: Start) -> None:
        [error] = start().call("POST", "/sobjects/Order", json={"AccountId": ACME, "Status": "Draft"}).json()
        assert error == {
            "message": "Required fields are missing: [EffectiveDate]",
            "errorCode": "REQUIRED_FIELD_MISSING",
            "fields": ["EffectiveDate"],
        }

    def test_an_operation_id_is_unique(self, start: Start) -> None:
        org = start()
        assert org.call("POST", "/sobjects/Order", json=DRAFT | {"Gateway_Op_Id__c": "op_1"}).status_code == 201
        [error] = org.call("POST", "/sobjects/Order", json=DRAFT | {"Gateway_Op_Id__c": "op_1"}).json()
        assert error["errorCode"] == "DUPLICATE_VALUE"
        assert error["message"].startswith(
            "duplicate value found: Gateway_Op_Id__c duplicates value on record with id: 801"
        )

    def test_an_upsert_says_whether_it_created(self, start: Start) -> None:
        org, path = start(), "/sobjects/Order/Gateway_Op_Id__c/op%2F1"
        created = org.call("PATCH", path, json=DRAFT)
        updated = org.call("PATCH", path, json={"Description": "again"})
        assert (created.status_code, created.json()["created"]) == (201, True)
        assert (updated.status_code, updated.json()["created"], updated.json()["id"]) == (
            200,
            False,
            created.json()["id"],
        )
        assert org.get(path)["Gateway_Op_Id__c"] == "op/1"

    def test_an_empty_order_cannot_be_activated_and_an_activated_one_not_edited(self, start: Start) -> None:
        org = start()
        empty = org.post("/sobjects/Order", DRAFT)["id"]
        assert code(org.call("PATCH", f"/sobjects/Order/{empty}", json={"Status": "Activated"})) == (
            400,
            "FAILED_ACTIVATION",
        )
        frozen = org.call("PATCH", f"/sobjects/Order/{ORDER}", json={"EffectiveDate": "2026-03-01"})
        assert frozen.json()[0]["fields"] == ["EffectiveDate"]
        line = {"OrderId": ORDER, "PricebookEntryId": SEAT_PRICE, "Quantity": 1}
        assert org.call("POST", "/sobjects/OrderItem", json=line).status_code == 400

    def test_closing_a_case_sets_its_flag_and_moves_its_stamps(self, start: Start) -> None:
        org = start()
        before = org.get(f"/sobjects/Case/{CASE}")
        assert org.call("PATCH", f"/sobjects/Case/{CASE}", json={"Status": "Closed"}).status_code == 204
        after = org.get(f"/sobjects/Case/{CASE}")
        assert (before["IsClosed"], after["IsClosed"]) == (False, True)
        assert after["SystemModstamp"] > before["SystemModstamp"]

    def test_a_stale_write_is_412(self, start: Start) -> None:
        org = start()
        headers = {"If-Unmodified-Since": "Wed, 31 Dec 2025 00:00:00 GMT"}
        assert org.call("PATCH", f"/sobjects/Account/{ACME}", json={"Phone": "1"}, headers=headers).status_code == 412

    def test_deleted_records_stay_visible_to_query_all(self, start: Start) -> None:
        org = start()
        assert org.call("DELETE", f"/sobjects/Account/{ACME}").status_code == 204
        assert ACME not in org.ids("SELECT Id FROM Account")
        assert ACME in org.ids("SELECT Id FROM Account WHERE IsDeleted = TRUE", deleted=True)


class TestCollections:
    def test_rows_fail_one_by_one_under_200(self, start: Start) -> None:
        org, attributes = start(), {"type": "Account"}
        rows = [{"attributes": attributes, "Name": "One"}, {"attributes": attributes}, {"Name": "Three"}]
        answer = org.call("POST", "/composite/sobjects", json={"records": rows})
        assert answer.status_code == 200
        assert [row["success"] for row in answer.json()] == [True, False, False]
        missing = {
            "statusCode": "REQUIRED_FIELD_MISSING",
            "message": "Required fields are missing: [Name]",
            "fields": ["Name"],
        }
        assert answer.json()[1]["errors"] == [missing]
        assert org.query("SELECT COUNT() FROM Account")["totalSize"] == 5

    def test_all_or_none_undoes_the_good_rows(self, start: Start) -> None:
        org, attributes = start(), {"type": "Account"}
        rows = [{"attributes": attributes, "Name": "One"}, {"attributes": attributes}]
        answer = org.post("/composite/sobjects", {"allOrNone": True, "records": rows})
        assert answer[0]["errors"][0]["statusCode"] == "ALL_OR_NONE_OPERATION_ROLLED_BACK"
        assert org.query("SELECT COUNT() FROM Account")["totalSize"] == 4

    def test_rows_are_upserted_changed_and_deleted(self, start: Start) -> None:
        org, attributes = start(), {"type": "Order"}
        rows = [{"attributes": attributes, "Gateway_Op_Id__c": "op_1", **DRAFT}]
        path = "/composite/sobjects/Order/Gateway_Op_Id__c"
        [made] = org.call("PATCH", path, json={"records": rows}).json()
        assert (made["success"], made["created"]) == (True, True)
        change = {"attributes": attributes, "id": made["id"], "Description": "later"}
        [changed] = org.call("PATCH", "/composite/sobjects", json={"records": [change]}).json()
        assert (changed["success"], org.get(f"/sobjects/Order/{made['id']}")["Description"]) == (True, "later")
        [gone] = org.call("DELETE", f"/composite/sobjects?ids={made['id']}").json()
        assert gone == {"id": made["id"], "success": True, "errors": []}


def opened(accounts: int) -> None:
    book = crm(*(account(key("001", 1000 + number), f"Company {number}") for number in range(accounts)))
    create_simulator(enterprise(book))


def test_ten_times_the_accounts_take_ten_times_the_work() -> None:
    assert growth(opened, 1_000, 10_000) < 30
