"""localstripe as a running server: somebody else's billing (GPL), only ever a process of its own."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2

from tests.peers import interpreter

LOCALSTRIPE = "localstripe==1.15.10"
KEY = "sk_test_12345"


@contextmanager
def running() -> Iterator[str]:
    """The published server; its address."""
    script = str(Path(__file__).parent / "localstripe_server.py")
    command = [str(interpreter(LOCALSTRIPE)), script]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
    finally:
        process.stdin.close()
        process.stdout.close()
        process.terminate()
        process.wait(10)


class Till:
    """The old dialect's own side of what is written into it."""

    def __init__(self, url: str) -> None:
        self._url = url

    def post(self, path: str, **form: str) -> dict[str, Any]:
        answer = httpx2.post(self._url + path, data=form, auth=(KEY, ""))
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def get(self, path: str, **query: str) -> dict[str, Any]:
        return dict(httpx2.get(self._url + path, params=query, auth=(KEY, "")).json())

    def buyer(self, number: str = "4242424242424242") -> str:
        card = {
            "card[number]": number,
            "card[exp_month]": "12",
            "card[exp_year]": "2038",
            "card[cvc]": "123",
        }
        key, method = self.post("/v1/customers")["id"], self.post("/v1/payment_methods", type="card", **card)["id"]
        self.post(f"/v1/payment_methods/{method}/attach", customer=key)
        self.post(f"/v1/customers/{key}", **{"invoice_settings[default_payment_method]": method})
        return str(key)

    def subscribed(self, buyer: str) -> str:
        """The first invoice of a subscription, which is paid at once where the card is good; others there are none."""
        product = self.post("/v1/products", name="Team", type="service")["id"]
        plan = self.post("/v1/plans", amount="1000", currency="usd", interval="month", product=product)["id"]
        return str(self.post("/v1/subscriptions", customer=buyer, **{"items[0][plan]": plan})["latest_invoice"])
