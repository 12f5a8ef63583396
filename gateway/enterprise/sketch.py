"""Sketches: in few words, what an account is to be; the builders turn a sketch into entries of the four books."""

from __future__ import annotations

import msgspec


class Buyer(msgspec.Struct, frozen=True, kw_only=True):
    """The account as customer of one legal entity in one currency: one customer in billing, one in the ERP."""

    billing_id: str | None  # None = not in billing
    erp_id: str | None  # None = not in the ERP
    entity: str
    currency: str
    hold: str = "auto"
    limit: int | None = None
    terms: int = 30  # days
    linked: bool = True  # the other systems name the CRM account
    tax_exempt: str = "none"


class Deal(msgspec.Struct, frozen=True, kw_only=True):
    """One subscription. The newest period began `since` days ago and is the `periods`-th one billed."""

    product: str = "CLOUD-BUSINESS"
    interval: str = "month"
    seats: int = 10
    status: str = "active"
    since: int = 10
    periods: int = 1
    outcomes: tuple[str, ...] = ()  # of the newest invoices, newest first; the others are paid
    postings: tuple[str, ...] = ()  # how the newest invoices reached the ERP; the others `posted`
    add_ons: tuple[str, ...] = ()
    support: str | None = None  # support product
    metered: bool = False
    collection: str = "invoice"  # or automatic
    terms: int = 30  # days until due
    renewal: str = "auto"
    pause: str | None = None
    hold: bool = False
    pending: bool = False
    schedule: str | None = None
    starts_in: int | None = None  # days; a subscription of the future
    trial: int | None = None  # days until (negative: since) the end of the trial
    cancel: str | None = None  # `at` a day, or at period `end`
    ended: int | None = None  # days ago
    reason: str | None = None
    contract: str | None = "activated"
    renewing: str | None = None  # stage of the renewal opportunity
    buyer: int = 0
    end_customer_id: str | None = None
    reseller_id: str | None = None
    varied: bool = False  # what happened to the other invoices is left to chance


class Right(msgspec.Struct, frozen=True, kw_only=True):
    """One support entitlement in the CRM; days are counted from today."""

    plan: str = "standard"
    start: int | None = -200
    end: int | None = 165
    total: int | None = None  # of a pack
    remaining: int | None = None
    coverage: str = "own"
    covers: tuple[str, ...] = ()
    renewing: bool = False  # ended, but its renewal is under way
    deal: int | None = 0


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """One case; `clock` is running, paused, achieved, breached, late (achieved after the breach) or none."""

    status: str = "open"
    priority: str | None = "normal"
    clock: str = "running"
    age: int = 30  # hours
    kind: str | None = "incident"
    mirror: str | None = None  # status of the CRM's copy


class Sale(msgspec.Struct, frozen=True, kw_only=True):
    """One order in the CRM and, where `booked` names a status, in the ERP."""

    status: str = "activated"
    booked: str | None = "billed"
    product: str = "CLOUD-BUSINESS"
    quantity: int = 10
    deal: int | None = 0
    reduction: bool = False
    bill_to_id: str | None = None
    end_customer_id: str | None = None
    reseller_id: str | None = None


class Sketch(msgspec.Struct, frozen=True, kw_only=True):
    """One account."""

    id: str
    name: str
    domain: str
    kind: str = "customer"
    status: str = "active"
    region: str | None = "AMER"
    country: str | None = "US"
    parent_id: str | None = None
    restriction: str | None = None
    merged_into_id: str | None = None
    deleted: bool = False
    known: bool = True  # the CRM has it; what the other systems have of an unknown one, they have alone
    bare: bool = False  # every field that may be empty is
    age: int = 900  # days
    buyers: tuple[Buyer, ...] = ()
    deals: tuple[Deal, ...] = ()
    rights: tuple[Right, ...] = ()
    tickets: tuple[Ticket, ...] = ()
    sales: tuple[Sale, ...] = ()
    people: int = 2
    prospects: tuple[str, ...] = ()  # stages of opportunities that are no renewals
    transfers: tuple[str, ...] = ()  # statuses of ERP payments that nobody has matched
    manual_invoices: int = 0  # open invoices that only the ERP has
    desk: bool = True  # has an organization in the support desk
    claims: str | None = None  # billing customer id the CRM copied, where it is not the first buyer's
    twists: tuple[str, ...] = ()  # deliberate contradictions, and `parent_pays`, which is none

    def has(self, twist: str) -> bool:
        """Whether the account carries this contradiction."""
        return twist in self.twists
