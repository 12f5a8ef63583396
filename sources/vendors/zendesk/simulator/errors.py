"""Refusals in the vendor's shapes: some are JSON, some are plain text."""

from __future__ import annotations

from typing import Any

from starlette.responses import JSONResponse, PlainTextResponse, Response


class Refusal(Exception):
    """An answer that is an error; `text` instead of a body where the vendor answers plain text."""

    def __init__(
        self,
        status: int,
        error: str,
        description: str | None = None,
        *,
        details: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
        text: bool = False,
    ) -> None:
        super().__init__(error)
        self.status, self.error, self.description = status, error, description
        self.details, self.headers, self.text = details, headers or {}, text

    def response(self) -> Response:
        """As an HTTP answer."""
        if self.text:
            return PlainTextResponse(self.description or self.error, self.status, self.headers)
        body: dict[str, Any] = {"error": self.error}
        if self.description is not None:
            body["description"] = self.description
        if self.details is not None:
            body["details"] = self.details
        return JSONResponse(body, self.status, self.headers)


def not_found() -> Refusal:
    """No such record."""
    return Refusal(404, "RecordNotFound", "Not found")


def invalid(field: str, description: str, error: str) -> Refusal:
    """A field that cannot be saved."""
    details = {field: [{"description": description, "error": error}]}
    return Refusal(422, "RecordInvalid", "Record validation errors", details=details)
