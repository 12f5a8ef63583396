"""What people do at the book itself, and that whoever looks at all of it stands in nobody's way."""

import threading
from typing import Any

import httpx2
import pytest

from tests.sources.netsuite.simulator.conftest import Caller

FOLDED = "SELECT UPPER(companyname) AS name FROM customer ORDER BY LOWER(companyname)"


def did(account: Caller, page: str, body: Any) -> httpx2.Response:
    return httpx2.put(f"{account.base}/_simulator/{page}", json=body)


def held(account: Caller) -> Any:
    return httpx2.get(f"{account.base}/_simulator/holdings", timeout=30).json()


def test_a_period_is_closed_and_opened_again(account: Caller) -> None:
    months = "SELECT id, TO_CHAR(startdate, 'YYYY-MM-DD') AS day FROM accountingperiod WHERE isyear = 'F'"
    [month, *_] = account.rows(months)
    for closed, told in ((True, "T"), (False, "F")):
        assert did(account, "periods", {"day": month["day"], "closed": closed}).json()["changed"] >= 1
        assert account.rows("SELECT closed FROM accountingperiod WHERE id = ?", month["id"]) == [{"closed": told}]


def test_a_customer_is_held_and_a_customer_that_is_not_there_is_none(account: Caller) -> None:
    [party, *_] = held(account)["customer"]
    assert did(account, "holds", {"customer": party, "hold": "ON"}).json() == {"changed": 1}
    assert held(account)["customer"][party]["creditholdoverride"] == "ON"
    assert did(account, "holds", {"customer": "987654", "hold": "ON"}).json() == {"changed": 0}


@pytest.mark.parametrize(
    ("page", "body", "wrong"),
    [
        ("periods", {"day": "soon", "closed": True}, "$.day"),
        ("periods", {"day": "2026-01-01"}, "closed"),
        ("holds", {"customer": "1", "hold": "PERHAPS"}, "$.hold"),
        ("holds", {"customer": "1", "hold": "ON", "until": "monday"}, "until"),
    ],
)
def test_what_cannot_be_done_says_what_is_wrong(account: Caller, page: str, body: Any, wrong: str) -> None:
    refused = did(account, page, body)
    assert (refused.status_code, wrong in refused.json()["error"]) == (400, True), refused.text


def test_looking_at_everything_while_others_query_stops_nobody(account: Caller) -> None:
    """The book's functions are Python: were it read by a second thread, both could wait for each other for ever."""
    before, ended, found = held(account), threading.Event(), list[int]()

    def asking() -> None:
        while not ended.is_set():
            found.append(len(account.rows(FOLDED)))

    threads = [threading.Thread(target=asking, daemon=True) for _ in range(3)]
    for thread in threads:
        thread.start()
    looks = [held(account) for _ in range(30)]
    ended.set()
    for thread in threads:
        thread.join(30)
    assert not any(thread.is_alive() for thread in threads)
    assert looks == [before] * 30
    assert set(found) == {len(before["customer"])}
