"""What one person does at the same moment is counted one after the other, whichever tables it is written in.

On PostgreSQL, where transactions run beside each other: each test holds one back between counting and writing down.
"""

import asyncio
import threading
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text

from policies.writes.records import DOCUMENT, Pair
from resolvers.desk import Desk
from resolvers.sagas.instruction import Action
from resolvers.sagas.refused import Refused
from sources.store import grounds
from sources.store.exceptions import ExceptionItem
from sources.store.operations import State
from tests.resolvers.desk.people import FAY, FINN, asked, one, stuck
from tests.resolvers.sagas.conftest import RULES, House, Open
from tests.resolvers.sagas.orders import credit

pytestmark = pytest.mark.parametrize("database", ["postgresql"], indirect=True)
CORA = one("cora", "finance_controller", "revops")
TWICE = replace(RULES, pairs=(*RULES.pairs, Pair("credit_approval", "credit_approval", DOCUMENT, RULES.pairs[0].place)))


class Slow(Desk):
    """Has counted, and writes it down only when it is told to, or after three seconds."""

    def __init__(self, house: House) -> None:
        super().__init__(house.writes)
        self.counted, self.told = threading.Event(), threading.Event()

    def _decide(self, *given: Any) -> Any:
        self.counted.set()
        self.told.wait(3.0)
        return super()._decide(*given)


async def both(slow: Slow, first: Coroutine[Any, Any, Any], second: Coroutine[Any, Any, Any]) -> tuple[str, ...]:
    """Why the second one was refused; it begins when the first one has counted, and before that is written down."""
    begun = asyncio.ensure_future(first)
    await asyncio.wait(
        [begun, asyncio.ensure_future(asyncio.to_thread(slow.counted.wait, 10))], return_when=asyncio.FIRST_COMPLETED
    )
    other = asyncio.ensure_future(second)
    await asyncio.wait([other], timeout=0.5)
    slow.told.set()
    await begun
    with pytest.raises(Refused) as caught:
        await other
    return caught.value.reasons


async def test_who_approves_does_not_ask_for_the_same_matter_at_the_same_moment(house: House) -> None:
    _, (question,) = await asked(house)
    slow = Slow(house)
    approving = slow.approve(FAY, question.id, question.evidence_hash)
    assert await both(slow, approving, house.send("issueCredit", credit("1.00"), FAY)) == (
        "DUTIES_CONFLICT ask + approve",
    )


async def test_who_approves_does_not_approve_what_is_forbidden_with_it_at_the_same_moment(opened: Open) -> None:
    house = await opened(rules=TWICE)
    (_, (one_,)), (_, (other,)) = await asked(house), await asked(house, "601.00")
    slow = Slow(house)
    approving = slow.approve(FAY, one_.id, one_.evidence_hash)
    again = Desk(house.writes).approve(FAY, other.id, other.evidence_hash)
    assert await both(slow, approving, again) == ("DUTIES_CONFLICT",)


async def test_who_approves_does_not_assign_at_the_same_moment(opened: Open) -> None:
    house = await opened({"CreditPosted": ["lock"]})
    _, raised = await stuck(house)
    slow = Slow(house)
    _, (question,) = await slow.resolve(FINN, raised.id, Action.RESUME, "open now", {"posted_on": "2026-12-01"})
    approving = slow.approve(CORA, question.id, question.evidence_hash)
    assigning: Coroutine[Any, Any, ExceptionItem] = slow.assign(CORA, raised.id, "finn", "his")
    assert "DUTIES_CONFLICT exception_assignment + approve" in await both(slow, approving, assigning)


async def test_what_is_judged_before_it_begins_waits_for_what_its_asker_does(house: House) -> None:
    """What it touches by then may be more than the asker saw."""
    answer, (question,) = await asked(house)
    held, over = threading.Event(), threading.Event()

    def hold(connection: Any) -> None:
        grounds.one_at_a_time(connection, ["person:finn"])
        held.set()
        over.wait(10)

    holding = asyncio.ensure_future(house.store.transact(hold))
    assert await asyncio.to_thread(held.wait, 10)
    try:
        await Desk(house.writes).approve(FAY, question.id, question.evidence_hash)
        waiting = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
        async with asyncio.timeout(5):
            while not await house.store.read(lambda connection: connection.execute(waiting).scalar()):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert (await house.operation(answer)).state is State.AWAITING_APPROVAL
    finally:
        over.set()
        await holding
    assert (await house.ended(answer)).state is State.COMPLETED
