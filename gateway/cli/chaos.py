"""`opsgraph chaos`: has a source of a running demo fail, and shows which do."""

from __future__ import annotations

import argparse
import http.client
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from gateway.cli.errors import Unusable

DEMO = "http://127.0.0.1:4000"
_PATH = "/demo/chaos"
_PLAIN = {
    "down": "refuse connections, and reset those there are",
    "dead": "accept connections and reset them",
    "hang": "accept requests and never answer",
    "500": "answer 500",
    "503": "answer 503, with Retry-After",
    "429": "answer 429, with Retry-After",
    "garbage": "answer 200 and random bytes",
    "html": "answer 200 and a page for people",
    "wrong-shape": "answer 200 and JSON that nobody expects",
    "truncated": "promise more bytes than are sent",
    "huge": "answer without an end",
}
_TIMED = {
    "slow-drip": "send a byte every 200 ms, or every TIME",
    "late": "do what is asked and answer 30 s later, or TIME later",
}
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "": 1.0}
_WAIT = 10.0


def declare(command: argparse.ArgumentParser) -> None:
    """Its options."""
    command.usage = "opsgraph chaos [SOURCE --FAULT [--for TIME]] [--off] [--demo URL]"
    command.add_argument("source", nargs="?", help="which source, such as billing; left out: show all")
    faults = command.add_argument_group("faults", "one of them; TIME is such as 4s, 250ms or 2m")
    chosen = faults.add_mutually_exclusive_group()
    chosen.add_argument("--off", action="store_true", help="none any more; without a source: nowhere")
    chosen.add_argument("--latency", metavar="TIME", help="answer TIME later")
    chosen.add_argument("--flaky", metavar="SHARE", nargs="?", const="30%", help="500 or a reset for 30%%, or SHARE")
    for name, purpose in _TIMED.items():
        chosen.add_argument(f"--{name}", metavar="TIME", nargs="?", const="", help=purpose)
    for name, purpose in _PLAIN.items():
        chosen.add_argument(f"--{name}", action="store_true", help=purpose)
    command.add_argument("--for", metavar="TIME", dest="lasts", help="off by itself after that")
    command.add_argument("--jitter", metavar="TIME", help="with --latency: give or take TIME")
    command.add_argument("--percent", metavar="SHARE", help="only that share of the requests meets the fault")
    command.add_argument("--retry-after", metavar="TIME", help="with --503 or --429: another hint, or `none`")
    command.add_argument("--demo", metavar="URL", default=DEMO, help=f"where the demo runs (default: {DEMO})")
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Sets a fault, or shows them all."""
    told = order(options)
    answer = _ask(options.demo, told)
    if told is None:
        print(table(answer["sources"]))
        return 0
    concerned = [each for each in answer["sources"] if options.source in (None, each["source"])]
    print("\n".join(_said(each) for each in concerned))
    return 0


def order(options: argparse.Namespace) -> dict[str, Any] | None:
    """What the demo is told; None to be shown only. Raises Unusable."""
    fault, value = _chosen(options)
    modifiers = [name for name in ("lasts", "jitter", "percent", "retry_after") if getattr(options, name) is not None]
    if fault is None:
        if options.source is not None or modifiers:
            raise Unusable(
                "say which fault: such as `opsgraph chaos billing --down` (`opsgraph chaos --help` lists them)"
            )
        return None
    if options.source is None and fault != "off":
        raise Unusable(f"say which source is to fail: such as `opsgraph chaos billing --{fault}`")
    _refuse_idle(options, fault)
    told: dict[str, Any] = {"fault": fault}
    if options.source is not None:
        told["source"] = options.source
    if fault == "flaky":
        told["percent"] = share(value)
    elif value:
        told["seconds"] = seconds(value)
    if options.lasts is not None:
        told["for"] = seconds(options.lasts)
    if options.jitter is not None:
        told["jitter"] = seconds(options.jitter)
    if options.percent is not None:
        told["percent"] = share(options.percent)
    if options.retry_after is not None:
        told["retryAfter"] = None if options.retry_after == "none" else seconds(options.retry_after)
    return told


def _refuse_idle(options: argparse.Namespace, fault: str) -> None:
    """An option that changes nothing is a mistake."""
    idle = [
        ("--jitter", options.jitter, ("latency",)),
        ("--retry-after", options.retry_after, ("503", "429")),
    ]
    for name, given, faults in idle:
        if given is not None and fault not in faults:
            raise Unusable(f"`{name}` goes with `--{'` and `--'.join(faults)}`, not with `--{fault}`")


def _chosen(options: argparse.Namespace) -> tuple[str | None, str]:
    given = vars(options)
    for name in ("off", *_PLAIN):
        if given[name.replace("-", "_")]:
            return name, ""
    for name in ("latency", "flaky", *_TIMED):
        value = given[name.replace("-", "_")]
        if value is not None:
            return name, value
    return None, ""


def seconds(text: str) -> float:
    """A duration such as `4s`, `250ms`, `2m`, `1.5`, in seconds; raises Unusable."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|)", text.strip())
    if match is None:
        raise Unusable(f"`{text}` is no duration: `4s`, `250ms` or `2m` are")
    return float(match[1]) * _UNITS[match[2]]


def share(text: str) -> float:
    """A share such as `30%`, in percent; raises Unusable."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*%?", text.strip())
    if match is None:
        raise Unusable(f"`{text}` is no share: `30%` is")
    return float(match[1])


def _ask(demo: str, told: Mapping[str, Any] | None) -> dict[str, Any]:
    """The demo's answer; raises Unusable where there is no demo, or where it refuses."""
    connection = http.client.HTTPConnection(*_place(demo), timeout=_WAIT)
    try:
        if told is None:
            connection.request("GET", _PATH)
        else:
            connection.request("POST", _PATH, json.dumps(told), {"content-type": "application/json"})
        answer = connection.getresponse()
        body = answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise Unusable(
            f"no demo runs at {demo} ({error}): start one with `opsgraph demo`, or name its `--demo`"
        ) from None
    finally:
        connection.close()
    return _read(demo, answer.status, body)


def _place(demo: str) -> tuple[str, int]:
    parts = urlsplit(demo if "//" in demo else f"http://{demo}")
    try:
        host, port = parts.hostname, parts.port or 80
    except ValueError:
        host, port = None, 0
    if parts.scheme != "http" or not host:
        raise Unusable(f"`--demo {demo}` is no address: `{DEMO}` is")
    return host, port


def _read(demo: str, status: int, body: bytes) -> dict[str, Any]:
    try:
        said = json.loads(body)
        if status == 200 and isinstance(said["sources"], list):
            return dict(said)
        refusal = str(said["error"])
    except (ValueError, KeyError, TypeError):
        raise Unusable(
            f"what runs at {demo} is no demo: only `opsgraph demo` has sources that fail when told to"
        ) from None
    raise Unusable(refusal)


def table(states: Sequence[Mapping[str, Any]]) -> str:
    """Sources, what they play, for how long, and how many requests reached them."""
    rows = [("source", "fault", "ends", "asks", "of them met by")]
    for state in states:
        asks = state["asks"]
        met = ", ".join(f"{kind} {count:,}" for kind, count in asks.items() if kind != "off")
        fault = "—" if state["fault"] == "off" else state["text"]
        rows.append((state["source"], fault, _ends(state), f"{sum(asks.values()):,}", met or "—"))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    head, *body = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    return "\n  ".join(("", head, "─" * max(map(len, (head, *body))), *body)) + "\n"


def _ends(state: Mapping[str, Any]) -> str:
    if state["endsIn"] is not None:
        return f"in {state['endsIn']:.0f} s"
    return "—" if state["fault"] == "off" else "when told"


def _said(state: Mapping[str, Any]) -> str:
    if state["fault"] == "off":
        return f"{state['source']}: no fault"
    lasts = f", for {state['endsIn']:.0f} s" if state["endsIn"] is not None else ""
    return f"{state['source']}: {state['text']}{lasts}. End it with `opsgraph chaos {state['source']} --off`"
