"""What orders and invoices have in common: a party of a legal entity buys lines in one currency."""

from __future__ import annotations

import asyncio

from sources.canonical.commands import PlaceSalesOrder, PostInvoice
from sources.vendors.netsuite.writers import bodies
from sources.vendors.netsuite.writers.amounts import lines_total
from sources.vendors.netsuite.writers.bodies import Body, ref
from sources.vendors.netsuite.writers.documents import Wanted
from sources.vendors.netsuite.writers.identity import demand_id, demand_one_currency
from sources.vendors.netsuite.writers.lookups import Lookups

Sale = PlaceSalesOrder | PostInvoice


def wanted_sale(kind: str, command: Sale, external: str, source: str) -> Wanted:
    """The document to be. Raises Missing for what is no id, Rejected for lines in several currencies."""
    demand_id(command.party, source)
    demand_one_currency(command.lines, command.currency, source)
    return Wanted(
        kind=kind,
        external=external,
        party=command.party,
        currency=command.currency,
        net=lines_total(command.lines),
    )


async def sale(command: Sale, lookups: Lookups) -> Body:
    """Who buys what from whom, in the ERP's ids. Raises Rejected for a name that it does not know."""
    subsidiary, currency, items = await asyncio.gather(
        lookups.subsidiary(command.legal_entity),
        lookups.currency(command.currency),
        lookups.items(line.product_code for line in command.lines),
    )
    return {
        "entity": ref(command.party),
        "subsidiary": ref(subsidiary),
        "currency": ref(currency),
        "item": bodies.item_lines(command.lines, items),
    }
