"""Checks who calls: issues bearer tokens for signed assertions, verifies bearers and OAuth 1.0a signatures."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

import jwt
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sources.simulation.kit import Clock
from sources.vendors.netsuite.simulator import facts
from sources.vendors.netsuite.simulator.credentials import Credentials
from sources.vendors.netsuite.simulator.errors import Refusal

TOKEN_PATH = f"{facts.ROOT}/auth/oauth2/v1/token"
_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_SCOPES = frozenset({"rest_webservices", "restlets", "suite_analytics"})


class Identity:
    """The account's own side of both OAuth flows."""

    def __init__(self, credentials: Credentials, clock: Clock) -> None:
        self._credentials, self._clock = credentials, clock
        self._secret = hashlib.sha256(f"{credentials.account}:{credentials.client_id}".encode()).hexdigest()

    async def token(self, request: Request) -> Response:
        """POST token: client_credentials with a signed assertion."""
        form = dict(parse_qsl((await request.body()).decode("utf-8", "replace"), keep_blank_values=True))
        if form.get("grant_type") != "client_credentials":
            return _oauth_error(400, "unsupported_grant_type" if form.get("grant_type") else "invalid_request")
        if form.get("client_assertion_type") != _ASSERTION_TYPE or not form.get("client_assertion"):
            return _oauth_error(400, "invalid_request")
        claims = self._verified(form["client_assertion"], str(request.url.replace(query="", fragment="")))
        if claims is None:
            return _oauth_error(401, "invalid_client")
        scope = claims.get("scope") or ()
        scopes = set(scope.replace(",", " ").split() if isinstance(scope, str) else scope)
        if not scopes or scopes - _SCOPES:
            return _oauth_error(400, "invalid_scope")
        ends = int(self._clock.now().timestamp()) + facts.TOKEN_SECONDS
        token = jwt.encode(
            {
                "sub": self._credentials.client_id,
                "aud": self._credentials.account,
                "scope": sorted(scopes),
                "exp": ends,
            },
            self._secret,
            algorithm="HS256",
        )
        return JSONResponse({"access_token": token, "expires_in": str(facts.TOKEN_SECONDS), "token_type": "bearer"})

    def _verified(self, assertion: str, audience: str) -> dict[str, Any] | None:
        """The assertion's claims, or None where anything about it is wrong."""
        try:
            header = jwt.get_unverified_header(assertion)
        except jwt.PyJWTError:
            return None
        named = [one for one in self._credentials.certificates if one.key_id == header.get("kid")]
        if not named or header.get("alg") not in facts.ALGORITHMS:
            return None
        try:
            claims: dict[str, Any] = jwt.decode(
                assertion,
                named[0].public_pem,
                algorithms=list(facts.ALGORITHMS),
                audience=audience,
                issuer=self._credentials.client_id,
                options={"require": ["iss", "aud", "iat", "exp"], "verify_exp": False, "verify_iat": False},
            )
        except (jwt.PyJWTError, ValueError, TypeError):
            return None
        return claims if self._timely(claims) else None

    def _timely(self, claims: Mapping[str, Any]) -> bool:
        """Signed by the caller's clock: the wall's, or ours where a test turns both."""
        start, end = claims["iat"], claims["exp"]
        if not isinstance(start, int | float) or not isinstance(end, int | float):
            return False
        if not 0 < end - start <= facts.ASSERTION_SECONDS:
            return False
        return any(start - facts.CLOCK_SKEW <= now < end for now in self._nows())

    def _nows(self) -> tuple[float, float]:
        return time.time(), self._clock.now().timestamp()

    async def check(self, request: Request) -> None:
        """Raises 401 unless the request carries a live bearer or a right OAuth 1.0a signature."""
        kind, _, value = request.headers.get("authorization", "").partition(" ")
        known = (kind.lower() == "bearer" and self._bearer(value.strip())) or (
            kind.lower() == "oauth" and await self._signed(request, value)
        )
        if not known:
            raise Refusal(401, "INVALID_LOGIN", facts.LOGIN, headers={"WWW-Authenticate": 'Bearer realm="NetSuite"'})

    def _bearer(self, token: str) -> bool:
        try:
            claims = jwt.decode(
                token,
                self._secret,
                algorithms=["HS256"],
                audience=self._credentials.account,
                options={"verify_exp": False},
            )
        except jwt.PyJWTError:
            return False
        return bool(claims["exp"] > self._clock.now().timestamp() and "rest_webservices" in claims["scope"])

    async def _signed(self, request: Request, value: str) -> bool:
        given = _header_parameters(value)
        known = self._credentials
        if (given.get("oauth_consumer_key"), given.get("oauth_token")) != (known.consumer_key, known.token_id):
            return False
        if given.get("realm", "").upper().replace("-", "_") != known.account.upper().replace("-", "_"):
            return False
        if given.get("oauth_signature_method") != "HMAC-SHA256" or not given.get("oauth_nonce"):
            return False
        stamp = given.get("oauth_timestamp", "")
        if not stamp.isdigit() or all(abs(now - int(stamp)) > facts.CLOCK_SKEW for now in self._nows()):
            return False
        body = await request.body()
        if "oauth_body_hash" in given and given["oauth_body_hash"] != _base64(hashlib.sha1(body).digest()):  # noqa: S324
            return False
        key = f"{_quoted(known.consumer_secret)}&{_quoted(known.token_secret)}".encode()
        wanted = _base64(hmac.new(key, signature_base(request.method, str(request.url), given), "sha256").digest())
        return hmac.compare_digest(wanted, given.get("oauth_signature", ""))


def signature_base(method: str, url: str, oauth: Mapping[str, str]) -> bytes:
    """What an OAuth 1.0a signature signs (RFC 5849, 3.4.1), for bodies that are no forms."""
    parts = urlsplit(url)
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    pairs += [(name, value) for name, value in oauth.items() if name not in ("realm", "oauth_signature")]
    normal = "&".join(f"{name}={value}" for name, value in sorted((_quoted(a), _quoted(b)) for a, b in pairs))
    place = f"{parts.scheme.lower()}://{parts.netloc.lower()}{parts.path}"
    return "&".join((method.upper(), _quoted(place), _quoted(normal))).encode()


def _header_parameters(value: str) -> dict[str, str]:
    pairs = (part.strip().partition("=") for part in value.split(","))
    return {name: unquote(text.strip('"')) for name, _, text in pairs if name}


def _quoted(text: str) -> str:
    return quote(text, safe="~")


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _oauth_error(status: int, error: str) -> Response:
    return JSONResponse({"error": error}, status)
