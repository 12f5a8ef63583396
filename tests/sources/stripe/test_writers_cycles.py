"""When a first period ends: against the simulator's own reckoning of cycles."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from sources.vendors.stripe.simulator.tariff import following
from sources.vendors.stripe.wire import Recurring
from sources.vendors.stripe.writers.cycles import first_turn

starts = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds


@given(starts, st.sampled_from(["day", "week", "month", "year"]), st.integers(1, 12))
def test_the_first_turn_is_where_the_cycle_turns(start: datetime, interval: str, count: int) -> None:
    start = start.replace(microsecond=0)
    begun = int(start.timestamp())
    turn = first_turn(start, Recurring(interval=interval, interval_count=count))
    assert int(turn.timestamp()) == following(begun, {"interval": interval, "interval_count": count}, begun)
