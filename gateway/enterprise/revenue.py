"""Revenue of a posted invoice, recognised day by day over its period."""

from __future__ import annotations

from gateway.enterprise.agreements import Agreement
from gateway.enterprise.amounts import rounded
from gateway.enterprise.world import World
from sources.simulation.enterprise import BillInvoice, ErpRevenue


def schedule(world: World, agreement: Agreement, invoice: BillInvoice, document_id: str) -> None:
    """One element for the invoice as a whole; allocated is always recognised plus deferred."""
    entity = agreement.buyer.entity
    today = world.company.local_day(entity, world.now)
    start_on = world.company.local_day(entity, invoice.period_start)
    end_on = world.company.local_day(entity, invoice.period_end)
    days, passed = max((end_on - start_on).days, 1), (today - start_on).days
    held = agreement.deal.hold and invoice.status == "open"
    # Recognition stopped half way, when the service did.
    passed = min(passed, days // 2) if held else passed
    recognised = rounded(invoice.subtotal * min(max(passed, 0), days) / days, invoice.currency)
    state = "completed" if passed >= days else "in_progress" if passed > 0 else "planned"
    world.books.revenue.append(
        ErpRevenue(
            id=str(world.mint.number("revenue")),
            customer_id=agreement.buyer.erp_id or "",
            entity_id=world.company.entity(entity).id,
            document_id=document_id,
            subscription_id=invoice.subscription_id,
            obligation="Subscription service" if invoice.subscription_id else "Service",
            method="Straight-line by day",
            state="on_hold" if held else state,
            start_on=start_on,
            end_on=end_on,
            allocated=invoice.subtotal,
            recognised=recognised,
            deferred=invoice.subtotal - recognised,
            currency=invoice.currency,
            block_reason="Service suspended" if held else None,
        )
    )
