"""A simulated account to write to: one catalogue, a customer who pays, and the vendor's own client."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import httpx2
import stripe
from starlette.applications import Starlette

from gateway.enterprise.generate import generate
from sources.simulation.enterprise import Enterprise
from sources.simulation.kit import Clock
from sources.vendors.stripe.simulator import DEVELOPMENT, Limits, create_simulator
from tests.peers import serving

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
HOUR, DAY = 3_600, 86_400


class Account:
    """The simulator at `url`; everything is asked as the vendor's client asks it."""

    def __init__(self, app: Starlette, url: str) -> None:
        self.app, self.url = app, url
        self.v1 = stripe.StripeClient(DEVELOPMENT.key, base_addresses={"api": url}, max_network_retries=0).v1

    @property
    def clock(self) -> Clock:
        """The simulator's clock."""
        clock: Clock = self.app.state.clock
        return clock

    def now(self) -> int:
        """Its present, in unix seconds."""
        return int(self.clock.now().timestamp())

    def effects(self, *kinds: str) -> list[dict[str, Any]]:
        """What the ledger holds of some kinds."""
        found: list[dict[str, Any]] = self.get("/_simulator/written")["written"]
        return [each for each in found if each["kind"] in kinds]

    def get(self, path: str, **parameters: Any) -> Any:
        """A plain GET."""
        headers = {"authorization": f"Bearer {DEVELOPMENT.key}"}
        return httpx2.get(self.url + path, params=parameters, headers=headers).json()

    def post(self, path: str, form: dict[str, str], key: str | None = None) -> httpx2.Response:
        """A plain POST."""
        headers = {"authorization": f"Bearer {DEVELOPMENT.key}"} | ({"idempotency-key": key} if key else {})
        return httpx2.post(self.url + path, data=form, headers=headers)

    def price(self, amount: int = 3_000, interval: str = "month", currency: str = "usd", **more: Any) -> str:
        """A new price of a new product."""
        product = self.v1.products.create({"name": "Seats"}).id
        given = {"product": product, "currency": currency, "unit_amount": amount, "recurring": {"interval": interval}}
        return self.v1.prices.create({**given, **more}).id  # type: ignore[typeddict-item]

    def customer(self, method: str | None = "pm_card_visa", **more: Any) -> str:
        """A new customer; `method` None: nothing to pay with."""
        given: dict[str, Any] = {"name": "Ada", "email": "ada@example.com", **more}
        if method is not None:
            given["invoice_settings"] = {"default_payment_method": method}
        return self.v1.customers.create(given).id  # type: ignore[arg-type]

    def subscribe(self, customer: str, price: str, quantity: int = 2, **more: Any) -> dict[str, Any]:
        """A subscription whose invoices are sent, unless told otherwise."""
        terms: dict[str, Any] = {"collection_method": "send_invoice", "days_until_due": 30}
        if more.get("collection_method") == "charge_automatically":
            terms = {}
        given = {"customer": customer, "items": [{"price": price, "quantity": quantity}], **terms, **more}
        return self.v1.subscriptions.create(given).to_dict()  # type: ignore[arg-type]

    def invoice(self, key: str) -> dict[str, Any]:
        """An invoice with its payments."""
        return self.v1.invoices.retrieve(key, {"expand": ["payments"]}).to_dict()


def small() -> Enterprise:
    """A small company."""
    return generate(accounts=40, now=NOW)


@contextmanager
def account(limits: Limits | None = None, enterprise: Enterprise | None = None) -> Iterator[Account]:
    """Runs one for as long as it is needed."""
    app = create_simulator(enterprise or small(), limits=limits)
    with serving(app) as url:
        yield Account(app, url)
