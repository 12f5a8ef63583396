"""Lists, records, many at once, sideloads."""

import pytest

from tests.sources.zendesk.simulator.book import NOW, organization
from tests.sources.zendesk.simulator.conftest import Caller, Opener


def test_a_record_reads_the_same_with_and_without_the_suffix(account: Caller) -> None:
    ticket = account.get("/tickets/100.json")["ticket"]
    assert ticket == account.get("/tickets/100")["ticket"]
    assert (ticket["id"], ticket["organization_id"], ticket["external_id"]) == (100, 10, "gw:op-1")


def test_an_organization_carries_the_company_s_fields(account: Caller) -> None:
    shown = account.get("/organizations/10.json")["organization"]
    assert shown["organization_fields"] == {
        "support_plan": "premium",
        "billing_status": "good",
        "region": "EMEA",
        "arr": 1200.5,
        "gateway_operation": None,
        "gateway_keys": None,
    }
    assert shown["domain_names"] == ["acme.example", "acme.test"]
    assert account.get("/organizations/11.json")["organization"]["name"] == "東京精密"


@pytest.mark.parametrize("path", ["/tickets/9.json", "/organizations/x.json", "/organizations/9/tickets.json"])
def test_what_is_not_there_is_a_record_not_found(account: Caller, path: str) -> None:
    assert account.refused(404, "GET", path) == {"error": "RecordNotFound", "description": "Not found"}


def test_a_path_that_nobody_serves_is_an_invalid_endpoint(account: Caller) -> None:
    assert account.refused(404, "GET", "/tickets/100/nothing.json")["error"] == "InvalidEndpoint"


def test_cursor_pages_reach_every_ticket_once(account: Caller) -> None:
    found, body = [], account.get("/tickets.json", **{"page[size]": 4})
    while True:
        found += [row["id"] for row in body["tickets"]]
        assert "count" not in body
        if not body["meta"]["has_more"]:
            break
        assert "/tickets.json?" in body["links"]["next"]
        body = account.follow(body["links"]["next"])
    assert found == [100, 101, 102, 103, 104, 105]


def test_a_last_page_has_a_cursor_whose_page_is_empty_and_has_none(account: Caller) -> None:
    last = account.get("/tickets.json", **{"page[size]": 100})
    assert last["meta"]["has_more"] is False
    beyond = account.follow(last["links"]["next"])
    assert beyond["tickets"] == []
    assert beyond["meta"] == {"has_more": False, "after_cursor": None, "before_cursor": None}
    assert beyond["links"] == {"prev": None, "next": None}


@pytest.mark.parametrize("order", ["id", "-id", "updated_at", "-updated_at"])
def test_a_cursor_holds_its_place_in_either_order_and_goes_back(account: Caller, order: str) -> None:
    whole = [row["id"] for row in account.get("/tickets", **{"page[size]": 100, "sort": order})["tickets"]]
    assert whole == sorted(whole, reverse=order.startswith("-"))
    first = account.get("/tickets", **{"page[size]": 2, "sort": order})
    second = account.follow(first["links"]["next"])
    assert [row["id"] for row in second["tickets"]] == whole[2:4]
    back = account.follow(second["links"]["prev"])
    assert [row["id"] for row in back["tickets"]] == whole[:2]
    assert back["meta"]["has_more"] is False


def test_a_ticket_that_moves_while_pages_are_read_does_not_hide_another(account: Caller) -> None:
    first = account.get("/tickets", **{"page[size]": 3, "sort": "updated_at"})
    assert account.change(102, subject="moved to the end").status_code == 200
    second = account.follow(first["links"]["next"])
    assert [row["id"] for row in second["tickets"]] == [103, 104, 105]
    third = account.follow(second["links"]["next"])
    assert [row["id"] for row in third["tickets"]] == [102]


@pytest.mark.parametrize("parameters", [{"page[after]": "?"}, {"page[size]": "0"}, {"page[size]": 1, "sort": "color"}])
def test_a_bad_page_is_refused(account: Caller, parameters: dict[str, object]) -> None:
    body = account.refused(400, "GET", "/tickets.json", params=parameters)
    assert body["error"] == "InvalidPaginationParameter"


def test_pages_by_number_count_and_end_at_the_hundredth(account: Caller) -> None:
    body = account.get("/tickets.json", per_page=4)
    assert (body["count"], body["previous_page"], len(body["tickets"])) == (6, None, 4)
    second = account.follow(body["next_page"])
    assert ([row["id"] for row in second["tickets"]], second["next_page"]) == ([104, 105], None)
    assert account.refused(400, "GET", "/tickets.json?page=101")["error"] == "InvalidPaginationDepth"


def test_many_records_come_by_ids_or_external_ids_without_the_missing(account: Caller) -> None:
    assert [row["id"] for row in account.get("/tickets/show_many.json?ids=105,9,100")["tickets"]] == [105, 100]
    external = account.get("/organizations/show_many.json", external_ids="001ACCOUNT00000011,none")
    assert ([row["id"] for row in external["organizations"]], external["count"]) == ([11], 1)
    users = account.get("/users/show_many.json", external_ids="003contact00000021")["users"]
    assert [row["id"] for row in users] == [21]
    assert [row["id"] for row in account.get("/tickets.json", external_id="gw:op-1")["tickets"]] == [100]


def test_a_hundred_ids_are_the_most(account: Caller) -> None:
    ids = ",".join(str(key) for key in range(100, 200))
    assert account.get("/tickets/show_many.json", ids=ids)["count"] == 6
    for name in ("ids", "external_ids"):
        body = account.refused(400, "GET", "/tickets/show_many.json", params={name: f"{ids},200"})
        assert body["error"] == "TooManyValues"


def test_sideloads_come_beside_the_tickets_each_once(account: Caller) -> None:
    body = account.get("/organizations/11/tickets.json", include="users,organizations,groups")
    assert [row["id"] for row in body["tickets"]] == [102, 105]
    assert sorted(row["id"] for row in body["users"]) == [20, 21, 22]
    assert [row["id"] for row in body["organizations"]] == [11]
    assert [row["name"] for row in body["groups"]] == ["Support"]


def test_sla_clocks_come_within_the_ticket_only_when_asked_for(account: Caller) -> None:
    assert "slas" not in account.get("/tickets/100")["ticket"]
    metrics = account.get("/tickets/show_many", ids="100", include="slas")["tickets"][0]["slas"]["policy_metrics"]
    assert metrics[0] == {
        "breach_at": "2026-10-23T12:00:00Z",
        "stage": "achieved",
        "metric": "first_reply_time",
        "days": -9,
    }
    assert metrics[1] == {
        "breach_at": "2026-11-02T09:05:00Z",
        "stage": "active",
        "metric": "next_reply_time",
        "hours": 21,
    }
    assert (metrics[2]["stage"], metrics[2]["minutes"]) == ("active", -30)
    assert metrics[3] == {"breach_at": None, "stage": "paused", "metric": "agent_work_time"}


def test_ticket_metrics_come_alone_listed_and_sideloaded(account: Caller) -> None:
    alone = account.get("/tickets/103/metrics.json")["ticket_metric"]
    assert (alone["ticket_id"], alone["solved_at"], alone["reopens"]) == (103, "2026-10-28T12:00:00Z", 0)
    assert alone["full_resolution_time_in_minutes"]["calendar"] == 6 * 24 * 60 - 103
    listed = account.get("/ticket_metrics.json")
    assert (listed["count"], listed["ticket_metrics"][3]) == (6, alone)
    assert account.get("/tickets/103", include="metric_sets")["ticket"]["metric_set"] == alone


def test_sla_policies_name_their_plan_in_the_order_of_their_positions(account: Caller) -> None:
    policies = account.get("/slas/policies.json")["sla_policies"]
    assert [row["title"] for row in policies] == ["Premium", "Standard"]
    condition = {"field": "organization_fields.support_plan", "operator": "is", "value": "premium"}
    assert policies[0]["filter"] == {"all": [condition], "any": []}
    target = {"priority": "urgent", "metric": "first_reply_time", "target": 30, "business_hours": False}
    assert policies[0]["policy_metrics"][0] == target
    assert account.get("/slas/policies/2")["sla_policy"] == policies[1]


def test_groups_are_listed(account: Caller) -> None:
    assert [row["name"] for row in account.get("/groups.json")["groups"]] == ["Support"]


def test_changed_tickets_stream_in_the_order_of_change(account: Caller) -> None:
    start = int(NOW.timestamp()) - 30 * 86_400
    body = account.get("/incremental/tickets/cursor.json", start_time=start, per_page=4, include="users")
    assert ([row["id"] for row in body["tickets"]], body["end_of_stream"]) == ([100, 101, 102, 103], False)
    assert sorted(row["id"] for row in body["users"]) == [20, 21, 22]
    rest = account.follow(body["after_url"])
    assert ([row["id"] for row in rest["tickets"]], rest["end_of_stream"]) == ([104, 105], True)
    account.change(101 + 1, subject="again")
    made = account.create().json()["ticket"]["id"]
    news = account.follow(rest["after_url"])
    assert [row["id"] for row in news["tickets"]] == [102, made]


def test_a_stream_begins_a_minute_ago_at_the_latest_and_is_asked_ten_times_a_minute(account: Caller) -> None:
    now = int(account.clock.now().timestamp())
    path = "/incremental/tickets/cursor.json"
    assert account.refused(422, "GET", path, params={"start_time": now - 5})["error"] == "InvalidValue"
    assert account.refused(400, "GET", path)["error"] == "BadRequest"
    answers = [account.http.get(path, params={"start_time": now - 90}).status_code for _ in range(11)]
    assert 429 in answers


def test_a_page_is_bounded_at_a_hundred(open_account: Opener) -> None:
    account = open_account({"organizations": tuple(organization(key, f"O {key}") for key in range(1, 130))})
    body = account.get("/organizations.json", **{"page[size]": 1000})
    assert (len(body["organizations"]), body["meta"]["has_more"]) == (100, True)
    assert len(account.get("/organizations.json", per_page=1000)["organizations"]) == 100
