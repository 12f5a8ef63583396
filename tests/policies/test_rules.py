"""The rules that come along, against the schema that is."""

import time

import msgspec
import pytest

from gateway.engine.judge import shapes
from policies.analyse import check
from policies.cases import run_tests
from policies.compile import Schema, compile_rules
from policies.decide import Policies
from policies.load import RULES, Rules, load_rules
from policies.principal import Principal
from resolvers.registry import names
from resolvers.schema import build_schema

ROLES = {
    "support_agent",
    "support_lead",
    "finance",
    "finance_controller",
    "credit_manager",
    "revops",
    "cpq_service",
    "portal_user",
    "customer_user",
    "partner_user",
    "platform",
    "auditor",
}
FACTS = {"Account": {"legal_entities"}}  # what the gateway loads beside a record


@pytest.fixture(scope="module")
def schema() -> Schema:
    return shapes(build_schema()._schema)


@pytest.fixture(scope="module")
def rules() -> Rules:
    return load_rules(RULES)


@pytest.fixture(scope="module")
def policies(rules: Rules, schema: Schema) -> Policies:
    return compile_rules(rules, schema, b"a key of the tests")


def test_nothing_is_left_to_look_at(rules: Rules, schema: Schema) -> None:
    assert [str(each) for each in check(rules, schema)] == []


def test_the_examples_hold(policies: Policies) -> None:
    assert len(policies.examples) >= 14
    assert [str(each) for each in run_tests(policies)] == []


def test_there_are_the_twelve_roles_and_two_are_external(policies: Policies) -> None:
    assert set(policies.tables) == ROLES
    assert policies.external() == {"customer_user", "partner_user"}


def test_every_role_has_examples(policies: Policies) -> None:
    assert {role for example in policies.examples for role in example.principal.roles} == ROLES


def test_every_role_speaks_of_every_class(rules: Rules) -> None:
    assert {name: set(role.classes) for name, role in rules.roles.items()} == {key: set(rules.classes) for key in ROLES}


def test_only_finance_and_its_controller_see_anything_of_a_secret(policies: Policies, schema: Schema) -> None:
    seeing = {
        (role, decision.mask_name)
        for role, table in policies.tables.items()
        for decision in table.fields.values()
        if decision.class_name == "secret" and decision.verdict != "deny"
    }
    assert seeing == {("finance", "last4"), ("finance_controller", "last4")}


@pytest.mark.parametrize("role", ["support_agent", "cpq_service", "portal_user", "partner_user", "platform"])
def test_roles_outside_finance_see_no_ledger(role: str, policies: Policies) -> None:
    shown = [
        key
        for key, decision in policies.tables[role].fields.items()
        if decision.class_name in ("ledger", "restricted") and decision.verdict != "deny"
    ]
    assert shown == []


def test_a_support_agent_sees_no_amount(policies: Policies, schema: Schema) -> None:
    fields = policies.tables["support_agent"].fields
    amounts = [
        f"{type_name}.{field}"
        for type_name, shapes_of in schema.items()
        for field, shape in shapes_of.items()
        if shape.target == "Money" and fields[type_name, field].verdict != "deny"
    ]
    assert amounts == []


def test_row_conditions_read_only_what_records_have(rules: Rules) -> None:
    attributes = {
        name: {each.name for each in msgspec.structs.fields(record)} | FACTS.get(name, set())
        for record, name in names().items()
    }
    strange = [
        f"{condition.place.file}:{condition.place.line}: {type_name} lacks {missing}"
        for conditions in rules.rows.values()
        for type_name, condition in conditions.items()
        for missing in (
            condition.row_attributes - attributes[type_name] | condition.account_attributes - attributes["Account"]
        )
    ]
    assert strange == []


def test_a_decision_is_a_table_look_up(policies: Policies) -> None:
    grants = policies.grants(["support_agent", "finance"])
    grants.field("Invoice", "total")
    started = time.perf_counter()
    for _ in range(10_000):
        grants.field("Invoice", "total", grants.roles)
    assert time.perf_counter() - started < 0.5  # microseconds each, with room for a busy machine


def test_two_jobs_of_one_person_do_not_add_up(policies: Policies) -> None:
    """Support sees the row by its region but not the amount; finance the amount but not this entity's rows."""

    class Invoice:
        legal_entity = "US"

    class Account:
        region = "EMEA"

    user = Principal("ada", frozenset({"support_agent", "finance"}), regions=("EMEA",), entities=("DE",))
    grants = policies.grants(user.roles)
    seeing = grants.seen_by("Invoice", Invoice(), Account(), {"legal_entities": ("US",)}, user)
    assert seeing == {"support_agent"}
    assert grants.field("Invoice", "status", seeing).verdict == "allow"
    assert grants.field("Invoice", "total", seeing).verdict == "deny"
