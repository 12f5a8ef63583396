"""Who may call: an OAuth 2.0 integration with a certificate, and an OAuth 1.0a token for older clients."""

from __future__ import annotations

from functools import cached_property
from typing import Protocol

import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

# Any number would do: every process that plays the development account derives the same key pair from it.
_DEVELOPMENT_NUMBER = 0x5EED_0F_5EED_0F_5EED_0F_5EED_0F_5EED_0F_5EED_0F_5EED_0F


class Certificate(Protocol):
    """A certificate mapped to the integration: its id, and the public key in PEM."""

    @property
    def key_id(self) -> str: ...

    @property
    def public_pem(self) -> str: ...


class PublicCertificate(msgspec.Struct, frozen=True):
    """A certificate whose private key is somebody else's; EC P-256/384/521 or RSA."""

    key_id: str
    public_pem: str


class DevelopmentKey:
    """An EC P-256 key pair for ES256, derived from a fixed number when it is first asked for: never a secret."""

    algorithm = "ES256"

    def __init__(self, key_id: str, number: int) -> None:
        self.key_id, self._number = key_id, number

    @cached_property
    def _key(self) -> ec.EllipticCurvePrivateKey:
        return ec.derive_private_key(self._number, ec.SECP256R1())

    @cached_property
    def private_pem(self) -> str:
        """PKCS 8, unencrypted; what the connector signs with."""
        return self._key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()

    @cached_property
    def public_pem(self) -> str:
        """What the simulator verifies with."""
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return self._key.public_key().public_bytes(serialization.Encoding.PEM, form).decode()


class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    """What the account has configured. `consumer_*` and `token_*` are the OAuth 1.0a pair."""

    account: str
    client_id: str
    certificates: tuple[Certificate, ...]
    consumer_key: str
    consumer_secret: str
    token_id: str
    token_secret: str

    def __repr__(self) -> str:
        return f"Credentials({self.account})"


DEVELOPMENT_KEY = DevelopmentKey("opsgraph-development", _DEVELOPMENT_NUMBER)
DEVELOPMENT = Credentials(
    account="1234567",
    client_id="opsgraph-development-client",
    certificates=(DEVELOPMENT_KEY,),
    consumer_key="opsgraph-development-consumer",
    consumer_secret="development-consumer-secret",  # noqa: S106 - opens nothing but a simulator
    token_id="opsgraph-development-token",  # noqa: S106
    token_secret="development-token-secret",  # noqa: S106
)
