"""`opsgraph orders`: governed writes of a running gateway: lists them, shows one, resumes, cancels and watches it."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

from gateway.cli import client, ordered
from gateway.cli.client import Away, Client
from gateway.cli.errors import Unusable

ENDED = frozenset({"COMPLETED", "COMPENSATED", "REJECTED", "CANCELED", "EXPIRED"})
STATES = ("RECEIVED", "AWAITING_APPROVAL", "RUNNING", "NEEDS_ATTENTION", "COMPENSATING", *sorted(ENDED))
_OPEN = tuple(state for state in STATES if state not in ENDED)
_PATIENCE = 60.0  # for how long a gateway that is away is asked again
_ROOM = "{ key mutation state reason amount { amount currency } askedBy human acceptedAt updatedAt endedAt version"
_LIST = f"""query Orders($first: Int, $after: String, $filter: OperationFilter) {{
  operations(first: $first, after: $after, filter: $filter) {{
    nodes {_ROOM} approvals {{ role decision }} exceptions {{ kind owner status dueAt }} }}
    pageInfo {{ hasNextPage endCursor }}
  }}
}}"""
_SHOW = f"""query Order($id: ID!) {{
  operation(id: $id) {_ROOM}
    outcome correlationId account {{ key name }} legalEntity {{ key }}
    steps {{ number name direction outcome attempts source owner sentAs requestId message startedAt finishedAt }}
    approvals {{ key role decision askedAt expiresAt decidedBy decidedAt reason reasons evidenceHash }}
    exceptions {{ key step kind owner reason status assignee answerDueAt dueAt openedAt resolvedBy resolution }}
    history {{ at actor human action decision rule reason }}
  }}
}}"""
_WATCH = f"""query Order($id: ID!) {{
  operation(id: $id) {_ROOM} steps {{ number name direction outcome attempts source message startedAt finishedAt }} }}
}}"""
_TOLD = "{ operation { key state } exception { key kind owner } approvals { key role evidenceHash expiresAt } }"
_RESUME = f"""mutation Resume($input: ResumeOperationInput!) {{ resumeOperation(input: $input) {_TOLD} }}"""
_CANCEL = f"""mutation Cancel($input: CancelOperationInput!) {{ cancelOperation(input: $input) {_TOLD} }}"""
_RESOLVE = f"""mutation Resolve($input: ResolveExceptionInput!) {{ resolveException(input: $input) {_TOLD} }}"""


def declare(command: argparse.ArgumentParser) -> None:
    """Its options."""
    ways = command.add_subparsers(dest="way", required=True, metavar="WAY")

    def way(name: str, purpose: str, run: Callable[[argparse.Namespace], int]) -> argparse.ArgumentParser:
        found = ways.add_parser(name, help=purpose, description=purpose.capitalize() + ".")
        client.declare(found)
        found.add_argument("--json", action="store_true", help="print JSON, for scripts")
        found.set_defaults(run=run)
        return found

    listed = way("list", "what you may see of them, the newest first", _list)
    which = listed.add_mutually_exclusive_group()
    which.add_argument("--state", action="append", choices=STATES, metavar="STATE", help=f"one of {', '.join(STATES)}")
    which.add_argument("--open", action="store_true", help="those that have not ended")
    which.add_argument("--stuck", action="store_true", help="those that need somebody")
    listed.add_argument("--mutation", action="append", metavar="NAME", help="such as submitOrder")
    listed.add_argument("--account", metavar="KEY", help="those about one account")
    listed.add_argument("--person", metavar="NAME", help="those that one person asked for")
    listed.add_argument("--first", type=int, default=20, metavar="N", help="how many: 1 to 100 (default: 20)")
    listed.add_argument("--after", metavar="CURSOR", help="go on behind a page, by the cursor it ended with")
    shown = way("show", "one of them with its steps, approvals, exceptions and history", _show)
    watched = way("watch", "tell what becomes of one until it ends; exit status 1 unless it went through", _watch)
    watched.add_argument("--every", type=float, default=1.0, metavar="SECONDS", help="how often to look (default: 1)")
    resumed = way("resume", "try again what one stands still at", _resume)
    resumed.add_argument(
        "--change", action="append", metavar="FIELD=VALUE", help="with another value: of a field that the step names"
    )
    canceled = way("cancel", "call one back: what it did is taken back", _cancel)
    for each in (shown, watched, resumed, canceled):
        each.add_argument("id", help="its key, or its `id` in the graph")
    for each in (resumed, canceled):
        each.add_argument("--reason", required=True, metavar="TEXT", help="why, for approvers and for the audit")


def _list(options: argparse.Namespace) -> int:
    if not 1 <= options.first <= 100:
        raise Unusable(f"`--first` is {options.first}: 1 to 100 are possible")
    found = Client.of(options).ask(_LIST, _which(options), "operations")
    if options.json:
        return _print(found)
    nodes = [each for each in found["nodes"] if each is not None]
    print(ordered.listed(nodes) if nodes else "no such operation, or none that you may see")
    if found["pageInfo"]["hasNextPage"]:
        print(f"  more: --after {found['pageInfo']['endCursor']}\n")
    return 0


def _which(options: argparse.Namespace) -> dict[str, Any]:
    states = options.state or (_OPEN if options.open else ["NEEDS_ATTENTION"] if options.stuck else None)
    wanted = {
        "state": states and list(states),
        "mutation": options.mutation,
        "account": options.account,
        "person": [options.person.strip().casefold()] if options.person else None,
    }
    given = {name: value for name, value in wanted.items() if value is not None}
    return {"first": options.first, "after": options.after, "filter": given or None}


def _show(options: argparse.Namespace) -> int:
    found = _one(Client.of(options), _SHOW, options.id)
    if options.json:
        return _print(found)
    print(ordered.shown(found))
    return 0


def _one(asked: Client, document: str, key: str) -> dict[str, Any]:
    found = asked.ask(document, {"id": key}, "operation")
    if found is None:
        raise Unusable(f"there is no operation `{key}`, or it is not for you to see")
    return dict(found)


def _watch(options: argparse.Namespace) -> int:
    if not 0.1 <= options.every <= 3600:
        raise Unusable(f"`--every` is {options.every:g}: 0.1 to 3600 seconds are possible")
    asked, seen = Client.of(options), ordered.Seen()
    while True:
        found = _patiently(asked, options.id)
        for line in seen.news(found):
            print(json.dumps(line) if options.json else ordered.said(line), flush=True)
        if found["state"] in ENDED:
            return 0 if found["state"] == "COMPLETED" else 1
        time.sleep(options.every)


def _patiently(asked: Client, key: str) -> dict[str, Any]:
    """The operation now; a gateway that is being restarted is waited for."""
    until, told = time.monotonic() + _PATIENCE, False
    while True:
        try:
            return _one(asked, _WATCH, key)
        except Away as error:
            if time.monotonic() > until:
                raise
            if not told:
                print(f"opsgraph: {error}; trying again", file=sys.stderr, flush=True)
            told = True
            time.sleep(1.0)


def _resume(options: argparse.Namespace) -> int:
    asked = Client.of(options)
    if not options.change:
        given = {"operation": options.id, "reason": options.reason}
        return _tell(options, asked.ask(_RESUME, {"input": given}, "resumeOperation"), "goes on")
    changes = [_change(each) for each in options.change]
    waiting = [each for each in _one(asked, _SHOW, options.id)["exceptions"] or [] if each["status"] != "RESOLVED"]
    if not waiting:
        raise Unusable(f"operation `{options.id}` waits for nobody's word")
    given = {"exception": waiting[-1]["key"], "action": "RESUME", "reason": options.reason, "changes": changes}
    return _tell(options, asked.ask(_RESOLVE, {"input": given}, "resolveException"), "goes on")


def _change(text: str) -> dict[str, str]:
    field, equals, value = text.partition("=")
    if not equals or not field.strip():
        raise Unusable(f"`--change {text}` is no change: `posted_on=2026-12-01` is one")
    return {"field": field.strip(), "value": value}


def _cancel(options: argparse.Namespace) -> int:
    given = {"operation": options.id, "reason": options.reason}
    return _tell(options, Client.of(options).ask(_CANCEL, {"input": given}, "cancelOperation"), "is called back")


def _tell(options: argparse.Namespace, told: Mapping[str, Any], what: str) -> int:
    if options.json:
        return _print(told)
    operation = told["operation"] or {"key": options.id, "state": "?"}
    for each in told["approvals"] or []:
        until = ordered.instant(each["expiresAt"])
        print(f"{each['role']} has to agree until {until}: approval {each['key']}, evidence {each['evidenceHash']}")
    if not told["approvals"]:
        print(f"{operation['key']} {what}: see `opsgraph orders watch {operation['key']}`")
    return 0


def _print(found: Any) -> int:
    print(json.dumps(found, indent=2, ensure_ascii=False))
    return 0
