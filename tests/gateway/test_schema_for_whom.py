"""Through the whole gateway: outsiders are shown the schema of what they could ever see, and helped by no other names."""

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
def test_an_outsider_is_helped_by_names_that_it_may_know(made: Gateway, role: str) -> None:
    assert "Did you mean 'name'" in made.ask(MISSPELT, role)["errors"][0]["message"]
    (error,) = made.ask('{ account(by: {key: "001A"}) { ownerNote } }', role)["errors"]
    assert "ownerNotes" not in error["message"]
    told = made.ask('{ __type(name: "Account") { fields { name } } }', role)["data"]["__type"]
    shown = {each["name"] for each in told["fields"]}
    assert "name" in shown
    assert "ownerNotes" not in shown


@pytest.mark.parametrize("role", SEERS)
def test_our_own_people_are_helped(made: Gateway, role: str) -> None:
    assert "Did you mean 'name'" in made.ask(MISSPELT, role)["errors"][0]["message"]
    assert made.ask(ASKED, role)["data"] == {"__schema": {"queryType": {"name": "Query"}}}


@pytest.mark.parametrize("role", [*OUTSIDERS, *SEERS])
def test_nobody_is_told_the_value_that_was_wrong(made: Gateway, role: str) -> None:
    answer = made.ask(LITERAL, role)
    assert answer["errors"]
    assert "hero.test" not in str(answer)
