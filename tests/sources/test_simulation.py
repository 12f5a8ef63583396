"""What every simulator has: here, the ledger of what was done in it."""

from __future__ import annotations

from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from sources.simulation.kit import Clock, Written, simulator_app

WRITTEN = "/_simulator/written"


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
