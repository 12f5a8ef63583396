"""The questions a demo opens with can be put."""

from datetime import date
from pathlib import Path

import pytest
from graphql import OperationDefinitionNode, build_schema, parse, validate

from gateway.cli.tabs import tabs
from gateway.console.pages import Tab

SCHEMA = build_schema((Path(__file__).resolve().parents[3] / "schema.graphql").read_text(encoding="utf-8"))
TABS = tabs({"hero": "A1"}, date(2026, 11, 21))


@pytest.mark.parametrize("tab", TABS, ids=lambda tab: tab.title)
def test_a_tab_is_valid_and_has_its_variables(tab: Tab) -> None:
    document = parse(tab.query)
    assert validate(SCHEMA, document) == []
    operation = document.definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    assert {each.variable.name.value for each in operation.variable_definitions or ()} == set(tab.variables)
