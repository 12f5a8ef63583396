"""Speaks Tryton's REST interface: a key of a user application, one company, searches as one call each."""

from __future__ import annotations

import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec

from sources.decode import decode
from sources.ports import Call, Effect, Reply, Report, Send
from sources.vendors.tryton.facts import CONTEXT
from sources.vendors.tryton.refusals import failure
from sources.vendors.tryton.settings import TrytonSettings
from sources.vendors.tryton.wire import Row

T = TypeVar("T")
Domain = Sequence[Any]


class Client:
    """One company's client. Texts are asked for in English, because some refusals are told apart by their words."""

    def __init__(
        self, source: str, settings: TrytonSettings, send: Send, clock: Callable[[], float] = time.time
    ) -> None:
        self.source, self.settings = source, settings
        self._send, self._clock = send, clock
        self._root = f"{settings.url.rstrip('/')}/{quote(settings.database, safe='')}/rest/model"
        self._headers = {
            "authorization": f"Bearer {settings.key.reveal()}",
            "content-type": "application/json",
            "accept": "application/json",
            "accept-language": "en",
            CONTEXT: self._context(),
        }

    def _context(self, **more: Any) -> str:
        company = self.settings.company
        return urlsafe_b64encode(msgspec.json.encode({"company": company, "companies": [company], **more})).decode()

    async def search(
        self,
        shape: type[T],
        model: str,
        domain: Domain,
        fields: Sequence[str],
        *,
        order: Sequence[tuple[str, str]] = (("id", "ASC"),),
        limit: int | None = None,
        report: Report | None = None,
        context: Mapping[str, Any] | None = None,
    ) -> list[T]:
        """At most `limit` records of `model` that fulfil `domain` (Tryton's own, values encoded by `values.encoded`).

        The search is a POST because a domain of hundreds of keys does not fit an address; the server runs it read-only.
        """
        body: dict[str, Any] = {"domain": domain, "order": order, "fields_names": ["id", *fields]}
        if limit is not None:
            body["limit"] = limit
        shapes: Any = list[shape]  # type: ignore[valid-type]
        headers = self._headers if not context else {**self._headers, CONTEXT: self._context(**context)}
        reply = await self._call("POST", f"{model}/search_read", body, f"{model}.search", Effect.READ, shapes, headers)
        if report is not None:
            report.calls += 1
            report.milliseconds += reply.milliseconds
        rows: list[T] = reply.value
        return rows

    async def create(self, model: str, values: Mapping[str, Any]) -> int:
        """Makes a record, never sent twice; its id. Whoever calls has looked whether it is there."""
        reply = await self._call("POST", f"{model}?f=id", values, f"{model}.create", Effect.UPSERT, Row)
        made: Row = reply.value
        return made.id

    async def write(self, model: str, key: int, values: Mapping[str, Any]) -> None:
        """Changes a record."""
        await self._call("PUT", f"{model}/{key}?f=id", values, f"{model}.write", Effect.UPSERT, Row)

    async def press(self, model: str, key: int, button: str, **context: Any) -> None:
        """Does what a button does: `quote`, `post` ... The body has to be an object."""
        path = f"{model}/{key}/{button}?f=id"
        headers = {**self._headers, CONTEXT: self._context(**context)}
        await self._call("POST", path, {}, f"{model}.{button}", Effect.UPSERT, Any, headers)

    async def _call(
        self,
        method: str,
        path: str,
        body: Any,
        operation: str,
        effect: Effect,
        shape: Any,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        content, read = msgspec.json.encode(body), partial(_as, self.source, shape)
        url = f"{self._root}/{path}"
        return await self._send(
            Call(method, url, headers or self._headers, content, operation, effect=effect, read=read)
        )

    def now(self) -> datetime:
        """The present, UTC."""
        return datetime.fromtimestamp(self._clock(), UTC)


def _as(source: str, shape: Any, reply: Reply) -> Any:
    if reply.status == 204:  # what was written may not be read by who wrote it
        return Row(id=0) if shape is Row else None
    if reply.status != 200:
        raise failure(source, reply)
    return decode(shape, reply, source)
