"""What every builder is given: the present, the ids, the chances, the company, and the books to write into."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal

from gateway.enterprise.amounts import ZERO
from gateway.enterprise.books import Books
from gateway.enterprise.catalogue import Catalogue
from gateway.enterprise.company import Company
from gateway.enterprise.mint import Mint
from gateway.enterprise.sketch import Buyer, Sketch
from gateway.enterprise.streams import Streams
from sources.simulation.enterprise import DeskTicket


@dataclass(frozen=True)
class World:
    """The surroundings of all accounts."""

    now: datetime
    mint: Mint
    streams: Streams
    company: Company
    catalogue: Catalogue
    books: Books
    sketches: dict[str, Sketch]  # by account id

    def past(self, at: datetime) -> datetime:
        """`at`, but not later than the present."""
        return min(at, self.now)

    def ago(self, days: float) -> datetime:
        """So many days before the present (after it when negative)."""
        return self.now - timedelta(days=days)

    def day(self, days: int) -> date:
        """Today and so many days, in UTC."""
        return self.now.date() + timedelta(days=days)


@dataclass
class Tally:
    """What the documents of one buyer add up to while they are written."""

    credit: Decimal = ZERO  # kept on the billing customer's balance
    newest: tuple[datetime, bool] | None = None  # the newest change of any invoice: was it for the worse
    open_posted: list[tuple[Decimal, date]] = field(default_factory=list)  # (remaining, due)
    unapplied: Decimal = ZERO
    unbilled: Decimal = ZERO
    yearly: Decimal = ZERO  # recurring revenue of a year

    @property
    def delinquent(self) -> bool:
        """As billing says it: whether the newest change of any invoice was a failure or a missed due date."""
        return self.newest is not None and self.newest[1]

    def change(self, at: datetime, worse: bool) -> None:
        """Notes a change of one invoice."""
        if self.newest is None or at >= self.newest[0]:
            self.newest = (at, worse)


@dataclass
class Dossier:
    """What has been made of a sketch so far, for the builders that come later."""

    sketch: Sketch
    organization_id: int | None
    contact_ids: list[str] = field(default_factory=list)
    contact_emails: list[str | None] = field(default_factory=list)
    requester_ids: list[int] = field(default_factory=list)
    tickets: list[DeskTicket] = field(default_factory=list)
    subscription_ids: list[str] = field(default_factory=list)
    contract_ids: list[str | None] = field(default_factory=list)
    right_ids: list[str] = field(default_factory=list)
    tallies: list[Tally] = field(default_factory=list)

    def buyer(self, place: int) -> tuple[Buyer, Tally]:
        """One of the account's customers and what it owes."""
        return self.sketch.buyers[place], self.tallies[place]
