"""What operations hold back until they end: no more than there is, and the same key holds it once."""

import uuid
from typing import Any

import pytest

from sources.canonical import Money
from sources.store.errors import WrongState
from sources.store.reservations import Held, amounts, end, reserve
from sources.store.store import Store
from tests.sources.store.conftest import NOW, Accepted


async def test_what_is_reserved_never_exceeds_what_there_is(store: Store, accepted: Accepted) -> None:
    operation, subject = str(uuid.uuid4()), f"pack-{uuid.uuid4()}"
    await accepted(operation)

    async def hold(key: str, quantity: int) -> Any:
        return await store.transact(
            reserve, f"{operation}:{key}", operation, "incidents", subject, quantity, "pcs", NOW, most=5
        )

    assert (await hold("one", 3)).quantity == 3
    assert (await hold("one", 3)).quantity == 3, "the same key holds it once"
    with pytest.raises(WrongState, match=f"`{subject}` has less than 3 pcs left"):
        await hold("another", 3)
    assert (await hold("another", 2)).quantity == 2
    with pytest.raises(WrongState, match="has less than 1 pcs left"):
        await hold("a third", 1)


@pytest.mark.parametrize(("asked", "told"), [(Money(900_000, "USD"), "9000.00 USD"), (Money(900, "JPY"), "900 JPY")])
async def test_money_that_is_not_left_is_told_as_money_and_what_is_left_is_not(
    store: Store, accepted: Accepted, asked: Money, told: str
) -> None:
    operation, subject = str(uuid.uuid4()), f"payer-{uuid.uuid4()}/US"
    await accepted(operation)
    held = (operation, "credit", subject, asked.minor, asked.currency, NOW)
    with pytest.raises(WrongState) as refused:
        await store.transact(reserve, operation, *held, most=123)
    assert str(refused.value) == f"`{subject}` has less than {told} left: others have the rest"


async def test_what_is_held_of_an_amount_is_told_by_currency(store: Store, accepted: Accepted) -> None:
    operation, subject = str(uuid.uuid4()), f"payer-{uuid.uuid4()}/US"
    await accepted(operation)
    for key, quantity, unit in (("a", 100, "USD"), ("b", 250, "USD"), ("c", 7, "JPY"), ("d", 9, "EUR")):
        await store.transact(reserve, f"{operation}:{key}", operation, "credit", subject, quantity, unit, NOW)
    await store.transact(end, f"{operation}:d", Held.RELEASED, NOW)
    assert await store.read(amounts, "credit", subject) == [Money(7, "JPY"), Money(350, "USD")]
    assert await store.read(amounts, "credit", f"{subject}/other") == []
