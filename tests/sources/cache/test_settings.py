"""`[cache]`: a mistake is one clear line."""

from typing import Any

import pytest

from gateway.settings import SettingsError, parse
from sources import canonical as c
from sources.cache import Cache, CacheSettings
from sources.cache.freshness import DEFAULTS, Table


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ({"bytes": 5}, "`bytes` is 5: from 1 MiB"),
        ({"types": {"Invoic": {"ttl": 5}}}, "did you mean `Invoice`?"),
        ({"types": {"Invoice": {"ttl": -5}}}, "`ttl` is -5.0: seconds from 0 to 30 days"),
        ({"redis": "http://host"}, "an address such as `redis://host:6379/0`"),
        ({"redis": "redis://host:x"}, "`redis` is no address"),
        ({"redis": "redis://host/zero"}, "an address such as"),
        ({"redis": "redis://:hush@host"}, "`redis_user` and `redis_password`"),
        ({"redis_password": "hush"}, "a secret is a reference"),
        ({"prefix": "a b"}, "1 to 64 characters without spaces"),
        ({"lease": 0}, "`lease` is 0.0: 0.1 to 60.0 seconds"),
        ({"prefx": "x"}, "did you mean `prefix`?"),
    ],
)
def test_what_cannot_be_is_told_with_its_cure(table: dict[str, Any], told: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse({"cache": table}, {})
    assert told in str(caught.value)
    assert str(caught.value).startswith("[cache]")
    assert "hush" not in str(caught.value)


def test_without_a_word_it_is_on_in_memory() -> None:
    settings = parse({}, {}).cache
    assert (settings.enabled, settings.redis, settings.bytes) == (True, None, 64 * 1024 * 1024)
    assert Cache(settings).shared is None


def test_one_time_of_one_type_is_set_and_the_rest_stays() -> None:
    settings = parse({"cache": {"types": {"Invoice": {"ttl": 5}}}}, {}).cache
    table = Table(settings.types)
    assert (table.of(c.Invoice).ttl, table.of(c.Invoice).stale_for) == (5.0, DEFAULTS[c.Invoice].stale_for)
    assert table.of(c.Contact) == DEFAULTS[c.Contact]


def test_a_password_is_never_shown() -> None:
    settings = parse({"cache": {"redis": "redis://host", "redis_password": {"env": "PW"}}}, {"PW": "hush"}).cache
    assert "hush" not in repr(settings)


def test_redis_without_its_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_name: str) -> None:
        raise ModuleNotFoundError("no module", name="redis")

    monkeypatch.setattr("sources.cache.cache.import_module", missing)
    with pytest.raises(ValueError, match=r"needs the package `redis`: install `opsgraph\[redis\]`"):
        Cache(CacheSettings(redis="redis://host"))
