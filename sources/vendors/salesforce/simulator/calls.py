"""A call to a resource and its answer, whether it came over HTTP or inside a composite request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import Any, TypeAlias
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec

from sources.vendors.salesforce.simulator import facts
from sources.vendors.salesforce.simulator.errors import Refusal, assumed, not_found

ROOT = "/services/data"

Json: TypeAlias = Any


class Answer(msgspec.Struct, frozen=True):
    """Status, JSON body (None: no body) and further headers."""

    status: int = 200
    body: Json = None
    headers: dict[str, str] = {}


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One request to `/services/data/v{version}/{segments}`; header names are in lower case."""

    method: str
    version: str
    segments: tuple[str, ...]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Json

    def allow(self, *methods: str) -> None:
        """Raises 405 for any other method."""
        if self.method not in methods:
            raise assumed(405, facts.Assumed.METHOD, self.method, ",".join(methods))

    def fields(self) -> dict[str, Json]:
        """The body, which has to be an object."""
        if not isinstance(self.body, dict):
            raise assumed(400, facts.Assumed.UNREADABLE)
        return self.body

    def listed(self, name: str, most: int) -> list[Json]:
        """A list in the body, of at most so many."""
        found = self.fields().get(name)
        if not isinstance(found, list):
            raise Refusal(400, "MISSING_ARGUMENT", f"{name} is required")
        if len(found) > most:
            raise assumed(400, facts.Assumed.TOO_MANY, most, name)
        return found

    @property
    def unmodified_since(self) -> float | None:
        """`If-Unmodified-Since`, in seconds."""
        try:
            return parsedate_to_datetime(self.headers["if-unmodified-since"]).timestamp()
        except (KeyError, ValueError, TypeError):
            return None

    @property
    def batch_size(self) -> int | None:
        """The wish in `Sforce-Query-Options: batchSize=500`."""
        for option in self.headers.get("sforce-query-options", "").replace(";", ",").split(","):
            name, _, value = option.partition("=")
            if name.strip().lower() == "batchsize" and value.strip().isdigit():
                return int(value.strip())
        return None


def addressed(method: str, url: str, headers: Mapping[str, str], body: Json) -> Call:
    """The call a path and query make. Raises 404 for what is no versioned resource."""
    parts = urlsplit(url)
    segments = [unquote(segment) for segment in parts.path.removeprefix(ROOT).split("/") if segment]
    version = segments[0].removeprefix("v") if segments else ""
    if version not in facts.VERSIONS or not segments[0].startswith("v"):
        raise not_found(facts.NOT_FOUND)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    return Call(method=method, version=version, segments=tuple(segments[1:]), query=query, headers=headers, body=body)


def split(names: str) -> list[str]:
    """A comma-separated parameter."""
    return [name.strip() for name in names.split(",") if name.strip()]


def flag(value: object) -> bool:
    """A boolean of a body or of a parameter."""
    return value is True or (isinstance(value, str) and value.lower() == "true")


def texts(values: Sequence[Json], name: str) -> list[str]:
    """A list that has to hold texts only."""
    if not all(isinstance(value, str) for value in values):
        raise Refusal(400, "JSON_PARSER_ERROR", f"{name} holds something that is no text")
    return list(values)
