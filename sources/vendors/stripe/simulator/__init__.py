"""A Stripe account to talk to: lists, searches and objects over the simulated enterprise's billing book."""

from sources.simulation.kit import Connection
from sources.vendors.stripe.simulator.app import Limits, create_simulator
from sources.vendors.stripe.simulator.credentials import DEVELOPMENT, Credentials, signed

__all__ = ["DEVELOPMENT", "Credentials", "Limits", "connection", "create_simulator", "signed"]


def connection(url: str) -> Connection:
    """What a gateway is told about this simulator."""
    table: dict[str, object] = {"url": url, "key": {"env": "OPSGRAPH_DEMO_STRIPE_KEY"}}
    return Connection(table, {"OPSGRAPH_DEMO_STRIPE_KEY": DEVELOPMENT.key})
