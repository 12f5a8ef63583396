"""Reading what a write must know: one record or several, a failure raised, nothing guessed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from resolvers.sagas.saga import Finding, Read
from sources import canonical as c
from sources.canonical import Money, MoneyError, Record
from sources.errors import Ambiguous, BadAsk
from sources.ports import Filter, Page, Rows

R = TypeVar("R", bound=Record)
URGENT = Page(
    first=20,
    filters=(
        Filter("status", "in", tuple(each for each in c.CaseStatus if each not in ("RESOLVED", "CLOSED"))),
        Filter("priority", "eq", c.Priority.URGENT),
    ),
)
"""Of a customer's cases the urgent ones that somebody still works on."""


class NotThere(BadAsk):
    """A record that is named and not there, or not for whoever asks. Its `key` is kept beside the message, which says
    only the place in an input where it stands, where there is one."""

    def __init__(self, record: type[Record], key: str, path: str | None = None) -> None:
        named = "of this key" if path is None else f"of `{path}`"
        message = f"there is no {record.__name__} {named}, or it is not for you: check the key"
        super().__init__(message, path=path, unsent=path is not None)
        self.record, self.key = record, key

    def at(self, path: str) -> NotThere:
        """The same, told of its place."""
        return NotThere(self.record, self.key, path)


async def many(read: Read, record: type[R], by: str, *keys: str) -> list[R]:
    """The records of some keys, in order. Raises the SourceError of the first key that could not be read."""
    reading = await read(record, by, keys)
    for key in keys:
        if key in reading.errors:
            raise reading.errors[key]
    return [
        each for key in keys if key in reading.rows for each in reading.rows[key].records if isinstance(each, record)
    ]


async def one(read: Read, record: type[R], key: str, by: str = "key") -> R:
    """The record of a key. Raises NotThere where there is none."""
    found = await many(read, record, by, key)
    if not found:
        raise NotThere(record, key)
    return found[0]


async def some(read: Read, record: type[R], key: str | None, by: str = "key") -> R | None:
    """The first record of a key, where there is one."""
    found = await many(read, record, by, key) if key else []
    return found[0] if found else None


async def some_of(read: Read, record: type[R], account: str, page: Page) -> tuple[list[R], bool]:
    """Of an account's records those of a page; and whether these are all. Raises SourceError."""
    reading = await read(record, "account", (account,), page)
    if account in reading.errors:
        raise reading.errors[account]
    found = reading.rows.get(account, Rows())
    return [each for each in found.records if isinstance(each, record)], not found.more


def version(name: str, changed: datetime | None) -> dict[str, str]:
    """The version of what a write is about: when it was changed last, where its system says so."""
    return {name: changed.isoformat()} if changed is not None else {}


async def claimed(read: Read, record: type[R], account: str) -> tuple[list[R], list[Finding]]:
    """What another system has of an account. Where it cannot be told whose a record is, somebody has to link it before
    a second one is made beside it."""
    try:
        return await many(read, record, "account", account), []
    except Ambiguous as error:
        return [], [Finding(code=error.code, message=error.message, owner="revops")]


def money(amount: Decimal, currency: str, *, zero: bool = False) -> Money:
    """An amount that a caller gave in major units: more than nothing, unless `zero`. Raises BadAsk."""
    try:
        found = Money.of(amount, currency)
    except MoneyError as error:
        raise BadAsk(f"`amount`: {error}") from None
    if found.minor < 0 or not (found.minor or zero):
        raise BadAsk(f"`amount` is {amount}: more than nothing is expected")
    return found


async def entity(read: Read, key: str | None) -> c.LegalEntity | None:
    """A legal entity of ours, where the document names one."""
    return await some(read, c.LegalEntity, key)


def today(entity: c.LegalEntity | None, now: datetime) -> date:
    """The day in a legal entity's own zone."""
    try:
        zone = ZoneInfo(entity.time_zone) if entity is not None else UTC
    except (ZoneInfoNotFoundError, ValueError):
        zone = UTC
    return now.astimezone(zone).date()


async def periods(read: Read, day: date) -> tuple[datetime | None, list[Finding]]:
    """Since when the posting period of a day runs, and what is wrong with it."""
    period = period_of(await many(read, c.AccountingPeriod, "list", ""), day)
    if period is None:
        return None, []
    since = datetime.combine(period.start_on, time.min, UTC)
    return since, [locked(period.name)] if is_shut(period) else []


def period_of(known: Sequence[c.AccountingPeriod], day: date) -> c.AccountingPeriod | None:
    """The posting period of a day: the shortest, where a year or a quarter has it too."""
    found = [each for each in known if each.start_on <= day <= each.end_on]
    return min(found, key=lambda each: each.end_on - each.start_on, default=None)


def is_shut(period: c.AccountingPeriod) -> bool:
    """Whether a period takes no more documents of customers."""
    return period.closed or period.receivables_locked or period.all_locked


def locked(period: str) -> Finding:
    """A period that takes no more documents: finance says where they go."""
    return Finding(code="PERIOD_LOCKED", message=f"the posting period `{period}` is closed", owner="finance")


async def recurring(read: Read, account: str, functional: str) -> Decimal | None:
    """The account's annual recurring revenue in functional currency; None where any part of it cannot be told."""
    running = (c.SubscriptionStatus.ACTIVE, c.SubscriptionStatus.TRIALING, c.SubscriptionStatus.PAST_DUE)
    found = [each for each in await many(read, c.AccountSubscription, "account", account) if each.status in running]
    if not all(each.mrr is not None and each.mrr.currency == functional for each in found):
        return None
    return sum((each.mrr.amount * 12 for each in found if each.mrr is not None), Decimal(0))


def profile_of(profiles: Sequence[c.BillingProfile], legal_entity: str | None) -> c.BillingProfile | None:
    """The ERP's customer of a legal entity among those of an account; None also where it is not known which entity."""
    if legal_entity is None:
        return None
    return next((each for each in profiles if not each.inactive and each.legal_entity == legal_entity), None)


def selling(profiles: Iterable[c.BillingProfile], currency: str) -> str | None:
    """The legal entity that bills an account in a currency, by the ERP's customers of the account; None where none of
    them tells, or several do."""
    entities = {each.legal_entity for each in profiles if each.currency == currency and not each.inactive}
    return entities.pop() if len(entities) == 1 else None


def hold_reason(profile: c.BillingProfile) -> str | None:
    """Why a profile is on hold: ON; or AUTO with exposure at the limit or overdue beyond the preference's days. OFF
    never, and a preference that only warns holds nothing."""
    if profile.hold_preference is not c.HoldPreference.ENFORCE:
        return None
    if profile.credit_hold_override is c.CreditHoldOverride.ON:
        return "ON"
    if profile.credit_hold_override is c.CreditHoldOverride.OFF:
        return None
    if profile.credit_limit is not None and profile.credit_limit.minor > 0 and profile.balance is not None:
        unbilled = profile.unbilled_orders.minor if profile.unbilled_orders is not None else 0
        if profile.balance.minor + unbilled >= profile.credit_limit.minor:
            return "AUTO"
    days = profile.hold_overdue_days
    overdue = profile.overdue_balance is not None and profile.overdue_balance.minor > 0
    return "AUTO" if days is not None and overdue and profile.days_overdue > days else None


def held(*profiles: c.BillingProfile | None) -> list[Finding]:
    """A credit hold, set by somebody or by what is owed: changes wait for the credit manager."""
    if not any(each is not None and hold_reason(each) is not None for each in profiles):
        return []
    return [Finding(code="CREDIT_HOLD", message="the payer is on credit hold: changes wait", owner="credit_manager")]
