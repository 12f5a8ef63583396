"""A Salesforce organisation on a real socket, and a caller for it."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette

from sources.simulation.kit import Clock
from sources.vendors.salesforce.simulator import DEVELOPMENT, Limits, create_simulator
from tests.peers import serving
from tests.sources.salesforce.simulator.book import NOW, enterprise

DATA = "/services/data/v66.0"


class Organisation:
    """A client with a session, and the app behind it."""

    def __init__(self, app: Starlette, base: str, client: httpx2.Client) -> None:
        self.app, self.base, self.client = app, base, client

    def login(self) -> None:
        form = {"grant_type": "client_credentials"}
        secret = (DEVELOPMENT.client_id, DEVELOPMENT.client_secret)
        answer = self.client.post(f"{self.base}/services/oauth2/token", data=form, auth=secret).json()
        self.client.headers["Authorization"] = f"Bearer {answer['access_token']}"

    def call(self, method: str, path: str, **more: Any) -> httpx2.Response:
        return self.client.request(method, f"{self.base}{DATA}{path}", **more)

    def get(self, path: str, **more: Any) -> Any:
        return self.call("GET", path, **more).json()

    def post(self, path: str, body: Any) -> Any:
        return self.call("POST", path, json=body).json()

    def query(self, soql: str, *, deleted: bool = False) -> Any:
        answer = self.call("GET", "/queryAll" if deleted else "/query", params={"q": soql})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def rows(self, soql: str, *, deleted: bool = False) -> list[Any]:
        records: list[Any] = self.query(soql, deleted=deleted)["records"]
        return records

    def ids(self, soql: str, *, deleted: bool = False) -> list[str]:
        return [row["Id"] for row in self.rows(soql, deleted=deleted)]

    def refused(self, soql: str) -> tuple[int, str, str]:
        answer = self.call("GET", "/query", params={"q": soql})
        [error] = answer.json()
        return answer.status_code, error["errorCode"], error["message"].splitlines()[-1]


Start = Callable[..., Organisation]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts an organisation with limits, a clock or a book of its own."""
    stops = []

    def begin(limits: Limits | None = None, clock: Clock | None = None, book: Any = None) -> Organisation:
        app = create_simulator(enterprise(book), limits=limits, clock=clock or Clock(NOW))
        place, client = serving(app), httpx2.Client()
        stops.append((place, client))
        organisation = Organisation(app, place.__enter__(), client)
        organisation.login()
        return organisation

    yield begin
    for place, client in stops:
        client.close()
        place.__exit__(None, None, None)


@pytest.fixture(scope="module")
def org() -> Iterator[Organisation]:
    """One organisation for a module that only reads."""
    app = create_simulator(enterprise(), clock=Clock(NOW))
    with serving(app) as base, httpx2.Client() as client:
        organisation = Organisation(app, base, client)
        organisation.login()
        yield organisation
