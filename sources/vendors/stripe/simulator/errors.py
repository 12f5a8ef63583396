"""Refusals in the vendor's shape."""

from __future__ import annotations

from typing import Any

from starlette.responses import JSONResponse, Response

from sources.vendors.stripe.simulator import facts


class Refusal(Exception):
    """An answer that is an error."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        kind: str = "invalid_request_error",
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.headers = status, headers or {}
        parts = {"code": code, "message": message, "param": param, "type": kind}
        self.executed = kind == "card_error" or code in facts.EXECUTED_CODES  # kept under the request's key
        self.body: dict[str, Any] = {"error": {name: value for name, value in parts.items() if value is not None}}

    def response(self) -> Response:
        """As an HTTP answer."""
        return JSONResponse(self.body, self.status, self.headers)


def missing(kind: str, key: str) -> Refusal:
    """No such object."""
    return Refusal(404, f"No such {kind}: '{key}'", code="resource_missing", param="id")


def unknown(name: str) -> Refusal:
    """A parameter that does not exist."""
    return Refusal(400, f"Received unknown parameter: {name}", code="parameter_unknown", param=name)


def locked(message: str, code: str = "status_transition_invalid") -> Refusal:
    """A document in a state that does not allow this."""
    return Refusal(400, message, code=code)


def declined(message: str = "Your card was declined.") -> Refusal:
    """A payment that its method refuses."""
    return Refusal(402, message, code="card_declined", kind="card_error")
