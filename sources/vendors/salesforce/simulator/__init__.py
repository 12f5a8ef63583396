"""A simulated Salesforce organisation: OAuth, SOQL and the REST resources over the CRM's book of the enterprise."""

from __future__ import annotations

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
    "create_simulator",
]
