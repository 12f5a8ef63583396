"""Northwind Cloud itself: legal entities, periods, people, and what its support plans promise."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from gateway.enterprise.amounts import CURRENCIES, exchange_rate
from gateway.enterprise.mint import Mint
from gateway.enterprise.months import add_months
from gateway.enterprise.words import FIRST_NAMES, LAST_NAMES
from sources.simulation.enterprise import (
    CrmSlaProcess,
    DeskGroup,
    DeskPlanTarget,
    DeskPolicy,
    DeskUser,
    ErpEntity,
    ErpPeriod,
    ErpRate,
    User,
)

_PERIODS_BACK, _PERIODS_AHEAD = 22, 1
_ENTITIES = (
    ("US", "Northwind Cloud Inc.", "USD", "America/New_York", "47-1234567"),
    ("DE", "Northwind Cloud GmbH", "EUR", "Europe/Berlin", "DE301234567"),
    ("JP", "Northwind Cloud K.K.", "JPY", "Asia/Tokyo", "T7010401012345"),
)
PLANS = ("standard", "premium", "platinum")
# Minutes until the first reply, by plan and priority; the other targets follow from it.
_FIRST_REPLY = {
    "standard": {"urgent": 240, "high": 480, "normal": 960, "low": 1920},
    "premium": {"urgent": 60, "high": 120, "normal": 480, "low": 960},
    "platinum": {"urgent": 15, "high": 60, "normal": 240, "low": 480},
}
_TARGETS = (("first_reply_time", 1), ("next_reply_time", 2), ("requester_wait_time", 8))


class Company(msgspec.Struct, frozen=True, kw_only=True):
    """What every account deals with."""

    entities: tuple[ErpEntity, ...]
    periods: tuple[ErpPeriod, ...]
    period_ids: dict[tuple[int, int], str]  # by year and month
    rates: tuple[ErpRate, ...]
    owners: tuple[User, ...]
    sla_processes: tuple[CrmSlaProcess, ...]
    policies: tuple[DeskPolicy, ...]
    groups: tuple[DeskGroup, ...]
    agents: tuple[DeskUser, ...]

    def entity(self, code: str) -> ErpEntity:
        """The legal entity with this code."""
        return next(entity for entity in self.entities if entity.code == code)

    def local_day(self, code: str, at: datetime) -> date:
        """The calendar day at the entity's seat."""
        return at.astimezone(_ZONES[code]).date()


_ZONES = {code: ZoneInfo(zone) for code, _, _, zone, _ in _ENTITIES}


def make_company(mint: Mint, now: datetime) -> Company:
    """Three entities, 24 months, two dozen people."""
    periods = tuple(_months(now.date()) + _longer(now.date()))
    return Company(
        entities=_entities(mint),
        periods=periods,
        period_ids={(one.start_on.year, one.start_on.month): one.id for one in periods if one.posting},
        rates=_rates(periods[0].start_on),
        owners=tuple(_owner(mint, number) for number in range(12)),
        sla_processes=tuple(_sla_process(mint, plan) for plan in PLANS),
        policies=tuple(_policy(mint, plan, place) for place, plan in enumerate(reversed(PLANS), 1)),
        groups=tuple(
            DeskGroup(id=mint.number("group"), name=name) for name in ("Support", "Billing questions", "Escalations")
        ),
        agents=tuple(_agent(mint, number, now) for number in range(10)),
    )


def _entities(mint: Mint) -> tuple[ErpEntity, ...]:
    return tuple(
        ErpEntity(
            id=str(mint.number("entity")),
            code=code,
            name=name,
            country=code,
            currency=currency,
            time_zone=zone,
            parent_id=None if code == "US" else "1",
            tax_number=number,
        )
        for code, name, currency, zone, number in _ENTITIES
    )


def _months(today: date) -> list[ErpPeriod]:
    this = today.replace(day=1)
    return [
        ErpPeriod(
            id=str(101 + _PERIODS_BACK + ahead),
            name=f"{add_months(this, ahead):%b %Y}",
            start_on=add_months(this, ahead),
            end_on=add_months(this, ahead + 1) - timedelta(days=1),
            closed=ahead < -1,
            receivables_locked=ahead < 0,
            all_locked=ahead < -2,
            posting=True,
        )
        for ahead in range(-_PERIODS_BACK, _PERIODS_AHEAD + 1)
    ]


def _rates(since: date) -> tuple[ErpRate, ...]:
    """Of every currency in each of ours: the one that all documents were booked at."""
    bases = [currency for _, _, currency, _, _ in _ENTITIES]
    pairs = [(base, each) for base in bases for each in CURRENCIES if each != base]
    return tuple(
        ErpRate(id=str(place), base=base, currency=each, effective_on=since, rate=exchange_rate(each, base))
        for place, (base, each) in enumerate(pairs, 1)
    )


def _longer(today: date) -> list[ErpPeriod]:
    """Last year and its quarters: periods that nothing posts to."""
    first = date(today.year - 1, 1, 1)
    spans = [(f"FY {first.year}", 0, 12)] + [(f"Q{quarter + 1} {first.year}", quarter * 3, 3) for quarter in range(4)]
    return [
        ErpPeriod(
            id=str(901 + place),
            name=name,
            start_on=add_months(first, start),
            end_on=add_months(first, start + months) - timedelta(days=1),
            closed=today.month > 2,
            receivables_locked=True,
            all_locked=today.month > 3,
            posting=False,
        )
        for place, (name, start, months) in enumerate(spans)
    ]


def _owner(mint: Mint, number: int) -> User:
    first, last = FIRST_NAMES[number * 2], LAST_NAMES[-number - 1]
    return User(id=mint.crm("005"), name=f"{first} {last}", email=f"owner{number + 1}@northwind-cloud.example")


def _sla_process(mint: Mint, plan: str) -> CrmSlaProcess:
    return CrmSlaProcess(id=mint.crm("552"), plan=plan, name=f"{plan.title()} Support", active=True)


def _policy(mint: Mint, plan: str, position: int) -> DeskPolicy:
    return DeskPolicy(
        id=mint.number("policy"),
        plan=plan,
        title=plan.title(),
        position=position,
        targets=tuple(
            DeskPlanTarget(
                priority=priority, metric=metric, minutes=minutes * factor, business_hours=plan != "platinum"
            )
            for priority, minutes in _FIRST_REPLY[plan].items()
            for metric, factor in _TARGETS
        ),
    )


def _agent(mint: Mint, number: int, now: datetime) -> DeskUser:
    return DeskUser(
        id=mint.number("desk_user"),
        contact_id=None,
        name=f"{FIRST_NAMES[number]} {LAST_NAMES[number]}",
        email=f"agent{number + 1}@northwind-cloud.example",
        role="admin" if number == 0 else "agent",
        organization_id=None,
        phone=None,
        suspended=number == 9,
        created_at=now - timedelta(days=1500),
        updated_at=now - timedelta(days=30),
    )
