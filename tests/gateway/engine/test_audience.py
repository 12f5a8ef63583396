"""Audiences: to outsiders, what they could never see does not exist, in any channel that speaks of the schema."""

import random
import re
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from graphql import (
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLObjectType,
    GraphQLSchema,
    build_schema,
    get_named_type,
    get_variable_values,
    introspection_from_schema,
    is_abstract_type,
    is_composite_type,
    parse,
    print_schema,
    validate,
    validate_schema,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.engine.audience import Audiences, audience_schema, pruned
from gateway.engine.shapes import shapes
from gateway.engine.visible import readable
from policies.choose import Chooser, reachable
from policies.compile import compile_rules
from policies.load import RULES, load_rules
from resolvers.batch import declaration_of
from tests.gateway.engine.documents_of import document
from tests.resolvers.world import SCHEMA

WHOLE = SCHEMA._schema
RULESET = load_rules(RULES)
SHAPES = shapes(WHOLE)
POLICIES = compile_rules(RULESET, SHAPES, b"\0" * 32)
EXTERNAL = sorted(POLICIES.external())
SETS = [frozenset({role}) for role in EXTERNAL] + [frozenset(EXTERNAL), frozenset({EXTERNAL[0], "platform"})]
NAMES = {roles: "+".join(sorted(roles)) for roles in SETS}
SHOWN = {roles: pruned(WHOLE, POLICIES.grants(roles)) for roles in SETS}
audiences = pytest.mark.parametrize("roles", SETS, ids=NAMES.values())


class Given(SimpleNamespace):
    """Grants of a test: `denied` decides by type and field, everything else is allowed."""

    def __init__(
        self,
        denied: Callable[[str, str], bool],
        *,
        external: bool = True,
        roles: str = "outsider",
        version: int = 1,
    ) -> None:
        super().__init__(denied=denied, external=external, roles=frozenset({roles}), version=version)

    def field(self, type_name: str, name: str, roles: Any = None) -> Any:
        return SimpleNamespace(verdict="deny" if self.denied(type_name, name) else "allow")

    def lookup(self, type_name: str, name: str) -> bool:
        return not self.denied(type_name, name)


def coordinates(schema: GraphQLSchema) -> Iterator[tuple[str, str]]:
    for name, found in schema.type_map.items():
        if isinstance(found, GraphQLObjectType) and not name.startswith("__"):
            yield from ((name, field) for field in found.fields)


def denied(roles: frozenset[str]) -> list[tuple[str, str]]:
    grants = POLICIES.grants(roles)
    return [each for each in coordinates(WHOLE) if grants.field(*each).verdict == "deny"]


def told(schema: GraphQLSchema, text: str) -> list[dict[str, Any]]:
    return [error.formatted for error in validate(schema, parse(text), max_errors=None)]  # type: ignore[misc]


def names_of(schema: GraphQLSchema) -> set[str]:
    """Every name the schema has."""
    found = set(schema.type_map)
    for each in schema.type_map.values():
        found |= set(getattr(each, "fields", ())) | set(getattr(each, "values", ()))
        found |= {arg for field in getattr(each, "fields", {}).values() for arg in getattr(field, "args", ())}
    return found


def introspected(schema: GraphQLSchema) -> dict[str, set[str]]:
    """Type -> its fields, as the standard question for a schema is answered."""
    listed: Any = introspection_from_schema(schema)["__schema"]["types"]
    return {each["name"]: {field["name"] for field in each.get("fields") or ()} for each in listed}


# ---------------------------------------------------------------- every external role, every coordinate


def test_our_own_people_are_shown_the_whole_schema() -> None:
    assert audience_schema(WHOLE, Given(lambda *_: True, external=False)) is WHOLE


@audiences
def test_an_audience_has_a_valid_schema_that_is_a_part_of_the_whole(roles: frozenset[str]) -> None:
    assert validate_schema(SHOWN[roles]) == []
    assert set(coordinates(SHOWN[roles])) < set(coordinates(WHOLE))


@audiences
def test_what_is_denied_is_in_no_channel(roles: frozenset[str]) -> None:
    asked, printed = introspected(SHOWN[roles]), build_schema(print_schema(SHOWN[roles]))
    hidden = denied(roles)
    assert len(hidden) > 100
    for type_name, field in hidden:
        assert field not in asked.get(type_name, ())
        assert field not in getattr(printed.type_map.get(type_name), "fields", ())


def led_to(roles: frozenset[str]) -> set[str]:
    """Types to which fields lead that these roles together may see: what one of them forbids leads nowhere."""
    grants, found, work = POLICIES.grants(roles), set[str](), ["Query"]
    while work:
        kind = WHOLE.type_map[work.pop()]
        if kind.name in found:
            continue
        found.add(kind.name)
        work += [each.name for each in WHOLE.get_possible_types(kind)] if is_abstract_type(kind) else []
        fields = getattr(kind, "fields", {})
        seen = [name for name in fields if grants.field(kind.name, name).verdict != "deny"]
        work += [get_named_type(fields[name].type).name for name in seen]
    return found


@audiences
def test_what_is_allowed_and_leads_somewhere_is_there(roles: frozenset[str]) -> None:
    """Which types can be got to is asked of the policies' own analysis, which knows nothing of pruning. A type of which
    these roles see no more than what `Node` shows of any type need not be there."""
    chooser, grants = Chooser(RULESET), POLICIES.grants(roles)
    anything = WHOLE.type_map["Node"].fields.keys()  # type: ignore[attr-defined]
    types = {
        name
        for name in set.union(*(reachable(RULESET.roles[role], SHAPES, chooser) for role in roles)) & led_to(roles)
        if any(grants.field(name, field).verdict != "deny" for field in SHAPES[name].keys() - anything)
    }
    missing = [
        (type_name, field)
        for type_name, field in coordinates(WHOLE)
        if type_name in types and grants.field(type_name, field).verdict != "deny"
        if not is_composite_type(get_named_type(WHOLE.type_map[type_name].fields[field].type))  # type: ignore[attr-defined]
        if (type_name, field) not in set(coordinates(SHOWN[roles]))
    ]
    assert missing == []
    empty = [target for target in types if all(grants.field(target, each).verdict == "deny" for each in SHAPES[target])]
    assert types - set(SHOWN[roles].type_map) <= {
        *empty,
        *(f"{each}{kind}" for each in empty for kind in ("Edge", "Connection")),
    }


@audiences
def test_a_hidden_field_gives_the_error_of_one_that_never_existed(roles: frozenset[str]) -> None:
    never = build_schema(print_schema(SHOWN[roles]))
    known = names_of(SHOWN[roles])
    for type_name, field in denied(roles):
        if type_name not in SHOWN[roles].type_map:
            continue
        text = "fragment f on %s { __typename %s }"
        errors = told(SHOWN[roles], text % (type_name, field))
        assert errors == told(never, text % (type_name, field))
        assert [plain(each, field) for each in errors] == [
            plain(each, "zzz") for each in told(never, text % (type_name, "zzz"))
        ]
        assert suggested(errors) <= known


@audiences
def test_a_hidden_type_gives_the_error_of_one_that_never_existed(roles: frozenset[str]) -> None:
    never = build_schema(print_schema(SHOWN[roles]))
    hidden = WHOLE.type_map.keys() - SHOWN[roles].type_map.keys()
    assert "LedgerPosting" in hidden
    for name in hidden:
        for text in (
            "query ($a: %s) { __typename }",
            "{ node(id: 1) { ... on %s { __typename } } }",
            '{ __type(name: "%s") { name } }',
        ):
            errors = told(SHOWN[roles], text % name)
            assert errors == told(never, text % name)
            assert [plain(each, name) for each in errors] == [plain(each, "Zzz") for each in told(never, text % "Zzz")]
            assert suggested(errors) <= names_of(SHOWN[roles])
    assert not hidden & introspected(SHOWN[roles]).keys()


def plain(error: dict[str, Any], name: str) -> dict[str, Any]:
    """The error without its suggestions, its name exchanged."""
    message = re.sub(r" Did you mean .*\?", "", error["message"])
    return {**error, "message": message.replace(f"'{name}'", "'?'").replace(f"${name}", "$?")}


def suggested(errors: list[dict[str, Any]]) -> set[str]:
    return {
        name
        for each in errors
        for tail in re.findall(r"Did you mean (.*)\?", each["message"])
        for name in re.findall(r"'(\w+)'", tail)
    }


@audiences
def test_no_description_speaks_of_a_hidden_type(roles: frozenset[str]) -> None:
    hidden = WHOLE.type_map.keys() - SHOWN[roles].type_map.keys()
    compound = {name for name in hidden if re.search(r"[a-z][A-Z]", name)}
    printed = print_schema(SHOWN[roles])
    assert {name for name in compound if re.search(rf"\b{name}\b", printed)} == set()


@audiences
def test_declarations_and_python_names_stay(roles: frozenset[str]) -> None:
    for type_name, name in coordinates(SHOWN[roles]):
        new, old = (each.type_map[type_name].fields[name] for each in (SHOWN[roles], WHOLE))  # type: ignore[attr-defined]
        assert new.extensions == old.extensions
        assert declaration_of(new) is declaration_of(old)
        assert new.description == old.description


# ---------------------------------------------------------------- inputs


@audiences
def test_a_hidden_input_gives_the_error_of_one_that_never_existed(roles: frozenset[str]) -> None:
    never = build_schema(print_schema(SHOWN[roles]))
    known = names_of(SHOWN[roles])
    texts = []
    for type_name, name in coordinates(SHOWN[roles]):
        new, old = (each.type_map[type_name].fields[name] for each in (SHOWN[roles], WHOLE))  # type: ignore[attr-defined]
        texts += [f"fragment f on {type_name} {{ {name}({gone}: null) }}" for gone in old.args.keys() - new.args.keys()]
    for type_name, found in WHOLE.type_map.items():
        shown = SHOWN[roles].type_map.get(type_name)
        if isinstance(shown, GraphQLInputObjectType) and isinstance(found, GraphQLInputObjectType):
            gone = found.fields.keys() - shown.fields.keys()
            texts += [f"query ($a: {type_name} = {{{each}: 1}}) {{ __typename }}" for each in gone]
    assert texts or "partner_user" not in roles or len(roles) > 1
    for text in texts:
        errors = told(SHOWN[roles], text)
        assert errors == told(never, text) != []
        assert suggested(errors) <= known


def test_filters_and_orders_by_what_is_hidden_are_gone() -> None:
    schema = SHOWN[frozenset({"partner_user"})]
    assert set(schema.type_map["InvoiceFilter"].fields) == {"status", "dueBefore", "dueFrom"}  # type: ignore[attr-defined]
    assert "ContactOrder" not in schema.type_map, "people's names are not for partners"
    assert set(schema.query_type.fields["invoices"].args) == {"first", "after", "filter"}  # type: ignore[union-attr]


def test_nothing_is_found_by_what_may_not_be_looked_up() -> None:
    by = {each: SHOWN[frozenset({each})].type_map.get("AccountBy") for each in EXTERNAL}
    found = {each: set(getattr(shown, "fields", ())) for each, shown in by.items()}
    assert "email" in WHOLE.type_map["AccountBy"].fields  # type: ignore[attr-defined]
    for role, fields in found.items():
        grants = POLICIES.grants(frozenset({role}))
        assert ("email" in fields) is (bool(fields) and grants.lookup("Contact", "email")), role
    assert "email" not in found["partner_user"]
    assert {"key", "node"} <= found["partner_user"]


def test_a_hidden_input_field_cannot_come_by_a_variable() -> None:
    text = "query ($f: InvoiceFilter) { invoices(filter: $f) { totalCount } }"
    operation: Any = parse(text).definitions[0]
    given = {"f": {"createdFrom": "2026-01-01T00:00:00Z"}}
    whole = get_variable_values(WHOLE, operation.variable_definitions, given)
    shown = get_variable_values(SHOWN[frozenset({"partner_user"})], operation.variable_definitions, given)
    assert not isinstance(whole, list)
    assert isinstance(shown, list)
    assert isinstance(shown[0], GraphQLError)
    assert "createdFrom" in shown[0].message
    assert "createdBefore" not in shown[0].message


def test_a_list_is_filtered_only_by_what_is_shown_unmasked() -> None:
    account: Any = WHOLE.type_map["Account"]
    masks = SimpleNamespace(
        roles=frozenset({"one"}),
        field=lambda *each: SimpleNamespace(verdict="mask" if each[1] == "name" else "allow"),
    )
    assert not readable(account, "name", masks)
    assert readable(account, "parent_key", masks), "shown by the link that follows it"
    assert not readable(account, "unheard_of", masks)


def test_a_list_is_filtered_only_by_what_each_role_is_shown() -> None:
    account: Any = WHOLE.type_map["Account"]
    grants = SimpleNamespace(
        roles=frozenset({"one", "other"}),
        field=lambda _type, name, roles: SimpleNamespace(
            verdict="allow" if name == "industry" or roles == {"one"} else "deny"
        ),
    )
    assert readable(account, "industry", grants)
    assert not readable(account, "name", grants)


# ---------------------------------------------------------------- properties


@settings(max_examples=60)
@given(st.integers(0, 2**32), st.sampled_from([0.02, 0.2, 0.5, 0.9]))
def test_whatever_is_denied_the_schema_is_valid_and_without_it(seed: int, share: float) -> None:
    draw = random.Random(seed)
    refused = {each for each in coordinates(WHOLE) if draw.random() < share} - {("Query", "node")}
    schema = pruned(WHOLE, Given(lambda *each: each in refused))
    assert validate_schema(schema) == []
    assert not refused & set(coordinates(schema))
    assert all(document_holds(schema, draw) for _ in range(3))


@settings(max_examples=40)
@given(st.integers(0, 2**32), st.sampled_from(SETS))
def test_a_document_valid_for_an_audience_is_valid_on_the_whole(seed: int, roles: frozenset[str]) -> None:
    assert document_holds(SHOWN[roles], random.Random(seed))


def document_holds(schema: GraphQLSchema, draw: random.Random) -> bool:
    text = document(schema, draw)
    return told(schema, text) == [] and told(WHOLE, text) == []


# ---------------------------------------------------------------- small schemas

PETS = build_schema(
    """
    interface Pet { name: String owner: Owner }
    type Dog implements Pet { name: String owner: Owner barks: Int }
    type Cat implements Pet { name: String owner: Owner meows: Int }
    type Fish implements Pet { name: String owner: Owner }
    type Owner { phone: String }
    union Found = Dog | Owner
    enum Size { SMALL LARGE }
    input Wish { size: Size = SMALL near: Place! }
    input Place { of: String! }
    type Query { pet(wish: Wish): Pet found: Found lost(place: Place!): Int owner: Owner }
    """
)


def pets(*refused: str) -> GraphQLSchema:
    schema = pruned(PETS, Given(lambda *each: ".".join(each) in refused))
    assert validate_schema(schema) == []
    return schema


def test_nothing_denied_nothing_changes() -> None:
    assert sorted(print_schema(pets()).split("\n\n")) == sorted(print_schema(PETS).split("\n\n"))


def test_an_empty_type_takes_along_what_leads_to_it() -> None:
    schema = pets("Owner.phone")
    assert "Owner" not in schema.type_map
    assert set(schema.query_type.fields) == {"pet", "found", "lost"}  # type: ignore[union-attr]
    assert [each.name for each in schema.type_map["Found"].types] == ["Dog"]  # type: ignore[attr-defined]
    assert set(schema.type_map["Pet"].fields) == {"name"}  # type: ignore[attr-defined]


def test_an_interface_shows_what_all_behind_it_show() -> None:
    schema = pets("Dog.owner")
    assert set(schema.type_map["Pet"].fields) == {"name"}  # type: ignore[attr-defined]
    assert set(schema.type_map["Cat"].fields) == {"name", "owner", "meows"}  # type: ignore[attr-defined]


def test_a_type_that_only_its_interface_leads_to_needs_something_of_its_own() -> None:
    schema = pets("Cat.meows")
    assert "Cat" not in schema.type_map
    assert {"Dog", "Fish"} <= schema.type_map.keys()


def test_a_union_without_members_is_gone() -> None:
    schema = pets("Dog.name", "Dog.owner", "Dog.barks", "Owner.phone")
    assert "Found" not in schema.type_map
    assert set(schema.query_type.fields) == {"pet", "lost"}  # type: ignore[union-attr]


def test_inputs_go_with_the_last_field_that_takes_them() -> None:
    schema = pets("Query.pet", "Query.lost")
    assert not [each for each in schema.type_map.values() if isinstance(each, GraphQLInputObjectType)]
    assert "Size" not in schema.type_map


def test_who_sees_nothing_is_still_answered() -> None:
    schema = pruned(WHOLE, Given(lambda *_: True))
    assert told(schema, "{ __typename __schema { types { name } } }") == []
    assert told(schema, "{ account(by: {key: 1}) { id } }")
    assert {each for each in schema.type_map if not each.startswith("__")} <= {"Query", "String", "Boolean"}


def test_other_rules_make_another_audience() -> None:
    known = Audiences(PETS)
    before = known.of(Given(lambda *_: False))
    after = known.of(Given(lambda *each: each == ("Owner", "phone"), version=2))
    assert "Owner" in before.type_map
    assert "Owner" not in after.type_map


def test_an_audience_is_made_once_and_the_least_recently_asked_is_forgotten() -> None:
    known = Audiences(PETS)
    outsiders = [Given(lambda *_: False, roles=str(number)) for number in range(65)]
    first = known.of(outsiders[0])
    assert known.of(outsiders[0]) is first
    assert known.of(Given(lambda *_: True, external=False)) is PETS
    for each in outsiders[1:64]:
        known.of(each)
    second = known.of(outsiders[1])
    assert known.of(outsiders[0]) is first
    known.of(outsiders[64])
    assert known.of(outsiders[1]) is second
    assert known.of(outsiders[0]) is first
