"""Budgets: every root declares its class, an operation takes the longest time and the lowest lane of its roots."""

from itertools import combinations

import pytest
from graphql import GraphQLObjectType

from gateway.settings import SettingsError, parse
from resolvers.batch import declaration_of
from resolvers.budget import Budget, OperationClass, OperationsSettings, budget_of
from sources.errand import Lane
from tests.resolvers.offers import GRAPH

LOOKUP, VALIDATE, PAGE, SUBMIT = OperationClass
USUAL = OperationsSettings()


def test_every_root_field_declares_its_class() -> None:
    roots = [each for each in (GRAPH.query_type, GRAPH.mutation_type, GRAPH.subscription_type) if each is not None]
    declared = {name: declaration_of(field) for root in roots for name, field in root.fields.items()}
    classes = {name: getattr(each, "budget", None) for name, each in declared.items()}
    assert [name for name, each in classes.items() if not isinstance(each, OperationClass)] == []
    assert classes["entitlementCheck"] is LOOKUP


def test_only_root_fields_declare_one() -> None:
    inner = [
        f"{shown.name}.{name}"
        for shown in GRAPH.type_map.values()
        if isinstance(shown, GraphQLObjectType)
        and shown not in (GRAPH.query_type, GRAPH.mutation_type, GRAPH.subscription_type)
        for name, field in shown.fields.items()
        if getattr(declaration_of(field), "budget", None) is not None
    ]
    assert inner == []


@pytest.mark.parametrize(
    ("declared", "budget"),
    [
        ([LOOKUP], Budget((LOOKUP,), 1.5, 0.25, Lane.LOOKUP, False)),
        ([VALIDATE], Budget((VALIDATE,), 2.0, 0.25, Lane.VALIDATE, True)),
        ([PAGE], Budget((PAGE,), 4.0, 1.0, Lane.PORTAL, False)),
        ([SUBMIT], Budget((SUBMIT,), 3.0, 1.0, Lane.VALIDATE, True)),
        ([VALIDATE, LOOKUP, VALIDATE], Budget((LOOKUP, VALIDATE), 2.0, 0.25, Lane.LOOKUP, True)),
        ([LOOKUP, PAGE], Budget((PAGE, LOOKUP), 4.0, 1.0, Lane.PORTAL, False)),
        ([], Budget((PAGE,), 4.0, 1.0, Lane.PORTAL, False)),
    ],
)
def test_an_operation_takes_the_longest_time_and_the_lowest_lane(
    declared: list[OperationClass], budget: Budget
) -> None:
    assert budget_of(declared, USUAL) == budget


def test_another_root_never_hurries_an_operation() -> None:
    for one, other in combinations(OperationClass, 2):
        alone, both = budget_of([one], USUAL), budget_of([one, other], USUAL)
        assert both.seconds >= alone.seconds
        assert both.patience >= alone.patience
        assert both.lane >= alone.lane


def test_the_settings_say_how_long_a_class_may_take() -> None:
    table = {"lookup": 0.5, "customer360": 6, "short_patience": 0.1}
    operations = parse({"operations": table}, {}).operations
    assert budget_of([LOOKUP], operations) == Budget((LOOKUP,), 0.5, 0.1, Lane.LOOKUP, False)
    assert budget_of([PAGE], operations).seconds == 6.0
    assert parse({}, {}).operations == USUAL


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ({"lookup": 0.01}, "[operations] `lookup`: expected `float` >= 0.05"),
        ({"submit": 61}, "[operations] `submit`: expected `float` <= 60.0"),
        ({"patience": -1}, "[operations] `patience`: expected `float` >= 0.0"),
        ({"validate": "soon"}, "[operations] `validate`: expected `float`, got `str`"),
        ({"customer_360": 4}, "[operations] unknown key `customer_360`: did you mean `customer360`?"),
    ],
)
def test_a_time_that_cannot_be_meant_is_refused_by_name(table: dict[str, object], told: str) -> None:
    with pytest.raises(SettingsError) as refused:
        parse({"operations": table}, {})
    assert str(refused.value) == told
