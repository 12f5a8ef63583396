"""Orders that are drafted, activated, taken back and reduced in the simulated organisation."""

import asyncio
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from sources import canonical as c
from sources.canonical import Money, OrderStatus, UnitPrice
from sources.canonical.commands import ActivateOrder, CancelOrder, PutOrder, ReduceOrder, SoldLine
from sources.canonical.order import Parties
from sources.errors import Ambiguous, BadAsk, Contended, Duplicate, Locked, Missing, OutcomeUnknown, Rejected, Remedy
from tests.sources.salesforce.simulator.book import ACME, CONTRACT, ORDER, PLAIN, SEAT_PRICE, UMLAUT, crm, key
from tests.sources.salesforce.writers.conftest import Crash, Open, World


def sold(name: str = "a", quantity: str = "3", price: str = "40.00", **changes: Any) -> SoldLine:
    line = SoldLine(
        key=name,
        product_code="SEAT",
        quantity=Decimal(quantity),
        unit_price=UnitPrice(Decimal(price), "USD"),
        service_on=date(2026, 12, 1),
    )
    return replace(line, **changes)


def draft(*lines: SoldLine, **changes: Any) -> PutOrder:
    command = PutOrder(
        operation="op-1",
        correlation="req-1",
        account_key=ACME,
        currency="USD",
        effective_on=date(2026, 12, 1),
        lines=lines or (sold(),),
    )
    return replace(command, **changes)


def many(count: int) -> PutOrder:
    return draft(*(sold(f"line-{number}", str(number + 1), "0.01") for number in range(count)))


async def test_a_draft_is_made_with_its_lines_and_our_reader_shows_it(world: World) -> None:
    parties = Parties(bill_to_key=UMLAUT, end_customer_key=PLAIN, payer_key=UMLAUT, sold_to_key=ACME)
    command = draft(
        sold("a", "3", "40.00"),
        sold("b", "0.5", "19.99", description="half a seat"),
        purchase_order="PO 7",
        legal_entity="US",
        parties=parties,
    )
    done = await world.do(command, "op-1:order")
    order = await world.read(c.Order, done.key)
    assert (order.status, order.number, order.account_key) == (OrderStatus.DRAFT, done.number, ACME)
    assert (order.operation, order.legal_entity, order.parties) == ("op-1", "US", parties)
    assert {line.key: (line.product_code, line.quantity) for line in order.lines} == {
        done.parts["a"]: ("SEAT", Decimal(3)),
        done.parts["b"]: ("SEAT", Decimal("0.5")),
    }
    assert done.amounts == {"total": Money(13_000, "USD")} == {"total": order.total}
    assert not done.replayed
    rows = world.org.rows("SELECT Gateway_Op_Id__c, Gateway_Correlation__c, PoNumber FROM Order WHERE PoNumber != null")
    assert [(row["Gateway_Op_Id__c"], row["Gateway_Correlation__c"], row["PoNumber"]) for row in rows] == [
        ("op-1:order", "req-1", "PO 7")
    ]


@pytest.mark.parametrize("count", [1, 22, 23, 60])
async def test_the_same_key_makes_one_order_however_often_it_is_sent(world: World, count: int) -> None:
    command = many(count)
    first = await world.do(command, "op-1:order")
    again = await world.do(command, "op-1:order")
    assert (again.replayed, replace(again, replayed=False, at=first.at)) == (True, first)
    assert await world.find(command, "op-1:order") == again
    assert len(first.parts) == count
    assert world.effects("order.create", "order_item.create") == ["order.create", *["order_item.create"] * count]
    assert first.amounts["total"].minor == sum(range(1, count + 1))


@pytest.mark.parametrize("crash", [0, 1, 2])
async def test_a_crash_between_the_calls_leaves_a_draft_that_a_repetition_completes(world: World, crash: int) -> None:
    command = many(60)
    world.wire.crash = crash
    with pytest.raises(Crash):
        await world.do(command, "op-1:order")
    found = await world.find(command, "op-1:order")
    assert (len(found.parts) if found else 0) == 22 * crash
    done = await world.do(command, "op-1:order")
    assert len(set(done.parts.values())) == 60
    assert world.effects("order.create", "order_item.create") == ["order.create", *["order_item.create"] * 60]
    order = await world.read(c.Order, done.key)
    assert order.total == done.amounts["total"] == Money(sum(range(1, 61)), "USD")


async def test_twenty_at_once_with_one_key_are_one_order(world: World) -> None:
    done = await asyncio.gather(*(world.do(many(30), "op-1:order") for _ in range(20)))
    assert {(each.key, each.number, each.amounts["total"]) for each in done} == {
        (done[0].key, done[0].number, Money(465, "USD"))
    }
    assert world.effects("order.create", "order_item.create") == ["order.create", *["order_item.create"] * 30]


async def test_a_lost_answer_is_told_as_unknown_and_found_by_its_key(world: World) -> None:
    command = draft()
    world.wire.lost = 1
    with pytest.raises(OutcomeUnknown) as lost:
        await world.do(command, "op-1:order")
    assert lost.value.remedy is Remedy.READ_THEN_REPEAT
    assert world.wire.writes == 1  # nothing was sent twice by itself
    found = await world.find(command, "op-1:order")
    assert found is not None
    assert (await world.do(command, "op-1:order")).key == found.key
    assert world.effects("order.create") == ["order.create"]


async def test_what_was_never_sent_is_not_found(world: World) -> None:
    assert await world.find(draft(), "op-1:order") is None


@pytest.mark.parametrize(
    "other",
    [
        draft(account_key=PLAIN),
        draft(sold("a", "4")),
        draft(sold("a"), sold("b")),
        draft(sold("z")),
    ],
    ids=["account", "quantity", "one line more", "another line"],
)
async def test_the_same_key_for_another_order_is_refused_or_makes_the_rest(world: World, other: PutOrder) -> None:
    await world.do(draft(), "op-1:order")
    if len(other.lines) == 2:  # what is missing of a draft is what a repetition brings
        assert len((await world.do(other, "op-1:order")).parts) == 2
        return
    for ask in (world.do, world.find):
        with pytest.raises(Duplicate):
            await ask(other, "op-1:order")
    assert world.effects("order.create", "order_item.create") == ["order.create", "order_item.create"]


@pytest.mark.parametrize(
    ("command", "error"),
    [
        (draft(sold(product_code="NOTHING")), Rejected),
        (draft(sold(unit_price=UnitPrice(Decimal(1), "EUR"))), BadAsk),
        (draft(sold("a"), sold("a")), BadAsk),
        (replace(draft(), lines=()), BadAsk),
        (draft(end_on=date(2026, 1, 1)), Rejected),
        (draft(contract_key=CONTRACT, account_key=PLAIN), Rejected),
        (draft(sold(quantity="-1")), Rejected),
        (draft(sold(description="see @{order.id}")), BadAsk),
        (draft(account_key=key("001", 99)), Rejected),
    ],
    ids=["no price", "currency", "twice", "no line", "ends first", "contract", "quantity", "reference", "account"],
)
async def test_an_order_against_the_rules_is_refused_and_leaves_nothing(
    world: World, command: PutOrder, error: type[Exception]
) -> None:
    with pytest.raises(error):
        await world.do(command, "op-1:order")
    assert world.effects() == []


async def test_a_refused_line_takes_the_draft_back_with_it(world: World) -> None:
    command = draft(*many(40).lines, sold("bad", "-1"))
    with pytest.raises(Rejected):
        await world.do(command, "op-1:order")
    assert world.effects("order.create", "order.delete") == ["order.create", "order.delete"]
    assert await world.find(command, "op-1:order") is None
    good = replace(command, lines=command.lines[:-1])
    assert len((await world.do(good, "op-1:order")).parts) == 40


async def test_a_draft_that_was_cut_short_can_be_taken_back(world: World) -> None:
    command = many(60)
    world.wire.crash = 1
    with pytest.raises(Crash):
        await world.do(command, "op-1:order")
    half = await world.find(command, "op-1:order")
    assert half is not None
    await world.do(CancelOrder(operation="op-1", order_key=half.key), "op-1:cancel")
    assert (await world.read(c.Order, half.key)).status is OrderStatus.CANCELED


async def test_a_line_that_is_refused_later_leaves_the_draft_of_an_earlier_attempt(world: World) -> None:
    command = draft(*many(40).lines, sold("bad", "-1"))
    world.wire.crash = 1
    with pytest.raises(Crash):
        await world.do(command, "op-1:order")
    with pytest.raises(Rejected):
        await world.do(command, "op-1:order")
    assert world.effects("order.delete") == []
    assert await world.find(command, "op-1:order") is not None


async def test_a_draft_that_may_still_be_there_is_an_unknown_outcome(world: World) -> None:
    world.wire.loses.add("order.withdraw")
    with pytest.raises(OutcomeUnknown, match="may have kept the order"):
        await world.do(draft(*many(40).lines, sold("bad", "-1")), "op-1:order")


@pytest.mark.parametrize(
    ("line", "digits"),
    [
        (sold(quantity="1.005"), {}),
        (sold(price="0.125"), {}),
        (sold(quantity="0.5"), {"quantity_decimals": 0}),
        (sold(price="0.12"), {"price_decimals": 1}),
    ],
)
async def test_digits_that_the_org_does_not_keep_are_refused(opened: Open, line: SoldLine, digits: Any) -> None:
    async with opened(**digits) as world:
        with pytest.raises(Rejected, match="digits after the point"):
            await world.do(draft(line), "op-1:order")
        assert world.effects() == []
        made = await world.do(draft(sold(quantity="3.000", price="40.0")), "op-2:order")
        again = replace(reduction(made, a="1"), lines={made.parts["a"]: Decimal("0.001")})
        with pytest.raises(Rejected, match="digits after the point"):
            await world.do(again, "op-2:reduce")


async def test_a_product_with_two_active_prices_is_ambiguous(opened: Open) -> None:
    book = crm()
    twin = replace(book.products[0], id=key("01t", 2), price_id=key("01u", 2))
    async with opened(replace(book, products=(*book.products, twin))) as world:
        with pytest.raises(Ambiguous):
            await world.do(draft(), "op-1:order")


async def test_a_price_book_can_be_named(opened: Open) -> None:
    async with opened(price_book=key("01s", 9)) as world:
        with pytest.raises(Rejected, match="price"):
            await world.do(draft(), "op-1:order")


# ---------------------------------------------------------------- activation


async def test_a_draft_is_activated_once_and_then_frozen(world: World) -> None:
    made = await world.do(draft(), "op-1:order")
    command = ActivateOrder(operation="op-1", order_key=made.key)
    assert await world.find(command, "op-1:activate") is None
    done = await world.do(command, "op-1:activate")
    again = await world.do(command, "op-1:activate")
    assert (done.replayed, again.replayed, again.key) == (False, True, made.key)
    assert await world.find(command, "op-1:activate") == again
    assert (await world.read(c.Order, made.key)).status is OrderStatus.APPROVED
    assert world.effects("order.activate") == ["order.activate"]
    with pytest.raises(Locked):
        await world.do(CancelOrder(operation="op-1", order_key=made.key), "op-1:cancel")


async def test_a_lost_activation_is_found_and_not_done_twice(world: World) -> None:
    made = await world.do(draft(), "op-1:order")
    command = ActivateOrder(operation="op-1", order_key=made.key)
    world.wire.lost = 1
    with pytest.raises(OutcomeUnknown):
        await world.do(command, "op-1:activate")
    assert await world.find(command, "op-1:activate") is not None
    assert (await world.do(command, "op-1:activate")).replayed
    assert world.effects("order.activate") == ["order.activate"]


async def test_an_account_under_sanctions_is_refused_by_the_organisation(opened: Open) -> None:
    async with opened() as world:
        made = await world.do(draft(account_key=PLAIN), "op-1:order")  # on legal hold
        with pytest.raises(Rejected):
            await world.do(ActivateOrder(operation="op-1", order_key=made.key), "op-1:activate")
        assert world.effects("order.activate") == []


async def test_a_row_that_somebody_else_holds_is_tried_again_and_then_told(world: World) -> None:
    made = await world.do(draft(), "op-1:order")
    world.hold(rows=[ACME])
    before = world.wire.writes
    with pytest.raises(Contended):
        await world.do(ActivateOrder(operation="op-1", order_key=made.key), "op-1:activate")
    assert world.wire.writes - before == 3
    world.hold(rows=[])
    await world.do(ActivateOrder(operation="op-1", order_key=made.key), "op-1:activate")


async def test_a_record_in_approval_is_locked(world: World) -> None:
    made = await world.do(draft(), "op-1:order")
    world.hold(approvals=[made.key])
    with pytest.raises(Locked):
        await world.do(ActivateOrder(operation="op-1", order_key=made.key), "op-1:activate")


# ---------------------------------------------------------------- taking back


async def test_a_draft_is_taken_back_once_and_never_activated_again(world: World) -> None:
    made = await world.do(draft(), "op-1:order")
    command = CancelOrder(operation="op-1", order_key=made.key)
    done, again = await world.do(command, "op-1:cancel"), await world.do(command, "op-1:cancel")
    assert (done.replayed, again.replayed) == (False, True)
    assert (await world.read(c.Order, made.key)).status is OrderStatus.CANCELED
    assert world.effects("order.cancel") == ["order.cancel"]
    with pytest.raises(Locked):
        await world.do(ActivateOrder(operation="op-1", order_key=made.key), "op-1:activate")
    assert (await world.do(draft(), "op-1:order")).replayed  # the key stays used
    with pytest.raises(Missing):
        await world.do(CancelOrder(operation="op-1", order_key=key("801", 99)), "op-1:other")


# ---------------------------------------------------------------- reductions


async def activated(world: World, *lines: SoldLine) -> Any:
    made = await world.do(draft(*lines), "op-1:order")
    await world.do(ActivateOrder(operation="op-1", order_key=made.key), "op-1:activate")
    return made


def reduction(made: Any, **lines: str) -> ReduceOrder:
    quantities = {made.parts[name]: Decimal(quantity) for name, quantity in lines.items()}
    return ReduceOrder(operation="op-2", order_key=made.key, effective_on=date(2027, 1, 1), lines=quantities)


async def test_a_reduction_is_an_activated_order_of_its_own(world: World) -> None:
    made = await activated(world, sold("a", "10"), sold("b", "2"))
    command = reduction(made, a="4")
    done, again = await world.do(command, "op-2:reduce"), await world.do(command, "op-2:reduce")
    assert (done.replayed, again.replayed, again.parts) == (False, True, done.parts)
    assert await world.find(command, "op-2:reduce") == again
    order = await world.read(c.Order, done.key)
    assert (order.reduction, order.original_order_key, order.status) == (True, made.key, OrderStatus.APPROVED)
    assert [(line.key, line.quantity) for line in order.lines] == [(done.parts[made.parts["a"]], Decimal(-4))]
    assert order.total == done.amounts["total"] == Money(-16_000, "USD")
    assert (await world.read(c.Order, made.key)).total == Money(48_000, "USD")
    assert world.effects("order.create", "order.activate") == ["order.create", "order.activate"] * 2


async def test_no_more_is_reduced_than_there_is(world: World) -> None:
    made = await activated(world, sold("a", "10"))
    await world.do(reduction(made, a="7"), "op-2:reduce")
    with pytest.raises(Rejected):
        await world.do(reduction(made, a="4"), "op-3:reduce")
    assert len(world.effects("order.create")) == 2
    await world.do(reduction(made, a="3"), "op-4:reduce")


async def test_a_large_reduction_that_was_cut_short_is_completed_and_only_then_activated(world: World) -> None:
    made = await activated(world, *(sold(f"l{number}", "5") for number in range(45)))
    command = reduction(made, **{f"l{number}": "1" for number in range(45)})
    world.wire.crash = 1
    with pytest.raises(Crash):
        await world.do(command, "op-2:reduce")
    half = await world.find(command, "op-2:reduce")
    assert half is not None
    assert (await world.read(c.Order, half.key)).status is OrderStatus.DRAFT
    done = await world.do(command, "op-2:reduce")
    order = await world.read(c.Order, done.key)
    assert (order.status, len(order.lines)) == (OrderStatus.APPROVED, 45)
    assert len(world.effects("order.create")) == 2


async def test_only_an_activated_order_and_its_own_lines_are_reduced(world: World) -> None:
    made = await world.do(draft(), "op-1:order")
    with pytest.raises(Rejected):
        await world.do(reduction(made, a="1"), "op-2:reduce")
    strange = ReduceOrder(
        operation="op-2", order_key=ORDER, effective_on=date(2027, 1, 1), lines={made.parts["a"]: Decimal(1)}
    )
    with pytest.raises(Rejected, match="no line"):
        await world.do(strange, "op-2:other")
    for nothing in ({}, {"x": Decimal(0)}, {"x": Decimal(-1)}):
        with pytest.raises(BadAsk):
            await world.do(replace(strange, lines=nothing), "op-2:none")


# ---------------------------------------------------------------- arithmetic

_LINES = st.lists(
    st.tuples(
        st.decimals(Decimal("0.01"), Decimal(500), places=2), st.decimals(Decimal(0), Decimal("9999.99"), places=2)
    ),
    min_size=1,
    max_size=30,
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(amounts=_LINES)
async def test_a_total_is_the_sum_of_its_lines_to_the_cent(
    world: World, amounts: list[tuple[Decimal, Decimal]]
) -> None:
    lines = [sold(str(place), str(quantity), str(price)) for place, (quantity, price) in enumerate(amounts)]
    done = await world.do(draft(*lines), f"op-{world.wire.writes}:order")
    exact = [(quantity * price).quantize(Decimal("0.01"), ROUND_HALF_UP) for quantity, price in amounts]
    assert done.amounts["total"].amount == sum(exact)
    order = await world.read(c.Order, done.key)
    read = {line.key: (line.quantity, line.unit_price) for line in order.lines}
    for place, (quantity, price) in enumerate(amounts):
        assert read[done.parts[str(place)]] == (quantity, UnitPrice(price, "USD"))


def test_the_book_has_the_price_that_these_orders_use() -> None:
    assert crm().products[0].price_id == SEAT_PRICE
