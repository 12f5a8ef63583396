"""Transactions made once: looked for by external id, created under it, read back.

A document is created by POST with its external id, not by PUT: the ERP refuses a second one, whereas a repeated PUT
appends its lines to the first (contract 3.5), and a changed period would refuse it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec

from sources.canonical import Money
from sources.canonical.commands import Written
from sources.errors import Duplicate, OutcomeUnknown, Rejected, Remedy, SourceError, UnknownValue
from sources.vendors.netsuite.client import Client, Saved
from sources.vendors.netsuite.mapping import VENDOR
from sources.vendors.netsuite.wire import Document
from sources.vendors.netsuite.writers.lookups import Lookups


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """A document to be: its record type, its external id, whose it is and what it comes to (`net` before tax, `gross`
    with it, where that is known): what is there under this name must agree."""

    kind: str
    external: str
    party: str
    currency: str
    net: Money | None = None
    gross: Money | None = None


class Documents:
    """Makes and reads transactions of one account."""

    def __init__(self, source: str, client: Client, lookups: Lookups) -> None:
        self.source, self.client, self.lookups = source, client, lookups

    async def find(self, wanted: Wanted) -> Written | None:
        """What is there under this external id; raises Duplicate for another document."""
        key = await self.lookups.document(wanted.kind, wanted.external)
        return None if key is None else await self._there(wanted, key)

    async def make(
        self, wanted: Wanted, prepare: Callable[[], Awaitable[tuple[str, Mapping[str, Any]]]], name: str
    ) -> Written:
        """Makes it, unless it is there. `prepare` gives the path and the body, or refuses; what is there counts for
        more than a refusal. `name` is the call's, for telemetry."""
        looked: Written | BaseException | None
        looked, prepared = await asyncio.gather(self.find(wanted), prepare(), return_exceptions=True)
        if isinstance(looked, BaseException):
            raise looked
        if looked is not None:
            return looked
        if isinstance(prepared, BaseException):
            raise prepared
        path, body = prepared
        try:
            saved = await self.client.save("POST", path, body, name)
        except (Duplicate, Rejected) as refusal:
            return await self._instead(wanted, refusal)
        return await self._read_back(wanted, saved)

    async def _instead(self, wanted: Wanted, refusal: SourceError) -> Written:
        """Somebody was faster: then it is there, in whatever words the second one was refused."""
        found = await self.find(wanted)
        if found is None:
            raise refusal
        return found

    async def _there(self, wanted: Wanted, key: str) -> Written:
        document = await self.read(wanted.kind, key)
        await self._demand_same(wanted, document)
        return self._told(wanted, document, replayed=True)

    async def _read_back(self, wanted: Wanted, saved: Saved) -> Written:
        try:
            document = await self.read(wanted.kind, saved.key)
        except SourceError as error:
            message = f"`{self.source}` saved `{wanted.external}` and does not show it: look for it again"
            raise OutcomeUnknown(
                message, remedy=Remedy.READ_THEN_REPEAT, source=self.source, request_id=saved.request_id
            ) from error
        return msgspec.structs.replace(self._told(wanted, document), request_id=saved.request_id)

    async def read(self, kind: str, key: str) -> Document:
        """A document with its lines; raises Missing."""
        return await self.client.record(Document, kind, key)

    async def _demand_same(self, wanted: Wanted, document: Document) -> None:
        same = document.party == wanted.party and await self.is_in(document, wanted.currency)
        if wanted.net is not None:
            same = same and self.money(document, "net", wanted.currency) == wanted.net
        if wanted.gross is not None:
            same = same and self.money(document, "gross", wanted.currency) == wanted.gross
        if not same:
            message = (
                f"`{self.source}` has another document under `{wanted.external}` already (its id is {document.id}): "
                "compare the two, and post the difference under a name of its own"
            )
            raise Duplicate(message, source=self.source)

    async def is_in(self, document: Document, currency: str) -> bool:
        """Whether a document is in a currency. Raises Rejected for one that the ERP does not know."""
        return document.currency is None or document.currency.id == await self.lookups.currency(currency)

    async def demand_currency(self, document: Document, currency: str) -> None:
        """Raises Rejected where a document is in another currency: what is made from it would be in that one too."""
        if not await self.is_in(document, currency):
            message = f"`{self.source}` has document {document.id} in another currency than {currency}"
            raise Rejected(f"{message}: name the amount in its own", source=self.source, vendor_code="OTHER_CURRENCY")

    def _told(self, wanted: Wanted, document: Document, *, replayed: bool = False) -> Written:
        amounts = {"total": self.money(document, "gross", wanted.currency)}
        amounts["tax"] = amounts["total"] - self.money(document, "net", wanted.currency)
        lines = document.item.items
        return Written(
            source=self.source,
            key=document.id,
            number=document.tranId,
            at=self.client.now(),
            parts={line.custcol_gateway_line: str(line.place) for line in lines if line.custcol_gateway_line},
            amounts=amounts,
            replayed=replayed,
        )

    def money(self, document: Document, name: str, currency: str) -> Money:
        """An amount of a document; raises UnknownValue for more digits than the currency has."""
        amount = getattr(document, name)
        try:
            return Money.of(amount, currency)
        except ValueError:
            raise UnknownValue(VENDOR, name, amount) from None
