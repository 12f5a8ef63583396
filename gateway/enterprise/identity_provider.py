"""The development identity provider: keys of its own, a JWKS document, a token for each role; never part of `serve`."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

AUDIENCE = "opsgraph"
_LIFE = 12 * 3600  # seconds

ROLES = (
    "support_agent",
    "support_lead",
    "finance",
    "finance_controller",
    "credit_manager",
    "revops",
    "cpq_service",
    "portal_user",
    "customer_user",
    "partner_user",
    "platform",
    "auditor",
)
_ALL_REGIONS = ["AMER", "EMEA", "APAC", "LATAM"]
_ALL_ENTITIES = ["US", "DE", "JP"]


class IdentityProvider:
    """Signs tokens with a key made when it is made; `issuer` is its own address."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._key_id = secrets.token_hex(8)

    def token(self, subject: str, roles: list[str], **claims: Any) -> str:
        """A signed token, good for twelve hours."""
        now = int(time.time())
        payload = {"iss": self.issuer, "aud": AUDIENCE, "sub": subject, "iat": now, "nbf": now, "exp": now + _LIFE}
        return jwt.encode({**payload, "roles": roles, **claims}, self._key, "RS256", {"kid": self._key_id})

    def tokens(self, landmarks: Mapping[str, str]) -> dict[str, str]:
        """One token for each role; outsiders own the landmark accounts that show something."""
        own = {
            "customer_user": [landmarks[name] for name in ("hero",) if name in landmarks],
            "partner_user": [landmarks[name] for name in ("reseller",) if name in landmarks],
            "portal_user": [],
        }
        found = {}
        for role in ROLES:
            claims: dict[str, Any] = {"regions": _ALL_REGIONS, "entities": _ALL_ENTITIES}
            if role in own:
                claims["accounts"] = own[role]
            if role == "cpq_service":
                claims["onBehalfOf"] = "seller@northwind.example"
                claims["accounts"] = list(dict.fromkeys(landmarks.values()))
            found[role] = self.token(f"{role}@northwind.example", [role], **claims)
        return found

    def jwks(self) -> dict[str, Any]:
        """The public keys."""
        public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self._key.public_key()))
        return {"keys": [{**public, "kid": self._key_id, "use": "sig", "alg": "RS256"}]}

    def routes(self) -> list[Route]:
        """`/jwks.json`."""

        async def jwks(_request: Request) -> Response:
            return JSONResponse(self.jwks())

        return [Route("/jwks.json", jwks)]
