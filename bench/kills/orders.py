"""The orders of the bench: who buys what, chosen by a seed among those whom the systems would sell to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from random import Random

import msgspec

from resolvers.sagas.saga import Facts
from resolvers.sagas.writes.order import SubmitOrder
from resolvers.sagas.writes.order_terms import OrderedLine
from resolvers.sagas.writes.submit_order import submit_order
from sources import canonical as c
from sources.canonical import Record
from sources.canonical.commands import Collection
from sources.catalog import Catalog
from sources.ports import Ask, Page, Reading

PRODUCT = "ADDON-SECURITY"
SELLERS = {"US": "USD", "DE": "EUR"}
_TIERS = ("standard", "premium", "platinum")
_ACCOUNTS = 500
AHEAD = timedelta(days=20)


class Kind(StrEnum):
    """What is particular about an order."""

    PLAIN = "plain"
    SUPPORTED = "supported"  # with a support plan: a right, an organization, its open cases
    LATER = "later"  # begins in some weeks: it waits until they are over
    RECALLED = "recalled"  # the same, called back by who has sent it
    CHARGED = "charged"  # by a payment method, which most customers do not have: refused when money is to move


class Buyer(msgspec.Struct, frozen=True):
    """An account that buys from a legal entity, in its currency; `unit_price` is the list's."""

    account: str
    entity: str
    currency: str
    price: str
    unit_price: Decimal


class Order(msgspec.Struct, frozen=True):
    """An order under its idempotency key."""

    key: str
    buyer: Buyer
    kind: Kind
    tier: str | None
    start_on: date

    @property
    def planned(self) -> bool:
        """Whether it is for a day to come."""
        return self.kind in (Kind.LATER, Kind.RECALLED)

    def asked(self) -> SubmitOrder:
        """What is sent; the same for the same order, whoever sends it how often."""
        buyer = self.buyer
        line = OrderedLine(product=PRODUCT, price=buyer.price, quantity=Decimal(1), unit_price=buyer.unit_price)
        return SubmitOrder(
            account=buyer.account,
            legal_entity=buyer.entity,
            currency=buyer.currency,
            lines=(line,),
            start_on=self.start_on,
            collection=Collection.CHARGE if self.kind is Kind.CHARGED else Collection.INVOICE,
            support_tier=self.tier,
        )


def order(chance: Random, key: str, buyers: Sequence[Buyer], today: date) -> Order:
    """An order by chance: of ten, three plain ones, three with support, one of the future, one that is called back, two
    that are refused late."""
    kind = chance.choices(tuple(Kind), (3, 3, 1, 1, 2))[0]
    made = Order(
        key=key,
        buyer=chance.choice(buyers),
        kind=kind,
        tier=chance.choice(_TIERS) if kind is Kind.SUPPORTED else None,
        start_on=today,
    )
    if not made.planned:
        return made
    return msgspec.structs.replace(made, tier=chance.choice((None, *_TIERS)), start_on=today + AHEAD)


async def find_buyers(catalog: Catalog, now: datetime) -> list[Buyer]:
    """The accounts that one of the sellers would sell to, in the order of their keys, new customers among them; and
    those whose records are claimed twice, so that somebody has to look at their orders."""

    async def read(record: type[Record], by: str, keys: Sequence[str], page: Page = Page()) -> Reading:  # noqa: B008 - frozen
        return await catalog.read(Ask(record, by, tuple(keys), page))

    saga, found = submit_order(), list[Buyer]()
    prices = [each for each in _rows(await read(c.Price, "list", [""])) if isinstance(each, c.Price)]
    accounts = _rows(await read(c.Account, "list", [""], Page(first=_ACCOUNTS)))
    for number, account in enumerate(sorted(each.key for each in accounts)):
        # One seller each: what an account has bought in two currencies cannot be added up without a rate.
        entity, currency = tuple(SELLERS.items())[number % len(SELLERS)]
        wanted = f"{PRODUCT}-month-{currency}".lower()
        price = next(each for each in prices if each.lookup_key == wanted)
        assert price.unit_price
        buyer = Buyer(account, entity, currency, price.key, price.unit_price.amount)
        asked = Order("", buyer, Kind.SUPPORTED, _TIERS[0], now.date()).asked()
        if _sold(await saga.gather(read, asked, now)):
            found.append(buyer)
    return found


def _rows(reading: Reading) -> Sequence[Record]:
    return reading.rows[""].records


def _sold(facts: Facts) -> bool:
    return all(finding.code == "IDENTITY_AMBIGUOUS" for finding in facts.findings)
