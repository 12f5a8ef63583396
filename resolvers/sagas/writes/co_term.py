"""Co-terms: an order whose periods turn, and whose term ends, with those of a subscription that runs."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import datetime

import msgspec

from resolvers.sagas.reading import many, one, some
from resolvers.sagas.saga import Finding, Read
from resolvers.sagas.writes.order import SubmitOrder
from sources import canonical as c

_RUNNING = (c.SubscriptionStatus.ACTIVE, c.SubscriptionStatus.PAST_DUE)


class CoTerm(msgspec.Struct, frozen=True):
    """When the periods turn that an order shares, and why it cannot share them; nothing where it shares none."""

    cycle_at: datetime | None = None
    findings: tuple[Finding, ...] = ()


async def co_termed(read: Read, order: SubmitOrder, bill_to: str) -> CoTerm:
    """What an order is co-termed with. Raises BadAsk where there is no such subscription."""
    if order.co_term is None:
        return CoTerm()
    anchor, contract, book = await asyncio.gather(
        one(read, c.AccountSubscription, order.co_term),
        some(read, c.SubscriptionContract, order.co_term, "subscription"),
        many(read, c.Price, "list", ""),
    )
    prices = [price for line in order.lines for price in book if price.key == line.price]
    found = [
        Finding(code="COTERM_INVALID", message=message, path="coTerm")
        for message in _wrong(order, anchor, contract, prices, bill_to)
    ]
    return CoTerm(anchor.period_end, tuple(found))


def _wrong(
    order: SubmitOrder,
    anchor: c.AccountSubscription,
    contract: c.SubscriptionContract | None,
    prices: list[c.Price],
    bill_to: str,
) -> Iterator[str]:
    if (anchor.account_key, anchor.currency, anchor.legal_entity) != (bill_to, order.currency, order.legal_entity):
        yield "it is billed to another account, in another currency, or by another legal entity"
    if anchor.status not in _RUNNING or anchor.period_end is None:
        yield f"it is {anchor.status}: only with what runs a term is shared"
    own = {(item.price.interval, item.price.interval_count) for item in anchor.items}
    if {(price.interval, price.interval_count) for price in prices if price.interval is not None} - own:
        yield "its periods are not as long as those of the lines"
    last = contract.end_on if contract is not None else None
    if last is not None and order.end_on != last:
        yield f"its term ends on {last}: give that as `endOn`"
