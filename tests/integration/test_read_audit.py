"""An agent's page over the simulated company: what was masked, refused and hidden of it is on record, and nothing it hid."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from gateway.app import create_app
from gateway.auditing import row_hash
from gateway.cli import main
from gateway.settings import load, parse
from tests.integration.conftest import Demo

PAGE = """
query Page($account: ID!) {
  account(by: {key: $account}) {
    key
    contacts(first: 5) { nodes { key name phone } }
    invoices(first: 5) { nodes { key number total { amount } } }
  }
}
"""
WHOLE = "query Whole($account: ID!) { account(by: {key: $account}) { contacts(first: 5) { nodes { key phone } } } }"
KEY = {"OPSGRAPH_HASH_KEY": "h" * 32}


class Asking:
    def __init__(self, client: TestClient, tokens: dict[str, str]) -> None:
        self._client, self._tokens = client, tokens

    def __call__(self, query: str, role: str, **variables: Any) -> dict[str, Any]:
        headers = {"authorization": f"Bearer {self._tokens[role]}"}
        body = {"query": query, "variables": variables}
        answer: dict[str, Any] = self._client.post("/graphql", json=body, headers=headers).json()
        return answer


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, value in KEY.items():
        monkeypatch.setenv(name, value)
    path = tmp_path / "opsgraph.toml"
    key = '[policies]\nhash_key = { env = "OPSGRAPH_HASH_KEY" }\n'
    path.write_text(f'{key}[writes]\nstore = "sqlite:///{tmp_path}/a.db"\ndurable = "sqlite:///{tmp_path}/b.db"\n')
    return path


@pytest.fixture
def asking(demo: Demo, tmp_path: Path) -> Iterator[Asking]:
    tables, secrets = demo.sources()
    issuer = demo.known["jwks"].removesuffix("/jwks.json")
    tree = {
        "sources": tables,
        "identity": {"issuers": [{"issuer": issuer, "audience": "opsgraph", "jwks": demo.known["jwks"]}]},
        "operations": {"lookup": 30, "validate": 30, "customer360": 30},
        "policies": {"hash_key": {"env": "OPSGRAPH_HASH_KEY"}},
        "audit": {"interval": 0.01},
        "writes": {"store": f"sqlite:///{tmp_path}/a.db", "durable": f"sqlite:///{tmp_path}/b.db"},
    }
    with TestClient(create_app(parse(tree, {**secrets, **KEY}))) as client:
        yield Asking(client, demo.known["tokens"])


def listed(config: Path, capsys: pytest.CaptureFixture[str], *options: str) -> list[dict[str, Any]]:
    assert main(["audit", "list", "--json", "--config", str(config), *options]) == 0
    return [json.loads(line)["event"] for line in capsys.readouterr().out.splitlines()]


def written_by(config: Path, capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """What is on record as soon as there is anything, which takes a moment."""
    until = time.monotonic() + 10
    while not (found := listed(config, capsys, "--action", "read.withheld")) and time.monotonic() < until:
        time.sleep(0.01)
    return found


def test_an_agents_page_is_on_record_by_coordinate_rule_and_row_and_no_value_is(
    demo: Demo, asking: Asking, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hero = demo.landmarks["hero"]
    whole = asking(WHOLE, "support_lead", account=hero)["data"]["account"]["contacts"]["nodes"]
    page = asking(PAGE, "support_agent", account=hero)
    contacts, invoices = (page["data"]["account"][name]["nodes"] for name in ("contacts", "invoices"))
    assert contacts
    assert invoices
    (event,) = written_by(config, capsys)
    assert event["correlation_id"] == page["extensions"]["correlationId"]
    assert event["after"]["roles"] == ["support_agent"]
    kept = {each["coordinate"]: each for each in event["after"]["withheld"] if each["how"] != "hidden"}
    assert set(kept) == {"Contact.phone", "Invoice.total"}
    hashed = row_hash(load(config, KEY))
    assert (kept["Contact.phone"]["how"], kept["Contact.phone"]["rule"]) == ("masked", "support_agent/Contact.phone")
    assert kept["Contact.phone"]["keys"] == [hashed(f"Contact:{each['key']}") for each in contacts]
    assert (kept["Invoice.total"]["how"], kept["Invoice.total"]["rows"]) == ("denied", len(invoices))
    assert kept["Invoice.total"]["keys"] == [hashed(f"Invoice:{each['key']}") for each in invoices]
    written = json.dumps(event)
    for each in whole:
        assert each["key"] not in written
        assert not each["phone"] or each["phone"] not in written
    assert listed(config, capsys, "--row", f"Contact:{contacts[0]['key']}") == [event]
    assert listed(config, capsys, "--row", "Contact:somebody") == []
    assert main(["audit", "verify", "--config", str(config)]) == 0
