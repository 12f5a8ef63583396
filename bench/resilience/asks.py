"""What is asked during a soak, and what of an answer counts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import cycle
from typing import Any

import msgspec

SOURCES = ("billing", "crm", "erp", "support")
ROLE = "auditor"
_TOLD = "provenance { source served }"
# Fields that ask one source only, besides the account's own: name -> (source, selection).
PIECES = {
    "contacts": ("crm", f"contacts(first: 3) {{ nodes {{ name {_TOLD} }} }}"),
    "invoices": ("billing", f"invoices(first: 3) {{ nodes {{ number {_TOLD} }} }}"),
    "subscriptions": ("billing", f"subscriptions(first: 3) {{ nodes {{ key {_TOLD} }} }}"),
    "billingProfiles": ("erp", f"billingProfiles {{ name {_TOLD} }}"),
    "cases": ("support", f"cases(first: 3) {{ nodes {{ number {_TOLD} }} }}"),
}
_ROOTS = f"invoice(key: $invoice) {{ number {_TOLD} }} case(key: $case) {{ number {_TOLD} }}"
_ENTITLED = (
    'entitlementCheck(account: $account, supportTier: "premium", intent: OPEN_CASE) '
    "{ decision fallbackRule evidence { source served } }"
)
# Of ten asks: those that ask other sources only (a), those that ask the sick one too (b), entitlement checks (c).
_MIX = "abcabababc"
TYPED = frozenset(
    {
        "SOURCE_TIMEOUT",
        "SOURCE_UNAVAILABLE",
        "SOURCE_THROTTLED",
        "SOURCE_GARBLED",
        "RESPONSE_TOO_LARGE",
        "CIRCUIT_OPEN",
        "STALE_LIMIT_EXCEEDED",
        "DEADLINE_EXCEEDED",
    }
)

# What a question is answered about some accounts, whatever becomes of the sources.
_ORDINARY = frozenset({"IDENTITY_AMBIGUOUS"})


class Known(msgspec.Struct, frozen=True):
    """Keys to ask about. The first `hot` accounts get half of the asks: what is known of them is remembered."""

    accounts: tuple[str, ...]
    invoices: tuple[str, ...]
    cases: tuple[str, ...]
    hot: int = 10


class Outcome(msgspec.Struct, frozen=True):
    """What became of one ask. `began` on the machine's clock, `ms` until the answer. `errors`: (path, code);
    `missing`: fields that are null without an error; `served`: source -> how -> facts."""

    kind: str
    began: float
    ms: float
    status: int
    errors: tuple[tuple[str, str], ...] = ()
    missing: tuple[str, ...] = ()
    served: dict[str, dict[str, int]] = msgspec.field(default_factory=dict)


def documents(sick: str) -> dict[str, str]:
    """The operation of each kind. Everything about an account begins at the CRM: where that is sick, what does not ask
    it begins at an invoice and a case."""
    others = " ".join(selection for source, selection in PIECES.values() if source != sick)
    every = " ".join(selection for _, selection in PIECES.values())
    account = "query($account: ID!) { account(by: { key: $account }) { name %s } }"
    return {
        "a": account % others if sick != "crm" else f"query($invoice: ID!, $case: ID!) {{ {_ROOTS} }}",
        "b": account % every,
        "c": f"query($account: ID!) {{ {_ENTITLED} }}",
    }


def asks(sick: str, known: Known) -> Iterator[tuple[str, str]]:
    """(kind, body) without an end: every other ask is about a hot account, the others go through all of them."""
    texts = documents(sick)
    hot, cold = cycle(known.accounts[: known.hot]), cycle(known.accounts)
    invoices, cases = cycle(known.invoices), cycle(known.cases)
    for number, kind in enumerate(cycle(_MIX)):
        account = next(hot if number % 2 else cold)
        roots = {"invoice": next(invoices), "case": next(cases)}
        variables = roots if kind == "a" and sick == "crm" else {"account": account}
        yield kind, json.dumps({"query": texts[kind], "variables": variables})


def read(kind: str, began: float, ms: float, status: int, body: bytes) -> Outcome:
    """What became of an ask, from its answer."""
    try:
        answer: dict[str, Any] = json.loads(body)
    except ValueError:
        return Outcome(kind, began, ms, status, errors=(("", "NO_ANSWER"),))
    every = [(_path(error), str(error.get("extensions", {}).get("code"))) for error in answer.get("errors", ())]
    errors = tuple((path, code) for path, code in every if code not in _ORDINARY)
    data = answer.get("data") or {}
    served: dict[str, dict[str, int]] = {}
    for source, how in _served(data):
        counts = served.setdefault(source, {})
        counts[how] = counts.get(how, 0) + 1
    return Outcome(kind, began, ms, status, errors, _missing(kind, data, [path for path, _ in every]), served)


def _path(error: Mapping[str, Any]) -> str:
    return ".".join(step for step in error.get("path") or () if isinstance(step, str))


def _missing(kind: str, data: Mapping[str, Any], paths: Sequence[str]) -> tuple[str, ...]:
    if kind == "c":
        expected = {"entitlementCheck": data.get("entitlementCheck")}
    else:
        expected = {name: value for name, value in data.items() if name != "account"}
        expected |= {f"account.{name}": value for name, value in (data.get("account") or {}).items()}
        if "account" in data and data["account"] is None:
            expected["account"] = None
    return tuple(
        name for name, value in expected.items() if value is None and not any(path.startswith(name) for path in paths)
    )


def _served(value: Any) -> tuple[tuple[str, str], ...]:
    if isinstance(value, dict):
        if "served" in value:
            return ((str(value.get("source")), str(value["served"])),)
        return tuple(found for each in value.values() for found in _served(each))
    if isinstance(value, list):
        return tuple(found for each in value for found in _served(each))
    return ()


def affected(sick: str, path: str) -> bool:
    """Whether a field asks the sick source; an entitlement check and a whole operation may."""
    first, _, rest = path.partition(".")
    if first in ("", "entitlementCheck"):
        return True
    if first != "account":
        return PIECES.get(f"{first}s", ("", ""))[0] == sick
    field = rest.partition(".")[0]
    return sick == "crm" if field not in PIECES else PIECES[field][0] == sick or sick == "crm"
