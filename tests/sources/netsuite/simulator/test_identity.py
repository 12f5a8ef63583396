"""Who may call the account."""

import time
from typing import Any

import httpx2
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from sources.vendors.netsuite.simulator import DEVELOPMENT, DEVELOPMENT_KEY, PublicCertificate
from tests.sources.netsuite.simulator.conftest import TOKEN_PATH, Caller, Opener, ask_token, assertion


@pytest.fixture(scope="module")
def pair() -> tuple[str, str]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return private.decode(), key.public_key().public_bytes(serialization.Encoding.PEM, form).decode()


def test_a_signed_assertion_buys_a_token_for_an_hour(account: Caller) -> None:
    body = ask_token(account.base, assertion(account.base)).json()
    assert body.keys() == {"access_token", "expires_in", "token_type"}
    assert (body["expires_in"], body["token_type"]) == ("3600", "bearer")


def test_ps256_is_taken_and_rs256_of_the_same_key_refused(open_account: Opener, pair: tuple[str, str]) -> None:
    private, public = pair
    certificates = (DEVELOPMENT_KEY, PublicCertificate("own", public))
    configured = type(DEVELOPMENT)(
        **{**{name: getattr(DEVELOPMENT, name) for name in DEVELOPMENT.__struct_fields__}, "certificates": certificates}
    )
    account = open_account(credentials=configured)
    answers = [
        ask_token(account.base, assertion(account.base, private, algorithm, kid="own")).status_code
        for algorithm in ("PS256", "PS512", "RS256")
    ]
    assert answers == [200, 200, 401]


@pytest.mark.parametrize(
    "wrong",
    [
        {"kid": "unknown"},
        {"iss": "somebody"},
        {"aud": "http://elsewhere/services/rest/auth/oauth2/v1/token"},
        {"exp": int(time.time()) + 9000},
        {"iat": int(time.time()) - 7200, "exp": int(time.time()) - 3700},
        {"iat": "now"},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_a_wrong_claim_is_refused(account: Caller, wrong: dict[str, Any]) -> None:
    answer = ask_token(account.base, assertion(account.base, **wrong))
    assert (answer.status_code, answer.json()) == (401, {"error": "invalid_client"})


def test_a_foreign_key_and_no_key_at_all_are_refused(account: Caller, pair: tuple[str, str]) -> None:
    assert ask_token(account.base, assertion(account.base, pair[0], "PS256")).status_code == 401
    assert ask_token(account.base, "no.assertion").status_code == 401
    answer = httpx2.post(account.base + TOKEN_PATH, data={"grant_type": "password"})
    assert (answer.status_code, answer.json()) == (400, {"error": "unsupported_grant_type"})


def test_a_scope_that_is_none_is_refused(account: Caller) -> None:
    assert ask_token(account.base, assertion(account.base, scope=["everything"])).json() == {"error": "invalid_scope"}


def test_a_token_ends_after_an_hour_and_a_new_one_works(account: Caller) -> None:
    account.app.state.clock.advance(3601)
    answer = account.query("SELECT id FROM item")
    assert answer.status_code == 401
    assert answer.json()["o:errorDetails"][0]["o:errorCode"] == "INVALID_LOGIN"
    fresh = ask_token(account.base, assertion(account.base)).json()["access_token"]
    account.http.headers["Authorization"] = f"Bearer {fresh}"
    assert account.query("SELECT id FROM item").status_code == 200


@pytest.mark.parametrize("header", [None, "Bearer x", "Basic eDp5", "OAuth realm=1234567"])
def test_without_a_right_token_nothing_answers(account: Caller, header: str | None) -> None:
    headers = {"Authorization": header} if header else {}
    answer = httpx2.get(f"{account.base}/services/rest/record/v1/customer", headers=headers)
    body = answer.json()
    assert (answer.status_code, body["title"], body["status"]) == (401, "Unauthorized", 401)
    assert body["o:errorDetails"][0]["o:errorCode"] == "INVALID_LOGIN"


def test_token_requests_are_counted_apart(account: Caller) -> None:
    account.query("SELECT id FROM item")
    counted = httpx2.get(f"{account.base}/_simulator/calls").json()
    assert counted["tokens"] == 1
    assert counted["calls"] == [{"call": "POST /services/rest/query/v1/suiteql", "count": 1}]


def test_the_development_key_is_the_same_in_every_process_and_in_no_repr() -> None:
    again = type(DEVELOPMENT_KEY)(DEVELOPMENT_KEY.key_id, DEVELOPMENT_KEY._number)
    assert again.private_pem == DEVELOPMENT_KEY.private_pem
    assert DEVELOPMENT.token_secret not in repr(DEVELOPMENT)
