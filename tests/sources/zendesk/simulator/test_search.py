"""The search language, its cap, its lag, its export."""

import pytest

from sources.vendors.zendesk.simulator import Limits
from tests.sources.zendesk.simulator.book import ticket
from tests.sources.zendesk.simulator.conftest import Caller, Opener


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("type:ticket organization:11", [102, 105]),
        ("type:ticket organization:10 organization:11", [100, 101, 102, 105]),
        ("type:ticket organization:10 organization:11 status<solved", [100, 102, 105]),
        ('type:ticket organization:"Acme Nord"', [103]),
        ("type:ticket organization:none", [104]),
        ("type:ticket -organization:10 -organization:11", [103, 104]),
        ("type:ticket status:open status:hold", [100, 104]),
        ("type:ticket status>=solved", [101, 103]),
        ("type:ticket status:nonsense", []),
        ("type:ticket priority:urgent priority:high", [100, 103]),
        ("type:ticket priority>normal", [100, 103]),
        ("type:ticket priority:none", [102]),
        ("type:ticket external_id:gw:op-1", [100]),
        ("type:ticket tags:escalated", [103]),
        ("type:ticket requester:zoe@acme.example status:hold", [104]),
        ("type:ticket assignee:20 -status:closed -status:solved", [100, 104, 105]),
        ("type:ticket created>2026-10-22T13:43:30Z", [104, 105]),
        ("type:ticket created<=2026-10-22T13:40:00Z", [100]),
        ("type:ticket created>=2026-10-22T13:41:00Z created<2026-10-22T13:43:00Z", [101, 102]),
        ("type:ticket created>2026-10-22", []),
        ("type:ticket updated:2026-10-27", [100, 101, 102, 103, 104, 105]),
        ("type:ticket created<1week", [100, 101, 102, 103, 104, 105]),
        ("type:ticket 東京", [104]),
        ("type:ticket fails subject:104", []),
        ("type:ticket unheard_of:1", []),
        ('type:organization "acme.example"', [10]),
        ("type:organization domain_names:acme.example", [10]),
        ("type:organization acme", [10, 12]),
        ('type:organization "Acme Nord"', [12]),
        ("type:organization acm*", [10, 12]),
        ("type:organization external_id:001ACCOUNT00000011", [11]),
        ("type:organization support_plan:standard", [11]),
        ("type:organization 東京", [11]),
        ("type:organization Söhne", [13]),
        ("type:user email:ZOE@acme.example", [21]),
        ("type:user role:admin", [20]),
        ("zoe@acme.example", [21]),
        ("type:group", [5]),
    ],
)
def test_a_query_finds(account: Caller, query: str, ids: list[int]) -> None:
    assert sorted(account.found(query)) == ids


def test_results_say_their_kind_and_are_sorted(account: Caller) -> None:
    body = account.get("/search.json", query="type:ticket status<solved", sort_by="priority", sort_order="desc")
    assert [row["priority"] for row in body["results"]] == ["high", "normal", "normal", None]
    assert {row["result_type"] for row in body["results"]} == {"ticket"}
    assert account.found("type:ticket", sort_by="created_at", sort_order="asc")[0] == 100
    assert account.found("type:ticket order_by:created sort:asc")[0] == 100
    assert account.found("type:ticket")[0] == 105


def test_a_search_without_a_query_is_refused(account: Caller) -> None:
    assert account.refused(422, "GET", "/search.json")["error"] == "invalid"


def test_a_thousand_results_are_the_most(open_account: Opener) -> None:
    account = open_account({"tickets": tuple(ticket(key) for key in range(1_000, 2_105))})
    body = account.get("/search.json", query="type:ticket", page=10, per_page=100)
    assert (body["count"], len(body["results"])) == (1_105, 100)
    refused = account.refused(422, "GET", body["next_page"])
    assert refused["error"] == "invalid"
    assert "Search Response Limits" in refused["description"]


def test_an_export_goes_on_beyond_a_thousand_by_a_cursor_that_lives_an_hour(open_account: Opener) -> None:
    account = open_account({"tickets": tuple(ticket(key) for key in range(1_000, 2_105))})
    parameters = {"query": "organization:10", "filter[type]": "ticket", "page[size]": 1_000}
    first = account.get("/search/export.json", **parameters)
    assert (len(first["results"]), first["meta"]["has_more"], first["facets"]) == (1_000, True, None)
    assert len(account.follow(first["links"]["next"])["results"]) == 105
    account.clock.advance(3_601)
    token = account.http.headers["authorization"]
    assert token.startswith("Bearer")
    assert account.refused(422, "GET", first["links"]["next"])["error"] == "invalid"


def test_an_export_needs_a_kind(account: Caller) -> None:
    assert account.refused(422, "GET", "/search/export.json?query=x")["error"] == "invalid"


def test_a_search_sees_a_written_ticket_only_after_the_lag(open_account: Opener) -> None:
    account = open_account(limits=Limits(search_lag=60))
    made = account.create(organization_id=11).json()["ticket"]["id"]
    account.change(105, status="open", organization_id=12)
    assert sorted(account.found("type:ticket organization:11")) == [102, 105]
    assert account.found("type:ticket organization:12") == [103]
    assert account.get(f"/tickets/{made}")["ticket"]["organization_id"] == 11
    account.clock.advance(61)
    assert sorted(account.found("type:ticket organization:11")) == [102, made]
    assert sorted(account.found("type:ticket organization:12 status:open")) == [105]


def test_organizations_are_found_by_external_id_exact_name_and_beginning(account: Caller) -> None:
    def found(path: str, **parameters: str) -> list[int]:
        return [row["id"] for row in account.get(path, **parameters)["organizations"]]

    assert found("/organizations/search.json", external_id="001ACCOUNT00000010") == [10]
    assert found("/organizations/search.json", external_id="nobody") == []
    assert found("/organizations/search.json", name="acme") == [10]
    assert found("/organizations/autocomplete.json", name="acm") == [10, 12]
    assert account.refused(400, "GET", "/organizations/search.json")["error"] == "BadRequest"


def test_users_are_found_by_external_id_address_and_name(account: Caller) -> None:
    def found(**parameters: str) -> list[int]:
        return [row["id"] for row in account.get("/users/search.json", **parameters)["users"]]

    assert found(external_id="003CONTACT00000021") == [21]
    assert found(query='email:"zoe@acme.example"') == [21]
    assert found(query="admin") == [20]
    assert found(query="organization:11") == [22]
    assert found(query="nobody@example.com") == []
