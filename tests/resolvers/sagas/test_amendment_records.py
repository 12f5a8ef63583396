"""What an amendment finds in the CRM: which orders it reduces, which contract it belongs to, which right it replaces."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from resolvers.sagas.writes.amend_subscription import AmendedLine, AmendSubscription
from resolvers.sagas.writes.amendment_records import MOST_ORDERS, Recorded, Reduction, recorded
from resolvers.sagas.writes.parties import parties_of
from sources import canonical as c
from sources.canonical import Record
from sources.store.operations import Outcome, State
from tests.fakes.ledger import NOW
from tests.resolvers.sagas.asked import ORDERED, PRODUCT, REVOPS, SALE, SEATS, TERM, record, right, usd
from tests.resolvers.sagas.conftest import House

DAY = NOW.date()
RUNNING = record(
    c.AccountSubscription, "sub_1", account_key="A-1", status=c.SubscriptionStatus.ACTIVE, legal_entity="US",
    currency="USD", items=(SEATS,), order_key="801A", mrr=usd(100_000),
)  # fmt: skip


def order(key: str, seats: int, age: int = 1, **given: Any) -> c.Order:
    """An order of seats so many days ago, of which the line is called after it."""
    line = msgspec.structs.replace(ORDERED.lines[0], key=f"{key}.1", quantity=Decimal(seats))
    plain: dict[str, Any] = {"key": key, "lines": (line,), "created_at": NOW - timedelta(days=age)}
    made: c.Order = msgspec.structs.replace(ORDERED, **plain | given)
    return made


def sale(order: str) -> c.SalesOrder:
    sold: c.SalesOrder = msgspec.structs.replace(SALE, key=f"S{order}", order_key=order, subscription_key="sub_1")
    return sold


def reduction(of: str, seats: int) -> c.Order:
    return order(f"R{of}", -seats, reduction=True, original_order_key=of)


async def found(house: House, gone: int, *records: Record, tier: str | None = None) -> tuple[Recorded, list[str]]:
    house.systems.records = [PRODUCT, *records]
    told, findings = await recorded(
        house.writes.room.read, RUNNING, parties_of(RUNNING, None), {"SEAT": Decimal(gone)} if gone else {}, tier, DAY
    )
    return told, [each.code for each in findings]


def taken(reductions: tuple[Reduction, ...]) -> dict[str, int]:
    return {line: int(goes) for each in reductions for line, goes in each.lines.items()}


FIRST, SECOND = order("801A", 10, 300), order("801B", 5, 30)


@pytest.mark.parametrize(
    ("gone", "records", "goes"),
    [
        (3, [FIRST], {"801A.1": 3}),
        (3, [FIRST, SECOND, sale("801B")], {"801B.1": 3}),
        (7, [FIRST, SECOND, sale("801B")], {"801B.1": 5, "801A.1": 2}),
        (7, [FIRST, SECOND, sale("801B"), reduction("801B", 4)], {"801B.1": 1, "801A.1": 6}),
        (3, [FIRST, SECOND], {"801A.1": 3}),  # the second is none of its own
        (12, [FIRST], {"801A.1": 10}),  # what was not ordered through the CRM is in none
        (3, [order("801A", 10, status=c.OrderStatus.CANCELED)], {}),
        (3, [order("801A", 10, effective_on=DAY + timedelta(days=9))], {}),
        (3, [order("801A", 10, end_on=DAY - timedelta(days=1))], {}),
        (3, [order("801A", 10, account_key="A-9")], {}),
        (0, [FIRST], {}),
    ],
)
async def test_what_goes_reduces_the_newest_orders_first(
    house: House, gone: int, records: list[Record], goes: dict[str, int]
) -> None:
    told, wrong = await found(house, gone, *records)
    assert (taken(told.reductions), wrong) == (goes, [])
    assert {each.effective_on for each in told.reductions} <= {DAY}


async def test_what_was_ordered_too_often_goes_in_parts(house: House) -> None:
    orders = [order(f"80{number}", 1) for number in range(MOST_ORDERS + 1)]
    records = [each for one in orders for each in (one, sale(one.key))]
    assert (await found(house, MOST_ORDERS, *records))[1] == []
    assert (await found(house, MOST_ORDERS + 1, *records))[1] == ["ORDERED_OFTEN"]


@pytest.mark.parametrize(
    ("contract", "key", "end_on"),
    [
        ({}, "800A", date(2026, 11, 30)),
        ({"status": "EXPIRED"}, None, None),
        ({"end_on": DAY - timedelta(days=1)}, None, None),
        ({"start_on": DAY + timedelta(days=1)}, None, None),
        ({"account_key": "A-9"}, None, None),
    ],
)
async def test_what_is_added_belongs_to_the_contract_that_runs(
    house: House, contract: dict[str, Any], key: str | None, end_on: date | None
) -> None:
    told, _ = await found(house, 0, msgspec.structs.replace(TERM, **contract), tier="premium")
    assert (told.contract, told.end_on, told.right_end) == (key, end_on, end_on)


@pytest.mark.parametrize(
    ("held", "tier", "replaced", "until"),
    [
        ([right("standard", date(2026, 12, 31))], "premium", "550A", DAY - timedelta(days=1)),
        ([right("standard", date(2026, 12, 31), starts_on=DAY)], "premium", "550A", DAY),
        ([right("premium", date(2026, 12, 31))], None, None, None),
        ([], "premium", None, None),
        ([msgspec.structs.replace(right("standard", date(2026, 12, 31)), subscription_key="sub_9")], "premium", None, None),
        ([msgspec.structs.replace(right("standard", date(2026, 12, 31)), status=c.EntitlementStatus.EXPIRED)], "premium", None, None),
    ],
)  # fmt: skip
async def test_the_right_that_another_one_replaces_ends_the_day_before(
    house: House, held: list[Record], tier: str | None, replaced: str | None, until: date | None
) -> None:
    told, _ = await found(house, 0, *held, tier="premium")
    assert (told.tier, told.replaced, told.replaced_until) == (tier, replaced, until)


async def test_what_goes_and_what_replaces_is_told_to_the_crm(house: House) -> None:
    house.systems.records = [
        msgspec.structs.replace(RUNNING) if isinstance(each, c.AccountSubscription) else each
        for each in (*house.systems.records, PRODUCT, TERM, FIRST, right("standard", date(2026, 12, 31)))
    ]
    lines = (
        AmendedLine(price="price_1", quantity=Decimal(7), item="si_1"),
        AmendedLine(price="price_1", quantity=Decimal(3)),
    )
    answer = await house.send(
        "amendSubscription", AmendSubscription(subscription="sub_1", lines=lines, support_tier="premium"), REVOPS
    )
    assert answer.member is Outcome.ACCEPTED
    assert (await house.ended(answer)).state is State.COMPLETED
    assert house.sent() == [
        "PutOrder", "PlaceSalesOrder", "ChangeSubscription", "ApproveSalesOrder", "GrantRight", "EndRight",
        "SetSupportPlan", "TouchCases", "ActivateOrder", "ReduceOrder",
    ]  # fmt: skip
    told = {each.command: each.fields for each in house.ledger.effects()}
    assert (told["ReduceOrder"]["order_key"], told["ReduceOrder"]["lines"]) == ("801A", {"801A.1": "3"})
    assert [each["quantity"] for each in told["PutOrder"]["lines"]] == ["3"]
    assert (told["EndRight"]["entitlement_key"], told["EndRight"]["end_on"]) == ("550A", "2026-11-20")
