"""The printed schema says of every field that reads records how old they may be, and of no other."""

import re
from typing import Any

import pytest
from graphql import GraphQLInterfaceType, GraphQLObjectType, GraphQLSchema, build_schema, print_type
from graphql.language import parse
from graphql.language.ast import FieldDefinitionNode, InterfaceTypeDefinitionNode, ObjectTypeDefinitionNode

from gateway.engine.audience import pruned
from gateway.engine.shapes import shapes
from policies.compile import compile_rules
from policies.load import RULES, load_rules
from resolvers.batch import Batched, Link, declaration_of
from resolvers.printing import printed
from sources.cache.freshness import Table
from sources.ours import RECORDS as OURS
from tests.resolvers.world import SCHEMA

WHOLE = SCHEMA._schema
_APPLIED = re.compile(r" @freshness\(ttl: \d+, staleFor: \d+\)")


def _audience() -> GraphQLSchema:
    policies = compile_rules(load_rules(RULES), shapes(WHOLE), b"\0" * 32)
    return pruned(WHOLE, policies.grants(["customer_user"]))


SHOWN = {"everybody": WHOLE, "customers": _audience()}


def told(schema: GraphQLSchema) -> dict[str, tuple[int, int] | None]:
    """Coordinate -> what its field's `@freshness` says."""
    found: dict[str, tuple[int, int] | None] = {}
    for type_ in parse(printed(schema)).definitions:
        if isinstance(type_, (ObjectTypeDefinitionNode, InterfaceTypeDefinitionNode)):
            found |= {f"{type_.name.value}.{field.name.value}": _spans(field) for field in type_.fields or ()}
    return found


def _spans(field: FieldDefinitionNode) -> tuple[int, int] | None:
    applied: Any = field.directives or ()
    given = [{each.name.value: int(each.value.value) for each in one.arguments} for one in applied]
    return (given[0]["ttl"], given[0]["staleFor"]) if given else None


def remembered(declared: Any) -> set[Any]:
    """The records that a field reads and that may come from memory."""
    needs = {record for record, _ in declared.needs} if isinstance(declared, Batched) else set()
    return (needs | ({declared.target} if isinstance(declared, Link) else set())) - OURS


@pytest.mark.parametrize("audience", SHOWN)
def test_every_field_that_reads_says_it_and_no_other(audience: str) -> None:
    schema = SHOWN[audience]
    reads = {
        f"{name}.{field_name}"
        for name, type_ in schema.type_map.items()
        for field_name, field in getattr(type_, "fields", {}).items()
        if isinstance(type_, (GraphQLObjectType, GraphQLInterfaceType))
        if name != "Mutation" and remembered(declaration_of(field))
    }
    assert {coordinate for coordinate, spans in told(schema).items() if spans is not None} == reads
    assert reads


def test_of_several_kinds_of_records_the_longest_is_told() -> None:
    table, shown = Table(), told(WHOLE)
    account = WHOLE.type_map["Account"]
    assert isinstance(account, GraphQLObjectType)
    for name in ("invoices", "standing", "lifecycle"):
        declared = declaration_of(account.fields[name])
        records = [declared.target] if isinstance(declared, Link) else [each for each, _ in declared.needs]  # type: ignore[union-attr]
        spans = [table.of(each) for each in records]
        assert shown[f"Account.{name}"] == (max(each.ttl for each in spans), max(each.stale_for for each in spans))


@pytest.mark.parametrize("audience", SHOWN)
def test_apart_from_that_every_type_is_printed_as_ever(audience: str) -> None:
    schema = SHOWN[audience]
    text = printed(schema)
    plain = _APPLIED.sub("", text)
    for type_ in schema.type_map.values():
        if not type_.name.startswith("__") and type_.name not in ("String", "Int", "Float", "Boolean", "ID"):
            assert print_type(type_) in plain
    again = build_schema(text)
    assert again.get_directive("freshness") is not None
    assert {name for name in again.type_map if not name.startswith("__")} == {
        name for name in schema.type_map if not name.startswith("__")
    }
