"""What holds for every set of rules: forbid outranks all, a deny opens nothing, roles are never mixed."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.decide import Policies
from policies.lines import FieldShape
from policies.masks import MASKS
from policies.principal import Principal
from tests.policies import small

FIELDS = ("Invoice.status", "Invoice.payer")
COORDINATES = (*FIELDS, "Invoice.*", "*.status", "*voice.*")
VERDICTS = st.sampled_from(["allow", "deny", "{mask: last4}", "{mask: redact}"])
ROLE = st.fixed_dictionaries(
    {
        "classes": st.dictionaries(st.sampled_from(["pii", "billing"]), VERDICTS),
        "fields": st.dictionaries(st.sampled_from(COORDINATES), VERDICTS),
        "forbid": st.sets(st.sampled_from(COORDINATES)),
        "rows": st.sampled_from(["region", "entity", "all"]),
    }
)
OPEN = {"classes": {"pii": "allow", "billing": "allow"}, "fields": {}, "forbid": set(), "rows": "all"}
INVOICES = (("DE", "E1"), ("DE", "E2"), ("FR", "E1"), ("FR", "E2"))
USER = Principal("u", frozenset({"a", "b"}), regions=("DE",), entities=("E1",))

# Texts only: every mask fits them.
KEY = FieldShape(True, "ID")
SCHEMA = {
    "Query": {"invoice": small.to("Invoice")},
    "Account": {"id": KEY, "name": small.TEXT},
    "Invoice": {"id": KEY, "status": small.TEXT, "payer": small.TEXT},
}
CLASSES = """\
classes: [public, pii, billing]
coordinates: {Query.*: public, Account.*: public, Invoice.*: billing, Invoice.payer: pii}
"""


def yaml(name: str, role: dict) -> str:
    lines = [f"{name}:", "  audience: internal", "  classes:", "    public: allow"]
    lines += [f"    {each}: {verdict}" for each, verdict in role["classes"].items()]
    lines.append("  fields:" if role["fields"] else "  fields: {}")
    lines += [f'    "{each}": {verdict}' for each, verdict in role["fields"].items()]
    forbidden = ", ".join(f'"{each}"' for each in sorted(role["forbid"]))
    return "\n".join([*lines, f"  forbid: [{forbidden}]", f"  rows: [{role['rows']}]", ""])


def policies(**roles: dict) -> Policies:
    text = "".join(yaml(name, role) for name, role in roles.items())
    with tempfile.TemporaryDirectory() as folder:
        return small.compiled(Path(folder), SCHEMA, classes=CLASSES, roles=text, writes="writes: {}\n")


def openness(policies: Policies, roles: set[str], field: str) -> int:
    decision = policies.grants(roles).field("Invoice", field)
    if decision.verdict == "deny":
        return 0
    return 100 - MASKS[decision.mask_name][0] if decision.mask_name else 1000


@given(first=ROLE, second=ROLE)
def test_forbid_in_any_role_outranks_everything(first: dict, second: dict) -> None:
    compiled = policies(a=first, b={**second, "forbid": {"Invoice.status"}}, c=OPEN)
    for roles in ({"b"}, {"a", "b"}, {"b", "c"}, {"a", "b", "c"}):
        grants = compiled.grants(roles)
        for seen_by in (grants.roles, frozenset({"a"}), frozenset({"c"})):
            assert grants.field("Invoice", "status", seen_by).verdict == "deny"


@pytest.mark.parametrize("coordinate", ["Invoice.status", "*.status", "Invoice.*", "*voice.*"])
def test_a_forbid_by_a_pattern_is_as_good_as_by_name(coordinate: str) -> None:
    grants = policies(a={**OPEN, "fields": {"Invoice.status": "allow"}, "forbid": {coordinate}}, b=OPEN).grants("ab")
    decision = grants.field("Invoice", "status")
    assert (decision.verdict, decision.rule) == ("deny", f"a/forbid {coordinate}")


@given(role=ROLE, coordinate=st.sampled_from(COORDINATES), forbid=st.booleans())
def test_adding_a_deny_never_opens_anything(role: dict, coordinate: str, forbid: bool) -> None:
    stricter = (
        {**role, "forbid": role["forbid"] | {coordinate}}
        if forbid
        else {**role, "fields": {**role["fields"], coordinate: "deny"}}
    )
    before, after = policies(a=role), policies(a=stricter)
    for field in ("status", "payer"):
        assert openness(after, {"a"}, field) <= openness(before, {"a"}, field)


@given(first=ROLE, second=ROLE)
def test_fields_of_one_role_are_never_combined_with_rows_of_another(first: dict, second: dict) -> None:
    compiled = policies(a=first, b=second)
    grants = compiled.grants({"a", "b"})
    forbidden = {
        field
        for field in ("status", "payer")
        if any(compiled.tables[role].fields["Invoice", field].forbidden for role in "ab")
    }
    for region, entity in INVOICES:
        invoice, account = small.row(legal_entity=entity), small.row(region=region, legal_entities=("E1", "E2"))
        seeing = small.seeing(grants, "Invoice", invoice, account, {}, USER)
        alone = {role for role in "ab" if small.seeing(compiled.grants({role}), "Invoice", invoice, account, {}, USER)}
        assert seeing == alone
        for field in ("status", "payer"):
            shown = grants.field("Invoice", field, seeing).verdict != "deny"
            one_alone = any(compiled.grants({role}).field("Invoice", field).verdict != "deny" for role in alone)
            assert shown is (one_alone and field not in forbidden)


@given(first=ROLE, second=ROLE)
def test_of_several_masks_the_weakest_wins(first: dict, second: dict) -> None:
    clean = [{**role, "forbid": set()} for role in (first, second)]
    compiled = policies(a=clean[0], b=clean[1])
    for field in ("status", "payer"):
        best = max(openness(compiled, {"a"}, field), openness(compiled, {"b"}, field))
        assert openness(compiled, {"a", "b"}, field) == best


@given(role=ROLE)
def test_what_no_line_speaks_of_is_denied(role: dict) -> None:
    silent = {**role, "classes": {}, "fields": {}, "forbid": set()}
    decision = policies(a=silent).grants({"a"}).field("Invoice", "status")
    assert (decision.verdict, decision.rule) == ("deny", "a/unlisted billing")


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ({"Invoice.status": "allow", "*.status": "deny", "Invoice.*": "deny"}, "allow"),
        ({"*.status": "allow", "Invoice.*": "deny"}, "allow"),
        ({"Invoice.*": "allow", "*voice.*": "deny"}, "allow"),
        ({"*.status": "allow", "*voice.status": "deny"}, "deny"),
        ({"*voice.*": "allow"}, "allow"),
    ],
)
def test_the_more_exact_line_wins_and_at_the_same_exactness_deny(lines: dict[str, str], expected: str) -> None:
    compiled = policies(a={**OPEN, "classes": {"billing": "deny"}, "fields": lines})
    assert compiled.grants({"a"}).field("Invoice", "status").verdict == expected


def test_a_role_that_sees_no_row_gives_no_field() -> None:
    grants = policies(a=OPEN).grants({"a"})
    assert grants.field("Invoice", "status", frozenset()).verdict == "deny"


def test_unknown_roles_give_nothing() -> None:
    grants = policies(a=OPEN).grants({"stranger"})
    assert grants.roles == frozenset()
    assert grants.field("Invoice", "status").verdict == "deny"
    assert small.seeing(grants, "Invoice", small.row(), None, {}, USER) == frozenset()
    assert not grants.rows("Invoice").open


def test_the_grants_of_a_set_of_roles_are_made_once() -> None:
    compiled = policies(a=OPEN, b=OPEN)
    assert compiled.grants(["a", "b", "stranger"]) is compiled.grants({"b", "a"})


def test_a_decision_names_rule_class_file_and_line(tmp_path: Path) -> None:
    decision = small.compiled(tmp_path).grants(["agent"]).field("Invoice", "status")
    assert (decision.verdict, decision.rule, decision.class_name) == ("allow", "agent/Invoice.status", "billing")
    assert (decision.file, decision.line) == ("rules/roles.yaml", 5)
    assert (decision.class_file, decision.class_line) == ("rules/classes.yaml", 7)


def test_filters_of_several_roles_are_joined(tmp_path: Path) -> None:
    roles = small.ROLES.replace("rows: [entity]", "rows: [region]")
    compiled = small.compiled(tmp_path, roles=roles)
    user = Principal("u", regions=("DE", "NO"))
    assert compiled.grants(["agent"]).rows("Account").filters(user) == (("in", "region", ("DE", "NO")),)
    assert compiled.grants(["agent", "finance"]).rows("Account").filters(user) == (("in", "region", ("DE", "NO")),)
    assert compiled.grants(["agent"]).rows("Invoice").filters(user) is None


def test_filters_of_roles_that_see_by_different_conditions_are_not_pushed(tmp_path: Path) -> None:
    compiled = small.compiled(tmp_path)
    assert compiled.grants(["agent", "finance"]).rows("Account").filters(Principal("u", regions=("DE",))) is None


def test_whether_the_account_is_needed_is_known_before_a_row_is_read(tmp_path: Path) -> None:
    compiled = small.compiled(tmp_path)
    assert compiled.grants(["agent"]).rows("Invoice").needs_account
    assert not compiled.grants(["finance"]).rows("Invoice").needs_account
    assert compiled.grants(["finance"]).rows("Account").reads == {"legal_entities"}


def test_a_hidden_field_may_be_looked_up_only_where_the_role_says_so(tmp_path: Path) -> None:
    roles = small.ROLES.replace("  rows: [region]", "  lookup: [Account.notes]\n  rows: [region]")
    compiled = small.compiled(tmp_path, roles=roles)
    assert compiled.grants(["agent"]).lookup("Account", "notes")
    assert not compiled.grants(["agent"]).lookup("Invoice", "total")
    assert not compiled.grants(["finance"]).lookup("Account", "notes")
    assert compiled.grants(["finance"]).lookup("Invoice", "total")
    assert not compiled.grants(["agent", "finance"]).lookup("Account", "notes")
