"""Who may call: one connected app with a secret and a certificate, and one user it runs as."""

from __future__ import annotations

from functools import cached_property
from typing import Protocol

import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

# Two primes that protect nothing: every process that plays the development organisation has the same key pair, so
# that a gateway in another process can sign what the simulator verifies.
_DEVELOPMENT_P = int(
    "fe74a0712088466eb29d8f64dcf79e8dc08b839c0d5daaa9abc8a453e8b6c9a3432b152746f50a2f9f734c822930b7d0"
    "b87c05b8672cd83188c5a5e7e53a4451a3cf284da232de8b14d43baa0b69c02e116becd421af89bcb0d857352c06cc65"
    "339b5112b9162bd52b89eb4b0333b5a78f0fa6c7fc0887b3dc50d578488960e3",
    16,
)
_DEVELOPMENT_Q = int(
    "da4076bc9a8603b8a64f334f6899162672d692eef60e48031292430b6d5354cbbd90f47beae64a704a4b814efbf71e57"
    "69a7d11b2f9e27e723053da692145851b83ed294d785a3dfdb3d18efd090f7b67b7bfb49f7d8c3fcf0b7a89f0b058dc3"
    "c9cddbcc3993d5eb45a22cdb630ee29ad8793eeff3456f652c3eeeae33089bc7",
    16,
)
_EXPONENT = 65_537


class Certificate(Protocol):
    """The certificate uploaded to the connected app: its public key in PEM."""

    @property
    def public_pem(self) -> str: ...


class PublicCertificate(msgspec.Struct, frozen=True):
    """A certificate whose private key is somebody else's."""

    public_pem: str


class DevelopmentKey:
    """An RSA key pair for RS256, built from two fixed primes when it is first asked for: never a secret."""

    algorithm = "RS256"

    @cached_property
    def _key(self) -> rsa.RSAPrivateKey:
        p, q, e = _DEVELOPMENT_P, _DEVELOPMENT_Q, _EXPONENT
        d = pow(e, -1, (p - 1) * (q - 1))
        parts = rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q)
        return rsa.RSAPrivateNumbers(p, q, d, *parts, rsa.RSAPublicNumbers(e, p * q)).private_key()

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
    """What the organisation has configured. `password` opens the username-password flow of older clients."""

    organization_id: str
    client_id: str
    client_secret: str
    username: str
    password: str
    certificate: Certificate
    app_name: str = "opsgraph"

    def __repr__(self) -> str:
        return f"Credentials({self.organization_id})"


DEVELOPMENT_KEY = DevelopmentKey()
DEVELOPMENT = Credentials(
    organization_id="00D5g00000DevOrgEA",
    client_id="opsgraph-development-client",
    client_secret="development-client-secret",  # noqa: S106 - opens nothing but a simulator
    username="integration@opsgraph.example",
    password="development-password",  # noqa: S106
    certificate=DEVELOPMENT_KEY,
)
