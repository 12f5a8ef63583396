"""Refusals in the vendor's shapes: some are JSON, some are plain text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.responses import JSONResponse, PlainTextResponse, Response


class Refusal(Exception):
    """An answer that is an error; `text` where the vendor answers plain text instead of JSON."""

    def __init__(
        self,
        status: int,
        error: str,
        description: str | None = None,
        *,
        error_description: str | None = None,
        details: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
        text: bool = False,
    ) -> None:
        super().__init__(error)
        self.status, self.error, self._headers, self._text = status, error, headers or {}, text
        said: dict[str, Any] = {
            "description": description, "error_description": error_description, "details": details,
        }  # fmt: skip
        self._said: dict[str, Any] = {name: value for name, value in said.items() if value is not None}

    @property
    def said(self) -> str:
        """The refusal in one line."""
        rows = (row["description"] for rows in self._said.get("details", {}).values() for row in rows)
        return ", ".join(rows) or str(self._said.get("description", self.error))

    def response(self, headers: Mapping[str, str] | None = None) -> Response:
        """As an HTTP answer, with these headers too."""
        headers = {**(headers or {}), **self._headers}
        if self._text:
            return PlainTextResponse(str(self._said.get("description", self.error)), self.status, headers)
        return JSONResponse({"error": self.error, **self._said}, self.status, headers)


def not_found() -> Refusal:
    """No such record."""
    return Refusal(404, "RecordNotFound", "Not found")


def invalid(field: str, description: str, error: str = "InvalidValue") -> Refusal:
    """A field that cannot be saved."""
    details = {field: [{"description": description, "error": error}]}
    return Refusal(422, "RecordInvalid", "Record validation errors", details=details)
