"""Every list and every root of the graph: nobody finds, searches or orders by what they may not read."""

import base64
from types import SimpleNamespace
from typing import Any

import pytest
import strawberry
from graphql import GraphQLField, GraphQLInputObjectType, GraphQLObjectType, get_named_type

from gateway.engine.graph import Graph
from gateway.engine.lookups import Forbidden, check_lookups
from gateway.engine.paging import Paging
from gateway.engine.shapes import shapes
from gateway.engine.visible import readable, shown_as, visible
from policies.compile import compile_rules
from policies.load import load_rules
from resolvers.batch import LOOKUP, Batched, Link, Stream, declaration_of
from resolvers.find import AccountBy
from resolvers.registry import names
from resolvers.schema import build_schema
from tests.gateway.engine.rules_of import policies, who
from tests.gateway.engine.shop import answer, codes, engine
from tests.gateway.engine.stock import small

STRAWBERRY = build_schema()
SCHEMA = STRAWBERRY._schema
GRAPH = Graph.of(STRAWBERRY, names())
POLICIES = compile_rules(load_rules(), shapes(SCHEMA, names()), b"a key of the tests")
ROLES = sorted(POLICIES.tables)
FIELDS: dict[str, GraphQLField] = {
    f"{type_.name}.{name}": field
    for type_ in SCHEMA.type_map.values()
    if isinstance(type_, GraphQLObjectType) and not type_.name.startswith("__")
    for name, field in type_.fields.items()
}
LISTS = {at: link for at, each in FIELDS.items() if isinstance(link := declaration_of(each), Link) and link.many}
ROOTS = {at: link for at, each in FIELDS.items() if isinstance(link := declaration_of(each), Link) and link.argument}
PAGED = {"first", "after", "filter", "orderBy", "maxAge"}
ACCOUNT = base64.urlsafe_b64encode(b"Account|crm|001").decode().rstrip("=")
# What a check is about, no value that a record is found by.
WORDS = {"Query.entitlementCheck.feature"}
# Judged by validation, which reads what it names for whoever asks.
JUDGED = {"Query.validateOrder.input"}


def paging(coordinate: str, *roles: str) -> Paging:
    link = declaration_of(FIELDS[coordinate])
    field: Any = SimpleNamespace(link=link, arguments=None, coordinate=coordinate)
    return Paging(GRAPH, POLICIES.grants(roles), field, FIELDS[coordinate])


def is_shown(link: Link, attribute: str, role: str) -> bool:
    target: Any = SCHEMA.type_map[names()[link.target]]
    return readable(target, attribute, POLICIES.grants([role]))


@pytest.mark.parametrize("coordinate", sorted(LISTS))
def test_a_list_is_ordered_by_what_its_reader_may_read_or_as_its_source_has_it(coordinate: str) -> None:
    link = LISTS[coordinate]
    for role in ROLES:
        shown = link.order is not None and is_shown(link, link.order.field, role)
        order = paging(coordinate, role)._shown_order()
        assert order == (link.order if shown else None), role


def test_there_are_lists_that_some_may_not_have_ordered() -> None:
    ordered = {at: link.order.field for at, link in LISTS.items() if link.order is not None}
    assert len(ordered) >= 8
    for coordinate, attribute in ordered.items():
        target: Any = SCHEMA.type_map[names()[LISTS[coordinate].target]]
        assert shown_as(target, attribute), f"`{coordinate}` is ordered by what no field shows"
    assert paging("Query.accounts", "platform")._shown_order() is None
    assert paging("Query.accounts", "revops")._shown_order() is not None
    assert paging("Account.invoices", "support_agent", "revops")._shown_order() is None


def test_what_is_read_with_a_purpose_is_found_and_ordered_by_it() -> None:
    """During an outage as much as on any other day; what no purpose opens stays closed."""
    glass = ("platform_breakglass", "platform_breakglass+break_glass")
    assert paging("Query.accounts", *glass)._shown_order() is not None
    assert paging("Query.searchAccounts", *glass).page({}).first == 20
    with pytest.raises(Forbidden):
        paging("Query.searchAccounts", glass[0]).page({})
    with pytest.raises(Forbidden):
        paging("Query.searchAccounts", *glass, "platform").page({})


@pytest.mark.parametrize("coordinate", sorted(ROOTS))
def test_a_root_is_asked_only_by_what_its_reader_may_read_or_look_up(coordinate: str) -> None:
    link = ROOTS[coordinate]
    target: Any = SCHEMA.type_map[names()[link.target]]
    (attribute, argument) = (link.sought or "", link.argument)
    assert shown_as(target, attribute), f"`{argument}` of `{coordinate}` looks at what no field shows"
    for role in ROLES:
        listed = any(POLICIES.grants([role]).lookup(target.name, each) for each in shown_as(target, attribute))
        may = is_shown(link, attribute, role) or (listed and link.words is None)
        asked = paging(coordinate, role)
        if may:
            assert asked.page({}) is not None, role
            continue
        with pytest.raises(Forbidden) as refused:
            asked.page({})
        assert refused.value.coordinate == f"{target.name}.{shown_as(target, attribute)[0]}"


def test_names_are_searched_by_nobody_who_may_not_read_them() -> None:
    with pytest.raises(Forbidden, match=r"`Account\.name` is not for your role: nothing is found by `text`"):
        paging("Query.searchAccounts", "platform").page({})
    assert paging("Query.searchAccounts", "revops").page({}).first == 20
    with pytest.raises(Forbidden):
        paging("Query.searchAccounts", "revops", "platform").page({})
    without = SimpleNamespace(
        roles=frozenset({"x"}),
        field=lambda *each: SimpleNamespace(verdict="deny" if each[:2] == ("Account", "name") else "allow"),
        lookup=lambda *_: True,
    )
    assert "searchAccounts" not in visible(SCHEMA, without)["Query"], "to outsiders it does not exist"
    assert "account" in visible(SCHEMA, without)["Query"]


def test_every_argument_by_which_something_may_be_found_says_what_it_looks_up() -> None:
    unsaid = []
    for coordinate, field in FIELDS.items():
        declared = declaration_of(field)
        for name, argument in field.args.items() if not coordinate.startswith("Mutation.") else ():
            at, type_ = f"{coordinate}.{name}", get_named_type(argument.type)
            if name in PAGED or at in WORDS | JUDGED or type_.name not in ("ID", "String", "AccountBy"):
                continue
            said = isinstance(declared, Link) and declared.argument == name
            said = said or (isinstance(declared, (Batched, Stream)) and declared.sought is not None)
            if not said and not isinstance(type_, GraphQLInputObjectType):
                unsaid.append(at)
    assert unsaid == []
    by: Any = SCHEMA.type_map["AccountBy"]
    fields = {name: each.extensions["strawberry-definition"].metadata for name, each in by.fields.items()}
    assert {name for name, each in fields.items() if LOOKUP not in each} == {"system"}
    for coordinate in (each[LOOKUP] for each in fields.values() if LOOKUP in each):
        assert coordinate in FIELDS


def asked(root: str, **given: Any) -> list[str]:
    """The roles that may ask a computed root so."""
    declared: Any = declaration_of(FIELDS[f"Query.{root}"])
    found = []
    for role in ROLES:
        try:
            check_lookups(declared, given, POLICIES.grants([role]))
        except Forbidden:
            continue
        found.append(role)
    return found


def test_computed_roots_are_held_to_look_ups_too() -> None:
    assert asked("node", id=ACCOUNT) == ROLES
    assert asked("nodes", ids=["no id at all"]) == ROLES, "what is no id is told by the field itself"
    assert asked("account", by=AccountBy(key=strawberry.ID("001"))) == ROLES
    assert "platform" not in asked("account", by=AccountBy(email="ada@acme.test"))


def test_what_changes_of_an_operation_is_followed_by_those_who_may_look_it_up() -> None:
    followed: Any = declaration_of(FIELDS["Subscription.operationChanged"])
    asked_for: Any = declaration_of(FIELDS["Query.operation"])
    assert list(followed.sought({"id": "op_1", "after": None})) == list(asked_for.sought({"id": "op_1"}))


KEYLESS = """\
ops:
  audience: internal
  classes: {public: allow, internal: allow, pii: deny, billing: allow}
  fields: {"*.key": {mask: hash}, "*.id": {mask: hash}}
  rows: all
"""
FINDS = KEYLESS.replace("ops:", "helper:") + '  lookup: ["*.key"]\n'


@pytest.mark.parametrize("argument", ['"b11"', "$key"])
async def test_a_masked_key_finds_nothing_unless_it_is_listed(argument: str) -> None:
    shelf = small()
    over = engine(shelf, policies(KEYLESS, FINDS).granted)
    query = ('query($key: ID! = "b11") ' if argument == "$key" else "") + f"{{ bill(key: {argument}) {{ status }} }}"
    refused = await answer(over, query, who("ops"))
    assert codes(refused) == [("FORBIDDEN", ["bill"])]
    assert "b11" not in refused["errors"][0]["message"]
    assert shelf.calls("Bill.key") == []
    found = await answer(over, query, who("helper"))
    assert found["data"]["bill"]["status"]
    assert codes(await answer(over, query, who("helper", "ops"))) == [("FORBIDDEN", ["bill"])]


async def test_nothing_leaves_early_for_a_row_that_may_not_be_looked_up() -> None:
    shelf = small()
    over = engine(shelf, policies(KEYLESS, FINDS).granted)
    query = '{ account(key: "a1") { bills { nodes { status } } } }'
    assert codes(await answer(over, query, who("ops"))) == [("FORBIDDEN", ["account"])]
    assert shelf.calls("Bill.account") == shelf.calls("Account.key") == []
    assert (await answer(over, query, who("helper")))["data"]["account"]["bills"]["nodes"]
