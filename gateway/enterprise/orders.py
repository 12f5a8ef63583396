"""Orders, contracts and opportunities in the CRM, and the ERP's sales orders."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from gateway.enterprise.agreements import period, start_of
from gateway.enterprise.amounts import ZERO, line_amount, rounded
from gateway.enterprise.documents import Terms, write_document
from gateway.enterprise.months import add_months
from gateway.enterprise.sketch import Buyer, Deal, Sale
from gateway.enterprise.world import Dossier, World
from sources.simulation.enterprise import (
    CrmContract,
    CrmOpportunity,
    CrmOrder,
    CrmOrderLine,
    ErpDocumentLine,
)

# How much of a booked order still waits for an invoice, in per cent; other statuses: nothing.
_UNBILLED = {
    "pending_fulfillment": 100,
    "partially_fulfilled": 50,
    "pending_billing_partial": 50,
    "pending_billing": 100,
}
_CHANCES = {"prospecting": 10, "proposal": 50, "negotiation": 80, "won": 100, "lost": 0}


def make_contracts(world: World, dossier: Dossier) -> None:
    """One contract per deal that has one, one opportunity per renewal, and those that are no renewals."""
    for place, deal in enumerate(dossier.sketch.deals):
        contract = _contract(world, dossier, deal, place) if deal.contract else None
        dossier.contract_ids.append(contract.id if contract else None)
        if contract:
            world.books.contracts.append(contract)
        if deal.renewing:
            _write_renewal(world, dossier, deal, place)
    for place, stage in enumerate(dossier.sketch.prospects):
        kind = "expansion" if dossier.sketch.deals else "new"
        _write_opportunity(world, dossier, kind, stage, Decimal(2000 * (place + 1)), None)


def _contract(world: World, dossier: Dossier, deal: Deal, place: int) -> CrmContract:
    term = 12
    span, start_on = period(world, deal, 0), start_of(world, deal).date()
    while deal.ended is None and add_months(start_on, term) < span.start.date():
        term += 12
    status = deal.contract or ""
    if dossier.sketch.has("status") and place == 0:
        subscription_id = dossier.subscription_ids[place]
        world.books.contradict(
            dossier.sketch.id, "STATUS", "crm: contract terminated", f"billing: {subscription_id} {deal.status}"
        )
        status = "terminated"
    return CrmContract(
        id=world.mint.crm("800"),
        number=f"{world.mint.number('contract'):08d}",
        account_id=dossier.sketch.id,
        status=status,
        start_on=start_on,
        end_on=add_months(start_on, term) - timedelta(days=1),
        term_months=term,
        subscription_id=dossier.subscription_ids[place] if dossier.sketch.buyers[deal.buyer].linked else None,
    )


def _write_renewal(world: World, dossier: Dossier, deal: Deal, place: int) -> None:
    tally = dossier.tallies[deal.buyer]
    amount = tally.yearly or Decimal(5400)
    _write_opportunity(world, dossier, "renewal", deal.renewing or "", amount, place)


def _write_opportunity(
    world: World, dossier: Dossier, kind: str, stage: str, amount: Decimal, place: int | None
) -> None:
    buyers = dossier.sketch.buyers
    currency = buyers[dossier.sketch.deals[place].buyer].currency if place is not None else "USD"
    closed = stage in ("won", "lost")
    chance = world.streams("opportunities")
    world.books.opportunities.append(
        CrmOpportunity(
            id=world.mint.crm("006"),
            account_id=dossier.sketch.id,
            owner_id=chance.choice(world.company.owners).id,
            name=f"{dossier.sketch.name} {kind}",
            kind=kind,
            stage=stage,
            amount=rounded(amount, currency),
            currency=currency,
            close_on=world.day(-chance.randrange(5, 60) if closed else chance.randrange(5, 60)),
            probability=_CHANCES[stage],
            contract_id=None if place is None else dossier.contract_ids[place],
            subscription_id=None if place is None else dossier.subscription_ids[place],
        )
    )


def make_orders(world: World, dossier: Dossier) -> None:
    """Each sale as CRM order and, where it is booked, as ERP sales order."""
    original_id = None
    for sale in dossier.sketch.sales:
        deal = None if sale.deal is None else dossier.sketch.deals[sale.deal]
        buyer = dossier.sketch.buyers[deal.buyer if deal else 0]
        order = _order(world, dossier, sale, buyer, original_id)
        original_id = original_id or order.id
        world.books.orders.append(order)
        if sale.booked and buyer.erp_id:
            _book(world, dossier, sale, buyer, order)


def _order(world: World, dossier: Dossier, sale: Sale, buyer: Buyer, original_id: str | None) -> CrmOrder:
    deal = None if sale.deal is None else dossier.sketch.deals[sale.deal]
    created_at = world.past(start_of(world, deal)) if deal else world.ago(12)
    created_at -= timedelta(days=2)
    effective_on = (start_of(world, deal) if deal else world.now).date()
    return CrmOrder(
        id=world.mint.crm("801"),
        number=f"{world.mint.number('order'):08d}",
        account_id=dossier.sketch.id,
        contract_id=None if sale.deal is None else dossier.contract_ids[sale.deal],
        status=sale.status,
        effective_on=effective_on,
        end_on=add_months(effective_on, 12) - timedelta(days=1),
        currency=buyer.currency,
        lines=_lines(world, sale, deal, buyer, effective_on),
        reduction=sale.reduction,
        original_order_id=original_id if sale.reduction else None,
        entity=buyer.entity,
        bill_to_id=sale.bill_to_id,
        ship_to_id=sale.end_customer_id,
        end_customer_id=sale.end_customer_id,
        reseller_id=sale.reseller_id,
        created_at=created_at,
        updated_at=world.past(created_at + timedelta(days=1)),
    )


def _lines(world: World, sale: Sale, deal: Deal | None, buyer: Buyer, effective_on: date) -> tuple[CrmOrderLine, ...]:
    interval = deal.interval if deal else "year"
    wanted = [(sale.product, -sale.quantity if sale.reduction else sale.quantity, interval)]
    if not sale.reduction:
        wanted.append(("ONBOARDING", 1, "once"))
    return tuple(
        CrmOrderLine(
            id=world.mint.crm("802"),
            product_id=world.catalogue.crm_product[code].id,
            quantity=Decimal(quantity),
            unit_price=world.catalogue.price[code, buyer.currency, every].unit_amount or ZERO,
            service_on=effective_on,
            end_on=None if every == "once" else add_months(effective_on, 12) - timedelta(days=1),
        )
        for code, quantity, every in wanted
    )


def _book(world: World, dossier: Dossier, sale: Sale, buyer: Buyer, order: CrmOrder) -> None:
    amounts = [line_amount(line.unit_price, int(line.quantity), buyer.currency) for line in order.lines]
    total = sum(amounts, ZERO)
    waiting = rounded(total * _UNBILLED.get(sale.booked or "", 0) / 100, buyer.currency)
    dossier.buyer(dossier.sketch.buyers.index(buyer))[1].unbilled += waiting
    codes = (sale.product, "ONBOARDING")
    terms = Terms(
        kind="sales_order",
        status=sale.booked or "",
        at=order.created_at,
        total=total,
        external_id=f"crm:{order.id}",
        lines=tuple(
            ErpDocumentLine(
                number=number,
                item_id=world.catalogue.item[code].id,
                quantity=line.quantity,
                rate=line.unit_price,
                amount=amount,
                tax=ZERO,
            )
            for number, (code, line, amount) in enumerate(zip(codes, order.lines, amounts, strict=False), 1)
        ),
        subscription_id=None if sale.deal is None else dossier.subscription_ids[sale.deal],
        reference=order.number,
    )
    write_document(world, buyer, terms)
