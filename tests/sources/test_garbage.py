"""Whatever a vendor answers, a connector tells of it as rows or as errors of its source, and ends."""

import contextlib
import random
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sources.canonical import Record
from sources.errors import SourceError
from sources.pipeline.reading import reading
from sources.ports import Ask, Call, Connector, Page, Reading, Reply
from sources.settings import Secret
from sources.tokens import Token
from sources.vendors.netsuite import VENDOR as NETSUITE
from sources.vendors.salesforce import VENDOR as SALESFORCE
from sources.vendors.salesforce import wire
from sources.vendors.stripe import VENDOR as STRIPE
from sources.vendors.tryton import VENDOR as TRYTON
from sources.vendors.zendesk import VENDOR as ZENDESK
from tests.fakes.shapes import made, word

Body = Callable[[Call, random.Random, float], Any]
TOKEN = {"access_token": "t", "token_type": "bearer", "expires_in": 7200}
KEYS = {"list": ("",), "search": ("acme",), "account_meter": ("cus_1|mtr_1",), "email": ("a@x.example",)}
SPOILED: tuple[Callable[[bytes], bytes], ...] = (
    lambda body: body[: len(body) // 2],
    lambda body: b"\xff" + body,
    lambda body: body.replace(b'"', b'"\xed\xa0\x80', 1),
    lambda _body: b"",
    lambda _body: b"<html>words</html>",
    lambda _body: b"null",
    lambda _body: b"[" * 100_000,
    lambda body: b"[" + body + b"]",
)
MOST_CALLS = 400


def plain(call: Call, rng: random.Random, junk: float) -> Any:
    """A body of the shape the call is read as; `args` of its reading are (source, shape)."""
    return made(call.read.args[1], rng, junk)  # type: ignore[union-attr]


def salesforce(call: Call, rng: random.Random, junk: float) -> Any:
    if call.operation != "composite.batch":
        return plain(call, rng, junk)
    questions = call.read.args[1]  # type: ignore[union-attr]
    pages = [made(_page(question), rng, junk) for question in questions]
    return {"hasErrors": False, "results": [{"statusCode": 200, "result": page} for page in pages]}


def _page(question: Any) -> Any:
    return wire.Page[question.shape]


def netsuite(call: Call, rng: random.Random, junk: float) -> Any:
    _source, selects, _limit = call.read.args  # type: ignore[union-attr]
    rows = []
    for number, select in enumerate(selects):
        for _ in range(rng.randrange(4)):
            values = {name: word(name, rng, junk) for name in select.columns if name == "id" or rng.random() < 0.9}
            if len(selects) > 1:
                values = {f"c{at}": values[name] for at, name in enumerate(select.columns) if name in values}
                rows.append({"q": str(number), **values})
            else:
                rows.append({f"x_{name}": value for name, value in values.items()})
    return {"items": rows, "hasMore": False}


SENSIBLE = {"sale": "draft", "account.invoice": "posted", "account.move": "posted", "account.period": "open"}


def tryton(call: Call, rng: random.Random, junk: float) -> Any:
    """Rows of the shape; where there is no junk, days that exist, amounts, and states that the model has."""
    rows = plain(call, rng, junk)
    if not junk:
        state = next((word for model, word in SENSIBLE.items() if call.operation.startswith(model)), "")
        _make_sense(rows, {"decimal": "12.50", "year": 2026, "month": 2, "day": 3, "state": state})
    return rows


def _make_sense(value: Any, known: dict[str, Any]) -> None:
    if isinstance(value, list):
        for each in value:
            _make_sense(each, known)
    elif isinstance(value, dict):
        value |= {name: word for name, word in known.items() if name in value}
        for name, each in value.items():
            _make_sense(each, known)
            if name in ("currency.", "second_currency.") and each is not None:
                each["code"] = "EUR"


GIVEN: dict[str, tuple[Any, dict[str, Any], Body]] = {
    "salesforce": (SALESFORCE, {"client_id": "c", "client_secret": Secret("s"), "window": 0.0}, salesforce),
    "stripe": (STRIPE, {"key": Secret("k")}, plain),
    "netsuite": (
        NETSUITE,
        {"client_id": "c", "certificate_id": "k", "private_key": Secret("p"), "window": 0.0},
        netsuite,
    ),
    "zendesk": (ZENDESK, {"client_id": "c", "client_secret": Secret("s")}, plain),
    "tryton": (TRYTON, {"database": "erp", "key": Secret("k"), "company": 1}, tryton),
}


def opened(vendor: str, rng: random.Random, junk: float, spoil: bool) -> Connector:
    offered, more, body = GIVEN[vendor]
    calls = 0

    async def send(call: Call) -> Reply:
        nonlocal calls
        calls += 1
        assert calls <= MOST_CALLS, "it goes on for ever"
        if call.operation == "token":
            return Reply(200, {}, msgspec.json.encode(TOKEN))
        raw = msgspec.json.encode(body(call, rng, junk))
        if spoil and rng.random() < 0.3:
            raw = rng.choice(SPOILED)(raw)
        return Reply(200, {}, raw)

    settings_of = offered.settings(vendor=vendor, url="https://vendor.test", max_rows=50, **more)
    connector: Connector = offered.open("source", settings_of, reading(send))
    if vendor == "netsuite":
        connector._client._tokens._fetch = granted  # type: ignore[attr-defined]
    return connector


async def granted() -> Token:
    """In place of an assertion that would have to be signed each time."""
    return Token("t")


async def asked(vendor: str, seed: int, junk: float, *, spoil: bool) -> Reading:
    rng = random.Random(seed)
    connector = opened(vendor, rng, junk, spoil)
    record, by = rng.choice(sorted(connector.capabilities, key=lambda pair: (pair[0].__name__, pair[1])))
    keys = KEYS.get(by, rng.choice([("1",), ("cus_1", "in_1"), ("001A",), ("1", "2", "cus_1", "001A")]))
    return await connector.read(Ask(record, by, keys, Page(rng.choice([None, 1, 5]))))


@pytest.mark.parametrize("vendor", GIVEN)
@settings(max_examples=200)
@given(seed=st.integers(0, 2**32), junk=st.sampled_from([0.0, 0.02, 0.2, 1.0]), spoil=st.booleans())
async def test_any_answer_becomes_rows_or_errors(vendor: str, seed: int, junk: float, spoil: bool) -> None:
    try:
        told = await asked(vendor, seed, junk, spoil=spoil)
    except SourceError:
        return
    assert all(isinstance(error, SourceError) for error in told.errors.values())
    for rows in told.rows.values():
        assert all(isinstance(each, Record) for each in rows.records)
        assert msgspec.json.encode(list(rows.records))


@pytest.mark.parametrize("vendor", GIVEN)
async def test_what_makes_sense_becomes_rows(vendor: str) -> None:
    """The answers above are no mere noise: without junk many of them are told."""
    full = 0
    for seed in range(200):
        with contextlib.suppress(SourceError):
            told = await asked(vendor, seed, 0.0, spoil=False)
            full += any(rows.records for rows in told.rows.values())
    assert full >= 10
