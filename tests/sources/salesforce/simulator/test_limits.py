"""Quotas, sizes and pages."""

# ruff: noqa: S608 - these are queries of the simulated language, over the rows of the test itself

import threading
import time
from concurrent.futures import ThreadPoolExecutor

from sources.simulation.kit import Clock
from sources.vendors.salesforce.simulator import Limits
from tests.sources.salesforce.simulator.book import ACME, NOW, account, contact, crm, key
from tests.sources.salesforce.simulator.conftest import Organisation, Start

TOTAL = [{"message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}]
CONCURRENT = "ConcurrentRequests (Concurrent API Requests) Limit exceeded."


def batch(*queries: str) -> dict[str, object]:
    urls = [f"v66.0/query?q={query.replace(' ', '+')}" for query in queries]
    return {"batchRequests": [{"method": "GET", "url": url} for url in urls]}


class TestQuota:
    def test_every_answer_says_how_much_is_used_also_a_refusal(self, start: Start) -> None:
        org = start(Limits(daily_calls=5000))
        assert org.call("GET", "/limits").headers["Sforce-Limit-Info"] == "api-usage=1/5000"
        assert org.call("GET", "/nope").headers["Sforce-Limit-Info"] == "api-usage=2/5000"

    def test_a_used_up_day_is_refused_until_it_has_rolled_on(self, start: Start) -> None:
        clock = Clock(NOW)
        org = start(Limits(daily_calls=2, session_seconds=1e6), clock)
        assert [org.call("GET", "/limits").status_code for _ in range(3)] == [200, 200, 403]
        assert org.get("/limits") == TOTAL
        clock.advance(23 * 3600)
        assert org.get("/limits") == TOTAL
        clock.advance(2 * 3600)
        assert org.call("GET", "/limits").headers["Sforce-Limit-Info"] == "api-usage=1/2"

    def test_each_call_of_a_batch_counts_and_a_composite_counts_once(self, start: Start) -> None:
        org = start(Limits(daily_calls=100))
        org.post("/composite/batch", batch(*["SELECT Id FROM Account"] * 5))
        assert org.call("GET", "/limits").headers["Sforce-Limit-Info"] == "api-usage=6/100"
        url = "/services/data/v66.0/query?q=SELECT+Id+FROM+Account"
        org.post(
            "/composite", {"compositeRequest": [{"method": "GET", "url": url, "referenceId": name} for name in "abc"]}
        )
        assert org.call("GET", "/limits").headers["Sforce-Limit-Info"] == "api-usage=8/100"

    def test_a_quota_may_end_in_the_middle_of_a_batch(self, start: Start) -> None:
        org = start(Limits(daily_calls=2))
        results = org.post("/composite/batch", batch(*["SELECT Id FROM Account"] * 3))["results"]
        assert [result["statusCode"] for result in results] == [200, 200, 403]
        assert results[2]["result"] == TOTAL


class TestConcurrency:
    def test_too_many_long_calls_at_once_are_refused_with_the_other_message(self, start: Start) -> None:
        org = start(Limits(long_calls=1, long_after=0.05, latency=0.4))
        with ThreadPoolExecutor(2) as pool:
            slow = pool.submit(org.call, "GET", "/limits")
            time.sleep(0.2)
            refused = org.call("GET", "/limits")
            assert (refused.status_code, refused.json()[0]["errorCode"]) == (403, "REQUEST_LIMIT_EXCEEDED")
            assert refused.json()[0]["message"] == CONCURRENT
            assert slow.result().status_code == 200
        assert org.call("GET", "/limits").status_code == 200

    def test_a_batch_runs_its_calls_one_after_the_other(self, start: Start) -> None:
        org = start(Limits(latency=0.05))
        started = time.perf_counter()
        org.post("/composite/batch", batch(*["SELECT Id FROM Account"] * 4))
        assert time.perf_counter() - started >= 0.2

    def test_callers_in_parallel_all_get_their_own_answer(self, start: Start) -> None:
        org, found = start(), []
        threads = [
            threading.Thread(target=lambda: found.append(len(org.ids("SELECT Id FROM Account")))) for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert found == [4] * 8


class TestSizes:
    def test_a_uri_of_16384_bytes_passes_and_a_longer_one_is_414(self, org: Organisation) -> None:
        path = f"{'/services/data/v66.0'}/query?q=SELECT+Id+FROM+Account"
        room = 16_384 - len(path)
        assert org.call("GET", f"/query?q=SELECT+Id+FROM+Account{'+' * room}").status_code == 200
        long = org.call("GET", f"/query?q=SELECT+Id+FROM+Account{'+' * (room + 1)}")
        assert long.status_code == 414
        assert isinstance(long.json(), list)

    def test_headers_of_more_than_16384_bytes_are_431(self, org: Organisation) -> None:
        assert org.call("GET", "/limits", headers={"X-Long": "x" * 16_384}).status_code == 431

    def test_a_query_too_long_for_a_uri_fits_into_a_batch(self, org: Organisation) -> None:
        many = ",".join(f"'{key('001', number)}'" for number in range(1, 1500))
        [result] = org.post("/composite/batch", batch(f"SELECT Id FROM Account WHERE Id IN ({many})"))["results"]
        assert result["result"]["totalSize"] == 4


class TestPages:
    def many(self, start: Start, limits: Limits | None = None) -> Organisation:
        accounts = tuple(account(key("001", 1000 + number), f"Company {number:04}") for number in range(2100))
        contacts = tuple(contact(key("003", 1000 + number), ACME, f"Person {number:03}") for number in range(450))
        return start(limits, book=crm(*accounts, contacts=contacts))

    def test_a_page_holds_2000_rows_or_the_batch_size_asked_for_within_200_and_2000(self, start: Start) -> None:
        org, soql = self.many(start), {"q": "SELECT Id FROM Account ORDER BY Name"}
        for wish, rows in ((None, 2000), ("batchSize=500", 500), ("batchSize=1", 200), ("batchSize=9999", 2000)):
            headers = {"Sforce-Query-Options": wish} if wish else {}
            page = org.get("/query", params=soql, headers=headers)
            assert (len(page["records"]), page["totalSize"], page["done"]) == (rows, 2104, False)

    def test_pages_follow_each_other_without_gap_or_repetition(self, start: Start) -> None:
        org = self.many(start)
        page = org.get(
            "/query",
            params={"q": "SELECT Id FROM Account ORDER BY Name"},
            headers={"Sforce-Query-Options": "batchSize=700"},
        )
        found = [row["Id"] for row in page["records"]]
        while not page["done"]:
            assert page["nextRecordsUrl"].endswith(f"-{len(found)}")
            page = org.client.get(org.base + page["nextRecordsUrl"]).json()
            found += [row["Id"] for row in page["records"]]
        assert len(found) == len(set(found)) == 2104
        assert "nextRecordsUrl" not in page

    def test_a_page_may_hold_fewer_rows_than_asked(self, start: Start) -> None:
        page = self.many(start, Limits(short_pages=50)).get("/query", params={"q": "SELECT Id FROM Account"})
        assert (len(page["records"]), page["done"]) == (50, False)

    def test_a_long_child_list_pages_separately(self, start: Start) -> None:
        org = self.many(start)
        page = org.query(f"SELECT Id, (SELECT Name FROM Contacts ORDER BY Name) FROM Account WHERE Id = '{ACME}'")
        children = page["records"][0]["Contacts"]
        assert (page["done"], children["done"], children["totalSize"], len(children["records"])) == (
            True,
            False,
            451,
            200,
        )
        names = [row["Name"] for row in children["records"]]
        while not children["done"]:
            children = org.client.get(org.base + children["nextRecordsUrl"]).json()
            names += [row["Name"] for row in children["records"]]
        assert names == sorted(names, key=str.lower)
        assert len(names) == 451

    def test_a_page_shows_rows_as_they_are_when_it_is_read(self, start: Start) -> None:
        org = self.many(start, Limits(short_pages=3))
        first = org.query("SELECT Id, Phone FROM Account ORDER BY Id")
        next_id = org.ids("SELECT Id FROM Account ORDER BY Id LIMIT 1 OFFSET 3")[0]
        org.call("PATCH", f"/sobjects/Account/{next_id}", json={"Phone": "new"})
        page = org.client.get(org.base + first["nextRecordsUrl"]).json()
        assert page["records"][0]["Phone"] == "new"

    def test_an_unknown_locator_is_refused(self, org: Organisation) -> None:
        for locator in ("01gSm0000009999IAA-2000", "nonsense", "01g-x"):
            answer = org.call("GET", f"/query/{locator}")
            assert answer.status_code == 400
            assert answer.json() == [{"message": "invalid query locator", "errorCode": "INVALID_QUERY_LOCATOR"}]
