"""The hero: the landmark that is rich in everything, with its parent and children."""

from __future__ import annotations

from gateway.enterprise.cast import Cast
from gateway.enterprise.sketch import Deal, Right, Sale, Ticket

_GERMAN = {"region": "EMEA", "country": "DE"}


def add_hero(cast: Cast) -> None:
    """In good standing: one small invoice is overdue, but inside its grace."""
    cast.add("_hero_parent", "Aurora Holding SE", buyers=(cast.buyer("DE", "EUR"),), people=1, **_GERMAN)
    cast.add(
        "hero",
        "Aurora Dynamics GmbH",
        parent_id=cast.id("_hero_parent"),
        buyers=(cast.buyer("DE", "EUR"),),
        deals=_deals(),
        rights=(
            Right(plan="platinum"),
            Right(plan="premium", start=-600, end=-236, deal=None),
            Right(plan="standard", total=10, remaining=6, deal=None),
        ),
        tickets=_tickets(),
        sales=(
            Sale(product="CLOUD-ENTERPRISE", quantity=40),
            Sale(product="CLOUD-ENTERPRISE", quantity=5, reduction=True, booked="closed"),
            Sale(product="CLOUD-TEAM", quantity=8, deal=1, booked="pending_billing"),
            Sale(status="draft", product="CLOUD-BUSINESS", quantity=12, deal=None, booked=None),
        ),
        people=6,
        prospects=("negotiation", "lost"),
        transfers=("deposited",),
        **_GERMAN,
    )
    for place, title in enumerate(("Aurora Software GmbH", "Aurora Österreich"), 1):
        cast.add(
            f"_hero_child_{place}",
            title,
            parent_id=cast.id("hero"),
            buyers=(cast.buyer("DE", "EUR"),),
            deals=(Deal(product="CLOUD-TEAM", seats=6, interval="year", since=100 * place),),
            people=2,
            **_GERMAN,
        )


def _deals() -> tuple[Deal, ...]:
    return (
        Deal(
            product="CLOUD-ENTERPRISE",
            seats=40,
            since=6,
            periods=9,
            metered=True,
            add_ons=("ADDON-ANALYTICS",),
            support="SUPPORT-PLATINUM",
            outcomes=("open", "partly_paid", "paid", "part_refunded", "credited", "paid_bank", "dispute_won"),
            terms=60,
            renewing="negotiation",
            renewal="manual",
        ),
        # Terms of 14 days and a start 17 days ago: three days overdue.
        Deal(product="CLOUD-TEAM", seats=8, since=17, periods=4, outcomes=("open",), terms=14, status="past_due"),
        # Charged yesterday: the newest change of any invoice is a good one, so billing calls nobody delinquent.
        Deal(
            product="CLOUD-STARTER", seats=3, since=1, periods=5, outcomes=("paid", "paid_late"), collection="automatic"
        ),
    )


def _tickets() -> tuple[Ticket, ...]:
    return (
        Ticket(priority="urgent", age=3, mirror="escalated"),
        Ticket(priority="high", age=26, mirror="working"),
        Ticket(status="pending", priority="normal", clock="paused", age=80, kind="question"),
        Ticket(status="solved", priority="normal", clock="achieved", age=240, kind="question", mirror="closed"),
        Ticket(status="closed", priority="low", clock="achieved", age=2000, kind="task", mirror="closed"),
        Ticket(status="new", priority=None, clock="none", age=1),
    )
