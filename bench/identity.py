"""The issuer of the benchmark's tokens: one key pair for a run, its public half in a file that every gateway gets."""

from __future__ import annotations

import json
import time
from pathlib import Path

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

ISSUER = AUDIENCE = "opsgraph-bench"
KEY_ID = "bench"
_HOURS = 24


class Tokens:
    """Signs tokens for a run; `key_file` is the public key as PEM."""

    def __init__(self, folder: Path) -> None:
        self._private = Ed25519PrivateKey.generate()
        self.key_file = folder / "issuer.pem"
        self.key_file.write_bytes(
            self._private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        )

    def of(self, role: str, regions: tuple[str, ...] = ()) -> str:
        """A token for a role, good for a day."""
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": f"bench-{role}",
            "roles": [role],
            "regions": list(regions),
            "exp": int(time.time()) + _HOURS * 3600,
        }
        return jwt.encode(claims, self._private, algorithm="EdDSA", headers={"kid": KEY_ID})


def published(key_file: Path) -> bytes:
    """The public key as the JSON of an issuer's key set."""
    key = load_pem_public_key(key_file.read_bytes())
    assert isinstance(key, Ed25519PublicKey)
    jwk = jwt.algorithms.OKPAlgorithm.to_jwk(key, as_dict=True)
    return json.dumps({"keys": [{**jwk, "kid": KEY_ID, "use": "sig", "alg": "EdDSA"}]}).encode()
