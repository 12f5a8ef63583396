"""Faults set from outside: over HTTP, and in a process that ends with whoever started it."""

import json
import subprocess
import sys
from collections.abc import AsyncIterator

import httpx2
import pytest

from gateway.enterprise.faults.control import control
from gateway.enterprise.faults.fault import OFF, BadFault, Fault, Kind, described, of, parse
from gateway.enterprise.faults.proxy import FaultProxy

BAD = [
    ({"fault": "slow"}, "there is no fault `slow`: one of off, latency, down,"),
    ({"fault": "latency", "seconds": "4"}, "`seconds` is `4`: a number is expected"),
    ({"fault": "latency", "seconds": -1}, "`seconds` is -1: 0 to 86400 seconds are possible"),
    ({"fault": "flaky", "percent": 0}, "`percent` is 0: more than 0 and at most 100 is possible"),
    ({"fault": "down", "percent": 50}, "`down` is for every connection"),
    ({"fault": "hang", "for": 0}, "`for` is 0: more than 0"),
    ({"fault": "hang", "for": True}, "`for` is `True`: a number is expected"),
    ({"fault": "hang", "while": 3}, "`while` is unknown"),
    ({}, "there is no fault `None`"),
]


@pytest.mark.parametrize(("told", "said"), BAD, ids=[said for _, said in BAD])
def test_a_fault_that_cannot_be_played_says_why(told: dict, said: str) -> None:
    with pytest.raises(BadFault) as refused:
        parse(told)
    assert str(refused.value).startswith(said)


@pytest.mark.parametrize("kind", Kind)
def test_every_fault_can_be_told_by_its_name_alone(kind: Kind) -> None:
    fault, lasts = parse({"fault": kind.value})
    assert fault == of(kind)
    assert lasts is None
    assert described(fault).startswith(kind.value)


def test_what_is_told_is_what_is_played() -> None:
    told = {"fault": "latency", "seconds": 2, "jitter": 0.5, "percent": 30, "for": 60}
    assert parse(told) == (Fault(Kind.LATENCY, 2.0, 0.5, 30.0), 60.0)
    assert described(parse(told)[0]) == "latency 2 s ± 0.5 s 30 %"
    assert parse({"fault": "429"})[0].retry_after == 1.0
    assert parse({"fault": "429", "retryAfter": None})[0] == Fault(Kind.THROTTLED)
    assert described(Fault(Kind.THROTTLED)) == "429 without Retry-After"


@pytest.fixture
async def proxies() -> AsyncIterator[dict[str, FaultProxy]]:
    """Two in front of nobody."""
    made = {name: FaultProxy(name, "http://127.0.0.1:9") for name in ("billing", "crm")}
    yield made
    for proxy in made.values():
        await proxy.close()


@pytest.fixture
async def client(proxies: dict[str, FaultProxy]) -> AsyncIterator[httpx2.AsyncClient]:
    """Of their control."""
    transport = httpx2.ASGITransport(control(proxies))
    async with httpx2.AsyncClient(transport=transport, base_url="http://control") as made:
        yield made


async def test_the_control_sets_one_source_and_ends_all(proxies, client: httpx2.AsyncClient) -> None:
    answer = await client.post("/faults", json={"source": "billing", "fault": "500", "for": 60})
    assert [each["fault"] for each in answer.json()["sources"]] == ["500", "off"]
    assert 50 < answer.json()["sources"][0]["endsIn"] <= 60
    assert (await client.get("/faults")).json()["faults"] == list(Kind)
    ended = await client.post("/faults", json={"fault": "off"})
    assert [each["fault"] for each in ended.json()["sources"]] == ["off"] * 2
    assert all(proxy.fault == OFF for proxy in proxies.values())


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"[]", "a JSON object is expected"),
        (b'{"fault": "hang"}', "`source` is missing: one of billing, crm is possible"),
        (b'{"source": "erp", "fault": "hang"}', "there is no source `erp`: one of billing, crm is possible"),
        (b'{"source": 7, "fault": "hang"}', "there is no source `7`"),
    ],
)
async def test_the_control_refuses_what_it_does_not_understand(client: httpx2.AsyncClient, body: bytes, said) -> None:
    answer = await client.post("/faults", content=body)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(said)
    assert (await client.get("/asks?source=erp")).status_code == 400


def test_a_process_of_proxies_ends_with_whoever_started_it(free_address: str) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "gateway.enterprise.faults"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps({"billing": {"url": free_address, "tokens": ["/t"]}}) + "\n")
    process.stdin.flush()
    told = json.loads(process.stdout.readline())
    httpx2.post(f"{told['control']}/faults", json={"source": "billing", "fault": "503"})
    assert httpx2.get(f"{told['proxies']['billing']}/x").status_code == 503
    assert httpx2.get(f"{told['proxies']['billing']}/t").status_code == 503
    asks = httpx2.get(f"{told['control']}/asks?source=billing").json()
    assert [(met, token) for _, met, token in asks] == [("503", False), ("503", True)]
    assert httpx2.delete(f"{told['control']}/asks").status_code == 204
    assert httpx2.get(f"{told['control']}/asks?source=billing").json() == []
    process.stdin.close()
    assert process.wait(20) == 0
    process.stdout.close()
