"""Every mistake against the schema is one line that names file, line and what to do."""

from pathlib import Path

import pytest

from policies.analyse import mistakes
from policies.compile import FieldShape, TypeShape
from policies.review import check, coverage, dead, exposed
from policies.yaml import RuleErrors
from tests.policies import small
from tests.policies.small import SCHEMA

WITH_MORE = {**SCHEMA, "Refund": {"id": small.IDENTITY, "amount": small.AMOUNT}}


def lines(found: list) -> list[str]:
    return [str(each) for each in found]


def test_every_unclassified_field_stops_the_start_at_once(tmp_path: Path) -> None:
    with pytest.raises(RuleErrors) as caught:
        small.compiled(tmp_path, WITH_MORE)
    assert str(caught.value) == (
        "rules/classes.yaml:1: without a class: `Refund.id`, `Refund.amount`; give each one of public, pii, billing, "
        "such as `Refund.id: billing` under `coordinates`"
    )


MISTAKES = {
    "unknown coordinate of a class": (
        {"classes": small.CLASSES + "  Invoice.sum: billing\n"},
        "rules/classes.yaml:11: unknown coordinate `Invoice.sum`: the schema has no such field, correct or delete it",
    ),
    "unknown coordinate of a role": (
        {"roles": small.ROLES.replace("Invoice.status: allow", "Invoice.state: allow")},
        "rules/roles.yaml:5: unknown coordinate `Invoice.state`: the schema has no such field, correct or delete it",
    ),
    "unknown coordinate of a forbid": (
        {"roles": small.ROLES + '  forbid: ["*.salary"]\n'},
        "rules/roles.yaml:11: unknown coordinate `*.salary`: the schema has no such field, correct or delete it",
    ),
    "a write of an unknown mutation": (
        {"writes": small.WRITES.replace("issueCredit", "creditIssue")},
        (
            "rules/writes.yaml:5: the write `credit` names the unknown mutation `creditIssue`: correct or delete it, "
            "or write `planned` for `mutation` if it is yet to come"
        ),
    ),
    "a planned write of a mutation that is there": (
        {"writes": small.WRITES.replace("mutation: issueCredit", "planned: issueCredit")},
        "rules/writes.yaml:5: the write `credit` is planned but the schema has `issueCredit`: write `mutation` for `planned`",
    ),
    "a role that asks for what is denied to it": (
        {"roles": small.ROLES.replace("Invoice.status: allow", "Mutation.issueCredit: deny")},
        (
            "rules/writes.yaml:7: the role `agent` asks for the write `credit` but may not use `Mutation.issueCredit`: "
            "`agent/Mutation.issueCredit` in rules/roles.yaml:5 denies it, allow it there or take the role out"
        ),
    ),
    "an approver to whom approving is forbidden": (
        {"roles": small.ROLES + "  forbid: [Mutation.approve]\n"},
        (
            "rules/writes.yaml:13: the role `finance` asks for the write `approve` but may not use `Mutation.approve`: "
            "`finance/forbid Mutation.approve` in rules/roles.yaml:11 denies it, allow it there or take the role out"
        ),
    ),
    "unknown shared type": (
        {"rows": small.ROWS.replace("[]", "[Product]")},
        "rules/rows.yaml:1: unknown type `Product` under `shared`: the schema has none, correct or delete it",
    ),
    "unknown type of a row rule": (
        {"rows": small.ROWS + "    Order: \"row.a == 'x'\"\n"},
        "rules/rows.yaml:9: unknown type `Order` in the row rule `entity`: correct or delete it",
    ),
    "a row rule of a type without rows": (
        {"rows": small.ROWS + "    InvoiceConnection: \"row.a == 'x'\"\n"},
        (
            "rules/rows.yaml:9: `InvoiceConnection` of the row rule `entity` decides nothing: "
            "it has no rows of its own but is shown with what holds it, delete it"
        ),
    ),
    "a shared type without rows": (
        {"rows": small.ROWS.replace("[]", "[InvoiceConnection]")},
        (
            "rules/rows.yaml:1: `InvoiceConnection` under `shared` decides nothing: "
            "it has no rows of its own but is shown with what holds it, delete it"
        ),
    ),
    "mask of the wrong type": (
        {"roles": small.ROLES.replace("Invoice.status: allow", "Invoice.due: {mask: last4}")},
        (
            "rules/roles.yaml:5: the mask `last4` of `agent` does not fit `Invoice.due`, which is `Date`: "
            "it is for ID, String, use another mask or deny"
        ),
    ),
    "a field that cannot be null": (
        {"roles": small.ROLES.replace("Invoice.status: allow", "Invoice.id: deny\n    Query.invoice: allow")},
        "rules/roles.yaml:5: `Invoice.id` cannot be null but `agent` may not see it: make it nullable or allow",
    ),
    "two patterns that disagree": (
        {
            "classes": small.CLASSES.replace(
                '  "*Connection.*": public\n',
                '  "Invoice*.nodes": public\n  "*Connection.nodes": pii\n  "*nvoiceConnectio*.nodes": public\n  "*nvoiceConnecti*.nodes": public\n  "Invoic*onnection*.nodes": pii\n  "Invoic*onnectio*.nodes": pii\n',
            )
        },
        (
            "rules/classes.yaml:10: `*nvoiceConnectio*.nodes` says public and `Invoic*onnection*.nodes` says pii of "
            "`InvoiceConnection.nodes`: write `InvoiceConnection.nodes` itself"
        ),
    ),
}


def test_a_planned_mutation_may_be_missing_but_whoever_will_ask_for_it_may(tmp_path: Path) -> None:
    writes = small.WRITES.replace("mutation: issueCredit", "planned: linkAccounts")
    assert mistakes(small.loaded(tmp_path, writes=writes), SCHEMA) == []
    denied = small.ROLES.replace("classes: {public: allow, pii: deny", "classes: {public: deny, pii: deny")
    allowed = denied.replace("Invoice.status: allow", 'Query.*: allow\n    "*.id": allow')
    (found,) = mistakes(small.loaded(tmp_path, writes=writes, roles=allowed), SCHEMA)
    assert "`agent` asks for the write `credit` but may not use `Mutation.linkAccounts`" in str(found)


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_line_with_file_and_line(mistake: str, tmp_path: Path) -> None:
    changed, expected = MISTAKES[mistake]
    rules = small.loaded(tmp_path, **changed)
    assert expected in lines(mistakes(rules, SCHEMA))


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    classes = small.CLASSES + "  Invoice.sum: billing\n  Invoice.amount: billing\n"
    with pytest.raises(RuleErrors) as caught:
        small.compiled(tmp_path, WITH_MORE, classes=classes)
    assert len(caught.value.errors) == len(str(caught.value).splitlines()) == 3


def test_good_rules_have_nothing_to_look_at(tmp_path: Path) -> None:
    assert lines(check(small.loaded(tmp_path), SCHEMA)) == []


def test_a_type_that_no_row_rule_speaks_of_is_told(tmp_path: Path) -> None:
    rows = small.ROWS.replace('    Invoice: "row.legalEntity in user.entities"\n', "")
    assert lines(coverage(small.loaded(tmp_path, rows=rows), SCHEMA)) == [
        (
            "rules/roles.yaml:10: the role `finance` reaches `Invoice` but never sees a row of it, "
            "none of its row rules speaks of it: give it a condition in rows.yaml or list it under `shared`"
        )
    ]


def test_a_type_without_an_account_cannot_be_judged_by_one(tmp_path: Path) -> None:
    schema = {**SCHEMA, "Query": {**SCHEMA["Query"], "refund": small.to("Refund")}, "Refund": WITH_MORE["Refund"]}
    rules = small.loaded(tmp_path, classes=small.CLASSES + "  Refund.*: public\n")
    assert lines(coverage(rules, schema))[0] == (
        "rules/roles.yaml:6: the role `agent` reaches `Refund` but never sees a row of it, "
        "it has no account to be judged by: give it a condition in rows.yaml or list it under `shared`"
    )


def test_lines_that_decide_nothing_are_told(tmp_path: Path) -> None:
    rules = small.loaded(
        tmp_path,
        classes=small.CLASSES.replace("Account.notes: pii", 'Account.notes: pii\n  "*ccoun*.*": billing'),
        roles=small.ROLES.replace(
            "    Invoice.status: allow\n",
            "    Invoice.status: allow\n    Invoice.total: deny\n    Invoice.due: allow\n  forbid: [Invoice.due]\n",
        ).replace("rows: [entity]", "rows: [all]"),
    )
    assert lines(dead(rules, SCHEMA)) == [
        "rules/classes.yaml:6: `*ccoun*.*` gives no field its class: more exact lines do, delete it",
        "rules/roles.yaml:6: `Invoice.total` of `agent` says what the next line says already: delete it",
        "rules/roles.yaml:7: `Invoice.due` of `agent` decides nothing: other lines outrank it, delete it",
        "rules/rows.yaml:6: no role uses the row rule `entity`: delete it, or give it to a role",
    ]


def test_a_condition_on_what_no_record_has_is_told(tmp_path: Path) -> None:
    """`legalEntities` of an account is a loaded fact, no attribute of its record."""
    invoice = TypeShape(SCHEMA["Invoice"], frozenset({"legal_entity", "parties", "parties.reseller_key"}))
    account = TypeShape(SCHEMA["Account"], frozenset({"region"}))
    rows = small.ROWS.replace("row.legalEntity in", "row.parties.resellerKeys in").replace(
        "row.region in user.regions", "row.region in user.regions or account.zone == 'EU'"
    )
    rules = small.loaded(tmp_path, rows=rows)
    assert lines(mistakes(rules, {**SCHEMA, "Invoice": invoice, "Account": account})) == [
        (
            "rules/rows.yaml:4: `account.zone` in the row rule `region`: "
            "the records of `Account` have no such attribute, correct it"
        ),
        (
            "rules/rows.yaml:7: `row.parties.resellerKeys` in the row rule `entity`: "
            "the records of `Invoice` have no such attribute, `parties.resellerKey` is meant?"
        ),
    ]


def test_what_cannot_be_null_may_be_masked_where_the_mask_always_gives_something(tmp_path: Path) -> None:
    roles = small.ROLES.replace("Invoice.status: allow", "Invoice.id: {mask: hash}\n    Query.invoice: allow")
    assert mistakes(small.loaded(tmp_path, roles=roles), SCHEMA) == []
    total = {**SCHEMA["Invoice"], "total": FieldShape(False, "Decimal")}
    roles = small.ROLES.replace("Invoice.status: allow", "Invoice.total: {mask: bucket}")
    assert lines(mistakes(small.loaded(tmp_path, roles=roles), {**SCHEMA, "Invoice": total})) == [
        "rules/roles.yaml:5: `Invoice.total` cannot be null but `agent` only sees masked it: make it nullable or allow"
    ]


def test_what_a_type_behind_an_interface_cannot_hide_is_told(tmp_path: Path) -> None:
    node = FieldShape(True, "", "Node", possible=("Refund",))
    schema = {**WITH_MORE, "Query": {**SCHEMA["Query"], "node": node}}
    rules = small.loaded(tmp_path, classes=small.CLASSES + "  Refund.*: billing\n")
    assert lines(mistakes(rules, schema)) == [
        "rules/roles.yaml:3: `Refund.id` cannot be null but `agent` may not see it: make it nullable or allow"
    ]


def test_purposes_look_ups_and_conditions_that_add_nothing_are_told(tmp_path: Path) -> None:
    rules = small.loaded(
        tmp_path,
        purposes="audit: {means: an audit, lasts: 1h, persons: 1}\nother: {means: another, lasts: 1h, persons: 1}\n",
        roles=small.ROLES.replace(
            "  rows: [entity]",
            "  lookup: [Invoice.total]\n  with_purpose:\n    audit: {pii: allow, Invoice.due: allow}\n  rows: [entity]",
        ),
        rows=small.ROWS.replace("shared: []", "shared: [Invoice]"),
        classes="declassify: [Account.name]\n" + small.CLASSES,
    )
    assert lines(dead(rules, SCHEMA)) == [
        "rules/roles.yaml:10: `Invoice.total` under `lookup` of `finance` adds nothing: the role reads it whole, delete it",
        "rules/roles.yaml:12: `Invoice.due` of `finance` with the purpose `audit` opens nothing: delete it",
        "rules/rows.yaml:7: `Invoice` of the row rule `entity` decides nothing: it is `shared`, delete one of them",
        "rules/purposes.yaml:2: no role opens anything for the purpose `other`: delete it, or give it to a role",
        "rules/classes.yaml:1: `Account.name` under `declassify` shows nobody more than its inputs do: delete it",
    ]


def test_a_computed_field_that_shows_more_than_its_inputs_is_told_until_accepted(tmp_path: Path) -> None:
    rich = {**SCHEMA["Account"], "rich": FieldShape(True, "Boolean", derives=("Invoice.total", "Account.name"))}
    schema = {**SCHEMA, "Account": rich}
    assert lines(exposed(small.loaded(tmp_path), schema)) == [
        (
            "rules/classes.yaml:4: `Account.rich` shows `agent` what is made of Invoice.total, which it may not see: "
            "give it a stricter class, or list it under `declassify`"
        )
    ]
    accepted = small.loaded(tmp_path, classes="declassify: [Account.rich]\n" + small.CLASSES)
    assert exposed(accepted, schema) == []
