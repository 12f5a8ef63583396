"""Gathers the facts of an order: chains of reads side by side, none of them more than three reads long.

It ends a little before the operation's time is up, so that what is there can still be judged.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from math import isinf
from typing import Any, TypeAlias

import msgspec

from resolvers.batch import Need, Read
from resolvers.context import Context
from resolvers.sagas.reading import URGENT
from resolvers.validation.case import rates_asked
from resolvers.validation.facts import Fact, Facts, fact, late, none
from resolvers.validation.order import Kind, Order
from sources import canonical as c
from sources import errand
from sources.ports import Order as By
from sources.ports import Page, Reading

NEEDS: tuple[Need, ...] = (
    (c.Account, "key"),
    (c.LegalEntity, "list"),
    (c.AccountingPeriod, "list"),
    (c.ExchangeRate, "day"),
    (c.BillingProfile, "account"),
    (c.BillingProfile, "key"),
    (c.BillingProfile, "payer"),
    (c.TaxProfile, "account"),
    (c.AccountSubscription, "account"),
    (c.AccountSubscription, "key"),
    (c.SubscriptionContract, "subscription"),
    (c.SubscriptionContract, "account"),
    (c.Invoice, "key"),
    (c.Order, "account"),
    (c.Product, "key"),
    (c.Price, "key"),
    (c.Price, "product"),
    (c.Price, "list"),
    (c.Meter, "key"),
    (c.ErpItem, "product"),
    (c.Case, "account"),
)
_CRM, _BILLING, _ERP, _SUPPORT = "crm", "billing", "erp", "support"
_LISTED = 25  # prices from which on the whole list is read instead of each
_NAMED = frozenset({"key", "list"})  # indexes where whoever asks names what he wants
_JUDGING, _A_LINE = 0.05, 0.0003  # seconds that judging takes besides, at the most
Chained: TypeAlias = Mapping[str, Fact]
"""What one chain of reads found, by the names of Facts."""
_NEWEST = Page(first=100, order=By("created_at", descending=True))


async def gather(
    order: Order,
    read: Read,
    context: Context,
    wanted: Iterable[str],
    duplicate_days: int,
    under_way: Sequence[c.Order],
    reserved: Sequence[c.Money] = (),
) -> Facts:
    """The facts that are `wanted`, by their names in Facts; the others are not asked for. What is not there in time is
    an error. `under_way` are orders that are not in the CRM yet, `reserved` what they hold of the payer's
    credit."""
    named, found = frozenset(wanted), {name: none(_HOME[name]) for name in Facts.__struct_fields__}
    since = context.now - timedelta(days=duplicate_days)

    async def one(name: str, record: type[c.Record], by: str, keys: Sequence[str], page: Page = Page()) -> Chained:  # noqa: B008 - frozen
        if not keys:
            return {}
        reading = await read(record, by, keys, page)
        return {name: fact(_HOME[name], named=[reading]) if by in _NAMED else fact(_HOME[name], reading)}

    async def orders() -> Chained:
        reading = await read(c.Order, "account", [order.sold_to_key], _NEWEST)
        return {"orders": _with(_since(fact(_CRM, reading), since), under_way, order)}

    changed = [order.subscription_key] if order.subscription_key is not None else []
    amends = order.kind is not Kind.NEW
    holders = list(dict.fromkeys((order.account_key, order.end_customer_key)))
    reseller = [order.parties.reseller_key] if order.parties.reseller_key else []
    chains: dict[tuple[str, ...], Coroutine[Any, Any, Chained]] = {
        ("accounts",): one("accounts", c.Account, "key", order.account_keys),
        ("entities",): one("entities", c.LegalEntity, "list", [""]),
        ("periods",): one("periods", c.AccountingPeriod, "list", [""]),
        ("taxes",): one("taxes", c.TaxProfile, "account", [order.bill_to_key]),
        ("subscriptions",): one("subscriptions", c.AccountSubscription, "account", holders),
        ("contracts",): one("contracts", c.SubscriptionContract, "subscription", changed),
        ("agreements",): one("agreements", c.SubscriptionContract, "account", reseller),
        ("cases",): one("cases", c.Case, "account", [order.end_customer_key] if amends else [], URGENT),
        ("orders",): orders(),
        ("profiles", "paying"): _credit(order, read),
        ("subscription", "base_invoice"): _subscription(changed, read, named),
        ("products", "prices", "meters", "items"): _catalogue(order, read, named),
    }
    for names in [each for each in chains if not named.intersection(each)]:
        chains.pop(names).close()

    async def rates(known: Chained) -> Chained:
        key = rates_asked(order, Facts(**{**found, **known}), context.now, reserved)
        return await one("rates", c.ExchangeRate, "day", [key] if key is not None else [])

    found |= await _in_time(chains, named, _time_left(len(order.lines)), rates)
    return Facts(**found | _unseen(order, found))


def _time_left(lines: int) -> float | None:
    """For how many seconds facts may be gathered, if so many lines are to be judged afterwards; None: as long as it
    takes."""
    until = errand.current().until
    if isinf(until):
        return None
    left = until - asyncio.get_running_loop().time()
    return max(left - min(_JUDGING + _A_LINE * lines, left / 4), 0.0)


async def _in_time(
    chains: Mapping[tuple[str, ...], Coroutine[Any, Any, Chained]],
    named: frozenset[str],
    seconds: float | None,
    rates: Callable[[Chained], Coroutine[Any, Any, Chained]],
) -> dict[str, Fact]:
    """What the chains found; of one that takes longer, that all of it is late. `rates` begins once it is known which
    currencies there are, beside those that still go on."""
    tasks = {asyncio.ensure_future(chain): names for names, chain in chains.items()}
    telling = [task for task, names in tasks.items() if _TELLING.intersection(names)]
    if "rates" in named:
        tasks[asyncio.ensure_future(_after(telling, rates))] = ("rates",)
    try:
        done, tardy = await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_EXCEPTION)
        found = {name: each for task in done for name, each in task.result().items()}
    finally:
        for task in tasks:
            task.cancel()
    return found | {name: late(_HOME[name]) for task in tardy for name in tasks[task] if name in named}


async def _after(
    telling: Sequence[asyncio.Future[Chained]], then: Callable[[Chained], Coroutine[Any, Any, Chained]]
) -> Chained:
    """What comes after some chains, from all that they found; nothing where one of them has failed."""
    if telling:
        await asyncio.wait(telling)
    if any(task.cancelled() or task.exception() is not None for task in telling):
        return {}
    return await then({name: each for task in telling for name, each in task.result().items()})


_TELLING = frozenset({"entities", "profiles", "subscription", "orders"})
"""Facts that tell which currencies an order has to do with."""
_HOME = {
    **dict.fromkeys(("accounts", "contracts", "agreements", "orders"), _CRM),
    **dict.fromkeys(("subscriptions", "subscription", "base_invoice", "products", "prices", "meters"), _BILLING),
    **dict.fromkeys(("entities", "periods", "profiles", "paying", "taxes", "items", "rates"), _ERP),
    "cases": _SUPPORT,
}
"""Which system each fact is asked of."""


# ---------------------------------------------------------------- who asks, and what was ordered before


def _unseen(order: Order, found: Mapping[str, Fact]) -> dict[str, Fact]:
    """Of whom nothing is to be seen nothing is known: it is the same whether he is not there or not for the asker."""
    accounts, subscription = found["accounts"], found["subscription"]
    of: dict[str, tuple[str | None, ...]] = {
        "profiles": (order.bill_to_key, order.parties.payer_key),
        "taxes": (order.bill_to_key,),
        "subscriptions": (order.account_key, order.end_customer_key),
        "agreements": (order.parties.reseller_key,),
        "orders": (order.sold_to_key,),
        "cases": (order.end_customer_key,),
    }
    dark = [name for name, keys in of.items() if _misses(accounts, keys)]
    dark += ["contracts"] if _misses(subscription, (order.subscription_key,)) else []
    return {name: msgspec.structs.replace(found[name], hidden=True) for name in dark if found[name].asked}


def _misses(found: Fact, keys: Iterable[str | None]) -> bool:
    """Whether one of some keys leads nowhere, as far as could be asked."""
    return found.asked and not found.errors and any(key is not None and found.by_key(key) is None for key in keys)


def _since(found: Fact, since: datetime) -> Fact:
    """Orders are newest first: what was not read does not matter where the last one read is old enough."""
    oldest = found.rows[-1].created_at if found.rows else None
    return msgspec.structs.replace(found, more=found.more and not (oldest is not None and oldest < since))


def _with(found: Fact, under_way: Sequence[c.Order], order: Order) -> Fact:
    """Orders and those of the same sold-to that are not among them yet."""
    also = [each for each in under_way if each.account_key == order.sold_to_key and found.by_key(each.key) is None]
    return msgspec.structs.replace(found, rows=(*found.rows, *also)) if also else found


# ---------------------------------------------------------------- who pays


async def _credit(order: Order, read: Read) -> Chained:
    """The customer records of the bill-to and of a named payer; then who pays for them, and all whom those pay for."""
    payer = order.parties.payer_key
    keys = list(dict.fromkeys((order.bill_to_key, *((payer,) if payer else ()))))
    own = await read(c.BillingProfile, "account", keys)
    profiles = fact(_ERP, own)
    known = {each.key for each in profiles.rows}
    paying = sorted({each.payer_id for each in profiles.rows if each.payer_id} - known)
    heads = sorted(known.union(paying))
    if not heads:
        return {"profiles": profiles, "paying": none(_ERP)}
    above, below = await asyncio.gather(
        _read(read, c.BillingProfile, "key", paying), read(c.BillingProfile, "payer", heads)
    )
    return {"profiles": profiles, "paying": fact(_ERP, below, named=[above])}


async def _read(read: Read, record: type[c.Record], by: str, keys: Sequence[str]) -> Reading | None:
    return await read(record, by, keys) if keys else None


# ---------------------------------------------------------------- what is changed


async def _subscription(keys: Sequence[str], read: Read, named: frozenset[str]) -> Chained:
    """The subscription that is changed, and its newest invoice."""
    if not keys:
        return {}
    subscription = fact(_BILLING, named=[await read(c.AccountSubscription, "key", keys)])
    invoices = [each.latest_invoice_key for each in subscription.rows if each.latest_invoice_key]
    if not invoices or "base_invoice" not in named:
        return {"subscription": subscription}
    base_invoice = fact(_BILLING, named=[await read(c.Invoice, "key", invoices)])
    return {"subscription": subscription, "base_invoice": base_invoice}


# ---------------------------------------------------------------- what is sold


async def _catalogue(order: Order, read: Read, named: frozenset[str]) -> Chained:
    """Prices and products, also those that only the other names, then meters and the ERP's items. A price that could
    not be read leaves open which product its line is for."""
    product_keys = {each.product_key for each in order.lines if each.product_key}
    prices, products = await asyncio.gather(_prices(order, read), _read(read, c.Product, "key", sorted(product_keys)))
    keys = _meant(order, prices)
    meant = [each for each in prices.rows if each.key in keys]
    rest = sorted({each.product_key for each in meant} - product_keys)
    meters = sorted({each.meter_key for each in meant if each.meter_key})
    further, counted = await asyncio.gather(
        _read(read, c.Product, "key", rest), _read(read, c.Meter, "key", meters if "meters" in named else [])
    )
    sold = fact(_BILLING, named=[products, further])
    if any(each.product_key is None for each in order.lines):
        sold = msgspec.structs.replace(sold, errors=(*sold.errors, *prices.errors))
    codes = sorted({each.code for each in sold.rows if each.code})
    items = await _read(read, c.ErpItem, "product", codes if "items" in named else [])
    return {
        "prices": prices,
        "products": sold,
        "meters": fact(_BILLING, named=[counted]) if counted is not None else none(_BILLING),
        "items": fact(_ERP, items) if items is not None else none(_ERP),
    }


def _meant(order: Order, prices: Fact) -> set[str]:
    """The prices that lines may mean: those named, and all of products that are named without one."""
    bare = {each.product_key for each in order.lines if not each.price_key}
    return {each.price_key for each in order.lines if each.price_key} | {
        each.key for each in prices.rows if each.product_key in bare and each.currency == order.currency
    }


async def _prices(order: Order, read: Read) -> Fact:
    keys = sorted({each.price_key for each in order.lines if each.price_key})
    bare = sorted({each.product_key for each in order.lines if each.product_key and not each.price_key})
    listed: list[Reading] = []
    if len(keys) + len(bare) > _LISTED:
        everything = await read(c.Price, "list", [""])
        known = {each.key for rows in everything.rows.values() for each in rows.records}
        if not everything.errors and not any(each.more for each in everything.rows.values()):
            return fact(_BILLING, named=[everything])
        listed, keys = [everything], sorted(set(keys) - known)
    found = await asyncio.gather(_read(read, c.Price, "key", keys), _read(read, c.Price, "product", bare))
    prices = fact(_BILLING, named=[*listed, *found])
    return msgspec.structs.replace(prices, more=False) if listed else prices
