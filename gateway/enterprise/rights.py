"""Support entitlements in the CRM, and the effect they have in the support desk."""

from __future__ import annotations

from gateway.enterprise.company import PLANS
from gateway.enterprise.sketch import Right, Sketch
from gateway.enterprise.world import Dossier, World
from sources.simulation.enterprise import CrmEntitlement


def make_rights(world: World, dossier: Dossier) -> None:
    """The account's support entitlements."""
    for right in dossier.sketch.rights:
        entitlement = _entitlement(world, dossier, right)
        dossier.right_ids.append(entitlement.id)
        world.books.crm_entitlements.append(entitlement)


def _entitlement(world: World, dossier: Dossier, right: Right) -> CrmEntitlement:
    process = next(process for process in world.company.sla_processes if process.plan == right.plan)
    sketch = dossier.sketch
    deal = None if right.deal is None or right.deal >= len(sketch.deals) else right.deal
    entity = sketch.buyers[0].entity if sketch.buyers else "US"
    return CrmEntitlement(
        id=world.mint.crm("550"),
        account_id=sketch.id,
        name=process.name if right.total is None else f"{process.name} pack of {right.total}",
        kind="web" if right.plan == "standard" else "phone",
        plan=right.plan,
        status=_status(right),
        start_on=None if right.start is None else world.day(right.start),
        end_on=None if right.end is None else world.day(right.end),
        sla_process_id=process.id,
        per_incident=right.total is not None,
        cases_total=right.total,
        cases_remaining=right.remaining,
        coverage=right.coverage,
        covers=right.covers,
        contract_id=None if deal is None else dossier.contract_ids[deal],
        subscription_id=None if deal is None else dossier.subscription_ids[deal],
        time_zone=world.company.entity(entity).time_zone,
    )


def _status(right: Right) -> str:
    """As the CRM computes it from the days; both are inclusive."""
    if right.start is not None and right.start > 0:
        return "inactive"
    return "expired" if right.end is not None and right.end < 0 else "active"


def effective_plan(world: World, sketch: Sketch) -> str | None:
    """The best plan in force, own or inherited from an ancestor that covers the account."""
    plans = [right.plan for right in sketch.rights if in_force(right)]
    ancestor = world.sketches.get(sketch.parent_id or "")
    while ancestor is not None:
        plans += [right.plan for right in ancestor.rights if in_force(right) and _covers(right, sketch)]
        ancestor = world.sketches.get(ancestor.parent_id or "")
    return max(plans, key=PLANS.index, default=None)


def in_force(right: Right) -> bool:
    """Whether the right counts today, or for 30 days after its end while its renewal is under way."""
    if right.remaining == 0:
        return False
    return _status(right) == "active" or (right.renewing and right.end is not None and -30 <= right.end < 0)


def _covers(right: Right, sketch: Sketch) -> bool:
    return right.coverage == "affiliates" or (right.coverage == "listed" and sketch.id in right.covers)
