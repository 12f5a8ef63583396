"""Explanations, the matrix, differences, and the examples that rules bring along."""

import re
from pathlib import Path

import pytest

from policies.cases import run_tests
from policies.compare import SIGNS, difference, matrix
from policies.explain import explain, plain
from policies.masks import MASKS
from policies.principal import Principal
from tests.policies import small

AGENT = Principal("ada", frozenset({"agent"}), regions=("DE", "NO"))


def test_an_explanation_names_class_verdict_rule_file_and_line(tmp_path: Path) -> None:
    assert explain(small.compiled(tmp_path), AGENT, "Invoice.total").splitlines() == [
        "Invoice.total as agent: deny",
        "",
        "  rule     agent/billing",
        "  class    billing                                                  rules/classes.yaml:7",
        "  verdict  deny                                                     rules/roles.yaml:3",
        "  rows     through the account that owns the row",
        "           row.region in user.regions                               rules/rows.yaml:4",
        "           user.regions = DE, NO",
        "  lists    judged row by row: no filter says the same",
    ]


def test_rows_that_a_filter_can_say_are_explained_with_the_filter(tmp_path: Path) -> None:
    user = Principal("ada", frozenset({"finance"}), entities=("E1",))
    assert explain(small.compiled(tmp_path), user, "Invoice.total").splitlines()[-4:] == [
        "  rows     by a condition of its own",
        "           row.legalEntity in user.entities                         rules/rows.yaml:7",
        "           user.entities = E1",
        "  lists    asked with legalEntity in (E1)",
    ]


def test_who_has_nothing_to_compare_with_is_told_that_no_row_is_seen(tmp_path: Path) -> None:
    said = explain(small.compiled(tmp_path), Principal("ada", frozenset({"agent"})), "Account.name")
    assert "           user.regions = nothing: no row meets it" in said.splitlines()


def test_several_roles_are_explained_one_by_one(tmp_path: Path) -> None:
    said = explain(small.compiled(tmp_path), Principal("ada", frozenset({"agent", "finance"})), "Invoice.payer")
    assert said.startswith("Invoice.payer as agent, finance: mask hash, on rows that all of them see\n")
    assert "  rule     agent/pii" in said
    assert "  rule     finance/pii" in said


def test_colours_never_move_a_column(tmp_path: Path) -> None:
    policies = small.compiled(tmp_path)
    for told in (
        lambda paint: explain(policies, AGENT, "Invoice.total", paint),
        lambda paint: matrix(policies, (), paint),
    ):
        painted = told(lambda text, kind: f"<{kind}>{text}</{kind}>")
        assert "<deny>" in painted
        assert re.sub(r"</?[a-z]+>", "", painted) == told(plain)


@pytest.mark.parametrize(
    ("role", "coordinate", "message"),
    [
        ("agent", "Invoice.sum", "the schema has no `Invoice.sum`: write `Type.field`"),
        ("boss", "Invoice.total", "there is no role `boss`: one of agent, finance is possible"),
    ],
)
def test_what_does_not_exist_is_not_explained(role: str, coordinate: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(KeyError, match=message):
        explain(small.compiled(tmp_path), Principal("ada", frozenset({role})), coordinate)


def test_the_matrix_shows_every_role_and_field(tmp_path: Path) -> None:
    assert matrix(small.compiled(tmp_path), ["Invoice"]).splitlines() == [
        " 1 agent",
        " 2 finance",
        "",
        "x allow   . deny   # mask hash",
        "",
        "                 class       1  2",
        "Invoice.account  billing     .  x",
        "Invoice.due      billing     .  x",
        "Invoice.id       public      x  x",
        "Invoice.payer    pii         .  #",
        "Invoice.status   billing     x  x",
        "Invoice.total    billing     .  x",
    ]


def test_every_verdict_has_a_sign_of_its_own() -> None:
    assert set(SIGNS) == {"allow", "deny", "forbid", *(f"mask {name}" for name in MASKS)}
    assert len(set(SIGNS.values())) == len(SIGNS)


def test_a_difference_says_what_opens_and_what_closes(tmp_path: Path) -> None:
    before = small.compiled(tmp_path)
    changed = small.ROLES.replace("Invoice.status: allow", "Invoice.total: allow") + "  forbid: [Invoice.due]\n"
    assert list(map(str, difference(before, small.compiled(tmp_path, roles=changed)))) == [
        "closes  agent Invoice.status: allow -> deny",
        "opens   agent Invoice.total: deny -> allow",
        "closes  finance Invoice.due: allow -> forbid",
    ]


def test_a_difference_speaks_of_rows(tmp_path: Path) -> None:
    before = small.compiled(tmp_path)
    rows = small.ROWS.replace("shared: []", "shared: [Account]").replace(
        "row.legalEntity in user.entities", "row.legalEntity in user.entities and row.status == 'OPEN'"
    )
    roles = small.ROLES.replace("rows: [region]", "rows: [region, entity]")
    assert list(map(str, difference(before, small.compiled(tmp_path, rows=rows, roles=roles)))) == [
        "opens   agent rows of Account: `row.region in user.regions` -> every row",
        (
            "opens   agent rows of Invoice: `row.region in user.regions (of its account)` -> "
            "`row.legalEntity in user.entities and row.status == 'OPEN'` or `row.region in user.regions (of its account)`"
        ),
        "opens   finance rows of Account: `row.legalEntities overlaps user.entities` -> every row",
        (
            "changes finance rows of Invoice: `row.legalEntity in user.entities` -> "
            "`row.legalEntity in user.entities and row.status == 'OPEN'`"
        ),
    ]


def test_a_role_that_goes_closes_all_it_had(tmp_path: Path) -> None:
    before = small.compiled(tmp_path)
    roles = "finance:" + small.ROLES.partition("finance:")[2]
    writes = "writes: {}\n"
    changes = difference(before, small.compiled(tmp_path, roles=roles, writes=writes))
    assert {(each.role, each.kind) for each in changes} == {("agent", "closes")}
    assert not any("InvoiceConnection" in each.what for each in changes if each.what.startswith("rows"))
    assert "closes  agent rows of Invoice: `row.region in user.regions (of its account)` -> no row" in map(str, changes)


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
