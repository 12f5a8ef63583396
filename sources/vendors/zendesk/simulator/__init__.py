"""A Zendesk account to talk to: tickets, organizations, users and SLA policies over the enterprise's support book."""

from sources.simulation.kit import Connection
from sources.vendors.zendesk.simulator.app import create_simulator
from sources.vendors.zendesk.simulator.credentials import DEVELOPMENT, Credentials
from sources.vendors.zendesk.simulator.gate import Limits

__all__ = ["DEVELOPMENT", "Credentials", "Limits", "connection", "create_simulator"]


def connection(url: str) -> Connection:
    """What a gateway is told about this simulator."""
    table: dict[str, object] = {
        "url": url,
        "client_id": DEVELOPMENT.client_id,
        "client_secret": {"env": "OPSGRAPH_DEMO_ZENDESK_SECRET"},
        "scope": "tickets:read tickets:write organizations:read organizations:write users:read",
    }
    return Connection(table, {"OPSGRAPH_DEMO_ZENDESK_SECRET": DEVELOPMENT.client_secret})
