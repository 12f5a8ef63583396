"""The rules that come along, against the schema that is."""

import pytest

from gateway.engine.shapes import shapes
from policies.cases import run_tests
from policies.compile import Schema, compile_rules
from policies.decide import Policies
from policies.load import RULES, Rules, load_rules
from policies.principal import Principal
from policies.review import check
from resolvers.registry import names
from resolvers.schema import build_schema
from tests.policies import small

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
    "platform_breakglass",
    "auditor",
}
WITH_PURPOSE = {
    "finance_controller+tax_filing",
    "finance_controller+payment_trace",
    "platform_breakglass+break_glass",
    "auditor+reveal",
}


@pytest.fixture(scope="module")
def schema() -> Schema:
    return shapes(build_schema()._schema, names())


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


def test_there_are_the_twelve_roles_with_break_glass_apart_and_two_are_external(policies: Policies) -> None:
    assert set(policies.tables) == ROLES | WITH_PURPOSE
    assert policies.external() == {"customer_user", "partner_user"}


def test_every_role_has_examples(policies: Policies) -> None:
    assert {role for example in policies.examples for role in example.principal.roles} == ROLES
    acting = [policies.acting(example.principal) for example in policies.examples]
    assert {role for roles in acting for role in roles} == ROLES | WITH_PURPOSE


def test_every_role_speaks_of_every_class(rules: Rules) -> None:
    assert {name: set(role.classes) for name, role in rules.roles.items()} == {key: set(rules.classes) for key in ROLES}


def test_every_read_of_an_auditor_goes_on_record_and_nobody_elses(policies: Policies) -> None:
    assert {name for name, table in policies.tables.items() if table.recorded} == {"auditor", "auditor+reveal"}


def test_only_finance_and_its_controller_see_anything_of_a_secret(policies: Policies, schema: Schema) -> None:
    seeing = {
        (role, decision.mask_name)
        for role, table in policies.tables.items()
        for decision in table.fields.values()
        if decision.class_name == "secret" and decision.verdict != "deny"
    }
    assert seeing == {
        ("finance", "last4"),
        ("finance_controller", "last4"),
        *(
            (f"finance_controller+{purpose}", word)
            for purpose in ("tax_filing", "payment_trace")
            for word in ("last4", None)
        ),
    }


def test_what_a_computed_field_is_made_of_is_in_the_schema(schema: Schema) -> None:
    named = {each for fields in schema.values() for shape in fields.values() for each in shape.derives}
    assert len(named) > 30
    assert [each for each in sorted(named) if each.split(".")[1] not in schema.get(each.split(".")[0], {})] == []


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


def test_every_type_of_records_says_which_attributes_they_have(schema: Schema) -> None:
    """Else a row condition on an attribute that no record has would go unnoticed."""
    assert {name for name in schema if getattr(schema[name], "attributes", None)} == set(names().values())
    assert {"parties.reseller_key", "legal_entity"} <= getattr(schema["Order"], "attributes", set())


def test_two_jobs_of_one_person_do_not_add_up(policies: Policies) -> None:
    """Support sees the row by its region but not the amount; finance the amount but not this entity's rows."""

    class Invoice:
        legal_entity = "US"

    class Account:
        region = "EMEA"

    user = Principal("ada", frozenset({"support_agent", "finance"}), regions=("EMEA",), entities=("DE",))
    grants = policies.grants(user.roles)
    seeing = small.seeing(grants, "Invoice", Invoice(), Account(), {"legal_entities": ("US",)}, user)
    assert seeing == {"support_agent"}
    assert grants.field("Invoice", "status", seeing).verdict == "allow"
    assert grants.field("Invoice", "total", seeing).verdict == "deny"
