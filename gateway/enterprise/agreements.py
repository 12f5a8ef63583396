"""An agreement: one deal between one buyer and us while its documents are written."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

from gateway.enterprise.amounts import ZERO, line_amount
from gateway.enterprise.months import step
from gateway.enterprise.sketch import Buyer, Deal
from gateway.enterprise.world import Dossier, Tally, World
from sources.simulation.enterprise import BillPrice, BillUsage

METERS = ("api_calls", "storage_gb")


@dataclass(frozen=True)
class Item:
    """One price of the agreement."""

    id: str
    price: BillPrice
    quantity: int | None  # None = metered


@dataclass(frozen=True)
class Period:
    """One billing period; `number` 0 is the newest, 1 the one before."""

    number: int
    start: datetime
    end: datetime


@dataclass(frozen=True)
class Agreement:
    """What invoices, payments and postings need to know of a deal."""

    dossier: Dossier
    deal: Deal
    buyer: Buyer
    tally: Tally
    subscription_id: str | None
    items: tuple[Item, ...] = ()
    used: dict[tuple[int, str], int] = field(default_factory=dict)  # by period number and meter

    @property
    def account_id(self) -> str:
        """The CRM's id of the account that buys."""
        return self.dossier.sketch.id

    @property
    def linked_id(self) -> str | None:
        """The same as billing copied it."""
        return self.account_id if self.buyer.linked else None


def agree(world: World, dossier: Dossier, deal: Deal) -> Agreement:
    """The agreement of a deal, with the usage of its two newest periods written down."""
    buyer, tally = dossier.buyer(deal.buyer)
    agreement = Agreement(
        dossier, deal, buyer, tally, world.mint.billing("sub"), tuple(_items(world, deal, buyer.currency))
    )
    if deal.metered:
        for number in (1, 0):
            _use(world, agreement, period(world, deal, number))
    return agreement


def period(world: World, deal: Deal, number: int) -> Period:
    """The `number`-th period before the newest; counted backwards, so that the newest begins when the deal says."""
    newest = world.ago(deal.since if deal.starts_in is None else -deal.starts_in)
    end = step(newest, deal.interval, 1 - number)
    if number == 0 and deal.trial is not None:
        end = world.ago(-deal.trial)
    return Period(number, step(newest, deal.interval, -number), end)


def _items(world: World, deal: Deal, currency: str) -> list[Item]:
    quantities = [(deal.product, deal.seats), *((code, deal.seats) for code in deal.add_ons)]
    if deal.support:
        quantities.append((deal.support, 1))
    prices = world.catalogue.price
    items = [
        Item(world.mint.billing("si", 14), prices[code, currency, deal.interval], quantity)
        for code, quantity in quantities
    ]
    if deal.metered:
        items += [Item(world.mint.billing("si", 14), prices[meter, currency, "month"], None) for meter in METERS]
    return items


def _use(world: World, agreement: Agreement, span: Period) -> None:
    chance = world.streams("usage")
    end = world.past(span.end)
    for item in agreement.items:
        if item.price.meter_id is None:
            continue
        meter = METERS[item.price.unit_amount is None]
        quantities = _quantities(chance, meter)
        gap = (end - span.start) / (len(quantities) + 1)
        for place, quantity in enumerate(quantities, 1):
            _record_use(world, agreement, item.price.meter_id, span.start + gap * place, quantity)
        agreement.used[span.number, meter] = sum(quantities) if meter == "api_calls" else quantities[-1]


def _quantities(chance: Random, meter: str) -> list[int]:
    if meter == "api_calls":
        return [chance.randrange(1, 80) * 1000 for _ in range(6)]
    start = chance.randrange(40, 4000)
    return [start + chance.randrange(0, 20) * place for place in range(3)]


def _record_use(world: World, agreement: Agreement, meter_id: str, at: datetime, quantity: int) -> None:
    if not agreement.buyer.billing_id:
        return
    world.books.usage.append(
        BillUsage(
            customer_id=agreement.buyer.billing_id,
            meter_id=meter_id,
            at=at.replace(microsecond=0),
            quantity=Decimal(quantity),
            identifier=f"use-{world.mint.number('usage'):08d}",
        )
    )


def yearly(agreement: Agreement) -> Decimal:
    """Recurring revenue of a year, without tax and usage."""
    times = 12 if agreement.deal.interval == "month" else 1
    return sum(
        (
            line_amount(item.price.unit_amount, item.quantity, agreement.buyer.currency) * times
            for item in agreement.items
            if item.quantity is not None and item.price.unit_amount is not None
        ),
        ZERO,
    )


def start_of(world: World, deal: Deal) -> datetime:
    """When the subscription began: with its first period, or with the trial before it."""
    return period(world, deal, max(deal.periods, 1) - 1).start


def settled_within(chance: Random, deal: Deal) -> timedelta:
    """How long a payer who pays takes."""
    return timedelta(hours=1) if deal.collection == "automatic" else timedelta(days=chance.randrange(2, deal.terms))
