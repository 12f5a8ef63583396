"""Through the whole gateway: outsiders are not shown the schema, neither by introspection nor by what a mistake is answered."""

from collections.abc import Iterator

import pytest

from tests.gateway.test_app import OUTSIDERS, SEERS, Gateway, gateway

MISSPELT = '{ account(by: {key: "001A"}) { naem } }'
ASKED = "{ __schema { queryType { name } } }"
LITERAL = '{ account(by: {key: "001A"}) { invoices(first: "ada@hero.test") { nodes { key } } } }'


@pytest.fixture(scope="module")
def made() -> Iterator[Gateway]:
    with gateway() as running:
        yield running


@pytest.mark.parametrize("role", OUTSIDERS)
def test_an_outsider_is_neither_helped_nor_shown_the_schema(made: Gateway, role: str) -> None:
    (error,) = made.ask(MISSPELT, role)["errors"]
    assert (error["message"], error["extensions"]["code"]) == (
        "Cannot query field 'naem' on type 'Account'.",
        "BAD_INPUT",
    )
    (refused,) = made.ask(ASKED, role)["errors"]
    assert refused["extensions"]["code"] == "FORBIDDEN"
    assert "rule" not in refused["extensions"]


@pytest.mark.parametrize("role", SEERS)
def test_our_own_people_are_helped(made: Gateway, role: str) -> None:
    assert "Did you mean 'name'" in made.ask(MISSPELT, role)["errors"][0]["message"]
    assert made.ask(ASKED, role)["data"] == {"__schema": {"queryType": {"name": "Query"}}}


@pytest.mark.parametrize("role", [*OUTSIDERS, *SEERS])
def test_nobody_is_told_the_value_that_was_wrong(made: Gateway, role: str) -> None:
    answer = made.ask(LITERAL, role)
    assert answer["errors"]
    assert "hero.test" not in str(answer)
