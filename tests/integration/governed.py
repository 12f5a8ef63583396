"""A whole gateway with governed writes over the four simulated systems, on a socket, and people who ask it."""

import itertools
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2

from gateway.app import create_app
from gateway.enterprise.town import simulator
from gateway.http.front import Front
from gateway.settings import parse
from sources.catalog import vendors
from sources.simulation.kit import Holdings
from tests.gateway.issuer import AUDIENCE, ISSUER, Issuer
from tests.peers import serving
from tests.scenarios.holdings import Changes
from tests.scenarios.town import Town, written

Answer = dict[str, Any]
REGIONS, ENTITIES = ["AMER", "EMEA", "APAC", "LATAM"], ["US", "DE", "JP"]
TODAY = datetime.now(UTC).date().isoformat()
_TIMELY = frozenset({"rounds", "audit_seals", "sqlite_sequence"})  # what the clock and the database write
_ENDED = ("COMPLETED", "COMPENSATED", "REJECTED", "CANCELED", "EXPIRED")

OPERATION = """
fragment Whole on Operation {
  id key mutation state outcome reason askedBy person liesWith endedAt
  steps { number name direction outcome attempts source sentAs requestId startedAt finishedAt }
  approvals { id role tier evidenceHash decision decidedBy reasons approvers { role persons } }
  exceptions { id kind owner status reason }
  history { actor action decision rule reason }
}"""
ANSWER = """
{ __typename
  ... on WriteAnswer { replayed dryRun findings { code message path owner } plan { name source owner noReturn undoes }
    operation { id key state outcome reason person liesWith } }
  ... on NeedsApproval { approvers { role } approvals { id role evidenceHash decision } } }"""


class Person:
    """Somebody with a token: asks the gateway over HTTP."""

    def __init__(self, client: httpx2.Client, url: str, token: str) -> None:
        self._client, self._url, self._token = client, url, token

    def ask(self, query: str, headers: dict[str, str] | None = None, **variables: Any) -> Answer:
        """The whole answer."""
        sent = {"authorization": f"Bearer {self._token}", **(headers or {})}
        body = {"query": query, "variables": variables}
        answer: Answer = self._client.post(f"{self._url}/graphql", json=body, headers=sent).json()
        return answer

    def told(self, query: str, **variables: Any) -> Any:
        """The data of an answer without a mistake."""
        answer = self.ask(query, **variables)
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    def refused(self, query: str, **variables: Any) -> Answer:
        """The extensions of the one error there is; `message` among them, and `inputPath`, None where it has none."""
        [error] = self.ask(query, **variables)["errors"]
        return {"message": error["message"], "inputPath": None, **error["extensions"]}

    def write(self, mutation: str, **given: Any) -> Any:
        """What a governed write is answered with."""
        return self.told(write(mutation), input=given)[mutation]

    def refused_write(self, mutation: str, **given: Any) -> Answer:
        """Why one is not accepted."""
        return self.refused(write(mutation), input=given)

    def operation(self, key: str) -> Any:
        """One operation with all that hangs on it; None where it is not for this person."""
        return self.told(f"query($id: ID!) {{ operation(id: $id) {{ ...Whole }} }} {OPERATION}", id=key)["operation"]

    def ended(self, key: str, within: float = 30.0) -> Any:
        """The same once it has ended."""
        return self.once(lambda: self.operation(key), lambda found: found["state"] in _ENDED, within)

    def once(self, look: Callable[[], Any], there: Callable[[Any], bool], within: float = 30.0) -> Any:
        """What is seen when it is there."""
        until = time.monotonic() + within
        while not there(found := look()):
            assert time.monotonic() < until, found
            time.sleep(0.03)
        return found


def write(mutation: str) -> str:
    """The document of a governed write."""
    name = f"{mutation[0].upper()}{mutation[1:]}Input"
    return f"mutation($input: {name}!) {{ {mutation}(input: $input) {ANSWER} }}"


class House:
    """A running gateway. `state` is the folder of its writes, None where it has none."""

    def __init__(
        self, town: Town, issuer: Issuer, url: str, app: Front, client: httpx2.Client, state: Path | None = None
    ) -> None:
        self.town, self.url, self.app, self._state = town, url, app, state
        self.issuer, self._client = issuer, client
        self._keys = (f"key-{number}" for number in itertools.count())
        self._prices: dict[tuple[str, str], Any] = {}
        self.accounts = sorted(set(town.landmarks.values()))

    def key(self) -> str:
        """An idempotency key that nobody used."""
        return next(self._keys)

    def person(self, name: str, *roles: str, **claims: Any) -> Person:
        """Somebody in every region and company, unless `claims` say otherwise."""
        own = {"sub": name, "roles": list(roles), "regions": REGIONS, "entities": ENTITIES} | claims
        if "customer_user" in roles or "cpq_service" in roles:
            own.setdefault("accounts", self.accounts)
        return Person(self._client, self.url, self.issuer.token(**own))

    def cpq(self, human: str = "hana@northwind.example") -> Person:
        """The ordering service for a person."""
        return self.person("cpq", "cpq_service", onBehalfOf=human)

    def price(self, code: str = "ADDON-SECURITY", currency: str = "USD") -> Any:
        """The monthly list price of a product."""
        if (code, currency) not in self._prices:
            query = (
                "{ products(first: 20) { nodes { code prices { key id currency interval unitPrice { amount } } } } }"
            )
            for product in self.cpq().told(query)["products"]["nodes"]:
                for each in product["prices"]:
                    if each["interval"] == "MONTH":
                        self._prices.setdefault((product["code"], each["currency"]), each)
        return self._prices[code, currency]

    def order(self, landmark: str = "healthy", quantity: str = "10", **given: Any) -> Answer:
        """Seats of the security suite at list, from today on, in dollars."""
        price = self.price()
        unit = given.pop("unit_price", price["unitPrice"]["amount"])
        line = {"product": "ADDON-SECURITY", "price": price["key"], "quantity": quantity, "unitPrice": unit}
        standing = {
            "account": self.town.landmarks.get(landmark, landmark),
            "legalEntity": "US",
            "currency": "USD",
            "lines": [line],
            "startOn": TODAY,
            "idempotencyKey": self.key(),
        }
        return standing | given

    def written(self) -> int:
        """How much has happened in all four systems."""
        return sum(len(written(url)) for url in self.town.urls.values())

    def everything(self) -> Mapping[str, Holdings]:
        """All that the four systems hold, and all rows of our own store but those that time writes (`ours`)."""
        assert self._state
        with closing(sqlite3.connect(self._state / "store.db")) as store:
            names = [name for (name,) in store.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            rows = {name: enumerate(store.execute(f'SELECT * FROM "{name}"')) for name in names if name not in _TIMELY}  # noqa: S608
            ours = {name: {str(place): {"row": row} for place, row in found} for name, found in rows.items()}
        return {**self.town.holdings(), "ours": ours}

    def changes(self, before: Mapping[str, Holdings]) -> dict[str, dict[str, int]]:
        """What came, changed and went since, counted, in each system and with us."""
        return Changes(before, self.everything()).told


@contextmanager
def house(
    town: Town,
    issuer: Issuer,
    state: Path | None,
    *,
    real: Mapping[str, Any] | None = None,
    known: Mapping[str, str] | None = None,
    **tables: Any,
) -> Iterator[House]:
    """A gateway in front of a town; `state` None: without governed writes. `real` are systems in place of the town's, as
    tables by the name of their source, `known` their secrets."""
    sources: dict[str, Any] = dict(real or {})
    secrets: dict[str, str] = dict(known or {})
    for name, vendor in vendors().items():
        package, source = simulator(name), vendor.system.value.lower()
        if package is None or source in sources:  # the former is tested against itself
            continue
        connection = package.connection(town.urls[source])
        sources[source] = {"vendor": name, "timeout": 20.0, **connection.table}
        secrets |= connection.secrets
    writes: dict[str, Any] = {}
    if state:
        writes = {"store": f"sqlite:///{state}/store.db", "durable": f"sqlite:///{state}/work.db", "patience": 8.0}
    patient = {"lookup": 30, "validate": 30, "customer360": 30, "submit": 30}  # a busy machine is no outage
    secrets["CURSOR_KEY"] = "what every process of this house shares"
    tree = {
        "gateway": {"cursor_key": {"env": "CURSOR_KEY"}},
        "identity": {"issuers": [{"issuer": ISSUER, "audience": AUDIENCE, "jwks": issuer.jwks}]},
        "sources": sources,
        "admission": {"warn_only": ["delay"]},  # nor is a loop that comes late because of others a reason to refuse
        "operations": patient,
        "writes": writes,
        **tables,
    }
    app = create_app(parse(tree, secrets))
    with ExitStack() as stack:
        url = stack.enter_context(serving(app, lifespan="on"))
        client = stack.enter_context(httpx2.Client(timeout=60, limits=httpx2.Limits(max_connections=64)))
        yield House(town, issuer, url, app, client, state)


def at_once(count: int, work: Callable[[int], Any]) -> list[Any]:
    """What each of so many threads got that began together."""
    found: list[Any] = [None] * count
    barrier = threading.Barrier(count)

    def one(number: int) -> None:
        barrier.wait()
        found[number] = work(number)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found
