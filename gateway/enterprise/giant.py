"""An account with very many invoices, for those who measure."""

from __future__ import annotations

from datetime import timedelta

from gateway.enterprise.agreements import Agreement, Item, Period
from gateway.enterprise.invoices import issue
from gateway.enterprise.sketch import Deal
from gateway.enterprise.world import Dossier, World

_DAYS = 400
_OUTCOMES = ("paid", "paid", "paid", "paid", "paid_bank", "paid", "paid", "credited", "paid", "part_refunded")


def make_giant(world: World, dossier: Dossier, count: int) -> None:
    """`count` invoices by hand over the last 400 days, evenly spread, the newest one open."""
    buyer, tally = dossier.buyer(0)
    item = Item("", world.catalogue.price["CLOUD-STARTER", buyer.currency, "month"], 25)
    agreement = Agreement(dossier, Deal(), buyer, tally, None, (item,))
    gap = timedelta(days=_DAYS) / max(count, 1)
    for number in range(count, 0, -1):
        start = (world.now - gap * number).replace(microsecond=0)
        outcome = "open" if number == 1 else _OUTCOMES[number % len(_OUTCOMES)]
        issue(world, agreement, Period(number, start, start + gap), outcome)
