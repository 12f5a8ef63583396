"""Every step of the long writes failing in turn: each effect once and in order, and whole on the way back."""

from datetime import UTC, date, datetime
from typing import Any

import msgspec
import pytest

from resolvers.desk import Desk
from resolvers.sagas.grounds import Asker
from resolvers.sagas.instruction import Action
from resolvers.sagas.writes.renew_subscription import RenewSubscription
from resolvers.sagas.writes.reverse_order import ReverseOrder
from sources import canonical as c
from sources.store import reservations
from sources.store.operations import Operation, Outcome, State
from tests.resolvers.sagas.asked import FINANCE, ORDERED, PRODUCT, REVOPS, SALE, SEATS, TERM, record
from tests.resolvers.sagas.conftest import House, Open

LATE, REVERSED = "renewSubscription", "reverseOrder"
FORWARD: dict[str, list[str]] = {
    LATE: [
        "PutOrder", "PlaceSalesOrder", "PrepareSubscription", "ReleaseSubscription", "ApproveSalesOrder", "GrantRight",
        "SetSupportPlan", "TouchCases", "ActivateOrder", "SetContract", "ChangeOpportunity",
    ],
    REVERSED: [
        "CancelSubscription", "CreditInvoice", "CreditPosted", "CloseSalesOrder", "EndRight", "SetSupportPlan",
        "TouchCases", "ReduceOrder", "SetContract", "OpenCase",
    ],
}  # fmt: skip
PIVOT = {LATE: "ReleaseSubscription", REVERSED: "CancelSubscription"}
BACK = {"PrepareSubscription": "DropSubscription", "PlaceSalesOrder": "CloseSalesOrder", "PutOrder": "CancelOrder"}
GIVEN: dict[str, Any] = {
    LATE: RenewSubscription(subscription="sub_1"),
    REVERSED: ReverseOrder(order="801A", explanation="It was ordered twice."),
}
STEPS = [(mutation, step) for mutation, steps in FORWARD.items() for step in steps]
BEFORE = [(LATE, step) for step in FORWARD[LATE][: FORWARD[LATE].index("ReleaseSubscription") + 1]]
AFTER = [(mutation, step) for mutation, step in STEPS if (mutation, step) not in BEFORE and step != PIVOT[mutation]]
OVER = datetime(2026, 11, 12, tzinfo=UTC)  # nine days before


def right(tier: str, ends_on: date) -> c.Entitlement:
    found: c.Entitlement = record(
        c.Entitlement, "550A", account_key="A-1", name=tier, support_tier=tier, subscription_key="sub_1",
        status=c.EntitlementStatus.ACTIVE, ends_on=ends_on,
    )  # fmt: skip
    return found


def remade(house: House, kind: type[Any], **changes: Any) -> None:
    house.systems.records = [
        msgspec.structs.replace(each, **changes) if type(each) is kind else each for each in house.systems.records
    ]


def arranged(house: House, mutation: str) -> None:
    """What has to be there: a subscription that ended nine days ago, or one that an order began."""
    house.systems.records += [PRODUCT, ORDERED, SALE]
    remade(house, c.AccountSubscription, items=(SEATS,), order_key="801A", source_account_id="cus_1")
    if mutation == REVERSED:
        house.systems.records += [TERM, right("premium", date(2027, 11, 30))]
        remade(house, c.SupportOrganization, support_plan="premium")
        return
    deal = record(
        c.Renewal, "006A", account_key="A-1", name="x", subscription_key="sub_1", stage="x", open=True, won=False
    )
    over = msgspec.structs.replace(TERM, status="EXPIRED", end_on=date(2026, 11, 11), start_on=date(2025, 11, 12))
    house.systems.records += [over, deal, right("premium", date(2026, 11, 11))]
    remade(house, c.AccountSubscription, status=c.SubscriptionStatus.EXPIRED, ended_at=OVER)


async def sent(house: House, mutation: str, asker: Asker = REVOPS) -> Any:
    """Asked for, and approved where somebody has to."""
    arranged(house, mutation)
    answer = await house.send(mutation, GIVEN[mutation], asker)
    if answer.member is Outcome.NEEDS_APPROVAL:
        await house.until(answer, State.AWAITING_APPROVAL)
        [asked] = await house.approvals(answer)
        await Desk(house.writes).approve(FINANCE, asked.id, asked.evidence_hash)
    return answer


async def whole(house: House, operation: Operation) -> None:
    """Nothing is held back for it any more, and the audit has no gap."""
    assert await house.store.read(reservations.held, "credit", "A-1/US", "USD") == 0
    assert await house.audit_breaks() == []
    if operation.state is not State.COMPLETED:
        assert house.ledger.open_records(operation.id) == set()


@pytest.mark.parametrize("mutation", FORWARD)
async def test_every_system_is_told_once_in_order(opened: Open, mutation: str) -> None:
    house = await opened()
    operation = await house.ended(await sent(house, mutation))
    assert (operation.state, operation.reason) == (State.COMPLETED, None)
    assert house.sent() == FORWARD[mutation]
    await whole(house, operation)


@pytest.mark.parametrize(("mutation", "step"), STEPS)
async def test_what_was_done_without_an_answer_is_found_and_not_done_again(
    opened: Open, mutation: str, step: str
) -> None:
    house = await opened({step: ["lose"]})
    operation = await house.ended(await sent(house, mutation))
    assert operation.state is State.COMPLETED
    assert house.sent() == FORWARD[mutation]


@pytest.mark.parametrize(("mutation", "step"), BEFORE)
async def test_a_refusal_before_the_point_of_no_return_takes_everything_back(
    opened: Open, mutation: str, step: str
) -> None:
    house = await opened({step: ["refuse"]})
    operation = await house.ended(await sent(house, mutation))
    done = FORWARD[mutation][: FORWARD[mutation].index(step)]
    assert operation.state is State.COMPENSATED
    assert house.sent() == [*done, *(BACK[each] for each in reversed(done))]
    await whole(house, operation)


@pytest.mark.parametrize(("mutation", "step"), AFTER)
async def test_a_refusal_past_it_only_goes_forward(opened: Open, mutation: str, step: str) -> None:
    house = await opened({step: ["refuse"]})
    answer = await sent(house, mutation)
    await house.until(answer, State.NEEDS_ATTENTION)
    await house.tell(answer, Action.COMPENSATE)  # is not heard: there is no way back
    await house.tell(answer, Action.RESUME)
    operation = await house.ended(answer)
    assert operation.state is State.COMPLETED
    assert house.sent() == FORWARD[mutation]
    await whole(house, operation)


async def test_a_reversal_that_billing_refuses_has_ended_nothing(opened: Open) -> None:
    house = await opened({"CancelSubscription": ["refuse"]})
    operation = await house.ended(await sent(house, REVERSED))
    assert (operation.state, house.sent()) == (State.COMPENSATED, [])
    again = await house.send(REVERSED, GIVEN[REVERSED], REVOPS)
    assert again.member is Outcome.NEEDS_APPROVAL, "it may be asked for again"
