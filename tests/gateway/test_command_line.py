"""The `opsgraph` command: one clear line for a mistake, and what each command tells."""

import subprocess
import sys
from pathlib import Path

import pytest
from graphql import build_schema

from gateway.cli import main

CRM = '[sources.crm]\nvendor = "salesforce"\nurl = "{url}"\nclient_id = "a"\nclient_secret = {secret}\n'
MISTAKES = [
    ("[gatway]\nport = 1\n", "unknown table `[gatway]`: did you mean `gateway`?"),
    ("[gateway]\nprot = 1\n", "[gateway] unknown key `prot`: did you mean `port`?"),
    (
        CRM.format(url="x", secret='{ env = "OPSGRAPH_T" }'),
        "[sources.crm] `url` is `x`: an address such as `https://example.test` is expected",
    ),
    (
        CRM.format(url="https://a.test", secret='{ env = "OPSGRAPH_UNSET" }'),
        "[sources.crm] `client_secret`: the environment variable `OPSGRAPH_UNSET` is not set: set it before starting",
    ),
    (
        CRM.format(url="https://a.test", secret='"plain"'),
        (
            '[sources.crm] `client_secret`: a secret is a reference, `{ env = "NAME" }` or `{ file = "PATH" }`, '
            "never the value itself"
        ),
    ),
    (
        '[sources.x]\nvendor = "sap"\nurl = "https://a.test"\n',
        "[sources.x] `vendor` is `sap`: one of netsuite, salesforce, stripe, tryton, zendesk is expected",
    ),
    (
        '[[identity.issuers]]\nissuer = "i"\naudience = "a"\njwks = "https://a.test/j"\nalgorithms = ["HS256"]\n',
        "[[identity.issuers]] `algorithms` has `HS256`: only signatures by key pairs are accepted",
    ),
    (
        "".join(
            f'[[identity.issuers]]\nissuer = "{name}"\naudience = "a"\njwks = "https://a.test/j"\n' for name in "ij"
        ),
        "[[identity.issuers]] `prefix` is `` twice: give each issuer one of its own, such as `staff:`, because two issuers may call two people by one name",
    ),
]


@pytest.mark.parametrize(("text", "line"), MISTAKES, ids=[line for _, line in MISTAKES])
def test_a_mistake_in_the_settings_is_one_line(
    text: str, line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPSGRAPH_T", "secret")
    file = tmp_path / "opsgraph.toml"
    file.write_text(text, encoding="utf-8")
    assert main(["serve", "--config", str(file)]) == 2
    told = capsys.readouterr()
    assert told.err == f"opsgraph: {file}: {line}\n"
    assert told.out == ""


def test_a_file_that_is_not_there_says_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--config", str(tmp_path / "none.toml")]) == 2
    assert capsys.readouterr().err.endswith("does not exist: write one, or try `opsgraph demo`\n")


def test_an_unknown_vendor_names_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", "nosuch"]) == 2
    told = capsys.readouterr().err
    assert told == (
        "opsgraph: there is no simulator for `nosuch`: one of netsuite, salesforce, stripe, zendesk is possible\n"
    )


def test_check_asks_every_source_and_names_the_one_that_is_away(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPSGRAPH_T", "secret")
    file = tmp_path / "opsgraph.toml"
    file.write_text(CRM.format(url="http://127.0.0.1:9", secret='{ env = "OPSGRAPH_T" }'), encoding="utf-8")
    assert main(["check", "--config", str(file)]) == 1
    fine, crm = capsys.readouterr().out.splitlines()
    assert fine == "settings and rules: fine"
    assert crm.startswith("crm: `crm` cannot be reached")
    assert "secret" not in crm


def test_the_rules_that_come_along_have_no_mistakes_and_explain_themselves(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", "check"]) == 0
    assert main(["policy", "explain", "--as", "support_agent", "Invoice.total"]) == 0
    told = capsys.readouterr().out
    assert "no mistakes" in told
    assert "Invoice.total as support_agent: deny" in told
    assert "rules/roles.yaml:" in told
    assert main(["policy", "explain", "--as", "support_agent", "Invoice.nope"]) == 2


def test_the_schema_is_printed_as_an_audience_is_shown_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", "--as", "customer_user"]) == 0
    customers = build_schema(capsys.readouterr().out)
    assert main(["schema", "--as", "partner_user,customer_user"]) == 0
    both = build_schema(capsys.readouterr().out)
    assert main(["schema", "--as", "auditor"]) == 0
    auditors = build_schema(capsys.readouterr().out)
    assert "ownerNotes" in auditors.type_map["Account"].fields  # type: ignore[attr-defined]
    for each in (customers, both):
        assert "Account" in each.type_map
        assert "LedgerPosting" not in each.type_map
        assert "ownerNotes" not in each.type_map["Account"].fields  # type: ignore[attr-defined]


def test_an_audience_is_made_of_known_roles_and_only_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", "--as", "customer_user,nobody"]) == 2
    assert capsys.readouterr().err.startswith("opsgraph: there is no role `nobody`: one of ")
    assert main(["schema", "--as", "customer_user", "--check"]) == 2
    assert capsys.readouterr().err == "opsgraph: `--as` only prints: the committed file is the whole schema\n"


def test_a_simulator_alone_prints_what_a_gateway_needs() -> None:
    command = [sys.executable, "-m", "gateway", "simulate", "stripe", "--accounts", "80"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = [process.stdout.readline() for _ in range(12)]
        process.terminate()
        assert process.wait(20) == 0
    assert "[sources.billing]\n" in told
    assert 'key = { env = "OPSGRAPH_DEMO_STRIPE_KEY" }\n' in told
