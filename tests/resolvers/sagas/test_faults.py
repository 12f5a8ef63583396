"""What the long writes tell which system, in order; every fault of every step is `test_fault_matrix.py`'s."""

from datetime import date
from typing import Any

import msgspec
import pytest

from resolvers.desk import Desk
from resolvers.sagas.grounds import Asker
from resolvers.sagas.writes.renew_subscription import RenewSubscription
from resolvers.sagas.writes.reverse_order import ReverseOrder
from sources import canonical as c
from sources.store import reservations
from sources.store.operations import Outcome, State
from tests.resolvers.sagas.asked import DEAL, FINANCE, ORDERED, OVER, PRODUCT, REVOPS, SALE, SEATS, TERM, right
from tests.resolvers.sagas.conftest import House, Open

LATE, REVERSED = "renewSubscription", "reverseOrder"
FORWARD: dict[str, list[str]] = {
    LATE: [
        "PutOrder", "PlaceSalesOrder", "PrepareSubscription", "ReleaseSubscription", "ApproveSalesOrder", "GrantRight",
        "SetSupportPlan", "TouchCases", "ActivateOrder", "SetContract", "ChangeOpportunity", "PostInvoice",
    ],
    REVERSED: [
        "CancelSubscription", "CreditInvoice", "CreditPosted", "CloseSalesOrder", "EndRight", "SetSupportPlan",
        "TouchCases", "ReduceOrder", "SetContract", "OpenCase",
    ],
}  # fmt: skip
GIVEN: dict[str, Any] = {
    LATE: RenewSubscription(subscription="sub_1"),
    REVERSED: ReverseOrder(order="801A", explanation="It was ordered twice."),
}


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
    over = msgspec.structs.replace(TERM, status="EXPIRED", end_on=date(2026, 11, 11), start_on=date(2025, 11, 12))
    house.systems.records += [over, DEAL, right("premium", date(2026, 11, 11))]
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


async def whole(house: House) -> None:
    """Nothing is held back for it any more, and the audit has no gap."""
    assert await house.store.read(reservations.held, "credit", "A-1/US", "USD") == 0
    assert await house.audit_breaks() == []


@pytest.mark.parametrize("mutation", FORWARD)
async def test_every_system_is_told_once_in_order(opened: Open, mutation: str) -> None:
    house = await opened()
    operation = await house.ended(await sent(house, mutation))
    assert (operation.state, operation.reason) == (State.COMPLETED, None)
    assert house.sent() == FORWARD[mutation]
    await whole(house)


async def test_a_reversal_that_billing_refuses_has_ended_nothing(opened: Open) -> None:
    house = await opened({"CancelSubscription": ["refuse"]})
    operation = await house.ended(await sent(house, REVERSED))
    assert (operation.state, house.sent()) == (State.COMPENSATED, [])
    again = await house.send(REVERSED, GIVEN[REVERSED], REVOPS)
    assert again.member is Outcome.NEEDS_APPROVAL, "it may be asked for again"
