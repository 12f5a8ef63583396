"""Every public code that an error can have is in the page that its `docs` leads to."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import gateway.app
import resolvers.office
from gateway.http.bodies import TOO_LARGE
from sources.errors import SourceError
from sources.store.errors import StoreError

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "errors.md").read_text(encoding="utf-8")
NEEDED = (gateway.app, resolvers.office)  # what raises has been loaded


def classes(kind: type[Exception]) -> Iterator[type[Exception]]:
    yield kind
    for each in kind.__subclasses__():
        yield from classes(each)


CODES = {TOO_LARGE} | {
    str(each.__dict__["code"])
    for kind in (SourceError, StoreError)
    for each in classes(kind)
    if each.__module__.partition(".")[0] != "tests" and "code" in each.__dict__
}


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_code_has_a_place_of_its_own(code: str) -> None:
    assert NEEDED
    assert f'<a id="{code.lower()}"></a>' in PAGE
    assert f"`{code}`" in PAGE


def test_a_place_is_there_once() -> None:
    places = re.findall(r'<a id="([a-z_]+)">', PAGE)
    assert len(set(places)) == len(places)
    assert set(places) >= {"forbidden", "writes_paused", "idempotency_key_required", "idempotency_mismatch"}
