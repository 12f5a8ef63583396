"""The annotated sample of the settings: it loads, it says every setting there is, and the defaults are what it says."""

import re
import tomllib
from pathlib import Path
from typing import Any, get_args, get_type_hints

import msgspec
import pytest

from gateway.settings import Settings, SettingsError, load, parse
from sources.settings import SourceSettings
from sources.vendors.salesforce.settings import SalesforceSettings

SAMPLE = Path(__file__).resolve().parents[2] / "docs" / "opsgraph.toml"
SECRETS = dict.fromkeys(
    (
        "CRM_SECRET",
        "OPSGRAPH_CURSOR_KEY",
        "OPSGRAPH_SIGNING_KEY",
        "OPSGRAPH_HASH_KEY",
        "OPSGRAPH_REDIS_PASSWORD",
        "OPSGRAPH_DATABASE_PASSWORD",
    ),
    "a secret of the tests, long enough to sign by",
)


def uncommented(*marks: str) -> dict[str, Any]:
    """The sample with the lines behind these marks as if they were written without."""
    text = SAMPLE.read_text(encoding="utf-8")
    for mark in marks:
        text = re.sub(rf"^{mark} ", "", text, flags=re.MULTILINE)
    return tomllib.loads(text)


def shapes(shape: type[Any], within: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], type[Any]]]:
    """Each table of a settings record and what stands in it; tables in tables too."""
    found = [(within, shape)]
    for name, hint in get_type_hints(shape).items():
        for each in (hint, *get_args(hint)):
            if isinstance(each, type) and issubclass(each, msgspec.Struct):
                found += shapes(each, (*within, name))
    return found


def at(tree: Any, place: tuple[str, ...]) -> Any:
    for name in place:
        tree = tree[name]
        tree = tree[0] if isinstance(tree, list) else tree
    return tree


def test_the_sample_loads_and_its_values_are_the_defaults() -> None:
    settings, defaults = load(SAMPLE, SECRETS), Settings()
    for name in Settings.__struct_fields__:
        if name not in ("sources", "owners"):
            assert getattr(settings, name) == getattr(defaults, name), name


def test_the_sample_with_everything_switched_on_loads() -> None:
    tree = uncommented("#:", "#=")
    tree["owners"] = {}  # it speaks of a source that the sample does not have
    settings = parse(tree, SECRETS)
    assert settings.cache.redis is not None
    assert settings.identity.issuers[0].audience == "opsgraph"


def test_what_the_sample_says_of_a_source_are_the_defaults() -> None:
    plain, spelt = (parse(uncommented(*marks), SECRETS).sources["crm"] for marks in ((), ("#=",)))
    for name in SourceSettings.__struct_fields__:
        assert getattr(plain, name) == getattr(spelt, name), name
    assert isinstance(spelt, SalesforceSettings)


PLACES = {place: shape for place, shape in shapes(Settings) if place and place[0] != "sources"}
NAMED = {("cache", "types"): "Invoice", ("admission", "rate", "roles"): "customer_user"}  # tables by names of one's own


@pytest.mark.parametrize("place", [place for place in PLACES if place not in NAMED], ids=".".join)
def test_the_sample_says_every_setting(place: tuple[str, ...]) -> None:
    assert set(at(uncommented("#:"), place)) == set(PLACES[place].__struct_fields__)


@pytest.mark.parametrize("place", NAMED, ids=".".join)
def test_the_sample_shows_how_something_of_a_name_is_set(place: tuple[str, ...]) -> None:
    assert set(at(uncommented("#:"), (*place, NAMED[place]))) <= set(PLACES[place].__struct_fields__)


def test_the_sample_says_every_setting_of_a_source_that_vendors_share() -> None:
    said = uncommented("#=")["sources"]["crm"]
    assert set(SourceSettings.__struct_fields__) <= set(said)
    for place, shape in shapes(SourceSettings)[1:]:
        assert set(at(said, place)) == set(shape.__struct_fields__)


@pytest.mark.parametrize(
    ("table", "line"),
    [
        ({"concurency": 5}, "[admission] unknown key `concurency`: did you mean `concurrency`?"),
        ({"concurrency": 0}, "`concurrency` is 0: at least 1 is expected"),
        ({"interval": 0}, "`interval` is 0: more than nothing is expected"),
        ({"retry_after": 0}, "`retry_after` is 0: at least a second is expected"),
        (
            {"shares": {"validate": 1.5, "lookup": 1, "portal": 1, "backfill": 1}},
            "`shares` has 1.5: a share is at most 1",
        ),
        (
            {"delays": {"validate": 0.1, "lookup": 0.2, "portal": 0.1, "backfill": 0.1}},
            "a lane may have no more than a more urgent one, and more than nothing",
        ),
    ],
)
def test_a_figure_of_the_admission_out_of_range_is_one_line(table: dict[str, Any], line: str) -> None:
    with pytest.raises(SettingsError) as error:
        parse({"admission": table}, {})
    assert line in str(error.value)
    assert str(error.value).startswith("[admission]")


@pytest.mark.parametrize("name", ["cursor_key", "signing_key"])
def test_a_key_that_can_be_found_by_trying_is_refused(name: str) -> None:
    with pytest.raises(SettingsError) as refused:
        parse({"gateway": {name: {"env": "KEY"}}}, {"KEY": "k" * 31})
    assert str(refused.value).startswith(f"[gateway] `{name}` has 31 characters, at least 32 are expected")
    parse({"gateway": {name: {"env": "KEY"}}}, {"KEY": "k" * 32})


@pytest.mark.parametrize(
    ("tree", "line"),
    [
        (
            {"admission": {"shares": {"validat": 1}}},
            "[admission] unknown key `validat` in `shares`: did you mean `validate`?",
        ),
        (
            {"identity": {"issuers": [{"issuer": "a", "audience": "b", "jwks": "c", "claims": {"role": "x"}}]}},
            "[identity] unknown key `role` in `issuers[0].claims`: did you mean `roles`?",
        ),
        (
            {"sources": {"crm": {"vendor": "stripe", "url": "http://x.test", "retry": {"atempts": 3}}}},
            "[sources.crm] unknown key `atempts` in `retry`: did you mean `attempts`?",
        ),
    ],
)
def test_a_key_is_suggested_from_the_table_it_is_written_in(tree: dict[str, Any], line: str) -> None:
    with pytest.raises(SettingsError) as refused:
        parse(tree, {})
    assert line in str(refused.value)


CRM = {"vendor": "salesforce", "url": "https://crm.test", "client_id": "a", "client_secret": {"env": "S"}, "zone": "eu"}


@pytest.mark.parametrize(
    ("tables", "line"),
    [
        (
            {"gateway": {"zones": ["us"]}},
            "[sources.crm] `zone` is `eu`, and `[gateway] zones` has only us: ask it by a",
        ),
        ({"cache": {"zones": ["eur"]}}, "[cache] `zones` has `eur`, which is no source's zone: did you mean `eu`?"),
        ({"audit": {"zones": ["us"]}}, "[audit] `zones` has `us`, which is no source's zone: the known ones are eu"),
    ],
)
def test_a_zone_that_does_not_fit_the_sources_is_one_line(tables: dict[str, Any], line: str) -> None:
    with pytest.raises(SettingsError) as refused:
        parse({"sources": {"crm": CRM}, **tables}, {"S": "x"})
    assert str(refused.value).startswith(line)


def test_zones_that_fit_the_sources_are_taken() -> None:
    zones = {"zones": ["eu"]}
    settings = parse({"sources": {"crm": CRM}, "gateway": zones, "cache": zones, "audit": zones}, {"S": "x"})
    assert settings.cache.zones == settings.audit.zones == ("eu",)
