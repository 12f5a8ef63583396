"""Who may see a mutation's field and who may use it say the same: whoever the write rules let ask is not cut off."""

import pytest

from gateway.engine.shapes import shapes
from policies.compile import compile_rules
from policies.load import RULES, load_rules
from resolvers.registry import names
from resolvers.sagas.writes import WRITES
from tests.resolvers.world import SCHEMA

LOADED = load_rules(RULES)
SHAPES = shapes(SCHEMA._schema, names())
POLICIES = compile_rules(LOADED, SHAPES, b"\0" * 32)
FIELDS = frozenset(SHAPES["Mutation"])
PURPOSES = frozenset({"askForPurpose", "agreeToPurpose", "endPurpose"})
UNDONE = {"unpauseWrites": "pauseWrites", "endLending": "lendRoles"}  # judged by the rule of what it takes back


def allowed(role: str, mutation: str) -> bool:
    return POLICIES.grants([role]).field("Mutation", mutation).verdict == "allow"


def test_every_governed_write_is_a_mutation_and_every_mutation_has_a_rule() -> None:
    assert {saga.mutation for saga in WRITES} <= FIELDS
    assert {UNDONE.get(each, each) for each in FIELDS - PURPOSES} <= set(LOADED.writes.mutations)


@pytest.mark.parametrize("mutation", sorted(FIELDS & set(LOADED.writes.mutations)))
def test_whoever_may_ask_or_approve_is_shown_the_mutation(mutation: str) -> None:
    rule = LOADED.writes.mutations[mutation]
    assert [role for role in rule.asks if not allowed(role, mutation)] == []


@pytest.mark.parametrize("role", [name for name, role in LOADED.roles.items() if role.audience == "external"])
def test_outsiders_are_shown_no_mutation(role: str) -> None:
    assert [each for each in FIELDS if allowed(role, each)] == []


def test_every_role_that_has_a_purpose_or_agrees_to_one_can_say_so() -> None:
    needed = {name for name, role in LOADED.roles.items() if role.with_purpose}
    needed |= {role for purpose in LOADED.purposes.values() for role in purpose.agrees}
    assert [(role, each) for role in sorted(needed) for each in sorted(PURPOSES) if not allowed(role, each)] == []
