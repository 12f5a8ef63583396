"""The `netsuite` package from the registry, unchanged but for the address, works against the simulator.

It is MIT but holds httpx below our own, so it lives in a virtual environment of its own.
"""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from sources.vendors.netsuite.simulator import DEVELOPMENT
from tests.peers import interpreter
from tests.sources.netsuite.simulator.conftest import Caller

pytestmark = [pytest.mark.live, pytest.mark.slow]

CLIENT = "netsuite==0.12.0"
HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def python() -> Path:
    """The interpreter of an environment that has the client; built once, kept in the cache."""
    return interpreter(CLIENT)


@pytest.fixture
def found(account: Caller, python: Path) -> dict[str, Any]:
    names = ("account", "consumer_key", "consumer_secret", "token_id", "token_secret")
    secrets = json.dumps({name: getattr(DEVELOPMENT, name) for name in names})
    command = [str(python), str(HERE / "client.py"), account.base, secrets]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stderr
    return dict(json.loads(ran.stdout))


def test_the_published_client_queries_reads_and_writes(found: dict[str, Any]) -> None:
    assert [item["id"] for item in found["suiteql"]["items"]] == ["101", "103"]
    assert [item["id"] for item in found["second_page"]["items"]] == ["1006", "1007", "1008"]
    assert [line["amount"] for line in found["record"]["item"]["items"]] == [60.0, 40.0]
    assert found["upsert"] is None
    assert (found["upserted"]["companyName"], found["upserted"]["externalId"]) == ("Ö", "new")
    assert found["schema"]["type"] == "object"


def test_the_published_client_is_refused_as_by_netsuite(found: dict[str, Any]) -> None:
    said = {name: found[name] for name in ("unknown_column", "unknown_property", "stranger")}
    assert {name: one["status"] for name, one in said.items()} == {
        "unknown_column": 400,
        "unknown_property": 400,
        "stranger": 401,
    }
    assert {name: one["body"]["o:errorDetails"][0]["o:errorCode"] for name, one in said.items()} == {
        "unknown_column": "INVALID_PARAMETER",
        "unknown_property": "INVALID_CONTENT",
        "stranger": "INVALID_LOGIN",
    }
