"""An account's customer records in billing and in the ERP, once their documents are written."""

from __future__ import annotations

from decimal import Decimal

from gateway.enterprise.amounts import ZERO
from gateway.enterprise.sketch import Buyer, Sketch
from gateway.enterprise.world import Dossier, Tally, World
from sources.simulation.enterprise import BillCustomer, ErpCustomer


def make_customers(world: World, dossier: Dossier) -> None:
    """One record in each system per buyer."""
    for place, (buyer, tally) in enumerate(zip(dossier.sketch.buyers, dossier.tallies, strict=True)):
        if buyer.billing_id:
            world.books.bill_customers.append(_bill_customer(world, dossier.sketch, buyer, tally))
        if buyer.erp_id:
            world.books.erp_customers.append(_erp_customer(world, dossier.sketch, place, tally))
    _contradict_duplicates(world, dossier.sketch)


def _bill_customer(world: World, sketch: Sketch, buyer: Buyer, tally: Tally) -> BillCustomer:
    bare = sketch.bare
    return BillCustomer(
        id=buyer.billing_id or "",
        account_id=sketch.id if buyer.linked else None,
        name=None if bare else sketch.name,
        email=None if bare else f"billing@{sketch.domain}",
        entity=None if bare else buyer.entity,
        currency=None if bare else buyer.currency,
        country=None if bare else sketch.country,
        balance=-tally.credit,
        delinquent=tally.delinquent,
        tax_exempt=buyer.tax_exempt,
        deleted=sketch.deleted and not sketch.merged_into_id,
        created_at=world.ago(sketch.age),
    )


def _erp_customer(world: World, sketch: Sketch, place: int, tally: Tally) -> ErpCustomer:
    buyer, bare = sketch.buyers[place], sketch.bare
    today = world.company.local_day(buyer.entity, world.now)
    overdue = [(remaining, due) for remaining, due in tally.open_posted if due < today]
    parent_id = _erp_parent(world, sketch)
    return ErpCustomer(
        id=buyer.erp_id or "",
        external_id=_external_id(sketch, place),
        number=f"CUST{buyer.erp_id:0>6}",
        name=sketch.name,
        parent_id=parent_id,
        payer_id=parent_id if sketch.has("parent_pays") else None,
        entity_id=world.company.entity(buyer.entity).id,
        currency=buyer.currency,
        inactive=sketch.status == "inactive",
        terms=None if bare else f"Net {buyer.terms}",
        credit_limit=None if buyer.limit is None else Decimal(buyer.limit),
        hold=buyer.hold,
        balance=sum((remaining for remaining, _ in tally.open_posted), ZERO) - tally.unapplied,
        overdue_balance=sum((remaining for remaining, _ in overdue), ZERO),
        unbilled_orders=tally.unbilled,
        days_overdue=max(((today - due).days for _, due in overdue), default=0),
        tax_number=None if bare or sketch.country == "US" else f"{sketch.country}{world.mint.number('vat')}",
        nexus=None if bare else buyer.entity,
        tax_exempt=buyer.tax_exempt == "exempt",
        exemption_reason="Public university" if buyer.tax_exempt == "exempt" else None,
        reverse_charge=buyer.tax_exempt == "reverse",
        country=None if bare else sketch.country,
        email=None if bare else f"billing@{sketch.domain}",
        updated_at=world.ago(1),
    )


def _external_id(sketch: Sketch, place: int) -> str | None:
    """The CRM account id; further customers of one account add the entity, and their place where that repeats."""
    if not sketch.buyers[place].linked:
        return None
    booked = [number for number, buyer in enumerate(sketch.buyers) if buyer.erp_id]
    return sketch.id if place == booked[0] else f"{sketch.id}:{sketch.buyers[place].entity}"


def _erp_parent(world: World, sketch: Sketch) -> str | None:
    """Consolidation follows the CRM's hierarchy, except where it is twisted."""
    if sketch.has("hierarchy"):
        others = (one for one in reversed(world.sketches.values()) if one.id not in (sketch.id, sketch.parent_id))
        stranger = next(other for other in others if other.known and other.buyers)
        said = stranger.buyers[0].erp_id
        world.books.contradict(sketch.id, "HIERARCHY", f"crm: parent {sketch.parent_id}", f"erp: parent {said}")
        return said
    parent = world.sketches.get(sketch.parent_id or "")
    return next((buyer.erp_id for buyer in parent.buyers if buyer.erp_id), None) if parent else None


def _contradict_duplicates(world: World, sketch: Sketch) -> None:
    seen: dict[tuple[str, str], str] = {}
    for buyer in sketch.buyers:
        if not buyer.billing_id:
            continue
        first = seen.setdefault((buyer.entity, buyer.currency), buyer.billing_id)
        if first != buyer.billing_id:
            world.books.contradict(sketch.id, "DUPLICATE", f"billing: {first}", f"billing: {buyer.billing_id}")
