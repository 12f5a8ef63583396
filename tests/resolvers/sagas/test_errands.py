"""On whose behalf a saga asks and tells: how urgent, how long, and how fresh."""

import asyncio
from typing import Any

import pytest

from sources.errand import Errand, Lane, current
from tests.resolvers.sagas.conftest import AGENT, QUICK, House
from tests.resolvers.sagas.orders import credit, order


def watched(seen: list[Errand], told: Any) -> Any:
    async def passed_on(*given: Any) -> Any:
        seen.append(current())
        return await told(*given)

    return passed_on


async def test_a_step_is_as_urgent_as_a_validation_and_has_a_deadline(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Errand] = []
    monkeypatch.setattr(house.systems.books, "do", watched(seen, house.systems.books.do))
    await house.ended(await house.send("submitOrder", order()))
    assert {each.lane for each in seen} == {Lane.VALIDATE}
    assert all(each.until < asyncio.get_running_loop().time() + QUICK.longest for each in seen)


async def test_what_is_remembered_will_do_to_accept_an_order_and_not_to_begin_it(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Errand] = []
    monkeypatch.setattr(house.systems, "read", watched(seen, house.systems.read))
    answer = await house.send("submitOrder", order())
    await house.ended(answer)
    ages = [each.max_age for each in seen]
    half = len(ages) // 2
    assert (set(ages[:half]), set(ages[half:])) == ({None}, {0.0})


async def test_what_a_command_touches_is_forgotten(house: House) -> None:
    await house.send("issueCredit", credit(), AGENT)
    assert {"invoice:in_1", "list:Invoice", "account:A-1"} <= set(house.systems.forgotten)
