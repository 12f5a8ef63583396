"""Changes of what runs as a gateway judges them: by those checks of a validation that concern one."""

from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from resolvers.sagas.asking import Asking, asking
from resolvers.sagas.writes.changing import JUDGED, Change, Item
from resolvers.validation.checks.table import CODES
from resolvers.validation.submission import Submission
from sources import canonical as c
from sources.canonical import Money
from sources.errors import Unavailable
from tests.resolvers import world
from tests.resolvers.validation import orders as o
from tests.resolvers.world import ACCOUNT, NOW, Shelf, usd

HERE = Asking(subject="rita", roles=frozenset({"revops"}), operation="op-1")
ADDED = usd(12_000)  # two more units at 10.00, for six months


def change(quantity: int = 12, **given: Any) -> Change:
    """Two more units, until the end on the ninth of September."""
    plain: dict[str, Any] = {
        "subscription": o.subscription(),
        "parties": c.Parties(sold_to_key=ACCOUNT, bill_to_key=ACCOUNT),
        "items": (Item(price="price_1", quantity=Decimal(quantity)),),
        "adds": usd(max(quantity - 10, 0) * 12_000),
        "start_on": o.MARCH,
    }
    return Change(**plain | given)


def renewal(**given: Any) -> Change:
    days = {"start_on": date(2026, 9, 10), "end_on": date(2027, 9, 9), "renews": True, "adds": usd(120_000)}
    return change(10, **days | given)


class UnderWay:
    """Others on their way have taken some of the credit."""

    def __init__(self, taken: int) -> None:
        self.taken = usd(taken)

    async def orders(self, account: str, since: Any, without: str | None) -> list[c.Order]:
        return []

    async def reserved(self, payer: str, entity: str) -> list[Money]:
        assert (payer, entity) == (ACCOUNT, "US")
        return [self.taken]


async def judged(asked: Change, on: Shelf | None = None, taken: int = 0, who: Asking = HERE) -> Any:
    judge = Submission(lambda: o.context().rules, None)
    judge.under_way = UnderWay(taken)
    with asking(who):
        return await judge.change(on or o.shelf(changing=True), asked, NOW)


async def said(asked: Change, on: Shelf) -> list[tuple[str, str | None, str | None]]:
    return [(each.code, each.path, each.owner) for each in (await judged(asked, on)).findings]


def test_what_a_change_is_judged_by_are_checks_of_a_validation() -> None:
    assert JUDGED < CODES


@pytest.mark.parametrize(("asked", "added"), [(change(), ADDED), (change(9), usd(0)), (renewal(), usd(120_000))])
async def test_a_change_with_nothing_wrong_is_told_what_it_adds_and_what_is_left(asked: Change, added: Money) -> None:
    found = await judged(asked, taken=5_000)
    assert (found.findings, found.amount) == ((), added)
    assert found.headroom == usd(990_000), "before this one and the others, which are counted where it is reserved"


HOLD = [{"credit_hold_override": c.CreditHoldOverride.ON}, {"credit_limit": usd(10_000), "balance": usd(10_000)}]


@pytest.mark.parametrize("asked", [change(), change(9), renewal()])
@pytest.mark.parametrize("held", HOLD)
async def test_a_hold_stops_every_change(asked: Change, held: dict[str, Any]) -> None:
    found = await said(asked, o.shelf(changing=True, profiles=[o.profile(**held)]))
    assert ("CREDIT_HOLD", None, "credit_manager") in found


async def test_the_hold_of_whoever_pays_by_the_erps_word_stops_it() -> None:
    on = o.shelf(changing=True, profiles=[o.profile(payer_id="902")])
    on.put("key", "902", o.profile("902", account_key="001P", credit_hold_override=c.CreditHoldOverride.ON))
    assert ("CREDIT_HOLD", None, "credit_manager") in await said(change(), on)


async def test_what_is_not_in_the_erp_leaves_credit_to_its_manager_unless_nothing_is_added() -> None:
    on = o.shelf(changing=True, profiles=[o.profile(balance=None, hold_preference=c.HoldPreference.WARN_ONLY)])
    assert await said(change(), on) == [("CREDIT_EXCEEDED", None, "credit_manager")]
    assert await said(change(9), on) == []
    metered = msgspec.structs.replace(o.subscription(), mrr=None)  # nobody knows what it comes to
    on = o.shelf(changing=True, subscription=[metered])
    assert await said(change(subscription=metered, adds=None), on) == [("CREDIT_EXCEEDED", None, "credit_manager")]
    assert await said(change(9, subscription=metered), on) == []


async def test_support_is_not_lowered_while_an_urgent_case_is_open() -> None:
    high = o.price("price_h", product_key="prod_h", lookup_key="support-premium-month-usd")
    held = c.SubscriptionItem(key="si_h", price=high, product_key="prod_h", quantity=1)
    running = o.subscription(items=(*o.subscription().items, held), mrr=usd(11_000))
    on = o.shelf(changing=True, subscription=[running])
    on.put("account", ACCOUNT, world.case(number="77", priority=c.Priority.URGENT))
    on.put("key", "price_h", high).put("key", "prod_h", o.product("prod_h", code="SUPPORT-PREMIUM"))
    [(code, path, owner)] = await said(change(10, subscription=running), on)
    assert (code, path, owner) == ("ENTITLEMENT_CONFLICT", "lines", None), "nobody lets that go on"
    kept = (*change(10).items, Item(price="price_h", quantity=Decimal(1)))
    assert await said(change(subscription=running, items=kept), on) == []


async def test_a_source_that_is_away_is_asked_again_and_nothing_else_is_read() -> None:
    on = o.shelf(changing=True).fail(c.BillingProfile, "account")
    with pytest.raises(Unavailable, match="CREDIT"):
        await judged(change(), on)
    await judged(change(), whole := o.shelf(changing=True))
    read = {record for record, _, _ in whole.asked}
    assert not read & {each.__name__ for each in (c.ErpItem, c.TaxProfile, c.Invoice, c.Order, c.Meter)}
