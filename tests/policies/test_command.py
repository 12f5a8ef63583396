"""`opsgraph policy`: exit statuses and what it prints."""

import shutil
from pathlib import Path

import pytest

from gateway.cli import main
from policies.load import RULES


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(RULES, tmp_path / "rules"))


def edit(folder: Path, name: str, old: str, new: str) -> None:
    text = (folder / name).read_text()
    assert old in text
    (folder / name).write_text(text.replace(old, new, 1))


def test_the_rules_that_come_along_pass_check_and_test(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", "check", str(folder)]) == 0
    assert main(["policy", "test", str(folder)]) == 0
    assert main(["policy", "diff", str(RULES), str(folder)]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0].startswith("13 roles, ")
    assert told[0].endswith(": no mistakes")
    assert told[1].endswith(" expectations: none failed")
    assert told[2] == "0 opened, 0 closed, 0 changed otherwise"


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        (
            "roles.yaml",
            "    Invoice.dueAt: allow\n",
            "    Invoice.dueAt: allow\n    Invoice.total: deny\n",
            "delete it",
        ),
        ("classes.yaml", "  - Invoice.amountDue ", "  # - Invoice.amountDue ", "`Invoice.amountDue` shows"),
        ("writes.yaml", "mutation: issueCredit", "mutation: creditIssue", "asks for `issueCredit`, which no rule"),
        ("rows.yaml", "    BillingProfile:", "    Money:", "`Money` of the row rule `entity` decides nothing"),
        ("rows.yaml", "    BillingProfile:", "    Profile:", "unknown type `Profile` in the row rule `entity`"),
        (
            "rows.yaml",
            "    BillingProfile:",
            "    Product:",
            "`Product` of the row rule `entity` decides nothing: it is `shared`",
        ),
        ("rows.yaml", "row.billToKey in", "row.billedToKey in", "`billToKey` is meant?"),
        (
            "writes.yaml",
            "asks: {support_lead:",
            "asks: {customer_user: alone, support_lead:",
            "`customer_user/command` in",
        ),
        ("writes.yaml", "planned: linkAccounts", "mutation: linkAccounts", "unknown mutation `linkAccounts`"),
        ("classes.yaml", "  Owner.*: public\n", "", "without a class: `Owner.name`, `Owner.email`"),
    ],
)
def test_check_fails_for_what_is_wrong_and_for_what_deserves_a_look(
    name: str, old: str, new: str, message: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(folder, name, old, new)
    assert main(["policy", "check", str(folder)]) == 1
    told = capsys.readouterr().out
    assert message in told
    assert all(line.startswith("rules/") for line in told.splitlines())


def test_an_example_that_fails_is_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit(folder, "tests/support.yaml", "Invoice.total: deny", "Invoice.total: allow")
    assert main(["policy", "test", str(folder)]) == 1
    assert "expects `allow` of `Invoice.total` but the rule `support_agent/billing`" in capsys.readouterr().out


def test_a_difference_is_told_and_counted(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit(folder, "roles.yaml", "Invoice.dueAt: allow", "Invoice.tax: allow")
    assert main(["policy", "diff", str(RULES), str(folder)]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "closes  support_agent Invoice.dueAt: allow -> deny",
        "opens   support_agent Invoice.tax: deny -> allow",
        "1 opened, 1 closed, 0 changed otherwise",
    ]


def test_an_explanation_has_the_values_of_the_person(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["--as", "auditor,finance", "--entity", "DE", "--entity", "US", "--purpose", "reveal", "Contact.email"]
    assert main(["policy", "explain", *asked]) == 0
    told = capsys.readouterr().out
    assert told.startswith("Contact.email as auditor, auditor+reveal, finance: allow, on rows that all of them see\n")
    assert "user.entities = DE, US" in told


@pytest.mark.parametrize(
    "asked",
    [
        ["explain", "--as", "auditor", "Contact.salary"],
        ["explain", "--as", "boss", "Contact.email"],
        ["explain", "--as", "auditor+reveal", "--purpose", "fun", "Contact.email"],
        ["matrix", "Salary"],
        ["diff", "nowhere", "nowhere"],
        ["test", "nowhere"],
    ],
)
def test_what_cannot_be_done_is_status_2(asked: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", *asked]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert len(captured.err.splitlines()) == 1


def test_the_matrix_of_a_type_has_a_line_for_each_field(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", "matrix", "AmountDue"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[-3:] == sorted(told[-3:])
    assert [line.split()[0] for line in told[-3:]] == ["AmountDue.amount", "AmountDue.asOf", "AmountDue.source"]
    assert "\033" not in "".join(told)
