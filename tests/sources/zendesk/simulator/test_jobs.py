"""Changes of many tickets at once."""

from typing import Any

from sources.vendors.zendesk.simulator import Limits
from tests.sources.zendesk.simulator.conftest import Caller, Opener

NOTE = {"comment": {"body": "Targets again", "public": False}}


def start(account: Caller, ids: str, **change: Any) -> Any:
    answer = account.http.put("/tickets/update_many.json", params={"ids": ids}, json={"ticket": change})
    assert answer.status_code == 200, answer.text
    return answer.json()["job_status"]


def test_a_job_is_queued_and_then_tells_of_each_row(account: Caller) -> None:
    job = start(account, "100,101,999,105", **NOTE)
    assert (job["status"], job["total"], job["results"]) == ("queued", 4, None)
    done = account.get(f"/job_statuses/{job['id']}.json")["job_status"]
    assert (done["status"], done["progress"]) == ("completed", 4)
    assert [(row["id"], row["success"]) for row in done["results"]] == [
        (100, True),
        (101, False),
        (999, False),
        (105, True),
    ]
    assert done["results"][1]["details"] == "Status: closed prevents ticket update"
    assert account.get("/tickets/105/comments")["comments"][-1]["body"] == "Targets again"
    assert [row["key"] for row in account.app.state.written.of("ticket.update")] == ["100", "105"]


def test_tickets_may_have_a_change_each(account: Caller) -> None:
    rows = [{"id": 100, "priority": "low"}, {"id": 105, "additional_tags": ["vip"]}]
    job = account.http.put("/tickets/update_many", json={"tickets": rows}).json()["job_status"]
    assert account.get(f"/job_statuses/{job['id']}")["job_status"]["progress"] == 2
    assert account.get("/tickets/100")["ticket"]["priority"] == "low"
    assert account.get("/tickets/105")["ticket"]["tags"] == ["vip"]


def test_tags_are_added_and_removed_by_changes_of_many_only(account: Caller) -> None:
    start(account, "103", additional_tags=["vip"], remove_tags=["escalated"])
    assert account.get("/tickets/103")["ticket"]["tags"] == ["vip"]
    account.change(103, additional_tags=["more"])
    assert account.get("/tickets/103")["ticket"]["tags"] == ["vip"]


def test_nothing_happens_before_a_job_is_done_and_only_so_many_wait(open_account: Opener) -> None:
    account = open_account(limits=Limits(job_seconds=5, jobs_at_once=1))
    job = start(account, "100", priority="low")
    assert account.get("/tickets/100")["ticket"]["priority"] == "high"
    assert account.get(f"/job_statuses/{job['id']}")["job_status"]["status"] == "queued"
    crowded = account.http.put("/tickets/update_many", params={"ids": "105"}, json={"ticket": NOTE})
    assert (crowded.status_code, crowded.json()["error"]) == (429, "TooManyJobs")
    account.clock.advance(5)
    assert account.get("/tickets/100")["ticket"]["priority"] == "low"
    assert account.get(f"/job_statuses/{job['id']}")["job_status"]["status"] == "completed"


def test_a_job_takes_a_hundred_tickets_and_a_body_that_says_what_to_do(account: Caller) -> None:
    many = ",".join(str(number) for number in range(101))
    assert account.refused(400, "PUT", f"/tickets/update_many?ids={many}", json={"ticket": NOTE})
    assert account.refused(400, "PUT", "/tickets/update_many?ids=1", json={"tickets": []})
    assert account.refused(400, "PUT", "/tickets/update_many", json={"ticket": NOTE})
    assert account.refused(404, "GET", "/job_statuses/none")["error"] == "RecordNotFound"
