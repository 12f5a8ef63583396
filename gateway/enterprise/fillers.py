"""Ordinary accounts: sketches dealt from decks, around the landmarks."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

import msgspec

from gateway.enterprise.deck import Deck
from gateway.enterprise.mint import Mint
from gateway.enterprise.naming import company_name
from gateway.enterprise.patterns import DEALS, RIGHTS, SALES, TICKETS
from gateway.enterprise.sketch import Buyer, Deal, Right, Sketch, Ticket
from gateway.enterprise.streams import Streams
from gateway.enterprise.words import COUNTRIES

_KINDS = (
    (60, "customer"), (18, "prospect"), (6, "partner"), (6, "churned"), (2, "other"), (2, "merged"), (2, "deleted"),
    (1, "bare"), (1, "erp_only"),
)  # fmt: skip
_REGIONS = ((40, "AMER"), (35, "EMEA"), (17, "APAC"), (8, "LATAM"))
_RESTRICTIONS = ((1, "legal_hold"), (1, "sanctions"), (1, "fraud"), (160, None))
_TWISTS = (
    (1, ("status",)), (1, ("hierarchy",)), (1, ("duplicate",)), (1, ("no_effect",)), (1, ("no_right",)),
    (1, ("good_standing",)), (4, ("parent_pays",)), (110, ()),
)  # fmt: skip
_HOLDS: tuple[tuple[int, tuple[str, int | None]], ...] = (
    (2, ("on", 5_000)), (2, ("off", 1)), (3, ("auto", 1)), (60, ("auto", 250_000)), (30, ("auto", None)),
)  # fmt: skip
_EXEMPT = ((1, "exempt"), (2, "reverse"), (60, "none"))
_TRANSFERS: tuple[tuple[int, tuple[str, ...]], ...] = (
    (1, ("not_deposited",)), (1, ("unapproved",)), (1, ("deposited", "not_deposited")), (80, ()),
)  # fmt: skip
_STAGES = ("prospecting", "proposal", "negotiation", "won", "lost")
_PLANS = ("CLOUD-STARTER", "CLOUD-TEAM", "CLOUD-BUSINESS", "CLOUD-ENTERPRISE")
_SUPPORT = {"standard": "SUPPORT-STANDARD", "premium": "SUPPORT-PREMIUM", "platinum": "SUPPORT-PLATINUM"}
_PLAN_OF = {product: plan for plan, product in _SUPPORT.items()}
_MAX_DEPTH = 3
_ORPHANS_PER_HUNDRED = 1
# A contradiction needs a subscription that makes it one.
_TWISTED_DEALS: dict[tuple[str, ...], tuple[Deal, ...]] = {
    ("status",): (Deal(periods=3),),
    ("good_standing",): (Deal(status="past_due", since=20, periods=3, outcomes=("open",), terms=14),),
}
_CHURNED = Deal(status="canceled", ended=70, since=95, periods=3, reason="requested", contract="terminated")


class Fillers:
    """Deals ordinary accounts, each topic from a stream of its own."""

    def __init__(self, mint: Mint, streams: Streams) -> None:
        self._mint, self._streams = mint, streams
        self._kinds = Deck(streams("kinds"), _KINDS)
        self._regions = Deck(streams("regions"), _REGIONS)
        self._restrictions = Deck(streams("restrictions"), _RESTRICTIONS)
        self._twists = Deck(streams("twists"), _TWISTS)
        self._holds = Deck(streams("holds"), _HOLDS)
        self._exempt = Deck(streams("tax"), _EXEMPT)
        self._transfers = Deck(streams("transfers"), _TRANSFERS)
        self._deals = Deck(streams("rare deals"), DEALS)
        self._rights = Deck(streams("rights"), RIGHTS)
        self._tickets = Deck(streams("ticket kinds"), TICKETS)
        self._sales = Deck(streams("sales"), SALES)
        self._depths: dict[str, int] = {}  # of those accounts that may be parents
        self._parents: list[str] = []  # the same, to choose from

    def sketches(self, count: int) -> Iterator[Sketch]:
        """So many accounts, and a few customers elsewhere that the CRM does not know."""
        for number in range(count):
            sketch = self._sketch(number)
            yield sketch
            if sketch.kind == "customer" and not sketch.deleted and self._depth(sketch) < _MAX_DEPTH - 1:
                self._depths[sketch.id] = self._depth(sketch)
                self._parents.append(sketch.id)
        for number in range(count * _ORPHANS_PER_HUNDRED // 100):
            yield self._orphan(count + number)

    def _depth(self, sketch: Sketch) -> int:
        return self._depths[sketch.parent_id] + 1 if sketch.parent_id else 0

    def _sketch(self, number: int) -> Sketch:
        kind, region = self._kinds.draw(), self._regions.draw()
        country = self._streams("regions").choice(COUNTRIES[region])
        name, domain = company_name(number, country)
        blank = Sketch(
            id=self._mint.crm("001"),
            name=name,
            domain=domain,
            kind=kind if kind in ("prospect", "partner", "other") else "customer",
            region=region,
            country=country,
            parent_id=self._parent(),
            restriction=self._restrictions.draw(),
            people=self._streams("people count").choice((0, 1, 1, 2, 2, 3, 4, 5, 6)),
            age=self._streams("ages").randrange(430, 2200),
        )
        return self._filled(kind, blank)

    def _filled(self, kind: str, blank: Sketch) -> Sketch:
        match kind:
            case "customer" | "partner":
                return self._customer(blank)
            case "churned":
                return self._changed(blank, buyers=self._buyers(blank, ()), deals=(_CHURNED,), status="inactive")
            case "merged":
                winner = self._streams("merges").choice(self._parents)
                return self._changed(
                    blank, status="inactive", merged_into_id=winner, deleted=True, people=0, desk=False
                )
            case "deleted":
                return self._changed(blank, status="inactive", deleted=True, desk=False)
            case "bare":
                return self._changed(blank, bare=True, region=None, country=None, parent_id=None, people=1)
            case "erp_only":
                buyers = (self._buyer("US", "USD", billed=False),)
                return self._changed(blank, buyers=buyers, manual_invoices=2, desk=False, people=1)
        stages = tuple(self._streams("stages").sample(_STAGES, 2)) if kind == "prospect" else ()
        status = "prospect" if kind == "prospect" else "active"
        return self._changed(blank, status=status, prospects=stages, desk=self._streams("desk").random() < 0.2)

    @staticmethod
    def _changed(sketch: Sketch, **changes: Any) -> Sketch:
        return msgspec.structs.replace(sketch, **changes)

    def _customer(self, blank: Sketch) -> Sketch:
        twists = self._twists.draw()
        buyers = self._buyers(blank, twists)
        chance = self._streams("deal count")
        counts = chance.choices((1, 2, 3), (80, 17, 3))[0]
        deals = tuple(self._deal(chance.randrange(len(buyers)) if place else 0) for place in range(counts))
        deals = _TWISTED_DEALS.get(twists, ()) + deals
        entitled = self._streams("right count").random() < 0.6
        rights = (self._right(deals[0]),) if entitled else ()
        if "no_effect" in twists:
            rights = (Right(plan="premium"),)
        tickets = tuple(self._ticket() for _ in range(self._streams("ticket count").choice((0, 0, 1, 1, 2, 4))))
        sales = (self._sales.draw(),) if self._streams("sale count").random() < 0.5 else ()
        return self._changed(
            blank, buyers=buyers, deals=deals, rights=rights, tickets=tickets, sales=sales, twists=twists,
            transfers=self._transfers.draw(),
        )  # fmt: skip

    def _buyers(self, blank: Sketch, twists: tuple[str, ...]) -> tuple[Buyer, ...]:
        entity, currency = seller(blank.country, blank.region)
        buyers = [self._buyer(entity, currency)]
        if "duplicate" in twists:
            buyers.append(self._buyer(entity, currency))
        elif self._streams("second buyer").random() < 0.04:
            buyers.append(self._buyer("US" if entity != "US" else "DE", "USD" if entity != "US" else "EUR"))
        return tuple(buyers)

    def _buyer(self, entity: str, currency: str, *, billed: bool = True) -> Buyer:
        hold, limit = self._holds.draw()
        return Buyer(
            billing_id=self._mint.billing("cus", 14) if billed else None,
            erp_id=str(self._mint.number("erp_customer")),
            entity=entity,
            currency=currency,
            hold=hold,
            limit=limit,
            tax_exempt=self._exempt.draw(),
        )

    def _deal(self, buyer: int) -> Deal:
        chance = self._streams("deals")
        seats = chance.randrange(1, 60)
        if self._streams("deal rarity").random() < 0.4:
            return msgspec.structs.replace(self._deals.draw(), seats=seats, buyer=buyer, varied=True)
        return _steady(chance, seats, buyer)

    def _right(self, deal: Deal) -> Right:
        right = self._rights.draw()
        if deal.support:
            right = msgspec.structs.replace(right, plan=_PLAN_OF[deal.support])
        if right.coverage == "own" and self._parents and self._streams("listed").random() < 0.05:
            return msgspec.structs.replace(right, coverage="listed", covers=tuple(self._parents[-2:]))
        return right

    def _ticket(self) -> Ticket:
        return self._tickets.draw()

    def _parent(self) -> str | None:
        chance = self._streams("parents")
        if not self._parents or chance.random() > 0.15:
            return None
        return chance.choice(self._parents)

    def _orphan(self, number: int) -> Sketch:
        """A customer of billing and the ERP whom no explicit link leads to an account."""
        name, domain = company_name(number, "US")
        buyer = msgspec.structs.replace(self._buyer("US", "USD"), linked=False)
        return Sketch(
            id=self._mint.crm("001"), name=name, domain=domain, known=False, buyers=(buyer,), deals=(Deal(periods=2),),
            people=0, twists=("unlinked_desk",),
        )  # fmt: skip


def seller(country: str | None, region: str | None) -> tuple[str, str]:
    """Which entity sells to a country, and in which currency."""
    if country == "JP":
        return "JP", "JPY"
    if region == "APAC":
        return "JP", "USD"
    if country == "GB":
        return "DE", "GBP"
    return ("DE", "EUR") if region == "EMEA" else ("US", "USD")


def _steady(chance: Random, seats: int, buyer: int) -> Deal:
    """A subscription that simply runs."""
    product, collection = chance.choice(_PLANS), chance.choice(("automatic", "invoice"))
    support = _SUPPORT[chance.choice(tuple(_SUPPORT))] if chance.random() < 0.3 else None
    if chance.random() < 0.5:
        since = chance.randrange(0, 330)
        return Deal(
            product=product, seats=seats, buyer=buyer, interval="year", since=since, collection=collection,
            periods=2 if since < 50 else 1, outcomes=("open",) if collection == "invoice" and since < 28 else ("paid",),
            support=support, varied=True,
        )  # fmt: skip
    since = chance.randrange(0, 28)
    return Deal(
        product=product, seats=seats, buyer=buyer, since=since, collection=collection, support=support,
        periods=chance.randrange(1, 14) if chance.random() < 0.3 else chance.randrange(1, 5),
        outcomes=("open",) if collection == "invoice" and chance.random() < 0.6 else ("paid",),
        metered=chance.random() < 0.1, varied=True,
    )  # fmt: skip
