"""What a write costs our own database, counted: transactions, and statements in them."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event

from resolvers.sagas.writes.order_steps import STEPS
from sources.store.steps import StepOutcome
from tests.resolvers.sagas.conftest import House
from tests.resolvers.sagas.orders import order


@contextmanager
def counted(house: House) -> Iterator[Counter[str]]:
    """`commit` and `statement`, as long as the block lasts; what only looks is rolled back, and is no commit. Ringing for
    other processes is neither: it comes after, and nobody waits for it."""
    engines, found = {house.store._engine, house.store._looking}, Counter[str]()

    def commit(connection: Any) -> None:
        found["commit"] += not connection.info.pop("rings", False)

    def statement(connection: Any, _cursor: Any, said: str, *_given: Any) -> None:
        rings = said.startswith("NOTIFY")
        found["statement"] += not rings
        if rings:
            connection.info["rings"] = True

    heard = (("commit", commit), ("before_cursor_execute", statement))
    for engine in engines:
        for name, hear in heard:
            event.listen(engine, name, hear)
    yield found
    for engine in engines:
        for name, hear in heard:
            event.remove(engine, name, hear)


@pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
async def test_an_order_takes_one_transaction_to_accept_and_two_for_each_step(house: House) -> None:
    await house.ended(await house.send("submitOrder", order()))
    given = order(account="A-1")
    with counted(house) as found:
        answer = await house.send("submitOrder", given)
        await house.ended(answer)
    done = [step for step in await house.steps(answer) if step.outcome is StepOutcome.OK]
    ours = 2  # credit is reserved and given back in our own tables, by one more each
    assert found["commit"] == 1 + 1 + 2 * len(done) + ours + 1, "accepted, judged, begun and noted, ended"
    assert found["statement"] <= 17 * len(done), "none of them only to see what was written just now"
    assert len(await house.durable.checkpoints(answer.operation.id if answer.operation else "")) == len(STEPS) + 2
