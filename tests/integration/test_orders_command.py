"""`opsgraph orders` against a running demo: an order is held, resumed, called back and watched, by who may."""

import json
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.cli import main
from tests.integration.conftest import Demo

SUBMIT = "mutation M($input: SubmitOrderInput!) { submitOrder(input: $input) { __typename ... on WriteAnswer { operation { key } } } }"
Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def orders(demo: Demo, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    def running(role: str, *line: str) -> tuple[int, str, str]:
        monkeypatch.setenv("OPSGRAPH_TOKEN", demo.known["tokens"][role])
        status = main(["orders", *line, "--gateway", demo.known["endpoint"]])
        said = capsys.readouterr()
        return status, said.out, said.err

    return running


def ordered(demo: Demo, landmark: str) -> str:
    """An order of ten seats; its operation's key."""
    prices = demo.ask("{ products(first: 30) { nodes { prices { key lookupKey } } } }")["data"]["products"]["nodes"]
    (price,) = [
        each["key"]
        for product in prices
        for each in product["prices"] or []
        if each["lookupKey"] == "addon-security-month-usd"
    ]
    line = {"product": "ADDON-SECURITY", "price": price, "quantity": "10", "unitPrice": "60.00"}
    given = {
        "account": demo.landmarks[landmark], "legalEntity": "US", "currency": "USD", "lines": [line],
        "startOn": datetime.now(UTC).date().isoformat(), "idempotencyKey": uuid.uuid4().hex,
    }  # fmt: skip
    answer = demo.ask(SUBMIT, "cpq_service", input=given)
    found = answer["data"]["submitOrder"]
    assert found["__typename"] == "Accepted", answer
    return str(found["operation"]["key"])


def until(look: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not look():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_an_order_is_watched_to_its_end_and_shown_with_what_it_did(demo: Demo, orders: Command) -> None:
    key = ordered(demo, "two_entities")
    status, said, _ = orders("auditor", "watch", key, "--every", "0.1")
    assert (status, said.splitlines()[-1].split()[-1]) == (0, "COMPLETED")
    assert [line.split()[3] for line in said.splitlines() if " OK" in line][:2] == ["reserve_credit", "erp_customer"]
    status, page, _ = orders("auditor", "show", key)
    assert status == 0
    assert page.startswith(f"submitOrder {key}\n  COMPLETED\n  for ")
    assert "submitOrder.activate.Order" in page
    status, _, refusal = orders("platform", "resume", key, "--reason", "once more")
    assert (status, "waits for nobody's word (VERSION_CONFLICT" in refusal) == (2, True)


def test_a_held_order_is_resumed_and_called_back_by_its_owner(demo: Demo, orders: Command) -> None:
    key = ordered(demo, "credit_hold")

    def raised() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(orders("auditor", "show", key, "--json")[1])["exceptions"] or []
        return found

    until(lambda: len(raised()) == 1)
    _, listed, _ = orders("auditor", "list", "--stuck")
    (line,) = [each for each in listed.splitlines() if key in each]
    assert "credit_manager: CREDIT_HOLD, due " in line
    status, _, refusal = orders("auditor", "resume", key, "--reason", "it looks fine")
    assert (status, "(FORBIDDEN" in refusal) == (2, True)
    status, said, _ = orders("credit_manager", "resume", key, "--reason", "they have paid")
    assert (status, said) == (0, f"{key} goes on: see `opsgraph orders watch {key}`\n")
    until(lambda: len(raised()) == 2)
    assert [each["status"] for each in raised()] == ["RESOLVED", "OPEN"], "they have not"
    assert orders("credit_manager", "cancel", key, "--reason", "they have not")[0] == 0
    status, said, _ = orders("auditor", "watch", key, "--every", "0.1")
    assert (status, said.splitlines()[-1].partition("  ")[2]) == (1, "CANCELED: they have not")
