"""GraphQL over HTTP, judged by the audits of its working group (npm `graphql-http`)."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from tests.integration.conftest import started
from tests.peers import node_folder, serving

AUDITS = 61
SOURCE = Path(__file__).parent / "audit"

pytestmark = [pytest.mark.slow, pytest.mark.live]


@pytest.fixture(scope="module")
def program() -> Path:
    """The program that runs the audits."""
    return node_folder(SOURCE) / "audit.mjs"


def audited(program: Path, url: str, token: str) -> list[dict[str, Any]]:
    """What each audit found: `id`, `name`, `status` (ok, notice, warn, error) and, where it is not ok, `reason`."""
    ran = subprocess.run(
        ["node", str(program), url], input=token, capture_output=True, text=True, timeout=120, check=False
    )
    assert ran.returncode == 0, ran.stderr
    found: list[dict[str, Any]] = json.loads(ran.stdout)
    return found


def test_opsgraph_passes_every_audit_for_a_role_that_may_introspect(program: Path) -> None:
    with started() as demo:
        found = audited(program, demo.known["endpoint"], demo.known["tokens"]["auditor"])
    failed = [f"{each['id']} {each['name']}: {each.get('reason')}" for each in found if each["status"] != "ok"]
    assert not failed, "\n".join(failed)
    assert len(found) == AUDITS


def test_the_audits_notice_a_server_that_speaks_no_graphql(program: Path) -> None:
    async def shrug(_request: Request) -> Response:
        return PlainTextResponse("hello")

    with serving(Starlette(routes=[Route("/graphql", shrug, methods=["GET", "POST"])])) as url:
        found = audited(program, f"{url}/graphql", "any")
    statuses = {each["id"]: each["status"] for each in found}
    assert statuses["2C94"] == "ok"  # takes POST
    assert statuses["22EB"] == "warn"  # should answer in the media type that was asked for
    assert statuses["4655"] == "error"  # must answer JSON
