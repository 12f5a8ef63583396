"""A NetSuite account to talk to: SuiteQL and REST records over the simulated enterprise's ERP book."""

from sources.simulation.kit import Connection
from sources.vendors.netsuite.simulator.app import create_simulator
from sources.vendors.netsuite.simulator.credentials import (
    DEVELOPMENT,
    DEVELOPMENT_KEY,
    Credentials,
    DevelopmentKey,
    PublicCertificate,
)
from sources.vendors.netsuite.simulator.gate import Limits

__all__ = [
    "DEVELOPMENT",
    "DEVELOPMENT_KEY",
    "Credentials",
    "DevelopmentKey",
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
        "certificate_id": DEVELOPMENT_KEY.key_id,
        "algorithm": DEVELOPMENT_KEY.algorithm,
        "private_key": {"env": "OPSGRAPH_DEMO_NETSUITE_KEY"},
    }
    return Connection(table, {"OPSGRAPH_DEMO_NETSUITE_KEY": DEVELOPMENT_KEY.private_pem})
