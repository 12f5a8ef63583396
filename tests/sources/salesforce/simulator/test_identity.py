"""The token endpoint and the sessions it gives."""

import time
from typing import Any

import httpx2
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from sources.simulation.kit import Clock
from sources.vendors.salesforce.simulator import DEVELOPMENT, DEVELOPMENT_KEY
from tests.sources.salesforce.simulator.book import NOW
from tests.sources.salesforce.simulator.conftest import DATA, Organisation, Start

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


def assertion(key: Any = DEVELOPMENT_KEY.private_pem, algorithm: str = "RS256", **changes: Any) -> str:
    claims = {
        "iss": DEVELOPMENT.client_id,
        "sub": DEVELOPMENT.username,
        "aud": "https://login.salesforce.com",
        "exp": int(time.time()) + 180,
    }
    return jwt.encode(claims | changes, key, algorithm=algorithm)


def ask(org: Organisation, form: dict[str, str], **more: Any) -> httpx2.Response:
    return httpx2.post(f"{org.base}/services/oauth2/token", data=form, **more)


def test_an_assertion_gives_a_session_without_telling_how_long_it_lives(org: Organisation) -> None:
    answer = ask(org, {"grant_type": JWT_BEARER, "assertion": assertion()})
    body = answer.json()
    assert answer.status_code == 200
    assert set(body) == {
        "access_token",
        "signature",
        "scope",
        "instance_url",
        "id",
        "token_type",
        "issued_at",
        "api_instance_url",
    }
    assert (body["instance_url"], body["token_type"]) == (org.base, "Bearer")
    assert body["issued_at"].isdigit()
    called = httpx2.get(f"{org.base}{DATA}/limits", headers={"Authorization": f"Bearer {body['access_token']}"})
    assert called.status_code == 200


@pytest.mark.parametrize("audience", ["https://test.salesforce.com", "own"])
def test_the_sandbox_and_our_own_address_are_audiences_too(org: Organisation, audience: str) -> None:
    signed = assertion(aud=org.base if audience == "own" else audience)
    assert ask(org, {"grant_type": JWT_BEARER, "assertion": signed}).status_code == 200


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"iss": "somebody"}, "invalid_client_id"),
        ({"sub": "somebody@example.com"}, "invalid_grant"),
        ({"aud": "https://elsewhere.example"}, "invalid_grant"),
        ({"exp": int(time.time()) - 60}, "invalid_grant"),
        ({"exp": int(time.time()) + 3600}, "invalid_grant"),
        ({"key": "s" * 32, "algorithm": "HS256"}, "invalid_grant"),
    ],
)
def test_a_wrong_assertion_is_refused(org: Organisation, changes: dict[str, Any], error: str) -> None:
    answer = ask(org, {"grant_type": JWT_BEARER, "assertion": assertion(**changes)})
    assert (answer.status_code, answer.json()["error"]) == (400, error)
    assert answer.json()["error_description"]


def test_somebody_elses_key_is_refused(org: Organisation) -> None:
    key = rsa.generate_private_key(65_537, 2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    answer = ask(org, {"grant_type": JWT_BEARER, "assertion": assertion(key)})
    assert answer.json()["error"] == "invalid_grant"


def test_every_process_has_the_same_development_key() -> None:
    assert type(DEVELOPMENT_KEY)().public_pem == DEVELOPMENT_KEY.public_pem


@pytest.mark.parametrize(
    ("form", "secret", "error"),
    [
        ({"grant_type": "client_credentials"}, ("nobody", DEVELOPMENT.client_secret), "invalid_client_id"),
        ({"grant_type": "client_credentials"}, (DEVELOPMENT.client_id, "wrong"), "invalid_client"),
        ({"grant_type": "refresh_token"}, (DEVELOPMENT.client_id, DEVELOPMENT.client_secret), "unsupported_grant_type"),
        ({}, (DEVELOPMENT.client_id, DEVELOPMENT.client_secret), "unsupported_grant_type"),
    ],
)
def test_a_wrong_secret_is_refused(
    org: Organisation, form: dict[str, str], secret: tuple[str, str], error: str
) -> None:
    answer = ask(org, form, auth=secret)
    assert (answer.status_code, answer.json()["error"]) == (400, error)


def test_secrets_are_not_taken_at_the_general_login_host(org: Organisation) -> None:
    secret = (DEVELOPMENT.client_id, DEVELOPMENT.client_secret)
    answer = ask(org, {"grant_type": "client_credentials"}, auth=secret, headers={"Host": "login.salesforce.com"})
    assert answer.json() == {"error": "invalid_grant", "error_description": "request not supported on this domain"}


@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer nonsense"}, {"Authorization": "Basic eDp5"}])
def test_a_call_without_a_session_is_refused_with_an_array(org: Organisation, header: dict[str, str]) -> None:
    answer = httpx2.get(f"{org.base}{DATA}/limits", headers=header)
    assert answer.status_code == 401
    assert answer.json() == [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]


def test_a_session_lives_two_hours_after_its_last_use(start: Start) -> None:
    clock = Clock(NOW)
    org = start(clock=clock)
    for _ in range(3):
        clock.advance(7000)
        assert org.call("GET", "/limits").status_code == 200
    clock.advance(7300)
    assert org.call("GET", "/limits").status_code == 401
