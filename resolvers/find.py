"""Finds accounts by what any system calls them, and nodes by their ids."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

import strawberry

from resolvers.batch import Need, Read, looked_up
from resolvers.context import Context
from resolvers.facts.reading import rows
from resolvers.ids import parse_id
from resolvers.registry import TYPES
from resolvers.types.scalars import System
from sources import canonical as c
from sources.errors import Ambiguous, BadAsk, SourceError

FACETS: dict[c.System, type[c.Record]] = {
    c.System.BILLING: c.BillingCustomer,
    c.System.ERP: c.BillingProfile,
    c.System.SUPPORT: c.SupportOrganization,
}
ACCOUNT_NEEDS: tuple[Need, ...] = (
    (c.Account, "key"),
    (c.Account, "domain"),
    (c.Contact, "email"),
    *((facet, "key") for facet in FACETS.values()),
)
NODE_NEEDS: tuple[Need, ...] = tuple((record, "key") for record in (
    c.Account, c.Contact, c.Product, c.Price, c.Meter, c.AccountSubscription, c.SubscriptionContract, c.Renewal,
    c.Invoice, c.PostedInvoice, c.Payment, c.GatewayPayment, c.CreditMemo, c.Entitlement, c.Case, c.Order, c.SalesOrder,
    c.LegalEntity, c.SupportPlan, c.BillingProfile, c.BillingCustomer, c.SupportOrganization, c.Requester,
    c.Operation, c.OperationApproval, c.OperationException,
))  # fmt: skip


@strawberry.input(description="How an account is found: exactly one of the fields, `id` together with `system`.")
class AccountBy:
    """How an account is found."""

    key: strawberry.ID | None = looked_up("Account.key", "Its key in the CRM.")
    node: strawberry.ID | None = looked_up("Account.id", "Its `id` in this graph.")
    system: System | None = strawberry.field(  # type: ignore[valid-type]
        default=None, description="The system whose `id` is given."
    )
    id: strawberry.ID | None = looked_up("Account.key", "What `system` calls it.")
    domain: str | None = looked_up("Account.domain", "Its internet domain.")
    email: str | None = looked_up("Contact.email", "The address of one of its contacts.")


def known_account(arguments: Mapping[str, Any]) -> str | None:
    """The account's key where the arguments tell it: by itself, by its node, or by its id in the CRM."""
    by: AccountBy = arguments["by"]
    if by.node is not None:
        record, _, key = parse_id(by.node)
        return key if record is c.Account else None
    if by.key is not None:
        return by.key
    asked: Any = by.system
    return by.id if asked is not None and c.System(asked) is c.System.CRM else None


async def account(_parents: Sequence[None], read: Read, _context: Context, by: AccountBy) -> list[Any]:
    """The account, null where there is none; IDENTITY_AMBIGUOUS where there are two."""
    try:
        return [await _account(read, by)]
    except SourceError as error:
        return [error]


async def _account(read: Read, by: AccountBy) -> c.Account | None:
    given = [name for name in ("key", "node", "id", "domain", "email") if getattr(by, name) is not None]
    if len(given) != 1 or (by.system is None) == ("id" in given):
        raise BadAsk("say who is meant by exactly one of `key`, `node`, `domain`, `email`, or `system` with `id`")
    if by.domain is not None:
        return await _only(read, "domain", by.domain.strip().lower().removeprefix("www."))
    if by.email is not None:
        return await _through(read, c.Contact, "email", by.email.strip().lower())
    if by.node is not None:
        record, _, key = parse_id(by.node)
        if record is not c.Account:
            raise BadAsk("`node` is the id of something else than an account")
        return await _only(read, "key", key)
    if by.key is not None:
        return await _only(read, "key", by.key)
    asked: Any = by.system
    system = c.System(asked)
    if system is c.System.CRM:
        return await _only(read, "key", str(by.id))
    return await _through(read, FACETS[system], "key", str(by.id))


async def _only(read: Read, by: str, key: str) -> c.Account | None:
    reading = await read(c.Account, by, [key])
    if key in reading.errors:
        raise reading.errors[key]
    found = rows(reading, key)
    if len(found) > 1:
        raise Ambiguous(f"{len(found)} accounts have this {by}: name one of them by its key")
    return found[0] if found else None


async def _through(read: Read, record: type[c.Record], by: str, key: str) -> c.Account | None:
    """By a record that names its account."""
    reading = await read(record, by, [key])
    if key in reading.errors:
        raise reading.errors[key]
    accounts = {each.account_key for each in rows(reading, key) if each.account_key}
    if len(accounts) > 1:
        raise Ambiguous(f"this {by} belongs to {len(accounts)} accounts: name one of them by its key")
    return await _only(read, "key", accounts.pop()) if accounts else None


def sought_nodes(arguments: Mapping[str, Any]) -> list[str]:
    """The id of each type of which one is named; what is no id, `nodes` tells."""
    found: dict[str, None] = {}
    for each in arguments["ids"]:
        with contextlib.suppress(BadAsk):
            found[f"{TYPES[parse_id(each)[0]].__name__}.id"] = None
    return list(found)


def sought_node(arguments: Mapping[str, Any]) -> list[str]:
    """The id of the type that one is of."""
    return sought_nodes({"ids": [arguments["id"]]})


async def nodes(_parents: Sequence[None], read: Read, context: Context, ids: list[strawberry.ID]) -> list[Any]:
    """What each id stands for, in order; null for what is not there."""
    if len(ids) > 100:
        return [BadAsk(f"{len(ids)} ids are too many: ask for 100 at the most")]
    try:
        wanted = [parse_id(each, context.unknown) for each in ids]
        _findable(wanted)
    except BadAsk as error:
        return [error]
    found: dict[tuple[type[c.Record], str], c.Record | SourceError] = {}
    for record in dict.fromkeys(each[0] for each in wanted):
        reading = await read(record, "key", [key for kind, _, key in wanted if kind is record])
        found |= {(record, key): error for key, error in reading.errors.items()}
        found |= {(record, key): each.records[0] for key, each in reading.rows.items() if each.records}
    # A tuple: it keeps its places, whatever is not there or not to be seen.
    return [tuple(found.get((record, key)) for record, _, key in wanted)]


async def node(parents: Sequence[None], read: Read, context: Context, id: strawberry.ID) -> list[Any]:
    """What an id stands for."""
    try:
        record, _, key = parse_id(id, context.unknown)
        _findable([(record, "", key)])
    except BadAsk as error:
        return [error]
    reading = await read(record, "key", [key])
    if key in reading.errors:
        return [reading.errors[key]]
    found = rows(reading, key)
    return [found[0] if found else None]


def _findable(wanted: Sequence[tuple[type[c.Record], str, str]]) -> None:
    for record, _, _ in wanted:
        if (record, "key") not in NODE_NEEDS:
            raise BadAsk(f"a `{TYPES[record].__name__}` is found through what it belongs to, not by its id")
