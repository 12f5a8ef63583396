"""Who may call the account, and how often."""

import base64

import httpx2
import pytest

from sources.vendors.zendesk.simulator import DEVELOPMENT, Limits
from tests.sources.zendesk.simulator.conftest import Caller, Opener, ask_token


def basic(email: str, token: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{email}/token:{token}".encode()).decode()}


def test_client_credentials_give_a_bearer_token_for_as_long_as_asked(account: Caller) -> None:
    answer = ask_token(account.base, expires_in=600)
    assert answer.status_code == 200
    assert {key: value for key, value in answer.json().items() if key != "access_token"} == {
        "token_type": "bearer",
        "scope": "read write",
        "expires_in": 600,
    }


@pytest.mark.parametrize("seconds", [300, 172_800, "soon", True])
def test_a_token_life_out_of_bounds_is_refused(account: Caller, seconds: object) -> None:
    answer = ask_token(account.base, expires_in=seconds)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_a_wrong_secret_and_another_grant_give_no_token(account: Caller) -> None:
    wrong, other = ask_token(account.base, client_secret="x"), ask_token(account.base, grant_type="password")
    assert (wrong.status_code, wrong.json()["error"]) == (401, "invalid_client")
    assert (other.status_code, other.json()["error"]) == (400, "unsupported_grant_type")


def test_a_token_ends_with_its_life(account: Caller) -> None:
    account.clock.advance(7_201)
    body = account.refused(401, "GET", "/tickets.json")
    assert body["error"] == "invalid_token"
    assert "error_description" in body


def test_bad_basic_credentials_are_anonymous_at_users_me_and_nobody_elsewhere(account: Caller) -> None:
    bad = basic(DEVELOPMENT.email, "wrong")
    me = httpx2.get(f"{account.base}/api/v2/users/me.json", headers=bad)
    assert (me.status_code, me.json()["user"]["id"], me.json()["user"]["name"]) == (200, None, "Anonymous user")
    tickets = httpx2.get(f"{account.base}/api/v2/tickets.json", headers=bad)
    assert (tickets.status_code, tickets.json()) == (401, {"error": "Couldn't authenticate you"})


def test_the_configured_api_token_and_a_bearer_token_are_an_admin(account: Caller) -> None:
    url = f"{account.base}/api/v2/users/me.json"
    legacy = httpx2.get(url, headers=basic(DEVELOPMENT.email, DEVELOPMENT.api_token)).json()
    assert legacy == account.get("/users/me")
    assert (legacy["user"]["id"], legacy["user"]["role"]) == (1, "admin")


def test_a_bad_bearer_token_is_refused_at_users_me_too(account: Caller) -> None:
    answer = httpx2.get(f"{account.base}/api/v2/users/me.json", headers={"Authorization": "Bearer no"})
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")


def test_a_scope_that_is_missing_is_named(account: Caller) -> None:
    token = ask_token(account.base, scope="tickets:read").json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    assert httpx2.get(f"{account.base}/api/v2/tickets.json", headers=headers).status_code == 200
    for method, path, scope in (
        ("GET", "users.json", "users:read"),
        ("POST", "tickets.json", "tickets:write"),
    ):
        answer = httpx2.request(method, f"{account.base}/api/v2/{path}", headers=headers)
        assert answer.status_code == 403
        assert answer.json() == {
            "error": "Forbidden",
            "description": f"You are missing the following required scopes: {scope}",
        }


def test_an_account_over_its_limit_gets_plain_text_and_how_long_to_wait(open_account: Opener) -> None:
    account = open_account(limits=Limits(per_minute=2))
    first = account.http.get("/tickets.json")
    assert (first.headers["x-rate-limit"], first.headers["x-rate-limit-remaining"]) == ("2", "1")
    missing = account.http.get("/tickets/9.json")
    assert (missing.status_code, missing.headers["x-rate-limit-remaining"]) == (404, "0")
    over = account.http.get("/tickets.json")
    assert over.status_code == 429
    assert 0 < int(over.headers["retry-after"]) <= 60
    assert over.headers["content-type"].startswith("text/plain")
    assert over.text == "Number of allowed API requests per minute exceeded"
    account.clock.advance(int(over.headers["retry-after"]))
    assert account.http.get("/tickets.json").status_code == 200


def test_one_ticket_takes_thirty_updates_in_ten_minutes(open_account: Opener) -> None:
    account = open_account(limits=Limits(updates_of_one_ticket=2))
    assert [account.change(100, subject=str(turn)).status_code for turn in range(3)] == [200, 200, 429]
    assert account.change(105, subject="another").status_code == 200
    account.clock.advance(601)
    assert account.change(100, subject="later").status_code == 200
