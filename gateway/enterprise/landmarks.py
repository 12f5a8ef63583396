"""Accounts made by hand, which demonstrations and tests ask for by name."""

from __future__ import annotations

from typing import Any

from gateway.enterprise.cast import Cast
from gateway.enterprise.hero import add_hero
from gateway.enterprise.mint import Mint
from gateway.enterprise.sketch import Deal, Right, Sale, Sketch, Ticket

_AUTO = "automatic"
_CHILDREN = 40
_GERMAN = {"region": "EMEA", "country": "DE"}
_JAPANESE = {"region": "APAC", "country": "JP"}
_PAID = Deal(since=9, periods=3, outcomes=("paid",))
_PREMIUM = (Right(plan="premium"),)


def make_landmarks(mint: Mint) -> dict[str, Sketch]:
    """Every landmark by name; names with a leading underscore are their company."""
    cast = Cast(mint)
    for add in (add_hero, _add_debtors, _add_holds, _add_life, _add_places, _add_rights, _add_packs):
        add(cast)
    for add in (_add_family, _add_trade, _add_doubts, _add_odd):
        add(cast)
    return cast.sketches


def _add_debtors(cast: Cast) -> None:
    late = Deal(status="past_due", since=20, periods=4, outcomes=("open", "open"), terms=14)
    tickets = (Ticket(),)
    cast.add(
        "delinquent", "Granite Bay Supply Inc.", buyers=(cast.buyer(),), deals=(late,), rights=_PREMIUM, tickets=tickets
    )
    overdue = Deal(status="past_due", since=24, periods=3, outcomes=("open", "paid"), terms=14)
    cast.add("overdue", "Harbor Lane Foods Inc.", buyers=(cast.buyer(),), deals=(overdue,), rights=_PREMIUM)
    disputed = Deal(since=12, periods=5, outcomes=("disputed", "paid"), collection=_AUTO)
    cast.add(
        "disputed", "Fjord Optics LLC", buyers=(cast.buyer(),), deals=(disputed,), tickets=(Ticket(kind="question"),)
    )
    for name, title, since in (("in_grace", "Copper Kettle Inc.", 5), ("grace_over", "Salt & Stone Inc.", 22)):
        failing = Deal(status="past_due", since=since, periods=4, outcomes=("failing", "paid"), collection=_AUTO)
        cast.add(f"past_due_{name}", title, buyers=(cast.buyer(),), deals=(failing,), rights=_PREMIUM)


def _add_holds(cast: Cast) -> None:
    unpaid = Deal(since=8, periods=3, seats=30, outcomes=("open", "paid"))
    sales = (Sale(booked="pending_fulfillment"),)
    cast.add(
        "credit_hold",
        "Ironwood Freight Inc.",
        buyers=(cast.buyer(hold="on"),),
        deals=(unpaid,),
        rights=_PREMIUM,
        sales=sales,
    )
    limited = cast.buyer(hold="auto", limit=1_000)
    cast.add("credit_hold_auto", "Lakeside Paper Inc.", buyers=(limited,), deals=(unpaid,), rights=_PREMIUM)
    cast.add("credit_hold_off", "Marigold Media Inc.", buyers=(cast.buyer(hold="off", limit=1_000),), deals=(unpaid,))
    old = Deal(status="past_due", interval="year", since=95, outcomes=("open",), terms=30)
    cast.add("credit_hold_overdue", "Old Mill Textiles Inc.", buyers=(cast.buyer(),), deals=(old,), rights=_PREMIUM)
    held = Deal(since=12, periods=6, outcomes=("draft", "open", "paid"), terms=14, pause="keep_as_draft", hold=True)
    cast.add("suspended", "Redwood Toys Inc.", buyers=(cast.buyer(),), deals=(held,), rights=_PREMIUM)
    unrecorded = Deal(status="unpaid", since=12, periods=5, outcomes=("draft", "exhausted", "paid"), collection=_AUTO)
    cast.add(
        "unpaid_unrecorded", "Silver Birch Retail Inc.", buyers=(cast.buyer(),), deals=(unrecorded,), rights=_PREMIUM
    )


def _add_life(cast: Cast) -> None:
    cast.add("merge_winner", "Two Rivers Group Inc.", buyers=(cast.buyer(),), deals=(_PAID,), rights=_PREMIUM, people=3)
    gone = {"status": "inactive", "deleted": True, "desk": False}
    cast.add(
        "merged", "Two Rivers Inc.", merged_into_id=cast.id("merge_winner"), buyers=(cast.buyer(),),
        deals=(Deal(interval="year", since=60, outcomes=("paid",)),), people=0, **gone,
    )  # fmt: skip
    ended = Deal(status="canceled", ended=70, since=95, periods=4, reason="requested", contract="terminated")
    cast.add("deleted", "Vanished Ventures Inc.", buyers=(cast.buyer(),), deals=(ended,), people=1, **gone)
    cast.add(
        "prospect", "Wishful Robotics Inc.", kind="prospect", status="prospect", prospects=("proposal",), desk=False
    )
    cast.add(
        "churned", "Yesteryear Games Inc.", status="inactive", buyers=(cast.buyer(),), deals=(ended,),
        rights=(Right(plan="standard", start=-500, end=-136),),
    )  # fmt: skip
    cast.add(
        "sanctions",
        "Blackwater Shipping Ltd.",
        restriction="sanctions",
        buyers=(cast.buyer(),),
        deals=(_PAID,),
        rights=_PREMIUM,
    )
    cast.add("_legal_hold", "Litigious Leasing Inc.", restriction="legal_hold", buyers=(cast.buyer(),), deals=(_PAID,))
    cast.add("_fraud", "Quick Cash Media Inc.", restriction="fraud", buyers=(cast.buyer(),), deals=(_PAID,))


def _add_places(cast: Cast) -> None:
    open_newest = Deal(since=8, periods=4, seats=25, outcomes=("open", "paid"), metered=True)
    cast.add(
        "yen",
        "北斗ロボティクス株式会社",
        buyers=(cast.buyer("JP", "JPY", limit=9_000_000),),
        deals=(open_newest,),
        **_JAPANESE,
    )
    both = (cast.buyer("US", "USD"), cast.buyer("DE", "EUR"))
    deals = (open_newest, Deal(since=15, periods=3, outcomes=("open", "paid"), buyer=1, product="CLOUD-TEAM"))
    cast.add("two_entities", "Atlantic Bridge Inc.", buyers=both, deals=deals, rights=_PREMIUM, people=4)
    dinar = Deal(interval="year", since=10, outcomes=("open",), seats=7)
    cast.add(
        "dinar", "Pearl Trading W.L.L.", buyers=(cast.buyer("DE", "KWD"),), deals=(dinar,), region="EMEA", country="KW"
    )


def _add_rights(cast: Cast) -> None:
    lapsed = Deal(
        interval="year", since=377, ended=12, status="canceled", schedule="completed", reason="requested",
        outcomes=("paid",), renewal="manual", contract="expired", renewing="negotiation",
    )  # fmt: skip
    ended = (Right(plan="premium", start=-377, end=-12, renewing=True),)
    cast.add("renewal_grace", "Lantern Health Inc.", buyers=(cast.buyer(),), deals=(lapsed,), rights=ended)
    future = Deal(status="incomplete", starts_in=20, periods=0, schedule="not_started", contract="draft")
    coming = (Right(plan="premium", start=20, end=384),)
    cast.add("future_start", "Tomorrow Labs Inc.", buyers=(cast.buyer(),), deals=(future,), rights=coming)
    breached = (Ticket(priority="urgent", clock="breached", age=30, mirror="escalated"),)
    cast.add(
        "breached_sla",
        "Patience Logistics Inc.",
        buyers=(cast.buyer(),),
        deals=(_PAID,),
        rights=_PREMIUM,
        tickets=breached,
    )


def _add_packs(cast: Cast) -> None:
    for name, title, left in (("one_left", "Last Ticket Inc.", 1), ("exhausted", "Empty Pockets Inc.", 0)):
        pack = (Right(plan="standard", total=5, remaining=left),)
        cast.add(f"pack_{name}", title, buyers=(cast.buyer(),), deals=(_PAID,), rights=pack, tickets=(Ticket(),))


def _add_family(cast: Cast) -> None:
    """One right of the parent covers its children; one child has a better one of its own."""
    shared = (Right(plan="premium", coverage="affiliates"),)
    deal = Deal(
        product="CLOUD-ENTERPRISE", seats=200, interval="year", since=40, outcomes=("paid",), support="SUPPORT-PREMIUM"
    )
    cast.add(
        "parent_of_40", "Evergreen Franchise Group Inc.", buyers=(cast.buyer(),), deals=(deal,), rights=shared, people=5
    )
    child = {"parent_id": cast.id("parent_of_40")}
    own = (Right(plan="platinum"),)
    cast.add("child_with_own_plan", "Evergreen Store 1", buyers=(cast.buyer(),), deals=(_PAID,), rights=own, **child)
    cast.add("affiliate_covered", "Evergreen Store 2", tickets=(Ticket(),), **child)
    for number in range(3, _CHILDREN + 1):
        cast.add(f"_child_{number}", f"Evergreen Store {number}", people=number % 2, desk=number % 4 == 0, **child)


def _add_trade(cast: Cast) -> None:
    parties: dict[str, Any] = {"end_customer_id": cast.id("end_customer"), "reseller_id": cast.id("reseller")}
    deal = Deal(since=9, periods=3, outcomes=("open", "paid"), seats=15, **parties)
    sale = Sale(booked="billed", bill_to_id=cast.id("reseller"), **parties)
    cast.add(
        "reseller",
        "Channel Partners GmbH",
        kind="partner",
        buyers=(cast.buyer("DE", "EUR"),),
        deals=(deal,),
        sales=(sale,),
        **_GERMAN,
    )
    cast.add(
        "end_customer",
        "Stadtwerke Nordhafen",
        rights=(Right(plan="premium", deal=None),),
        tickets=(Ticket(),),
        **_GERMAN,
    )


def _add_doubts(cast: Cast) -> None:
    """Accounts whose records elsewhere are claimed twice, or linked by nothing but a domain."""
    claimed = cast.buyer(linked=False)
    claim = {"claims": claimed.billing_id, "rights": _PREMIUM}
    cast.add("ambiguous", "Mirror Lake Inc.", buyers=(claimed,), deals=(_PAID,), **claim)
    cast.add("_ambiguous_twin", "Mirror Lake Incorporated", **claim)
    cast.add(
        "unlinked", "Lone Pine Inc.", buyers=(cast.buyer(linked=False),), deals=(_PAID,), twists=("unlinked_desk",)
    )


def _add_odd(cast: Cast) -> None:
    cast.add(
        "null_everything", "?", buyers=(cast.buyer(limit=None),), bare=True, region=None, country=None, people=1,
        deals=(Deal(since=2),),
    )  # fmt: skip
    cast.add(
        "unicode",
        "Müller's Söhne & 株式会社北星 🚀 \"O'Brien\"",
        buyers=(cast.buyer("DE", "EUR"),),
        deals=(_PAID,),
        tickets=(Ticket(),),
        **_GERMAN,
    )
