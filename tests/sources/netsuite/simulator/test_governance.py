"""Concurrency, idempotency and jobs."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

from sources.vendors.netsuite.simulator import Limits
from tests.sources.netsuite.simulator.conftest import Caller, Opener

ORDER = {"entity": {"id": "101"}, "item": {"items": [{"item": {"id": "501"}, "amount": 7}]}}
COUNT = "SELECT COUNT(*) AS n FROM transaction WHERE type = 'SalesOrd'"


def test_the_sixth_request_at_once_is_refused_with_429(open_account: Opener) -> None:
    account = open_account(Limits(latency=0.3))
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: account.query("SELECT id FROM item"), range(8)))
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [200] * 5 + [429] * 3
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert "retry-after" not in refused.headers
    assert refused.json() == {
        "type": "https://www.w3.org/Protocols/rfc2616/rfc2616-sec10.html",
        "title": "Bad Request",
        "status": 429,
        "o:errorCode": "USER_ERROR",
        "o:errorDetails": [
            {
                "detail": "Concurrent request limit exceeded. Request blocked.",
                "o:errorCode": "CONCURRENCY_LIMIT_EXCEEDED",
            }
        ],
    }
    assert account.query("SELECT id FROM item").status_code == 200


def test_an_idempotency_key_is_ignored_when_the_caller_waits(account: Caller) -> None:
    headers = {"X-NetSuite-Idempotency-Key": str(uuid4())}
    for _ in range(2):
        assert account.http.post("/record/v1/salesOrder", json=ORDER, headers=headers).status_code == 204
    assert account.rows(COUNT) == [{"n": "3"}]


def test_an_idempotency_key_makes_one_job(account: Caller) -> None:
    headers = {"X-NetSuite-Idempotency-Key": str(uuid4()), "Prefer": "respond-async"}
    first = account.http.post("/record/v1/salesOrder", json=ORDER, headers=headers)
    assert (first.status_code, first.headers["preference-applied"]) == (202, "respond-async")
    again = account.http.post("/record/v1/salesOrder", json=ORDER, headers=headers)
    body = again.json()
    assert (again.status_code, body["title"], body["o:errorDetails"][0]["o:errorCode"]) == (
        400,
        "Conflict",
        "IDEMPOTENCY_ERROR",
    )
    assert first.headers["location"].endswith(again.headers["location"])
    assert account.rows(COUNT) == [{"n": "2"}]


def test_a_job_tells_its_task_and_the_tasks_result(account: Caller) -> None:
    prefer = {"Prefer": "respond-async"}
    job = account.http.post("/record/v1/salesOrder", json=ORDER, headers=prefer).headers["location"]
    assert account.http.get(job).json()["completed"] is True
    assert account.http.get(f"{job}/task").json()["items"][0]["progress"] == "succeeded"
    result = account.http.get(f"{job}/task/1/result")
    assert (result.status_code, result.headers["location"].rsplit("/", 1)[1]) == (204, "1009")
    failed = account.http.post("/record/v1/salesOrder", json={}, headers=prefer).headers["location"]
    assert account.http.get(f"{failed}/task").json()["items"][0]["progress"] == "failed"
    assert account.http.get(f"{failed}/task/1/result").status_code == 400
    assert account.http.get("/async/v1/job/1").status_code == 404
