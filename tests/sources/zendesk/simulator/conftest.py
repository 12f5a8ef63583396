"""A Zendesk account on a real socket, and callers for it."""

from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette

from sources.simulation.kit import Clock
from sources.vendors.zendesk.simulator import DEVELOPMENT, create_simulator
from tests.peers import serving
from tests.sources.zendesk.simulator.book import NOW, enterprise

Body = dict[str, Any]


def ask_token(base: str, **changes: Any) -> httpx2.Response:
    body = {
        "grant_type": "client_credentials",
        "client_id": DEVELOPMENT.client_id,
        "client_secret": DEVELOPMENT.client_secret,
        "scope": "read write",
    }
    return httpx2.post(f"{base}/oauth/tokens", json=body | changes)


class Caller:
    """An authenticated client, with the app and its clock behind it."""

    def __init__(self, base: str, app: Starlette, clock: Clock) -> None:
        self.base, self.app, self.clock = base, app, clock
        token = ask_token(base).json()["access_token"]
        self.http = httpx2.Client(base_url=f"{base}/api/v2", headers={"Authorization": f"Bearer {token}"})

    def get(self, path: str, **parameters: Any) -> Body:
        answer = self.http.get(path, params=parameters or None)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def follow(self, url: str) -> Body:
        answer = self.http.get(url)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def refused(self, status: int, method: str, path: str, **rest: Any) -> Body:
        answer = self.http.request(method, path, **rest)
        assert answer.status_code == status, answer.text
        return dict(answer.json())

    def found(self, query: str, **parameters: Any) -> list[int]:
        return [row["id"] for row in self.get("/search.json", query=query, **parameters)["results"]]

    def create(self, headers: Any = None, **ticket: Any) -> httpx2.Response:
        body = {"ticket": {"subject": "New", "comment": {"body": "Help"}, **ticket}}
        return self.http.post("/tickets.json", json=body, headers=headers)

    def change(self, key: int, **ticket: Any) -> httpx2.Response:
        return self.http.put(f"/tickets/{key}.json", json={"ticket": ticket})


Opener = Callable[..., Caller]


@pytest.fixture
def open_account(request: pytest.FixtureRequest) -> Opener:
    def opened(book: Body | None = None, **changes: Any) -> Caller:
        clock = Clock(NOW)
        app = create_simulator(enterprise(**(book or {})), clock=clock, **changes)
        running = serving(app)
        caller = Caller(running.__enter__(), app, clock)
        request.addfinalizer(lambda: running.__exit__(None, None, None))
        request.addfinalizer(caller.http.close)
        return caller

    return opened


@pytest.fixture
def account(open_account: Opener) -> Caller:
    return open_account()
