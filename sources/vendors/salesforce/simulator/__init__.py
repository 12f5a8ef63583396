"""A simulated Salesforce organisation: OAuth, SOQL and the REST resources over the CRM's book of the enterprise."""

from __future__ import annotations

from sources.simulation.kit import Connection
from sources.vendors.salesforce.simulator.app import create_simulator
from sources.vendors.salesforce.simulator.credentials import (
    DEVELOPMENT,
    DEVELOPMENT_KEY,
    Certificate,
    Credentials,
    PublicCertificate,
)
from sources.vendors.salesforce.simulator.limits import Limits

__all__ = [
    "DEVELOPMENT",
    "DEVELOPMENT_KEY",
    "Certificate",
    "Credentials",
    "Limits",
    "PublicCertificate",
    "connection",
    "create_simulator",
]


def connection(url: str) -> Connection:
    """What a gateway is told about this simulator."""
    table: dict[str, object] = {
        "url": url,
        "client_id": DEVELOPMENT.client_id,
        "client_secret": {"env": "OPSGRAPH_DEMO_SALESFORCE_SECRET"},
    }
    return Connection(table, {"OPSGRAPH_DEMO_SALESFORCE_SECRET": DEVELOPMENT.client_secret})
