"""Rates of exchange, read by our connector from the simulated ERP."""

from datetime import date
from decimal import Decimal

import msgspec
import pytest

from sources.canonical import ExchangeRate
from tests.sources.netsuite.simulator.book import ERP, rate
from tests.sources.netsuite.writer_account import erp

SAME_DAY = (*ERP.rates, rate(9, "USD", "EUR", date(2026, 11, 20), "1.0816"))


@pytest.mark.parametrize(
    ("base", "day", "found"),
    [
        ("USD", date(2026, 11, 20), {"EUR": "1.0815", "GBP": "1.27"}),
        ("USD", date(2026, 11, 19), {"EUR": "1.08", "GBP": "1.27"}),
        ("USD", date(2027, 3, 1), {"EUR": "1.09", "GBP": "1.27"}),
        ("USD", date(2026, 10, 31), {"GBP": "1.27"}),
        ("USD", date(2025, 12, 31), {}),
        ("EUR", date(2026, 11, 20), {"USD": "0.92"}),
        ("JPY", date(2026, 11, 20), {}),
        ("KWD", date(2026, 11, 20), {}),
    ],
)
async def test_the_latest_rate_on_or_before_a_day_is_read(base: str, day: date, found: dict[str, str]) -> None:
    async with erp() as account:
        rates = await account.read(ExchangeRate, "day", ExchangeRate.on(base, day))
    assert {each.currency: each.rate for each in rates} == {name: Decimal(each) for name, each in found.items()}
    assert all(each.base == base and each.effective_on <= day for each in rates)


async def test_rates_of_one_day_come_in_the_order_they_were_entered() -> None:
    async with erp(msgspec.structs.replace(ERP, rates=SAME_DAY)) as account:
        rates = await account.read(ExchangeRate, "day", "USD@2026-11-20")
    assert [str(each.rate) for each in rates if each.currency == "EUR"] == ["1.0815", "1.0816"]
