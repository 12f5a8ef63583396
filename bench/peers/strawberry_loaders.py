"""The peer's reads: one shared aiohttp session, a data loader for each resource of one request."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import aiohttp
import orjson
from aiodataloader import DataLoader

from bench.peers import strawberry_types as t

T = TypeVar("T")


class Upstream:
    """Asks the four systems."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self._url, self._session = url, session

    async def rows(self, path: str) -> list[dict[str, Any]]:
        """The rows of one answer."""
        async with self._session.get(self._url + path) as answer:
            answer.raise_for_status()
            found: list[dict[str, Any]] = orjson.loads(await answer.read())["data"]
            return found


class Loaders:
    """The data loaders of one request."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self.accounts = DataLoader(self._accounts)
        self.contacts = self._owned(t.Contact, "/crm/contacts")
        self.orders = self._owned(t.Order, "/crm/orders")
        self.subscriptions = self._owned(t.Subscription, "/billing/subscriptions")
        self.invoices = self._owned(t.Invoice, "/billing/invoices")
        self.open_invoices = self._owned(t.Invoice, "/billing/invoices", "&status=open")
        self.entitlements = self._owned(t.Entitlement, "/billing/entitlements")
        self.profiles = self._owned(t.Profile, "/erp/profiles")
        self.payments = self._owned(t.Payment, "/erp/payments")
        self.organizations = self._owned(t.Organization, "/support/organizations")
        self.cases = self._owned(t.Case, "/support/cases")
        self.open_cases = self._owned(t.Case, "/support/cases", "&status=open")

    async def listed(self, region: str, first: int) -> list[t.Account]:
        """The accounts of a region."""
        rows = await self._upstream.rows(f"/crm/accounts?region={region}&limit={first}")
        return [t.of(t.Account, row) for row in rows]

    async def rows(self, path: str) -> list[dict[str, Any]]:
        """The rows of one answer, as they are."""
        return await self._upstream.rows(path)

    async def _accounts(self, keys: list[str]) -> list[t.Account | None]:
        rows = await self._upstream.rows(f"/crm/accounts?ids={','.join(keys)}")
        found = {row["id"]: t.of(t.Account, row) for row in rows}
        return [found.get(key) for key in keys]

    def _owned(self, kind: type[T], path: str, extra: str = "") -> DataLoader[str, list[T]]:
        return DataLoader(self._batch(kind, path, extra))

    def _batch(self, kind: type[T], path: str, extra: str) -> Callable[[list[str]], Coroutine[Any, Any, list[list[T]]]]:
        async def batch(keys: list[str]) -> list[list[T]]:
            found: dict[str, list[T]] = defaultdict(list)
            for row in await self._upstream.rows(f"{path}?account_ids={','.join(keys)}{extra}"):
                found[row["accountId"]].append(t.of(kind, row))
            return [found[key] for key in keys]

        return batch
