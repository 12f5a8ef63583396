"""What every simulator has: here, the ledger of what was done in it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from sources.simulation.kit import Clock, Written, simulator_app

WRITTEN, CLOCK = "/_simulator/written", "/_simulator/clock"


def test_the_ledger_shows_each_effect_once_in_order_and_leaves_out_what_is_not_known() -> None:
    clock = Clock(datetime(2026, 5, 1, tzinfo=UTC))
    written = Written(clock)

    async def refund(_: Request) -> JSONResponse:
        written.add("refund.create", "re_1", idempotency_key="k1", operation="op-7", amount=1_250, external_id=None)
        written.add("invoice.update", "in_1")
        return JSONResponse({})

    client = TestClient(simulator_app([Route("/refunds", refund)], clock=clock, written=written))
    client.get("/refunds")
    clock.advance(86_400)
    client.get("/refunds")

    ledger = client.get(WRITTEN).json()

    first = ledger["written"][0]
    assert first.pop("at").startswith("2026-05-01")
    assert first == {
        "kind": "refund.create",
        "key": "re_1",
        "idempotency_key": "k1",
        "operation": "op-7",
        "amount": 1_250,
    }
    assert (ledger["total"], ledger["kinds"]) == (4, {"invoice.update": 2, "refund.create": 2})
    assert ledger["written"][3]["at"].startswith("2026-05-02")


def test_the_ledger_can_be_forgotten_and_every_app_has_one() -> None:
    app = simulator_app([], clock=Clock())
    app.state.written.add("order.create", "801")
    client = TestClient(app)

    assert client.delete(WRITTEN).json() == {"total": 0, "kinds": {}, "written": []}
    assert app.state.written.of("order.create") == []


def test_the_clock_of_all_simulators_is_set_and_told() -> None:
    clock = Clock()
    one, other = (TestClient(simulator_app([], clock=clock)) for _ in range(2))
    assert one.put(CLOCK, json={"now": "2027-01-01T00:00:00+01:00"}).json()["now"].startswith("2026-12-31T23:00:0")
    assert other.get(CLOCK).json()["now"].startswith("2026-12-31T23:00:0")


@pytest.mark.parametrize("body", ["", "{}", '{"now": "soon"}', '{"now": "2027-01-01T00:00:00"}', '{"then": 1}', "[]"])
def test_what_is_no_instant_leaves_the_clock_as_it_is(body: str) -> None:
    clock = Clock(datetime(2026, 5, 1, tzinfo=UTC))
    answer = TestClient(simulator_app([], clock=clock)).put(CLOCK, content=body)
    assert answer.status_code == 400
    assert "an instant is expected" in answer.json()["error"]
    assert clock.now().year == 2026
