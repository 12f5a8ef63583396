"""Processes are killed in the middle of their orders, again and again: none is lost, none doubled, none half done."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from bench.kills.effects import Effect, by_operation, doubled_parties, wrong
from bench.kills.orders import Buyer, Kind, Order
from bench.kills.report import markdown, result
from bench.kills.scene import Plan, run
from bench.kills.verdict import judge
from sources.store.operations import State
from tests.databases import fresh_postgres, fresh_sqlite

ROUNDS = 20


@pytest.fixture(params=["sqlite", "postgresql"])
def plan(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Plan]:
    if request.param == "sqlite":
        store = fresh_sqlite(tmp_path)
        durable = store.replace("opsgraph.db", "durable.db")
        yield Plan(store=store, durable=durable, rounds=ROUNDS, at_once=2)
        return
    with fresh_postgres() as url:
        yield Plan(store=url, durable=url, rounds=ROUNDS, at_once=2, apart=True)


@pytest.mark.crash
@pytest.mark.slow
def test_orders_survive_kills(plan: Plan, tmp_path: Path) -> None:
    log = run(plan, tmp_path)
    verdict = judge(log)
    assert verdict.faults == (), (tmp_path / "crew.log").read_text()[-2000:]
    assert len(log.orders) == sum(verdict.states.values()) == ROUNDS * plan.at_once
    assert verdict.in_flight >= ROUNDS / 2, "too many kills came before or after the work"
    assert verdict.states.keys() >= {State.COMPLETED, State.COMPENSATED}
    assert verdict.answers > len(log.orders), "answers are compared"
    assert "| **0** |" in markdown({"here": result(log, verdict, "this machine")})


# ---------------------------------------------------------------- what the judgement would notice

WHOLE = (
    "order.create", "order_item.create", "salesOrder.create", "subscription.create", "invoice.finalise",
    "salesOrder.approve", "entitlement.create", "order.activate",
)  # fmt: skip
BACK = ("subscription.cancel", "salesOrder.close", "order.cancel")
LATER = (
    "order.create", "order_item.create", "salesOrder.create", "entitlement.create", "schedule.create",
    "invoice.finalise", "salesOrder.approve", "order.activate",
)  # fmt: skip
TAKEN_BACK = ("schedule.cancel", "entitlement.delete", "salesOrder.close", "order.cancel")


def told(state: State, *kinds: str, kind: Kind = Kind.SUPPORTED) -> list[str]:
    """What the judgement says of an order that left these effects."""
    buyer = Buyer("A-1", "US", "USD", "price_1", Decimal("6.00"))
    tier = "premium" if kind in (Kind.SUPPORTED, Kind.LATER, Kind.RECALLED) else None
    order = Order("key", buyer, kind, tier, date(2026, 11, 21))
    return list(wrong(order, state, [Effect(str(number), "any", each, "1") for number, each in enumerate(kinds)]))


def test_what_is_whole_is_not_complained_of() -> None:
    assert told(State.COMPLETED, *WHOLE) == []
    assert told(State.COMPENSATED, *WHOLE[:4], *BACK) == []
    assert told(State.COMPENSATED, *WHOLE[:3], *BACK[1:]) == []
    assert told(State.COMPENSATED, *WHOLE[:4], "invoice.finalise", "invoice.void", *BACK, kind=Kind.CHARGED) == []
    assert told(State.REJECTED, "customer.create") == []
    assert told(State.NEEDS_ATTENTION, *WHOLE[:2]) == []
    assert told(State.NEEDS_ATTENTION, *WHOLE[:4], *BACK[:1]) == []
    assert told(State.COMPLETED, *LATER, kind=Kind.LATER) == []
    assert told(State.COMPENSATED, *LATER[:5], *TAKEN_BACK, kind=Kind.RECALLED) == []
    assert told(State.CANCELED, kind=Kind.RECALLED) == []


def test_what_starts_later_is_not_half_taken_back_and_not_done_where_it_was_called_back() -> None:
    assert told(State.COMPLETED, *LATER, kind=Kind.RECALLED)
    assert told(State.COMPENSATED, *LATER[:5], TAKEN_BACK[0], *TAKEN_BACK[2:], kind=Kind.RECALLED), "the right is left"
    assert told(State.COMPLETED, *LATER[:5], kind=Kind.LATER), "its day has come"


@pytest.mark.parametrize("missing", range(len(WHOLE)))
def test_a_completed_order_without_one_of_its_effects_is_half_done(missing: int) -> None:
    assert told(State.COMPLETED, *WHOLE[:missing], *WHOLE[missing + 1 :])


@pytest.mark.parametrize("kind", WHOLE)
def test_an_effect_that_happens_again_is_a_double(kind: str) -> None:
    assert told(State.COMPLETED, *WHOLE, kind) == [f"doubled: {kind}"]


@pytest.mark.parametrize("missing", range(len(BACK)))
def test_what_is_left_of_an_order_that_was_taken_back_is_noticed(missing: int) -> None:
    assert told(State.COMPENSATED, *WHOLE[:4], *BACK[:missing], *BACK[missing + 1 :])


def test_the_wrong_order_of_things_is_noticed() -> None:
    assert told(State.COMPENSATED, *WHOLE[:4], *reversed(BACK))
    assert told(State.COMPLETED, WHOLE[2], WHOLE[0], WHOLE[1], *WHOLE[3:])
    assert told(State.COMPENSATED, *WHOLE[:2], *BACK[2:], WHOLE[2], BACK[1])


def test_an_order_that_is_taken_back_past_the_point_of_no_return_is_noticed() -> None:
    assert told(State.COMPENSATED, *WHOLE, *BACK)
    assert told(State.COMPENSATED, *WHOLE[:4], "invoice.finalise", *BACK, kind=Kind.CHARGED), "it is still owed"
    assert told(State.REJECTED, *WHOLE[:1])
    assert told(State.NEEDS_ATTENTION, *WHOLE), "nobody has anything left to decide"


def test_effects_are_told_apart_by_operation() -> None:
    one, other = "1" * 32, "2" * 32
    made = Effect("1", "billing", "invoice.create", "in_1", idempotency_key=f"{one}:subscription")
    void = Effect("2", "billing", "invoice.void", "in_1")
    sold = Effect("3", "erp", "salesOrder.create", "7", operation=other)
    new = Effect("4", "billing", "customer.create", "cus_1", idempotency_key="customer:billing:A-1:US:USD")
    assert by_operation([made, void, sold, new]) == {one: [made, void], other: [sold], None: [new]}
    assert doubled_parties([new]) == []
    [said] = doubled_parties([new, msgspec.structs.replace(new, key="cus_2")])
    assert "customer:billing:A-1:US:USD" in said
