"""What Zendesk really answered, as recorded by others, is read and mapped by the connector."""

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from sources.canonical import SupportOrganization
from sources.errors import Missing
from sources.pipeline.reading import reading
from sources.ports import Ask, Call, Reply
from sources.settings import Secret
from sources.vendors.zendesk import VENDOR, mapping, wire
from sources.vendors.zendesk.refusals import failure

RECORDED = Path(__file__).resolve().parents[4] / "shared" / "contracts" / "zendesk" / "recorded_traffic.json"
NOW = datetime(2026, 11, 20, tzinfo=UTC)


@pytest.fixture(scope="module")
def recorded() -> list[dict[str, Any]]:
    if not RECORDED.is_file():
        pytest.skip("NOT TESTED against recorded traffic: `../shared/contracts/zendesk` is not beside the checkout")
    traffic: list[dict[str, Any]] = json.loads(RECORDED.read_text(encoding="utf-8"))
    for each in traffic:
        each["response"] = plain(each["response"])
    return traffic


def plain(response: Any) -> Any:
    """A recorded answer; compressed ones were kept as the hexadecimal digits of their bytes."""
    if not isinstance(response, list) or not all(isinstance(part, str) for part in response):
        return response
    return json.loads(gzip.decompress(bytes.fromhex("".join(response))))


def test_every_recorded_organization_maps(recorded: list[dict[str, Any]]) -> None:
    answers = [each["response"] for each in recorded if each["status"] == 200 and "organizations" in each["response"]]
    found = [msgspec.convert(each, wire.Organizations).organizations for each in answers]
    mapped = [mapping.organization(one, "support", NOW) for listed in found for one in listed]
    assert len(mapped) > 30
    assert all(each.key.isdigit() and each.name for each in mapped)
    assert {each.account_key for each in mapped if each.account_key} == {"69420"}


def test_a_recorded_refusal_has_its_class(recorded: list[dict[str, Any]]) -> None:
    refused = next(each for each in recorded if each["status"] == 404)
    error = failure("support", Reply(404, {}, json.dumps(refused["response"]).encode()))
    assert isinstance(error, Missing)
    assert error.vendor_code == "RecordNotFound"


async def test_the_connector_reads_a_recorded_answer(recorded: list[dict[str, Any]]) -> None:
    shown = next(each for each in recorded if "show_many" in each["path"] and each["method"] == "GET")
    keys = tuple(str(one["id"]) for one in shown["response"]["organizations"])
    sent: list[Call] = []

    async def send(call: Call) -> Reply:
        sent.append(call)
        if call.operation == "token":
            return Reply(200, {}, b'{"access_token": "t", "token_type": "bearer", "expires_in": 7200}')
        return Reply(200, shown["response_headers"], json.dumps(shown["response"]).encode())

    settings = VENDOR.settings(  # type: ignore[call-arg]
        vendor="zendesk", url="https://example.zendesk.test", client_id="c", client_secret=Secret("s")
    )
    told = await VENDOR.open("support", settings, reading(send)).read(Ask(SupportOrganization, "key", keys))
    assert set(told.rows) == set(keys)
    assert sent[-1].url.startswith("https://example.zendesk.test/api/v2/organizations/show_many.json?ids=")
