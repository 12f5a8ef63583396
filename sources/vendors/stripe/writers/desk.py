"""Where a writer's calls go out: reads that are never shared, writes under their keys."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from datetime import datetime
from typing import Any, Generic, TypeVar

import msgspec

from sources.canonical import Money
from sources.canonical.commands import Written
from sources.errors import Missing, OutcomeUnknown, Rejected
from sources.ports import Effect, Reply
from sources.vendors.stripe import facts
from sources.vendors.stripe.client import Client, at, identifiable
from sources.vendors.stripe.mapping.origin import money
from sources.vendors.stripe.wire import Many, Wire
from sources.vendors.stripe.writers.forms import Tree, form

T = TypeVar("T")
W = TypeVar("W", bound=Wire)
_MOST_PAGES = 50  # of a list that is looked through for a key


class Answer(msgspec.Struct, Generic[T], frozen=True):
    """What a write answered; `replayed`: Stripe had done it before under the same key."""

    value: T
    request_id: str | None = None
    replayed: bool = False


class Desk:
    """One account's. Reads are asked anew each time: an answer that was under way before a write says nothing of it."""

    def __init__(self, client: Client) -> None:
        self.name, self.settings = client.name, client.settings
        self._client = client

    def now(self) -> datetime:
        """The present, UTC."""
        return self._client.now()

    async def look(self, shape: type[T], path: str, operation: str, tree: Tree | None = None) -> T:
        """GET one object or page. Raises Missing where there is none."""
        reply = await self._client.exchange(shape, "GET", path, form(tree or {}), operation, effect=Effect.READ)
        found: T = reply.value
        return found

    async def every(self, shape: type[W], path: str, operation: str, tree: Tree) -> AsyncIterator[W]:
        """All rows of a list, however long it is, newest first."""
        asked: dict[str, object] = {**tree, "limit": str(facts.PAGE)}
        many: type[Many[W]] = Many[shape]  # type: ignore[valid-type]
        while True:
            page = await self.look(many, path, operation, asked)
            for each in page.data:
                yield each
            if not page.has_more or not page.data:
                return
            asked["starting_after"] = page.data[-1].id

    async def sought(
        self, shape: type[W], path: str, operation: str, tree: Tree, wanted: Callable[[W], bool]
    ) -> W | None:
        """The first row of a list that is wanted, newest first. Lists show what was written, searches only later.
        Raises OutcomeUnknown where there are more rows than anybody looks through."""
        asked: dict[str, object] = {**tree, "limit": str(facts.PAGE)}
        many: type[Many[W]] = Many[shape]  # type: ignore[valid-type]
        for _ in range(_MOST_PAGES):
            page = await self.look(many, path, operation, asked)
            found = next(filter(wanted, page.data), None)
            if found is not None or not page.has_more or not page.data:
                return found
            asked["starting_after"] = page.data[-1].id
        raise OutcomeUnknown(f"`{path}` is too long to be looked through: look there for the operation yourself")

    async def post(self, shape: type[T], path: str, operation: str, tree: Tree, key: str) -> Answer[T]:
        """POST under an idempotency key, so that it may be sent again. Raises OutcomeUnknown where a request with
        another body went out under the key: whether that was carried out, only the object tells."""
        try:
            reply = await self._client.exchange(
                shape, "POST", path, form(tree), operation, effect=Effect.KEYED, key=key
            )
        except Rejected as refusal:
            if refusal.vendor_code != facts.OTHER_BODY:
                raise
            message = f"`{self.name}` was sent something else under this key before: read what became of that"
            raise OutcomeUnknown(
                message,
                source=self.name,
                status=refusal.status,
                vendor_code=refusal.vendor_code,
                request_id=refusal.request_id,
            ) from refusal
        return _answered(reply)

    async def ask(self, shape: type[T], path: str, operation: str, tree: Tree) -> Answer[T]:
        """POST that changes nothing."""
        reply = await self._client.exchange(shape, "POST", path, form(tree), operation, effect=Effect.READ)
        return _answered(reply)

    async def delete(self, shape: type[T], path: str, operation: str, tree: Tree) -> Answer[T]:
        """DELETE, which takes no key: a second one is refused, and the object says whether the first was done."""
        reply = await self._client.exchange(shape, "DELETE", path, form(tree), operation, effect=Effect.UPSERT)
        return _answered(reply)

    def written(
        self, key: str, *, number: str | None = None, amounts: Mapping[str, Money] | None = None,
        parts: Mapping[str, str] | None = None, invoice: str | None = None, answer: Answer[T] | None = None,
        replayed: bool = False,
    ) -> Written:  # fmt: skip
        """What is told of a change; without an answer it was found done."""
        return Written(
            source=self.name,
            key=key,
            number=number,
            at=self.now(),
            parts=parts or {},
            amounts=amounts or {},
            invoice_key=invoice,
            request_id=answer.request_id if answer else None,
            replayed=replayed or (answer is not None and answer.replayed),
        )


def _answered(reply: Reply) -> Answer[Any]:
    replayed = reply.headers.get("idempotent-replayed") == "true"
    return Answer(reply.value, reply.headers.get("request-id"), replayed)


def place(path: str, key: str) -> str:
    """The address of one object. Raises Missing for what can be no id."""
    if not identifiable(key):
        raise Missing("this is no id of Stripe's: check it")
    return at(path, key)


def stated(**amounts: tuple[int, str]) -> dict[str, Money]:
    """Amounts in Stripe's smallest units, with their currencies, as money."""
    return {name: money(amount, code, name) for name, (amount, code) in amounts.items()}
