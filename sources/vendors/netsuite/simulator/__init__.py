"""A NetSuite account to talk to: SuiteQL and REST records over the simulated enterprise's ERP book."""

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
    "create_simulator",
]
