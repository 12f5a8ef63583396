"""Explanations, the matrix, differences, and the examples that rules bring along."""

from pathlib import Path

import pytest

from policies.cases import run_tests
from policies.explain import difference, explain, matrix
from tests.policies import small


def test_an_explanation_names_class_verdict_rule_file_and_line(tmp_path: Path) -> None:
    assert explain(small.compiled(tmp_path), ["agent"], "Invoice.total").splitlines() == [
        "Invoice.total as agent: deny",
        "  class    billing                      rules/classes.yaml:7",
        "  verdict  deny                         rules/roles.yaml:3",
        "  rule     agent/billing",
        "  rows     by the account that owns it",
        "           row.region in user.regions   rules/rows.yaml:4",
    ]


def test_several_roles_are_explained_one_by_one(tmp_path: Path) -> None:
    said = explain(small.compiled(tmp_path), ["finance", "agent"], "Invoice.payer")
    assert said.startswith("Invoice.payer as agent, finance: mask hash\n")
    assert "  rule     agent/pii" in said
    assert "  rule     finance/pii" in said


@pytest.mark.parametrize(
    ("role", "coordinate", "message"),
    [("agent", "Invoice.sum", "the schema has no `Invoice.sum`"), ("boss", "Invoice.total", "there is no role `boss`")],
)
def test_what_does_not_exist_is_not_explained(role: str, coordinate: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(KeyError, match=message):
        explain(small.compiled(tmp_path), [role], coordinate)


def test_the_matrix_shows_every_role_and_field(tmp_path: Path) -> None:
    assert matrix(small.compiled(tmp_path), ["Invoice"]).splitlines() == [
        "                 class      agent  finance",
        "Invoice.account  billing    .      x",
        "Invoice.due      billing    .      x",
        "Invoice.id       public     x      x",
        "Invoice.payer    pii        .      hash",
        "Invoice.status   billing    x      x",
        "Invoice.total    billing    .      x",
    ]


def test_a_difference_says_what_opens_and_what_closes(tmp_path: Path) -> None:
    before = small.compiled(tmp_path)
    changed = small.ROLES.replace("Invoice.status: allow", "Invoice.total: allow") + "  forbid: [Invoice.due]\n"
    assert difference(before, small.compiled(tmp_path, roles=changed)) == [
        "agent Invoice.status: allow -> deny (closes)",
        "agent Invoice.total: deny -> allow (opens)",
        "finance Invoice.due: allow -> forbid (closes)",
    ]


def test_examples_that_hold_say_nothing_and_others_say_which_line_decided(tmp_path: Path) -> None:
    example = """\
an agent:
  as: {roles: [agent], regions: [NO]}
  fields: {Invoice.status: allow, Invoice.total: allow, Invoice.sum: deny}
  rows:
    - {type: Account, row: {region: NO}, seen: yes}
    - {type: Account, row: {region: DE}, seen: yes}
    - {type: Invoice, row: {legalEntity: E1}, account: {region: NO}, seen: no}
"""
    assert [str(each) for each in run_tests(small.compiled(tmp_path, test_a=example))] == [
        (
            "rules/tests/a.yaml:3: `an agent` expects `allow` of `Invoice.total` "
            "but the rule `agent/billing` in rules/roles.yaml:3 says `deny`"
        ),
        "rules/tests/a.yaml:3: `an agent` expects something of the unknown `Invoice.sum`",
        "rules/tests/a.yaml:6: `an agent` expects this `Account` to be seen: it is hidden",
        "rules/tests/a.yaml:7: `an agent` expects this `Invoice` to be hidden: it is seen",
    ]
