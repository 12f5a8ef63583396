"""Who calls: OAuth client credentials, and old-style API tokens."""

from __future__ import annotations

import base64
import json
import secrets
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sources.simulation.kit import Clock
from sources.vendors.zendesk.simulator import facts
from sources.vendors.zendesk.simulator.credentials import Credentials
from sources.vendors.zendesk.simulator.errors import Refusal

_SCOPED = frozenset({"tickets", "organizations", "users"})


class _Token(msgspec.Struct, frozen=True):
    until: float
    scopes: frozenset[str]


class Identity:
    """The tokens of one account."""

    def __init__(self, credentials: Credentials, clock: Clock) -> None:
        self._credentials, self._clock = credentials, clock
        self._tokens: dict[str, _Token] = {}

    async def token(self, request: Request) -> Response:
        """`POST /oauth/tokens`: client credentials, as JSON or as a form."""
        given = _body(await request.body())
        if given.get("grant_type") != "client_credentials":
            return _denied(400, "unsupported_grant_type", "The authorization grant type is not supported")
        known = self._credentials
        if (given.get("client_id"), given.get("client_secret")) != (known.client_id, known.client_secret):
            return _denied(401, "invalid_client", "Client authentication failed")
        life = given.get("expires_in", facts.DEFAULT_TOKEN_SECONDS)
        life = int(life) if isinstance(life, str) and life.isdecimal() else life
        least, most = facts.TOKEN_SECONDS
        if not isinstance(life, int) or isinstance(life, bool) or not least < life < most:
            return _denied(400, "invalid_request", f"expires_in must be more than {least} and less than {most}")
        scope = str(given.get("scope") or "read")
        token = secrets.token_hex(24)
        self._tokens[token] = _Token(self._clock.now().timestamp() + life, frozenset(scope.split()))
        return JSONResponse({"access_token": token, "token_type": "bearer", "scope": scope, "expires_in": life})

    def check(self, request: Request, resource: str) -> None:
        """Raises Refusal 401 for a stranger, 403 for a token whose scopes do not reach the resource."""
        scheme, _, value = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            self._check_scope(self._bearer(value), request.method, resource)
        elif not self._agent(scheme, value):
            raise Refusal(401, facts.NOBODY)

    def known(self, request: Request) -> bool:
        """Whether somebody calls; bad Basic credentials make nobody, a bad token raises Refusal 401."""
        scheme, _, value = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            self._bearer(value)
            return True
        return self._agent(scheme, value)

    def expire(self) -> None:
        """Ends every token."""
        self._tokens.clear()

    def _bearer(self, value: str) -> _Token:
        token = self._tokens.get(value)
        if token is None or token.until <= self._clock.now().timestamp():
            raise Refusal(401, "invalid_token", error_description=facts.BAD_TOKEN)
        return token

    def _agent(self, scheme: str, value: str) -> bool:
        expected = f"{self._credentials.email}/token:{self._credentials.api_token}"
        encoded = base64.b64encode(expected.encode())
        return scheme.lower() == "basic" and secrets.compare_digest(value.encode("latin-1"), encoded)

    @staticmethod
    def _check_scope(token: _Token, method: str, resource: str) -> None:
        """`read` and `write` reach everything; `tickets:read` one resource. Audits need `read`. What has no scope of
        its own (search, SLA policies) is open to any token here [K]."""
        need = "read" if method == "GET" else "write"
        if resource == "audits" and need not in token.scopes:
            raise Refusal(403, "Forbidden", facts.SCOPES.format(need))
        if resource in _SCOPED and not token.scopes & {need, f"{resource}:{need}"}:
            raise Refusal(403, "Forbidden", facts.SCOPES.format(f"{resource}:{need}"))


def _body(body: bytes) -> dict[str, Any]:
    try:
        given = json.loads(body)
    except ValueError:
        return dict(parse_qsl(body.decode("utf-8", "replace")))
    return given if isinstance(given, dict) else {}


def _denied(status: int, error: str, description: str) -> Response:
    return JSONResponse({"error": error, "error_description": description}, status)
