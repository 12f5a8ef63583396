"""Reading customers, and the features they may use."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from sources.canonical import Record
from sources.ports import Rows
from sources.vendors.stripe import facts
from sources.vendors.stripe import wire as w
from sources.vendors.stripe.client import at, quoted
from sources.vendors.stripe.mapping.customers import billing_customer, entitlement
from sources.vendors.stripe.mapping.origin import Origin, noted_as
from sources.vendors.stripe.readers.filters import ordered
from sources.vendors.stripe.readers.grouped import Search, many
from sources.vendors.stripe.readers.inquiry import Inquiry
from sources.vendors.stripe.readers.listing import Listing, page_of, whole
from sources.vendors.stripe.readers.orders import NEWEST

_PATH = "/v1/customers"
_SEARCH = f"{_PATH}/search"


async def by_key(inquiry: Inquiry) -> None:
    """One retrieve per customer; a deleted one is still told."""

    async def one(key: str) -> Rows | None:
        answer = await inquiry.get(w.Customer, at(_PATH, key), (), "customers.get")
        record = inquiry.mapped(key, partial(billing_customer, answer.value, inquiry.origin(answer.at)))
        return Rows((record,)) if record is not None else None

    await inquiry.each(inquiry.keys, one)


def account_clause(key: str) -> str:
    """The condition that our metadata name an account."""
    return f"metadata['{facts.ACCOUNT}']:{quoted(key)}"


async def by_account(inquiry: Inquiry) -> None:
    """Canonical account keys, ten to a search."""
    await _searched(
        inquiry,
        Search(
            shape=w.Many[w.Customer],
            path=_SEARCH,
            operation="customers.search",
            clause=account_clause,
            owner=lambda row: noted_as(facts.ACCOUNT, row.metadata) or "",
        ),
    )


async def by_email(inquiry: Inquiry) -> None:
    """Addresses, ten to a search; neither side's case matters."""
    await _searched(
        inquiry,
        Search(
            shape=w.Many[w.Customer],
            path=_SEARCH,
            operation="customers.search",
            clause=lambda key: f"email:{quoted(key)}",
            owner=lambda row: (row.email or "").casefold(),
        ),
        str.casefold,
    )


async def _searched(inquiry: Inquiry, search: Search[w.Customer], fold: Callable[[str], str] = lambda key: key) -> None:
    """`fold` makes keys equal that mean the same."""
    asked: dict[str, list[str]] = {}
    for key in inquiry.keys:
        asked.setdefault(fold(key), []).append(key)

    def told(folded: str, rows: list[tuple[w.Customer, Origin]]) -> Rows:
        key = asked[folded][0]
        records = (inquiry.mapped(key, partial(billing_customer, row, origin)) for row, origin in rows)
        return ordered([record for record in records if record is not None], inquiry.ask.page, NEWEST)

    async def alone(folded: str) -> Rows:
        listing = Listing(shape=search.shape, path=search.path, operation=search.operation, query=search.clause(folded))
        return await page_of(inquiry, asked[folded][0], [listing], billing_customer, inquiry.ask.page)

    await many(inquiry, list(asked), search, told, alone)
    for folded, keys in asked.items():
        rows, error = inquiry.rows.pop(folded, None), inquiry.errors.pop(folded, None)
        error = error or inquiry.errors.get(keys[0])
        for key in keys:
            if rows is not None:
                inquiry.rows[key] = rows
            if error is not None:
                inquiry.errors[key] = error


async def entitlements(inquiry: Inquiry) -> None:
    """The features of each customer: one list per customer, there is no other way."""

    async def one(customer: str) -> Rows:
        listing = Listing(
            shape=w.Many[w.ActiveEntitlement],
            path="/v1/entitlements/active_entitlements",
            operation="entitlements.list",
            parameters=(("customer", customer),),
        )
        rows, more = await whole(inquiry, listing)
        told = (inquiry.mapped(customer, partial(entitlement, row, customer, origin)) for row, origin in rows)
        records: list[Record] = [record for record in told if record is not None]
        return Rows(tuple(records), more)

    await inquiry.each(inquiry.keys, one)
