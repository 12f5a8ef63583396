"""Variables and arguments: what is worked out once gives what graphql-core gives in every request, errors included."""

import random
from collections.abc import Callable
from typing import Any

import pytest
from graphql import FieldNode, GraphQLError, GraphQLSchema, OperationDefinitionNode, OperationType, build_schema, parse
from graphql.execution.values import VariableValues, get_argument_values, get_variable_values

from gateway.engine.arguments import Arguments, BadArgument
from gateway.engine.graph import Graph
from gateway.engine.measure import Refused
from gateway.engine.reticent import all_reticent
from gateway.engine.variables import Operation

SCHEMA = build_schema("""
    enum Colour { RED GREEN }
    input Pair { first: Int!, second: String = "b" }
    input Line { item: ID!, count: Int, tags: [String!], colour: Colour, within: Box }
    input Box { id: ID!, lines: [[Box]] }
    input Order { lines: [Line!]!, plain: [Part], ratio: Float }
    input Part { item: ID!, count: Int, tags: [String!], colour: Colour, date: Date, flags: [[Boolean]] }
    input One @oneOf { id: ID, count: Int }
    scalar Date
    type Query {
      f(text: String, id: ID!, number: Int, many: [Int!], pair: Pair, colour: Colour = RED, date: Date, ratio: Float,
        limit: Int! = 10, flag: Boolean, line: Line, part: Part, order: Order, one: One): String
    }
""")
DEFINITIONS = (
    "$a: String", "$a: String!", "$a: ID!", "$a: Int", "$a: Int!", "$a: Boolean", "$a: Float", "$a: Date", "$a: Colour",
    "$a: [Int!]", "$a: [[Int]]", "$a: Pair", "$a: Line", "$a: Part", "$a: [Part!]", "$a: Order", "$a: One",
    '$a: String = "d"', "$a: Int = 3", "$a: String!, $b: Int", "$a: ID, $b: Boolean!",
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    "x", "", "RED", 0, 1, -1, 2**31 - 1, 2**31, -(2**31), -(2**31) - 1, True, False, None, 1.5, 2.0, [1], [], {"first": 1}, {},
    [None], [[1], None], [[1], 2], {"id": "a"}, {"id": "a", "count": 1}, {"item": "a"}, {"item": 1}, {"item": "a", "more": 1},
    {"item": "a", "count": None, "tags": ["x"]},
    {"item": "a", "date": "d", "flags": [[True], None]}, {"item": "a", "flags": [[1]]},
    {"colour": "GREEN", "count": 2, "item": "a"}, {"item": "a", "colour": "BLUE"}, {"item": "a", "tags": "x"},
    {"item": "a", "tags": [None]}, {"count": 1}, [{"item": "a"}], [{"item": "a"}, None], {"plain": [{"item": "a"}], "lines": []},
    {"item": "a", "within": {"id": "b", "lines": [[{"id": "c"}]]}}, {"item": None}, ["x"], ("x",), {"item": "a", "date": None},
)  # fmt: skip


def operation(text: str) -> OperationDefinitionNode:
    (node,) = parse(text).definitions
    assert isinstance(node, OperationDefinitionNode)
    return node


def told(values: VariableValues) -> dict[str, tuple[str, str, Any]]:
    """Where the values came from; types as texts, because equal ones are not the same objects."""
    return {name: (each.signature.name, str(each.signature.type), each.value) for name, each in values.sources.items()}


@pytest.mark.parametrize("definitions", DEFINITIONS)
def test_variables_are_what_graphql_core_says(definitions: str) -> None:
    node = operation(f"query({definitions}) {{ __typename }}")
    ours, answers = Operation.of(SCHEMA, node), 0
    for a in (*VALUES, "left out"):
        for b in (None, 1, True, "left out"):
            given = {name: value for name, value in (("a", a), ("b", b), ("c", 1)) if value != "left out"}
            theirs = get_variable_values(
                SCHEMA, node.variable_definitions or (), dict(given), max_errors=5, hide_suggestions=True
            )
            if isinstance(theirs, VariableValues):
                found, answers = ours.coerced(SCHEMA, given), answers + 1
                assert found.coerced == theirs.coerced
                assert told(found) == told(theirs)
                assert [type(each) for each in found.coerced.values()] == [
                    type(each) for each in theirs.coerced.values()
                ]
                continue
            with pytest.raises(Refused) as caught:
                ours.coerced(SCHEMA, given)
            # The same mistakes; but we quote no value.
            assert [each.message for each in caught.value.errors] == [each.message for each in all_reticent(theirs)]
    assert answers


def test_a_plain_operation_is_not_worked_out_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = Operation.of(SCHEMA, operation("query($a: ID!, $b: Int, $c: Boolean) { __typename }"))
    monkeypatch.setattr("gateway.engine.variables.get_variable_values", None)
    assert ours.coerced(SCHEMA, {"a": "x", "b": 5}).coerced == {"a": "x", "b": 5}


def test_an_operation_with_objects_is_not_worked_out_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = Operation.of(SCHEMA, operation("query($b: [Part]) { __typename }"))
    monkeypatch.setattr("gateway.engine.variables.get_variable_values", None)
    given = {"b": [{"count": 1, "item": "x", "tags": ["t"]}, None]}
    found = ours.coerced(SCHEMA, given).coerced["b"]
    assert found == given["b"]
    assert list(found[0]) == ["item", "count", "tags"]


def field(schema: GraphQLSchema, arguments: str, given: dict[str, Any]) -> tuple[FieldNode, VariableValues]:
    """A field with these arguments, and the values of the variables in them."""
    kinds = {
        "t": "String",
        "i": "ID!",
        "n": "Int",
        "m": "[Int!]",
        "p": "Pair",
        "c": "Colour",
        "l": "Int",
        "b": "Boolean",
    }
    used = ", ".join(f"${name}: {kind}" for name, kind in kinds.items())
    node = operation(f"query({used}) {{ f({arguments}) }}")
    values = get_variable_values(schema, node.variable_definitions or (), {"i": "i", **given})
    assert isinstance(values, VariableValues)
    selection = node.selection_set.selections[0]
    assert isinstance(selection, FieldNode)
    return selection, values


ARGUMENTS = {
    "text": ('"a"', "null", "$t"), "id": ('"a"', "$i"), "number": ("3", "null", "$n"), "pair": ("{first: 1}", "{first: $n}", "$p"),
    "many": ("[1]", "1", "[1, $n]", "$m"), "colour": ("GREEN", "$c"), "limit": ("5", "$l"), "flag": ("true", "$b"),
}  # fmt: skip
GIVEN = {
    "t": ("x", None), "n": (1, None), "m": ([1, 2], 7, None), "p": ({"first": 2}, None), "c": ("GREEN", None), "l": (4, None),
    "b": (False, None),
}  # fmt: skip


def outcome(work: Callable[..., dict[str, Any]], *given: Any) -> Any:
    """What it gives, or the message of the error that it raises."""
    try:
        return work(*given)
    except (GraphQLError, BadArgument) as error:
        return error.message


def test_arguments_are_what_graphql_core_says() -> None:
    chance, graph = random.Random(3), Graph(SCHEMA, {})
    query = SCHEMA.get_root_type(OperationType.QUERY)
    assert query is not None
    definition, answers, errors = query.fields["f"], 0, 0
    for _ in range(1_500):
        names = [name for name in ARGUMENTS if name == "id" or chance.random() < 0.5]
        text = ", ".join(f"{name}: {chance.choice(ARGUMENTS[name])}" for name in names)
        given = {name: chance.choice(values) for name, values in GIVEN.items() if chance.random() < 0.6}
        node, values = field(SCHEMA, text, given)
        made = Arguments(graph, definition, node)
        theirs, ours = outcome(get_argument_values, definition, node, values), outcome(made.given, values)
        assert ours == theirs
        if isinstance(theirs, dict):
            assert list(ours) == list(theirs)
            answers += 1
        else:
            errors += 1
    assert answers > 500
    assert errors > 10
