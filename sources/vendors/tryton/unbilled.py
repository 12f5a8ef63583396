"""What parties have ordered that is not posted yet: Tryton keeps no such figure, their sales and invoices tell it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import msgspec

from sources.errors import BadAsk, Rejected
from sources.ports import Report
from sources.vendors.tryton import facts
from sources.vendors.tryton.client import Client
from sources.vendors.tryton.wire import OpenSale, Party

_FIELDS = ("party", "currency.code", "total_amount", "invoices.state", "invoices.total_amount")
_OPEN = ("confirmed", "processing")


async def with_open_sales(client: Client, parties: Sequence[Party], report: Report) -> list[Party]:
    """The parties with their sales that are confirmed and not done; a user who may not see sales gets none told."""
    if not parties:
        return []
    try:
        sales = await _open_sales(client, [each.id for each in parties], report)
    except Rejected:
        return list(parties)
    of: defaultdict[int, list[OpenSale]] = defaultdict(list)
    for sale in sales:
        of[sale.party].append(sale)
    return [msgspec.structs.replace(each, open_sales=tuple(of[each.id])) for each in parties]


async def _open_sales(client: Client, parties: Sequence[int], report: Report) -> list[OpenSale]:
    """All of them: a sum of some would be too small. Raises BadAsk for more than can be read."""
    mine: list[Any] = [["company", "=", client.settings.company], ["state", "in", list(_OPEN)]]
    mine.append(["party", "in", list(parties)])
    found: list[OpenSale] = []
    for _ in range(facts.PAGES):
        domain = [*mine, ["id", ">", found[-1].id]] if found else mine
        page = await client.search(OpenSale, facts.SALE, domain, _FIELDS, limit=facts.PAGE, report=report)
        found += page
        if len(page) < facts.PAGE:
            return found
    raise BadAsk(f"`{client.source}` has more open sales of {len(parties)} parties than can be read: ask for fewer")
