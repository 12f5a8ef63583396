"""Refusals as the vendor words them: always an array of `{message, errorCode, fields}`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sources.vendors.salesforce.simulator.facts import Assumed


class Refusal(Exception):
    """A request is refused; `body` is what goes on the wire."""

    def __init__(self, status: int, code: str, message: str, fields: Sequence[str] | None = None) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status, self.code, self.message, self.fields = status, code, message, fields

    @property
    def body(self) -> Any:
        """The array of errors, here always of one."""
        error: dict[str, Any] = {"message": self.message, "errorCode": self.code}
        if self.fields is not None:
            error["fields"] = list(self.fields)
        return [error]

    @property
    def row(self) -> dict[str, Any]:
        """The same inside an answer about many rows, where the code is called `statusCode`."""
        return {"statusCode": self.code, "message": self.message, "fields": list(self.fields or ())}


class Choices(Refusal):
    """300: several records have one external id; the body lists their addresses."""

    def __init__(self, urls: Sequence[str]) -> None:
        super().__init__(300, "MULTIPLE_CHOICES", "more than one record has this external id")
        self.urls = urls

    @property
    def body(self) -> Any:
        """The addresses."""
        return list(self.urls)


def not_found(message: str = "The requested resource does not exist") -> Refusal:
    """404."""
    return Refusal(404, "NOT_FOUND", message)


def assumed(status: int, pair: tuple[str, str], *values: object) -> Refusal:
    """One of the unconfirmed errors, its text filled in."""
    return Refusal(status, pair[0], pair[1].format(*values))


def method_not_allowed(method: str, *allowed: str) -> Refusal:
    """405."""
    return assumed(405, Assumed.METHOD, method, ",".join(allowed))


def no_column(name: str, entity: str) -> Refusal:
    """A field the object does not have, outside a query."""
    return Refusal(400, "INVALID_FIELD", f"No such column '{name}' on sobject of type {entity}")


def too_long(name: str, most: int) -> Refusal:
    """A text that a field does not hold."""
    return Refusal(400, "STRING_TOO_LONG", f"{name}: data value too large (max length={most})", [name])


def query_error(code: str, text: str, at: int, message: str) -> Refusal:
    """An error in a query, with the place it was found at: `at` counts characters of `text` from 0."""
    row = text.count("\n", 0, at) + 1
    column = at - (text.rfind("\n", 0, at) + 1) + 1
    near = text[max(0, at - 40) : at + 40].replace("\n", " ")
    caret = " " * min(at, 40) + "^"
    return Refusal(400, code, f"\n{near}\n{caret}\nERROR at Row:{row}:Column:{column}\n{message}")
