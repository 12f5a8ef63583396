"""What our writer wrote is read by zenpy, an independent client, unchanged and in a process of its own."""

import asyncio
import json
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from sources.canonical import Priority
from sources.canonical.commands import EscalateCase, OpenCase, PutOrganization
from sources.vendors.zendesk.simulator import DEVELOPMENT
from tests.peers import interpreter
from tests.sources.zendesk.simulator.test_simulator import CLIENT
from tests.sources.zendesk.writers.conftest import World

NEW = PutOrganization(operation="op-1", account_key="001NEW", name="Quill & Söhne", plan="premium")


@pytest.mark.live
@pytest.mark.slow
async def test_the_published_client_reads_what_was_written(world: World) -> None:
    party = (await world.do(NEW, "op-1:org")).key
    case = OpenCase(
        operation="op-1",
        correlation="r",
        party=party,
        subject="Down",
        body="It is ↓.",
        priority=Priority.HIGH,
        kind="PROBLEM",
    )
    opened = (await world.do(case, "op-1:case")).key
    raise_it = EscalateCase(
        operation="op-2", correlation="r", case_key="102", priority=Priority.URGENT, note="Now", group="5"
    )
    await world.do(raise_it, "op-2:up")
    where = (str(urlsplit(world.desk.base).port), DEVELOPMENT.email, DEVELOPMENT.api_token)
    ran = await asyncio.create_subprocess_exec(
        str(interpreter(CLIENT)), str(Path(__file__).parent / "client.py"), *where, "001NEW", opened, "102",
        env={"ZENPY_FORCE_SCHEME": "http"}, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await asyncio.wait_for(ran.communicate(), 120)
    assert ran.returncode == 0, err.decode()
    found = json.loads(out)
    name, fields = found["organization"]
    assert (name, fields["support_plan"], fields["gateway_operation"]) == ("Quill & Söhne", "premium", "op-1")
    assert found["opened"] == ["Down", "high", "problem", "op-1:case", int(party)]
    assert found["body"] == "It is ↓."
    assert found["escalated"] == ["urgent", ["escalated"], 5]
    assert found["notes"] == ["Now\n\nOpsgraph operation op-2, request r, key op-2:up"]
    assert found["custom"] == [{"operation": "op-1", "correlation": "r", "key": "op-1:case"}]
