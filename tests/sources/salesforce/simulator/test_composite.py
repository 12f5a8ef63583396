"""Several calls in one: batches and composites."""

from typing import Any

from tests.sources.salesforce.simulator.book import ACME, UMLAUT
from tests.sources.salesforce.simulator.conftest import Organisation, Start

DRAFT = {"AccountId": ACME, "EffectiveDate": "2026-12-01", "Status": "Draft"}


def composite(*steps: tuple[str, str, str, Any], all_or_none: bool = False) -> dict[str, Any]:
    requests = [
        {
            "method": method,
            "url": f"/services/data/v66.0{path}",
            "referenceId": name,
            **({"body": body} if body else {}),
        }
        for method, path, name, body in steps
    ]
    return {"allOrNone": all_or_none, "compositeRequest": requests}


class TestBatch:
    def test_a_failure_stops_the_rest_only_when_asked(self, org: Organisation) -> None:
        urls = ["v66.0/query?q=SELECT+Nope+FROM+Account", "v66.0/limits"]
        requests = [{"method": "GET", "url": url} for url in urls]
        goes_on = org.post("/composite/batch", {"batchRequests": requests})
        halts = org.post("/composite/batch", {"haltOnError": True, "batchRequests": requests})
        assert [result["statusCode"] for result in goes_on["results"]] == [400, 200]
        assert [result["statusCode"] for result in halts["results"]] == [400, 412]
        assert goes_on["hasErrors"] is halts["hasErrors"] is True
        assert halts["results"][1]["result"][0]["errorCode"] == "BATCH_PROCESSING_HALTED"

    def test_26_calls_are_too_many_and_a_batch_in_a_batch_is_refused(self, org: Organisation) -> None:
        one = {"method": "GET", "url": "v66.0/limits"}
        assert org.call("POST", "/composite/batch", json={"batchRequests": [one] * 26}).status_code == 400
        nested = {"method": "POST", "url": "v66.0/composite/batch", "richInput": {"batchRequests": []}}
        assert org.post("/composite/batch", {"batchRequests": [nested]})["results"][0]["statusCode"] == 400

    def test_a_batch_reads_a_collection_and_writes(self, start: Start) -> None:
        read = {
            "method": "POST",
            "url": "v66.0/composite/sobjects/Account",
            "richInput": {"ids": [ACME], "fields": ["Name"]},
        }
        write = {"method": "PATCH", "url": f"v66.0/sobjects/Account/{ACME}", "richInput": {"Name": "New"}}
        answer = start().post("/composite/batch", {"batchRequests": [write, read]})
        assert answer["results"][0] == {"statusCode": 204, "result": None}
        assert answer["results"][1]["result"][0]["Name"] == "New"


class TestComposite:
    def test_references_reach_into_answers(self, org: Organisation) -> None:
        body = composite(
            ("GET", f"/query?q=SELECT+Id,ParentId+FROM+Account+WHERE+Id='{UMLAUT}'", "found", None),
            ("GET", "/sobjects/Account/@{found.records[0].ParentId}?fields=Name", "parent", None),
            (
                "POST",
                "/composite/sobjects/Account",
                "both",
                {"ids": ["@{found.records[0].Id}", "@{parent.Id}"], "fields": ["Name"]},
            ),
        )
        answers = org.post("/composite", body)["compositeResponse"]
        assert [answer["referenceId"] for answer in answers] == ["found", "parent", "both"]
        assert [one["Name"] for one in answers[2]["body"]] == ["Über Größe GmbH", "Acme, Inc."]

    def test_a_reference_to_a_failure_is_halted(self, org: Organisation) -> None:
        body = composite(
            ("GET", "/sobjects/Account/nope", "first", None), ("GET", "/sobjects/Account/@{first.Id}", "second", None)
        )
        first, second = org.post("/composite", body)["compositeResponse"]
        assert (first["httpStatusCode"], second["httpStatusCode"]) == (404, 400)
        assert second["body"][0]["errorCode"] == "PROCESSING_HALTED"

    def test_all_or_none_undoes_what_was_written(self, start: Start) -> None:
        org = start()
        body = composite(
            ("POST", "/sobjects/Order", "ord", DRAFT),
            ("POST", "/sobjects/OrderItem", "line", {"OrderId": "@{ord.id}"}),
            all_or_none=True,
        )
        first, second = org.post("/composite", body)["compositeResponse"]
        assert first["body"][0]["errorCode"] == "PROCESSING_HALTED"
        assert second["body"][0]["errorCode"] == "REQUIRED_FIELD_MISSING"
        assert org.query("SELECT COUNT() FROM Order")["totalSize"] == 3

    def test_six_queries_and_repeated_references_are_refused(self, org: Organisation) -> None:
        query = "/query?q=SELECT+COUNT()+FROM+Account"
        six = composite(*(("GET", query, f"q{number}", None) for number in range(6)))
        twice = composite(("GET", "/limits", "same", None), ("GET", "/limits", "same", None))
        assert org.call("POST", "/composite", json=six).status_code == 400
        assert org.call("POST", "/composite", json=twice).status_code == 400
