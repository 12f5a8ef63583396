"""Purposes: bounded, with a reason, agreed to; and no role by a token's word alone."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from policies.decide import Policies
from policies.principal import Principal
from policies.purposes import Purpose, PurposeGrant, in_force
from policies.yaml import Place
from tests.policies import small

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
PLACE = Place("rules/purposes.yaml", 1)
KNOWN = {
    "reveal": Purpose("reveal", "a case", timedelta(hours=1), 1, PLACE),
    "break_glass": Purpose("break_glass", "an outage", timedelta(hours=1), 2, PLACE),
}
ROLES = small.ROLES.replace(
    "  rows: [entity]", "  with_purpose:\n    audit: {pii: allow}\n    other: {Account.notes: allow}\n  rows: [entity]"
)
PURPOSES = "audit: {means: an audit, lasts: 1h, persons: 1}\nother: {means: another, lasts: 1h, persons: 1}\n"


@pytest.fixture
def policies(tmp_path: Path) -> Policies:
    return small.compiled(tmp_path, roles=ROLES, purposes=PURPOSES)


@pytest.mark.parametrize(
    ("grant", "expected"),
    [
        (PurposeGrant("reveal", "case 12", "ada", NOON), ("reveal",)),
        (PurposeGrant("reveal", "case 12", "ada", NOON - timedelta(minutes=59)), ("reveal",)),
        (PurposeGrant("reveal", "case 12", "ada", NOON - timedelta(hours=1)), ()),
        (PurposeGrant("reveal", "case 12", "ada", NOON + timedelta(seconds=1)), ()),
        (PurposeGrant("reveal", "  ", "ada", NOON), ()),
        (PurposeGrant("reveal", "case 12", "", NOON), ()),
        (PurposeGrant("curiosity", "case 12", "ada", NOON), ()),
        (PurposeGrant("break_glass", "outage 3", "ada", NOON), ()),
        (PurposeGrant("break_glass", "outage 3", "ada", NOON, ("ada",)), ()),
        (PurposeGrant("break_glass", "outage 3", "ada", NOON, ("bob",)), ("break_glass",)),
    ],
)
def test_a_purpose_counts_for_its_time_with_a_reason_and_enough_people(
    grant: PurposeGrant, expected: tuple[str, ...]
) -> None:
    assert in_force([grant], KNOWN, NOON) == expected


def test_a_role_with_a_purpose_sees_more_and_says_by_which(policies: Policies) -> None:
    plain = policies.granted(Principal("ada", frozenset({"finance"})))
    audit = policies.granted(Principal("ada", frozenset({"finance"}), purposes=("audit",)))
    assert plain.field("Invoice", "payer").mask_name == "hash"
    assert audit.field("Invoice", "payer").verdict == "allow"
    assert audit.field("Invoice", "payer").rule == "finance+audit/pii"
    assert audit.field("Invoice", "total").rule == "finance/billing"
    assert plain is not audit
    assert audit.roles == {"finance", "finance+audit"}


def test_a_purpose_opens_only_what_it_names(policies: Policies) -> None:
    other = policies.granted(Principal("ada", frozenset({"finance"}), purposes=("other",)))
    assert other.field("Account", "notes").verdict == "allow"
    assert other.field("Invoice", "payer").mask_name == "hash"


def test_a_purpose_opens_nothing_to_a_role_that_does_not_name_it(policies: Policies) -> None:
    assert policies.acting(Principal("ada", frozenset({"agent"}), purposes=("audit", "x"))) == {"agent"}


def test_a_token_that_names_a_role_with_a_purpose_gets_nothing_by_it(policies: Policies) -> None:
    assert policies.acting(Principal("eve", frozenset({"finance+audit"}))) == frozenset()
    assert policies.acting(Principal("eve", frozenset({"finance+audit", "agent"}))) == {"agent"}


def test_a_purpose_opens_no_row(policies: Policies) -> None:
    user = Principal("ada", frozenset({"finance"}), entities=("E1",), purposes=("audit",))
    seen = policies.granted(user).rows("Invoice").judge([small.row(legal_entity="E2")], [None], [{}], user)
    assert seen == [frozenset()]


def test_whoever_reads_a_field_with_a_purpose_finds_by_it(policies: Policies) -> None:
    """The role and the role with its purpose see the same rows, so neither is told the rows of the other."""
    plain = policies.granted(Principal("ada", frozenset({"finance"})))
    audit = policies.granted(Principal("ada", frozenset({"finance"}), purposes=("audit",)))
    both = policies.granted(Principal("ada", frozenset({"finance", "agent"}), purposes=("audit",)))
    assert not plain.lookup("Invoice", "payer")
    assert audit.lookup("Invoice", "payer")
    assert audit.lookup("Invoice", "total")
    assert not both.lookup("Invoice", "payer"), "the agent's rows would be told by what only finance reads"
