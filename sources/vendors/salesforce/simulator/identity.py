"""Checks who calls: gives sessions for signed assertions and for secrets, and knows them again."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import time
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import jwt
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sources.simulation.kit import Clock
from sources.vendors.salesforce.simulator import facts
from sources.vendors.salesforce.simulator.credentials import Credentials
from sources.vendors.salesforce.simulator.errors import Refusal

TOKEN_PATH = "/services/oauth2/token"  # noqa: S105 - an address
_JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_LOGIN_HOSTS = ("login.salesforce.com", "test.salesforce.com")


class _Denied(Exception):
    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(error)
        self.error, self.description, self.status = error, description, status


class Identity:
    """The organisation's own side of its token endpoint."""

    def __init__(self, credentials: Credentials, user_id: str, clock: Clock, session_seconds: float) -> None:
        self._credentials, self._user, self._clock, self._seconds = credentials, user_id, clock, session_seconds
        self._sessions: dict[str, float] = {}  # token -> when it ends unless used
        self._issued = 0

    async def token(self, request: Request) -> Response:
        """POST token: client_credentials, jwt-bearer or password."""
        form = dict(parse_qsl((await request.body()).decode("utf-8", "replace"), keep_blank_values=True))
        try:
            self._granted(request, form)
        except _Denied as denied:
            answer = {"error": denied.error, "error_description": denied.description}
            return JSONResponse(answer, denied.status, {"Cache-Control": "no-store"})
        return JSONResponse(self._session(request), headers={"Cache-Control": "no-store"})

    def check(self, request: Request) -> None:
        """Raises 401 unless the request carries a live session, whose life it prolongs."""
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        now = self._clock.now().timestamp()
        if kind not in ("Bearer", "OAuth") or self._sessions.get(token.strip(), 0.0) <= now:
            raise Refusal(401, "INVALID_SESSION_ID", facts.EXPIRED_SESSION)
        self._sessions[token.strip()] = now + self._seconds

    def expire(self) -> None:
        """Ends every session, as an administrator may."""
        self._sessions.clear()

    # ------------------------------------------------------------ grants

    def _granted(self, request: Request, form: dict[str, str]) -> None:
        grant = form.get("grant_type")
        if grant == "client_credentials":
            self._client(request, form)
            if (request.headers.get("host") or "").partition(":")[0] in _LOGIN_HOSTS:
                raise _Denied("invalid_grant", "request not supported on this domain")
        elif grant == _JWT_BEARER:
            self._assertion(form.get("assertion", ""), f"{request.url.scheme}://{request.url.netloc}")
        elif grant == "password":
            self._client(request, form)
            known = self._credentials
            if not _same(form.get("username", ""), known.username) or not _same(
                form.get("password", ""), known.password
            ):
                raise _Denied("invalid_grant", "authentication failure")
        else:
            raise _Denied("unsupported_grant_type", "grant type not supported")

    def _client(self, request: Request, form: dict[str, str]) -> None:
        """The app's id and secret, in a Basic header or in the form."""
        client_id, secret = form.get("client_id", ""), form.get("client_secret", "")
        kind, _, value = request.headers.get("authorization", "").partition(" ")
        if kind.lower() == "basic":
            client_id, secret = _basic(value)
        if not _same(client_id, self._credentials.client_id):
            raise _Denied("invalid_client_id", "client identifier invalid")
        if not _same(secret, self._credentials.client_secret):
            raise _Denied("invalid_client", "invalid client credentials")

    def _assertion(self, assertion: str, own: str) -> None:
        options: Any = {
            "require": ["iss", "sub", "aud", "exp"],
            "verify_exp": False,
            "verify_aud": False,
            "verify_iat": False,
        }
        try:
            claims = jwt.decode(assertion, self._credentials.certificate.public_pem, ["RS256"], options=options)
        except (jwt.PyJWTError, ValueError):
            raise _Denied("invalid_grant", "invalid assertion") from None
        if claims["iss"] != self._credentials.client_id:
            raise _Denied("invalid_client_id", "client identifier invalid")
        if not self._timely(claims["exp"]):
            raise _Denied("invalid_grant", "assertion is expired or expires too late")
        if not _audience(claims["aud"], own):
            raise _Denied("invalid_grant", "audience is invalid")
        if claims["sub"] != self._credentials.username:
            raise _Denied("invalid_grant", "user hasn't approved this consumer")

    def _timely(self, end: Any) -> bool:
        """Signed by the caller's clock: the wall's, or ours where a test turns both."""
        try:
            seconds = float(end)  # some clients send it as text
        except (TypeError, ValueError):
            return False
        now = time.time(), self._clock.now().timestamp()
        return any(0 < seconds - moment <= facts.ASSERTION_SECONDS + facts.CLOCK_SKEW for moment in now)

    def _session(self, request: Request) -> dict[str, str]:
        self._issued += 1
        now = self._clock.now().timestamp()
        known, own = self._credentials, f"{request.url.scheme}://{request.url.netloc}"
        link = f"{own}/id/{known.organization_id}/{self._user}"
        issued = str(int(now * 1000))
        token = f"{known.organization_id[:15]}!{self._signed(f'{self._issued}.{issued}')}"
        self._sessions[token] = now + self._seconds
        return {
            "access_token": token,
            "signature": self._signed(link + issued),
            "scope": "api",
            "instance_url": own,
            "id": link,
            "token_type": "Bearer",
            "issued_at": issued,
            "api_instance_url": own,
        }

    def _signed(self, text: str) -> str:
        digest = hmac.new(self._credentials.client_secret.encode(), text.encode(), hashlib.sha256).digest()
        return base64.b64encode(digest).decode().rstrip("=").replace("+", ".").replace("/", "_")


def _audience(given: Any, own: str) -> bool:
    """The vendor's login hosts, or our own address."""
    named = given if isinstance(given, list) else [given]
    accepted = {f"https://{host}" for host in _LOGIN_HOSTS} | {own}
    return any(isinstance(one, str) and _origin(one) in accepted for one in named)


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _basic(value: str) -> tuple[str, str]:
    try:
        client_id, _, secret = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return unquote(client_id), unquote(secret)


def _same(given: str, known: str) -> bool:
    return hmac.compare_digest(given.encode(), known.encode())
