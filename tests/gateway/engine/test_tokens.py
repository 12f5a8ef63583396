"""Freshness tokens: they come back as they were sealed, and nothing else is one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.engine.cursors import Cursors
from gateway.engine.tokens import FreshnessTokens
from sources.errors import BadAsk
from sources.ports import Position

OURS = FreshnessTokens(b"k" * 32)
INSTANTS = {"billing_eu": 1_770_000_000.25, "crm": 1_770_000_001.0}
instants = st.dictionaries(st.text(max_size=20), st.floats(allow_nan=False, allow_infinity=False), max_size=20)


@given(instants)
def test_a_token_opens_to_what_was_sealed(sealed: dict[str, float]) -> None:
    token = OURS.seal(sealed)
    assert OURS.open(token) == sealed
    assert token.isascii()
    assert not set(token) - set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


def test_the_same_instants_give_the_same_token_which_shows_none_of_them() -> None:
    token = OURS.seal(INSTANTS)
    assert token == OURS.seal(dict(reversed(INSTANTS.items())))
    assert "billing" not in token


@pytest.mark.parametrize(
    "token",
    [
        "",
        "x",
        "not a token",
        "é" * 40,
        "A" * 5_000,
        OURS.seal(INSTANTS)[:-1],
        OURS.seal(INSTANTS) + "A",
        OURS.seal(INSTANTS)[:20] + "." + OURS.seal(INSTANTS)[20:],
        FreshnessTokens(b"j" * 32).seal(INSTANTS),
        Cursors(b"k" * 32).encode(Position("1", "crm"), ""),
    ],
)
def test_what_is_no_token_of_ours_is_refused(token: str) -> None:
    with pytest.raises(BadAsk, match="`Opsgraph-Freshness` is no token of ours"):
        OURS.open(token)


def test_a_token_that_was_changed_anywhere_is_refused() -> None:
    token = OURS.seal(INSTANTS)
    for at, letter in enumerate(token[:-1]):
        other = token[:at] + ("A" if letter != "A" else "B") + token[at + 1 :]
        with pytest.raises(BadAsk):
            OURS.open(other)


def test_more_sources_than_anybody_has_still_fit() -> None:
    many = {f"source_number_{number}": 1_770_000_000.123456 for number in range(60)}
    assert OURS.open(OURS.seal(many)) == many
