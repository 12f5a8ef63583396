"""What only the ERP knows: transfers nobody has matched, and invoices that billing never issued."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

from gateway.enterprise.amounts import ZERO, listed
from gateway.enterprise.documents import BANK, DEFERRED, RECEIVABLE, Terms, write_document
from gateway.enterprise.sketch import Buyer
from gateway.enterprise.world import Dossier, Tally, World
from sources.simulation.enterprise import ErpDocumentLine


def make_receipts(world: World, dossier: Dossier) -> None:
    """Writes them against the account's first ERP customer."""
    sketch = dossier.sketch
    if not sketch.transfers and not sketch.manual_invoices:
        return
    buyer, tally = dossier.buyer(0)
    _write_transfers(world, buyer, tally, sketch.transfers)
    for place in range(sketch.manual_invoices):
        _write_invoice(world, buyer, tally, 10 + 30 * place)


def _write_transfers(world: World, buyer: Buyer, tally: Tally, statuses: Sequence[str]) -> None:
    for place, status in enumerate(statuses):
        amount = listed(Decimal(500 + 100 * place), buyer.currency)
        unapplied = ZERO if status == "unapproved" else amount
        tally.unapplied += unapplied
        terms = Terms(
            kind="payment",
            status=status,
            at=world.ago(3 + 4 * place),
            total=amount,
            remaining=unapplied,
            memo="Unmatched bank transfer",
            reference=f"BANK-{world.mint.number('transfer'):06d}",
        )
        write_document(world, buyer, terms, ((BANK, amount), (RECEIVABLE, -amount)))


def _write_invoice(world: World, buyer: Buyer, tally: Tally, days_ago: int) -> None:
    """A training, billed by hand in the ERP."""
    amount = listed(Decimal(1500), buyer.currency)
    at = world.ago(days_ago)
    due_on = world.company.local_day(buyer.entity, at + timedelta(days=buyer.terms))
    tally.open_posted.append((amount, due_on))
    item = world.catalogue.item["ONBOARDING"]
    terms = Terms(
        kind="invoice",
        status="open",
        at=at,
        total=amount,
        remaining=amount,
        due_on=due_on,
        lines=(ErpDocumentLine(number=1, item_id=item.id, quantity=Decimal(1), rate=amount, amount=amount, tax=ZERO),),
        memo="Training on site",
    )
    write_document(world, buyer, terms, ((RECEIVABLE, amount), (DEFERRED, -amount)))
