"""Tickets, organizations and users that are written."""

import pytest

from sources.vendors.zendesk.simulator import DEVELOPMENT
from tests.sources.zendesk.simulator.conftest import Caller


def test_a_created_ticket_has_a_place_and_the_caller_s_or_requester_s_circumstances(account: Caller) -> None:
    answer = account.create(requester_id=21, priority="high", external_id="case-1")
    made = answer.json()["ticket"]
    assert (answer.status_code, answer.headers["location"]) == (201, made["url"])
    assert "x-idempotency-lookup" not in answer.headers
    assert (made["status"], made["organization_id"], made["requester_id"]) == ("new", 10, 21)
    assert account.get(f"/tickets/{made['id']}")["ticket"] == made
    assert account.get("/tickets", external_id="case-1")["tickets"] == [made]
    assert account.create().json()["ticket"]["requester_id"] == 1
    assert account.get("/users/1")["user"]["role"] == "admin"


def test_a_requester_who_is_described_is_found_or_made(account: Caller) -> None:
    known = account.create(requester={"name": "Z", "email": "zoe@acme.example"}).json()["ticket"]
    new = account.create(requester={"name": "Neu", "email": "neu@example.com"}).json()["ticket"]
    assert known["requester_id"] == 21
    assert account.get(f"/users/{new['requester_id']}")["user"]["email"] == "neu@example.com"


def test_a_ticket_s_clocks_follow_the_plan_of_its_organization(account: Caller) -> None:
    made = account.create(organization_id=10, priority="high").json()["ticket"]["id"]

    def metrics() -> list[dict[str, object]]:
        shown = account.get(f"/tickets/{made}", include="slas")["ticket"]["slas"]["policy_metrics"]
        return [{name: row[name] for name in row if name != "breach_at"} for row in shown]

    assert metrics() == [{"stage": "active", "metric": "first_reply_time", "minutes": 59}]
    account.change(made, priority="urgent")
    assert metrics() == [{"stage": "active", "metric": "first_reply_time", "minutes": 29}]
    account.change(made, status="solved")
    assert metrics() == [{"stage": "achieved", "metric": "first_reply_time", "minutes": 29}]
    assert account.get(f"/tickets/{made}/metrics")["ticket_metric"]["solved_at"] is not None


def test_a_key_on_a_ticket_s_creation_holds_for_two_hours(account: Caller) -> None:
    key = {"Idempotency-Key": "op-1"}
    first, again = account.create(key), account.create(key)
    assert (first.headers["x-idempotency-lookup"], again.headers["x-idempotency-lookup"]) == ("miss", "hit")
    assert (again.status_code, again.json()["ticket"]) == (201, first.json()["ticket"])
    other = account.create(key, subject="Other")
    assert (other.status_code, other.json()["error"]) == (400, "IdempotentRequestError")
    account.clock.advance(7_190)
    assert account.http.post("/organizations", json={"organization": {"name": "Fresh"}}, headers=key).status_code == 201


def test_a_key_is_forgotten_after_two_hours(account: Caller) -> None:
    key = {"Idempotency-Key": "op-1"}
    first = account.create(key).json()["ticket"]["id"]
    account.clock.advance(7_201)
    account.http.auth = (f"{DEVELOPMENT.email}/token", DEVELOPMENT.api_token)
    later = account.create(key)
    assert later.headers["x-idempotency-lookup"] == "miss"
    assert later.json()["ticket"]["id"] != first


def test_other_writes_do_not_know_a_key(account: Caller) -> None:
    key = {"Idempotency-Key": "op-1"}
    body = {"user": {"name": "Twin"}}
    ids = [account.http.post("/users", json=body, headers=key).json()["user"]["id"] for _ in range(2)]
    assert len(set(ids)) == 2


def test_a_closed_ticket_never_changes(account: Caller) -> None:
    body = account.change(101, status="open")
    assert body.status_code == 422
    assert body.json() == {
        "error": "RecordInvalid",
        "description": "Record validation errors",
        "details": {"status": [{"description": "Status: closed prevents ticket update", "error": "InvalidValue"}]},
    }


def test_a_safe_update_needs_the_latest_stamp(account: Caller) -> None:
    stamp = account.get("/tickets/100")["ticket"]["updated_at"]
    done = account.change(100, priority="urgent", safe_update=True, updated_stamp=stamp)
    assert (done.status_code, done.json()["ticket"]["priority"]) == (200, "urgent")
    stale = account.change(100, priority="low", safe_update=True, updated_stamp=stamp)
    assert (stale.status_code, stale.json()["error"]) == (409, "UpdateConflict")
    assert account.change(100, priority="low").status_code == 200


@pytest.mark.parametrize(
    ("field", "value"),
    [("priority", "extreme"), ("status", "lost"), ("type", "rant"), ("organization_id", 9), ("requester_id", 9)],
)
def test_a_ticket_with_a_value_that_is_not_there_is_refused(account: Caller, field: str, value: object) -> None:
    for answer in (account.create(**{field: value}), account.change(100, **{field: value})):
        assert answer.status_code == 422
        assert list(answer.json()["details"]) == [field]


def test_properties_that_nothing_has_are_ignored(account: Caller) -> None:
    made = account.create(colour="blue", id=7, url="x").json()["ticket"]
    assert "colour" not in made
    assert made["id"] == 106


def test_a_ticket_without_a_description_and_a_body_without_a_ticket_are_refused(account: Caller) -> None:
    blank = account.http.post("/tickets", json={"ticket": {"subject": "x"}})
    assert (blank.status_code, list(blank.json()["details"])) == (422, ["base"])
    assert account.refused(400, "POST", "/tickets", json={"organization": {}})["error"] == "BadRequest"
    broken = account.http.post("/tickets", content=b"{")
    assert (broken.status_code, broken.headers["content-type"].split(";")[0]) == (400, "text/plain")


def test_an_organization_is_created_changed_and_found_by_what_changed(account: Caller) -> None:
    given = {
        "name": "Fresh",
        "external_id": "001X",
        "organization_fields": {"support_plan": "standard", "mood": "good"},
    }
    answer = account.http.post("/organizations.json", json={"organization": given})
    made = answer.json()["organization"]
    assert (answer.status_code, answer.headers["location"]) == (201, made["url"])
    assert (made["organization_fields"]["support_plan"], "mood" in made["organization_fields"]) == ("standard", False)
    change = {"external_id": "001Y", "organization_fields": {"billing_status": "credit_hold"}}
    changed = account.http.put(f"/organizations/{made['id']}", json={"organization": change}).json()["organization"]
    assert changed["organization_fields"]["support_plan"] == "standard"
    assert changed["organization_fields"]["billing_status"] == "credit_hold"
    assert account.get("/organizations/search", external_id="001Y")["organizations"] == [changed]
    assert account.get("/organizations/search", external_id="001X")["organizations"] == []
    assert account.found("type:organization fresh") == [made["id"]]


def test_an_organization_is_created_or_updated_by_its_external_id(account: Caller) -> None:
    body = {"organization": {"external_id": "001ACCOUNT00000010", "notes": "copied"}}
    known = account.http.post("/organizations/create_or_update.json", json=body)
    assert (known.status_code, known.json()["organization"]["id"], known.json()["organization"]["name"]) == (
        200,
        10,
        "Acme",
    )
    body = {"organization": {"external_id": "001NEW", "name": "Newest"}}
    assert account.http.post("/organizations/create_or_update.json", json=body).status_code == 201


def test_names_addresses_and_external_ids_are_taken_once(account: Caller) -> None:
    for path, given, field in (
        ("organizations", {"name": "ACME"}, "name"),
        ("organizations", {"name": "Two", "external_id": "001ACCOUNT00000010"}, "external_id"),
        ("organizations", {}, "name"),
        ("users", {"name": "Z", "email": "zoe@ACME.example"}, "email"),
        ("users", {"name": "Z", "role": "king"}, "role"),
    ):
        answer = account.http.post(f"/{path}", json={path[:-1]: given})
        assert (answer.status_code, list(answer.json()["details"])) == (422, [field])


def test_a_user_is_created_or_updated_by_external_id_or_address(account: Caller) -> None:
    def upsert(**given: object) -> tuple[int, int]:
        answer = account.http.post("/users/create_or_update.json", json={"user": given})
        return answer.status_code, answer.json()["user"]["id"]

    assert upsert(external_id="003CONTACT00000021", phone="+49 1") == (200, 21)
    assert upsert(email="ZOE@acme.example", name="Zoé") == (200, 21)
    assert upsert(email="new@example.com", name="New") == (201, 24)
    assert account.get("/users/21")["user"]["name"] == "Zoé"
