"""The support desk: organizations with what was copied to them, and tickets with their clocks."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from random import Random

from gateway.enterprise.amounts import ZERO
from gateway.enterprise.company import PLANS
from gateway.enterprise.rights import effective_plan
from gateway.enterprise.sketch import Sketch, Ticket
from gateway.enterprise.words import SUBJECTS
from gateway.enterprise.world import Dossier, World
from sources.simulation.enterprise import CrmCase, DeskOrganization, DeskSla, DeskTicket

_FINISHED = frozenset({"solved", "closed"})
_MIRRORED_PRIORITY = {"urgent": "high", "high": "high", "normal": "medium", "low": "low", None: "medium"}
_MILESTONES = {"breached": "open_violation", "late": "closed_violation", "none": None}


def make_organization(world: World, dossier: Dossier) -> None:
    """The account's organization, with the plan, standing, region and revenue that were copied to it."""
    sketch, organization_id = dossier.sketch, dossier.organization_id
    if organization_id is None:
        return
    linked, bare = not sketch.has("unlinked_desk"), sketch.bare
    revenue = sum((tally.yearly for tally in dossier.tallies), ZERO)
    world.books.organizations.append(
        DeskOrganization(
            id=organization_id,
            account_id=sketch.id if linked else None,
            name=sketch.name,
            domains=() if bare else (sketch.domain,),
            support_plan=_plan_effect(world, sketch),
            billing_status=None if bare else _billing_status(world, dossier),
            region=None if bare else sketch.region,
            arr=None if bare else Decimal(revenue),
            tags=() if bare or revenue < 50_000 else ("key_account",),
            notes=None,
            created_at=world.ago(sketch.age),
            updated_at=world.ago(1),
        )
    )


def _plan_effect(world: World, sketch: Sketch) -> str | None:
    right = effective_plan(world, sketch)
    effect = right
    if sketch.has("no_effect"):
        effect = None
    if sketch.has("no_right"):
        effect = next(plan for plan in reversed(PLANS) if plan != right)
    if effect != right:
        world.books.contradict(sketch.id, "RIGHT_EFFECT", f"crm: {right}", f"support: {effect}")
    return effect


def _billing_status(world: World, dossier: Dossier) -> str:
    delinquent = any(tally.delinquent for tally in dossier.tallies)
    held = any(buyer.hold == "on" for buyer in dossier.sketch.buyers)
    status = "credit_hold" if held else "delinquent" if delinquent else "good"
    if status == "good" or not dossier.sketch.has("good_standing"):
        return status
    world.books.contradict(dossier.sketch.id, "STATUS", f"billing: {status}", "support: good")
    return "good"


def make_tickets(world: World, dossier: Dossier) -> None:
    """The account's tickets; without a requester there are none."""
    if not dossier.requester_ids:
        return
    for ticket in dossier.sketch.tickets:
        row = _ticket(world, dossier, ticket)
        world.books.tickets.append(row)
        dossier.tickets.append(row)


def _ticket(world: World, dossier: Dossier, ticket: Ticket) -> DeskTicket:
    chance = world.streams("tickets")
    created_at = world.ago(ticket.age / 24)
    subject = chance.choice(SUBJECTS)
    new = ticket.status == "new"
    return DeskTicket(
        id=world.mint.number("ticket"),
        account_external_id=f"gw:op-{dossier.sketch.id}" if ticket.kind is None else None,
        organization_id=dossier.organization_id,
        requester_id=chance.choice(dossier.requester_ids),
        assignee_id=None if new else chance.choice(world.company.agents).id,
        group_id=None if new and ticket.priority is None else chance.choice(world.company.groups).id,
        subject=subject,
        description=f"{subject}. It began this morning; more than one of us sees it.",
        status=ticket.status,
        priority=ticket.priority,
        kind=ticket.kind,
        tags=("escalated",) if ticket.priority == "urgent" else (),
        slas=_clocks(world, ticket, chance),
        reopens=1 if ticket.clock == "late" else 0,
        created_at=created_at,
        updated_at=world.past(created_at + timedelta(hours=ticket.age * chance.random())),
        solved_at=world.past(created_at + timedelta(hours=ticket.age / 2)) if ticket.status in _FINISHED else None,
    )


def _clocks(world: World, ticket: Ticket, chance: Random) -> tuple[DeskSla, ...]:
    """The clock of the sketch; who waits for the next reply has had the first."""
    if ticket.clock == "none":
        return ()
    opened = world.ago(ticket.age / 24)
    ahead = world.now + timedelta(minutes=chance.randrange(30, 600))
    first = DeskSla(metric="first_reply_time", stage="achieved", breach_at=opened + timedelta(hours=4))
    match ticket.clock:
        case "running":
            return (first, DeskSla(metric="next_reply_time", stage="active", breach_at=ahead))
        case "paused":
            return (first, DeskSla(metric="requester_wait_time", stage="paused", breach_at=None))
        case "achieved":
            return (first, DeskSla(metric="next_reply_time", stage="achieved", breach_at=ahead))
        case "late":
            return (DeskSla(metric="first_reply_time", stage="achieved", breach_at=opened + timedelta(minutes=15)),)
    return (
        DeskSla(metric="first_reply_time", stage="active", breach_at=opened + timedelta(hours=1)),
        DeskSla(metric="requester_wait_time", stage="active", breach_at=ahead),
    )


def make_cases(world: World, dossier: Dossier) -> None:
    """The CRM's copies of those tickets that have one."""
    for ticket, row in zip(dossier.sketch.tickets, dossier.tickets, strict=False):
        if ticket.mirror:
            world.books.cases.append(_case(world, dossier, ticket, row))


def _case(world: World, dossier: Dossier, ticket: Ticket, row: DeskTicket) -> CrmCase:
    created_at, closed = row.created_at, ticket.mirror == "closed"
    return CrmCase(
        id=world.mint.crm("500"),
        number=f"{world.mint.number('case'):08d}",
        account_id=dossier.sketch.id,
        contact_id=dossier.contact_ids[0] if dossier.contact_ids else None,
        entitlement_id=dossier.right_ids[0] if dossier.right_ids else None,
        ticket_id=str(row.id),
        subject=row.subject,
        status=ticket.mirror or "",
        priority=_MIRRORED_PRIORITY[ticket.priority],
        escalated=ticket.mirror == "escalated",
        closed=closed,
        stopped=ticket.clock == "paused",
        milestone=_MILESTONES.get(ticket.clock, "compliant"),
        sla_start_at=None if ticket.clock == "none" else created_at,
        sla_exit_at=world.past(created_at + timedelta(hours=ticket.age / 2)) if closed else None,
        created_at=created_at,
        updated_at=row.updated_at,
    )
