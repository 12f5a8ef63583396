"""What a principal may do is remembered, and who was seen is bounded."""

from pathlib import Path

import pytest

from policies.decide import Policies
from policies.principal import Principal
from tests.policies import small

ROLES = small.ROLES.replace("  rows: [entity]", "  with_purpose: {audit: {pii: allow}}\n  rows: [entity]")
PURPOSES = "audit: {means: an audit, lasts: 1h, persons: 1}\n"


@pytest.fixture
def policies(tmp_path: Path) -> Policies:
    return small.compiled(tmp_path, roles=ROLES, purposes=PURPOSES)


def asker(*roles: str, purposes: tuple[str, ...] = ()) -> Principal:
    return Principal("ada", frozenset(roles), purposes=purposes)


def test_grants_are_the_same_for_everybody_with_the_same_roles_and_purposes(policies: Policies) -> None:
    found = policies.granted(asker("finance"))
    assert policies.granted(Principal("bob", frozenset({"finance"}), regions=("DE",))) is found
    assert policies.grants({"finance"}) is found


def test_a_purpose_is_neither_remembered_for_who_acts_without_it_nor_forgotten(policies: Policies) -> None:
    for _ in range(2):
        assert policies.granted(asker("finance")).roles == {"finance"}
        assert policies.granted(asker("finance", purposes=("audit",))).roles == {"finance", "finance+audit"}
        assert policies.granted(asker("finance", purposes=("other",))).roles == {"finance"}


def test_roles_that_nobody_knows_change_nothing_however_often_they_are_named(policies: Policies) -> None:
    for _ in range(2):
        assert policies.granted(asker("stranger")) is policies.granted(asker())
        assert policies.granted(asker("agent", "stranger")) is policies.granted(asker("agent"))
        assert policies.granted(asker("finance+audit")).roles == frozenset()


def test_callers_with_ever_new_roles_do_not_fill_the_memory(policies: Policies) -> None:
    before = policies.granted(asker("agent"))
    for number in range(2_500):
        assert policies.granted(asker("agent", f"made-up-{number}")) is before
        assert len(policies._granted) <= 1_000
    assert policies.granted(asker("agent")) is before
    assert len(policies._grants) == 1
