"""A refusal quotes no value, however it got into the document, and tells of the schema only to those who may ask for it."""

from typing import Any

import pytest
from graphql import (
    GraphQLInputObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    get_introspection_query,
    is_input_type,
    parse,
)
from hypothesis import given
from hypothesis import strategies as st

from gateway.engine.documents import Documents, Refused
from gateway.engine.variables import Operation
from resolvers.schema import build_schema
from tests.gateway.engine.rules_of import CHIEF, PORTAL, policies, who
from tests.gateway.engine.shop import answer, engine
from tests.gateway.engine.stock import small

SCHEMA: GraphQLSchema = build_schema()._schema
CANARY = "swordfish"
INPUTS = sorted(name for name, found in SCHEMA.type_map.items() if is_input_type(found) and not name.startswith("__"))
WRONG = [
    f'"{CANARY}"',
    f'["{CANARY}"]',
    f'{{x: "{CANARY}"}}',
    f'"""{CANARY}"""',
    CANARY.upper(),
    "73577357735773577357",
    "7357.7357",
]
QUIET = "introspection: deny"


def messages(text: str) -> list[str]:
    try:
        Documents().get(text, SCHEMA)
    except Refused as error:
        return [each.message for each in error.errors]
    return []


def quotes(message: str) -> bool:
    return any(each in message for each in (CANARY, CANARY.upper(), "7357"))


@pytest.mark.parametrize("name", INPUTS)
def test_no_literal_of_any_input_type_is_quoted(name: str) -> None:
    found = SCHEMA.type_map[name]
    fields = found.fields if isinstance(found, GraphQLInputObjectType) else ()
    inside = [f"{{{field}: {WRONG[at % len(WRONG)]}}}" for at, field in enumerate(fields)]
    for value in (*WRONG, f"[{WRONG[0]}]", *inside):
        told = messages(f"query($a: {name} = {value}) {{ __typename }}")
        assert told
        assert not [each for each in told if quotes(each)]


@pytest.mark.parametrize("name", INPUTS)
def test_no_value_of_a_variable_is_quoted(name: str) -> None:
    found = SCHEMA.type_map[name]
    fields = found.fields if isinstance(found, GraphQLInputObjectType) else ()
    operation = parse(f"query($a: {name}) {{ __typename }}").definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    for value in (CANARY, [CANARY], {"x": CANARY}, 73577357735773577357, 7357.7357, {CANARY: 1}):
        for given_value in (value, [value], *({field: value} for field in fields)):
            try:
                Operation.of(SCHEMA, operation).coerced(SCHEMA, {"a": given_value})
            except Refused as error:
                told = [each.message.replace(f"unknown field '{CANARY}'", "") for each in error.errors]
                assert not [each for each in told if quotes(each)]


@given(
    before=st.sampled_from(["{ a(b: ", "{ a(b: 1, ", "{ ", "query (", "{ a @b(c: ", "", "{ a } "]),
    literal=st.sampled_from(
        [f'"{CANARY}"', f'"""{CANARY}"""', "7357", "7357.5e3", f'"\\q{CANARY}"', f'"\\u{CANARY}"', f'"{CANARY}']
    ),
    after=st.sampled_from([") }", ": 1) }", "", " }", "\n", "$", "7357"]),
)
def test_no_literal_is_quoted_where_a_text_is_no_document(before: str, literal: str, after: str) -> None:
    assert not [each for each in messages(f"{before}{literal}{after}") if quotes(each)]


@pytest.mark.parametrize(
    ("literal", "said"),
    [
        ('{first: "x"}', "Int cannot represent non-integer value."),
        ("{status: [OPNE]}", "This value does not exist in 'InvoiceStatus' enum. Did you mean the enum value 'OPEN'?"),
        ("{stauts: [OPEN]}", "not to include unknown field 'stauts'. Did you mean 'status'?"),
    ],
)
def test_what_is_wrong_is_said_all_the_same(literal: str, said: str) -> None:
    text = (
        '{ invoices(first: "x") { nodes { key } } }'
        if "first" in literal
        else f"{{ invoices(filter: {literal}) {{ nodes {{ key }} }} }}"
    )
    assert said in messages(text)[0]


# ---------------------------------------------------------------- who may know the schema


def quiet(role: str) -> str:
    """The role, kept from the schema."""
    return role.replace("  classes", f"  {QUIET}\n  classes", 1)


MISSPELT = [
    '{ acount(key: "a1") { key } }',
    '{ account(kee: "a1") { key } }',
    '{ account(key: "a1") { nam } }',
    "{ accounts(orderBy: {feeld: NAME}) { nodes { key } } }",
    "{ accounts(orderBy: {field: NAMME}) { nodes { key } } }",
    '{ account(key: "a1") { ... on Acount { key } } }',
    '{ account(key: "a1") { key @skp(if: true) } }',
    "{ account(key: $ky) { key } }",
]


@pytest.mark.parametrize("role", [CHIEF, PORTAL], ids=["our own", "outsider"])
@pytest.mark.parametrize("query", MISSPELT)
async def test_who_may_not_ask_for_the_schema_is_not_helped_with_its_names(role: str, query: str) -> None:
    name = role.partition(":")[0]
    told = {}
    for kind in (role, quiet(role)):
        body = await answer(engine(small(), policies(kind).granted), query, who(name, accounts=("a1",)))
        assert "data" not in body
        told[kind] = str(body["errors"])
    assert "Did you mean" not in told[quiet(role)]


async def test_a_suggestion_that_one_was_given_is_not_given_to_another() -> None:
    """Documents are remembered by audience, refusals too."""
    rules = policies(CHIEF, quiet(CHIEF).replace("chief", "novice"))
    over = engine(small(), rules.granted)
    for role, helped in (("chief", True), ("novice", False), ("chief", True)):
        body = await answer(over, '{ account(key: "a1") { nam } }', who(role))
        assert ("Did you mean 'name'?" in body["errors"][0]["message"]) is helped


@pytest.mark.parametrize(
    "query",
    [
        get_introspection_query(),
        "{ __schema { types { name } } }",
        '{ __type(name: "Account") { name } account(key: "a1") { key } }',
        "query { ...F } fragment F on Query { x: __schema { queryType { name } } }",
    ],
)
async def test_who_may_not_ask_for_the_schema_is_refused_before_anything_is_read(query: str) -> None:
    shelf = small()
    over = engine(shelf, policies(quiet(CHIEF), PORTAL).granted)
    body = await answer(over, query, who("chief"))
    assert "data" not in body
    assert [each["extensions"]["code"] for each in body["errors"]] == ["FORBIDDEN"]
    assert shelf.calls() == []
    both = await answer(over, query, who("chief", "portal", accounts=("a1",)))  # one role that may is enough
    assert "data" in both
    assert (await answer(over, '{ __typename account(key: "a1") { __typename } }', who("chief")))["data"]


async def test_no_more_than_five_errors_are_told() -> None:
    query = "{ " + " ".join(f"nothing{at}" for at in range(15)) + " }"
    body = await answer(engine(small(), policies(CHIEF).granted), query, who("chief"))
    assert len(body["errors"]) == 5
    given: Any = {f"v{at}": "x" for at in range(9)}
    values, used = (", ".join(each.format(at) for at in range(9)) for each in ("$v{}: Int", "$v{}"))
    body = await answer(engine(small()), f"query({values}) {{ echo(many: [{used}]) }}", **given)
    assert len(body["errors"]) == 5
