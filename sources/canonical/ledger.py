"""LegalEntity, AccountingPeriod, ExchangeRate, TaxProfile, RevenueSchedule, LedgerPosting: what only the ERP knows."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import StrEnum

from sources.canonical.money import Money
from sources.canonical.record import Owned, Record


class LegalEntity(Record, frozen=True, gc=False, kw_only=True):
    """A company of ours; key = its code (`US`, `DE`), the ERP subsidiary's external id. Owner: ERP."""

    name: str
    country: str | None = None
    currency: str
    time_zone: str = "UTC"  # IANA
    parent_key: str | None = None
    inactive: bool = False
    tax_number: str | None = None


class AccountingPeriod(Record, frozen=True, gc=False, kw_only=True):
    """A posting period; key = ERP period id. Owner: ERP."""

    name: str
    start_on: date
    end_on: date
    closed: bool = False
    receivables_locked: bool = False
    all_locked: bool = False


class ExchangeRate(Record, frozen=True, gc=False, kw_only=True):
    """How much of `base` one unit of `currency` is worth from a day on, until there is a later one; key = ERP rate id.
    Found by `day`: those in effect on a day, under what `on` makes of it. Owner: ERP."""

    base: str
    currency: str
    effective_on: date
    rate: Decimal

    @staticmethod
    def on(base: str, day: date) -> str:
        """The key of all that are in effect for a base currency on a day."""
        return f"{base}@{day.isoformat()}"


class TaxProfile(Owned, frozen=True, gc=False, kw_only=True):
    """How an account is taxed by one legal entity; key = ERP customer id. Owner: ERP."""

    legal_entity: str | None = None
    tax_number: str | None = None
    nexus: str | None = None
    country: str | None = None
    exempt: bool = False
    exemption_reason: str | None = None
    reverse_charge: bool = False


class RevenueState(StrEnum):
    """How far a schedule is."""

    PLANNED = "PLANNED"
    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED = "COMPLETED"
    ON_HOLD = "ON_HOLD"


class RevenueSchedule(Owned, frozen=True, gc=False, kw_only=True):
    """How one obligation's revenue is recognised; read, never computed. key = ERP element id. Owner: ERP."""

    obligation: str
    method: str | None = None
    state: RevenueState
    legal_entity: str | None = None
    start_on: date | None = None
    end_on: date | None = None
    allocated: Money
    recognised: Money
    deferred: Money
    block_reason: str | None = None
    invoice_key: str | None = None
    subscription_key: str | None = None


class LedgerPosting(Owned, frozen=True, gc=False, kw_only=True):
    """One general-ledger line of a posted document; key = `{transaction}:{line}`. Owner: ERP."""

    invoice_key: str | None = None
    document_id: str
    ledger_account: str
    debit: Money
    credit: Money
    period: str | None = None
    posted_on: date | None = None
    legal_entity: str | None = None
    exchange_rate: Decimal | None = None
