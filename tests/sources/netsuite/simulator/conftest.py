"""A NetSuite account on a real socket, and callers for it."""

import time
from collections.abc import Callable
from typing import Any

import httpx2
import jwt
import pytest
from starlette.applications import Starlette

from sources.simulation.kit import Clock
from sources.vendors.netsuite.simulator import DEVELOPMENT, DEVELOPMENT_KEY, Limits, create_simulator
from tests.peers import serving
from tests.sources.netsuite.simulator.book import NOW, enterprise

TOKEN_PATH = "/services/rest/auth/oauth2/v1/token"


def assertion(base: str, key: str = DEVELOPMENT_KEY.private_pem, algorithm: str = "ES256", **changes: Any) -> str:
    now = int(time.time())
    claims = {
        "iss": DEVELOPMENT.client_id,
        "scope": ["rest_webservices"],
        "aud": base + TOKEN_PATH,
        "iat": now,
        "exp": now + 3600,
    }
    kid = changes.pop("kid", DEVELOPMENT_KEY.key_id)
    return jwt.encode(claims | changes, key, algorithm=algorithm, headers={"kid": kid})


def ask_token(base: str, signed: str) -> httpx2.Response:
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": signed,
    }
    return httpx2.post(base + TOKEN_PATH, data=form)


class Caller:
    """An authenticated client, with the app behind it."""

    def __init__(self, base: str, app: Starlette) -> None:
        self.base, self.app = base, app
        token = ask_token(base, assertion(base)).json()["access_token"]
        self.http = httpx2.Client(base_url=f"{base}/services/rest", headers={"Authorization": f"Bearer {token}"})

    def query(self, q: str, *params: Any, limit: int = 1000, offset: int = 0) -> httpx2.Response:
        return self.http.post(
            "/query/v1/suiteql",
            params={"limit": limit, "offset": offset},
            headers={"Prefer": "transient"},
            json={"q": q, **({"params": list(params)} if params else {})},
        )

    def rows(self, q: str, *params: Any) -> list[dict[str, Any]]:
        answer = self.query(q, *params)
        assert answer.status_code == 200, answer.text
        return [{name: value for name, value in item.items() if name != "links"} for item in answer.json()["items"]]

    def refusal(self, q: str, *params: Any) -> str:
        answer = self.query(q, *params)
        assert answer.status_code == 400, answer.text
        detail = answer.json()["o:errorDetails"][0]
        assert detail["o:errorCode"] == "INVALID_PARAMETER"
        return str(detail["detail"])


Opener = Callable[..., Caller]


@pytest.fixture
def open_account(request: pytest.FixtureRequest) -> Opener:
    def opened(limits: Limits = Limits(), app: Starlette | None = None, **changes: Any) -> Caller:  # noqa: B008 - a frozen record
        app = app or create_simulator(enterprise(), clock=Clock(NOW), limits=limits, **changes)
        running = serving(app)
        caller = Caller(running.__enter__(), app)
        request.addfinalizer(lambda: running.__exit__(None, None, None))
        request.addfinalizer(caller.http.close)
        return caller

    return opened


@pytest.fixture
def account(open_account: Opener) -> Caller:
    return open_account()
