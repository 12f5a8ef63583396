"""What a write leaves behind: audits, comments, targets that follow a plan, and the ledger of effects."""

from typing import Any

import httpx2
import pytest

from tests.sources.zendesk.simulator.book import ticket
from tests.sources.zendesk.simulator.conftest import Caller, Opener, ask_token

STALE = "2026-01-01T00:00:00Z"


def clocks(account: Caller, key: int) -> dict[str, tuple[str, str | None]]:
    rows = account.get(f"/tickets/{key}", include="slas")["ticket"]["slas"]["policy_metrics"]
    return {row["metric"]: (row["stage"], row["breach_at"]) for row in rows}


def set_plan(account: Caller, key: int, plan: str | None) -> httpx2.Response:
    return account.http.put(
        f"/organizations/{key}", json={"organization": {"organization_fields": {"support_plan": plan}}}
    )


def written(account: Caller) -> Any:
    return httpx2.get(f"{account.base}/_simulator/written").json()


def test_an_internal_note_and_the_caller_s_own_metadata_are_read_back(account: Caller) -> None:
    custom = {"operation": "op-9", "correlation": "req-1"}
    note = {"body": "Raised by contract", "public": False}
    done = account.change(100, priority="urgent", comment=note, metadata={"custom": custom}).json()
    said = account.get("/tickets/100/comments")["comments"]
    assert [(each["body"], each["public"], each["author_id"]) for each in said] == [
        ("It fails.", True, 21),
        ("Raised by contract", False, 1),
    ]
    audits = account.get("/tickets/100/audits")["audits"]
    assert audits[-1] == done["audit"]
    assert audits[-1]["metadata"]["custom"] == custom
    changed = [(each["field_name"], each["previous_value"], each["value"]) for each in audits[-1]["events"][:1]]
    assert changed == [("priority", "high", "urgent")]
    assert said[-1]["audit_id"] == audits[-1]["id"]


def test_a_created_ticket_has_one_history_that_begins_with_its_description(account: Caller) -> None:
    made = account.create(requester_id=21, metadata={"custom": {"operation": "op-1"}}).json()["ticket"]["id"]
    account.change(made, priority="low")
    audits = account.get(f"/tickets/{made}/audits")["audits"]
    assert [each["metadata"]["custom"] for each in audits] == [{"operation": "op-1"}, {}]
    assert [each["body"] for each in account.get(f"/tickets/{made}/comments")["comments"]] == ["Help"]


def test_audits_need_the_whole_account_s_scope(account: Caller) -> None:
    narrow = ask_token(account.base, scope="tickets:read tickets:write").json()["access_token"]
    account.http.headers["Authorization"] = f"Bearer {narrow}"
    assert account.http.get("/tickets/100/comments").status_code == 200
    assert account.http.get("/tickets/100/audits").status_code == 403


def test_a_plan_that_changes_reaches_a_ticket_with_its_next_change(account: Caller) -> None:
    made = account.create(organization_id=11, priority="urgent").json()["ticket"]
    account.create(organization_id=11, priority="high")
    assert set(clocks(account, made["id"])) == {"first_reply_time"}
    assert clocks(account, made["id"] + 1) == {}
    assert set_plan(account, 11, "premium").status_code == 200
    assert clocks(account, made["id"] + 1) == {}
    account.change(made["id"] + 1, comment={"body": "Targets again", "public": False})
    assert clocks(account, made["id"] + 1)["first_reply_time"][0] == "active"


def test_a_plan_that_nobody_has_is_refused(account: Caller) -> None:
    refused = set_plan(account, 10, "diamond")
    assert (refused.status_code, list(refused.json()["details"])) == (422, ["base"])
    assert account.get("/organizations/10")["organization"]["organization_fields"]["support_plan"] == "premium"
    assert set_plan(account, 10, None).status_code == 200
    assert written(account)["kinds"] == {"organization.update": 1}


def test_what_was_broken_or_achieved_stays_so_under_any_plan(account: Caller) -> None:
    before = clocks(account, 100)
    assert before["requester_wait_time"] == ("active", "2026-11-01T11:30:00Z")  # half an hour over
    set_plan(account, 10, "standard")
    account.change(100, comment={"body": "Touched", "public": False})
    after = clocks(account, 100)
    assert after == {name: before[name] for name in ("first_reply_time", "requester_wait_time")}


def test_a_public_answer_meets_the_first_reply_and_a_note_does_not(account: Caller) -> None:
    made = account.create(requester_id=21, priority="high").json()["ticket"]["id"]
    account.change(made, comment={"body": "Between us", "public": False})
    assert clocks(account, made)["first_reply_time"][0] == "active"
    account.change(made, comment={"body": "Me again", "author_id": 21})
    assert clocks(account, made)["first_reply_time"][0] == "active"
    account.change(made, comment={"body": "We look into it"})
    assert clocks(account, made)["first_reply_time"][0] == "achieved"


def test_a_follow_up_is_of_a_closed_ticket(account: Caller) -> None:
    made = account.create(via_followup_source_id=101).json()["ticket"]
    assert made["via"]["source"] == {"rel": "follow_up", "from": {"ticket_id": 101}, "to": {}}
    for source in (100, 999, "x"):
        assert account.create(via_followup_source_id=source).status_code == 422


def test_a_suspended_person_asks_for_nothing(account: Caller) -> None:
    for answer in (account.create(requester_id=22), account.change(100, requester_id=22)):
        assert (answer.status_code, list(answer.json()["details"])) == (422, ["requester"])
    assert account.change(102, priority="low").status_code == 200  # whose requester was suspended later


def test_tags_are_replaced_and_custom_fields_are_kept_by_id(account: Caller) -> None:
    account.change(103, tags=["Escalated", "vip", "vip"], custom_fields=[{"id": 1, "value": "a"}])
    made = account.change(103, custom_fields=[{"id": 2, "value": "b"}, {"id": 1, "value": "c"}]).json()["ticket"]
    assert made["tags"] == ["escalated", "vip"]
    assert made["custom_fields"] == [{"id": 1, "value": "c"}, {"id": 2, "value": "b"}]


def test_what_only_a_creation_says_does_not_change_afterwards(account: Caller) -> None:
    before = account.get("/tickets/100")["ticket"]
    made = account.change(100, description="Other", via={"channel": "web"}, submitter_id=20).json()["ticket"]
    assert {name: made[name] for name in ("description", "via", "submitter_id")} == {
        name: before[name] for name in ("description", "via", "submitter_id")
    }


def test_a_ticket_holds_five_thousand_comments(open_account: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sources.vendors.zendesk.simulator.facts.COMMENTS_MOST", 2)
    account = open_account({"tickets": (ticket(100),)})
    note = {"body": "one more", "public": False}
    assert account.change(100, comment=note).status_code == 200
    assert account.change(100, comment=note).status_code == 422
    assert account.change(100, priority="low").status_code == 200


def test_every_effect_is_in_the_ledger_once_and_what_changes_nothing_is_none(account: Caller) -> None:
    key, custom = {"Idempotency-Key": "op-1:case"}, {"custom": {"operation": "op-1"}}
    for _ in range(2):
        account.create(key, external_id="op-1:case", metadata=custom)
    account.change(101, priority="high")
    account.change(100, priority="low", safe_update=True, updated_stamp=STALE)
    for _ in range(2):
        account.change(100, priority="low", metadata=custom)
    body = {"external_id": "001N", "name": "New", "organization_fields": {"gateway_operation": "op-2"}}
    for _ in range(2):
        account.http.post("/organizations/create_or_update", json={"organization": body})
    account.http.post("/users", json={"user": {"name": "Neu"}})
    rows = [{name: value for name, value in row.items() if name != "at"} for row in written(account)["written"]]
    assert rows == [
        {
            "kind": "ticket.create",
            "key": "106",
            "external_id": "op-1:case",
            "idempotency_key": "op-1:case",
            "operation": "op-1",
        },
        {"kind": "ticket.update", "key": "100", "external_id": "gw:op-1", "operation": "op-1"},
        {"kind": "organization.create", "key": "14", "external_id": "001N", "operation": "op-2"},
        {"kind": "user.create", "key": "24"},
    ]
