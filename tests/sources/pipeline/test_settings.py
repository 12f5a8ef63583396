"""The settings of a source: what may be said, and what is said of a figure out of range."""

import re
import tomllib
from pathlib import Path

import msgspec
import pytest

from gateway.settings import SettingsError, parse
from sources.settings import (
    BreakerSettings,
    BulkheadSettings,
    QuotaSettings,
    RetrySettings,
    Secret,
    SourceSettings,
)
from sources.vendors.stripe.settings import StripeSettings

DEFAULT = SourceSettings(vendor="stripe", url="https://example.test")


def test_the_defaults_are_the_designs():
    assert DEFAULT.timeout == 5.0
    assert DEFAULT.concurrency == 20
    assert DEFAULT.retry == RetrySettings(attempts=3, share=0.08, floor=3)
    assert DEFAULT.breaker == BreakerSettings(share=0.5, calls=10, window=20, slow=2, shortest=2, longest=8)
    assert DEFAULT.bulkhead == BulkheadSettings(queue=100, wait=2)
    assert DEFAULT.quota == QuotaSettings(backfill=0.2, portal=0.05)


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [
        (RetrySettings, "attempts", 0),
        (RetrySettings, "base", -0.1),
        (RetrySettings, "share", 1.1),
        (RetrySettings, "floor", -1),
        (BreakerSettings, "share", 0.0),
        (BreakerSettings, "share", 1.5),
        (BreakerSettings, "calls", 0),
        (BreakerSettings, "window", 0.0),
        (BreakerSettings, "slow", 0.0),
        (BreakerSettings, "slow", float("nan")),
        (BreakerSettings, "longest", 1.0),
        (BulkheadSettings, "queue", -1),
        (BulkheadSettings, "wait", 0.0),
        (BulkheadSettings, "kept", 2.0),
        (QuotaSettings, "backfill", -0.1),
        (QuotaSettings, "portal", 1.1),
        (QuotaSettings, "pause", -1.0),
    ],
)
def test_a_figure_out_of_range_is_refused_by_name(kind, field, value):
    with pytest.raises(ValueError, match=f"`{field}` is .* is expected"):
        kind(**{field: value})


@pytest.mark.parametrize("field", ["connections", "concurrency", "timeout", "max_bytes"])
def test_so_is_one_of_the_source_itself_whichever_vendor_it_is(field):
    with pytest.raises(ValueError, match=f"`{field}` is 0"):
        msgspec.structs.replace(DEFAULT, **{field: 0})
    with pytest.raises(ValueError, match=f"`{field}` is 0"):
        StripeSettings(vendor="stripe", key=Secret("sk_test_x"), **{field: 0})  # type: ignore[arg-type]


def stripe(**more):
    table = {"vendor": "stripe", "key": {"env": "KEY"}, **more}
    return parse({"sources": {"billing": table}}, {"KEY": "sk_test_x"}).sources["billing"]


def test_a_table_in_the_file_sets_what_it_names_and_nothing_else():
    found = stripe(breaker={"slow": 1.5}, retry={"attempts": 2}, timeout=4)
    assert found.breaker == BreakerSettings(slow=1.5)
    assert found.retry == RetrySettings(attempts=2)
    assert found.timeout == 4.0
    assert found.bulkhead == BulkheadSettings()


def test_a_figure_out_of_range_in_the_file_is_one_clear_line():
    with pytest.raises(SettingsError, match=r"\[sources.billing\] `breaker`: `slow` is -1.0"):
        stripe(breaker={"slow": -1.0})


def test_an_unknown_key_in_a_table_is_refused():
    with pytest.raises(SettingsError, match=r"unknown key `slwo` in `breaker`"):
        stripe(breaker={"slwo": 1.0})


def test_the_documented_table_is_the_defaults():
    page = Path(__file__).parents[3] / "docs" / "resilience.md"
    (example,) = re.findall(r"```toml\n(.*?)```", page.read_text(), re.DOTALL)
    table = tomllib.loads(example)["sources"]["billing"]
    told = msgspec.convert({"url": DEFAULT.url, **table}, SourceSettings)
    assert told == DEFAULT
    for field in ("retry", "breaker", "bulkhead", "quota"):
        assert set(table[field]) == set(getattr(DEFAULT, field).__struct_fields__)
