"""How NetSuite says no: the nsError body."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.responses import JSONResponse, Response

from sources.vendors.netsuite.simulator import facts

_TITLES = {429: "Bad Request"}  # as the vendor answers it


class Refusal(Exception):
    """Ends a request with an nsError; `path` names the property, `query` the URL parameter at fault."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        path: str | None = None,
        query: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail = status, code, detail
        self.path, self.query, self.headers = path, query, headers

    def response(self) -> Response:
        """The answer on the wire."""
        detail: dict[str, Any] = {"detail": self.detail}
        if self.path:
            detail["o:errorPath"] = self.path
        if self.query:
            detail["o:errorQueryParam"] = self.query
        detail["o:errorCode"] = self.code
        body: dict[str, Any] = {"type": self._type(), "title": self._title(), "status": self.status}
        if self.status == 429:
            body["o:errorCode"] = "USER_ERROR"
        body["o:errorDetails"] = [detail]
        return JSONResponse(
            body, self.status, headers=self.headers, media_type="application/vnd.oracle.resource+json; type=error"
        )

    def _type(self) -> str:
        if self.code == "IDEMPOTENCY_ERROR":
            return f"{facts.ERROR_TYPE}#sec10.4.10"
        return f"{facts.ERROR_TYPE}#sec10.4.1" if self.status == 400 else facts.ERROR_TYPE

    def _title(self) -> str:
        if self.code == "IDEMPOTENCY_ERROR":
            return "Conflict"
        return _TITLES.get(self.status) or HTTPStatus(self.status).phrase


def invalid(detail: str, *, path: str | None = None, query: str | None = None) -> Refusal:
    """400: a parameter (`query`) or the request itself is wrong."""
    return Refusal(400, "INVALID_PARAMETER" if query else "INVALID_REQUEST", detail, path=path, query=query)


def content(detail: str, path: str) -> Refusal:
    """400: a property of the body is wrong."""
    return Refusal(400, "INVALID_CONTENT", detail, path=path)


def business(detail: str) -> Refusal:
    """400: the business rules say no."""
    return Refusal(400, "USER_ERROR", detail)


def missing() -> Refusal:
    """404: no such record."""
    return Refusal(404, "NONEXISTENT_ID", facts.NO_RECORD)
