"""Bounds in another currency: an amount is compared at the ERP's rate of the day, and without one by nobody alone."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from resolvers.desk import Desk
from resolvers.sagas.answer import Answer
from resolvers.sagas.grounds import Asker
from resolvers.sagas.rates import in_effect
from sources import canonical as c
from sources.errors import Unavailable
from sources.ports import Ask, Reading, Report
from sources.store.operations import Outcome, State
from tests.fakes.ledger import NOW
from tests.resolvers.desk.people import LEA, invoice
from tests.resolvers.sagas.asked import DONE
from tests.resolvers.sagas.conftest import AGENT, House
from tests.resolvers.sagas.orders import credit

TODAY = date(2026, 11, 21)  # in New York, where the entity is


def rate(key: str, on: date, worth: str, base: str = "USD", currency: str = "EUR") -> c.ExchangeRate:
    return c.ExchangeRate(
        key=key, source="books", source_id=key, as_of=NOW, base=base, currency=currency, effective_on=on,
        rate=Decimal(worth),
    )  # fmt: skip


RATES = (
    rate("1", TODAY - timedelta(days=30), "1.50"),
    rate("2", TODAY - timedelta(days=1), "1.0815"),
    rate("3", TODAY + timedelta(days=1), "0.50"),
    rate("4", TODAY, "9", base="JPY"),
    rate("5", TODAY, "0.0067", currency="JPY"),
)


@pytest.fixture
def priced(house: House) -> House:
    """A customer whose invoices are in euros, of an entity that has dollars and the ERP's rates for them."""
    invoice(house, c.Money(10_000_000, "EUR"))
    house.systems.records += RATES
    return house


def asks_of(house: House) -> list[Ask]:
    """What is asked of the systems from now on."""
    found: list[Ask] = []
    read = house.systems.read

    async def noted(ask: Ask) -> Reading:
        found.append(ask)
        return await read(ask)

    house.systems.read = noted  # type: ignore[method-assign]
    return found


async def euros(house: House, amount: str, asker: Asker = AGENT) -> Answer:
    return await house.send("issueCredit", credit(amount, currency="EUR"), asker)


@pytest.mark.parametrize(
    ("asker", "amount", "asks"),
    [
        (AGENT, "92.46", []),  # 99.995490 dollars
        (AGENT, "92.47", ["support_lead"]),  # 100.006305
        (AGENT, "462.32", ["support_lead"]),  # 499.999080
        (AGENT, "462.33", ["finance"]),  # 500.009895
        (LEA, "462.32", []),
        (AGENT, "46232.08", ["finance_controller"]),  # 49,999.994520
        (AGENT, "46232.09", ["finance_controller"] * 2),  # 50,000.005335
    ],
)
async def test_a_bound_holds_in_another_currency(priced: House, asker: Asker, amount: str, asks: list[str]) -> None:
    answer = await euros(priced, amount, asker)
    assert [each.role for each in answer.approvals] == asks
    assert answer.member is (Outcome.NEEDS_APPROVAL if asks else Outcome.COMPLETED)
    assert priced.sent() == ([] if asks else ["CreditInvoice", "CreditPosted"])


async def test_what_one_person_approves_by_the_rate_is_carried_out(priced: House) -> None:
    answer = await euros(priced, "400.00")
    [asked] = answer.approvals
    await Desk(priced.writes).approve(LEA, asked.id, asked.evidence_hash)
    assert (await priced.ended(answer)).state is State.COMPLETED
    assert priced.sent() == ["CreditInvoice", "CreditPosted"]
    assert len(await priced.approvals(answer)) == 1


async def test_earlier_uses_add_up_in_the_entitys_own_currency(priced: House) -> None:
    assert (await euros(priced, "50.00")).member is Outcome.COMPLETED
    over = await euros(priced, "43.00")  # 100.58 dollars with it
    assert [each.role for each in over.approvals] == ["support_lead"]


async def test_a_dry_run_tells_the_same(priced: House) -> None:
    alone, over = [
        await priced.send("issueCredit", credit(each, currency="EUR"), AGENT, dry_run=True)
        for each in ("92.46", "92.47")
    ]
    assert alone.decision
    assert over.decision
    assert (alone.decision.outcome, over.decision.judged) == ("ALLOWED", Decimal("100.006305"))


async def test_uses_in_another_currency_add_up_with_one_in_the_entitys_own(priced: House) -> None:
    assert (await euros(priced, "50.00")).member is Outcome.COMPLETED  # 54.075 dollars
    invoice(priced, c.Money(10_000_000, "USD"))
    assert (await priced.send("issueCredit", credit("45.92"), AGENT)).member is Outcome.COMPLETED
    over = await priced.send("issueCredit", credit("0.01"), AGENT)
    assert [each.role for each in over.approvals] == ["support_lead"]


async def test_an_amount_that_is_added_to_no_others_asks_for_no_rate(house: House) -> None:
    asks = asks_of(house)
    [(given, asker)] = [(given, asker) for name, given, asker, _ in DONE if name == "recordPayment"]
    await house.send("recordPayment", given, asker)
    assert asks
    assert c.ExchangeRate not in {each.record for each in asks}


async def test_a_rate_is_asked_for_by_the_entitys_own_day(priced: House) -> None:
    asks = asks_of(priced)
    priced.clock.jump(timedelta(hours=15))  # tomorrow by universal time
    answer = await euros(priced, "92.47")
    assert [each.role for each in answer.approvals] == ["support_lead"]
    assert [each.keys for each in asks if each.record is c.ExchangeRate] == [("USD@2026-11-21",)]


@pytest.mark.parametrize("known", [(), RATES[2:4]], ids=["none at all", "later ones, and of another base"])
async def test_without_a_rate_nobody_acts_alone(house: House, known: Any) -> None:
    invoice(house, c.Money(10_000_000, "EUR"))
    house.systems.records += known
    answer = await euros(house, "1.00")
    assert [each.role for each in answer.approvals] == ["finance_controller"] * 2


async def test_an_erp_that_cannot_say_is_as_no_rate(priced: House) -> None:
    read = priced.systems.read

    async def failing(ask: Ask) -> Reading:
        if ask.record is c.ExchangeRate:
            return Reading({}, Report("books"), dict.fromkeys(ask.keys, Unavailable("no answer", source="books")))
        return await read(ask)

    priced.systems.read = failing  # type: ignore[method-assign]
    answer = await euros(priced, "1.00")
    assert [each.role for each in answer.approvals] == ["finance_controller"] * 2


def test_of_two_rates_of_one_day_the_one_that_was_entered_last_counts() -> None:
    found = in_effect([rate("7", TODAY, "1.1"), rate("8", TODAY, "1.2"), *RATES[:3]], "USD", TODAY)
    assert {currency: each.rate for currency, each in found.items()} == {"EUR": Decimal("1.2")}
