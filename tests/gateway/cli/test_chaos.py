"""`opsgraph chaos`: what it tells the demo, and what it tells its user."""

import argparse
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from gateway.cli import main
from gateway.cli.chaos import declare, order, table
from gateway.enterprise.faults.fault import Kind, parse
from tests.peers import closed_port, serving

STATES: list[dict[str, Any]] = [
    {"source": "billing", "fault": "down", "text": "down", "endsIn": 41.7, "asks": {"off": 1204, "hang": 3}},
    {"source": "crm", "fault": "off", "text": "off", "endsIn": None, "asks": {}},
    {"source": "erp", "fault": "latency", "text": "latency 4 s", "endsIn": None, "asks": {"latency": 2}},
]


def told(line: str) -> dict[str, Any] | None:
    parser = argparse.ArgumentParser()
    declare(parser)
    return order(parser.parse_args(line.split()))


ORDERS = [
    ("", None),
    ("--off", {"fault": "off"}),
    ("billing --off", {"fault": "off", "source": "billing"}),
    ("billing --latency 4s", {"fault": "latency", "source": "billing", "seconds": 4.0}),
    (
        "billing --latency 250ms --jitter 50ms",
        {"fault": "latency", "source": "billing", "seconds": 0.25, "jitter": 0.05},
    ),
    ("billing --down --for 1m", {"fault": "down", "source": "billing", "for": 60.0}),
    ("billing --flaky", {"fault": "flaky", "source": "billing", "percent": 30.0}),
    ("billing --flaky 12.5", {"fault": "flaky", "source": "billing", "percent": 12.5}),
    ("billing --slow-drip", {"fault": "slow-drip", "source": "billing"}),
    ("billing --late 5s", {"fault": "late", "source": "billing", "seconds": 5.0}),
    ("billing --503 --retry-after 7s", {"fault": "503", "source": "billing", "retryAfter": 7.0}),
    ("billing --429 --retry-after none", {"fault": "429", "source": "billing", "retryAfter": None}),
    ("billing --500 --percent 30%", {"fault": "500", "source": "billing", "percent": 30.0}),
]


@pytest.mark.parametrize(("line", "expected"), ORDERS, ids=[line for line, _ in ORDERS])
def test_a_line_is_an_order(line: str, expected: dict[str, Any] | None) -> None:
    assert told(line) == expected


@pytest.mark.parametrize("kind", Kind)
def test_every_fault_there_is_can_be_told(kind: Kind) -> None:
    made = told(f"billing --{kind.value}{' 1s' if kind is Kind.LATENCY else ''}")
    assert made is not None
    assert made.pop("source") == "billing"
    assert parse(made)[0].kind is kind


MISTAKES = [
    ("billing", "say which fault: such as `opsgraph chaos billing --down`"),
    ("--for 60s", "say which fault"),
    ("--hang", "say which source is to fail: such as `opsgraph chaos billing --hang`"),
    ("billing --latency soon", "`soon` is no duration: `4s`, `250ms` or `2m` are"),
    ("billing --down --for 1d", "`1d` is no duration"),
    ("billing --flaky most", "`most` is no share: `30%` is"),
    ("billing --down --jitter 1s", "`--jitter` goes with `--latency`, not with `--down`"),
    ("billing --500 --retry-after 1s", "`--retry-after` goes with `--503` and `--429`, not with `--500`"),
    ("billing --down --demo nowhere://x", "`--demo nowhere://x` is no address"),
    ("--demo http://localhost:port", "`--demo http://localhost:port` is no address"),
]


@pytest.mark.parametrize(("line", "said"), MISTAKES, ids=[line for line, _ in MISTAKES])
def test_a_mistake_is_one_line(line: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["chaos", *line.split()]) == 2
    shown = capsys.readouterr()
    assert shown.err.startswith(f"opsgraph: {said}")
    assert shown.err.count("\n") == 1
    assert not shown.out


def test_where_no_demo_runs_it_says_how_to_start_one(capsys: pytest.CaptureFixture[str]) -> None:
    address = closed_port()
    assert main(["chaos", "--demo", address]) == 2
    assert capsys.readouterr().err.startswith(f"opsgraph: no demo runs at {address} (")


@pytest.mark.parametrize(
    "answer",
    [PlainTextResponse("Not Found", 404), JSONResponse([]), JSONResponse({"sources": 1}), JSONResponse({"ok": True})],
)
def test_something_else_at_that_address_is_no_demo(answer: Response, capsys: pytest.CaptureFixture[str]) -> None:
    async def chaos(_request: Request) -> Response:
        return answer

    with serving(Starlette(routes=[Route("/demo/chaos", chaos)])) as address:
        assert main(["chaos", "--demo", address]) == 2
    assert "is no demo: only `opsgraph demo` has sources that fail when told to" in capsys.readouterr().err


def test_the_table_tells_what_each_source_plays() -> None:
    assert table(STATES) == (
        "\n"
        "  source   fault        ends       asks   of them met by\n"
        "  ──────────────────────────────────────────────────────\n"
        "  billing  down         in 42 s    1,207  hang 3\n"
        "  crm      —            —          0      —\n"
        "  erp      latency 4 s  when told  2      latency 2\n"
    )
