"""The support simulator: zenpy works against it unchanged, and its quirks are Zendesk's."""

import json
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from starlette.applications import Starlette

from gateway.enterprise.generate import generate
from sources.simulation.enterprise import Enterprise
from sources.vendors.zendesk.simulator import DEVELOPMENT, Limits, create_simulator
from tests.peers import interpreter, serving

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
CLIENT = "zenpy==2.0.57"
AGENT = (f"{DEVELOPMENT.email}/token", DEVELOPMENT.api_token)


@pytest.fixture(scope="module")
def enterprise() -> Enterprise:
    return generate(accounts=120, now=NOW)


@pytest.fixture
def app(enterprise: Enterprise) -> Starlette:
    return create_simulator(enterprise)


@pytest.fixture
def url(app: Starlette) -> Iterator[str]:
    with serving(app) as address:
        yield address


def get(url: str, path: str, **parameters: Any) -> httpx2.Response:
    return httpx2.get(f"{url}/api/v2{path}", params=parameters, auth=AGENT)


def put(url: str, path: str, body: Any) -> httpx2.Response:
    return httpx2.put(f"{url}/api/v2{path}", json=body, auth=AGENT)


def create(url: str, body: Any, key: str | None = None) -> httpx2.Response:
    headers = {"idempotency-key": key} if key else {}
    return httpx2.post(f"{url}/api/v2/tickets.json", json=body, auth=AGENT, headers=headers)


@pytest.mark.live
@pytest.mark.slow
def test_the_published_client_reads_and_searches(url: str, enterprise: Enterprise) -> None:
    command = [
        str(interpreter(CLIENT)),
        str(Path(__file__).parent / "client.py"),
        str(urlsplit(url).port),
        *(DEVELOPMENT.email, DEVELOPMENT.api_token),
    ]
    environment = {"ZENPY_FORCE_SCHEME": "http"}
    ran = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=environment)
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout)
    book = enterprise.support
    assert found["me"] == "Integration"
    assert found["organizations"] == len(book.organizations)
    assert found["by_external_id"] == [found["first"]]
    assert found["tickets"] == found["cursor"] == len(book.tickets)
    assert found["users"] == len(book.users)
    assert found["open"] == sorted(each.id for each in book.tickets if each.status == "open")
    assert len(found["many"]) == 3


def test_a_token_has_a_life_within_bounds(url: str) -> None:
    def ask(**changes: Any) -> httpx2.Response:
        body = {
            "grant_type": "client_credentials",
            "client_id": DEVELOPMENT.client_id,
            "client_secret": DEVELOPMENT.client_secret,
            "expires_in": 7_200,
        }
        return httpx2.post(f"{url}/oauth/tokens", json=body | changes)

    token = ask().json()["access_token"]
    me = httpx2.get(f"{url}/api/v2/users/me.json", headers={"authorization": f"Bearer {token}"})
    assert me.json()["user"]["role"] == "admin"
    assert ask(client_secret="wrong").status_code == 401
    assert ask(expires_in=300).status_code == 400


def test_bad_old_style_credentials_are_somebody_anonymous_and_nobody_elsewhere(url: str) -> None:
    wrong = ("a@b.example/token", "wrong")
    me = httpx2.get(f"{url}/api/v2/users/me.json", auth=wrong)
    assert (me.status_code, me.json()["user"]["name"]) == (200, "Anonymous user")
    assert httpx2.get(f"{url}/api/v2/tickets.json", auth=wrong).status_code == 401


def test_show_many_takes_a_hundred_ids_and_leaves_out_the_missing(url: str, enterprise: Enterprise) -> None:
    ids = [str(each.id) for each in enterprise.support.tickets[:99]]
    shown = get(url, "/tickets/show_many.json", ids=",".join([*ids, "1"]), include="slas,users").json()
    assert len(shown["tickets"]) == len(ids)
    assert all("policy_metrics" in ticket["slas"] for ticket in shown["tickets"])
    assert {ticket["requester_id"] for ticket in shown["tickets"]} <= {user["id"] for user in shown["users"]}
    assert get(url, "/tickets/show_many", ids=",".join(str(number) for number in range(101))).status_code == 400


def test_cursor_pages_cover_everything_once(url: str, enterprise: Enterprise) -> None:
    seen: list[int] = []
    after = ""
    while True:
        parameters = {"page[size]": "7", "sort": "-updated_at"} | ({"page[after]": after} if after else {})
        page = get(url, "/tickets", **parameters).json()
        seen += [ticket["id"] for ticket in page["tickets"]]
        if not page["meta"]["has_more"]:
            break
        after = page["meta"]["after_cursor"]
    assert sorted(seen) == sorted(each.id for each in enterprise.support.tickets)


def test_the_same_search_key_twice_means_or(url: str, enterprise: Enterprise) -> None:
    organizations = [each.id for each in enterprise.support.organizations[:3]]
    query = " ".join(["type:ticket", *(f"organization:{key}" for key in organizations), "status<solved"])
    found = get(url, "/search.json", query=query, per_page=100).json()
    expected = {
        each.id
        for each in enterprise.support.tickets
        if each.organization_id in organizations and each.status in ("new", "open", "pending", "hold")
    }
    assert {row["id"] for row in found["results"]} == expected
    assert found["count"] == len(expected)
    assert get(url, "/search", query="type:ticket", page=11, per_page=100).status_code == 422


def test_a_ticket_is_created_once_for_a_key_and_refused_for_another_body(url: str, app: Starlette) -> None:
    body = {"ticket": {"subject": "ü", "comment": {"body": "help"}}}
    first, again = create(url, body, "k"), create(url, body, "k")
    assert (first.status_code, first.headers["x-idempotency-lookup"]) == (201, "miss")
    assert again.json()["ticket"]["id"] == first.json()["ticket"]["id"]
    assert again.headers["x-idempotency-lookup"] == "hit"
    assert create(url, {"ticket": {"comment": {"body": "x"}}}, "k").json()["error"] == "IdempotentRequestError"
    app.state.clock.advance(2 * 3600 + 1)
    assert create(url, body, "k").headers["x-idempotency-lookup"] == "miss"
    assert create(url, {"ticket": {"subject": "x"}}).status_code == 422


def test_a_closed_ticket_never_changes_and_a_stale_update_conflicts(url: str, enterprise: Enterprise) -> None:
    closed = next(each.id for each in enterprise.support.tickets if each.status == "closed")
    refused = put(url, f"/tickets/{closed}.json", {"ticket": {"priority": "low"}})
    assert (refused.status_code, refused.json()["error"]) == (422, "RecordInvalid")
    live = next(each.id for each in enterprise.support.tickets if each.status == "open")
    stale = {"priority": "urgent", "safe_update": True, "updated_stamp": "2000-01-01T00:00:00Z"}
    assert put(url, f"/tickets/{live}", {"ticket": stale}).status_code == 409
    stamp = get(url, f"/tickets/{live}").json()["ticket"]["updated_at"]
    changed = put(url, f"/tickets/{live}", {"ticket": stale | {"updated_stamp": stamp}})
    assert changed.json()["ticket"]["priority"] == "urgent"


def test_an_organization_is_upserted_by_its_external_id(url: str) -> None:
    body = {"organization": {"external_id": "new", "name": "Ö", "organization_fields": {"support_plan": "premium"}}}
    made = httpx2.post(f"{url}/api/v2/organizations/create_or_update.json", json=body, auth=AGENT)
    again = httpx2.post(f"{url}/api/v2/organizations/create_or_update.json", json=body, auth=AGENT)
    assert (made.status_code, again.status_code) == (201, 200)
    assert made.json()["organization"]["id"] == again.json()["organization"]["id"]
    assert get(url, "/organizations/search", external_id="new").json()["count"] == 1


def test_errors_and_limits_are_the_vendors(url: str, enterprise: Enterprise) -> None:
    missing = get(url, "/organizations/1.json")
    assert (missing.status_code, missing.json()) == (404, {"error": "RecordNotFound", "description": "Not found"})
    with serving(create_simulator(enterprise, limits=Limits(per_minute=2))) as limited:
        answers = [get(limited, "/groups") for _ in range(4)]
    throttled = [each for each in answers if each.status_code == 429]
    assert throttled
    assert throttled[0].headers["content-type"].startswith("text/plain")
    assert int(throttled[0].headers["retry-after"]) >= 1
