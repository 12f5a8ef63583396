"""What an amendment comes to: what is sold with it, from when it costs, what it credits."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from resolvers.sagas.judge import _unread
from resolvers.sagas.writes.amend_subscription import AmendSubscription, amend_subscription
from resolvers.sagas.writes.amendment_terms import AmendedLine, gone, priced_at, sold
from sources import canonical as c
from sources.canonical import Money
from sources.canonical.commands import PreviewChange
from sources.errors import Ambiguous
from tests.fakes.ledger import NOW, company
from tests.resolvers.sagas.conftest import House

BOOK = {each.key: each for each in company() if isinstance(each, c.Price)}
ITEM = c.SubscriptionItem(key="si_1", price=BOOK["price_1"], product_key="prod_1", quantity=100)


def subscription(**more: Any) -> c.AccountSubscription:
    standing = next(each for each in company() if isinstance(each, c.AccountSubscription))
    return msgspec.structs.replace(standing, items=(ITEM,), **more)


def line(quantity: int, item: str | None = "si_1") -> AmendedLine:
    return AmendedLine(price="price_1", quantity=Decimal(quantity), item=item, product="SEAT")


@pytest.mark.parametrize(
    ("lines", "quantities"),
    [((line(120),), [20]), ((line(100),), []), ((line(90),), []), ((line(5, None),), [5]), ((line(0),), [])],
)
def test_only_what_is_added_is_sold(lines: tuple[AmendedLine, ...], quantities: list[int]) -> None:
    found = sold(subscription(), lines, BOOK, {}, NOW.date(), date(2027, 3, 31))
    assert [each.quantity for each in found] == quantities
    assert {(each.service_on, each.end_on) for each in found} <= {(NOW.date(), date(2027, 3, 31))}


def test_what_is_sold_is_called_as_billing_has_it_where_nobody_says() -> None:
    nameless = AmendedLine(price="price_1", quantity=Decimal(2))
    [found] = sold(subscription(), (nameless,), BOOK, {"prod_1": "SEAT"}, NOW.date(), None)
    assert (found.product_code, found.quantity) == ("SEAT", Decimal(2))
    assert sold(subscription(), (nameless,), BOOK, {"prod_1": None}, NOW.date(), None) == ()


@pytest.mark.parametrize(
    ("lines", "goes"),
    [
        ((line(90),), {"SEAT": Decimal(10)}),
        ((line(0),), {"SEAT": Decimal(100)}),
        ((line(120),), {}),
        ((line(5, None),), {}),
        ((AmendedLine(price="price_2", quantity=Decimal(100), item="si_1"),), {"SEAT": Decimal(100)}),
    ],
)
def test_what_goes_is_what_is_less_or_gets_another_price(
    lines: tuple[AmendedLine, ...], goes: dict[str, Decimal]
) -> None:
    assert gone(subscription(), lines, {"prod_1": "SEAT"}) == goes
    assert gone(subscription(), lines, {}) == {}, "of what has no code of ours nobody has an order"


def test_a_change_costs_the_same_all_day_and_not_before_what_is_paid_begins() -> None:
    morning, evening = datetime(2026, 11, 21, 7, 30, tzinfo=UTC), datetime(2026, 11, 21, 21, 0, 1, tzinfo=UTC)
    assert priced_at(subscription(), morning) == priced_at(subscription(), evening)
    began = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
    assert priced_at(subscription(period_start=began), evening) == began


async def test_what_a_change_credits_is_asked_of_billing_at_the_instant_it_will_cost(house: House) -> None:
    house.systems.records = [
        subscription() if isinstance(each, c.AccountSubscription) else each for each in house.systems.records
    ]
    asked: list[PreviewChange] = []

    async def preview(change: PreviewChange, entity: str | None) -> Mapping[str, Money]:
        asked.append(change)
        return {"proration": Money(-4_200, "USD")}

    given = AmendSubscription(subscription="sub_1", lines=(line(99),))
    facts = await amend_subscription(preview).gather(house.writes.room.read, given, NOW)
    assert facts.figures["credit"] == Money(4_200, "USD")
    assert facts.known["prorate_at"] == msgspec.to_builtins(asked[0].prorate_at)
    wrong = msgspec.structs.replace(given, lines=(line(99, "si_404"),))
    await amend_subscription(preview).gather(house.writes.room.read, wrong, NOW)
    assert len(asked) == 1, "what is refused is not asked"


def test_whose_a_record_is_has_to_be_told_by_who_owns_the_links() -> None:
    facts = _unread(Ambiguous("two accounts claim it", source="billing"), last=False)
    assert facts
    assert [(each.code, each.owner) for each in facts.findings] == [("IDENTITY_AMBIGUOUS", "revops")]
